// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histories as lines of JSON, which anybody may have written. Members that are not known are left
 * alone: a later gmemtrace may have put them there.
 */
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/arrays.h"
#include "base/text.h"
#include "check_stats.h"
#include "trend.h"

/* The index of @word in @words, which end with NULL; -1: it is none of them. */
static int index_of(const char *word, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], word))
			return i;
	return -1;
}

/* 0, or -1 if it is no place. */
static int read_place(const json_t *json, struct place *place)
{
	/* Where there is none of it, it is null: "" or 0. */
	const char *kind = json_string_value(json_object_get(json, "kind"));
	const char *comm = json_string_value(json_object_get(json, "comm")) ?: "";
	json_int_t nth = json_integer_value(json_object_get(json, "nth"));
	json_int_t as_id = json_integer_value(json_object_get(json, "as_id"));
	json_int_t id = json_integer_value(json_object_get(json, "id"));
	int found = kind ? index_of(kind, place_kinds) : -1;

	if (found < 0 || nth < 0 || nth > UINT32_MAX || as_id < 0 || as_id > UINT16_MAX ||
	    id < INT16_MIN || id > INT16_MAX)
		return -1;
	*place = (struct place){ .kind = (enum place_kind)found,
				 .nth = (unsigned int)nth,
				 .as_id = (__u16)as_id,
				 .id = (__s16)id };
	memcpy(place->comm, comm,
	       strnlen(comm, GMEM_COMM_LEN)); /* what was no UTF-8 is longer now */
	return 0;
}

/* The series of @metric at @place, from @from on and round again; made if there is none; NULL: no memory. */
static struct trend_series *series_of(struct trend *trend, const char *metric,
				      const struct place *place, size_t from)
{
	struct trend_series *series;

	for (size_t i = 0; i < trend->nseries; i++) {
		series = &trend->series[(from + i) % trend->nseries];
		if (!strcmp(series->metric, metric) && place_is_same(&series->place, place))
			return series;
	}
	series = array_append(&trend->series, &trend->nseries, sizeof(*series));
	if (!series)
		return NULL;
	series->metric = strdup(metric);
	series->place = *place;
	return series->metric ? series : NULL;
}

static int add_value(struct trend_series *series, size_t check, double value)
{
	size_t n = series->n;
	double *values;
	size_t *checks;

	if (n && series->checks[n - 1] == check) /* two rules on one metric */
		return 0;
	values = array_append(&series->values, &series->n, sizeof(*values));
	if (!values)
		return -ENOMEM;
	checks = array_append(&series->checks, &n, sizeof(*checks));
	if (!checks)
		return -ENOMEM;
	*values = value;
	*checks = check;
	return 0;
}

/* 0, -EINVAL if it is no row of a check, or -ENOMEM. @next: where the series of the next may be. */
static int read_row(struct trend *trend, json_t *row, size_t *next)
{
	const char *metric, *unit;
	struct trend_series *series;
	struct place place;
	json_t *at, *value;
	int found;

	if (json_unpack(row, "{s:s, s:s, s:o, s:{s:o}}", "metric", &metric, "unit", &unit, "place",
			&at, "new", "value", &value) ||
	    read_place(at, &place))
		return -EINVAL;
	found = index_of(unit, metric_units);
	if (found < 0 || !(json_is_number(value) || json_is_null(value)))
		return -EINVAL;
	if (json_is_null(value))
		return 0;
	if (json_number_value(value) < 0)
		return -EINVAL;
	series = series_of(trend, metric, &place, *next);
	if (!series)
		return -ENOMEM;
	series->unit = (enum metric_unit)found;
	*next = (size_t)(series - trend->series) + 1;
	return add_value(series, trend->nchecks - 1, json_number_value(value));
}

static int read_rows(struct trend *trend, json_t *rows)
{
	size_t next = 0;
	int err = json_is_array(rows) ? 0 : -EINVAL;

	for (size_t i = 0; i < json_array_size(rows) && !err; i++)
		err = read_row(trend, json_array_get(rows, i), &next);
	return err;
}

/* 0, -EINVAL if it is no check, or -ENOMEM. */
static int read_check(struct trend *trend, json_t *json)
{
	struct trend_check *check;
	const char *label = NULL, *start;
	json_t *rows, *labelled;

	if (json_unpack(json, "{s:{s:o, s:o, s:[{s:s}]}}", "check", "results", &rows, "label",
			&labelled, "new", "start", &start))
		return -EINVAL;
	label = json_string_value(labelled);
	check = array_append(&trend->checks, &trend->nchecks, sizeof(*check));
	if (!check)
		return -ENOMEM;
	check->start = strdup(start);
	check->label = label ? strdup(label) : NULL;
	if (!check->start || (label && !check->label))
		return -ENOMEM;
	return read_rows(trend, rows);
}

static int read_line(struct trend *trend, const char *line, size_t len, const char *where,
		     struct problem *problem)
{
	json_t *json = json_loadb(line, len, 0, NULL);
	int err = json ? read_check(trend, json) : -EINVAL;

	json_decref(json);
	if (err == -ENOMEM)
		return problem_memory(problem, "read the history");
	return err ? problem_set(problem, EXIT_USAGE,
				 "%s: not a check that --append wrote. Leave the line away", where)
		   : 0;
}

static int read_lines(struct trend *trend, FILE *in, const char *name, struct problem *problem)
{
	char *line = NULL, where[160], clean[120];
	size_t size = 0, number = 0;
	ssize_t len;
	int err = 0;

	text_clean(clean, sizeof(clean), name, strlen(name), true);
	while (!err && (len = getline(&line, &size, in)) > 0) {
		snprintf(where, sizeof(where), "%s:%zu", clean, ++number);
		err = read_line(trend, line, (size_t)len, where, problem);
	}
	free(line);
	if (!err && !feof(in))
		err = problem_set(problem, EXIT_USAGE, "cannot read %s: %s. Choose another file",
				  clean, strerror(errno));
	if (!err && !trend->nchecks)
		err = problem_set(problem, EXIT_USAGE,
				  "%s: there is no check in it. Add one with gmemtrace check "
				  "--append",
				  clean);
	return err;
}

static int find_level(struct trend_series *series)
{
	double *values = calloc(series->n + 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	memcpy(values, series->values, series->n * sizeof(*values));
	series->level = stats_median_of(values, series->n);
	free(values);
	return 0;
}

static int find_changes(struct trend *trend)
{
	for (size_t i = 0; i < trend->nseries; i++) {
		struct trend_series *series = &trend->series[i];
		long n;

		series->changes = calloc(series->n / TREND_LEVEL + 1, sizeof(*series->changes));
		if (!series->changes || find_level(series))
			return -ENOMEM;
		n = trend_find(series->values, series->n, trend->alpha, series->changes);
		if (n < 0)
			return -ENOMEM;
		series->nchanges = (size_t)n;
	}
	return 0;
}

int trend_read(struct trend *trend, FILE *in, const char *name, double alpha,
	       struct problem *problem)
{
	*trend = (struct trend){ .alpha = alpha };
	if (read_lines(trend, in, name, problem))
		return -1;
	return find_changes(trend) ? problem_memory(problem, "look for changes") : 0;
}

void trend_free(struct trend *trend)
{
	for (size_t i = 0; i < trend->nchecks; i++) {
		free(trend->checks[i].label);
		free(trend->checks[i].start);
	}
	for (size_t i = 0; i < trend->nseries; i++) {
		free(trend->series[i].metric);
		free(trend->series[i].values);
		free(trend->series[i].checks);
		free(trend->series[i].changes);
	}
	free(trend->checks);
	free(trend->series);
	*trend = (struct trend){};
}
