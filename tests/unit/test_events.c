// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events, details, losses and errors by name.
 */
#include <errno.h>
#include <string.h>
#include "model/events.h"
#include "unit.h"

#define ALL_CARRIED (EVENT_LATENCY | EVENT_PAGES | EVENT_ERRNO | EVENT_OPT_IN)

static void test_every_event_is_found(void **state)
{
	int event, other;

	(void)state;
	for (event = 0; event < NR_EVENTS; event++) {
		const char *name = event_descs[event].name;

		assert_int_equal(event_by_name(name, strlen(name)), event);
		assert_true(event_descs[event].what[0]);
		assert_true(event_descs[event].heading[0] && event_descs[event].many[0]);
		assert_int_equal(event_descs[event].carries & ~ALL_CARRIED, 0);
		for (other = 0; other < event; other++)
			assert_string_not_equal(name, event_descs[other].name);
	}
	assert_string_equal(event_descs[EV_GUEST_FAULT].name, "guest_fault");
	assert_string_equal(event_descs[EV_NOTIFIER_HIT].name, "notifier_hit");
}

static void test_what_events_carry(void **state)
{
	(void)state;
	assert_int_equal(event_descs[EV_GUEST_FAULT].carries, EVENT_LATENCY | EVENT_ERRNO);
	assert_int_equal(event_descs[EV_ZAP].carries, EVENT_LATENCY | EVENT_PAGES);
	assert_int_equal(event_descs[EV_NOTIFIER_HIT].carries, EVENT_PAGES);
	assert_int_equal(event_descs[EV_MEMORY_FAULT].carries, 0);
	assert_int_equal(event_descs[EV_ALLOC].carries, EVENT_PAGES | EVENT_OPT_IN);
}

/* A name twice in one event would be one key of two values in JSON. */
static void test_details(void **state)
{
	int detail, other;

	(void)state;
	for (detail = 0; detail < NR_DETAILS; detail++) {
		const struct detail_desc *desc = &detail_descs[detail];

		assert_in_range(desc->event, 0, NR_EVENTS - 1);
		assert_true(desc->name[0] && desc->what[0]);
		for (other = 0; other < detail; other++)
			assert_false(detail_descs[other].event == desc->event &&
				     !strcmp(detail_descs[other].name, desc->name));
	}
	assert_int_equal(detail_descs[DETAIL_CONVERT_NOOP].event, EV_CONVERT);
	assert_string_equal(detail_descs[DETAIL_CONVERT_NOOP].name, "noop");
}

static void test_names_match_whole(void **state)
{
	(void)state;
	assert_int_equal(event_by_name("notifier", 8), EV_NOTIFIER);
	assert_int_equal(event_by_name("notifier_hit", 8), EV_NOTIFIER);
	assert_int_equal(event_by_name("zap,bind", 3), EV_ZAP);
	assert_int_equal(event_by_name("notifie", 7), -1);
	assert_int_equal(event_by_name("notifier_", 9), -1);
	assert_int_equal(event_by_name("ZAP", 3), -1);
	assert_int_equal(event_by_name("", 0), -1);
	assert_int_equal(event_by_name("zap", -1), -1);
}

static void test_losses(void **state)
{
	int loss;

	(void)state;
	for (loss = 0; loss < NR_LOSSES; loss++)
		assert_true(loss_descs[loss].name[0] && loss_descs[loss].what[0]);
	assert_string_equal(loss_descs[LOSS_OWNER].name, "owner");
	/* Not what the macro errno stands for. */
	assert_string_equal(loss_descs[LOSS_ERRNO].name, "errno");
}

static void test_errnos(void **state)
{
	static const struct {
		int err;
		const char *name;
	} table[] = {
		{ EEXIST, "EEXIST" },
		{ EINVAL, "EINVAL" },
		{ ENOMEM, "ENOMEM" },
		{ EAGAIN, "EAGAIN" },
		{ EFAULT, "EFAULT" },
		{ EHWPOISON, "EHWPOISON" },
		{ 512, "ERESTARTSYS" },
		{ 524, "ENOTSUPP" },
		{ 4095, "errno 4095" },
		{ 0, "errno 0" },
		{ -17, "errno -17" },
		{ -2147483647 - 1, "errno -2147483648" },
		{ ERROR_IS_FAULT | 0x2, "SIGBUS" },
		{ ERROR_IS_FAULT | 0x400, "RETRY" },
		{ ERROR_IS_FAULT | 0x402, "SIGBUS" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(errno_name(table[i].err), table[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_event_is_found),
		cmocka_unit_test(test_what_events_carry),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_names_match_whole),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_errnos),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
