// SPDX-License-Identifier: GPL-2.0-only
/*
 * The distribution of Mann and Whitney's U, and what follows from it: bounds, and how many runs
 * they need.
 */
#include "check_stats.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

int stats_order(const void *a, const void *b)
{
	const double *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* xorshift64*: the high half of the product. */
size_t stats_random(uint64_t *state, size_t range)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (size_t)((*state * 0x2545f4914f6cdd1dULL >> 32) * range >> 32);
}

double stats_median(const double *sorted, size_t n)
{
	double low = sorted[(n - 1) / 2], high = sorted[n / 2];

	return low == high ? low : (low + high) / 2; /* infinite ones, too */
}

double stats_median_of(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), stats_order);
	return stats_median(values, n);
}

/* The share of a normal distribution below @z. */
static double normal_share(double z)
{
	return 0.5 * erfc(-z / M_SQRT2);
}

/* The z with @share above it; @share is below a half. */
static double normal_z(double share)
{
	double low = 0, high = 38;

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		*(normal_share(-middle) > share ? &low : &high) = middle;
	}
	return high;
}

/*
 * The last of all values is one of the base, or a new one: a new one is in no pair that counts
 * more than before, one of the base in a pair with each new one. @chance has a row for each number
 * of runs of one side, up to @few; after the j-th step it is about j runs of the other.
 */
static void step(double *chance, size_t few, size_t j, size_t npairs)
{
	for (size_t i = 1; i <= few; i++) {
		double *row = chance + i * (npairs + 1);
		const double *less = row - (npairs + 1);
		double share = (double)i / (double)(i + j);

		for (size_t u = i * j + 1; u-- > 0;)
			row[u] = (1 - share) * row[u] + (u < j ? 0 : share * less[u - j]);
	}
}

/* at_most[u] from the chances of each u. */
static void add_up(struct stats_ranks *ranks, const double *chance)
{
	double sum = 0;

	for (size_t u = 0; u <= ranks->npairs; u++)
		ranks->at_most[u] = sum += chance[u];
}

static int make_exact(struct stats_ranks *ranks, size_t few, size_t many)
{
	size_t row = ranks->npairs + 1;
	double *chance = calloc((few + 1) * row, sizeof(*chance));

	if (!chance)
		return -ENOMEM;
	for (size_t i = 0; i <= few; i++)
		chance[i * row] = 1;
	for (size_t j = 1; j <= many; j++)
		step(chance, few, j, ranks->npairs);
	add_up(ranks, chance + few * row);
	free(chance);
	return 0;
}

/* Each rank is that of a difference below 0 with a chance of a half. */
static int make_exact_paired(struct stats_ranks *ranks, size_t n)
{
	double *chance = calloc(ranks->npairs + 1, sizeof(*chance));

	if (!chance)
		return -ENOMEM;
	chance[0] = 1;
	for (size_t rank = 1; rank <= n; rank++)
		for (size_t u = ranks->npairs + 1; u-- > 0;)
			chance[u] = (chance[u] + (u < rank ? 0 : chance[u - rank])) / 2;
	add_up(ranks, chance);
	free(chance);
	return 0;
}

static int make_normal(struct stats_ranks *ranks, double spread)
{
	double middle = (double)ranks->npairs / 2;

	for (size_t u = 0; u <= ranks->npairs; u++)
		ranks->at_most[u] = normal_share(((double)u + 0.5 - middle) / spread);
	return 0;
}

static int make(struct stats_ranks *ranks, size_t npairs)
{
	*ranks = (struct stats_ranks){ .npairs = npairs };
	ranks->at_most = calloc(npairs + 1, sizeof(*ranks->at_most));
	return ranks->at_most ? 0 : -ENOMEM;
}

int stats_ranks_make(struct stats_ranks *ranks, size_t nbase, size_t nnew)
{
	double base = (double)nbase, new = (double)nnew;

	if (make(ranks, nbase * nnew))
		return -ENOMEM;
	if (ranks->npairs > STATS_EXACT)
		return make_normal(ranks, sqrt(base * new *(base + new + 1) / 12));
	return nbase < nnew ? make_exact(ranks, nbase, nnew) : make_exact(ranks, nnew, nbase);
}

int stats_ranks_make_paired(struct stats_ranks *ranks, size_t n)
{
	double runs = (double)n;

	if (make(ranks, n * (n + 1) / 2))
		return -ENOMEM;
	if (ranks->npairs > STATS_EXACT)
		return make_normal(ranks, sqrt(runs * (runs + 1) * (2 * runs + 1) / 24));
	return make_exact_paired(ranks, n);
}

void stats_ranks_free(struct stats_ranks *ranks)
{
	free(ranks->at_most);
	*ranks = (struct stats_ranks){};
}

size_t stats_bound(const struct stats_ranks *ranks, double tail)
{
	size_t k = 0;

	while (k < ranks->npairs && stats_is_within(ranks->at_most[k], tail))
		k++;
	return k;
}

size_t stats_runs_to_tell(double tail, bool paired)
{
	double splits = 1; /* of n + n runs, or of n pairs */

	for (size_t n = 1; tail > 0 && n <= STATS_MOST_RUNS; n++) {
		splits *= paired ? 2 : 2 * (2 * (double)n - 1) / (double)n;
		if (stats_is_within(1 / splits, tail))
			return n;
	}
	return 0;
}

#define Z_OF_TEN 1.2815515655446 /* normal_z(0.1): it is found 9 times of 10 */

/*
 * Noether's formula, with what ranks lose against means of normal values (pi / 3), and more where
 * runs are few: fitted to simulations of 3 + 3 to 20 + 20 runs, at 5 % to 0.1 %. @each: runs on each
 * side, or their harmonic mean.
 */
static double difference_found(double each, double z)
{
	double few = 1 + 0.68 * z * z / (each * sqrt(each));

	return (z + Z_OF_TEN) * sqrt(M_PI / 3 * 2 / each) * few;
}

double stats_difference_found(size_t nbase, size_t nnew, double tail)
{
	double base = (double)nbase, new = (double)nnew;

	return difference_found(2 * base * new / (base + new), normal_z(tail));
}

size_t stats_runs_to_find(double difference, double tail, bool paired)
{
	size_t low = stats_runs_to_tell(tail, paired), high = STATS_MOST_RUNS;
	double z = normal_z(tail);

	if (!low || difference_found((double)high, z) > difference)
		return 0;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (difference_found((double)middle, z) <= difference)
			high = middle;
		else
			low = middle + 1;
	}
	return high;
}

void stats_add_pairs(const double *values, size_t n, double *apart, size_t *npairs)
{
	double mean = 0;

	for (size_t i = 0; i < n; i++)
		mean += values[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			apart[(*npairs)++] = mean > 0 ? fabs(values[i] - values[j]) / mean : 0;
}

double stats_noise(double *apart, size_t npairs)
{
	double squares = 0, median;

	if (!npairs)
		return 0;
	qsort(apart, npairs, sizeof(*apart), stats_order);
	/* Two values of a normal distribution are 0.954 standard deviations apart, or less, in
	 * every second pair. */
	median = stats_median(apart, npairs) / 0.9539;
	if (median > 0)
		return median;
	for (size_t i = 0; i < npairs; i++)
		squares += apart[i] * apart[i];
	return sqrt(squares / (double)npairs / 2);
}
