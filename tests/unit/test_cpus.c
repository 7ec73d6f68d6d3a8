// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers of CPUs that have gaps.
 */
#include "base/cpus.h"
#include <errno.h>
#include "unit.h"

static void test_lists(void **state)
{
	static const struct {
		const char *list;
		size_t n;
		__u32 end;
	} lists[] = {
		{ "0\n", 1, 1 }, { "0-3\n", 4, 4 },	      { "0-3,8-11\n", 8, 12 },
		{ "2,5", 2, 6 }, { "0-1,64,66-67\n", 5, 68 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct cpus cpus;

		assert_int_equal(cpus_parse(&cpus, lists[i].list), 0);
		assert_int_equal(cpus.n, lists[i].n);
		assert_int_equal(cpus_end(&cpus), lists[i].end);
		cpus_free(&cpus);
	}
}

static void test_no_lists(void **state)
{
	static const char *const lists[] = { "",    "\n",  "x",	    "0-",	  "3-1",
					     "0,0", "4,2", "0-3;5", "0-99999999", "1--2" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct cpus cpus;

		assert_int_equal(cpus_parse(&cpus, lists[i]), -EINVAL);
		cpus_free(&cpus);
	}
}

static void test_this_host(void **state)
{
	struct cpus cpus;

	(void)state;
	assert_int_equal(cpus_possible(&cpus), 0);
	assert_true(cpus.n >= 1 && cpus_end(&cpus) >= cpus.n);
	cpus_free(&cpus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_no_lists),
		cmocka_unit_test(test_this_host),
	};

	return cmocka_run_group_tests_name("cpus", tests, NULL, NULL);
}
