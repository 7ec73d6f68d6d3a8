// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adding counts up: over two owners, over a VM, over everything; each event once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sample.h"
#include "unit.h"

static void test_add_to_nothing(void **state)
{
	struct event_counts from = { 0 };
	struct event_count to = { 0 };
	struct event_count *count = sample_count(&from, EV_BIND, 9000, 3);

	(void)state;
	sample_fail(count, EEXIST, 2);
	count->npages = 5;
	assert_int_equal(event_count_add(&to, count), 0);
	assert_int_equal(to.event, EV_BIND);
	assert_int_equal(to.count, 3);
	assert_int_equal(to.sum_ns, 27000);
	assert_int_equal(to.min_ns, 9000);
	assert_int_equal(to.max_ns, 9000);
	assert_int_equal(to.npages, 5);
	assert_int_equal(to.nerrs, 1);
	assert_int_equal(to.errs[0].err, EEXIST);
	assert_int_equal(event_count_errors(&to), 2);
	assert_ptr_not_equal(to.latency.v, count->latency.v);
	assert_int_equal(buckets_at(&to.latency, hist_bucket(9000)), 3);
	event_count_free(&to);
	assert_null(to.latency.v);
	event_counts_free(&from);
	assert_int_equal(from.n, 0);
}

static void test_add_two(void **state)
{
	struct event_counts a = { 0 }, b = { 0 };
	struct event_count to = { 0 };

	(void)state;
	sample_count(&a, EV_GUEST_FAULT, 5000, 10);
	sample_count(&b, EV_GUEST_FAULT, 700, 2);
	sample_count(&b, EV_GUEST_FAULT, 5000, 1);
	sample_count(&b, EV_GUEST_FAULT, 90000, 1);
	assert_int_equal(event_count_add(&to, a.v), 0);
	assert_int_equal(event_count_add(&to, b.v), 0);
	assert_int_equal(to.count, 14);
	assert_int_equal(to.sum_ns, 55000 + 1400 + 90000);
	assert_int_equal(to.min_ns, 700);
	assert_int_equal(to.max_ns, 90000);
	assert_int_equal(buckets_at(&to.latency, hist_bucket(5000)), 11);
	assert_int_equal(buckets_at(&to.latency, hist_bucket(700)), 2);
	event_count_free(&to);
	event_counts_free(&a);
	event_counts_free(&b);
}

static void test_errors_merge_in_order(void **state)
{
	static const struct errno_count expected[] = {
		{ 4, 1 }, { 12, 3 }, { 17, 30 }, { 22, 4 }, { 133, 6 },
	};
	struct event_counts a = { 0 }, b = { 0 };
	struct event_count to = { 0 };
	size_t i;

	(void)state;
	sample_fail(sample_count(&a, EV_BIND, 1, 1), 12, 3);
	sample_fail(a.v, 17, 10);
	sample_fail(a.v, 133, 6);
	sample_fail(sample_count(&b, EV_BIND, 1, 1), 4, 1);
	sample_fail(b.v, 17, 20);
	sample_fail(b.v, 22, 4);
	assert_int_equal(event_count_add(&to, a.v), 0);
	assert_int_equal(event_count_add(&to, b.v), 0);
	assert_int_equal(to.nerrs, ARRAY_SIZE(expected));
	for (i = 0; i < to.nerrs; i++) {
		assert_int_equal(to.errs[i].err, expected[i].err);
		assert_int_equal(to.errs[i].count, expected[i].count);
	}
	event_count_free(&to);
	event_counts_free(&a);
	event_counts_free(&b);
}

static void test_details_merge_in_order(void **state)
{
	static const struct detail_count expected[] = {
		{ DETAIL_CONVERT_PRIVATE, 8 },
		{ DETAIL_CONVERT_SHARED, 40 },
		{ DETAIL_CONVERT_NOOP, 3 },
	};
	struct event_counts a = { 0 }, b = { 0 };
	struct event_count to = { 0 };
	size_t i;

	(void)state;
	sample_detail(sample_count(&a, EV_CONVERT, 1, 41), DETAIL_CONVERT_SHARED, 38);
	sample_detail(a.v, DETAIL_CONVERT_NOOP, 3);
	sample_detail(sample_count(&b, EV_CONVERT, 1, 10), DETAIL_CONVERT_PRIVATE, 8);
	sample_detail(b.v, DETAIL_CONVERT_SHARED, 2);
	assert_int_equal(event_count_add(&to, a.v), 0);
	assert_ptr_not_equal(to.details, a.v->details);
	assert_int_equal(event_count_add(&to, b.v), 0);
	assert_int_equal(to.ndetails, ARRAY_SIZE(expected));
	for (i = 0; i < to.ndetails; i++) {
		assert_int_equal(to.details[i].detail, expected[i].detail);
		assert_int_equal(to.details[i].count, expected[i].count);
	}
	event_count_free(&to);
	assert_null(to.details);
	assert_int_equal(to.ndetails, 0);
	event_counts_free(&a);
	event_counts_free(&b);
}

/* An empty count says min_ns = ~0 or 0, neither of which anybody has seen. */
static void test_nothing_changes_nothing(void **state)
{
	struct event_count to = { .count = 1, .min_ns = 50, .max_ns = 50 };
	struct event_count zero = { .min_ns = 0 };

	(void)state;
	assert_int_equal(event_count_add(&to, &zero), 0);
	assert_int_equal(to.min_ns, 50);
	assert_int_equal(to.count, 1);
}

static void test_event_without_latency(void **state)
{
	struct event_counts from = { 0 };
	struct event_count to = { 0 };

	(void)state;
	sample_count(&from, EV_NOTIFIER_HIT, 0, 2)->npages = 640;
	assert_int_equal(event_count_add(&to, from.v), 0);
	assert_int_equal(event_count_add(&to, from.v), 0);
	assert_int_equal(to.latency.n, 0);
	assert_int_equal(to.npages, 1280);
	event_count_free(&to);
	event_counts_free(&from);
}

static void test_find(void **state)
{
	struct sample sample;
	const struct event_counts *events;

	(void)state;
	sample_real(&sample);
	events = &sample.snap.vms[0].slots[0].events;
	assert_int_equal(event_counts_find(events, EV_GUEST_FAULT)->count, 2560);
	assert_int_equal(event_counts_find(events, EV_ZAP)->npages, 1536);
	assert_null(event_counts_find(events, EV_RELEASE));
	assert_null(event_counts_find(&sample.snap.vms[2].events, EV_ZAP));
	sample_free(&sample);
}

static void test_totals(void **state)
{
	struct event_totals vm = { 0 }, all = { 0 };
	struct sample sample;

	(void)state;
	sample_real(&sample);
	assert_int_equal(event_totals_add_vm(&vm, &sample.snap, 0), 0);
	assert_int_equal(vm.v[EV_GUEST_FAULT].count, 14560);
	assert_int_equal(vm.v[EV_BIND].count, 4);
	assert_int_equal(vm.v[EV_CREATE].count, 1);
	assert_int_equal(vm.v[EV_PUNCH_HOLE].npages, 1536);
	assert_int_equal(event_totals_add_all(&all, &sample.snap), 0);
	assert_int_equal(all.v[EV_GUEST_FAULT].count, 14660);
	assert_int_equal(all.v[EV_CREATE].count, 6); /* two VMs and the host */
	assert_int_equal(all.v[EV_ALLOCATE].count, 2);
	assert_int_equal(event_count_errors(&all.v[EV_GUEST_FAULT]), 15);
	assert_int_equal(vm.v[EV_CONVERT].ndetails, 3);
	assert_int_equal(all.v[EV_CONVERT].details[0].count, 14);
	event_totals_free(&vm);
	event_totals_free(&all);
	sample_free(&sample);
	assert_int_equal(sample.snap.nvms, 0);
}

/* With links and without, the same guest_memfds in the same order. */
static void test_gmems_of_vms(void **state)
{
	static const __u32 vms[] = { 1, 0, 1, 1, 0 };
	static const size_t of[3][4] = { { 1, 4, 5 }, { 0, 2, 3, 5 }, { 5 } };
	struct sample sample;

	(void)state;
	sample_empty(&sample);
	for (int i = 0; i < 3; i++)
		sample_add_vm(&sample, "a", i);
	for (size_t i = 0; i < ARRAY_SIZE(vms); i++)
		sample_add_gmem(&sample, vms[i], 10 + i, 4096);
	for (int linked = 0; linked < 2; linked++) {
		for (size_t vm = 0; vm < 3; vm++)
			for (size_t i = 0, from = 0; i == 0 || from <= 5; i++) {
				assert_int_equal(snapshot_next_gmem(&sample.snap, vm, from),
						 of[vm][i]);
				from = of[vm][i] + 1;
			}
		snapshot_link(&sample.snap);
	}
	sample_free(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_to_nothing),
		cmocka_unit_test(test_add_two),
		cmocka_unit_test(test_errors_merge_in_order),
		cmocka_unit_test(test_details_merge_in_order),
		cmocka_unit_test(test_nothing_changes_nothing),
		cmocka_unit_test(test_event_without_latency),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_totals),
		cmocka_unit_test(test_gmems_of_vms),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
