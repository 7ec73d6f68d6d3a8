// SPDX-License-Identifier: GPL-2.0-only
/*
 * Percentiles against sorted samples: the reported latency is the upper bound of the bucket that
 * holds the sample of that rank, and never outside of what was seen.
 */
#include <stdlib.h>
#include <string.h>
#include "model/percentile.h"
#include "unit.h"

#define MANY 3000

struct samples {
	__u64 bucket[HIST_BUCKETS];
	struct event_count count;
	__u64 sorted[MANY];
	unsigned int n;
};

static int compare(const void *left, const void *right)
{
	__u64 a = *(const __u64 *)left, b = *(const __u64 *)right;

	return (a > b) - (a < b);
}

static void init(struct samples *samples)
{
	memset(samples, 0, sizeof(*samples));
	samples->count.latency = (struct buckets){ samples->bucket, 0, HIST_BUCKETS };
	samples->count.min_ns = ~0ULL;
}

static void take(struct samples *samples, __u64 ns)
{
	struct event_count *count = &samples->count;

	samples->sorted[samples->n++] = ns;
	samples->bucket[hist_bucket(ns)]++;
	count->count++;
	if (ns < count->min_ns)
		count->min_ns = ns;
	if (ns > count->max_ns)
		count->max_ns = ns;
}

/* Brute force: the sample of rank ceil(p * n), then the upper bound that it is known by. */
static __u64 expected(struct samples *samples, unsigned int per_mille)
{
	unsigned int rank = (samples->n * per_mille + 999) / 1000;
	__u64 exact, high;

	qsort(samples->sorted, samples->n, sizeof(samples->sorted[0]), compare);
	exact = samples->sorted[rank - 1];
	high = hist_high_ns(hist_bucket(exact));
	if (!high || high - 1 > samples->count.max_ns)
		return samples->count.max_ns;
	return high - 1;
}

static void check_all(struct samples *samples)
{
	unsigned int per_mille;

	for (per_mille = 1; per_mille <= 1000; per_mille++) {
		__u64 got = percentile_ns(&samples->count, per_mille);

		assert_int_equal(got, expected(samples, per_mille));
		assert_true(got >= samples->count.min_ns && got <= samples->count.max_ns);
	}
}

static void test_brute_force(void **state)
{
	static const unsigned int sizes[] = { 1, 2, 3, 10, 99, 100, 101, 999, 1000, 1001 };
	static struct samples samples;
	unsigned long long random = 42;
	unsigned int i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		init(&samples);
		for (j = 0; j < sizes[i]; j++)
			take(&samples, unit_random(&random) >> (24 + j % 40));
		qsort(samples.sorted, samples.n, sizeof(samples.sorted[0]), compare);
		for (j = 1; j <= 1000; j += sizes[i] > 100 ? 37 : 1)
			assert_int_equal(percentile_ns(&samples.count, j), expected(&samples, j));
	}
}

static void test_nothing(void **state)
{
	struct samples samples;
	struct event_count without = { .count = 7 };

	(void)state;
	init(&samples);
	assert_int_equal(percentile_ns(&samples.count, 500), 0);
	assert_int_equal(percentile_ns(&without, 500), 0);
}

static void test_one_sample_is_exact(void **state)
{
	struct samples samples;

	(void)state;
	init(&samples);
	take(&samples, 4100);
	assert_int_equal(percentile_ns(&samples.count, 1), 4100);
	assert_int_equal(percentile_ns(&samples.count, 500), 4100);
	assert_int_equal(percentile_ns(&samples.count, 1000), 4100);
}

static void test_two_samples(void **state)
{
	struct samples samples;

	(void)state;
	init(&samples);
	take(&samples, 1000000);
	take(&samples, 100);
	assert_int_equal(percentile_ns(&samples.count, 500), 103); /* of 100..103 */
	assert_int_equal(percentile_ns(&samples.count, 501), 1000000);
	check_all(&samples);
}

static void test_all_in_one_bucket(void **state)
{
	struct samples samples;
	int i;

	(void)state;
	init(&samples);
	for (i = 0; i < 50; i++)
		take(&samples, 4097 + i); /* of 4096..4351 */
	assert_int_equal(percentile_ns(&samples.count, 10), 4146);
	check_all(&samples);
}

static void test_first_and_last_bucket(void **state)
{
	struct samples samples;

	(void)state;
	init(&samples);
	take(&samples, 5);
	take(&samples, 60);
	take(&samples, ~0ULL);
	take(&samples, 1ULL << 36);
	assert_int_equal(percentile_ns(&samples.count, 500), 63);
	assert_int_equal(percentile_ns(&samples.count, 1000), ~0ULL);
	check_all(&samples);
}

/* A full table of histograms leaves events out of the buckets; ranks are those of the rest. */
static void test_fewer_in_buckets_than_counted(void **state)
{
	struct samples samples;

	(void)state;
	init(&samples);
	take(&samples, 1000);
	take(&samples, 100000);
	samples.count.count = 1000;
	assert_int_equal(percentile_ns(&samples.count, 500), 1023);
	assert_int_equal(percentile_ns(&samples.count, 990), 100000);
}

static void test_counts_beyond_32_bits(void **state)
{
	struct samples samples;

	(void)state;
	init(&samples);
	take(&samples, 100);
	take(&samples, 5000);
	samples.bucket[hist_bucket(100)] = 990ULL << 53;
	samples.bucket[hist_bucket(5000)] = 10ULL << 53;
	assert_int_equal(percentile_ns(&samples.count, 990), 103);
	assert_int_equal(percentile_ns(&samples.count, 991), 5000);
}

/* As many events in each bucket between @first and @last as @n says, from @first on. */
static struct event_count filled(unsigned int first, const __u64 *n, unsigned int len)
{
	struct event_count count = { .min_ns = hist_low_ns(first),
				     .max_ns = hist_high_ns(first + len - 1) - 1 };

	memcpy(buckets_widen(&count.latency, first, len), n, len * sizeof(*n));
	return count;
}

/* In a bucket whose neighbours are filled alike, as far as its share goes; else anywhere in it. */
static void test_within_a_bucket(void **state)
{
	static const __u64 smooth[] = { 50, 100, 50 }, alone[] = { 10, 100, 50 };
	unsigned int first = hist_bucket(10000);
	struct event_count count = filled(first, smooth, 3);
	struct percentile found = percentile_within(&count, 500);
	double low = (double)hist_low_ns(first + 1), high = (double)hist_high_ns(first + 1);

	(void)state;
	assert_true(found.is_smooth && found.beyond == 100);
	assert_true(found.low_ns == hist_low_ns(first + 1));
	assert_true(found.high_ns == percentile_ns(&count, 500));
	assert_true(found.value_ns > low + 0.49 * (high - low));
	assert_true(found.value_ns < low + 0.51 * (high - low));
	found = percentile_within(&count, 250);
	assert_true(found.value_ns > low - 1.1 && found.value_ns < low + 1); /* all of the first */
	assert_false(percentile_within(&count, 999).is_smooth); /* nothing is above it */
	assert_true(percentile_within(&count, 999).beyond == 0);
	buckets_free(&count.latency);
	count = filled(first, alone, 3);
	assert_false(percentile_within(&count, 500).is_smooth);
	buckets_free(&count.latency);
	count = (struct event_count){};
	assert_true(percentile_within(&count, 500).high_ns == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_brute_force),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_one_sample_is_exact),
		cmocka_unit_test(test_two_samples),
		cmocka_unit_test(test_all_in_one_bucket),
		cmocka_unit_test(test_first_and_last_bucket),
		cmocka_unit_test(test_fewer_in_buckets_than_counted),
		cmocka_unit_test(test_counts_beyond_32_bits),
		cmocka_unit_test(test_within_a_bucket),
	};

	return cmocka_run_group_tests_name("percentile", tests, NULL, NULL);
}
