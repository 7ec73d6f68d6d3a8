/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A timeline as text.
 */
#ifndef REPORT_TIMELINE_H
#define REPORT_TIMELINE_H

#include "capture/timeline.h"
#include "report.h"

/* Intervals that can be read at a glance; what to ask timeline_read() for. */
#define TIMELINE_CELLS 48

/*
 * For each place and event the rate and the 99th percentile, interval by interval; where there are
 * many, a line for each of the two. @capture: what the file is of. 0 or -ENOMEM.
 */
int report_timeline(FILE *out, const struct capture *capture, const struct timeline *timeline,
		    const struct text_style *style);

#endif
