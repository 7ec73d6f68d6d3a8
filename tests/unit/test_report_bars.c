// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bars: whatever the samples, all of them are in few bars, in order, without holes.
 */
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "report/report_bars.h"
#include "sample.h"
#include "unit.h"

static void check_bars(const struct event_count *count, const struct bar *bars, size_t n)
{
	__u64 sum = 0;
	size_t i;

	assert_in_range(n, 1, BARS_MAX);
	assert_true(bars[0].low_ns <= count->min_ns);
	assert_true(!bars[n - 1].high_ns || bars[n - 1].high_ns > count->max_ns);
	assert_true(bars[0].count && bars[n - 1].count);
	for (i = 0; i < n; i++) {
		sum += bars[i].count;
		assert_true(!bars[i].high_ns || bars[i].high_ns > bars[i].low_ns);
		if (i) {
			assert_int_equal(bars[i].low_ns, bars[i - 1].high_ns);
			assert_true(bars[i].count || bars[i - 1].count);
		}
	}
	assert_int_equal(sum, count->count);
}

/* Many shapes: few and many samples, narrow and over all magnitudes. */
static void test_any_shape(void **state)
{
	unsigned long long random = 99;
	struct bar bars[BARS_MAX];
	int shape, i;

	(void)state;
	for (shape = 0; shape < 300; shape++) {
		struct event_counts counts = { 0 };
		unsigned int spread = shape % 62 + 1;
		int n = 1 + unit_random(&random) % 200;

		for (i = 0; i < n; i++)
			sample_count(&counts, EV_ZAP,
				     unit_random(&random) >> (63 - unit_random(&random) % spread),
				     1);
		check_bars(counts.v, bars, bars_merge(counts.v, bars));
		event_counts_free(&counts);
	}
}

static void test_every_bucket(void **state)
{
	struct event_counts counts = { 0 };
	struct bar bars[BARS_MAX];
	unsigned int i;

	(void)state;
	for (i = 0; i < HIST_BUCKETS; i++)
		sample_count(&counts, EV_ZAP, hist_low_ns(i), 1);
	check_bars(counts.v, bars, bars_merge(counts.v, bars));
	event_counts_free(&counts);
}

static void test_one_sample(void **state)
{
	struct event_counts counts = { 0 };
	struct bar bars[BARS_MAX];

	(void)state;
	sample_count(&counts, EV_ZAP, 4096, 1);
	assert_int_equal(bars_merge(counts.v, bars), 1);
	assert_int_equal(bars[0].low_ns, 4096);
	assert_int_equal(bars[0].high_ns, 4608);
	event_counts_free(&counts);
}

static void test_nothing(void **state)
{
	__u64 zeroes[] = { 0, 0 };
	struct event_count none = { .count = 3 }, empty = { .latency = { zeroes, 5, 2 } };
	struct bar bars[BARS_MAX];

	(void)state;
	assert_int_equal(bars_merge(&none, bars), 0);
	assert_int_equal(bars_merge(&empty, bars), 0);
}

/* The bars that hold something and begin below @limit_ns. */
static size_t bars_below(const struct bar *bars, size_t n, __u64 limit_ns)
{
	size_t i, below = 0;

	for (i = 0; i < n; i++)
		below += bars[i].count && bars[i].low_ns < limit_ns;
	return below;
}

/* Outliers, far away or many magnitudes of them, leave the rest as fine as it was. */
static void test_outliers_flatten_nothing(void **state)
{
	struct event_counts counts = { 0 };
	struct bar bars[BARS_MAX];
	size_t n;
	__u64 ns;

	(void)state;
	for (ns = 2000; ns < 8000; ns++)
		sample_count(&counts, EV_ZAP, ns, 1);
	sample_count(&counts, EV_ZAP, 30000000000ULL, 1);
	n = bars_merge(counts.v, bars);
	check_bars(counts.v, bars, n);
	assert_true(bars_below(bars, n, 8000) >= 16);
	for (ns = 16000; ns < 1000000; ns += ns / 5)
		sample_count(&counts, EV_ZAP, ns, 1);
	n = bars_merge(counts.v, bars);
	check_bars(counts.v, bars, n);
	assert_true(bars_below(bars, n, 8000) >= 8);
	event_counts_free(&counts);
}

static char *drawn(const struct event_count *count, bool utf8, unsigned int columns)
{
	struct text_style style = { .columns = columns, .utf8 = utf8 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	bars_write(out, count, &style, columns);
	fclose(out);
	return text;
}

static void test_drawing(void **state)
{
	struct event_counts counts = { 0 };
	char *text;

	(void)state;
	sample_count(&counts, EV_ZAP, 64, 1);
	sample_count(&counts, EV_ZAP, 4096, 1000);
	text = drawn(counts.v, false, 40);
	assert_string_equal(text, "    64ns - 128ns      1  #\n"
				  "   128ns - 4.1us      0\n"
				  "   4.1us - 4.6us   1000  ###############\n");
	free(text);
	text = drawn(counts.v, true, 40);
	assert_string_equal(text, "    64ns - 128ns      1  ▏\n"
				  "   128ns - 4.1µs      0\n"
				  "   4.1µs - 4.6µs   1000  ███████████████\n");
	free(text);
	event_counts_free(&counts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_shape),
		cmocka_unit_test(test_every_bucket),
		cmocka_unit_test(test_one_sample),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_outliers_flatten_nothing),
		cmocka_unit_test(test_drawing),
	};

	return cmocka_run_group_tests_name("report_bars", tests, NULL, NULL);
}
