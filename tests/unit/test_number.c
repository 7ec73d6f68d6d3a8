// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers as people see them: tables of what comes out, and that it fits its column.
 */
#include "base/number.h"
#include "base/text.h"
#include "unit.h"

static char buf[NUMBER_LEN];

static void test_latency(void **state)
{
	static const struct {
		__u64 ns;
		const char *text;
	} table[] = {
		{ 0, "0ns" },
		{ 1, "1ns" },
		{ 64, "64ns" },
		{ 999, "999ns" },
		{ 1000, "1.0µs" },
		{ 1049, "1.0µs" },
		{ 1050, "1.1µs" },
		{ 4100, "4.1µs" },
		{ 9949, "9.9µs" },
		{ 9950, "10µs" },
		{ 41499, "41µs" },
		{ 41500, "42µs" },
		{ 999499, "999µs" },
		{ 999500, "1.0ms" },
		{ 1000000, "1.0ms" },
		{ 1540000, "1.5ms" },
		{ 999999999, "1.0s" },
		{ 68700000000ULL, "69s" },
		{ 999499999999ULL, "999s" },
		{ 1234000000000ULL, "1234s" },
		{ ~0ULL, "18446744074s" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(number_latency(buf, table[i].ns, true), table[i].text);
	assert_string_equal(number_latency(buf, 4100, false), "4.1us");
	assert_string_equal(number_latency(buf, 41500, false), "42us");
	assert_string_equal(number_latency(buf, 850, false), "850ns");
	assert_string_equal(number_latency(buf, 1540000, false), "1.5ms");
}

static void test_short(void **state)
{
	static const struct {
		__u64 n;
		const char *text;
	} table[] = {
		{ 0, "0" },	    { 999, "999" },	    { 1000, "1.0k" },	{ 1234, "1.2k" },
		{ 12345, "12.3k" }, { 12350, "12.4k" },	    { 99949, "99.9k" }, { 99950, "100k" },
		{ 123456, "123k" }, { 999499, "999k" },	    { 999500, "1.0M" }, { 1250000, "1.3M" },
		{ ~0ULL, "18.4E" }, { 1000000000, "1.0G" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(number_short(buf, table[i].n), table[i].text);
}

static void test_bytes(void **state)
{
	static const struct {
		__u64 bytes;
		const char *text;
	} table[] = {
		{ 0, "0B" },
		{ 512, "512B" },
		{ 1023, "1023B" },
		{ 1024, "1KiB" },
		{ 4096, "4KiB" },
		{ 1536, "1.5KiB" },
		{ 2 << 20, "2MiB" },
		{ (1ULL << 20) - 1, "1.0MiB" },
		{ 3ULL << 29, "1.5GiB" },
		{ 1ULL << 40, "1TiB" },
		{ (100ULL << 30) + 1, "100GiB" },
		{ 1ULL << 60, "1EiB" },
		{ ~0ULL, "16.0EiB" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(number_bytes(buf, table[i].bytes), table[i].text);
}

static void test_rate(void **state)
{
	static const struct {
		__u64 count, duration_ns;
		const char *text;
	} table[] = {
		{ 5, 0, "-" },
		{ 0, 1000000000, "0" },
		{ 1, 1000000000, "1.00" },
		{ 1, 4000000000ULL, "0.25" },
		{ 1, 1000000000000ULL, "<0.01" },
		{ 999, 100000000000ULL, "9.99" },
		{ 25, 2000000000, "12.5" },
		{ 9996, 100000000000ULL, "100" },
		{ 123, 1000000000, "123" },
		{ 9996, 10000000000ULL, "1.0k" },
		{ 14560, 1000000000, "14.6k" },
		{ 3, 1, "3.0G" },
		{ ~0ULL, 1, ">10E" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(number_rate(buf, table[i].count, table[i].duration_ns),
				    table[i].text);
}

/* The promise that tables are built on. */
static void test_five_columns(void **state)
{
	unsigned long long random = 7, v;
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		v = unit_random(&random) >> (i % 64);
		assert_true(text_width(number_short(buf, v)) <= 5);
		assert_true(text_width(number_rate(buf, v, 1000000007)) <= 5);
		assert_true(text_width(number_latency(buf, v % 999499999999ULL, true)) <= 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latency),	     cmocka_unit_test(test_short),
		cmocka_unit_test(test_bytes),	     cmocka_unit_test(test_rate),
		cmocka_unit_test(test_five_columns),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
