// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live view as text: cells, layouts at several widths, the last minute, tables.
 */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "gmemtop/view_batch.h"
#include "gmemtop/view_delta.h"
#include "gmemtop/view_layout.h"
#include "model/events.h"
#include "sample_view.h"
#include "unit.h"

static int setup_locale(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static int setup(void **state)
{
	static struct sample_view sv;
	struct event_count *count;
	struct slot *slot;
	struct vm *vm;

	sample_view_init(&sv);
	vm = sample_view_vm(&sv, 0xaa, 4242);
	slot = sample_view_slot(vm, 0, 1500, 4000);
	count = &slot->events.v[0];
	sample_fail(count, EFAULT, 2);
	sample_detail(count, DETAIL_FAULT_FIRST_TOUCH, 1000);
	sample_detail(count, DETAIL_FAULT_PUNCHED, 300);
	sample_detail(count, DETAIL_FAULT_NOTIFIED, 200);
	sample_count(&slot->events, EV_PREPARE, 500, 750);
	slot = sample_view_slot(vm, 3, 0, 0);
	slot->info.as_id = 1;
	vm = sample_view_vm(&sv, 0xbb, 1);
	strcpy(vm->info.comm, "\033[2Jevil\n");
	vm->info.type = 5;
	sample_view_refresh(&sv);
	*state = &sv;
	return 0;
}

static int teardown(void **state)
{
	sample_view_free(*state);
	return 0;
}

static void test_cells(void **state)
{
	static const struct {
		size_t row;
		const char *key, *cell;
	} table[] = {
		{ 0, "vm", "▾ VM 0  4242 qemu" },
		{ 1, "vm", "    slot 0" },
		{ 2, "vm", "    slot 3 of as 1" },
		{ 3, "vm", "▾ VM 1  1 \\x1b[2Jevil\\x0a" },
		{ 0, "gpa", "default" },
		{ 1, "gpa", "0x1000000-0x10fffff" },
		{ 3, "type", "TDX" },
		{ 0, "size", "2MiB" },
		{ 1, "size", "1MiB" },
		{ 1, "flags", "gmem-only" },
		{ 1, "guest_fault", "1.5k" },
		{ 1, "p50", "4.0µs" },
		{ 2, "p50", "-" },
		{ 1, "first_touch", "1.0k" },
		{ 1, "refault", "500" },
		{ 1, "prepares", "0.50" },
		{ 2, "prepares", "-" },
		{ 1, "errors", "2.00" },
		{ 0, "pid", "4242" },
		{ 0, "slot", "-" },
		{ 2, "slot", "3" },
	};
	struct sample_view *sv = *state;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(sample_view_cell(sv, table[i].row, table[i].key),
				    table[i].cell);
	sv->view.sample = 64; /* why faults come is not known then */
	assert_string_equal(sample_view_cell(sv, 1, "first_touch"), "-");
	assert_string_equal(sample_view_cell(sv, 1, "refault"), "-");
	assert_string_equal(sample_view_cell(sv, 1, "guest_fault"), "1.5k");
	sv->view.sample = 0;
}

static void test_table_is_sound(void **state)
{
	char title[CELL_LEN];

	(void)state;
	for (unsigned int i = 0; i < nr_columns; i++) {
		assert_true(text_width(column_title(i, false, title)) <= columns[i].width);
		assert_true(strlen(columns[i].what) < 64);
		assert_int_equal(column_by_key(columns[i].key, strlen(columns[i].key)), i);
		for (unsigned int j = 0; j < i; j++)
			assert_int_not_equal(columns[i].rank, columns[j].rank);
		assert_in_range(columns[i].rank, 1, nr_columns);
	}
	/* Each event can be sorted and filtered by. */
	for (int event = 0; event < NR_EVENTS; event++) {
		int column =
			column_by_key(event_descs[event].name, strlen(event_descs[event].name));

		assert_in_range(column, 0, nr_columns - 1);
		assert_int_equal(columns[column].needs, 1ULL << event);
	}
	assert_int_equal(column_by_key("p9", 2), -1);
}

static unsigned int used(const struct layout *layout)
{
	unsigned int columns_used = layout->n - 1;

	for (unsigned int i = 0; i < layout->n; i++)
		columns_used += layout->v[i].width;
	return columns_used;
}

static bool has(const struct layout *layout, const char *key)
{
	for (unsigned int i = 0; i < layout->n; i++)
		if (!strcmp(columns[layout->v[i].column].key, key))
			return true;
	return false;
}

static void test_layouts(void **state)
{
	struct sample_view *sv = *state;
	struct layout layout;
	unsigned int before = 0;

	for (unsigned int room = 30; room <= 300; room++) {
		layout_make(&layout, &sv->view, sv->settings.columns, room, 0);
		assert_true(layout.n >= before && used(&layout) <= room);
		assert_int_equal(layout.n + layout.ndropped,
				 __builtin_popcountll(sv->settings.columns));
		before = layout.n;
	}
	assert_int_equal(layout.ndropped, 0);
	layout_make(&layout, &sv->view, sv->settings.columns, 80, 0);
	assert_true(has(&layout, "vm") && has(&layout, "guest_fault") && has(&layout, "p99"));
	assert_true(has(&layout, "errors") && has(&layout, "history"));
	assert_false(has(&layout, "flags"));
	layout_make(&layout, &sv->view, sv->settings.columns, 10, 0);
	assert_int_equal(layout.n, 0);
}

/* To the right there are the others, and at the end one is left. */
static void test_scrolled(void **state)
{
	struct sample_view *sv = *state;
	struct layout layout;

	layout_make(&layout, &sv->view, sv->settings.columns, 60, 3);
	assert_true(has(&layout, "vm"));
	assert_false(has(&layout, "gpa") || has(&layout, "size") || has(&layout, "flags"));
	layout_make(&layout, &sv->view, sv->settings.columns, 60, 99);
	assert_int_equal(layout.n, 2);
	assert_true(has(&layout, "vm") && has(&layout, "history"));
}

static void check_spark(const struct history *history, unsigned int width, bool utf8,
			const char *expected)
{
	char text[3 * HISTORY_SECONDS + 1];

	history_spark(history, width, utf8, text);
	assert_string_equal(text, expected);
}

static void test_history(void **state)
{
	struct history history = { 0 };

	(void)state;
	check_spark(&history, 5, true, "     ");
	history_add(&history, 1000 * SECOND, 1001 * SECOND - 1, 80);
	check_spark(&history, 6, true, "     █");
	/* Nothing for 35 seconds, then four a second for five. */
	history_add(&history, 1001 * SECOND - 1, 1035 * SECOND, 0);
	history_add(&history, 1035 * SECOND, 1040 * SECOND - 1, 20);
	check_spark(&history, 6, true, "  █  ▂");
	check_spark(&history, 6, false, "  #  :");
	/* A minute later it is forgotten. */
	history_add(&history, 1040 * SECOND, 1200 * SECOND, 0);
	check_spark(&history, 6, true, "      ");
}

/* A second is made of as many parts as there are refreshes in it. */
static void test_history_parts(void **state)
{
	struct history history = { 0 };
	double sum = 0;

	(void)state;
	for (__u64 ns = 500 * SECOND; ns < 502 * SECOND; ns += SECOND / 10)
		history_add(&history, ns, ns + SECOND / 10, 5);
	assert_true(history.count[500 % HISTORY_SECONDS] > 49.9 &&
		    history.count[500 % HISTORY_SECONDS] < 50.1);
	/* An interval longer than the minute keeps its rate. */
	history_add(&history, 502 * SECOND, 702 * SECOND, 20000);
	for (int i = 0; i < HISTORY_SECONDS; i++)
		sum += history.count[i];
	assert_true(sum > 58.9 * 100 && sum < 59.1 * 100);
}

static void test_delta(void **state)
{
	struct event_counts before = { 0 }, now = { 0 };
	struct event_totals totals = { 0 };
	struct event_count *count = sample_count(&before, EV_CONVERT, 1000, 10);

	(void)state;
	sample_fail(count, EAGAIN, 1);
	sample_fail(count, EINVAL, 4);
	sample_detail(count, DETAIL_CONVERT_PRIVATE, 6);
	count->npages = 100;
	count = sample_count(&now, EV_CONVERT, 1000, 10);
	sample_count(&now, EV_CONVERT, 50000, 3);
	sample_count(&now, EV_CONVERT, 900, 1);
	sample_fail(count, EPERM, 2);
	sample_fail(count, EAGAIN, 1);
	sample_fail(count, EINVAL, 5);
	sample_detail(count, DETAIL_CONVERT_PRIVATE, 8);
	sample_detail(count, DETAIL_CONVERT_SHARED, 2);
	count->npages = 130;
	sample_count(&now, EV_POISON, 0, 1);
	assert_int_equal(event_totals_add_since(&totals, &now, &before), 0);
	count = &totals.v[EV_CONVERT];
	assert_int_equal(count->count, 4);
	assert_int_equal(count->npages, 30);
	assert_int_equal(count->sum_ns, 150900);
	assert_int_equal(count->max_ns, 50000);
	assert_int_equal(count->min_ns, 900);
	assert_int_equal(buckets_at(&count->latency, hist_bucket(1000)), 0);
	assert_int_equal(buckets_at(&count->latency, hist_bucket(50000)), 3);
	assert_int_equal(count->nerrs, 2);
	assert_int_equal(count->errs[0].err, EPERM);
	assert_int_equal(count->errs[1].count, 1);
	assert_int_equal(count->ndetails, 2);
	assert_int_equal(count->details[0].count, 2);
	assert_int_equal(totals.v[EV_POISON].count, 1);
	event_totals_free(&totals);
	event_counts_free(&before);
	event_counts_free(&now);
}

/* An old extreme is not the interval's; its buckets tell how far it goes. */
static void test_delta_extremes(void **state)
{
	struct event_counts before = { 0 }, now = { 0 };
	struct event_totals totals = { 0 };
	struct event_count *count;

	(void)state;
	sample_count(&before, EV_ZAP, 100, 1);
	sample_count(&before, EV_ZAP, 1000000, 1);
	sample_count(&now, EV_ZAP, 100, 1);
	sample_count(&now, EV_ZAP, 1000000, 1);
	sample_count(&now, EV_ZAP, 5000, 1);
	assert_int_equal(event_totals_add_since(&totals, &now, &before), 0);
	count = &totals.v[EV_ZAP];
	assert_int_equal(count->min_ns, hist_low_ns(hist_bucket(5000)));
	assert_int_equal(count->max_ns, hist_high_ns(hist_bucket(5000)) - 1);
	event_totals_free(&totals);
	event_counts_free(&before);
	event_counts_free(&now);
}

static char *batch(const struct sample_view *sv, bool utf8)
{
	const struct view_machine machine = { "al\033pha", "7.3.4" };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	batch_write(out, &sv->view, &sv->settings, &machine, utf8);
	fclose(out);
	return text;
}

static void test_batch(void **state)
{
	struct sample_view *sv = *state;
	char why[64], *text;

	assert_int_equal(settings_set(&sv->settings, "columns", "guest_fault,p50,zap", why, 64), 0);
	text = batch(sv, true);
	assert_memory_equal(text, "gmemtop 0.1  al\\x1bpha  Linux 7.3.4  ", 36);
	assert_string_equal(strstr(text, "2 VMs"),
			    "2 VMs  2 slots  errors 2.00/s  guest faults 1.5k/s  p50 4.0µs  "
			    "p99 4.0µs  zaps 0/s  notifier hits 0/s  conversions 0/s  "
			    "host faults 0/s\n"
			    "lost nothing  counting the pages of 2 slots\n"
			    "VM / SLOT                 FAULTS/s    P50   ZAPS/s\n"
			    "▾ VM 0  4242 qemu             1.5k  4.0µs        0\n"
			    "    slot 0                    1.5k  4.0µs        0\n"
			    "    slot 3 of as 1               0      -        0\n"
			    "▾ VM 1  1 \\x1b[2Jevil\\x0a        0      -        0\n\n");
	free(text);
	text = batch(sv, false);
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
	free(text);
}

/* The most important is cut last, and nothing in its middle. */
static void test_head_is_cut(void **state)
{
	static const struct {
		unsigned int room;
		const char *text;
	} table[] = {
		{ 40, "2 VMs  2 slots  errors 2.00/s  ..." },
		{ 54, "2 VMs  2 slots  errors 2.00/s  ..." },
		{ 55, "2 VMs  2 slots  errors 2.00/s  guest faults 1.5k/s  ..." },
		{ 80,
		  "2 VMs  2 slots  errors 2.00/s  guest faults 1.5k/s  p50 4.0µs  p99 4.0µs  ..." },
	};
	struct sample_view *sv = *state;
	char text[HEAD_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		head_totals(&sv->view, true, table[i].room, text);
		assert_string_equal(text, table[i].text);
		assert_true(text_width(text) <= table[i].room);
	}
}

static void test_head_without_room_for_owners(void **state)
{
	struct sample_view *sv = *state;
	char text[HEAD_LEN];

	sv->sample.snap.loss[EV_GUEST_FAULT][LOSS_OWNER] = sv->sample.snap.lost = 64;
	sample_view_refresh(sv);
	head_totals(&sv->view, true, HEAD_LEN, text);
	assert_string_equal(text, "n/a VMs  n/a slots  errors n/a  guest faults n/a  p50 n/a  "
				  "p99 n/a  zaps 0/s  notifier hits 0/s  conversions 0/s  "
				  "host faults 0/s");
}

static void test_no_inventory(void **state)
{
	struct sample_view *sv = *state;
	char *text;

	assert_string_equal(sample_view_cell(sv, 1, "resident"), "…");
	sv->view.no_inventory = "not allowed";
	assert_string_equal(sample_view_cell(sv, 1, "resident"), "n/a");
	text = batch(sv, false);
	assert_non_null(strstr(text, "\nlost nothing  no inventory: not allowed\n"));
	free(text);
}

static void test_loss_is_shown(void **state)
{
	struct sample_view *sv = *state;
	char *text;

	sv->sample.snap.lost = 12;
	sv->sample.snap.loss[EV_GUEST_FAULT][LOSS_OWNER] = 12;
	sample_view_refresh(sv);
	text = batch(sv, true);
	assert_non_null(strstr(text, "\n*** LOST 12 (12 now): not complete ***  "
				     "guest_fault: 12 owner\n"));
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_cells),
		cmocka_unit_test(test_table_is_sound),
		TEST(test_layouts),
		TEST(test_scrolled),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_history_parts),
		cmocka_unit_test(test_delta),
		cmocka_unit_test(test_delta_extremes),
		TEST(test_batch),
		TEST(test_head_is_cut),
		TEST(test_head_without_room_for_owners),
		TEST(test_no_inventory),
		TEST(test_loss_is_shown),
	};

	return cmocka_run_group_tests(tests, setup_locale, NULL);
}
