// SPDX-License-Identifier: GPL-2.0-only
/*
 * The statistics of gmemtrace check against brute force, against simulated runs in which nothing
 * has changed, and against ones in which something has.
 */
#include <math.h>
#include <stdlib.h>
#include "check/check_stats.h"
#include "unit.h"

#define NEAR 1e-9
#define assert_near(value, wanted, by) assert_true(fabs((value) - (wanted)) <= (by))

/* Every subset of all values as a bit mask; those of the right size are the splits. */
static double brute_force_p(const double *base, size_t nbase, const double *new, size_t nnew)
{
	size_t n = nbase + nnew;
	double all[24], seen = fabs(stats_mean(base, nbase) - stats_mean(new, nnew));
	unsigned int splits = 0, extreme = 0;

	for (size_t i = 0; i < n; i++)
		all[i] = i < nbase ? base[i] : new[i - nbase];
	for (unsigned int mask = 0; mask < 1U << n; mask++) {
		double left = 0, right = 0;

		if ((size_t)__builtin_popcount(mask) != nbase)
			continue;
		for (size_t i = 0; i < n; i++)
			*(mask >> i & 1 ? &left : &right) += all[i];
		splits++;
		extreme += fabs(left / (double)nbase - right / (double)nnew) >= seen - 1e-9;
	}
	return (double)extreme / splits;
}

/* Uniform in [0, 1). */
static double uniform(unsigned long long *random)
{
	return (double)(unit_random(random) >> 11) / (double)(1ULL << 53);
}

/* One run: @mean, with noise of a standard deviation of @noise of it, now and then a bad outlier. */
static double simulate(unsigned long long *random, double mean, double noise)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += uniform(random);
	if (uniform(random) < 0.005)
		sum += 10;
	return mean * (1 + noise * sum);
}

static void simulate_all(unsigned long long *random, double mean, double noise, double *values,
			 size_t n)
{
	for (size_t i = 0; i < n; i++)
		values[i] = simulate(random, mean, noise);
}

static void test_equals_brute_force(void **state)
{
	unsigned long long random = 1;
	double base[6], new[7];

	(void)state;
	for (size_t nbase = 1; nbase <= ARRAY_SIZE(base); nbase++)
		for (size_t nnew = 1; nnew <= ARRAY_SIZE(new); nnew++)
			for (int shift = 0; shift < 3; shift++) {
				simulate_all(&random, 8540, 0.05, base, nbase);
				simulate_all(&random, 8540 + 400 * shift, 0.05, new, nnew);
				assert_near(stats_permutation_p(base, nbase, new, nnew),
					    brute_force_p(base, nbase, new, nnew), NEAR);
			}
}

/* Small whole numbers, as counts are: many splits are equally far apart. */
static void test_ties_equal_brute_force(void **state)
{
	unsigned long long random = 2;
	double base[5], new[5];

	(void)state;
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(base); i++) {
			base[i] = (double)(unit_random(&random) >> 62) * 0.1;
			new[i] = (double)(unit_random(&random) >> 62) * 0.1;
		}
		assert_near(stats_permutation_p(base, 5, new, 5), brute_force_p(base, 5, new, 5),
			    NEAR);
	}
}

static void test_known(void **state)
{
	static const double low[] = { 1, 2, 3, 4, 5 }, high[] = { 11, 12, 13, 14, 15 };
	static const double same[] = { 7, 7, 7, 7, 7 }, huge[] = { 1e12, 1e12 + 1, 1e12 + 2 };

	(void)state;
	assert_near(stats_permutation_p(low, 5, high, 5), 2.0 / 252, NEAR);
	assert_near(stats_permutation_p(high, 5, low, 5), 2.0 / 252, NEAR);
	assert_near(stats_permutation_p(low, 3, high, 5), 1.0 / 56, NEAR);
	assert_near(stats_permutation_p(same, 5, same, 5), 1, NEAR);
	assert_near(stats_permutation_p(low, 1, high, 1), 1, NEAR);
	assert_near(stats_permutation_p(same, 5, high, 5), 2.0 / 252, NEAR);
	assert_near(stats_permutation_p(huge, 1, huge + 1, 2), brute_force_p(huge, 1, huge + 1, 2),
		    NEAR);
}

/* The same answer each time, close to the exact one, and never 0. */
static void test_sampled(void **state)
{
	unsigned long long random = 3;
	double base[12], new[12], p, all = 2704156;

	(void)state;
	simulate_all(&random, 100, 0.1, base, 12);
	simulate_all(&random, 106, 0.1, new, 12);
	p = stats_permutation_p(base, 12, new, 12);
	assert_true(p == stats_permutation_p(base, 12, new, 12));
	assert_near(p, brute_force_p(base, 12, new, 12), 0.002);
	simulate_all(&random, 1000, 0.01, new, 12);
	assert_near(stats_permutation_p(base, 12, new, 12), 1.0 / (STATS_SAMPLES + 1),
		    2.5 * 2 / all);
}

static void test_smallest_p(void **state)
{
	static const double low[] = { 1, 2, 3, 4, 5, 6 }, high[] = { 21, 22, 23, 24, 25, 26 };

	(void)state;
	for (size_t nbase = 1; nbase <= 6; nbase++)
		for (size_t nnew = 1; nnew <= 6; nnew++)
			assert_near(stats_smallest_p(nbase, nnew),
				    stats_permutation_p(low, nbase, high, nnew), NEAR);
	assert_near(stats_smallest_p(5, 5), 0.0079365, 1e-6);
	assert_near(stats_smallest_p(500, 500), 1e-5, NEAR);
	assert_near(stats_smallest_p(1, 2000000), 1e-5, NEAR);
}

static void test_runs_needed(void **state)
{
	(void)state;
	assert_int_equal(stats_runs_needed(1, 0.01), 5);
	assert_int_equal(stats_runs_needed(2, 0.01), 6);
	assert_int_equal(stats_runs_needed(4, 0.01), 6);
	assert_int_equal(stats_runs_needed(5, 0.01), 7);
	assert_int_equal(stats_runs_needed(1, 0.05), 4);
	assert_int_equal(stats_runs_needed(6, 0.05), 5);
	assert_int_equal(stats_runs_needed(1, 1e-9), 0);
}

static void test_holm(void **state)
{
	double p[] = { 0.01, 0.04, 0.03, 0.005 }, one[] = { 0.02 }, large[] = { 0.9, 0.8, 0.001 };
	double ties[] = { 0.02, 0.02, 0.02 };

	(void)state;
	stats_holm(p, 4);
	assert_near(p[3], 0.02, NEAR);
	assert_near(p[0], 0.03, NEAR);
	assert_near(p[2], 0.06, NEAR);
	assert_near(p[1], 0.06, NEAR); /* never below one that was smaller */
	stats_holm(one, 1);
	assert_near(one[0], 0.02, NEAR);
	stats_holm(large, 3);
	assert_near(large[2], 0.003, NEAR);
	assert_near(large[0], 1, NEAR);
	stats_holm(ties, 3);
	for (size_t i = 0; i < 3; i++)
		assert_near(ties[i], 0.06, NEAR);
	stats_holm(NULL, 0);
}

#define TRIALS 10000
#define ALPHA 0.01

/* How many of TRIALS comparisons of @nmetrics, of @nruns and @nruns runs, find anything. */
static unsigned int alarms(size_t nmetrics, size_t nruns, double noise, double shift)
{
	unsigned long long random = 4;
	double base[8], new[8], p[4];
	unsigned int found = 0;

	for (int trial = 0; trial < TRIALS; trial++) {
		size_t rejected = 0;

		for (size_t i = 0; i < nmetrics; i++) {
			simulate_all(&random, 8540, noise, base, nruns);
			simulate_all(&random, 8540 * (1 + shift), noise, new, nruns);
			p[i] = stats_permutation_p(base, nruns, new, nruns);
		}
		stats_holm(p, nmetrics);
		for (size_t i = 0; i < nmetrics; i++)
			rejected += p[i] <= ALPHA;
		found += rejected > 0;
	}
	return found;
}

static void test_false_alarms(void **state)
{
	unsigned int one = alarms(1, 5, 0.1, 0), few = alarms(4, 6, 0.1, 0);

	(void)state;
	print_message("# of %d: 1 metric, 5 + 5 runs %u; 4 metrics, 6 + 6 runs %u\n", TRIALS, one,
		      few);
	assert_in_range(one, 1, TRIALS * ALPHA);
	assert_in_range(few, 1, TRIALS * ALPHA);
}

/* How many of TRIALS with runs like real ones, the new ones longer by @shift, find that. */
static unsigned int found_in_real(const double *real, size_t n, double shift)
{
	unsigned long long random = 6;
	double base[5], new[5];
	unsigned int found = 0;

	for (int trial = 0; trial < TRIALS; trial++) {
		for (size_t i = 0; i < 5; i++) {
			base[i] = real[unit_random(&random) % n];
			new[i] = real[unit_random(&random) % n] * (1 + shift);
		}
		found += stats_permutation_p(base, 5, new, 5) <= ALPHA;
	}
	return found;
}

/* Means of guest_fault in ns of runs in one lab VM (7.3, TCG with icount), the first one left out. */
static void test_finds_a_shift_in_real_runs(void **state)
{
	static const double real[] = { 11324.6, 11344.8, 11337.3, 11333.9, 11345.1,
				       11350.5, 11338.5, 11330.5, 11335.3 };

	(void)state;
	assert_int_equal(found_in_real(real, ARRAY_SIZE(real), 0.05), TRIALS);
	assert_int_equal(found_in_real(real, ARRAY_SIZE(real), -0.02), TRIALS);
	assert_in_range(found_in_real(real, ARRAY_SIZE(real), 0), 0, TRIALS * ALPHA);
}

static void test_finds_a_shift_in_noise(void **state)
{
	unsigned int found = alarms(1, 5, 0.012, 0.05);

	(void)state;
	print_message("# 5 %% in noise of 1.2 %%: %u of %d\n", found, TRIALS);
	assert_true(found > TRIALS * 0.9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_brute_force),
		cmocka_unit_test(test_ties_equal_brute_force),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_sampled),
		cmocka_unit_test(test_smallest_p),
		cmocka_unit_test(test_runs_needed),
		cmocka_unit_test(test_holm),
		cmocka_unit_test(test_false_alarms),
		cmocka_unit_test(test_finds_a_shift_in_real_runs),
		cmocka_unit_test(test_finds_a_shift_in_noise),
	};

	return cmocka_run_group_tests_name("check_stats", tests, NULL, NULL);
}
