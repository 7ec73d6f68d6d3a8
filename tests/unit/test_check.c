// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks of captures made in memory: what is compared, with which verdict, and what is refused.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "check_bench.h"
#include "unit.h"

#define assert_near(value, wanted) assert_true(fabs((value) - (wanted)) < 1e-6)

/* The interval is around what was done, and in its order. */
static void expect_change(const struct bench *bench, double change, double by)
{
	const struct check_change *found = &row_of(bench, 0)->change;

	assert_true(found->known && found->has_bounds);
	assert_true(fabs(found->value - change) < by);
	assert_true(found->low <= change && change <= found->high);
	assert_true(found->low > change - 3 * by && found->high < change + 3 * by);
}

static void test_quiet(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_faults(bench, 100000, 0, 0.005);
	run_check(bench, "guest_fault.mean<=+2%");
	expect_verdict(bench, 0, VERDICT_FINE, NULL);
	assert_int_equal(row_of(bench, 0)->method, METHOD_INTERVAL);
	expect_change(bench, 0, 0.005);
	assert_int_equal(check_exit_status(&bench->result), EXIT_DONE);
	free_bench(bench);
}

static void test_regression(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_faults(bench, 100000, 5, 0.005);
	run_check(bench, "guest_fault.mean<=+2%");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond the limit");
	expect_change(bench, 0.05, 0.005);
	assert_int_equal(check_exit_status(&bench->result), EXIT_REGRESSION);
	free_bench(bench);
}

/* What the runs make of the change is as well beyond the limit as not. */
static void test_around_the_limit(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_faults(bench, 100000, 2.2, 0.005);
	run_check(bench, "guest_fault.mean<=+2%");
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE,
		       "within the limit or beyond it: runs of one side");
	assert_true(row_of(bench, 0)->change.low < 0.02 && row_of(bench, 0)->change.high > 0.02);
	assert_int_equal(check_exit_status(&bench->result), EXIT_IMPOSSIBLE);
	free_bench(bench);
}

/* A change that is certain but smaller than what the rule allows. */
static void test_below_the_limit(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_faults(bench, 100000, 1.5, 0.001);
	run_check(bench, "guest_fault.mean<=+2%");
	expect_verdict(bench, 0, VERDICT_FINE, NULL);
	assert_true(row_of(bench, 0)->change.low > 0.01);
	free_bench(bench);
}

/* A rule without a limit has the floor for one. */
static void test_floor(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_faults(bench, 100000, 1.5, 0.001);
	run_check(bench, "guest_fault.mean");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond the limit");
	check_free(&bench->result);
	bench->input.floor = 0.02;
	assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
	expect_verdict(bench, 0, VERDICT_FINE, NULL);
	free_bench(bench);
}

static void test_improvement_is_reported(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_faults(bench, 100000, -5, 0.01);
	run_check(bench, "guest_fault.mean<=+2%");
	expect_verdict(bench, 0, VERDICT_IMPROVED, "beyond the floor of 1 %");
	assert_int_equal(check_exit_status(&bench->result), EXIT_DONE);
	free_bench(bench);
}

/* Less of something is less work: no gain in itself. */
static void test_less_work_is_no_improvement(void **state)
{
	struct bench *bench = make_bench(2, 2);

	(void)state;
	for (size_t i = 0; i < 4; i++)
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, 1000, i < 2 ? 4000 : 400);
	run_check(bench, "guest_fault.count<=+0%");
	expect_verdict(bench, 0, VERDICT_FINE, NULL);
	assert_near(row_of(bench, 0)->change.value, -0.9);
	free_bench(bench);
}

/* A rule that asks for more is broken in the other direction. */
static void test_at_least(void **state)
{
	static const struct {
		double percent;
		enum verdict verdict;
	} table[] = { { -5, VERDICT_REGRESSION },
		      { 0, VERDICT_FINE },
		      { 5, VERDICT_IMPROVED },
		      { -2, VERDICT_INCONCLUSIVE } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct bench *bench = make_bench(5, 5);

		add_faults(bench, 100000, table[i].percent, 0.005);
		run_check(bench, "guest_fault.mean>=-2%");
		assert_int_equal(row_of(bench, 0)->verdict, table[i].verdict);
		assert_true(row_of(bench, 0)->power.finds < -0.02);
		free_bench(bench);
	}
}

/* Noise is told, what could be found in it, and how many runs the limit needs. */
static void test_noise_is_inconclusive(void **state)
{
	struct bench *bench = make_bench(5, 5);
	const struct check_power *power;

	(void)state;
	add_faults(bench, 100000, 10, 0.1);
	run_check(bench, "guest_fault.mean<=+2%");
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE,
		       "(standard deviation), for which the limit needs ");
	power = &row_of(bench, 0)->power;
	assert_true(power->known && power->noise > 0.05 && power->noise < 0.12);
	assert_true(power->finds > 3 * power->noise && power->finds < 8 * power->noise);
	assert_in_range(power->runs_needed, 300, 1000);
	assert_int_equal(bench->result.runs_needed, power->runs_needed);
	assert_int_equal(check_exit_status(&bench->result), EXIT_IMPOSSIBLE);
	free_bench(bench);
}

/* Neither better nor, for all that is known, no worse than the limit. */
static void test_noise_is_not_fine(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_faults(bench, 100000, -5, 0.2);
	run_check(bench, "guest_fault.mean<=+2%");
	assert_true(row_of(bench, 0)->change.value < -0.02);
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE, "runs of one side differ by 1");
	free_bench(bench);
}

/* Never fine, be the values what they are. */
static void test_too_few_runs(void **state)
{
	struct bench *bench = make_bench(3, 3);

	(void)state;
	add_faults(bench, 100000, 0, 0);
	run_check(bench, "guest_fault.mean<=+2% guest_fault.max<=+5% guest_fault.p50<=+5%");
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE,
		       "3 metrics at 1 % need 6 + 6 runs, there are 3 + 3");
	assert_false(row_of(bench, 0)->change.has_bounds);
	assert_int_equal(bench->result.runs_needed, 6);
	assert_int_equal(bench->result.ntests, 3);
	free_bench(bench);
}

/* The third metric makes 5 + 5 too few to be a regression; of two it would be enough. */
static void test_all_metrics_share_alpha(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_faults(bench, 100000, 5, 0.01);
	run_check(bench, "guest_fault.mean<=+2% guest_fault.max<=+2% guest_fault.p50<=+2%");
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE,
		       "3 metrics at 1 % need 6 + 6 runs, there are 5 + 5");
	check_free(&bench->result);
	bench->input.nrules = 2;
	assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	assert_int_equal(bench->result.nfamily, 2);
	check_free(&bench->result);
	bench->input.nrules = 3;
	bench->input.alpha = 0.05;
	assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	free_bench(bench);
}

/* However many rules a metric has, it is one. */
static void test_rules_of_a_metric_are_one_test(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_faults(bench, 100000, 5, 0.005);
	run_check(bench, "guest_fault.mean<=+2% guest_fault.mean<=+1% guest_fault.mean>=-2% "
			 "guest_fault.mean<=+20%");
	assert_int_equal(bench->result.ntests, 1);
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	expect_verdict(bench, 1, VERDICT_REGRESSION, "beyond");
	expect_verdict(bench, 2, VERDICT_IMPROVED, "beyond");
	expect_verdict(bench, 3, VERDICT_FINE, NULL);
	free_bench(bench);
}

/* A count that is almost always 0 cannot be a regression, and so does not cost the others any runs. */
static void test_chance_counts_cost_nothing(void **state)
{
	struct bench *bench = make_bench(5, 5);
	static const char *const rules = "guest_fault.mean<=+2% notifier.count<=+1% zap.count<=+1% "
					 "prepare.count<=+1%";
	static const enum gmem_event events[] = { EV_PREPARE, EV_ZAP, EV_NOTIFIER };

	(void)state;
	add_faults(bench, 100000, 50, 0.005);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		sample_count(slot_of(bench, 3 * i), events[i], 100, 1);
	run_check(bench, rules);
	assert_int_equal(bench->result.ntests, 4);
	assert_int_equal(bench->result.nfamily, 1);
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	expect_verdict(bench, 1, VERDICT_INCONCLUSIVE, "it is the same in most runs");
	free_bench(bench);
}

/* With so small a chance, 11 + 11 are enough; and no number of splits is beyond counting. */
static void test_small_alpha(void **state)
{
	struct bench *bench = make_bench(MAX_RUNS, MAX_RUNS);

	(void)state;
	add_faults(bench, 100000, 50, 0.005);
	bench->input.alpha = 0.000005;
	run_check(bench, "guest_fault.mean<=+2%");
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE, "1 metric at 0.0005 % needs 11 + 11 runs");
	bench->input.alpha = 0.0001;
	check_free(&bench->result);
	assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	free_bench(bench);
}

/* Runs are added: it is looked at three times, each with a third of what may go wrong. */
static void test_until_told(void **state)
{
	static const size_t looks[] = { 2, 4, 8 };
	struct bench *bench = make_bench(MAX_RUNS, MAX_RUNS);

	(void)state;
	for (unsigned int i = 0; i < CHECK_LOOKS; i++)
		assert_int_equal(check_look(MAX_RUNS, i), looks[i]);
	assert_int_equal(check_look(9, 0), 3);
	assert_int_equal(check_look(1, 0), 1);
	add_faults(bench, 100000, 5, 0.005);
	add_rules(bench, "guest_fault.mean<=+2% guest_fault.count<=+0%");
	bench->input.max_runs = MAX_RUNS;
	for (size_t n = 3; n <= MAX_RUNS; n++) {
		bench->input.nbase = bench->input.nnew = n;
		assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
		expect_verdict(bench, 1, VERDICT_FINE, NULL);
		if (n == MAX_RUNS)
			expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
		else if (n == 4)
			expect_verdict(bench, 0, VERDICT_INCONCLUSIVE,
				       "1 metric at 0.333 % needs 6 + 6");
		else
			expect_verdict(bench, 0, VERDICT_INCONCLUSIVE,
				       n < 4 ? "looked at again when there are 4 + 4 runs"
					     : "looked at again when there are 8 + 8 runs");
		check_free(&bench->result);
	}
	free_bench(bench);
}

static void test_exit_status(void **state)
{
	static const struct {
		enum verdict verdict;
		int told, passes, fails;
	} table[] = { { VERDICT_FINE, 0, 0, 0 },
		      { VERDICT_IMPROVED, 0, 0, 0 },
		      { VERDICT_INCONCLUSIVE, 3, 0, 1 },
		      { VERDICT_REGRESSION, 1, 1, 1 } };
	struct check_input input = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct check_result result = { .input = &input, .verdict = table[i].verdict };

		input.inconclusive = INCONCLUSIVE_TOLD;
		assert_int_equal(check_exit_status(&result), table[i].told);
		input.inconclusive = INCONCLUSIVE_PASSES;
		assert_int_equal(check_exit_status(&result), table[i].passes);
		input.inconclusive = INCONCLUSIVE_FAILS;
		assert_int_equal(check_exit_status(&result), table[i].fails);
	}
}

static void test_deterministic(void **state)
{
	struct bench *bench = make_bench(1, 1);

	(void)state;
	add_faults(bench, 100000, 2, 0);
	bench->input.deterministic = true;
	run_check(bench, "guest_fault.mean<=+1% guest_fault.mean<=+3% guest_fault.mean<=+2%");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	expect_verdict(bench, 1, VERDICT_FINE, NULL);
	expect_verdict(bench, 2, VERDICT_FINE, NULL);
	assert_int_equal(row_of(bench, 0)->method, METHOD_MINIMA);
	assert_false(row_of(bench, 0)->power.known);
	assert_non_null(strstr(row_of(bench, 0)->remark, "weak: one run on a side"));
	free_bench(bench);
}

/* Counts that are the same in all runs of a side need no test, and so not many runs. */
static void test_counts_are_exact(void **state)
{
	struct bench *bench = make_bench(2, 2);

	(void)state;
	add_faults(bench, 100000, 0, 0.1);
	for (size_t i = 0; i < 4; i++)
		sample_count(slot_of(bench, i), EV_PREPARE, 1000, i < 2 ? 500 : 1000);
	run_check(bench, "prepare.per_fault<=+1% guest_fault.count<=+0% prepare.count>=+0%");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	assert_near(bench->result.rows[0].base.value, 0.5);
	assert_near(bench->result.rows[0].new.value, 1);
	assert_near(bench->result.rows[0].change.value, 1);
	expect_verdict(bench, 1, VERDICT_FINE, NULL);
	expect_verdict(bench, 2, VERDICT_FINE, NULL);
	assert_int_equal(bench->result.ntests, 0);
	free_bench(bench);
}

static void test_counts_that_differ_are_noisy(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_faults(bench, 100000, 0, 0);
	for (size_t i = 0; i < 10; i++)
		sample_count(vm_of(bench, i), EV_NOTIFIER, 1000, 100 + i % 5);
	sample_count(vm_of(bench, 9), EV_NOTIFIER, 1000, 30);
	run_check(bench, "notifier.count<=+1%");
	assert_int_equal(bench->result.rows[0].method, METHOD_INTERVAL);
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE, "runs of one side differ by");
	free_bench(bench);
}

/* Something where there was nothing: more than any percentage. */
static void test_from_zero(void **state)
{
	struct bench *bench = make_bench(1, 1);
	struct event_count *count;

	(void)state;
	add_faults(bench, 100000, 0, 0);
	count = sample_count(slot_of(bench, 1), EV_GUEST_FAULT, 100000, 7);
	sample_detail(count, DETAIL_FAULT_NOTIFIED, 7);
	run_check(bench, "guest_fault.refaults<=+50% guest_fault.refault_punch<=+0%");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	assert_false(bench->result.rows[0].change.known);
	assert_near(bench->result.rows[0].new.value, 7);
	expect_verdict(bench, 1, VERDICT_FINE, NULL);
	free_bench(bench);
}

/* Of what --sample does not tell, nothing is fine. */
static void test_sampled(void **state)
{
	static const char sampled[] = "is not known with --sample";
	struct bench *bench = make_bench(1, 1);

	(void)state;
	add_faults(bench, 100000, 0, 0);
	bench->samples[0].capture.sample = bench->samples[1].capture.sample = 64;
	bench->input.deterministic = true;
	run_check(bench,
		  "guest_fault.refaults<=+0% guest_fault.first_touch<=+0% guest_fault.sum<=+1% "
		  "host_fault.resident<=+0% guest_fault.count<=+0% guest_fault.mean<=+1% "
		  "guest_fault.prefetch<=+0%");
	for (size_t i = 0; i < 7; i++)
		if (i < 4)
			expect_verdict(bench, i, VERDICT_INCONCLUSIVE, sampled);
		else
			expect_verdict(bench, i, VERDICT_FINE, NULL);
	free_bench(bench);
}

static void test_absolute(void **state)
{
	struct bench *bench = make_bench(1, 2);
	struct event_count *count;

	(void)state;
	add_faults(bench, 100000, 0, 0);
	for (size_t i = 1; i < 3; i++) {
		count = sample_count(slot_of(bench, i), EV_NOTIFIER_HIT, 0, 20);
		sample_detail(count, DETAIL_HIT_GMEM_ONLY, i == 1 ? 3 : 0);
	}
	run_check(bench,
		  "guest_fault.mean<=99us guest_fault.mean<=100us notifier.gmem_only==0 "
		  "notifier_hit.count==20 loss==0 guest_fault.p99<=101us guest_fault.p99<=98us");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "2 of 2 new runs break the limit");
	expect_verdict(bench, 1, VERDICT_FINE, NULL);
	expect_verdict(bench, 2, VERDICT_REGRESSION, "1 of 2 new runs break the limit");
	expect_verdict(bench, 3, VERDICT_FINE, NULL);
	expect_verdict(bench, 4, VERDICT_FINE, NULL);
	expect_verdict(bench, 5, VERDICT_FINE, NULL);
	expect_verdict(bench, 6, VERDICT_REGRESSION, "break the limit");
	free_bench(bench);
}

/* 98304..102399 is one bucket. */
static void test_absolute_within_a_bucket(void **state)
{
	struct bench *bench = make_bench(1, 1);

	(void)state;
	add_faults(bench, 100000, 0, 0);
	sample_count(slot_of(bench, 1), EV_GUEST_FAULT, 98304, 1);
	sample_count(slot_of(bench, 1), EV_GUEST_FAULT, 110000, 1);
	run_check(bench, "guest_fault.p50<=100us guest_fault.p50<=98us guest_fault.p50<=103us");
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE, "1 are within a histogram bucket of it");
	expect_verdict(bench, 1, VERDICT_REGRESSION, "break");
	expect_verdict(bench, 2, VERDICT_FINE, NULL);
	free_bench(bench);
}

/* p50 steps to the next bucket when the median moves by a hair: nobody knows by how much. */
static void test_a_step_of_a_bucket_is_no_regression(void **state)
{
	struct bench *bench = make_bench(1, 1);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, 90000, 1);
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, i ? 102400 : 102399, 1000);
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, 150000, 1);
	}
	bench->input.deterministic = true;
	run_check(bench, "guest_fault.p50<=+3% guest_fault.p50<=+9%");
	assert_true(bench->result.rows[0].change.value > 0.03);
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE, "less than a histogram bucket");
	expect_verdict(bench, 1, VERDICT_FINE, NULL);
	free_bench(bench);
}

/* By the rule that holds without any, wherever in an octave the bucket is. */
static void test_a_step_of_a_bucket_is_fine(void **state)
{
	struct problem problem = {};

	(void)state;
	for (unsigned int bucket = hist_bucket(2000); bucket < hist_bucket(9000); bucket++) {
		struct bench *bench = make_bench(1, 1);

		for (size_t i = 0; i < 2; i++) {
			sample_count(slot_of(bench, i), EV_GUEST_FAULT, 1000, 1);
			sample_count(slot_of(bench, i), EV_GUEST_FAULT,
				     hist_low_ns(bucket + (unsigned int)i) + 1, 1000);
			sample_count(slot_of(bench, i), EV_GUEST_FAULT, 150000, 1);
		}
		bench->input.deterministic = true;
		assert_int_equal(rules_add_default(&bench->rules, &problem), 0);
		bench->input.default_rules = true;
		run_check(bench, "guest_fault.p50<=+3%");
		assert_string_equal(row_of(bench, 1)->rule->text, "guest_fault.p99<=+13%");
		expect_verdict(bench, 1, VERDICT_FINE, NULL);
		free_bench(bench);
	}
}

static void test_two_buckets_are(void **state)
{
	struct bench *bench = make_bench(1, 1);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, 90000, 1);
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, i ? 112000 : 100000, 1000);
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, 150000, 1);
	}
	bench->input.deterministic = true;
	run_check(bench, "guest_fault.p50<=+3%");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	free_bench(bench);
}

/* What has no value is not fine, and the reason is told. */
static void test_unknown(void **state)
{
	struct bench *bench = make_bench(1, 1);

	(void)state;
	add_faults(bench, 100000, 0, 0);
	sample_count(slot_of(bench, 0), EV_HOST_FAULT, 5000, 10);
	bench->samples[1].hooks[EV_PREPARE].attached = false;
	bench->input.deterministic = true;
	bench->samples[0].capture.shown &= ~(1ULL << EV_BIND);
	bench->samples[1].capture.shown &= ~(1ULL << EV_BIND);
	run_check(bench, "host_fault.mean<=+2% prepare.per_fault<=+1% bind.count<=+1% "
			 "host_fault.mean<=10us guest_fault.mean<=+2%");
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE,
		       "host_fault did not happen (in 0 of 1 base and 1 of 1 new runs)");
	expect_verdict(bench, 1, VERDICT_INCONCLUSIVE,
		       "prepare is unavailable (in 0 of 1 base and 1 of 1 new runs)");
	expect_verdict(bench, 2, VERDICT_INCONCLUSIVE,
		       "bind was not captured (in 1 of 1 base and 1 of 1 new runs)");
	expect_verdict(bench, 3, VERDICT_INCONCLUSIVE, "host_fault did not happen");
	expect_verdict(bench, 4, VERDICT_FINE, NULL);
	assert_int_equal(check_exit_status(&bench->result), EXIT_IMPOSSIBLE);
	free_bench(bench);
}

static void test_resident_pages(void **state)
{
	struct bench *bench = make_bench(1, 1);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct gmem *gmem = sample_add_gmem(&bench->samples[i], 0, 7, 1 << 21);

		gmem->exists = gmem->resident.known = true;
		gmem->resident.npages = i ? 300 : 200;
	}
	run_check(bench, "resident_pages<=+10%");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	assert_near(bench->result.rows[0].change.value, 0.5);
	check_free(&bench->result);
	bench->samples[1].capture.no_inventory = "no privilege";
	assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
	expect_verdict(bench, 0, VERDICT_INCONCLUSIVE, "it is not known: no inventory");
	free_bench(bench);
}

/* The default rules ask only about what happened; of nothing they say nothing. */
static void test_default_rules(void **state)
{
	struct bench *bench = make_bench(6, 6);

	(void)state;
	add_faults(bench, 100000, 0, 0.01);
	bench->input.default_rules = true;
	assert_int_equal(rules_add_default(&bench->rules, &bench->problem), 0);
	run_check(bench, "loss<=0");
	expect_verdict(bench, 0, VERDICT_FINE, NULL);
	assert_string_equal(bench->result.rows[0].rule->text, "guest_fault.mean<=+2%");
	assert_string_equal(bench->result.rows[1].rule->text, "guest_fault.p99<=+13%");
	assert_string_equal(bench->result.rows[2].rule->text, "loss==0");
	assert_int_equal(bench->result.verdict, VERDICT_FINE);
	free_bench(bench);
	bench = make_bench(6, 6);
	bench->input.default_rules = true;
	assert_int_equal(rules_add_default(&bench->rules, &bench->problem), 0);
	run_check(bench, "loss<=0");
	assert_int_equal(bench->result.verdict, VERDICT_INCONCLUSIVE);
	free_bench(bench);
}

static void add_vmm(struct sample *sample, const char *comm, __u64 fault_ns)
{
	struct vm *vm = sample_add_vm(sample, comm, 300);

	sample_count(&sample_add_slot(vm, 5, 0, 64)->events, EV_GUEST_FAULT, fault_ns, 10);
}

/* Slots are found again by their VM's name and its place among its like, not by pid or position. */
static void test_per_slot(void **state)
{
	static const struct {
		const char *rule;
		const char *place;
		enum verdict verdict;
		const char *reason;
	} rows[] = {
		{ "loss==0", "all", VERDICT_FINE, NULL },
		{ "host_fault.count==0", "gmemload slot 0", VERDICT_FINE, NULL },
		{ "notifier.count<=+0%", "gmemload", VERDICT_FINE, NULL },
		{ "guest_fault.mean<=+1%", "vmm slot 5", VERDICT_FINE, NULL },
		{ "guest_fault.mean<=+1%", "vmm#2 slot 5", VERDICT_REGRESSION, "beyond" },
		{ "guest_fault.mean<=+1%", "other slot 5", VERDICT_INCONCLUSIVE,
		  "guest_fault has no such place (in 1 of 1 base and 0 of 1 new runs)" },
	};
	struct bench *bench = make_bench(1, 1);
	char buf[PLACE_LEN];

	(void)state;
	add_vmm(&bench->samples[1], "other", 1000);
	for (size_t i = 0; i < 2; i++) {
		add_vmm(&bench->samples[i], "vmm", 1000);
		add_vmm(&bench->samples[i], "vmm", i ? 2000 : 1000);
		sample_count(vm_of(bench, i), EV_NOTIFIER, 10, 3);
	}
	bench->input.per_slot = true;
	bench->input.deterministic = true;
	bench->input.allow = 1U << OBSTACLE_WORK;
	run_check(bench, "guest_fault.mean<=+1% notifier.count<=+0% loss==0 host_fault.count==0");
	assert_int_equal(bench->result.nrows, ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct check_row *row = &bench->result.rows[i];

		assert_string_equal(row->rule->text, rows[i].rule);
		assert_string_equal(place_name(buf, row->place, false), rows[i].place);
		expect_verdict(bench, i, rows[i].verdict, rows[i].reason);
	}
	free_bench(bench);
}

/* Two VMs of one name came in the other order: neither is the other. */
static void test_other_order(void **state)
{
	struct bench *bench = make_bench(1, 1);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		add_vmm(&bench->samples[i], "vmm", 1000);
		add_vmm(&bench->samples[i], "vmm", 2000);
		bench->samples[i].snap.vms[1 + i].slots[0].info.npages = i ? 256 : 128;
	}
	bench->input.per_slot = true;
	bench->input.deterministic = true;
	run_check(bench, "guest_fault.mean<=+1%");
	for (size_t i = 0; i < bench->result.nrows; i++)
		if (row_of(bench, i)->place->kind == PLACE_SLOT && row_of(bench, i)->place->id == 5)
			expect_verdict(
				bench, i, VERDICT_INCONCLUSIVE,
				"guest_fault is of a slot of another size: VMs of that name came in "
				"another order (in 0 of 1 base and 1 of 1 new runs)");
	assert_int_equal(bench->result.nverdicts[VERDICT_INCONCLUSIVE], 2);
	check_free(&bench->result);
	/* With one VM of that name it is the same slot, and has grown. */
	for (size_t i = 0; i < 2; i++)
		memcpy(bench->samples[i].snap.vms[1 + !i].info.comm, "other", 6);
	assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
	assert_int_equal(bench->result.nverdicts[VERDICT_INCONCLUSIVE], 0);
	free_bench(bench);
}

static void test_place_names(void **state)
{
	struct place place = { .kind = PLACE_SLOT, .comm = "a\033b|c", .nth = 1, .id = 3 };
	char buf[PLACE_LEN];

	(void)state;
	assert_string_equal(place_name(buf, &place, false), "a\\x1bb|c#2 slot 3");
	place.as_id = 1;
	place.nth = 0;
	assert_string_equal(place_name(buf, &place, false), "a\\x1bb|c slot 1/3");
	place.kind = PLACE_VM;
	assert_string_equal(place_name(buf, &place, false), "a\\x1bb|c");
	place.kind = PLACE_HOST;
	assert_string_equal(place_name(buf, &place, false), "host");
	memset(place.comm, 0xff, GMEM_COMM_LEN);
	place.kind = PLACE_SLOT;
	place.nth = ~0U - 1;
	place.as_id = 0xffff;
	place.id = -32768;
	assert_int_equal(strlen(place_name(buf, &place, false)), 64 + 11 + 18);
}

/* Each makes the second new run one that must not be compared with the others. */

static void break_arch(struct bench *bench)
{
	bench->samples[3].capture.arch = "aarch64";
}

static void break_version(struct bench *bench)
{
	bench->samples[3].capture.version = "0.2";
}

static void break_kernel(struct bench *bench)
{
	bench->samples[3].capture.kernel = "7.3.5";
}

static void break_rung(struct bench *bench)
{
	bench->samples[3].hooks[EV_PREPARE].rung = 1;
}

static void break_events(struct bench *bench)
{
	bench->samples[3].capture.shown &= ~2ULL;
}

static void break_latency(struct bench *bench)
{
	bench->samples[3].capture.min_latency_ns = 1000;
}

static void break_sample(struct bench *bench)
{
	bench->samples[3].capture.sample = 64;
}

static void break_stacks(struct bench *bench)
{
	bench->samples[3].capture.stack_events = 1;
}

static void break_records(struct bench *bench)
{
	bench->samples[3].capture.records_kept = true;
}

static void break_buffer(struct bench *bench)
{
	bench->samples[3].capture.buffer_bytes = 4096;
}

static void break_interval(struct bench *bench)
{
	bench->samples[3].capture.interval_ns = 5;
}

static void break_limit(struct bench *bench)
{
	bench->samples[3].capture.limit_ns = 7;
}

static void break_pids(struct bench *bench)
{
	bench->samples[3].capture.npids = 1;
}

static void break_programs(struct bench *bench)
{
	bench->samples[3].capture.programs = "pairs";
}

/* What an older recorder did not say is not known, rather than equal. */
static void break_known_programs(struct bench *bench)
{
	bench->samples[3].capture.programs = "";
	bench->samples[3].capture.ncpus = 0;
}

static void break_machine(struct bench *bench)
{
	bench->samples[3].capture.machine = "Some CPU, stepping 7\n";
}

static void break_cpus(struct bench *bench)
{
	bench->samples[3].capture.ncpus = 8;
}

static void break_tool(struct bench *bench)
{
	bench->samples[3].capture.tool = "gmemtop";
}

static void break_command(struct bench *bench)
{
	static char *other[] = { "gmemload", "--vms", "2", "--touch", "51\033", NULL };

	bench->samples[3].capture.command = other;
}

static void break_no_command(struct bench *bench)
{
	bench->samples[3].capture.command = NULL;
}

static void break_status(struct bench *bench)
{
	bench->samples[3].capture.command_status = 1 << 8;
}

static void break_signal(struct bench *bench)
{
	bench->samples[3].capture.command_status = 11;
}

static void break_end(struct bench *bench)
{
	bench->samples[3].capture.command_ended = false;
}

static void break_loss(struct bench *bench)
{
	bench->samples[3].snap.lost = 12;
}

static void break_file(struct bench *bench)
{
	bench->new[1].incomplete = "killed";
}

static void break_copy(struct bench *bench)
{
	bench->samples[3].capture.start_realtime_ns--;
}

static void test_refused(void **state)
{
	static const struct {
		void (*spoil)(struct bench *bench);
		enum check_obstacle obstacle;
		const char *text;
	} table[] = {
		{ break_arch, OBSTACLE_ARCH,
		  "cannot be compared: 0.gmem and 3.gmem are of other architectures: x86_64, "
		  "aarch64. Capture again, or give --allow arch if you know better" },
		{ break_version, OBSTACLE_VERSION, "captured by other versions: 0.1.0, 0.2." },
		{ break_kernel, OBSTACLE_KERNELS,
		  "2.gmem and 3.gmem are on one side, but of other kernels: 7.3.4-amd64, 7.3.5." },
		{ break_rung, OBSTACLE_RUNGS,
		  "0.gmem and 3.gmem count prepare by other functions: "
		  "kvm_arch_gmem_make_private, kvm_arch_gmem_prepare. " },
		{ break_tool, OBSTACLE_VERSION, "captured by other tools: gmemtrace, gmemtop." },
		{ break_programs, OBSTACLE_PROGRAMS,
		  "0.gmem and 3.gmem were traced by other kinds of programs: fsession, pairs (" },
		{ break_known_programs, OBSTACLE_PROGRAMS, "programs: fsession, not known (" },
		{ break_machine, OBSTACLE_MACHINE,
		  "are of other machines: Some CPU @ 2.00GHz, stepping 6, microcode 0x2b, Some CPU, "
		  "stepping 7\\x0a." },
		{ break_cpus, OBSTACLE_CPUS, "are of machines with 2 and 8 CPUs." },
		{ break_events, OBSTACLE_OPTIONS, "0.gmem and 3.gmem differ in the option -e." },
		{ break_latency, OBSTACLE_OPTIONS, "option --min-latency (0 and 1000 ns)." },
		{ break_sample, OBSTACLE_OPTIONS, "differ in the option --sample." },
		{ break_stacks, OBSTACLE_OPTIONS, "differ in the option --stacks." },
		{ break_records, OBSTACLE_OPTIONS, "differ in the option --events." },
		{ break_buffer, OBSTACLE_OPTIONS, "option --buffer (0 and 4096 bytes)." },
		{ break_interval, OBSTACLE_OPTIONS, "the option -i (0 and 5 ns)." },
		{ break_limit, OBSTACLE_OPTIONS, "the option -d (0 and 7 ns)." },
		{ break_pids, OBSTACLE_OPTIONS, "the option -p (0 and 1 VMMs)." },
		{ break_command, OBSTACLE_COMMAND, "captured other commands: one has '51\\x1b'." },
		{ break_no_command, OBSTACLE_COMMAND, "only the first captured a command." },
		{ break_status, OBSTACLE_FAILURE, "the command of 3.gmem failed with 1." },
		{ break_signal, OBSTACLE_FAILURE, "command of 3.gmem was ended by SIGSEGV." },
		{ break_end, OBSTACLE_FAILURE, "3.gmem ends before the command that it captured." },
		{ break_loss, OBSTACLE_LOSS, "3.gmem lost 12 events." },
		{ break_file, OBSTACLE_INCOMPLETE, "3.gmem is incomplete: killed." },
		{ break_copy, OBSTACLE_COPIES, "2.gmem and 3.gmem are the same capture." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct bench *bench = make_bench(2, 2);

		add_rules(bench, "prepare.count<=+1%");
		assert_int_equal(check_comparable(&bench->input, &bench->problem), 0);
		table[i].spoil(bench);
		assert_int_equal(check_comparable(&bench->input, &bench->problem), -1);
		assert_int_equal(bench->problem.status, EXIT_USAGE);
		if (!strstr(bench->problem.text, table[i].text))
			assert_string_equal(bench->problem.text, table[i].text);
		bench->input.allow = 1U << table[i].obstacle;
		assert_int_equal(check_comparable(&bench->input, &bench->problem), 0);
		bench->input.allow = ~bench->input.allow;
		assert_int_equal(check_comparable(&bench->input, &bench->problem), -1);
		free_bench(bench);
	}
}

/* What older captures do not say is no obstacle. */
static void test_unknown_machine(void **state)
{
	struct bench *bench = make_bench(1, 2);

	(void)state;
	bench->samples[1].capture.machine = "";
	bench->samples[2].capture.machine = NULL;
	add_rules(bench, "guest_fault.mean<=+1%");
	assert_int_equal(check_comparable(&bench->input, &bench->problem), 0);
	free_bench(bench);
}

/* Half the faults may be half the work: refused, unless a rule is on how many there are. */
static void test_other_work(void **state)
{
	static const struct {
		const char *rules;
		__u64 base, new;
		int err;
	} table[] = {
		{ "guest_fault.mean<=+2%", 4000, 400, -1 },
		{ "guest_fault.mean<=+2% loss==0", 400, 4000, -1 },
		{ "guest_fault.mean<=+2%", 4000, 4041, -1 },
		{ "guest_fault.mean<=+2%", 4000, 4040, 0 },
		{ "guest_fault.mean<=+2%", 4000, 3960, 0 },
		{ "guest_fault.mean<=+2%", 0, 1, -1 },
		{ "guest_fault.mean<=+2%", 0, 0, 0 },
		{ "guest_fault.mean<=+2% guest_fault.count<=+0%", 4000, 400, 0 },
		{ "guest_fault.sum<=+2%", 4000, 400, 0 },
		{ "guest_fault.refaults<=+2%", 4000, 400, -1 },
		{ "guest_fault.mean<=20us", 4000, 400, 0 }, /* compares nothing */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct bench *bench = make_bench(3, 2);

		for (size_t j = 0; j < 5; j++)
			sample_count(slot_of(bench, j), EV_GUEST_FAULT, 1000,
				     j < 3 ? table[i].base : table[i].new);
		sample_count(slot_of(bench, 1), EV_GUEST_FAULT, 1000, 5000); /* one odd run */
		add_rules(bench, table[i].rules);
		assert_int_equal(check_comparable(&bench->input, &bench->problem), table[i].err);
		free_bench(bench);
	}
}

static void test_other_work_is_told(void **state)
{
	struct bench *bench = make_bench(1, 1);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, 1000, i ? 400 : 4000);
		sample_count(slot_of(bench, i), EV_ALLOC, 0, 1)->npages = i ? 512 : 4096;
	}
	add_rules(bench, "guest_fault.mean<=+2%");
	assert_int_equal(check_comparable(&bench->input, &bench->problem), -1);
	assert_int_equal(bench->problem.status, EXIT_USAGE);
	assert_string_equal(
		bench->problem.text,
		"cannot be compared: the sides did not do the same: 4000 guest faults in "
		"a run of the base, 400 in a new one, and no rule is on their number. "
		"Capture again, or give --allow work if you know better");
	add_rules(bench, "guest_fault.count<=+0%");
	assert_int_equal(check_comparable(&bench->input, &bench->problem), -1);
	assert_non_null(strstr(bench->problem.text, "4096 pages of alloc in a run"));
	bench->samples[1].hooks[EV_ALLOC].attached = false;
	assert_int_equal(check_comparable(&bench->input, &bench->problem), 0);
	bench->samples[1].hooks[EV_ALLOC].attached = true;
	bench->input.allow = 1U << OBSTACLE_WORK;
	assert_int_equal(check_comparable(&bench->input, &bench->problem), 0);
	free_bench(bench);
}

/* The time for all of it, and for each page: what fewer and larger faults can be compared by. */
static void test_sum_and_per_page(void **state)
{
	struct bench *bench = make_bench(2, 2);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, i < 2 ? 1000 : 8000,
			     i < 2 ? 4000 : 400);
		sample_count(slot_of(bench, i), EV_PUNCH_HOLE, i < 2 ? 1000 : 9000, 10)->npages =
			i < 2 ? 10 : 80;
	}
	bench->input.deterministic = true;
	run_check(bench, "guest_fault.sum<=+2% punch_hole.per_page<=+2% zap.per_page<=1us");
	expect_verdict(bench, 0, VERDICT_FINE, NULL);
	assert_near(row_of(bench, 0)->base.value, 4e6);
	assert_near(row_of(bench, 0)->new.value, 3.2e6);
	expect_verdict(bench, 1, VERDICT_REGRESSION, "beyond");
	assert_near(row_of(bench, 1)->base.value, 1000);
	assert_near(row_of(bench, 1)->new.value, 1125);
	expect_verdict(bench, 2, VERDICT_INCONCLUSIVE, "zap did not happen");
	free_bench(bench);
}

/* Of what no rule looks at nothing needs to be the same; nor of what is not there. */
static void test_other_rungs_elsewhere(void **state)
{
	struct bench *bench = make_bench(1, 1);

	(void)state;
	bench->samples[1].hooks[EV_PREPARE].rung = 1;
	add_rules(bench, "guest_fault.mean<=+1%");
	assert_int_equal(check_comparable(&bench->input, &bench->problem), 0);
	add_rules(bench, "prepare.per_fault");
	assert_int_equal(check_comparable(&bench->input, &bench->problem), -1);
	bench->samples[1].hooks[EV_PREPARE].attached = false;
	assert_int_equal(check_comparable(&bench->input, &bench->problem), 0);
	free_bench(bench);
}

/* Of runs on each side, in each of which guest faults take so long, said to be deterministic. */
static void expect_minima(size_t nruns, const __u64 *ns, enum verdict verdict, const char *reason)
{
	struct bench *bench = make_bench(nruns, nruns);

	for (size_t i = 0; i < 2 * nruns; i++)
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, ns[i], 1000);
	bench->input.deterministic = true;
	run_check(bench, "guest_fault.mean<=+2%");
	expect_verdict(bench, 0, verdict, reason);
	free_bench(bench);
}

/* What interrupts a run only adds to it; two that say the same were not interrupted. */
static void test_minima(void **state)
{
	static const __u64 quiet[] = { 9000, 9500, 9001, 9002, 9900, 9000 };
	static const __u64 worse[] = { 9000, 9003, 11000, 9500, 9501, 13000 };
	static const __u64 better[] = { 9000, 9003, 11000, 8500, 8600, 8499 };
	/* All of one side were interrupted, or at least all but one: what rests on them is not said. */
	static const __u64 bad_new[] = { 9000, 9001, 9000, 9500, 9700, 9900 };
	static const __u64 bad_base[] = { 9500, 9700, 9900, 9300, 9301, 9300 };
	/* That nothing has changed is borne out by two runs of either side. */
	static const __u64 same[] = { 9000, 9200, 9300, 9010, 9011, 9400 };
	static const __u64 not_same[] = { 9000, 9200, 9300, 9100, 9101, 9400 };
	/* But a base that may have been quicker yet makes the new side only worse. */
	static const __u64 worse_at_least[] = { 9000, 9100, 9200, 9500, 9501, 9700 };
	/* Beyond the limit, or within it, by less than the two are apart. */
	static const __u64 just_beyond[] = { 10000, 10001, 10002, 10202, 10230, 10240 };
	static const __u64 surely_beyond[] = { 10000, 10001, 10002, 10202, 10203, 10240 };
	static const __u64 just_within[] = { 10000, 10030, 10040, 10198, 10230, 10240 };

	(void)state;
	expect_minima(3, quiet, VERDICT_FINE, NULL);
	expect_minima(3, worse, VERDICT_REGRESSION, "beyond the limit");
	expect_minima(3, better, VERDICT_IMPROVED, "beyond the floor");
	expect_minima(3, bad_new, VERDICT_INCONCLUSIVE,
		      "the two smallest runs of a side are 2.1 % apart: ");
	expect_minima(3, bad_base, VERDICT_INCONCLUSIVE, "start again with more runs");
	expect_minima(3, same, VERDICT_FINE, NULL);
	expect_minima(3, not_same, VERDICT_INCONCLUSIVE, "start again with more runs");
	expect_minima(3, worse_at_least, VERDICT_REGRESSION, "beyond the limit");
	expect_minima(3, just_beyond, VERDICT_INCONCLUSIVE, "are 0.27 % apart: ");
	expect_minima(3, surely_beyond, VERDICT_REGRESSION, "beyond the limit");
	expect_minima(3, just_within, VERDICT_INCONCLUSIVE, "are 0.31 % apart: ");
}

/* Nor are counts that differ between runs of which it is said that they are the same. */
static void test_deterministic_counts(void **state)
{
	static const __u64 counts[][4] = { { 10, 12, 11, 11 },
					   { 10, 11, 12, 13 },
					   { 10, 10, 9, 9 } };
	static const enum verdict verdicts[] = { VERDICT_INCONCLUSIVE, VERDICT_REGRESSION,
						 VERDICT_FINE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct bench *bench = make_bench(2, 2);

		add_faults(bench, 1000, 0, 0);
		for (size_t j = 0; j < 4; j++)
			sample_count(vm_of(bench, j), EV_NOTIFIER, 10, counts[i][j]);
		bench->input.deterministic = true;
		run_check(bench, "notifier.count<=+5%");
		expect_verdict(bench, 0, verdicts[i],
			       verdicts[i] == VERDICT_INCONCLUSIVE ? "they are not deterministic"
			       : verdicts[i] == VERDICT_FINE	   ? NULL
								   : "beyond");
		free_bench(bench);
	}
}

/* A percentile between buckets that are filled alike is read from within its bucket. */
static void test_interpolated(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		double scale = (i < 5 ? 1 : 1.12) * (1 + 0.0005 * (double)(i * 3 % 5));

		for (double ns = 8000; ns < 12000; ns += 10)
			sample_count(slot_of(bench, i), EV_GUEST_FAULT, (__u64)(ns * scale), 10);
	}
	run_check(bench, "guest_fault.p50<=+10% guest_fault.p25.5<=+20%");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond the limit");
	assert_true(fabs(row_of(bench, 0)->base.value - 10005) < 30);
	assert_true(fabs(row_of(bench, 0)->change.value - 0.12) < 0.003);
	expect_verdict(bench, 1, VERDICT_FINE, NULL);
	assert_true(fabs(row_of(bench, 1)->base.value - 9025) < 30);
	assert_string_equal(row_of(bench, 0)->remark, "");
	free_bench(bench);
}

/* Is it all of it, or the slow ones? */
static void test_shift(void **state)
{
	struct bench *bench = make_bench(3, 3);

	(void)state;
	for (size_t i = 0; i < 6; i++)
		for (int n = 0; n < 1000; n++)
			sample_count(slot_of(bench, i), EV_GUEST_FAULT,
				     (__u64)((8000 + n * 4) * (n >= 800 && i >= 3 ? 1.3 : 1)), 10);
	bench->input.deterministic = true;
	run_check(bench, "guest_fault.mean<=+1% guest_fault.p10<=+1% guest_fault.count<=+0%");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "beyond");
	assert_string_equal(
		row_of(bench, 0)->remark,
		"by percentile p10 +0 %, p25 +0 %, p50 +0 %, p90 +30 %, p99 +30 %, p99.9 +30 %");
	assert_string_equal(row_of(bench, 1)->remark, "");
	assert_string_equal(row_of(bench, 2)->remark, "");
	free_bench(bench);
}

static void test_thin_tail(void **state)
{
	struct bench *bench = make_bench(5, 5);

	(void)state;
	add_faults(bench, 100000, 0, 0.001);
	run_check(bench, "guest_fault.p99<=+10% guest_fault.p99.9<=+10%");
	assert_string_equal(row_of(bench, 0)->remark, "");
	assert_string_equal(row_of(bench, 1)->remark,
			    "in 10 of 10 runs fewer than ten events are beyond it");
	free_bench(bench);
}

/* A rule on losses judges those of the new side; the base is to have none. */
static void test_judged_loss(void **state)
{
	struct bench *bench = make_bench(1, 1);

	(void)state;
	bench->samples[1].snap.lost = 5;
	run_check(bench, "loss==0");
	expect_verdict(bench, 0, VERDICT_REGRESSION, "1 of 1 new runs break the limit");
	bench->samples[0].snap.lost = 1;
	assert_int_equal(check_comparable(&bench->input, &bench->problem), -1);
	free_bench(bench);
}

#define TRIALS 10000

/* A mean of many faults in ns for each run, as the noise of a machine makes them. */
static void set_mean(struct bench *bench, size_t run, double ns)
{
	struct event_count *count = &slot_of(bench, run)->v[0];

	count->sum_ns = (__u64)(ns * (double)count->count);
}

/* Of TRIALS with runs like real ones, the new ones longer by @change: how many are called what. */
static void judge_real_runs(double change, size_t verdicts[])
{
	/* Means of guest_fault in ns of runs in one lab VM (7.3, TCG with icount), without the first. */
	static const double real[] = { 11324.6, 11344.8, 11337.3, 11333.9, 11345.1,
				       11350.5, 11338.5, 11330.5, 11335.3 };
	struct bench *bench = make_bench(5, 5);
	unsigned long long random = 88172645463325252ULL;

	add_faults(bench, 10000, 0, 0);
	add_rules(bench, "guest_fault.mean<=+1%");
	for (int trial = 0; trial < TRIALS; trial++) {
		for (size_t i = 0; i < 10; i++)
			set_mean(bench, i,
				 real[unit_random(&random) % ARRAY_SIZE(real)] *
					 (i < 5 ? 1 : 1 + change));
		assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
		verdicts[bench->result.verdict]++;
		check_free(&bench->result);
	}
	free_bench(bench);
}

static void test_real_runs(void **state)
{
	static const struct {
		double change;
		enum verdict verdict;
	} table[] = { { 0, VERDICT_FINE },
		      { 0.005, VERDICT_FINE },
		      { 0.02, VERDICT_REGRESSION },
		      { -0.02, VERDICT_IMPROVED } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		size_t verdicts[VERDICT_REGRESSION + 1] = {};

		judge_real_runs(table[i].change, verdicts);
		print_message("# %+g %%: %zu of %d are called %s\n", table[i].change * 100,
			      verdicts[table[i].verdict], TRIALS, verdict_names[table[i].verdict]);
		assert_in_range(verdicts[table[i].verdict], TRIALS * 999 / 1000, TRIALS);
	}
}

/* From captures to verdict: how many of TRIALS at the limit itself are called a regression. */
static void test_false_alarms(void **state)
{
	struct bench *bench = make_bench(5, 5);
	unsigned long long random = 88172645463325252ULL;
	size_t regressions = 0, fine = 0;

	(void)state;
	add_faults(bench, 10000, 0, 0);
	add_rules(bench, "guest_fault.mean<=+1e-9%");
	for (int trial = 0; trial < TRIALS; trial++) {
		for (size_t i = 0; i < 10; i++) {
			double u = (double)(unit_random(&random) >> 11) / (double)(1ULL << 53);

			set_mean(bench, i, 10000 * (1 + 0.05 * u * u));
		}
		assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
		regressions += bench->result.verdict == VERDICT_REGRESSION;
		fine += bench->result.verdict < VERDICT_INCONCLUSIVE;
		check_free(&bench->result);
	}
	print_message("# %zu regressions, %zu fine of %d\n", regressions, fine, TRIALS);
	assert_in_range(regressions, 1, TRIALS / 100);
	assert_in_range(fine, 1, TRIALS / 40);
	free_bench(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_regression),
		cmocka_unit_test(test_around_the_limit),
		cmocka_unit_test(test_below_the_limit),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_improvement_is_reported),
		cmocka_unit_test(test_less_work_is_no_improvement),
		cmocka_unit_test(test_at_least),
		cmocka_unit_test(test_noise_is_inconclusive),
		cmocka_unit_test(test_noise_is_not_fine),
		cmocka_unit_test(test_too_few_runs),
		cmocka_unit_test(test_all_metrics_share_alpha),
		cmocka_unit_test(test_rules_of_a_metric_are_one_test),
		cmocka_unit_test(test_chance_counts_cost_nothing),
		cmocka_unit_test(test_small_alpha),
		cmocka_unit_test(test_until_told),
		cmocka_unit_test(test_exit_status),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_counts_are_exact),
		cmocka_unit_test(test_counts_that_differ_are_noisy),
		cmocka_unit_test(test_from_zero),
		cmocka_unit_test(test_sampled),
		cmocka_unit_test(test_absolute),
		cmocka_unit_test(test_absolute_within_a_bucket),
		cmocka_unit_test(test_a_step_of_a_bucket_is_no_regression),
		cmocka_unit_test(test_a_step_of_a_bucket_is_fine),
		cmocka_unit_test(test_two_buckets_are),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_resident_pages),
		cmocka_unit_test(test_default_rules),
		cmocka_unit_test(test_per_slot),
		cmocka_unit_test(test_other_order),
		cmocka_unit_test(test_place_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unknown_machine),
		cmocka_unit_test(test_other_work),
		cmocka_unit_test(test_other_work_is_told),
		cmocka_unit_test(test_sum_and_per_page),
		cmocka_unit_test(test_other_rungs_elsewhere),
		cmocka_unit_test(test_minima),
		cmocka_unit_test(test_deterministic_counts),
		cmocka_unit_test(test_interpolated),
		cmocka_unit_test(test_shift),
		cmocka_unit_test(test_thin_tail),
		cmocka_unit_test(test_judged_loss),
		cmocka_unit_test(test_real_runs),
		cmocka_unit_test(test_false_alarms),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
