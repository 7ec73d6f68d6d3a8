// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adding counts up where memory runs out: -ENOMEM, and what there is so far can be freed. The
 * model is compiled into this file with an allocator that can fail, and serves instead of the
 * library's.
 */
#include <limits.h>
#include <stdlib.h>
#include "sample.h"
#include "unit.h"

static long allocations_left = LONG_MAX;

static void *failing_calloc(size_t n, size_t size)
{
	return allocations_left-- > 0 ? calloc(n, size) : NULL;
}

#define calloc failing_calloc
#include "model/buckets.c"
#include "model/model.c"
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
	allocations_left = LONG_MAX;
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
	allocations_left = LONG_MAX;
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
