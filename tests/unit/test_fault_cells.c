// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest faults that CPUs have counted in cells of their own: each cell belongs to one owner or to
 * none, and an owner's sum has all of its cells and no other.
 */
#include <stdlib.h>
#include <string.h>
#include "model/fault_cells.h"
#include "unit.h"

#define CELLS 20
#define OWNERS 5

/* As the kernel's: something else follows each cell. */
struct place {
	struct fault_cell cell;
	__u64 other[3];
};

static void count(struct fault_cell *cell, __u64 latency_ns, unsigned int detail)
{
	cell->count++;
	cell->sum_ns += latency_ns;
	if (cell->max_ns < latency_ns)
		cell->max_ns = latency_ns;
	if (cell->not_min_ns < ~latency_ns)
		cell->not_min_ns = ~latency_ns;
	cell->detail[detail]++;
	cell->bucket[hist_bucket(latency_ns)]++;
}

static struct fault_cells make(struct place *places)
{
	struct fault_cells cells = {
		.at = places, .size = sizeof(*places), .n = CELLS, .nowners = OWNERS
	};

	memset(places, 0, CELLS * sizeof(*places));
	for (int i = 0; i < CELLS; i++)
		memset(places[i].other, 0xff, sizeof(places[i].other));
	return cells;
}

static void test_sums(void **state)
{
	struct place places[CELLS];
	struct fault_cells cells = make(places);
	struct event_stat stat = {
		.count = 10, .sum_ns = 5000, .max_ns = 900, .not_min_ns = ~100ULL
	};
	__u64 detail[FAULT_DETAILS] = { 0, 10 };
	struct buckets latency = {};

	(void)state;
	places[3].cell.owner = places[19].cell.owner = 4;
	places[0].cell.owner = 2;
	count(&places[3].cell, 1000, 2);
	count(&places[3].cell, 1000, 7);
	count(&places[19].cell, 70, 1);
	count(&places[0].cell, 1 << 30, 5);
	assert_int_equal(fault_cells_index(&cells), 0);
	assert_int_equal(fault_cells_add(&cells, 4, &stat, detail, &latency), 0);
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
	fault_cells_free(&cells);
}

/* A place that was met and has counted nothing is nobody's; nor is one of an owner made since then. */
static void test_any(void **state)
{
	struct place places[CELLS];
	struct fault_cells cells = make(places);

	(void)state;
	places[1].cell.owner = 3;
	places[2].cell.owner = OWNERS;
	count(&places[2].cell, 100, 0);
	places[4].cell.owner = 1;
	count(&places[4].cell, 100, 0);
	assert_int_equal(fault_cells_index(&cells), 0);
	for (__u32 owner = 0; owner < OWNERS; owner++)
		assert_int_equal(fault_cells_any(&cells, owner), owner == 1);
	fault_cells_free(&cells);
}

/* The kernel has given a cell to another slot since it was indexed: its faults are in the old owner. */
static void test_folded(void **state)
{
	struct place places[CELLS];
	struct fault_cells cells = make(places);
	__u64 detail[FAULT_DETAILS] = {};
	struct event_stat stat = {};
	struct buckets latency = {};

	(void)state;
	places[7].cell.owner = 2;
	count(&places[7].cell, 100, 0);
	assert_int_equal(fault_cells_index(&cells), 0);
	places[7].cell.owner = 3;
	assert_int_equal(fault_cells_add(&cells, 2, &stat, detail, &latency), 0);
	assert_int_equal(stat.count, 0);
	assert_int_equal(buckets_total(&latency), 0);
	fault_cells_free(&cells);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_folded),
	};

	return cmocka_run_group_tests_name("fault_cells", tests, NULL, NULL);
}
