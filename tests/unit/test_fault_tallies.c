// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest faults that CPUs have counted in tallies of their own: each tally belongs to one owner or to
 * none, and an owner's sum has all of its tallies and no other.
 */
#include <stdlib.h>
#include <string.h>
#include "model/fault_tallies.h"
#include "unit.h"

#define TALLIES 20
#define OWNERS 5

/* As the kernel's: something else follows each tally. */
struct cpu_slot {
	struct fault_tally tally;
	__u64 other[3];
};

static void count(struct fault_tally *tally, __u64 latency_ns, unsigned int detail)
{
	tally->count++;
	tally->sum_ns += latency_ns;
	if (tally->max_ns < latency_ns)
		tally->max_ns = latency_ns;
	if (tally->not_min_ns < ~latency_ns)
		tally->not_min_ns = ~latency_ns;
	tally->detail[detail]++;
	tally->bucket[hist_bucket(latency_ns)]++;
}

static struct fault_tallies make(struct cpu_slot *slots)
{
	struct fault_tallies tallies = {
		.at = slots, .size = sizeof(*slots), .n = TALLIES, .nowners = OWNERS
	};

	memset(slots, 0, TALLIES * sizeof(*slots));
	for (int i = 0; i < TALLIES; i++)
		memset(slots[i].other, 0xff, sizeof(slots[i].other));
	return tallies;
}

static void test_sums(void **state)
{
	struct cpu_slot slots[TALLIES];
	struct fault_tallies tallies = make(slots);
	struct event_stat stat = {
		.count = 10, .sum_ns = 5000, .max_ns = 900, .not_min_ns = ~100ULL
	};
	__u64 detail[FAULT_DETAILS] = { 0, 10 };
	struct buckets latency = {};

	(void)state;
	slots[3].tally.owner = slots[19].tally.owner = 4;
	slots[0].tally.owner = 2;
	count(&slots[3].tally, 1000, 2);
	count(&slots[3].tally, 1000, 7);
	count(&slots[19].tally, 70, 1);
	count(&slots[0].tally, 1 << 30, 5);
	assert_int_equal(fault_tallies_index(&tallies), 0);
	assert_int_equal(fault_tallies_add(&tallies, 4, &stat, detail, &latency), 0);
	assert_int_equal(stat.count, 13);
	assert_int_equal(stat.sum_ns, 7070);
	assert_int_equal(stat.max_ns, 1000);
	assert_int_equal(~stat.not_min_ns, 70);
	assert_int_equal(detail[1], 11);
	assert_int_equal(detail[2], 1);
	assert_int_equal(detail[5], 0);
	assert_int_equal(detail[7], 1);
	assert_int_equal(buckets_total(&latency), 3);
	assert_int_equal(buckets_at(&latency, hist_bucket(1000)), 2);
	buckets_free(&latency);
	fault_tallies_free(&tallies);
}

/* A cpu_slot that was met and has counted nothing is nobody's; nor is one of an owner made since then. */
static void test_any(void **state)
{
	struct cpu_slot slots[TALLIES];
	struct fault_tallies tallies = make(slots);

	(void)state;
	slots[1].tally.owner = 3;
	slots[2].tally.owner = OWNERS;
	count(&slots[2].tally, 100, 0);
	slots[4].tally.owner = 1;
	count(&slots[4].tally, 100, 0);
	assert_int_equal(fault_tallies_index(&tallies), 0);
	for (__u32 owner = 0; owner < OWNERS; owner++)
		assert_int_equal(fault_tallies_any(&tallies, owner), owner == 1);
	fault_tallies_free(&tallies);
}

/* The kernel has given a tally to another slot since it was indexed: its faults are in the old owner. */
static void test_folded(void **state)
{
	struct cpu_slot slots[TALLIES];
	struct fault_tallies tallies = make(slots);
	__u64 detail[FAULT_DETAILS] = {};
	struct event_stat stat = {};
	struct buckets latency = {};

	(void)state;
	slots[7].tally.owner = 2;
	count(&slots[7].tally, 100, 0);
	assert_int_equal(fault_tallies_index(&tallies), 0);
	slots[7].tally.owner = 3;
	assert_int_equal(fault_tallies_add(&tallies, 2, &stat, detail, &latency), 0);
	assert_int_equal(stat.count, 0);
	assert_int_equal(buckets_total(&latency), 0);
	fault_tallies_free(&tallies);
}

/* What was counted in an earlier life at the same index is not this one's. */
static void test_lives(void **state)
{
	const __u32 now = OWNER_HANDLE(2, 1);
	struct cpu_slot slots[TALLIES];
	struct fault_tallies tallies = make(slots);
	__u64 detail[FAULT_DETAILS] = {};
	struct event_stat stat = {};
	struct buckets latency = {};

	(void)state;
	slots[7].tally.owner = 2;
	count(&slots[7].tally, 100, 0);
	slots[9].tally.owner = now;
	count(&slots[9].tally, 100, 0);
	count(&slots[9].tally, 100, 0);
	assert_int_equal(fault_tallies_index(&tallies), 0);
	assert_true(fault_tallies_any(&tallies, now));
	assert_false(fault_tallies_any(&tallies, OWNER_HANDLE(2, 2)));
	assert_int_equal(fault_tallies_add(&tallies, now, &stat, detail, &latency), 0);
	assert_int_equal(stat.count, 2);
	buckets_free(&latency);
	fault_tallies_free(&tallies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_folded),
		cmocka_unit_test(test_lives),
	};

	return cmocka_run_group_tests_name("fault_tallies", tests, NULL, NULL);
}
