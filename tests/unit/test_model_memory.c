// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adding counts up where memory runs out: -ENOMEM, and what there is so far can be freed. The
 * model is compiled into this file once more, with an allocator that fails and with names other
 * than those in the library, which this test is linked to as well.
 */
#define buckets_total failing_total
#define buckets_widen failing_widen
#define buckets_add failing_add
#define buckets_add_all failing_add_all
#define buckets_since failing_since
#define buckets_free failing_free
#define event_count_add failing_count_add
#define event_count_free failing_count_free
#define event_counts_free failing_counts_free
#define event_counts_find failing_counts_find
#define event_count_errors failing_count_errors
#define event_totals_add failing_totals_add
#define event_totals_merge failing_totals_merge
#define event_totals_add_vm failing_totals_add_vm
#define event_totals_add_all failing_totals_add_all
#define event_totals_free failing_totals_free
#define snapshot_free failing_snapshot_free
#define snapshot_append failing_snapshot_append
#define snapshot_sort failing_snapshot_sort
#define snapshot_link failing_snapshot_link
#define snapshot_next_gmem failing_snapshot_next_gmem
#define resident_add failing_resident_add

#include <stdlib.h>
#include "sample.h"
#include "unit.h"

static long allocations_left;

static void *failing_calloc(size_t n, size_t size)
{
	return allocations_left-- > 0 ? calloc(n, size) : NULL;
}

#define calloc failing_calloc
#include "buckets.c"
#include "model.c"
#undef calloc

/* Buckets, errors and details: three allocations for the first, two to merge the second. */
static void test_one_event(void **state)
{
	struct event_counts from = { 0 };
	struct event_count to;
	long n;

	(void)state;
	sample_fail(sample_count(&from, EV_CONVERT, 500, 9), EAGAIN, 2);
	sample_detail(from.v, DETAIL_CONVERT_SHARED, 9);
	for (n = 0; n <= 5; n++) {
		memset(&to, 0, sizeof(to));
		allocations_left = n;
		assert_int_equal(event_count_add(&to, from.v), n < 3 ? -ENOMEM : 0);
		if (n >= 3)
			assert_int_equal(event_count_add(&to, from.v), n < 5 ? -ENOMEM : 0);
		event_count_free(&to);
	}
	event_counts_free(&from);
}

/* No sum is silently short of an owner: it is all there, or there is an error. */
static void check_totals(const struct snapshot *snap, bool all)
{
	struct event_totals totals;
	long n = 0;
	int err;

	do {
		memset(&totals, 0, sizeof(totals));
		allocations_left = n++;
		err = all ? event_totals_add_all(&totals, snap)
			  : event_totals_add_vm(&totals, snap, 0);
		if (err)
			assert_int_equal(err, -ENOMEM);
		else
			assert_int_equal(totals.v[EV_CONVERT].count, all ? 18 : 12);
		event_totals_free(&totals);
	} while (err);
	assert_true(n > 10);
}

static void test_totals(void **state)
{
	struct sample sample;

	(void)state;
	sample_real(&sample);
	check_totals(&sample.snap, false);
	check_totals(&sample.snap, true);
	sample_free(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_event),
		cmocka_unit_test(test_totals),
	};

	return cmocka_run_group_tests_name("model_memory", tests, NULL, NULL);
}
