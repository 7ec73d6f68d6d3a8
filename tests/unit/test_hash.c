// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hash is of every bit of its key.
 */
#include "base/hash.h"
#include <stdbool.h>
#include <string.h>
#include "unit.h"

#define KEYS (1U << 12)

/* How many different places keys get that differ in some bits only. Of random ones, 63 %. */
static unsigned int places_of(unsigned int shift)
{
	static bool taken[KEYS];
	unsigned int n = 0;

	memset(taken, 0, sizeof(taken));
	for (__u64 i = 0; i < KEYS; i++) {
		bool *at = &taken[hash_id(i << shift) & (KEYS - 1)];

		n += !*at;
		*at = true;
	}
	return n;
}

static void test_every_bit(void **state)
{
	(void)state;
	for (unsigned int shift = 0; shift <= 52; shift++)
		assert_true(places_of(shift) > KEYS / 2);
}

static void test_bytes(void **state)
{
	const __u64 keys[] = { 1, 2, 1 };

	(void)state;
	assert_true(hash_bytes(keys, 8) != hash_bytes(keys + 1, 8));
	assert_true(hash_bytes(keys, 8) == hash_bytes(keys + 2, 8));
	assert_true(hash_id(5) == hash_id(5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
