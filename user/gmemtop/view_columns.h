/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The columns of the live view: one table gives header, cells, help, sorting, filters and
 * configuration.
 */
#ifndef VIEW_COLUMNS_H
#define VIEW_COLUMNS_H

#include "view.h"

#define CELL_LEN 256

/* What a column's values are, and so how they are written and what a filter may compare with. */
enum column_kind {
	COLUMN_TEXT, /* compared as text; sorted by its value */
	COLUMN_NUMBER, /* as it is: a process id */
	COLUMN_COUNT, /* per second, or in all */
	COLUMN_RATIO,
	COLUMN_LATENCY, /* ns */
	COLUMN_BYTES,
	COLUMN_DRAWING, /* a bar, a line: fills its width */
};

#define NEEDS_INVENTORY (1ULL << NR_EVENTS)

typedef double column_value_of(const struct view *view, const struct row *row, __u64 arg);

/* @width is what a drawing fills. */
typedef void column_text_of(const struct view *view, const struct row *row, bool utf8,
			    unsigned int width, char cell[CELL_LEN]);

struct column {
	const char *key; /* in filters, options, and the configuration */
	const char *title;
	enum column_kind kind;
	unsigned int rank; /* the least important have no room first; 1 is most important */
	unsigned int width; /* at least */
	const char *what; /* one line for people */
	column_value_of *value;
	column_text_of *text; /* NULL: the value as kind says */
	__u64 arg; /* for value: which event, details (1 << detail), percentile, field, ... */
	__u64 needs; /* 1 << event: all that it needs; NEEDS_INVENTORY */
};

#define COLUMNS_MAX 64 /* bits of a mask */

/* Each event has one. */
extern const struct column *const columns;
extern unsigned int nr_columns;

/* Those shown by default, and what they are sorted by. */
__u64 columns_default(void);
unsigned int columns_default_sort(void);

/* The column of @len bytes of @key, or -1. */
int column_by_key(const char *key, size_t len);

/* NAN when it is not known, or does not apply. A rate is events per second. */
double column_value(const struct view *view, const struct row *row, unsigned int column);

/*
 * As it is shown; clean, "-" when not known, "n/a" for what is not counted here, dots for what is
 * still being counted.
 */
const char *column_cell(const struct view *view, const struct row *row, unsigned int column,
			bool utf8, unsigned int width, char cell[CELL_LEN]);

/* Its guest physical addresses: "0x1000-0x1fff". */
void column_range(const struct view *view, const struct slot_info *slot, char cell[CELL_LEN]);

/* "FAULTS/s" */
const char *column_title(unsigned int column, bool totals, char title[CELL_LEN]);

/* Whether big values come first when one begins to sort by it. */
bool column_descends(unsigned int column);

/* Is a column flush left? Numbers are flush right. */
bool column_is_left(unsigned int column);

#endif
