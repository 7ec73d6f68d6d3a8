/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How surely is one group of runs above another? Pure arithmetic on ranks: nothing is assumed of
 * how runs are distributed, but that all of one side are alike and each is for itself. The same
 * values give the same answer each time.
 */
#ifndef CHECK_STATS_H
#define CHECK_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The middle one of @n values, at least 1, in ascending order; of two, their mean. */
double stats_median(const double *sorted, size_t n);

/* The same of values in any order, which it sorts. */
double stats_median_of(double *values, size_t n);

/* The next of random numbers, below @range. @state begins with STATS_SEED: they are the same each time. */
#define STATS_SEED 0x9e3779b97f4a7c15ULL
size_t stats_random(uint64_t *state, size_t range);

/* For qsort(): doubles in ascending order. */
int stats_order(const void *a, const void *b);

/*
 * Of all pairs of a base run and a new one, u are those in which the new one is not above: Mann and
 * Whitney's U. at_most[u] is the chance of so few pairs, or fewer, when both sides are alike. Exact
 * up to STATS_EXACT pairs; beyond, by the normal distribution.
 */
#define STATS_EXACT 2500
struct stats_ranks {
	size_t npairs;
	double *at_most; /* [npairs + 1] */
};

/* @nbase, @nnew: at least 1. 0 or -ENOMEM; stats_ranks_free() in any case. */
int stats_ranks_make(struct stats_ranks *ranks, size_t nbase, size_t nnew);

/*
 * The same of @n runs on each side, of which one of the base and a new one belong together: the
 * pairs are those of their differences, each with itself and each other (Wilcoxon's signed ranks).
 */
int stats_ranks_make_paired(struct stats_ranks *ranks, size_t n);
void stats_ranks_free(struct stats_ranks *ranks);

/*
 * The k for which the k-th smallest of all pairs' differences is above the true one with a chance of at most @tail: the end of a confidence interval. 0: there is none, the
 * runs are too few.
 */
size_t stats_bound(const struct stats_ranks *ranks, double tail);

/* Sums of chances lose a little. */
static inline bool stats_is_within(double chance, double tail)
{
	return chance <= tail * (1 + 1e-9);
}

/* With how many runs on each side such a bound exists at all; 0: more than STATS_MOST_RUNS. */
#define STATS_MOST_RUNS 1000
size_t stats_runs_to_tell(double tail, bool paired);

/*
 * Which true difference is found 9 times of 10, if the bound of @tail is to be beyond 0: in
 * standard deviations of the noise, as if that was normal; to some 5 %. Its inverse: how many runs
 * on each side find one of @difference of these; 0: more than STATS_MOST_RUNS.
 */
double stats_difference_found(size_t nbase, size_t nnew, double tail);
size_t stats_runs_to_find(double difference, double tail, bool paired);

/*
 * The standard deviation of @n values around their own middle, as a share of it, and as their
 * pairs tell it: a few runs that something went wrong in do not count. Adds the @n * (@n - 1) / 2
 * pairs to @apart, which has room, at *@npairs; stats_noise() makes a share of all that were added,
 * and sorts them. Values are at least 0; of those that are mostly the same, all count.
 */
void stats_add_pairs(const double *values, size_t n, double *apart, size_t *npairs);
double stats_noise(double *apart, size_t npairs);

#endif
