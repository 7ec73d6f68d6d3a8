// SPDX-License-Identifier: GPL-2.0-only
/*
 * How runs were made: what of it makes a comparison worth less, and runs in pairs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "check_bench.h"
#include "check/check_stats.h"
#include "unit.h"

#define MEAN "guest_fault.mean<=+2%"
#define HOUR_NS 3600000000000ULL

/* The runs of both sides began at these times, in hours. */
static void set_times(struct bench *bench, const double *base, const double *new)
{
	size_t nbase = bench->input.nbase;

	for (size_t i = 0; i < nbase + bench->input.nnew; i++)
		bench->samples[i].capture.start_realtime_ns =
			1000 * HOUR_NS +
			(__u64)((i < nbase ? base[i] : new[i - nbase]) * (double)HOUR_NS);
}

static void expect_warning(const struct bench *bench, const char *wanted)
{
	assert_int_equal(bench->result.nwarnings, wanted ? 1 : 0);
	if (wanted && !strstr(bench->result.warnings[0], wanted))
		assert_string_equal(bench->result.warnings[0], wanted);
}

static void test_turns(void **state)
{
	static const struct {
		double base[5], new[5];
		const char *wanted;
	} table[] = {
		{ { 1, 3, 5, 7, 9 }, { 2, 4, 6, 8, 10 }, NULL },
		{ { 9, 7, 5, 3, 1 }, { 2, 4, 6, 8, 10 }, NULL }, /* files in any order */
		{ { 1, 2, 3, 4, 5 },
		  { 6, 7, 8, 9, 10 },
		  "all base runs were made before all new ones: " },
		{ { 6, 7, 8, 9, 10 }, { 1, 2, 3, 4, 5 }, "are the sides swapped?" },
		{ { 1, 2, 3, 4, 6 }, { 5, 7, 8, 9, 10 }, NULL },
		{ { 1, 3, 5, 7, 9 }, { 2, 4, 6, 8, 25.5 }, "runs are up to 1.0 days apart" },
		{ { 1, 3, 5, 7, 60 }, { 2, 4, 6, 8, 10 }, "runs are up to 2.5 days apart" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct bench *bench = make_bench(5, 5);

		add_faults(bench, 100000, 0, 0.005);
		set_times(bench, table[i].base, table[i].new);
		run_check(bench, MEAN);
		expect_warning(bench, table[i].wanted);
		free_bench(bench);
	}
}

/* What has no noise is the same at any time, but the sides can be swapped. */
static void test_turns_without_noise(void **state)
{
	static const double early[] = { 1, 2 }, late[] = { 40, 41 };
	struct bench *bench = make_bench(2, 2);

	(void)state;
	add_faults(bench, 100000, 0, 0);
	set_times(bench, early, late);
	bench->input.deterministic = true;
	run_check(bench, MEAN);
	expect_warning(bench, NULL);
	check_free(&bench->result);
	set_times(bench, late, early);
	assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
	expect_warning(bench, "are the sides swapped?");
	free_bench(bench);
}

static const double odd[] = { 1, 3, 5, 7, 9, 11, 13, 15 };
static const double even[] = { 2, 4, 6, 8, 10, 12, 14, 16 };

/* In runs in turns, guest faults take so long. */
static struct bench *bench_of(size_t n, const double *base, const double *new)
{
	struct bench *bench = make_bench(n, n);

	for (size_t i = 0; i < 2 * n; i++) {
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, 1, 1000000);
		slot_of(bench, i)->v[0].sum_ns = (__u64)((i < n ? base[i] : new[i - n]) * 1000000);
	}
	set_times(bench, odd, even);
	return bench;
}

static void test_boots(void **state)
{
	static const struct {
		const char *boots[4]; /* of two base runs, and two new ones */
		const char *wanted;
	} table[] = {
		{ { "a", "a", "a", "a" }, NULL },
		{ { "a", "a", "b", "b" }, "each side is of one boot: " },
		{ { "a", "c", "b", "b" }, NULL },
		{ { "a", "b", "a", "b" }, NULL },
		{ { "", "", "b", "b" }, NULL },
		{ { NULL, NULL, "b", "b" }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(table); i++) {
		struct bench *bench = bench_of(2, odd, even);
		bool has_times = i % 2;

		for (size_t run = 0; run < 4; run++)
			bench->samples[run].capture.boot = table[i / 2].boots[run];
		bench->input.deterministic = true;
		run_check(bench, has_times ? MEAN : "guest_fault.count<=+0% guest_fault.mean<=9s");
		expect_warning(bench, has_times ? table[i / 2].wanted : NULL);
		free_bench(bench);
	}
}

static void test_trend(void **state)
{
	static const double rising[] = { 1000, 1003, 1005, 1008, 1010, 1013 };
	static const double falling[] = { 1013, 1010, 1009, 1005, 1003, 1001 };
	static const double neither[] = { 1000, 1010, 1005, 1008, 1001, 1007 };
	struct bench *bench = bench_of(6, rising, rising);

	(void)state;
	run_check(bench, MEAN);
	assert_string_equal(row_of(bench, 0)->remark,
			    "runs of one side rise with time: not all of it is noise");
	free_bench(bench);
	bench = bench_of(6, falling, falling);
	run_check(bench, MEAN);
	assert_non_null(strstr(row_of(bench, 0)->remark, "runs of one side fall with time"));
	free_bench(bench);
	bench = bench_of(6, neither, neither);
	run_check(bench, MEAN);
	assert_string_equal(row_of(bench, 0)->remark, "");
	free_bench(bench);
}

#define TRIALS 5000

/* Where nothing changes with time, that is said of less than one row in a hundred. */
static void test_trend_by_chance(void **state)
{
	static const double same[] = { 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000 };
	unsigned long long random = 88172645463325252ULL;
	size_t remarks = 0;

	(void)state;
	for (size_t n = 5; n <= 8; n += 3) {
		struct bench *bench = bench_of(n, same, same);

		add_rules(bench, MEAN);
		for (int trial = 0; trial < TRIALS; trial++) {
			for (size_t i = 0; i < 2 * n; i++)
				slot_of(bench, i)->v[0].sum_ns =
					1000000000 + unit_random(&random) % 10000000;
			assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
			remarks += *row_of(bench, 0)->remark != 0;
			check_free(&bench->result);
		}
		free_bench(bench);
	}
	print_message("# %zu of %d\n", remarks, 2 * TRIALS);
	assert_in_range(remarks, 1, 2 * TRIALS / 100);
}

/* The first run of a side, by time and not by its file, that found everything cold. */
static void test_first_run(void **state)
{
	static const double cold[] = { 1300, 1005, 1002, 1007, 1000, 1004 };
	static const double later[] = { 1004, 1005, 1300, 1007, 1000, 1004 };
	static const double warm[] = { 1009, 1005, 1002, 1007, 1000, 1004 };
	struct bench *bench = bench_of(6, cold, warm);

	(void)state;
	run_check(bench, MEAN);
	assert_string_equal(row_of(bench, 0)->remark,
			    "the first base run is 29 % above the others: leave it away");
	free_bench(bench);
	bench = bench_of(6, later, cold);
	run_check(bench, MEAN);
	assert_string_equal(row_of(bench, 0)->remark,
			    "the first new run is 29 % above the others: leave it away");
	check_free(&bench->result);
	bench->samples[6].capture.start_realtime_ns += 7 * HOUR_NS;
	assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
	assert_string_equal(row_of(bench, 0)->remark, "");
	free_bench(bench);
	bench = bench_of(6, later, warm);
	run_check(bench, MEAN);
	assert_string_equal(row_of(bench, 0)->remark, "");
	free_bench(bench);
}

/* What a machine does to all runs alike, run by run, is in both of a pair. */
static const double drifting[] = { 1000, 1023, 1041, 1075, 1092, 1115, 1130, 1160 };
static const double slower[] = { 1034, 1051, 1080, 1101, 1127, 1147, 1172, 1190 };

static void test_paired(void **state)
{
	struct bench *bench = bench_of(8, drifting, slower);
	double bounds;

	(void)state;
	run_check(bench, MEAN);
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE, "within the limit or beyond");
	bounds = row_of(bench, 0)->change.high - row_of(bench, 0)->change.low;
	check_free(&bench->result);
	bench->input.paired = true;
	assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond the limit");
	assert_true(fabs(row_of(bench, 0)->change.value - 0.031) < 0.003);
	assert_true(row_of(bench, 0)->change.high - row_of(bench, 0)->change.low < bounds / 4);
	assert_true(row_of(bench, 0)->power.noise < 0.01);
	assert_string_equal(row_of(bench, 0)->remark, "");
	free_bench(bench);
}

/* Pairs are made by time, whatever the order of the files. */
static void test_paired_by_time(void **state)
{
	struct bench *bench = bench_of(8, drifting, slower);
	struct check_run first = bench->base[0];

	(void)state;
	bench->input.paired = true;
	run_check(bench, MEAN);
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	check_free(&bench->result);
	bench->base[0] = bench->base[7];
	bench->base[7] = first;
	assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	free_bench(bench);
}

static void test_few_pairs(void **state)
{
	struct bench *bench = bench_of(6, drifting, slower);

	(void)state;
	bench->input.paired = true;
	run_check(bench, MEAN);
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE,
		       "1 metric at 1 % needs 7 + 7 runs, there are 6 + 6");
	free_bench(bench);
}

/* Counts that are mostly 0 are the same in most pairs. */
static void test_paired_counts(void **state)
{
	struct bench *bench = make_bench(8, 8);

	(void)state;
	for (size_t i = 0; i < 16; i++)
		sample_count(vm_of(bench, i), EV_NOTIFIER, 100, i == 3 || i == 12);
	set_times(bench, odd, even);
	bench->input.paired = true;
	run_check(bench, "notifier.count<=+1%");
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE, "it is the same in most runs");
	assert_false(row_of(bench, 0)->power.known);
	free_bench(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),		cmocka_unit_test(test_turns_without_noise),
		cmocka_unit_test(test_boots),		cmocka_unit_test(test_trend),
		cmocka_unit_test(test_trend_by_chance), cmocka_unit_test(test_first_run),
		cmocka_unit_test(test_paired),		cmocka_unit_test(test_paired_by_time),
		cmocka_unit_test(test_few_pairs),	cmocka_unit_test(test_paired_counts),
	};

	return cmocka_run_group_tests_name("check_design", tests, NULL, NULL);
}
