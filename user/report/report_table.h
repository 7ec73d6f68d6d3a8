/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of events in text reports: which columns there is room for, the same in the whole
 * report, and its rows. Private to report_text.c.
 */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "report_formats.h"

#define TABLE_INDENT 4
#define TABLE_COLUMNS 16 /* room for */

struct table {
	FILE *out;
	const struct capture *capture;
	const struct text_style *style;
	unsigned int columns; /* of the terminal */
	unsigned int width[TABLE_COLUMNS]; /* 0: no room for this column */
};

/* Choose the columns for a report whose sums are @totals; @table's other fields are set. */
void table_layout(struct table *table, const struct event_totals *totals);

void table_header(const struct table *table);
void table_row(const struct table *table, const struct event_count *count);

#endif
