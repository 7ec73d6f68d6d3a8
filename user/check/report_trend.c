// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trends as a table, a line for each change, and as JSON.
 */
#include "report_trend.h"
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/json_node.h"
#include "base/json_text.h"
#include "base/text.h"
#include "base/version.h"
#include "report_check.h"

/* Of whom: its label, or else when it was. */
static const char *name_of(char *buf, size_t size, const struct trend *trend, size_t check,
			   bool utf8)
{
	const char *name = trend->checks[check].label ?: trend->checks[check].start;

	return text_clean(buf, size, name, strlen(name), utf8);
}

/* "2026-11-30" */
static const char *day_of(char *buf, size_t size, const struct trend *trend, size_t check,
			  bool utf8)
{
	const char *start = trend->checks[check].start;

	return text_clean(buf, size, start, strcspn(start, "T"), utf8);
}

#define COLUMNS 8
static const char *const titles[COLUMNS] = { "METRIC", "WHERE", "CHECKS", "FROM",
					     "TO",     "BY",	"SINCE",  "" };

struct line {
	char cells[COLUMNS][PLACE_LEN];
};

/* The @nth change of a series; without any, its level as it is. */
static void make_line(struct line *line, const struct trend *trend,
		      const struct trend_series *series, size_t nth, bool utf8)
{
	const struct trend_change *change = nth < series->nchanges ? &series->changes[nth] : NULL;
	size_t check = change ? series->checks[change->at] : 0;
	char name[60], day[30];
	const size_t size = PLACE_LEN;

	text_clean(line->cells[0], size, series->metric, strlen(series->metric), utf8);
	place_name(line->cells[1], &series->place, utf8);
	snprintf(line->cells[2], size, "%zu", series->n);
	check_value(line->cells[3], size, series->unit, change ? change->from : series->level,
		    utf8);
	for (int i = 4; i < COLUMNS; i++)
		snprintf(line->cells[i], size, "%s", i < 7 ? "-" : "");
	if (!change)
		return;
	check_value(line->cells[4], size, series->unit, change->to, utf8);
	if (isfinite(change->by))
		snprintf(line->cells[5], size, "%+.2f%%", change->by * 100);
	snprintf(line->cells[6], size, "%s", name_of(name, sizeof(name), trend, check, utf8));
	if (trend->checks[check].label)
		snprintf(line->cells[7], size, "%s", day_of(day, sizeof(day), trend, check, utf8));
}

/* A line for each change, and one for a series without any. */
static size_t count_lines(const struct trend *trend)
{
	size_t n = 0;

	for (size_t i = 0; i < trend->nseries; i++)
		n += trend->series[i].nchanges ?: 1;
	return n;
}

static void make_lines(struct line *lines, const struct trend *trend, bool utf8)
{
	for (size_t i = 0; i < trend->nseries; i++)
		for (size_t nth = 0; nth < (trend->series[i].nchanges ?: 1); nth++)
			make_line(lines++, trend, &trend->series[i], nth, utf8);
}

static bool is_flush_left(int column)
{
	return column < 2 || column > 5;
}

static void put_line(FILE *out, const struct line *line, const unsigned int *widths)
{
	int last = COLUMNS - 1;

	while (last && !*line->cells[last])
		last--;
	for (int column = 0; column <= last; column++) {
		int pad = (int)(widths[column] - text_width(line->cells[column]));

		fprintf(out, "%s%*s%s", column ? "  " : "", is_flush_left(column) ? 0 : pad, "",
			line->cells[column]);
		if (is_flush_left(column) && column < last)
			fprintf(out, "%*s", pad, "");
	}
	fputc('\n', out);
}

static void put_lines(FILE *out, const struct line *lines, size_t n)
{
	unsigned int widths[COLUMNS] = {};

	for (size_t i = 0; i < n; i++)
		for (int column = 0; column < COLUMNS; column++)
			if (text_width(lines[i].cells[column]) > widths[column])
				widths[column] = text_width(lines[i].cells[column]);
	for (size_t i = 0; i < n; i++)
		put_line(out, &lines[i], widths);
}

static size_t count_changes(const struct trend *trend)
{
	size_t n = 0;

	for (size_t i = 0; i < trend->nseries; i++)
		n += trend->series[i].nchanges;
	return n;
}

int report_trend_text(FILE *out, const struct trend *trend, const struct text_style *style)
{
	size_t n = count_lines(trend), nchanges = count_changes(trend);
	struct line *lines = calloc(n + 1, sizeof(*lines));
	char first[30], last[30];

	if (!lines)
		return -ENOMEM;
	fprintf(out, "%zu check%s, %s to %s\n\n", trend->nchecks, trend->nchecks == 1 ? "" : "s",
		day_of(first, sizeof(first), trend, 0, style->utf8),
		day_of(last, sizeof(last), trend, trend->nchecks - 1, style->utf8));
	for (int column = 0; column < COLUMNS; column++)
		snprintf(lines[0].cells[column], PLACE_LEN, "%s", titles[column]);
	make_lines(lines + 1, trend, style->utf8);
	put_lines(out, lines, n + 1);
	fprintf(out, "\n%zu change%s\n", nchanges, nchanges == 1 ? "" : "s");
	free(lines);
	return 0;
}

static json_t *json_checks(const struct trend *trend)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < trend->nchecks; i++) {
		struct json_node check = node_object();

		node_put(&check, "label", json_foreign_or_null(trend->checks[i].label));
		node_put(&check, "start", json_foreign_or_null(trend->checks[i].start));
		node_add(&list, node_done(&check));
	}
	return node_done(&list);
}

static json_t *json_changes(const struct trend_series *series)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < series->nchanges; i++) {
		const struct trend_change *change = &series->changes[i];
		struct json_node object = node_object();

		node_put(&object, "check", json_integer((json_int_t)series->checks[change->at]));
		node_put(&object, "from", json_real(change->from));
		node_put(&object, "to", json_real(change->to));
		node_put(&object, "by", isfinite(change->by) ? json_real(change->by) : json_null());
		node_put(&object, "p", json_real(change->p));
		node_add(&list, node_done(&object));
	}
	return node_done(&list);
}

static json_t *json_points(const struct trend_series *series)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < series->n; i++) {
		struct json_node point = node_object();

		node_put(&point, "check", json_integer((json_int_t)series->checks[i]));
		node_put(&point, "value", json_real(series->values[i]));
		node_add(&list, node_done(&point));
	}
	return node_done(&list);
}

static json_t *json_series(const struct trend *trend)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < trend->nseries; i++) {
		const struct trend_series *series = &trend->series[i];
		struct json_node object = node_object();

		node_put(&object, "metric", json_foreign_or_null(series->metric));
		node_put(&object, "unit", json_string(metric_units[series->unit]));
		node_put(&object, "place", check_json_place(&series->place));
		node_put(&object, "points", json_points(series));
		node_put(&object, "changes", json_changes(series));
		node_add(&list, node_done(&object));
	}
	return node_done(&list);
}

int report_trend_json(FILE *out, const struct trend *trend)
{
	json_t *json = json_pack("{s:{s:s, s:s}, s:{s:f, s:o, s:o}}", "tool", "name", "gmemtrace",
				 "version", GMEM_VERSION, "trend", "alpha", trend->alpha, "checks",
				 json_checks(trend), "series", json_series(trend));
	int err = json && !json_text_write(out, json) ? 0 : -ENOMEM;

	json_decref(json);
	fputc('\n', out);
	return ferror(out) ? 0 : err;
}
