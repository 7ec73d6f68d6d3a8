// SPDX-License-Identifier: GPL-2.0-only
/*
 * How far are two distributions of latencies apart? Wasserstein's distance of their logarithms: what
 * the latencies of the same rank (the fastest of both sides, ..., the slowest of both) are apart on
 * the mean. A mean or a median can stay what it is while a distribution falls into two; this cannot.
 *
 * Of a run its percentiles are what counts. What the sides are apart in each, some of it may be
 * taken for granted; the rest is by chance if a mere exchange of runs makes as much of it often
 * enough. By that the distance has bounds, as the change of other metrics has by ranks.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "check_judge.h"
#include "check_splits.h"
#include "model/percentile.h"

/* In the middle of each per cent of the events. */
#define PARTS 100

/* One run, in logarithms of ns. */
struct profile {
	double low[PARTS];
	double value[PARTS];
	double high[PARTS];
};

struct check_shape {
	size_t nprofiles;
	struct profile
		profiles[]; /* of all runs: those of the base, oldest first, then the new ones */
};

static double log_ns(double ns)
{
	return log(fmax(ns, 1));
}

static int read_profile(const struct check_row *row, const struct capture *capture,
			struct profile *profile)
{
	struct place_counts counts;
	int err = place_counts_read(&counts, row->place, capture);

	for (unsigned int i = 0; i < PARTS && !err; i++) {
		struct percentile found =
			percentile_within(&counts.totals.v[row->rule->metric.event], 10 * i + 5);

		profile->value[i] = log_ns(found.value_ns);
		profile->low[i] =
			found.is_smooth ? profile->value[i] : log_ns((double)found.low_ns);
		profile->high[i] =
			found.is_smooth ? profile->value[i] : log_ns((double)found.high_ns);
	}
	place_counts_free(&counts);
	return err;
}

int check_shape_read(const struct check_input *input, struct check_row *row, const size_t *by_time)
{
	size_t n = input->nbase + input->nnew;
	struct check_shape *shape = calloc(1, sizeof(*shape) + n * sizeof(shape->profiles[0]));
	int err = shape ? 0 : -ENOMEM;

	row->shape = shape;
	if (shape)
		shape->nprofiles = n;
	for (size_t i = 0; i < n && !err; i++)
		err = read_profile(row, check_run_at(input, by_time[i])->capture,
				   &shape->profiles[i]);
	return err;
}

void check_shape_free(struct check_row *row)
{
	free(row->shape);
	row->shape = NULL;
}

/* Apart on the mean, whichever is the larger one. */
static double distance(const double *a, const double *b)
{
	double sum = 0;

	for (int i = 0; i < PARTS; i++)
		sum += fabs(a[i] - b[i]);
	return sum / PARTS;
}

/* The same where each of both is somewhere from low to high. */
static double least_distance(const double *was_low, const double *was_high, const double *is_low,
			     const double *is_high)
{
	double sum = 0;

	for (int i = 0; i < PARTS; i++)
		sum += fmax(0, fmax(is_low[i] - was_high[i], was_low[i] - is_high[i]));
	return sum / PARTS;
}

static double most_distance(const double *was_low, const double *was_high, const double *is_low,
			    const double *is_high)
{
	double sum = 0;

	for (int i = 0; i < PARTS; i++)
		sum += fmax(is_high[i] - was_low[i], was_high[i] - is_low[i]);
	return sum / PARTS;
}

void check_shape_pair(const struct check_row *row, size_t base, size_t new, double *low,
		      double *value, double *high)
{
	const struct profile *was = &row->shape->profiles[base];
	const struct profile *is = &row->shape->profiles[new];

	*low = exp(least_distance(was->low, was->high, is->low, is->high));
	*value = exp(distance(was->value, is->value));
	*high = exp(most_distance(was->low, was->high, is->low, is->high));
}

static bool all_equal(const struct check_shape *shape)
{
	for (size_t i = 1; i < shape->nprofiles; i++)
		if (distance(shape->profiles[0].value, shape->profiles[i].value) > 0)
			return false;
	return true;
}

double check_shape_smallest_chance(const struct check_row *row, const struct levels *levels)
{
	return all_equal(row->shape) ? 1 : 1 / (double)levels->splits.n;
}

/*
 * The noise of single runs: what two of a side are apart. Of pairs, what their differences are, each
 * of which has the noise of two.
 */
size_t check_shape_apart(const struct check_input *input, const struct check_row *row,
			 double *apart)
{
	const struct profile *profiles = row->shape->profiles;
	size_t n = 0, nbase = input->nbase;
	double is[PARTS], was[PARTS];

	for (size_t i = 0; i < (input->paired ? nbase : row->shape->nprofiles); i++)
		for (size_t j = i < nbase ? 0 : nbase; j < i; j++) {
			for (int part = 0; part < PARTS && input->paired; part++) {
				is[part] =
					profiles[nbase + i].value[part] - profiles[i].value[part];
				was[part] =
					profiles[nbase + j].value[part] - profiles[j].value[part];
			}
			apart[n++] = input->paired ? M_SQRT1_2 * distance(is, was)
						   : distance(profiles[i].value, profiles[j].value);
		}
	return n;
}

/* What the sides of each split are apart, in each part; and for how much of the true difference it is. */
struct field {
	double *apart; /* of splits.n, PARTS each; the true one first */
	double *share; /* from -1 to 1 */
	size_t n;
	double truly; /* on the mean, as it is */
	double unit[PARTS]; /* the true difference, if that was 1 on the mean */
};

/* A room for as many splits as there may be. */
size_t check_shape_room(void)
{
	return SPLITS_MOST * (PARTS + 1);
}

static void add_run(double *apart, const double *values, double weight)
{
	for (int i = 0; i < PARTS; i++)
		apart[i] += weight * values[i];
}

static void fill_split(struct field *field, size_t nth, const struct check_shape *shape,
		       const struct splits *splits)
{
	double *apart = field->apart + nth * PARTS;

	for (int i = 0; i < PARTS; i++)
		apart[i] = 0;
	field->share[nth] = 0;
	for (size_t i = 0; i < shape->nprofiles; i++) {
		double weight =
			splits->is_new[i] ? 1 / (double)splits->nnew : -1 / (double)splits->nbase;

		add_run(apart, shape->profiles[i].value, weight);
		field->share[nth] += i >= splits->nbase ? weight : 0;
	}
}

/* If nothing is apart, all of it would have moved alike. */
static void find_unit(struct field *field)
{
	static const double nowhere[PARTS];

	field->truly = distance(field->apart, nowhere);
	for (int i = 0; i < PARTS; i++)
		field->unit[i] = field->truly > 0 ? field->apart[i] / field->truly : 1;
}

static struct field make_field(const struct check_shape *shape, const struct levels *levels)
{
	struct splits splits = levels->splits;
	struct field field = { .apart = levels->scratch,
			       .share = levels->scratch + splits.n * PARTS,
			       .n = splits.n };

	splits_begin(&splits);
	for (size_t i = 0; i < splits.n; i++, splits_next(&splits))
		fill_split(&field, i, shape, &splits);
	find_unit(&field);
	return field;
}

/*
 * Could they be @expected apart, and the rest come by chance? Not if no more than a share of @tail of
 * all splits leaves as much of a rest.
 */
static bool is_ruled_out(const struct field *field, double expected, double tail)
{
	double rest = fabs(field->truly - expected) * (1 - 1e-9);
	size_t as_much = 0;

	for (size_t i = 0;
	     i < field->n && stats_is_within((double)as_much / (double)field->n, tail); i++) {
		const double *apart = field->apart + i * PARTS;
		double granted = field->share[i] * expected, sum = 0;

		for (int part = 0; part < PARTS; part++)
			sum += fabs(apart[part] - granted * field->unit[part]);
		as_much += sum / PARTS >= rest;
	}
	return stats_is_within((double)as_much / (double)field->n, tail);
}

#define STEPS 12 /* of halving: it is known to 1/4096 */

/* The last distance that is ruled out on the way from @out to @in, which is not. */
static double bound(const struct field *field, double out, double in, double tail)
{
	for (int i = 0; i < STEPS; i++) {
		double middle = (out + in) / 2;

		*(is_ruled_out(field, middle, tail) ? &out : &in) = middle;
	}
	return out;
}

static double lower_bound(const struct field *field, double tail)
{
	return is_ruled_out(field, 0, tail) ? bound(field, 0, field->truly, tail) : 0;
}

#define FARTHEST 64 /* a log beyond that of any ratio of two times */

static double upper_bound(const struct field *field, double tail)
{
	double in = field->truly, step = fmax(in, 1e-6), out = in + step;

	for (; out < FARTHEST && !is_ruled_out(field, out, tail); step *= 2) {
		in = out;
		out += step;
	}
	return out < FARTHEST ? bound(field, out, in, tail) : INFINITY;
}

/* What it is more, and less, at most, since percentiles are known to a bucket only. */
static void add_buckets(const struct check_input *input, const struct check_shape *shape,
			struct measure *measure)
{
	struct profile sides[2] = {};
	double least, most;

	for (size_t i = 0; i < shape->nprofiles; i++) {
		const struct profile *run = &shape->profiles[i];
		struct profile *side = &sides[i >= input->nbase];
		double weight = 1 / (double)(i < input->nbase ? input->nbase : input->nnew);

		add_run(side->low, run->low, weight);
		add_run(side->high, run->high, weight);
	}
	least = least_distance(sides[0].low, sides[0].high, sides[1].low, sides[1].high);
	most = most_distance(sides[0].low, sides[0].high, sides[1].low, sides[1].high);
	measure->low = fmax(1, measure->value_low * exp(least) / measure->change);
	measure->high = measure->value_high * exp(most) / measure->change;
}

struct measure check_shape_measure(const struct check_input *input, const struct check_row *row,
				   const struct levels *levels)
{
	struct field field = make_field(row->shape, levels);
	struct measure measure = {
		.change = exp(field.truly),
		.value_low = exp(lower_bound(&field, levels->tail)),
		.value_high = exp(upper_bound(&field, levels->miss)),
	};

	add_buckets(input, row->shape, &measure);
	return measure;
}
