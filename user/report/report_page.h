/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A capture as a page, with what was when.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "capture/timeline.h"
#include "report.h"

/*
 * As report_write() does of "html", and besides @timeline of the same capture in the figures; NULL: there is
 * none, and @no_timeline says why. 0, -ENOMEM, or the error of writing.
 */
int report_page(FILE *out, const struct capture *capture, const struct timeline *timeline,
		const char *no_timeline);

#endif
