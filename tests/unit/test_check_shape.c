// SPDX-License-Identifier: GPL-2.0-only
/*
 * EVENT.shape: whole distributions, by splits of whole runs.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check/check_splits.h"
#include "check_bench.h"
#include "unit.h"

/* Splits. */

static size_t count_new(const struct splits *splits)
{
	size_t n = 0;

	for (size_t i = 0; i < splits->nbase + splits->nnew; i++)
		n += splits->is_new[i];
	return n;
}

/* As the bits of a number. */
static unsigned int number_of(const struct splits *splits)
{
	unsigned int number = 0;

	for (size_t i = 0; i < splits->nbase + splits->nnew; i++)
		number |= (unsigned int)splits->is_new[i] << i;
	return number;
}

static void expect_splits(size_t nbase, size_t nnew, bool paired, size_t n)
{
	struct splits splits;
	bool *seen = calloc(1U << (nbase + nnew), sizeof(*seen));
	unsigned int all = (1U << (nbase + nnew)) - 1;

	assert_int_equal(splits_make(&splits, nbase, nnew, paired), 0);
	assert_int_equal(splits.n, n);
	for (size_t i = 0; i < n; i++, splits_next(&splits)) {
		unsigned int number = number_of(&splits);

		assert_true(i || number == (all >> nbase) << nbase);
		assert_int_equal(count_new(&splits), nnew);
		assert_false(seen[number]);
		assert_false(nbase == nnew && seen[all - number]);
		seen[number] = true;
		for (size_t pair = 0; pair < nbase && paired; pair++)
			assert_true(splits.is_new[pair] != splits.is_new[nbase + pair]);
	}
	splits_free(&splits);
	free(seen);
}

/* Each once, the true one first; of two that are mirrored, one. */
static void test_splits(void **state)
{
	(void)state;
	expect_splits(1, 1, false, 1);
	expect_splits(1, 1, true, 1);
	expect_splits(1, 2, false, 3);
	expect_splits(5, 5, false, 126);
	expect_splits(3, 5, false, 56);
	expect_splits(5, 3, false, 56);
	expect_splits(7, 7, true, 64);
	expect_splits(8, 8, false, 6435);
}

/* Where there are too many, some of them; the same ones again. */
static void test_random_splits(void **state)
{
	struct splits splits;
	bool was[40];

	(void)state;
	for (int paired = 0; paired < 2; paired++) {
		assert_int_equal(splits_make(&splits, 20, 20, paired), 0);
		assert_int_equal(splits.n, SPLITS_MOST);
		for (size_t i = 0; i < 40; i++)
			assert_int_equal(splits.is_new[i], i >= 20);
		for (size_t i = 0; i < 100; i++, splits_next(&splits))
			assert_int_equal(count_new(&splits), 20);
		memcpy(was, splits.is_new, sizeof(was));
		splits_begin(&splits);
		for (size_t i = 0; i < 100; i++)
			splits_next(&splits);
		assert_memory_equal(was, splits.is_new, sizeof(was));
		splits_free(&splits);
	}
}

/* Shapes. */

static const double wobble[MAX_RUNS] = { 0.1, -0.9, 0.7, -0.3, 1, -0.5, 0.4, -1 };

static double wobbly(size_t run, double noise)
{
	return 1 + noise * wobble[(run * 3 + run / MAX_RUNS) % MAX_RUNS];
}

/*
 * Faults that take 8 to 12 us, all of them alike often, of which those of the new side are @slower,
 * and those of its upper half by @and_half more. The runs are the @noise apart.
 */
static void add_shapes(struct bench *bench, double slower, double and_half, double noise)
{
	for (size_t i = 0; i < bench->input.nbase + bench->input.nnew; i++) {
		bool is_new = i >= bench->input.nbase;

		for (int n = 0; n < 400; n++) {
			double ns = 8000 + 10 * n;

			ns *= wobbly(i, noise) * (is_new ? 1 + slower : 1);
			ns *= is_new && n >= 200 ? 1 + and_half : 1;
			sample_count(slot_of(bench, i), EV_GUEST_FAULT, (__u64)ns, 25);
		}
	}
}

static bool is_near(double value, double wanted)
{
	return fabs(value - wanted) < 0.003;
}

/* All of it by 12 %, or a half of it by 26 %: about the same distance, and not the same median. */
static void test_distance(void **state)
{
	struct bench *all = make_bench(5, 5), *half = make_bench(6, 6);

	(void)state;
	add_shapes(all, 0.12, 0, 0.002);
	run_check(all, "guest_fault.shape<=10% guest_fault.shape<=15%");
	expect_verdict(all, 0, VERDICT_REGRESSION, "beyond the limit");
	expect_verdict(all, 1, VERDICT_FINE, NULL);
	assert_true(is_near(row_of(all, 0)->change.value, 0.12));
	assert_true(row_of(all, 0)->change.low > 0.1 && row_of(all, 0)->change.high < 0.15);
	assert_false(row_of(all, 0)->base.known || row_of(all, 0)->new.known);
	assert_int_equal(all->result.ntests, 1);
	add_shapes(half, 0, 0.26, 0.002);
	run_check(half, "guest_fault.shape<=10% guest_fault.p25<=+5%");
	expect_verdict(half, 0, VERDICT_REGRESSION, "beyond the limit");
	assert_true(is_near(row_of(half, 0)->change.value, sqrt(1.26) - 1));
	assert_true(row_of(half, 0)->shifts.known);
	assert_true(is_near(row_of(half, 0)->shifts.by[1], 0));
	assert_true(is_near(row_of(half, 0)->shifts.by[3], 0.26));
	assert_non_null(strstr(row_of(half, 0)->remark, "by percentile p10 "));
	free_bench(all);
	free_bench(half);
}

/* Faster is as far as slower, and never an improvement. */
static void test_both_ways(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_shapes(bench, 1 / 1.12 - 1, 0, 0.002);
	run_check(bench, "guest_fault.shape<=10% guest_fault.shape<=20%");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond the limit");
	expect_verdict(bench, 1, VERDICT_FINE, NULL);
	assert_true(is_near(row_of(bench, 0)->change.value, 0.12));
	free_bench(bench);
}

/* Half of the faults 25 % faster, the others 20 % slower: the mean is what it was. */
static void test_halves(void **state)
{
	struct bench *bench = make_bench(7, 7);

	(void)state;
	add_shapes(bench, -0.25, 0.606, 0.002);
	run_check(bench, "guest_fault.mean<=+2% guest_fault.shape<=10%");
	expect_verdict(bench, 0, VERDICT_FINE, NULL);
	expect_verdict(bench, 1, VERDICT_REGRESSION, "beyond the limit");
	free_bench(bench);
}

static void test_noise(void **state)
{
	struct bench *quiet = make_bench(5, 5), *loud = make_bench(5, 5);
	const struct check_power *power;

	(void)state;
	add_shapes(quiet, 0, 0, 0.01);
	run_check(quiet, "guest_fault.shape<=10%");
	expect_verdict(quiet, 0, VERDICT_FINE, NULL);
	assert_true(row_of(quiet, 0)->change.value < 0.02 && row_of(quiet, 0)->change.low == 0);
	add_shapes(loud, 0.13, 0, 0.1);
	run_check(loud, "guest_fault.shape<=10%");
	expect_verdict(loud, 0, VERDICT_INCONCLUSIVE, "for which the limit needs");
	power = &row_of(loud, 0)->power;
	assert_true(power->known && power->noise > 0.05 && power->noise < 0.15);
	assert_true(power->runs_needed > 5 && power->finds > 0.2);
	free_bench(quiet);
	free_bench(loud);
}

/* It is two-sided, and so takes more runs than a mean where there are several of them. */
static void test_too_few(void **state)
{
	struct bench *four = make_bench(4, 4), *one = make_bench(1, 1), *two = make_bench(5, 5);

	(void)state;
	add_shapes(four, 1, 0, 0.002);
	run_check(four, "guest_fault.shape<=10%");
	expect_verdict(four, 0, VERDICT_INCONCLUSIVE,
		       "1 metric at 1 % needs 5 + 5 runs, there are 4 + 4");
	add_shapes(one, 1, 0, 0.002);
	run_check(one, "guest_fault.shape");
	expect_verdict(one, 0, VERDICT_INCONCLUSIVE, "needs 5 + 5 runs, there are 1 + 1");
	add_shapes(two, 1, 0, 0.002);
	run_check(two, "guest_fault.shape<=10% guest_fault.mean<=+2%");
	expect_verdict(two, 0, VERDICT_INCONCLUSIVE,
		       "2 metrics at 1 % need 6 + 6 runs, there are 5 + 5");
	expect_verdict(two, 1, VERDICT_REGRESSION, "beyond");
	free_bench(four);
	free_bench(one);
	free_bench(two);
}

/* What is the same in all runs could not be a false alarm, and costs the others nothing. */
static void test_family(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_shapes(bench, 0.2, 0, 0.002);
	for (size_t i = 0; i < 10; i++)
		sample_count(slot_of(bench, i), EV_HOST_FAULT, 1000, 100);
	run_check(bench, "guest_fault.shape<=10% host_fault.shape<=10%");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	expect_verdict(bench, 1, VERDICT_FINE, NULL);
	assert_int_equal(bench->result.ntests, 2);
	assert_int_equal(bench->result.nfamily, 1);
	free_bench(bench);
}

/* All faults in one bucket or the next: they may be as far apart as both are wide, or not at all. */
static void test_buckets(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	for (size_t i = 0; i < 10; i++)
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, i < 5 ? 8191 : 8192, 10000);
	run_check(bench, "guest_fault.shape<=5% guest_fault.shape<=13%");
	expect_verdict(bench, 0, VERDICT_FINE, NULL); /* min and max are known, too */
	free_bench(bench);
	bench = make_bench(5, 5);
	for (size_t i = 0; i < 10; i++) {
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, 100, 1);
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, i < 5 ? 8191 : 8192, 10000);
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, 100000, 1);
	}
	run_check(bench, "guest_fault.shape<=5% guest_fault.shape<=13%");
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE, "less than a histogram bucket");
	assert_int_equal(row_of(bench, 0)->power.runs_needed, 0);
	expect_verdict(bench, 1, VERDICT_FINE, NULL);
	free_bench(bench);
}

static void test_paired(void **state)
{
	struct bench *bench = make_bench(7, 7), *few = make_bench(6, 6);

	(void)state;
	bench->input.paired = true;
	add_shapes(bench, 0.15, 0, 0.002);
	run_check(bench, "guest_fault.shape<=10%");
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE,
		       "1 metric at 1 % needs 8 + 8 runs, there are 7 + 7");
	few->input.paired = true;
	few->input.alpha = 0.04;
	add_shapes(few, 0.15, 0, 0.002);
	run_check(few, "guest_fault.shape<=10%");
	expect_verdict(few, 0, VERDICT_REGRESSION, "beyond the limit");
	free_bench(bench);
	free_bench(few);
}

/* Not all events of a run are interrupted: runs are taken as they are, one on each side, too. */
static void test_deterministic(void **state)
{
	struct bench *bench = make_bench(1, 1);

	(void)state;
	bench->input.deterministic = true;
	add_shapes(bench, 0.12, 0, 0);
	run_check(bench, "guest_fault.shape<=10% guest_fault.shape<=15%");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond the limit");
	expect_verdict(bench, 1, VERDICT_FINE, NULL);
	assert_int_equal(row_of(bench, 0)->method, METHOD_DIRECT);
	assert_non_null(strstr(row_of(bench, 0)->remark, "weak: one run on a side; by percentile"));
	free_bench(bench);
}

static void test_nothing(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_shapes(bench, 0, 0, 0.01);
	run_check(bench, "host_fault.shape<=10%");
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE, "host_fault did not happen");
	free_bench(bench);
}

/* Each slot by itself; where nothing happened there is no row. */
static void test_per_slot(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	bench->input.per_slot = true;
	add_shapes(bench, 0.12, 0, 0.002);
	run_check(bench, "guest_fault.shape<=10%");
	assert_int_equal(bench->result.nrows, 1);
	assert_int_equal(row_of(bench, 0)->place->kind, PLACE_SLOT);
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond the limit");
	free_bench(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splits),	      cmocka_unit_test(test_random_splits),
		cmocka_unit_test(test_distance),      cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_halves),	      cmocka_unit_test(test_noise),
		cmocka_unit_test(test_too_few),	      cmocka_unit_test(test_family),
		cmocka_unit_test(test_buckets),	      cmocka_unit_test(test_paired),
		cmocka_unit_test(test_deterministic), cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_per_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
