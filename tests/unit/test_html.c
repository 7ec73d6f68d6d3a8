// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages: what strangers name is text in them and nothing else, charts show what is so, and the page of
 * a large capture is small.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "html/chart.h"
#include "html/html.h"
#include "html/html_event.h"
#include "model/events.h"
#include "sample.h"
#include "unit.h"

static const struct text_style style = { .columns = 80 };

/* What @put writes of @s; the caller frees it. */
static char *written(void (*put)(FILE *out, const void *what), const void *what)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	put(out, what);
	fclose(out);
	return text;
}

static void put_text(FILE *out, const void *what)
{
	html_text(out, what);
}

static void assert_text(const char *s, const char *wanted)
{
	char *text = written(put_text, s);

	assert_string_equal(text, wanted);
	free(text);
}

static size_t times(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

static void test_escapes(void **state)
{
	(void)state;
	assert_text("qemu-system-x86", "qemu-system-x86");
	assert_text("<script>alert('x')&\"", "&lt;script&gt;alert(&#39;x&#39;)&amp;&quot;");
	assert_text("gäst 客", "gäst 客");
	assert_text("a\033[2J\n\x7f", "a\\x1b[2J\\x0a\\x7f");
	assert_text("\xff<\xc3", "\uFFFD&lt;\uFFFD");
	assert_text("\u202ex", "\\xe2\\x80\\xaex");
	assert_text("\xef\xbf\xbe\xef\xbf\xbf", "\uFFFD\uFFFD");
}

static void put_foreign(FILE *out, const void *what)
{
	html_foreign(out, what, 4);
}

static void test_foreign_is_bounded(void **state)
{
	char *text = written(put_foreign, "1<3\xc3\xa4");

	(void)state;
	assert_string_equal(text, "1&lt;3\uFFFD");
	free(text);
}

static void put_element(FILE *out, const void *what)
{
	html_element(out, "td class=\"warn\"", "<%s>", (const char *)what);
}

static void test_element(void **state)
{
	char *text = written(put_element, "a&b");

	(void)state;
	assert_string_equal(text, "<td class=\"warn\">&lt;a&amp;b&gt;</td>\n");
	free(text);
}

/* ---- Arithmetic ---- */

static struct event_count latencies(const __u64 *ns, size_t n)
{
	struct event_count count = { .event = EV_GUEST_FAULT, .min_ns = ns[0] };

	for (size_t i = 0; i < n; i++) {
		++*buckets_widen(&count.latency, hist_bucket(ns[i]), 1);
		count.count++;
		count.max_ns = ns[i];
	}
	return count;
}

static void test_axis(void **state)
{
	const __u64 ns[] = { 1000, 3000 }, slow[] = { 1000000 };
	struct event_count count = latencies(ns, 2), other = latencies(slow, 1);
	struct chart_axis axis = chart_axis_of(&count.latency, NULL);

	(void)state;
	/* 512 ns to 4,096 ns: whole octaves. */
	assert_true(axis.low == 9 && axis.high == 12);
	assert_int_equal(chart_axis_at(&axis, 512), 0);
	assert_int_equal(chart_axis_at(&axis, 1024), CHART_WIDTH / 3);
	assert_int_equal(chart_axis_at(&axis, 4096), CHART_WIDTH);
	assert_int_equal(chart_axis_at(&axis, 0), 0);
	assert_int_equal(chart_axis_at(&axis, 1e18), CHART_WIDTH);
	axis = chart_axis_of(&count.latency, &other.latency);
	assert_true(axis.low == 9 && axis.high == 20);
	event_count_free(&count);
	event_count_free(&other);
}

static void assert_ticks(double low, double high, const __u64 *wanted, size_t n)
{
	const struct chart_axis axis = { low, high };
	__u64 ticks[CHART_TICKS];

	assert_int_equal(chart_axis_ticks(&axis, ticks), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ticks[i], wanted[i]);
}

static void test_ticks(void **state)
{
	(void)state;
	assert_ticks(9, 12, (const __u64[]){ 1000, 2000 }, 2);
	assert_ticks(9, 17, (const __u64[]){ 1000, 10000, 100000 }, 3);
	/* Everything: every second power of ten. */
	assert_ticks(5, 37, (const __u64[]){ 100, 10000, 1000000, 100000000, 10000000000 }, 5);
	/* From 64 to 127 ns; and between 2 and 5: where the axis begins. */
	assert_ticks(6, 7, (const __u64[]){ 100 }, 1);
	assert_ticks(8, 8.5, (const __u64[]){ 256 }, 1);
}

/* Steps follow each other, cover all of the axis, and their areas add up to everything. */
static void assert_whole(const struct buckets *buckets, const struct chart_axis *axis)
{
	struct chart_step steps[CHART_STEPS];
	size_t n = chart_steps(buckets, axis, steps);
	double area = 0;

	assert_in_range(n, 1, CHART_STEPS);
	assert_int_equal(steps[0].from, 0);
	assert_int_equal(steps[n - 1].to, CHART_WIDTH);
	for (size_t i = 0; i < n; i++) {
		assert_true(steps[i].to >= steps[i].from);
		assert_true(!i || steps[i].from == steps[i - 1].to);
		area += steps[i].density * (steps[i].to - steps[i].from);
	}
	area = area / CHART_WIDTH * (axis->high - axis->low);
	/* Their ends are rounded to the thousandth of the axis. */
	assert_true(area > 0.8 && area < 1.2);
}

static void test_steps(void **state)
{
	const __u64 narrow[] = { 1000, 1030, 1100, 3000 }, wide[] = { 0, 63, 64, 5000, ~0ULL };
	const __u64 lowest[] = { 64, 100 };
	struct event_count few = latencies(narrow, 4), ends = latencies(wide, 5);
	struct chart_axis axis = chart_axis_of(&few.latency, NULL);

	(void)state;
	assert_whole(&few.latency, &axis);
	axis = chart_axis_of(&ends.latency, NULL);
	assert_true(axis.low == 5 && axis.high == 37);
	assert_whole(&ends.latency, &axis);
	for (unsigned int i = 0; i < 10000; i++)
		++*buckets_widen(&few.latency, hist_bucket(1000 + i), 1);
	axis = chart_axis_of(&few.latency, &ends.latency);
	assert_whole(&few.latency, &axis);
	event_count_free(&few);
	event_count_free(&ends);
	few = latencies(lowest, 2);
	axis = chart_axis_of(&few.latency, NULL);
	assert_true(axis.low == 6 && axis.high == 7);
	assert_whole(&few.latency, &axis);
	event_count_free(&few);
}

static void test_height(void **state)
{
	(void)state;
	assert_int_equal(chart_height(0, 10), 0);
	assert_int_equal(chart_height(1e-9, 10), 1);
	assert_int_equal(chart_height(5, 10), CHART_HEIGHT / 2);
	assert_int_equal(chart_height(10, 10), CHART_HEIGHT);
	assert_int_equal(chart_height(0, 0), 0);
}

/* ---- Drawings ---- */

static void put_bar(FILE *out, const void *what)
{
	chart_bar(out, what, 3, 8, "causes");
}

static void test_bar(void **state)
{
	const struct chart_part parts[] = { { 1, 4 }, { 2, 0 }, { CHART_REST, 2 } };
	char *text = written(put_bar, parts);

	(void)state;
	assert_non_null(strstr(text, "class=\"p1\" x=\"0\" width=\"500\""));
	assert_non_null(strstr(text, "class=\"p9\" x=\"500\" width=\"250\""));
	assert_int_equal(times(text, "<rect"), 2);
	free(text);
}

static void put_times(FILE *out, const void *what)
{
	const __u64 end_ns[] = { 10, 20, 40, 80 };

	chart_times(out, what, end_ns, 4, "rate");
}

static void test_times(void **state)
{
	const double values[] = { 2, -1, 4, 0 };
	char *text = written(put_times, values);

	(void)state;
	assert_non_null(strstr(text, "M0 50H125M250 0H500V100H1000"));
	free(text);
}

static void put_cells(FILE *out, const void *what)
{
	chart_cells(out, what, 6, "heat");
}

static void test_cells(void **state)
{
	const __u64 cells[] = { 0, 1, 1, 1000000, 0, 0 }, once[] = { 1, 0, 0, 0, 0, 0 };
	char *text = written(put_cells, cells);

	(void)state;
	assert_non_null(strstr(text, "viewBox=\"0 0 6 1\""));
	assert_non_null(strstr(text, "class=\"v1\" x=\"1\" width=\"2\""));
	assert_non_null(strstr(text, "class=\"v5\" x=\"3\" width=\"1\""));
	assert_int_equal(times(text, "<rect"), 2);
	free(text);
	text = written(put_cells, once);
	assert_int_equal(times(text, "class=\"v1\""), 1);
	free(text);
}

static void put_causes(FILE *out, const void *what)
{
	html_causes(out, what, NULL);
}

/* A prefetch has a cause besides; what has none is the rest. */
static void test_causes(void **state)
{
	struct event_count count = { .event = EV_GUEST_FAULT, .count = 10 };
	char *text;

	(void)state;
	sample_detail(&count, DETAIL_FAULT_PREFETCH, 5);
	sample_detail(&count, DETAIL_FAULT_FIRST_TOUCH, 6);
	sample_detail(&count, DETAIL_FAULT_RESIDENT, 3);
	text = written(put_causes, &count);
	assert_int_equal(times(text, "<rect"), 3);
	assert_non_null(strstr(text, "5 prefetch (50 %)"));
	assert_non_null(strstr(text, "6 first_touch (60 %)"));
	assert_non_null(strstr(text, "1 others (10 %)"));
	free(text);
	event_count_free(&count);
}

/* ---- The whole ---- */

static void test_hostile(void **state)
{
	struct sample sample;
	struct slot *slot;
	char *text;

	(void)state;
	sample_empty(&sample);
	slot = sample_add_slot(sample_add_vm(&sample, "</h2><script>", 1), 0, 0, 512);
	sample_count(&slot->events, EV_GUEST_FAULT, 5000, 3);
	sample.capture.command = (char *[]){ "sh", "<img src=x>", "\033[2J", NULL };
	sample.capture.kernel = "7.3\"><b>";
	sample.capture.note = "&<>";
	sample.capture.stack_events = 1ULL << EV_GUEST_FAULT;
	sample_add_stack(
		&sample,
		&(struct stack_count){ .event = EV_GUEST_FAULT, .count = 2, .comm = "<i>" },
		"kvm_gmem_get_pfn+0x1,a<b");
	text = sample_report(&sample, "html", &style);
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "<img"));
	assert_null(strstr(text, "<i>"));
	assert_null(strstr(text, "a<b"));
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "&lt;/h2&gt;&lt;scrip"));
	assert_non_null(strstr(text, "a&lt;b"));
	free(text);
	sample_free(&sample);
}

/* What differs is a branch, the most frequent first; what all have is said once. */
static void test_stacks(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_empty(&sample);
	sample.capture.stack_events = 1ULL << EV_ZAP;
	sample_add_stack(&sample,
			 &(struct stack_count){ .event = EV_ZAP, .count = 3, .comm = "rare" },
			 "kvm_zap,common,munmap");
	sample_add_stack(&sample,
			 &(struct stack_count){ .event = EV_ZAP, .count = 9, .comm = "often" },
			 "kvm_zap,common,punch");
	text = sample_report(&sample, "html", &style);
	assert_non_null(strstr(text, "<b>12</b> kvm_zap"));
	assert_int_equal(times(text, "kvm_zap"), 1);
	assert_int_equal(times(text, "<div>common</div>"), 1);
	assert_true(strstr(text, "<b>9</b> punch") < strstr(text, "<b>3</b> munmap"));
	assert_non_null(strstr(text, "9\u00d7 by <b>often</b>"));
	free(text);
	sample_free(&sample);
}

#define LARGE_SLOTS 100
#define LARGE_MAX (1 << 20)

/* Ten events with full histograms at each slot, and heat maps. */
static void fill_slot(struct slot *slot)
{
	static const int events[] = { EV_GUEST_FAULT, EV_HOST_FAULT,  EV_ALLOC, EV_PREPARE,
				      EV_BIND,	      EV_UNBIND,      EV_ZAP,	EV_NOTIFIER_HIT,
				      EV_CONVERT,     EV_MEMORY_FAULT };

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct event_count *count = sample_count(&slot->events, events[i], 1000, 1000000);

		if (!(event_descs[events[i]].carries & EVENT_LATENCY))
			continue;
		for (unsigned int b = 0; b < HIST_BUCKETS; b++)
			*buckets_widen(&count->latency, b, 1) += b * 7919 % 1000;
		sample_fail(count, 11, 12345);
	}
	for (int detail = DETAIL_FAULT_FIRST_TOUCH; detail < DETAIL_HOST_FIRST_TOUCH; detail++)
		sample_detail(&slot->events.v[0], detail, 1000);
	slot->heat = calloc(1, sizeof(*slot->heat));
	slot->heat->ncells = HEAT_CELLS;
	slot->heat->npages = 8192;
	for (unsigned int i = 0; i < HEAT_CELLS; i++)
		slot->heat->cell[i] = i * 7919 % 1000;
}

static void test_size(void **state)
{
	struct sample sample;
	struct vm *vm;
	char *text;

	(void)state;
	sample_empty(&sample);
	vm = sample_add_vm(&sample, "qemu", 1);
	for (int i = 0; i < LARGE_SLOTS; i++)
		fill_slot(sample_add_slot(vm, i, (__u64)i << 20, 1 << 19));
	text = sample_report(&sample, "html", &style);
	assert_int_equal(times(text, "class=\"h\""), LARGE_SLOTS);
	assert_in_range(strlen(text), 100000, LARGE_MAX);
	free(text);
	sample_free(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes), cmocka_unit_test(test_foreign_is_bounded),
		cmocka_unit_test(test_element), cmocka_unit_test(test_axis),
		cmocka_unit_test(test_ticks),	cmocka_unit_test(test_steps),
		cmocka_unit_test(test_height),	cmocka_unit_test(test_bar),
		cmocka_unit_test(test_times),	cmocka_unit_test(test_cells),
		cmocka_unit_test(test_causes),	cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_stacks),	cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
