/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why events are unavailable, in words for people. Private to report_text_head.c and
 * report_probe.c.
 */
#ifndef REPORT_HOOKS_H
#define REPORT_HOOKS_H

#include "base/text.h"
#include "report_formats.h"

/*
 * Every event that was to be counted and is not, on a few lines from column @indent on, whose
 * rest `gmemtrace probe` tells. @columns are those of the terminal.
 */
void hooks_unavailable(FILE *out, const struct capture *capture, const struct text_style *style,
		       unsigned int columns, unsigned int indent);

/* All of the reason why @event is unavailable, without control characters. */
#define HOOKS_REASON_SIZE (4 * sizeof(((struct hook_state *)0)->reason))
const char *hooks_reason(char buf[HOOKS_REASON_SIZE], const struct capture *capture,
			 enum gmem_event event, bool utf8);

#endif
