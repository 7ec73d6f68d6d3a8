// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is a regression, what is not, and what cannot be known: by the limit of the rule, by p, and
 * by what the buckets of a percentile leave open.
 */
#include "check_judge.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include "check_stats.h"

void check_say(struct check_row *row, enum verdict verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	row->verdict = verdict;
	vsnprintf(row->reason, sizeof(row->reason), format, args);
	va_end(args);
}

/* What a change is held to: the value that the base makes of the limit. */
static double limit_of(const struct check_input *input, const struct rule *rule, double base)
{
	return base * (1 + (rule->has_limit ? rule->limit : input->floor));
}

/* A last digit that got lost in a mean is no change. */
static bool is_above(double value, double limit)
{
	return value > limit + 1e-9 * fabs(limit);
}

static bool keeps(enum rule_order order, double value, double limit)
{
	switch (order) {
	case RULE_AT_MOST:
		return !is_above(value, limit);
	case RULE_AT_LEAST:
		return !is_above(limit, value);
	case RULE_BELOW:
		return value < limit;
	case RULE_ABOVE:
		return value > limit;
	default:
		return !is_above(value, limit) && !is_above(limit, value);
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
		return is_above(value->low, rule->limit) || is_above(rule->limit, value->high);
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

/* Of all that the two sides can be, the change that says least. */
static bool surely_worse(const struct check_input *input, const struct check_row *row)
{
	const struct rule *rule = row->rule;

	if (rule->order == RULE_AT_MOST)
		return !keeps(rule->order, row->new.low, limit_of(input, rule, row->base.value));
	return !keeps(rule->order, row->new.value, limit_of(input, rule, row->base.low));
}

/* Beyond the floor, in the direction that the rule does not forbid. */
static bool surely_better(const struct check_input *input, const struct check_row *row)
{
	if (row->rule->order == RULE_AT_MOST)
		return is_above(row->base.low * (1 - input->floor), row->new.value);
	return is_above(row->new.low, row->base.value * (1 + input->floor));
}

/* How far runs of the same side are apart, as a share. */
static double noise_of(const struct check_row *row)
{
	double base = row->base.value > 0 ? row->base.spread / row->base.value : 0;
	double new = row->new.value > 0 ? row->new.spread / row->new.value : 0;

	return base > new ? base : new;
}

static bool is_beyond(double value, const struct metric_value *others, size_t n, int sign,
		      double share)
{
	for (size_t i = 0; i < n; i++)
		if (!is_above(sign * value, sign * others[i].high * (1 + sign * share)))
			return false;
	return true;
}

/* Is each new run above all of the base by @share, or each below? If not, it can be by chance. */
static bool are_apart(const struct check_input *input, const struct metric_value *values,
		      double share)
{
	size_t above = 0, below = 0;

	for (size_t i = input->nbase; i < input->nbase + input->nnew; i++) {
		above += is_beyond(values[i].high, values, input->nbase, 1, share);
		below += is_beyond(values[i].high, values, input->nbase, -1, share);
	}
	return above == input->nnew || below == input->nnew;
}

static void judge_change(const struct check_input *input, struct check_row *row,
			 const struct metric_value *values)
{
	double limit = limit_of(input, row->rule, row->base.value);
	bool breaks = !keeps(row->rule->order, row->new.value, limit);
	bool is_noise = row->has_p ? row->p > input->alpha
				   : !are_apart(input, values, breaks ? 0 : input->floor);

	if (breaks && is_noise && !row->has_p)
		check_say(
			row, VERDICT_INCONCLUSIVE,
			"beyond the limit, but runs of both sides overlap, with %.2g %% of noise "
			"(standard deviation): they are not deterministic; more of them, compared "
			"as noisy, may tell",
			noise_of(row) * 100);
	else if (breaks && is_noise)
		check_say(
			row, VERDICT_INCONCLUSIVE,
			"beyond the limit, but it can be noise, of which there is %.2g %% (standard "
			"deviation); more runs may tell",
			noise_of(row) * 100);
	else if (breaks && surely_worse(input, row))
		check_say(row, VERDICT_REGRESSION, "beyond the limit");
	else if (breaks)
		check_say(
			row, VERDICT_INCONCLUSIVE,
			"beyond the limit by less than a histogram bucket; a wider limit or the mean "
			"can tell");
	else if (!is_noise && surely_better(input, row))
		check_say(row, VERDICT_IMPROVED, "beyond the floor of %g %%", input->floor * 100);
}

/* Whatever the values were, could the test have found anything? */
static bool can_tell(const struct check_result *result)
{
	const struct check_input *input = result->input;
	double p = stats_smallest_p(input->nbase, input->nnew) * (double)result->ntested;

	return p <= input->alpha;
}

static void judge_test(const struct check_result *result, struct check_row *row,
		       const struct metric_value *values)
{
	const struct check_input *input = result->input;

	if (can_tell(result))
		judge_change(input, row, values);
	else if (result->runs_needed)
		check_say(row, VERDICT_INCONCLUSIVE,
			  "%zu metrics at %g %% need %zu + %zu runs, there are %zu + %zu",
			  result->ntested, input->alpha * 100, result->runs_needed,
			  result->runs_needed, input->nbase, input->nnew);
	else
		check_say(row, VERDICT_INCONCLUSIVE, "no number of runs tells %zu metrics at %g %%",
			  result->ntested, input->alpha * 100);
}

void check_judge(const struct check_result *result, struct check_row *row,
		 const struct metric_value *values)
{
	const struct check_input *input = result->input;

	if (row->method == METHOD_ABSOLUTE)
		judge_absolute(row, values + input->nbase, input->nnew);
	else if (row->method == METHOD_DIRECT)
		judge_change(input, row, values);
	else
		judge_test(result, row, values);
}
