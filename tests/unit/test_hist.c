// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arithmetic of the histograms: every latency has one bucket, buckets follow each other
 * without holes, and none is wider than promised.
 */
#include "hist.h"
#include "unit.h"

static void test_log2_equals_builtin(void **state)
{
	unsigned long long random = 88172645463325252ULL;
	int bit, i;

	(void)state;
	assert_int_equal(hist_log2(0), 0);
	for (bit = 0; bit < 64; bit++) {
		unsigned long long power = 1ULL << bit;

		assert_int_equal(hist_log2(power), bit);
		assert_int_equal(hist_log2(power | (power - 1)), bit);
		if (bit)
			assert_int_equal(hist_log2(power + 1), bit);
	}
	for (i = 0; i < 20000; i++) {
		unsigned long long v = unit_random(&random) >> (i % 64);

		if (v)
			assert_int_equal(hist_log2(v), 63 - __builtin_clzll(v));
	}
}

static void test_bucket_by_definition(void **state)
{
	unsigned long long random = 88172645463325252ULL;
	int i;

	(void)state;
	for (i = 0; i < 40000; i++) {
		unsigned long long v = unit_random(&random) >> (64 - HIST_MAX_BITS + i % 30);
		int octave;

		if (v < 1ULL << HIST_MIN_BITS)
			continue;
		octave = 63 - __builtin_clzll(v);
		assert_int_equal(hist_bucket(v), 1 + (octave - HIST_MIN_BITS) * HIST_SUB +
							 (v >> (octave - HIST_SUB_BITS)) -
							 HIST_SUB);
	}
}

static void test_boundaries(void **state)
{
	unsigned int bucket;

	(void)state;
	for (bucket = 0; bucket < HIST_BUCKETS; bucket++) {
		unsigned long long low = hist_low_ns(bucket), high = hist_high_ns(bucket);

		assert_int_equal(hist_bucket(low), bucket);
		assert_int_equal(hist_bucket(high - 1), bucket); /* the last: the largest number */
		if (bucket)
			assert_int_equal(hist_bucket(low - 1), bucket - 1);
		if (bucket < HIST_BUCKETS - 1) {
			assert_true(high > low);
			assert_int_equal(hist_bucket(high), bucket + 1);
			assert_int_equal(hist_low_ns(bucket + 1), high);
		}
	}
}

static void test_ends(void **state)
{
	(void)state;
	assert_int_equal(HIST_BUCKETS, 482);
	assert_int_equal(hist_bucket(0), 0);
	assert_int_equal(hist_bucket(63), 0);
	assert_int_equal(hist_bucket(64), 1);
	assert_int_equal(hist_low_ns(1), 64);
	assert_int_equal(hist_bucket((1ULL << 36) - 1), HIST_BUCKETS - 2);
	assert_int_equal(hist_bucket(1ULL << 36), HIST_BUCKETS - 1);
	assert_int_equal(hist_low_ns(HIST_BUCKETS - 1), 1ULL << 36);
	assert_int_equal(hist_bucket(~0ULL), HIST_BUCKETS - 1);
	assert_int_equal(hist_high_ns(HIST_BUCKETS - 1), 0);
}

static void test_octaves(void **state)
{
	int octave, sub;

	(void)state;
	for (octave = HIST_MIN_BITS; octave < HIST_MAX_BITS; octave++)
		for (sub = 0; sub < HIST_SUB; sub++) {
			unsigned int bucket = 1 + (octave - HIST_MIN_BITS) * HIST_SUB + sub;
			unsigned long long low = (1ULL << octave) + sub * (1ULL << octave) / 16;

			assert_int_equal(hist_low_ns(bucket), low);
		}
}

static void test_width_is_a_sixteenth_at_most(void **state)
{
	unsigned int bucket;

	(void)state;
	for (bucket = 1; bucket < HIST_BUCKETS - 1; bucket++)
		assert_true((hist_high_ns(bucket) - hist_low_ns(bucket)) * 16 <=
			    hist_low_ns(bucket));
}

static void test_buckets_ascend(void **state)
{
	unsigned long long random = 1, a, b;
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		a = unit_random(&random) >> (i % 60);
		b = unit_random(&random) >> (i % 57);
		if (a <= b)
			assert_true(hist_bucket(a) <= hist_bucket(b));
		assert_true(hist_low_ns(hist_bucket(a)) <= a);
		assert_true(hist_bucket(a) == HIST_BUCKETS - 1 || a < hist_high_ns(hist_bucket(a)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log2_equals_builtin),
		cmocka_unit_test(test_bucket_by_definition),
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_octaves),
		cmocka_unit_test(test_width_is_a_sixteenth_at_most),
		cmocka_unit_test(test_buckets_ascend),
	};

	return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
