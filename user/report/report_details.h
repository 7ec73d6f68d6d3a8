/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is said of an event below its row in the table of a text report: how many of it were what,
 * and how many it makes for each of another event. Private to report_text.c.
 */
#ifndef REPORT_DETAILS_H
#define REPORT_DETAILS_H

#include "report_table.h"

/*
 * The line below @count's row; none when there is nothing to say. @counted has how often each
 * event happened at the same owner, 0 for those that the report is not about.
 */
void details_row(const struct table *table, const struct event_count *count,
		 const __u64 counted[NR_EVENTS]);

#endif
