// SPDX-License-Identifier: GPL-2.0-only
/*
 * The statistics of gmemtrace check against brute force, and against simulated runs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "check/check_stats.h"
#include "unit.h"

#define NEAR 1e-9
#define assert_near(value, wanted, by) assert_true(fabs((value) - (wanted)) <= (by))

/* Of all ways to have @n runs, of which the bits of @mask are new: the pairs that do not speak for new. */
static size_t pairs_of(unsigned int mask, size_t n)
{
	size_t pairs = 0;

	for (size_t high = 0; high < n; high++)
		for (size_t low = 0; low < high; low++)
			pairs += !(mask >> high & 1) && mask >> low & 1;
	return pairs;
}

static double brute_force(size_t nbase, size_t nnew, size_t most)
{
	unsigned int all = 0, few = 0;

	for (unsigned int mask = 0; mask < 1U << (nbase + nnew); mask++) {
		if ((size_t)__builtin_popcount(mask) != nnew)
			continue;
		all++;
		few += pairs_of(mask, nbase + nnew) <= most;
	}
	return (double)few / all;
}

static void test_equals_brute_force(void **state)
{
	struct stats_ranks ranks;

	(void)state;
	for (size_t nbase = 1; nbase <= 6; nbase++)
		for (size_t nnew = 1; nnew <= 6; nnew++) {
			assert_int_equal(stats_ranks_make(&ranks, nbase, nnew), 0);
			for (size_t u = 0; u <= nbase * nnew; u++)
				assert_near(ranks.at_most[u], brute_force(nbase, nnew, u), NEAR);
			stats_ranks_free(&ranks);
		}
}

/* Every way to give each of @n ranks a sign. */
static double brute_force_paired(size_t n, size_t most)
{
	unsigned int few = 0;

	for (unsigned int mask = 0; mask < 1U << n; mask++) {
		size_t sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += mask >> i & 1 ? i + 1 : 0;
		few += sum <= most;
	}
	return (double)few / (1U << n);
}

static void test_paired_equals_brute_force(void **state)
{
	struct stats_ranks ranks;

	(void)state;
	for (size_t n = 1; n <= 12; n++) {
		assert_int_equal(stats_ranks_make_paired(&ranks, n), 0);
		assert_int_equal(ranks.npairs, n * (n + 1) / 2);
		for (size_t u = 0; u <= ranks.npairs; u++)
			assert_near(ranks.at_most[u], brute_force_paired(n, u), NEAR);
		stats_ranks_free(&ranks);
	}
	assert_int_equal(stats_ranks_make_paired(&ranks, 200), 0); /* by the normal distribution */
	assert_near(ranks.at_most[ranks.npairs / 2], 0.5, 0.001);
	assert_in_range(stats_bound(&ranks, 0.01), 8140, 8150);
	stats_ranks_free(&ranks);
	assert_int_equal(stats_runs_to_tell(0.01, true), 7);
	assert_int_equal(stats_runs_to_tell(0.0025, true), 9);
	assert_int_equal(stats_runs_to_find(100, 0.01, true), 7);
}

static size_t bound(size_t nbase, size_t nnew, double tail)
{
	struct stats_ranks ranks;
	size_t k;

	assert_int_equal(stats_ranks_make(&ranks, nbase, nnew), 0);
	k = stats_bound(&ranks, tail);
	stats_ranks_free(&ranks);
	return k;
}

/* As tables of Mann and Whitney's test have it, where k is the critical value and one. */
static void test_bounds(void **state)
{
	(void)state;
	assert_int_equal(bound(4, 4, 0.01), 0);
	assert_int_equal(bound(5, 5, 0.01), 2);
	assert_int_equal(bound(5, 5, 0.025), 3);
	assert_int_equal(bound(6, 6, 0.01), 4);
	assert_int_equal(bound(8, 8, 0.01), 10);
	assert_int_equal(bound(10, 10, 0.05), 28);
	assert_int_equal(bound(20, 20, 0.01), 115);
	assert_int_equal(bound(20, 2, 0.01), 2);
	assert_int_equal(bound(2, 20, 0.01), 2);
	assert_int_equal(bound(1, 1, 0.4), 0);
	assert_int_equal(bound(1, 1, 0.5), 1);
	assert_int_equal(bound(1, 99, 0.01), 1); /* the one of 100 that is by itself */
	assert_int_equal(bound(1, 98, 0.01), 0);
}

/* Many runs are beyond enumeration; the bound goes on as it has come. */
static void test_many(void **state)
{
	size_t exact = bound(50, 50, 0.01), more = bound(51, 51, 0.01), even = bound(60, 60, 0.5);

	(void)state;
	assert_int_equal(exact, 914);
	assert_in_range(more, 953, 955); /* 954 */
	assert_in_range(even, 1800, 1801);
	assert_int_equal(bound(1, 5000, 0.0001), 0);
}

static void test_runs_to_tell(void **state)
{
	(void)state;
	assert_int_equal(stats_runs_to_tell(0.05, false), 3);
	assert_int_equal(stats_runs_to_tell(0.01, false), 5);
	assert_int_equal(stats_runs_to_tell(0.01 / 2, false), 5);
	assert_int_equal(stats_runs_to_tell(0.01 / 3, false), 6);
	assert_int_equal(stats_runs_to_tell(0.01 / 9, false), 6);
	assert_int_equal(stats_runs_to_tell(0.01 / 10, false), 7);
	assert_int_equal(stats_runs_to_tell(0.000005, false), 11);
	assert_int_equal(stats_runs_to_tell(1e-9, false), 17);
	assert_int_equal(stats_runs_to_tell(0, false), 0);
	for (size_t n = 1; n < 20; n++)
		for (double tail = 0.2; tail > 1e-6; tail /= 3)
			assert_int_equal(n >= stats_runs_to_tell(tail, false),
					 bound(n, n, tail) > 0);
}

static void test_median(void **state)
{
	static const double values[] = { 1, 2, 4, INFINITY, INFINITY };

	(void)state;
	assert_true(stats_median(values, 1) == 1 && stats_median(values, 2) == 1.5);
	assert_true(stats_median(values, 3) == 2 && isinf(stats_median(values + 1, 4)));
	assert_true(isinf(stats_median(values + 3, 2)));
}

static double uniform(unsigned long long *random)
{
	return ((double)(unit_random(random) >> 11) + 0.5) / (double)(1ULL << 53);
}

static double normal(unsigned long long *random)
{
	return sqrt(-2 * log(uniform(random))) * cos(2 * M_PI * uniform(random));
}

#define TRIALS 2000
#define MOST_RUNS 20

/* The difference of which the bound is beyond 0 in 9 of 10 simulated comparisons. */
static double simulated(size_t nbase, size_t nnew, double tail)
{
	static double apart[MOST_RUNS * MOST_RUNS], needed[TRIALS];
	double base[MOST_RUNS], new[MOST_RUNS];
	unsigned long long random = 88172645463325252ULL;
	size_t k = bound(nbase, nnew, tail);

	for (size_t trial = 0; trial < TRIALS; trial++) {
		for (size_t i = 0; i < nbase; i++)
			base[i] = normal(&random);
		for (size_t i = 0; i < nnew; i++)
			new[i] = normal(&random);
		for (size_t i = 0; i < nbase * nnew; i++)
			apart[i] = new[i / nbase] - base[i % nbase];
		qsort(apart, nbase * nnew, sizeof(*apart), stats_order);
		needed[trial] = -apart[k - 1];
	}
	qsort(needed, TRIALS, sizeof(*needed), stats_order);
	return needed[TRIALS * 9 / 10];
}

static void test_difference_found(void **state)
{
	static const struct {
		size_t nbase, nnew;
		double tail;
	} table[] = { { 5, 5, 0.01 },	{ 6, 6, 0.01 },	   { 8, 8, 0.01 }, { 12, 12, 0.01 },
		      { 20, 20, 0.01 }, { 7, 7, 0.0025 },  { 5, 5, 0.05 }, { 10, 10, 0.001 },
		      { 20, 4, 0.01 },	{ 15, 15, 0.0025 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		double told = stats_difference_found(table[i].nbase, table[i].nnew, table[i].tail);
		double true_one = simulated(table[i].nbase, table[i].nnew, table[i].tail);

		if (fabs(told / true_one - 1) > 0.08)
			print_error("%zu + %zu at %g: told %g, simulated %g\n", table[i].nbase,
				    table[i].nnew, table[i].tail, told, true_one);
		assert_near(told / true_one, 1, 0.08);
	}
}

static void test_runs_to_find(void **state)
{
	(void)state;
	assert_int_equal(stats_runs_to_find(100, 0.01, false), 5);
	assert_int_equal(stats_runs_to_find(0, 0.01, false), 0);
	assert_int_equal(stats_runs_to_find(-1, 0.01, false), 0);
	assert_int_equal(stats_runs_to_find(0.01, 0.01, false), 0);
	for (double difference = 0.2; difference < 4; difference += 0.1) {
		size_t n = stats_runs_to_find(difference, 0.01, false);

		assert_in_range(n, 5, STATS_MOST_RUNS);
		assert_true(stats_difference_found(n, n, 0.01) <= difference);
		assert_true(n == 5 || stats_difference_found(n - 1, n - 1, 0.01) > difference);
	}
}

static double noise(const double *values, size_t n)
{
	double apart[200];
	size_t npairs = 0;

	stats_add_pairs(values, n, apart, &npairs);
	assert_int_equal(npairs, n * (n - 1) / 2);
	return stats_noise(apart, npairs);
}

static void test_noise(void **state)
{
	static const double same[] = { 7, 7, 7, 7 }, none[] = { 0, 0, 0 },
			    rare[] = { 0, 0, 0, 0, 5 };
	unsigned long long random = 88172645463325252ULL;
	double runs[20];

	(void)state;
	assert_near(noise(same, 4), 0, NEAR);
	assert_near(noise(none, 3), 0, NEAR);
	assert_near(noise(same, 1), 0, NEAR);
	assert_near(noise(rare, 5), sqrt(5), NEAR); /* as the standard deviation has it */
	for (size_t i = 0; i < 20; i++)
		runs[i] = 9000 * (1 + 0.01 * normal(&random));
	assert_near(noise(runs, 20), 0.01, 0.003);
	runs[3] *= 2;
	assert_near(noise(runs, 20), 0.01, 0.003);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_brute_force),
		cmocka_unit_test(test_paired_equals_brute_force),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_runs_to_tell),
		cmocka_unit_test(test_median),
		cmocka_unit_test(test_difference_found),
		cmocka_unit_test(test_runs_to_find),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests_name("check_stats", tests, NULL, NULL);
}
