// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histograms of which a part is kept, against arrays of all buckets.
 */
#include <string.h>
#include "model/buckets.h"
#include "unit.h"

struct pair {
	struct buckets part;
	__u64 all[HIST_BUCKETS];
};

static void check(const struct pair *pair)
{
	__u64 total = 0;

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		assert_int_equal(buckets_at(&pair->part, i), pair->all[i]);
		total += pair->all[i];
	}
	assert_int_equal(buckets_total(&pair->part), total);
}

/* A few latencies near each other, anywhere. */
static void fill(struct pair *pair, unsigned long long *random)
{
	unsigned int n = unit_random(random) % 40, first = unit_random(random) % HIST_BUCKETS;

	memset(pair, 0, sizeof(*pair));
	for (unsigned int i = 0; i < n; i++)
		pair->all[(first + unit_random(random) % 30) % HIST_BUCKETS] +=
			unit_random(random) >> 20;
	assert_int_equal(buckets_add_all(&pair->part, pair->all), 0);
	check(pair);
}

static void test_add(void **state)
{
	unsigned long long random = 7;

	(void)state;
	for (int n = 0; n < 500; n++) {
		struct pair a, b;

		fill(&a, &random);
		fill(&b, &random);
		assert_int_equal(buckets_add(&a.part, &b.part), 0);
		for (int i = 0; i < HIST_BUCKETS; i++)
			a.all[i] += b.all[i];
		check(&a);
		buckets_free(&a.part);
		assert_int_equal(buckets_total(&a.part), 0);
		buckets_free(&b.part);
	}
}

static void test_since(void **state)
{
	unsigned long long random = 8;

	(void)state;
	for (int n = 0; n < 500; n++) {
		struct pair now, before, more = { 0 };

		fill(&now, &random);
		fill(&before, &random);
		assert_int_equal(buckets_since(&more.part, &now.part, &before.part), 0);
		for (int i = 0; i < HIST_BUCKETS; i++)
			if (now.all[i] > before.all[i])
				more.all[i] = now.all[i] - before.all[i];
		check(&more);
		buckets_free(&now.part);
		buckets_free(&before.part);
		buckets_free(&more.part);
	}
}

/* No more is kept than from the first to the last that is used. */
static void test_small(void **state)
{
	struct pair pair = { 0 };

	(void)state;
	assert_int_equal(buckets_add_all(&pair.part, pair.all), 0);
	assert_null(pair.part.v);
	pair.all[0] = pair.all[HIST_BUCKETS - 1] = 1;
	assert_int_equal(buckets_add_all(&pair.part, pair.all), 0);
	assert_int_equal(pair.part.n, HIST_BUCKETS);
	buckets_free(&pair.part);
	pair.all[0] = pair.all[HIST_BUCKETS - 1] = 0;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		pair.all[i] = 5;
		assert_int_equal(buckets_add_all(&pair.part, pair.all), 0);
		assert_int_equal(pair.part.first, i);
		assert_int_equal(pair.part.n, 1);
		buckets_free(&pair.part);
		pair.all[i] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_small),
	};

	return cmocka_run_group_tests_name("buckets", tests, NULL, NULL);
}
