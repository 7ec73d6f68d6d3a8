// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permutation tests by enumeration or by sampling, and Holm's correction.
 */
#include "check_stats.h"
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

double stats_mean(const double *values, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	return sum / (double)n;
}

/* The number of ways to choose @k of @n, or something above STATS_EXACT. */
static double ways(size_t n, size_t k)
{
	double product = 1;

	for (size_t i = 1; i <= k && product <= STATS_EXACT; i++)
		product = product * (double)(n - k + i) / (double)i;
	return round(product);
}

static bool is_exact(size_t nbase, size_t nnew)
{
	return ways(nbase + nnew, nbase < nnew ? nbase : nnew) <= STATS_EXACT;
}

/*
 * All values, less their mean: then the means of two groups differ in proportion to the sum of
 * either, and sums do not lose digits to what all values have in common.
 */
struct pool {
	double *values;
	size_t n;
	size_t take; /* size of the group that is summed */
	double limit; /* as far from 0 as the sum seen, but for rounding */
	double all; /* splits looked at, ... */
	double extreme; /* ... and those whose sum is beyond the limit */
};

static void look_at(struct pool *pool, double sum)
{
	pool->all++;
	if (fabs(sum) >= pool->limit)
		pool->extreme++;
}

/* Every way to add @left of the values from @at on to @sum. */
static void enumerate(struct pool *pool, size_t at, size_t left, double sum)
{
	if (!left) {
		look_at(pool, sum);
		return;
	}
	for (; at + left <= pool->n; at++)
		enumerate(pool, at + 1, left - 1, sum + pool->values[at]);
}

/* xorshift64*: the high half of the product. */
static uint32_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)(*state * 0x2545f4914f6cdd1dULL >> 32);
}

/* Sums of values drawn without putting back; the seed is fixed. */
static void sample(struct pool *pool)
{
	uint64_t random = 0x9e3779b97f4a7c15ULL;

	look_at(pool, INFINITY); /* the split seen */
	for (int i = 0; i < STATS_SAMPLES; i++) {
		double sum = 0;

		for (size_t at = 0; at < pool->take; at++) {
			uint64_t range = pool->n - at;
			size_t from = at + (size_t)(next_random(&random) * range >> 32);
			double value = pool->values[from];

			pool->values[from] = pool->values[at];
			pool->values[at] = value;
			sum += value;
		}
		look_at(pool, sum);
	}
}

/* @values has room for all. */
static struct pool make_pool(double *values, const double *base, size_t nbase, const double *new,
			     size_t nnew)
{
	struct pool pool = { .values = values, .n = nbase + nnew, .take = nbase };
	double mean, sum = 0, scale = 0;

	memcpy(values, base, nbase * sizeof(*values));
	memcpy(values + nbase, new, nnew * sizeof(*values));
	mean = stats_mean(values, pool.n);
	for (size_t i = 0; i < pool.n; i++) {
		values[i] -= mean;
		scale += fabs(values[i]) + fabs(mean) * 1e-3;
		if (i < nbase)
			sum += values[i];
	}
	/* Sums of the same values in another order may differ in their last digits. */
	pool.limit = fabs(sum) - scale * 1e-12;
	return pool;
}

double stats_permutation_p(const double *base, size_t nbase, const double *new, size_t nnew)
{
	double *values = malloc((nbase + nnew) * sizeof(*values));
	struct pool pool;

	if (!values) /* nothing can be said: not even that it is noise */
		return 1;
	pool = make_pool(values, base, nbase, new, nnew);
	if (is_exact(nbase, nnew))
		enumerate(&pool, 0, pool.take, 0);
	else
		sample(&pool);
	free(values);
	return pool.extreme / pool.all;
}

double stats_smallest_p(size_t nbase, size_t nnew)
{
	size_t smaller = nbase < nnew ? nbase : nnew;

	if (!is_exact(nbase, nnew))
		return 1.0 / (STATS_SAMPLES + 1);
	/* With groups of one size, a split and its mirror image differ equally. */
	return (nbase == nnew ? 2 : 1) / ways(nbase + nnew, smaller);
}

/* How many of the values of p are smaller than the one at @at, in an order without ties. */
static size_t rank_of(const double *p, size_t n, size_t at)
{
	size_t rank = 0;

	for (size_t i = 0; i < n; i++)
		rank += p[i] < p[at] || (p[i] == p[at] && i < at);
	return rank;
}

void stats_holm(double *p, size_t n)
{
	double least = 0;
	size_t *order = n ? calloc(n, sizeof(*order)) : NULL;

	if (!order) { /* Bonferroni's, which is never smaller */
		for (size_t i = 0; i < n; i++)
			p[i] = fmin(p[i] * (double)n, 1);
		return;
	}
	for (size_t i = 0; i < n; i++)
		order[rank_of(p, n, i)] = i;
	for (size_t i = 0; i < n; i++) {
		double *value = &p[order[i]];

		least = fmax(least, fmin(*value * (double)(n - i), 1));
		*value = least;
	}
	free(order);
}

size_t stats_runs_needed(size_t nmetrics, double alpha)
{
	for (size_t n = 1; n <= 64; n++)
		if (stats_smallest_p(n, n) * (double)nmetrics <= alpha)
			return n;
	return 0;
}
