// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is a regression, what is not, and what cannot be known: by the limit of the rule and by all
 * that the change can be.
 */
#include "check_judge.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void check_say(struct check_row *row, enum verdict verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	row->verdict = verdict;
	vsnprintf(row->reason, sizeof(row->reason), format, args);
	va_end(args);
}

void check_remark(struct check_row *row, const char *format, ...)
{
	size_t at = strlen(row->remark), size = sizeof(row->remark);
	va_list args;

	if (at)
		at += (size_t)snprintf(row->remark + at, size - at, "; ");
	va_start(args, format);
	if (at < size)
		vsnprintf(row->remark + at, size - at, format, args);
	va_end(args);
}

static bool keeps(enum rule_order order, double value, double limit)
{
	switch (order) {
	case RULE_AT_MOST:
		return !check_is_above(value, limit);
	case RULE_AT_LEAST:
		return !check_is_above(limit, value);
	case RULE_BELOW:
		return value < limit;
	case RULE_ABOVE:
		return value > limit;
	default:
		return !check_is_above(value, limit) && !check_is_above(limit, value);
	}
}

/* Does the rule hold for all that the value can be, or for none of it? */
static bool surely_keeps(const struct rule *rule, const struct metric_value *value)
{
	return keeps(rule->order, value->low, rule->limit) &&
	       keeps(rule->order, value->high, rule->limit);
}

static bool surely_breaks(const struct rule *rule, const struct metric_value *value)
{
	if (rule->order == RULE_EQUAL)
		return check_is_above(value->low, rule->limit) ||
		       check_is_above(rule->limit, value->high);
	return !keeps(rule->order, value->low, rule->limit) &&
	       !keeps(rule->order, value->high, rule->limit);
}

/* Each new run against the limit. One that breaks it decides for counts, all of them for times. */
static void judge_absolute(struct check_row *row, const struct metric_value *values, size_t n)
{
	size_t kept = 0, broken = 0;
	bool one_decides = metric_unit(&row->rule->metric) != UNIT_NS;

	for (size_t i = 0; i < n; i++) {
		kept += surely_keeps(row->rule, &values[i]);
		broken += surely_breaks(row->rule, &values[i]);
	}
	if (broken == n || (broken && one_decides))
		check_say(row, VERDICT_REGRESSION, "%zu of %zu new runs break the limit", broken,
			  n);
	else if (kept < n)
		check_say(row, VERDICT_INCONCLUSIVE,
			  "of %zu new runs %zu keep the limit, %zu break it, %zu are within a "
			  "histogram bucket of it",
			  n, kept, broken, n - kept - broken);
}

/*
 * Of METHOD_MINIMA: does a second run of the side that this claim rests on say the same? It does not
 * if the limit is less than what is @between them.
 */
static bool has_witness(const struct check_input *input, const struct check_row *row, double apart,
			double between)
{
	double limit = fabs(check_limit(input, row->rule));

	return row->method != METHOD_MINIMA ||
	       apart <= fmin(fmax(limit, input->floor) / 4, fabs(between));
}

/* That nothing has changed, two runs of the other side can bear out as well. */
static bool has_witness_of_both(const struct check_input *input, const struct check_row *row,
				const struct measure *measure, double apart, double other_apart,
				double between)
{
	return has_witness(input, row, apart, between) ||
	       (has_witness(input, row, other_apart, between) &&
		has_witness(input, row, fabs(measure->change - 1), between));
}

/* Beyond the limit even if the change is what the runs make it least. */
static bool is_beyond(const struct check_input *input, const struct check_row *row,
		      const struct measure *measure)
{
	double limit = 1 + check_limit(input, row->rule);

	if (row->rule->order == RULE_AT_MOST)
		return check_is_above(measure->low, limit) &&
		       has_witness(input, row, measure->new_apart, measure->low - limit);
	return check_is_above(limit, measure->high) &&
	       has_witness(input, row, measure->base_apart, limit - measure->high);
}

/* Within it even if the change is what they make it most. */
static bool is_within(const struct check_input *input, const struct check_row *row,
		      const struct measure *measure)
{
	double limit = 1 + check_limit(input, row->rule);

	if (row->rule->order == RULE_AT_MOST)
		return !check_is_above(measure->high, limit) &&
		       has_witness_of_both(input, row, measure, measure->base_apart,
					   measure->new_apart, limit - measure->high);
	return !check_is_above(limit, measure->low) &&
	       has_witness_of_both(input, row, measure, measure->new_apart, measure->base_apart,
				   measure->low - limit);
}

/*
 * Beyond the floor, in the direction that the rule does not forbid. Less work is no improvement, and a
 * distance has no direction.
 */
static bool is_better(const struct check_input *input, const struct check_row *row,
		      const struct measure *measure)
{
	if (metric_is_work(&row->rule->metric) || metric_is_distance(&row->rule->metric))
		return false;
	if (row->rule->order == RULE_AT_MOST)
		return check_is_above(1 - input->floor, measure->high);
	return check_is_above(measure->low, 1 + input->floor);
}

/* Would it be known if percentiles were known better? */
static bool is_up_to_a_bucket(const struct check_input *input, const struct check_row *row,
			      const struct measure *measure)
{
	struct measure exact = *measure;

	exact.low = measure->value_low;
	exact.high = measure->value_high;
	return is_beyond(input, row, &exact) || is_within(input, row, &exact);
}

static void say_few_runs(const struct check_result *result, struct check_row *row)
{
	const struct check_input *input = result->input;
	double alpha = check_share_of_look(input, input->alpha);
	size_t needed =
		stats_runs_to_tell(check_tail(row, alpha / (double)result->ntests), input->paired);

	if (needed)
		check_say(row, VERDICT_INCONCLUSIVE,
			  "%zu metric%s at %.3g %% need%s %zu + %zu runs, there are %zu + %zu",
			  result->ntests, result->ntests == 1 ? "" : "s", alpha * 100,
			  result->ntests == 1 ? "s" : "", needed, needed, input->nbase,
			  input->nnew);
	else
		check_say(row, VERDICT_INCONCLUSIVE,
			  "no number of runs tells %zu metrics at %.3g %%", result->ntests,
			  alpha * 100);
}

static void say_noise(const struct check_result *result, struct check_row *row,
		      const struct measure *measure)
{
	double noise = row->power.noise * 100;

	if (!measure->can_reject && !measure->is_tied)
		say_few_runs(result, row);
	else if (!measure->can_reject)
		check_say(row, VERDICT_INCONCLUSIVE,
			  "it is the same in most runs, and in so few others chance cannot be told "
			  "from a change; a limit such as <=1 can be");
	else if (row->power.runs_needed)
		check_say(row, VERDICT_INCONCLUSIVE,
			  "within the limit or beyond it: runs of one side differ by %.2g %% "
			  "(standard deviation), for which the limit needs %zu + %zu runs",
			  noise, row->power.runs_needed, row->power.runs_needed);
	else
		check_say(row, VERDICT_INCONCLUSIVE,
			  "within the limit or beyond it: runs of one side differ by %.2g %% "
			  "(standard deviation), in which no number of runs tells this limit",
			  noise);
}

static void say_bucket(struct check_row *row)
{
	check_say(row, VERDICT_INCONCLUSIVE,
		  "beyond the limit or within it by less than a histogram bucket; a wider limit or "
		  "the mean can tell");
	/* No number of runs makes buckets narrower. */
	row->power.runs_needed = 0;
	row->power.finds = INFINITY;
}

static void say_unknown(const struct check_result *result, struct check_row *row,
			const struct measure *measure)
{
	double apart = fmax(measure->base_apart, measure->new_apart);

	if (is_up_to_a_bucket(result->input, row, measure))
		say_bucket(row);
	else if (row->method == METHOD_MINIMA)
		check_say(row, VERDICT_INCONCLUSIVE,
			  "the two smallest runs of a side are %.2g %% apart: both were "
			  "interrupted, or they are not deterministic; start again with more runs",
			  apart * 100);
	else if (row->method == METHOD_DIRECT)
		check_say(row, VERDICT_INCONCLUSIVE,
			  "some runs are beyond the limit, and some are not: they are not "
			  "deterministic; start again with more, compared as noisy");
	else
		say_noise(result, row, measure);
}

static void judge_change(const struct check_result *result, struct check_row *row,
			 const struct measure *measure)
{
	const struct check_input *input = result->input;

	if (is_beyond(input, row, measure))
		check_say(row, VERDICT_REGRESSION, "beyond the limit");
	else if (!is_within(input, row, measure))
		say_unknown(result, row, measure);
	else if (is_better(input, row, measure))
		check_say(row, VERDICT_IMPROVED, "beyond the floor of %g %%", input->floor * 100);
}

void check_judge(const struct check_result *result, struct check_row *row,
		 const struct measure *measure)
{
	const struct check_input *input = result->input;

	if (row->method == METHOD_ABSOLUTE)
		judge_absolute(row, row->values + input->nbase, input->nnew);
	else
		judge_change(result, row, measure);
}
