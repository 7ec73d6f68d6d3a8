// SPDX-License-Identifier: GPL-2.0-only
/*
 * From rules and captures to rows: read every metric in every run, and have each row judged.
 */
#include "base/arrays.h"
#include "check.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "check_judge.h"
#include "model/events.h"

const char *const verdict_names[] = {
	[VERDICT_FINE] = "fine",
	[VERDICT_IMPROVED] = "improved",
	[VERDICT_INCONCLUSIVE] = "inconclusive",
	[VERDICT_REGRESSION] = "regression",
};

const char *const check_methods[] = {
	[METHOD_ABSOLUTE] = "limit",
	[METHOD_DIRECT] = "direct",
	[METHOD_MINIMA] = "minima",
	[METHOD_INTERVAL] = "interval",
};

/* What goes with a check while it is made. */
struct judge {
	const struct check_input *input;
	struct check_result *result;
	size_t nruns; /* of both sides */
	struct levels levels;
};

/* A value for each run, those of the base first. */
static struct metric_value *values_of(const struct judge *judge, size_t row)
{
	return judge->result->values + row * judge->nruns;
}

/* Reading. */

static int make_places(struct check_result *result)
{
	const struct check_input *input = result->input;
	int err = 0;

	/* Zeroed: PLACE_ALL, for what is about a whole capture. */
	if (!array_append(&result->places, &result->nplaces, sizeof(*result->places)))
		return -ENOMEM;
	for (size_t i = 0; i < input->nbase + input->nnew && input->per_slot && !err; i++)
		err = places_add(&result->places, &result->nplaces,
				 check_run_at(input, i)->capture);
	return err;
}

static bool applies(const struct check_input *input, const struct rule *rule,
		    const struct place *place)
{
	bool is_whole = place->kind == PLACE_ALL;

	return !input->per_slot || is_whole == (rule->metric.event < 0);
}

static int make_rows(struct judge *judge)
{
	struct check_result *result = judge->result;
	size_t nrules = judge->input->nrules, n = result->nplaces * nrules;

	result->rows = calloc(n, sizeof(*result->rows));
	result->values = calloc(n * judge->nruns, sizeof(*result->values));
	if (!result->rows || !result->values)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct rule *rule = &judge->input->rules[i % nrules];
		const struct place *place = &result->places[i / nrules];

		if (applies(judge->input, rule, place))
			result->rows[result->nrows++] =
				(struct check_row){ .rule = rule, .place = place };
	}
	return 0;
}

/* The rows from @first on that are about its place, in one run. */
static int read_run(struct judge *judge, size_t first, size_t end, size_t run)
{
	const struct check_row *rows = judge->result->rows;
	struct place_counts counts;
	int err = place_counts_read(&counts, rows[first].place,
				    check_run_at(judge->input, run)->capture);

	for (size_t i = first; i < end && !err; i++)
		values_of(judge, i)[run] = metric_read(&rows[i].rule->metric, &counts);
	place_counts_free(&counts);
	return err;
}

static int read_all(struct judge *judge)
{
	const struct check_result *result = judge->result;
	int err = 0;

	for (size_t first = 0, end; first < result->nrows && !err; first = end) {
		end = first;
		while (end < result->nrows && result->rows[end].place == result->rows[first].place)
			end++;
		for (size_t run = 0; run < judge->nruns && !err; run++)
			err = read_run(judge, first, end, run);
	}
	return err;
}

/* Nothing of it happened in any run. */
static bool is_idle(const struct judge *judge, size_t row)
{
	const struct metric_value *values = values_of(judge, row);

	for (size_t i = 0; i < judge->nruns; i++)
		if (!values[i].lack && values[i].value != 0)
			return false;
	return true;
}

static size_t rule_of(const struct judge *judge, size_t row)
{
	return (size_t)(judge->result->rows[row].rule - judge->input->rules);
}

/* What did not happen is worth a row only if it is the answer to a rule that was given. */
static int drop_idle(struct judge *judge)
{
	struct check_result *result = judge->result;
	bool *answered = calloc(judge->input->nrules, sizeof(*answered));
	size_t kept = 0;

	if (!answered)
		return -ENOMEM;
	for (size_t i = 0; i < result->nrows; i++)
		answered[rule_of(judge, i)] |=
			!is_idle(judge, i) ||
			(judge->input->default_rules && result->rows[i].rule->relative);
	for (size_t i = 0; i < result->nrows; i++) {
		bool *has_answer = &answered[rule_of(judge, i)];

		if (is_idle(judge, i) && *has_answer)
			continue;
		*has_answer = true;
		memmove(values_of(judge, kept), values_of(judge, i),
			judge->nruns * sizeof(*result->values));
		result->rows[kept++] = result->rows[i];
	}
	result->nrows = kept;
	free(answered);
	return 0;
}

/* One side of a row. */

/* @room is for @n values. */
static struct check_side side_of(const struct metric_value *values, size_t n,
				 enum check_method method, double *room)
{
	struct check_side side = { .known = true };
	double mean = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		side.known &= !values[i].lack && !isnan(values[i].value);
		room[i] = values[i].value;
		mean += room[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++)
		squares += (room[i] - mean) * (room[i] - mean);
	side.spread = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
	qsort(room, n, sizeof(*room), stats_order);
	side.value = method == METHOD_MINIMA ? room[0] : stats_median(room, n);
	return side;
}

static bool all_equal(const struct metric_value *values, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (values[i].value != values[0].value)
			return false;
	return true;
}

/* Times are noisy; a count is if it differs between runs that should be the same. */
static enum check_method method_of(const struct judge *judge, size_t row)
{
	const struct check_input *input = judge->input;
	const struct metric_value *values = values_of(judge, row);
	const struct rule *rule = judge->result->rows[row].rule;

	if (!rule->relative)
		return METHOD_ABSOLUTE;
	/* What interrupts a run does not move all of its events: there is no smallest one. */
	if (metric_is_distance(&rule->metric))
		return input->deterministic ? METHOD_DIRECT : METHOD_INTERVAL;
	if (metric_unit(&rule->metric) == UNIT_NS)
		return input->deterministic ? METHOD_MINIMA : METHOD_INTERVAL;
	if (input->deterministic)
		return METHOD_DIRECT;
	return all_equal(values, input->nbase) && all_equal(values + input->nbase, input->nnew)
		       ? METHOD_DIRECT
		       : METHOD_INTERVAL;
}

/* Says which runs have no value, and why the first of them has none. */
static void say_unknown(const struct judge *judge, size_t index)
{
	const struct metric_value *values = values_of(judge, index);
	struct check_row *row = &judge->result->rows[index];
	size_t nbase = judge->input->nbase, lacking[2] = { 0, 0 }, first = judge->nruns;
	int event = row->rule->metric.event;

	for (size_t i = 0; i < judge->nruns; i++)
		if (values[i].lack) {
			lacking[i >= nbase]++;
			first = i < first ? i : first;
		}
	check_say(row, VERDICT_INCONCLUSIVE, "%s %s (in %zu of %zu base and %zu of %zu new runs)",
		  event < 0 ? "it" : event_descs[event].name, metric_lacks[values[first].lack],
		  lacking[0], nbase, lacking[1], judge->input->nnew);
}

static void remark_thin(const struct judge *judge, size_t index)
{
	struct check_row *row = &judge->result->rows[index];
	size_t nthin = 0;

	for (size_t i = 0; i < judge->nruns; i++)
		nthin += values_of(judge, index)[i].is_thin;
	if (nthin)
		check_remark(row, "in %zu of %zu runs fewer than ten events are beyond it", nthin,
			     judge->nruns);
}

static bool lacks_any(const struct metric_value *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (values[i].lack)
			return true;
	return false;
}

/* 0 or -ENOMEM. */
static int look_at(const struct judge *judge, size_t index)
{
	const struct metric_value *values = values_of(judge, index);
	const struct check_input *input = judge->input;
	struct check_row *row = &judge->result->rows[index];

	row->values = values;
	row->method = method_of(judge, index);
	row->base = side_of(values, input->nbase, row->method, judge->levels.scratch);
	row->new = side_of(values + input->nbase, input->nnew, row->method, judge->levels.scratch);
	if (lacks_any(values + input->nbase, input->nnew) ||
	    (row->rule->relative && lacks_any(values, input->nbase)))
		say_unknown(judge, index);
	remark_thin(judge, index);
	if (check_is_judged(row) || !metric_is_distance(&row->rule->metric))
		return 0;
	return check_shape_read(input, row, judge->levels.by_time);
}

/* Judging. */

static size_t runs_on_each_side(const struct check_input *input)
{
	return input->nbase < input->nnew ? input->nbase : input->nnew;
}

size_t check_look(size_t max_runs, unsigned int nth)
{
	size_t parts = (size_t)1 << (CHECK_LOOKS - 1 - nth);

	return (max_runs + parts - 1) / parts;
}

size_t check_next_look(const struct check_input *input)
{
	for (unsigned int i = 0; i < CHECK_LOOKS && input->max_runs; i++)
		if (check_look(input->max_runs, i) > runs_on_each_side(input))
			return check_look(input->max_runs, i);
	return 0;
}

static bool is_look(const struct check_input *input)
{
	for (unsigned int i = 0; i < CHECK_LOOKS && input->max_runs; i++)
		if (check_look(input->max_runs, i) == runs_on_each_side(input))
			return true;
	return !input->max_runs;
}

static void postpone(const struct judge *judge)
{
	size_t next = check_next_look(judge->input);

	for (size_t i = 0; i < judge->result->nrows && !is_look(judge->input); i++) {
		struct check_row *row = &judge->result->rows[i];

		if (row->method == METHOD_INTERVAL && !check_is_judged(row))
			check_say(row, VERDICT_INCONCLUSIVE,
				  "it is looked at again when there are %zu + %zu runs", next,
				  next);
	}
}

static void judge_row(const struct judge *judge, struct check_row *row)
{
	struct measure measure = {};

	if (row->base.known || row->shape)
		measure = check_measure(judge->input, row, &judge->levels);
	check_judge(judge->result, row, &measure);
	if (row->method != METHOD_ABSOLUTE && row->method != METHOD_INTERVAL &&
	    (judge->input->nbase == 1 || judge->input->nnew == 1))
		check_remark(row, "weak: one run on a side");
}

/* Enough for each row that some number is enough for. */
static size_t runs_needed(const struct check_result *result)
{
	size_t needed = 0;

	for (size_t i = 0; i < result->nrows; i++)
		if (result->rows[i].power.runs_needed > needed)
			needed = result->rows[i].power.runs_needed;
	return needed;
}

static int judge_all(const struct judge *judge)
{
	struct check_result *result = judge->result;
	int err = 0;

	for (size_t i = 0; i < result->nrows && !err; i++) {
		if (!check_is_judged(&result->rows[i]))
			judge_row(judge, &result->rows[i]);
		err = check_find_shifts(judge->input, &result->rows[i]);
	}
	result->runs_needed = runs_needed(result);
	return err;
}

/* The worst of all rows; an improvement is none. Nothing compared is nothing known. */
static void conclude(struct check_result *result)
{
	size_t compared = 0;

	for (size_t i = 0; i < result->nrows; i++) {
		result->nverdicts[result->rows[i].verdict]++;
		compared += !result->input->default_rules || result->rows[i].rule->relative;
	}
	for (size_t verdict = VERDICT_FINE; verdict <= VERDICT_REGRESSION; verdict++)
		if (result->nverdicts[verdict])
			result->verdict = verdict;
	if (!compared && result->verdict < VERDICT_INCONCLUSIVE)
		result->verdict = VERDICT_INCONCLUSIVE;
}

int check_run_all(const struct check_input *input, struct check_result *result)
{
	struct judge judge = { .input = input,
			       .result = result,
			       .nruns = input->nbase + input->nnew };
	int err;

	*result = (struct check_result){ .input = input };
	err = levels_make(&judge.levels, input) ?: make_places(result) ?: make_rows(&judge) ?: read_all(&judge) ?: drop_idle(&judge);
	for (size_t i = 0; i < result->nrows && !err; i++)
		err = look_at(&judge, i);
	err = err ?: check_share_alpha(result, &judge.levels);
	if (!err) {
		postpone(&judge);
		err = judge_all(&judge);
		check_design(result, &judge.levels);
	}
	conclude(result);
	levels_free(&judge.levels);
	return err;
}

void check_free(struct check_result *result)
{
	for (size_t i = 0; i < result->nrows; i++)
		check_shape_free(&result->rows[i]);
	free(result->places);
	free(result->rows);
	free(result->values);
	*result = (struct check_result){};
}

int check_exit_status(const struct check_result *result)
{
	static const enum exit_status inconclusive[] = {
		[INCONCLUSIVE_TOLD] = EXIT_IMPOSSIBLE,
		[INCONCLUSIVE_PASSES] = EXIT_DONE,
		[INCONCLUSIVE_FAILS] = EXIT_REGRESSION,
	};

	if (result->verdict == VERDICT_REGRESSION)
		return EXIT_REGRESSION;
	return result->verdict == VERDICT_INCONCLUSIVE ? inconclusive[result->input->inconclusive]
						       : EXIT_DONE;
}
