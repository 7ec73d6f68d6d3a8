// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two captures side by side: what one did not count is not 0, changes are shares of the first, and each
 * name has one line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check/report_diff.h"
#include "model/events.h"
#include "sample.h"
#include "unit.h"

struct two {
	struct sample samples[DIFF_SIDES];
	struct event_counts *slots[DIFF_SIDES];
	struct diff diff;
};

static struct two *make_two(void)
{
	struct two *two = calloc(1, sizeof(*two));

	for (int s = 0; s < DIFF_SIDES; s++) {
		struct sample *sample = &two->samples[s];

		sample_empty(sample);
		sample->capture.programs = "";
		two->slots[s] =
			&sample_add_slot(sample_add_vm(sample, "qemu", 1), 3, 0, 512)->events;
		two->diff.side[s] = (struct diff_side){ &sample->capture, s ? "b" : "a", NULL };
	}
	return two;
}

static void free_two(struct two *two)
{
	diff_free(&two->diff);
	for (int s = 0; s < DIFF_SIDES; s++)
		sample_free(&two->samples[s]);
	free(two);
}

static const struct diff_line *line_of(const struct two *two, size_t place, enum gmem_event event,
				       const char *name)
{
	const struct diff_place *at = &two->diff.places[place];

	for (size_t i = 0; i < at->nevents; i++)
		for (size_t j = 0; at->events[i].event == event && j < at->events[i].nlines; j++)
			if (!strcmp(at->events[i].lines[j].name, name))
				return &at->events[i].lines[j];
	fail_msg("no %s of %s", name, event_descs[event].name);
	return NULL;
}

static void assert_change(const struct diff_line *line, const char *wanted)
{
	char buf[DIFF_CHANGE_LEN];

	assert_string_equal(diff_change(buf, line), wanted);
}

static void test_lines(void **state)
{
	struct two *two = make_two();
	const struct diff_line *line;

	(void)state;
	sample_count(two->slots[DIFF_A], EV_GUEST_FAULT, 5000, 100);
	sample_count(two->slots[DIFF_B], EV_GUEST_FAULT, 5000, 105);
	sample_fail(&two->slots[DIFF_B]->v[0], 11, 7);
	sample_detail(&two->slots[DIFF_A]->v[0], DETAIL_FAULT_RESIDENT, 40);
	assert_int_equal(diff_make(&two->diff), 0);
	assert_int_equal(two->diff.nplaces, 2);
	assert_int_equal(two->diff.places[0].place->kind, PLACE_ALL);
	line = line_of(two, 1, EV_GUEST_FAULT, "count");
	assert_true(line->side[DIFF_A].exact == 100 && line->side[DIFF_B].exact == 105);
	assert_change(line, "+5.00%");
	assert_change(line_of(two, 1, EV_GUEST_FAULT, "p50"), "=");
	assert_change(line_of(two, 1, EV_GUEST_FAULT, "EAGAIN"), "new");
	assert_change(line_of(two, 1, EV_GUEST_FAULT, "resident"), "gone");
	free_two(two);
}

/* It happened on one side; the other looked for it, did not ask for it, could not have it. */
static void test_absent(void **state)
{
	static const struct {
		bool shown, attached, known;
	} cases[] = { { true, true, true }, { false, true, false }, { true, false, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct two *two = make_two();
		const struct diff_line *line;

		if (!cases[i].shown)
			two->samples[DIFF_B].capture.shown &= ~(1ULL << EV_ZAP);
		two->samples[DIFF_B].hooks[EV_ZAP].attached = cases[i].attached;
		sample_count(two->slots[DIFF_A], EV_ZAP, 100, 3);
		assert_int_equal(diff_make(&two->diff), 0);
		line = line_of(two, 1, EV_ZAP, "count");
		assert_int_equal(line->side[DIFF_B].known, cases[i].known);
		assert_int_equal(line->side[DIFF_B].exact, 0);
		assert_change(line, cases[i].known ? "gone" : "-");
		/* What did not happen took no time, not 0 ns. */
		assert_false(line_of(two, 1, EV_ZAP, "p99")->side[DIFF_B].known);
		free_two(two);
	}
}

/* With --sample some faults are timed, and of none the cause is known. */
static void test_sampled(void **state)
{
	struct two *two = make_two();
	struct event_count *count;

	(void)state;
	two->samples[DIFF_B].capture.sample = 10;
	sample_count(two->slots[DIFF_A], EV_GUEST_FAULT, 5000, 100);
	sample_detail(&two->slots[DIFF_A]->v[0], DETAIL_FAULT_RESIDENT, 40);
	count = sample_count(two->slots[DIFF_B], EV_GUEST_FAULT, 5000, 10);
	count->count = 100;
	count->untimed = 90;
	assert_int_equal(diff_make(&two->diff), 0);
	assert_change(line_of(two, 1, EV_GUEST_FAULT, "count"), "=");
	assert_change(line_of(two, 1, EV_GUEST_FAULT, "mean"), "=");
	assert_change(line_of(two, 1, EV_GUEST_FAULT, "total"), "-");
	assert_change(line_of(two, 1, EV_GUEST_FAULT, "resident"), "-");
	free_two(two);
}

static void test_facts(void **state)
{
	struct two *two = make_two();
	char differs[DIFF_DIFFERS_LEN];

	(void)state;
	assert_int_equal(diff_make(&two->diff), 0);
	assert_string_equal(report_diff_differs(differs, &two->diff), "nothing that is known");
	diff_free(&two->diff);
	two->diff = (struct diff){ .side = { two->diff.side[0], two->diff.side[1] } };
	two->samples[DIFF_B].capture.kernel = "9.0";
	two->samples[DIFF_B].capture.min_latency_ns = 5;
	assert_int_equal(diff_make(&two->diff), 0);
	assert_string_equal(report_diff_differs(differs, &two->diff), "kernel, options");
	free_two(two);
}

static void test_change(void **state)
{
	struct diff_line line = { .side = { { true, 1, 1 }, { true, 50, 50 } } };

	(void)state;
	line.change = measure_change(&line.side[DIFF_A], &line.side[DIFF_B]);
	assert_change(&line, "x50");
	line.side[DIFF_B] = (struct measured){ true, 2, 2 };
	line.change = measure_change(&line.side[DIFF_A], &line.side[DIFF_B]);
	assert_change(&line, "+100.0%");
	line.side[DIFF_B].known = false;
	line.change = measure_change(&line.side[DIFF_A], &line.side[DIFF_B]);
	assert_change(&line, "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	cmocka_unit_test(test_absent),
		cmocka_unit_test(test_sampled), cmocka_unit_test(test_facts),
		cmocka_unit_test(test_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
