// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of events in text reports. Columns are data: where the terminal has no room for all,
 * the least important stay away; the last one, errors, takes what is left and wraps.
 */
#include <stdlib.h>
#include <string.h>
#include "base/number.h"
#include "base/text.h"
#include "model/events.h"
#include "model/measures.h"
#include "report_table.h"

#define GAP 2
#define CELL_LEN 64

/* One cell of a row: written to @cell, or left empty. */
typedef void cell_writer(const struct table *table, const struct event_count *count, char *cell);

struct column {
	const char *title;
	unsigned int rank; /* 1: most important */
	unsigned int carries; /* only for events that carry this */
	unsigned int min_width;
	cell_writer *write; /* NULL: it is a measure, or the errors */
	enum measure_id measure;
};

static void cell_event(const struct table *table, const struct event_count *count, char *cell)
{
	(void)table;
	snprintf(cell, CELL_LEN, "%s", event_descs[count->event].name);
}

static void cell_min(const struct table *table, const struct event_count *count, char *cell)
{
	number_latency(cell, count->min_ns, table->style->utf8);
}

/* What is not known is left empty; a rate without a duration is said to be none. */
static void cell_measure(const struct table *table, enum measure_id id,
			 const struct event_count *count, char *cell)
{
	struct measured measured = measure_read(id, count, table->capture->duration_ns);

	if (measured.known || id == MEASURE_RATE)
		measure_text(cell, measures[id].unit, &measured, table->style->utf8);
}

/* clang-format off */
static const struct column columns[] = {
	{ "event", 1, 0, 12, cell_event, 0 },
	{ "count", 2, 0, 6, NULL, MEASURE_EVENTS },
	{ "rate/s", 7, 0, 6, NULL, MEASURE_RATE },
	{ "pages", 8, EVENT_PAGES, 6, NULL, MEASURE_PAGES },
	{ "min", 12, EVENT_LATENCY, 5, cell_min, 0 },
	{ "mean", 10, EVENT_LATENCY, 5, NULL, MEASURE_MEAN },
	{ "p50", 6, EVENT_LATENCY, 5, NULL, MEASURE_P50 },
	{ "p90", 9, EVENT_LATENCY, 5, NULL, MEASURE_P90 },
	{ "p99", 5, EVENT_LATENCY, 5, NULL, MEASURE_P99 },
	{ "p99.9", 11, EVENT_LATENCY, 5, NULL, MEASURE_P999 },
	{ "max", 4, EVENT_LATENCY, 5, NULL, MEASURE_MAX },
	{ "errors", 3, EVENT_ERRNO, 8, NULL, 0 },
};
/* clang-format on */

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))
#define ERRORS (NR_COLUMNS - 1)

_Static_assert(NR_COLUMNS <= TABLE_COLUMNS, "room for all columns");

static bool column_applies(const struct column *column, const struct event_count *count)
{
	if (column->carries == EVENT_LATENCY && !event_count_timed(count))
		return false;
	return !column->carries || event_descs[count->event].carries & column->carries;
}

static void write_cell(const struct table *table, const struct column *column,
		       const struct event_count *count, char *cell)
{
	cell[0] = 0;
	if (column == &columns[ERRORS] || !column_applies(column, count))
		return;
	if (column->write)
		column->write(table, count, cell);
	else
		cell_measure(table, column->measure, count, cell);
}

/* Wide enough for the sums, hence for everything that they are the sum of; 0 when not needed. */
static unsigned int column_width(const struct table *table, const struct column *column,
				 const struct event_totals *totals)
{
	unsigned int width = 0, widest = column->min_width;
	bool needed = false;
	char cell[CELL_LEN];
	int event;

	for (event = 0; event < NR_EVENTS; event++) {
		const struct event_count *count = &totals->v[event];

		if (!count->count || !capture_shows(table->capture, event) ||
		    !column_applies(column, count))
			continue;
		needed = true;
		write_cell(table, column, count, cell);
		width = text_width(cell);
		if (width > widest)
			widest = width;
	}
	return needed ? widest : 0;
}

static const struct column *column_of_rank(unsigned int rank)
{
	size_t i;

	for (i = 0; i < NR_COLUMNS; i++)
		if (columns[i].rank == rank)
			return &columns[i];
	return NULL;
}

void table_layout(struct table *table, const struct event_totals *totals)
{
	unsigned int used = TABLE_INDENT, rank, width;
	const struct column *column;

	memset(table->width, 0, sizeof(table->width));
	for (rank = 1; (column = column_of_rank(rank)); rank++) {
		width = column_width(table, column, totals);
		if (!width)
			continue;
		width += rank > 1 ? GAP : 0;
		if (used + width > table->columns)
			break;
		used += width;
		table->width[column - columns] = width;
	}
	if (table->width[ERRORS])
		table->width[ERRORS] += table->columns - used;
}

/*
 * A line of cells, the first flush left, the others flush right in their width, gap included.
 * @blanks are owed to the next cell that is not empty, so that no line ends with them.
 */
struct line {
	const struct table *table;
	unsigned int at;
	unsigned int blanks;
};

static void put_cell(struct line *line, size_t column, const char *cell)
{
	unsigned int width = line->table->width[column];
	unsigned int taken = text_width(cell);
	unsigned int pad = width > taken ? width - taken : 0;
	unsigned int before = column ? pad : TABLE_INDENT;
	unsigned int after = column ? 0 : pad;

	if (!width)
		return;
	line->blanks += before;
	if (taken) {
		fprintf(line->table->out, "%*s%s", (int)line->blanks, "", cell);
		line->blanks = 0;
	}
	line->blanks += after;
	line->at += before + taken + after;
}

void table_header(const struct table *table)
{
	struct line line = { table, 0, 0 };
	size_t i;

	if (table->style->color)
		fputs("\033[2m", table->out);
	for (i = 0; i < ERRORS; i++)
		put_cell(&line, i, columns[i].title);
	if (table->width[ERRORS])
		fprintf(table->out, "%*s%s", GAP, "", columns[ERRORS].title);
	fputs(table->style->color ? "\033[0m\n" : "\n", table->out);
}

/*
 * Each errno and how often, from @column on. One that is too long for that is on a line of its
 * own, flush right. @at columns of the line are in use.
 */
static void put_errors(const struct table *table, const struct event_count *count,
		       unsigned int column, unsigned int at)
{
	struct flow flow = { .out = table->out, .columns = table->columns, .at = at };
	char word[64];
	size_t i;

	for (i = 0; i < count->nerrs; i++) {
		__u64 alike = event_errors_alike(count, i);
		unsigned int width;
		bool fits;

		if (!alike)
			continue;
		snprintf(word, sizeof(word), "%s%s%llu", errno_name(count->errs[i].err),
			 table->style->utf8 ? "\u00d7" : "*", alike);
		width = text_width(word);
		fits = column + width <= table->columns;
		if (!fits)
			flow_end(&flow);
		flow.indent = fits ? column : table->columns - width;
		flow_word(&flow, 1, word);
		if (!fits)
			flow_end(&flow);
	}
	flow_end(&flow);
}

void table_row(const struct table *table, const struct event_count *count)
{
	struct line line = { table, 0, 0 };
	char cell[CELL_LEN];
	size_t i;

	for (i = 0; i < ERRORS; i++) {
		write_cell(table, &columns[i], count, cell);
		put_cell(&line, i, cell);
	}
	if (!count->nerrs || !table->width[ERRORS]) {
		fputc('\n', table->out);
		return;
	}
	if (table->style->color)
		fputs("\033[33m", table->out);
	put_errors(table, count, line.at + GAP, line.at - line.blanks);
	if (table->style->color)
		fputs("\033[0m", table->out);
}
