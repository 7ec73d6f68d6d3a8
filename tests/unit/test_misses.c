// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was missed, from what the kernel has skipped and programs have noticed: each event once.
 */
#include "unit.h"
#include <string.h>
#include "model/misses.h"

#define EVENT(event) (1ULL << (event))

static __u64 loss[NR_EVENTS][NR_LOSSES];
static const __u64 none[NR_EVENTS];

static __u64 total(void)
{
	__u64 sum = 0;

	for (int event = 0; event < NR_EVENTS; event++)
		for (int kind = 0; kind < NR_LOSSES; kind++)
			sum += loss[event][kind];
	return sum;
}

/* Both ends of a fault, its begin, its end: of the last only the kernel knows. */
static void test_one_program(void **state)
{
	static const struct {
		__u64 both, begins, ends;
	} cases[] = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 }, { 7, 0, 0 }, { 3, 5, 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct used_program program = {
			.events = EVENT(EV_GUEST_FAULT),
			.ends = true,
			.skipped = cases[i].both * 2 + cases[i].begins + cases[i].ends,
		};
		const __u64 unended[NR_EVENTS] = { [EV_GUEST_FAULT] = cases[i].ends };

		memset(loss, 0, sizeof(loss));
		loss[EV_GUEST_FAULT][LOSS_MISSED] = cases[i].begins;
		misses_tell(&program, 1, unended, EV_CREATE, loss);
		assert_int_equal(loss[EV_GUEST_FAULT][LOSS_MISSED],
				 cases[i].both + cases[i].begins + cases[i].ends);
		assert_int_equal(total(), cases[i].both + cases[i].begins + cases[i].ends);
	}
}

/* A program that is skipped as a whole. */
static void test_once(void **state)
{
	const struct used_program program = { .events = EVENT(EV_ALLOC), .skipped = 3 };

	(void)state;
	memset(loss, 0, sizeof(loss));
	misses_tell(&program, 1, none, EV_CREATE, loss);
	assert_int_equal(loss[EV_ALLOC][LOSS_MISSED], 3);
	assert_int_equal(total(), 3);
}

/* Which of its events a program was skipped for is known where it has seen the end. */
static void test_shared(void **state)
{
	const struct used_program program = {
		.events = EVENT(EV_CREATE) | EVENT(EV_BIND) | EVENT(EV_RELEASE),
		.ends = true,
		.skipped = 2 * 2 + 1, /* two at both ends, one at its begin */
	};

	(void)state;
	memset(loss, 0, sizeof(loss));
	loss[EV_RELEASE][LOSS_MISSED] = 1;
	misses_tell(&program, 1, none, EV_GUEST_FAULT, loss);
	assert_int_equal(loss[EV_RELEASE][LOSS_MISSED], 1);
	assert_int_equal(loss[EV_CREATE][LOSS_SHARED], 2);
	assert_int_equal(total(), 3);
}

/* So it is where an event has begun and not ended; what is under way is not more than was skipped. */
static void test_shared_unended(void **state)
{
	const struct used_program program = {
		.events = EVENT(EV_CREATE) | EVENT(EV_BIND) | EVENT(EV_RELEASE),
		.ends = true,
		.skipped = 2 * 2 + 1 + 1,
	};
	const __u64 unended[NR_EVENTS] = { [EV_BIND] = 1, [EV_ZAP] = 3 };

	(void)state;
	memset(loss, 0, sizeof(loss));
	loss[EV_RELEASE][LOSS_MISSED] = 1;
	misses_tell(&program, 1, unended, EV_GUEST_FAULT, loss);
	assert_int_equal(loss[EV_RELEASE][LOSS_MISSED], 1);
	assert_int_equal(loss[EV_BIND][LOSS_MISSED], 1);
	assert_int_equal(loss[EV_CREATE][LOSS_SHARED], 2);
	assert_int_equal(total(), 4);
}

/* An event with a program of its own, and one that it shares. */
static void test_own_and_shared(void **state)
{
	const struct used_program programs[] = {
		{ .events = EVENT(EV_ZAP), .ends = true, .skipped = 2 },
		{ .events = EVENT(EV_ZAP) | EVENT(EV_NOTIFIER_HIT), .skipped = 4 },
	};

	(void)state;
	memset(loss, 0, sizeof(loss));
	misses_tell(programs, 2, none, EV_CREATE, loss);
	assert_int_equal(loss[EV_ZAP][LOSS_MISSED], 1);
	assert_int_equal(loss[EV_ZAP][LOSS_SHARED], 4);
	assert_int_equal(total(), 5);
}

static void test_keeper(void **state)
{
	const struct used_program programs[] = {
		{ .events = 0, .skipped = 1 },
		{ .events = 0, .ends = true, .skipped = 4 },
	};

	(void)state;
	memset(loss, 0, sizeof(loss));
	misses_tell(programs, 2, none, EV_BIND, loss);
	assert_int_equal(loss[EV_BIND][LOSS_KEEPER], 3);
	assert_int_equal(total(), 3);
}

/* Programs notice before the kernel is asked, and what was missed before the start, too. */
static void test_more_halves_than_skips(void **state)
{
	const struct used_program program = {
		.events = EVENT(EV_CREATE) | EVENT(EV_BIND),
		.ends = true,
		.skipped = 1,
	};

	(void)state;
	memset(loss, 0, sizeof(loss));
	loss[EV_BIND][LOSS_MISSED] = 2;
	misses_tell(&program, 1, none, EV_CREATE, loss);
	assert_int_equal(loss[EV_BIND][LOSS_MISSED], 2);
	assert_int_equal(total(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_program),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_shared_unended),
		cmocka_unit_test(test_own_and_shared),
		cmocka_unit_test(test_keeper),
		cmocka_unit_test(test_more_halves_than_skips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
