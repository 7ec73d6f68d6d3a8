// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs say of a change: the interval that it is in, and what they could have said at all.
 */
#include <math.h>
#include <stdlib.h>
#include "check_judge.h"

double check_limit(const struct check_input *input, const struct rule *rule)
{
	return rule->has_limit ? rule->limit : input->floor;
}

bool check_is_above(double value, double limit)
{
	return value > limit + 1e-9 * fabs(limit);
}

/* How many of @n sorted values are equal to @value. */
static size_t count_equal(const double *values, size_t n, double value)
{
	size_t equal = 0;

	for (size_t i = 0; i < n; i++)
		equal += values[i] == value;
	return equal;
}

/* In a pair that is as it is, whichever is the new run, nothing can be worse. */
static double smallest_paired_chance(const struct check_input *input, const struct check_row *row,
				     const struct levels *levels, double limit)
{
	size_t same = 0;

	for (size_t i = 0; i < input->nbase; i++) {
		const struct metric_value *base = &row->values[levels->by_time[i]];
		const struct metric_value *new = &row->values[levels->by_time[input->nbase + i]];

		same += base->value * limit == new->value;
	}
	return levels->ranks.at_most[same * (same + 1) / 2];
}

/*
 * The best split puts what is largest on the new side, or what is smallest where that is what the
 * rule forbids; equal ones on both sides of the border say nothing.
 */
double check_smallest_chance(const struct check_input *input, const struct check_row *row,
			     const struct levels *levels)
{
	bool at_most = row->rule->order == RULE_AT_MOST;
	double limit = 1 + check_limit(input, row->rule), *sorted = levels->scratch;
	size_t n = input->nbase + input->nnew, border = at_most ? input->nbase : input->nnew;

	if (row->shape)
		return check_shape_smallest_chance(row, levels);
	if (input->paired)
		return smallest_paired_chance(input, row, levels, limit);
	for (size_t i = 0; i < n; i++)
		sorted[i] = row->values[i].value * (i < input->nbase ? limit : 1);
	qsort(sorted, n, sizeof(*sorted), stats_order);
	return levels->ranks.at_most[count_equal(sorted, border, sorted[border]) *
				     count_equal(sorted + border, n - border, sorted[border - 1])];
}

/* Something where there was nothing is more than any multiple of it. */
static double ratio(double new, double base)
{
	if (base > 0)
		return new / base;
	return new > 0 ? INFINITY : 1;
}

/* The ratios of all pairs, by the bounds of what is known, and by values; each sorted. */
struct ratios {
	double *low;
	double *value;
	double *high;
	size_t n;
};

static struct ratios all_ratios(const struct check_input *input, const struct metric_value *base,
				double *room)
{
	const struct metric_value *new = base + input->nbase;
	size_t n = input->nbase * input->nnew;
	struct ratios ratios = { .low = room, .value = room + n, .high = room + 2 * n, .n = n };

	for (size_t i = 0; i < n; i++) {
		const struct metric_value *was = &base[i % input->nbase];
		const struct metric_value *is = &new[i / input->nbase];

		ratios.low[i] = ratio(is->low, was->high);
		ratios.value[i] = ratio(is->value, was->value);
		ratios.high[i] = ratio(is->high, was->low);
	}
	return ratios;
}

/* Between two ratios; nobody knows between none of it and something out of nothing. */
static double between(double a, double b)
{
	double product = a * b;

	return isnan(product) ? 1 : sqrt(product);
}

/* Of each run and the one that it belongs to, and of what is between any two of these. */
static struct ratios paired_ratios(const struct check_input *input,
				   const struct metric_value *values, const size_t *by_time,
				   double *room)
{
	size_t n = input->nbase, npairs = n * (n + 1) / 2, at = n;
	struct ratios ratios = {
		.low = room, .value = room + npairs, .high = room + 2 * npairs, .n = npairs
	};

	for (size_t i = 0; i < n; i++) {
		const struct metric_value *was = &values[by_time[i]];
		const struct metric_value *is = &values[by_time[n + i]];

		ratios.low[i] = ratio(is->low, was->high);
		ratios.value[i] = ratio(is->value, was->value);
		ratios.high[i] = ratio(is->high, was->low);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++, at++) {
			ratios.low[at] = between(ratios.low[i], ratios.low[j]);
			ratios.value[at] = between(ratios.value[i], ratios.value[j]);
			ratios.high[at] = between(ratios.high[i], ratios.high[j]);
		}
	return ratios;
}

static struct ratios distances(const struct check_input *input, const struct check_row *row,
			       double *room)
{
	size_t n = input->nbase * input->nnew;
	struct ratios ratios = { .low = room, .value = room + n, .high = room + 2 * n, .n = n };

	for (size_t i = 0; i < n; i++)
		check_shape_pair(row, i % input->nbase, input->nbase + i / input->nbase,
				 &ratios.low[i], &ratios.value[i], &ratios.high[i]);
	return ratios;
}

static struct ratios unsorted_ratios(const struct check_input *input, const struct check_row *row,
				     const struct levels *levels)
{
	if (row->shape)
		return distances(input, row, levels->scratch);
	if (input->paired && row->method == METHOD_INTERVAL)
		return paired_ratios(input, row->values, levels->by_time, levels->scratch);
	return all_ratios(input, row->values, levels->scratch);
}

static struct ratios make_ratios(const struct check_input *input, const struct check_row *row,
				 const struct levels *levels)
{
	struct ratios ratios = unsorted_ratios(input, row, levels);

	qsort(ratios.low, ratios.n, sizeof(double), stats_order);
	qsort(ratios.value, ratios.n, sizeof(double), stats_order);
	qsort(ratios.high, ratios.n, sizeof(double), stats_order);
	return ratios;
}

/* With the @from_low-th of all as the one bound, the @from_high-th last as the other; 0: none. */
static struct measure bounded(const struct ratios *ratios, size_t from_low, size_t from_high)
{
	size_t n = ratios->n;

	return (struct measure){
		.low = from_low ? ratios->low[from_low - 1] : 0,
		.change = stats_median(ratios->value, n),
		.high = from_high ? ratios->high[n - from_high] : INFINITY,
		.value_low = from_low ? ratios->value[from_low - 1] : 0,
		.value_high = from_high ? ratios->value[n - from_high] : INFINITY,
	};
}

static struct measure by_interval(const struct check_row *row, const struct levels *levels,
				  const struct ratios *ratios)
{
	bool at_most = row->rule->order == RULE_AT_MOST;
	size_t worse = stats_bound(&levels->ranks, levels->tail);
	size_t fine = stats_bound(&levels->ranks, levels->miss);

	return bounded(ratios, at_most ? worse : fine, at_most ? fine : worse);
}

/* The index of the smallest of @n values, but for the one at @but. */
static size_t smallest(const struct metric_value *values, size_t n, size_t but)
{
	size_t found = but == 0 ? 1 : 0;

	for (size_t i = found + 1; i < n; i++)
		if (i != but && values[i].value < values[found].value)
			found = i;
	return found;
}

static double apart(const struct metric_value *values, size_t n, size_t first)
{
	if (n < 2)
		return 0;
	return ratio(values[smallest(values, n, first)].value, values[first].value) - 1;
}

static struct measure by_minima(const struct check_input *input, const struct metric_value *base)
{
	const struct metric_value *new = base + input->nbase;
	size_t was = smallest(base, input->nbase, input->nbase);
	size_t is = smallest(new, input->nnew, input->nnew);
	double change = ratio(new[is].value, base[was].value);

	return (struct measure){
		.low = ratio(new[is].low, base[was].high),
		.change = change,
		.high = ratio(new[is].high, base[was].low),
		.value_low = change,
		.value_high = change,
		.base_apart = apart(base, input->nbase, was),
		.new_apart = apart(new, input->nnew, is),
	};
}

/* The noise of single runs as the ratios of pairs tell it: each has that of two. */
static double noise_of_pairs(const struct check_input *input, const struct check_row *row,
			     const struct levels *levels)
{
	double *room = levels->scratch, *apart = room + input->nbase;
	size_t n = input->nbase, npairs = 0;

	for (size_t i = 0; i < n; i++)
		room[i] = ratio(row->values[levels->by_time[n + i]].value,
				row->values[levels->by_time[i]].value);
	stats_add_pairs(room, n, apart, &npairs);
	return npairs ? stats_noise(apart, npairs) * M_SQRT1_2 : NAN;
}

static double noise_of_sides(const struct check_input *input, const struct check_row *row,
			     const struct levels *levels)
{
	double *room = levels->scratch, *apart = room + input->nbase + input->nnew;
	size_t npairs = 0;

	for (size_t i = 0; i < input->nbase + input->nnew; i++)
		room[i] = row->values[i].value;
	stats_add_pairs(room, input->nbase, apart, &npairs);
	stats_add_pairs(room + input->nbase, input->nnew, apart, &npairs);
	return npairs ? stats_noise(apart, npairs) : NAN;
}

static double noise_of_shape(const struct check_input *input, const struct check_row *row,
			     const struct levels *levels)
{
	size_t n = check_shape_apart(input, row, levels->scratch);

	return n ? stats_noise(levels->scratch, n) : NAN;
}

static double noise_of(const struct check_input *input, const struct check_row *row,
		       const struct levels *levels)
{
	if (row->shape)
		return noise_of_shape(input, row, levels);
	return input->paired ? noise_of_pairs(input, row, levels)
			     : noise_of_sides(input, row, levels);
}

double check_tail(const struct check_row *row, double tail)
{
	return metric_is_distance(&row->rule->metric) ? tail / 2 : tail;
}

static void find_power(const struct check_input *input, struct check_row *row,
		       const struct levels *levels, bool can_reject)
{
	double noise = noise_of(input, row, levels);
	double limit = log1p(fmax(check_limit(input, row->rule), -1));
	double tail = check_tail(row, levels->tail_of_all);
	double found = noise * stats_difference_found(input->nbase, input->nnew,
						      check_tail(row, levels->tail));
	int sign = row->rule->order == RULE_AT_MOST ? 1 : -1;

	if (!isfinite(noise))
		return;
	row->power = (struct check_power){
		.known = true,
		.noise = noise,
		.finds = can_reject ? expm1(limit + sign * found) : INFINITY,
		.runs_needed =
			noise > 0 ? stats_runs_to_find(sign * limit / noise, tail, input->paired)
				  : stats_runs_to_tell(tail, input->paired),
	};
}

struct measure check_measure(const struct check_input *input, struct check_row *row,
			     const struct levels *levels)
{
	struct ratios ratios = make_ratios(input, row, levels);
	struct measure measure;

	if (row->method == METHOD_INTERVAL)
		measure = row->shape ? check_shape_measure(input, row, levels)
				     : by_interval(row, levels, &ratios);
	else if (row->method == METHOD_MINIMA)
		measure = by_minima(input, row->values);
	else
		measure = bounded(&ratios, 1, 1);
	row->change = (struct check_change){
		.known = isfinite(measure.change),
		.value = measure.change - 1,
		.has_bounds = row->method != METHOD_ABSOLUTE &&
			      (measure.low > 0 || isfinite(measure.high)),
		.low = measure.low - 1,
		.high = measure.high - 1,
	};
	if (row->method == METHOD_INTERVAL) {
		double chance = check_smallest_chance(input, row, levels);

		measure.can_reject = stats_is_within(chance, levels->tail);
		measure.is_tied = !row->shape && !stats_is_within(chance, levels->ranks.at_most[0]);
		find_power(input, row, levels, measure.can_reject);
	}
	return measure;
}
