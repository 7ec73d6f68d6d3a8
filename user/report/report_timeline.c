// SPDX-License-Identifier: GPL-2.0-only
/*
 * A few places get a line for each interval, with bars; many get two lines each, drawn in columns.
 */
#include <string.h>
#include "base/number.h"
#include "base/text.h"
#include "model/events.h"
#include "model/percentile.h"
#include "report_text.h"
#include "report_timeline.h"

#define DETAILED_MAX 4 /* series */
#define FIXED_WIDTH 40 /* of a line, what is not bars */
#define BAR_MAX 60

struct timeline_report {
	struct text_report r;
	const struct timeline *timeline;
};

static double cell_rate(const struct timeline *t, const struct timeline_series *series, size_t cell)
{
	__u64 ns = timeline_cell_ns(t, cell);

	return series->cells[cell] && ns ? series->cells[cell]->count * 1e9 / ns : 0;
}

static double cell_p99(const struct timeline *t, const struct timeline_series *series, size_t cell)
{
	(void)t;
	return series->cells[cell] ? percentile_ns(series->cells[cell], 990) : 0;
}

typedef double cell_value(const struct timeline *t, const struct timeline_series *series,
			  size_t cell);

/* The cell with the most. */
static size_t highest(const struct timeline *t, const struct timeline_series *series,
		      cell_value *value)
{
	size_t at = 0;

	for (size_t i = 1; i < t->ncells; i++)
		if (value(t, series, i) > value(t, series, at))
			at = i;
	return at;
}

static bool has_latency(const struct timeline_series *series)
{
	return event_descs[series->place.event].carries & EVENT_LATENCY;
}

/* "VM 0  gmemload  pid 4242  slot 3  guest_fault: 12000" */
static void put_place(const struct timeline_report *report, const struct timeline_series *series)
{
	const struct timeline_place *place = &series->place;
	FILE *out = report->r.out;
	char comm[64];

	text_clean(comm, sizeof(comm), series->comm, strnlen(series->comm, GMEM_COMM_LEN),
		   report->r.style->utf8);
	fputc('\n', out);
	text_ink(&report->r, INK_BOLD);
	if (place->kind == OWNER_NONE)
		fputs("unknown", out);
	else if (place->kind == OWNER_HOST)
		fputs("host", out);
	else if (series->vm == NO_VM)
		fprintf(out, place->pid ? "%s  pid %u" : "%s", comm, place->pid);
	else
		fprintf(out, place->pid ? "VM %u  %s  pid %u" : "VM %u  %s", series->vm, comm,
			place->pid);
	if (place->kind == OWNER_SLOT && place->as_id)
		fprintf(out, "  slot %u:%d", place->as_id, place->id);
	else if (place->kind == OWNER_SLOT)
		fprintf(out, "  slot %d", place->id);
	else if (place->kind == OWNER_GMEM)
		fprintf(out, "  gmem %llu", place->ino);
	fprintf(out, "  %s", event_descs[place->event].name);
	text_ink(&report->r, INK_PLAIN);
	fprintf(out, ": %llu\n", series->total.count);
}

/* ---- A line for each interval ---- */

static void put_bar(const struct timeline_report *report, double value, double most,
		    unsigned int columns, bool pad)
{
	char bar[TEXT_BLOCKS_SIZE(BAR_MAX)];
	unsigned int eighths = most > 0 ? value / most * columns * 8 + 0.5 : 0;

	if (value > 0 && !eighths)
		eighths = 1;
	text_blocks(bar, eighths, report->r.style->utf8);
	fprintf(report->r.out, "%s%*s", bar, pad ? (int)(columns - text_width(bar)) : 0, "");
}

static void put_cell(const struct timeline_report *report, const struct timeline_series *series,
		     size_t cell, const double most[2], unsigned int columns)
{
	const struct timeline *t = report->timeline;
	const struct event_count *count = series->cells[cell];
	FILE *out = report->r.out;
	char number[NUMBER_LEN];

	fprintf(out, "%10.3f", (t->end_ns[cell] - timeline_cell_ns(t, cell)) / 1e9);
	fprintf(out, "  %6s", number_short(number, count ? count->count : 0));
	fprintf(out, "  %6s ", number_per_second(number, cell_rate(t, series, cell)));
	put_bar(report, cell_rate(t, series, cell), most[0], columns, has_latency(series) && count);
	if (has_latency(series) && count) {
		/* A column wider in bytes than on the screen: the micro sign. */
		number_latency(number, cell_p99(t, series, cell), report->r.style->utf8);
		fprintf(out, "  %*s%s ", 6 - (int)text_width(number), "", number);
		put_bar(report, cell_p99(t, series, cell), most[1], columns, false);
	}
	fputc('\n', out);
}

static void put_detailed(const struct timeline_report *report, const struct timeline_series *series)
{
	const struct timeline *t = report->timeline;
	unsigned int columns = (report->r.columns - FIXED_WIDTH) / 2;
	double most[2] = { cell_rate(t, series, highest(t, series, cell_rate)),
			   cell_p99(t, series, highest(t, series, cell_p99)) };

	columns = columns < BAR_MAX ? columns : BAR_MAX;
	put_place(report, series);
	fprintf(report->r.out, "%10s  %6s  %6s", "from s", "count", "rate/s");
	if (has_latency(series))
		fprintf(report->r.out, " %*s  %6s", (int)columns, "", "p99");
	fputc('\n', report->r.out);
	for (size_t cell = 0; cell < t->ncells; cell++)
		put_cell(report, series, cell, most, columns);
}

/* ---- A line for each number ---- */

static const char *level(double value, double most, bool utf8)
{
	static const char *const blocks[] = { " ",	"\u2581", "\u2582", "\u2583", "\u2584",
					      "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char *const ascii[] = { " ", ".", ":", "-", "=", "+", "*", "%", "#" };
	int at = value > 0 ? 1 + (int)(value / most * 7 + 0.5) : 0;

	return utf8 ? blocks[at] : ascii[at];
}

static void put_line(const struct timeline_report *report, const struct timeline_series *series,
		     const char *label, cell_value *value, const char *number)
{
	const struct timeline *t = report->timeline;
	size_t top = highest(t, series, value);
	unsigned int room = report->r.columns - 34;
	size_t shown = t->ncells < room ? t->ncells : room;

	fprintf(report->r.out, "  %-6s", label);
	for (size_t i = 0; i < shown; i++) {
		double most = 0;

		/* Of the cells that share a column, the highest. */
		for (size_t cell = i * t->ncells / shown; cell < (i + 1) * t->ncells / shown;
		     cell++)
			if (value(t, series, cell) > most)
				most = value(t, series, cell);
		fputs(level(most, value(t, series, top), report->r.style->utf8), report->r.out);
	}
	fprintf(report->r.out, "  %s at %.3f s\n", number,
		(t->end_ns[top] - timeline_cell_ns(t, top)) / 1e9);
}

static void put_lines(const struct timeline_report *report, const struct timeline_series *series)
{
	const struct timeline *t = report->timeline;
	char number[NUMBER_LEN], text[NUMBER_LEN + 8];

	put_place(report, series);
	number_per_second(number, cell_rate(t, series, highest(t, series, cell_rate)));
	snprintf(text, sizeof(text), "%s/s", number);
	put_line(report, series, "rate", cell_rate, text);
	if (!has_latency(series))
		return;
	number_latency(number, cell_p99(t, series, highest(t, series, cell_p99)),
		       report->r.style->utf8);
	put_line(report, series, "p99", cell_p99, number);
}

static void put_cells(const struct timeline_report *report)
{
	const struct timeline *t = report->timeline;

	fprintf(report->r.out, "%-10s%zu of %.3g s, from %s\n", "intervals", t->ncells,
		t->ncells ? timeline_cell_ns(t, 0) / 1e9 : 0,
		t->from_records ? "records of single events" : "snapshots");
}

int report_timeline(FILE *out, const struct capture *capture, const struct timeline *timeline,
		    const struct text_style *style)
{
	struct timeline_report report = { text_report(out, capture, style), timeline };

	text_head(&report.r);
	put_cells(&report);
	if (!timeline->nseries)
		fputs("\nNone of these events was seen.\n", out);
	for (size_t i = 0; i < timeline->nseries; i++)
		if (timeline->nseries <= DETAILED_MAX)
			put_detailed(&report, &timeline->series[i]);
		else
			put_lines(&report, &timeline->series[i]);
	return 0;
}
