// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers by id: those the map gives, and those it is told.
 */
#include "base/id_map.h"
#include "unit.h"

#define MANY 10000 /* so that it grows several times */

static void test_gives_numbers(void **state)
{
	struct id_map map = { 0 };
	__u32 number;

	(void)state;
	for (__u64 i = 0; i < MANY; i++) {
		assert_int_equal(id_map_number(&map, i << 8, &number), 1);
		assert_int_equal(number, i + 1);
	}
	assert_int_equal(id_map_number(&map, 7 << 8, &number), 0);
	assert_int_equal(number, 8);
	id_map_free(&map);
}

static void test_is_told_numbers(void **state)
{
	struct id_map map = { 0 };

	(void)state;
	assert_int_equal(id_map_find(&map, 0), 0);
	for (__u64 i = 0; i < MANY; i++)
		assert_int_equal(id_map_set(&map, i << 8, MANY - i), 0);
	assert_int_equal(id_map_set(&map, 3 << 8, 42), 0);
	assert_int_equal(map.n, MANY);
	assert_int_equal(id_map_find(&map, 3 << 8), 42);
	assert_int_equal(id_map_find(&map, 4 << 8), MANY - 4);
	assert_int_equal(id_map_find(&map, 5), 0);
	id_map_free(&map);
	assert_int_equal(id_map_find(&map, 4 << 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gives_numbers),
		cmocka_unit_test(test_is_told_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
