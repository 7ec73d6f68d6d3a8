// SPDX-License-Identifier: GPL-2.0-only
/*
 * Digits as printf() has them, around each number of digits; and texts as JSON has them.
 */
#include <stdio.h>
#include <string.h>
#include "base/digits.h"
#include "base/json_text.h"
#include "unit.h"

static void check(__u64 number)
{
	char got[DIGITS_MAX + 1], expected[DIGITS_MAX + 1];

	*digits_put(got, number) = 0;
	snprintf(expected, sizeof(expected), "%llu", number);
	assert_string_equal(got, expected);
}

static void test_all_lengths(void **state)
{
	unsigned long long random = 9;
	__u64 power = 1;

	(void)state;
	for (int n = 0; n < DIGITS_MAX; n++, power *= 10)
		for (__u64 number = power - 3; number != power + 4; number++)
			check(number);
	check(~0ULL);
	for (int i = 0; i < 100000; i++)
		check(unit_random(&random) >> i % 64);
}

static void test_exactly(void **state)
{
	char got[DIGITS_MAX + 1];

	(void)state;
	for (unsigned int n = 0; n <= DIGITS_MAX; n++) {
		char expected[DIGITS_MAX + 2];

		*digits_put_exactly(got, n % 10, n) = 0;
		snprintf(expected, sizeof(expected), "%0*u", n, n % 10);
		assert_string_equal(got, n ? expected : "");
	}
	*digits_put_exactly(got, 123456789, 9) = 0;
	assert_string_equal(got, "123456789");
}

static void test_json_text(void **state)
{
	static const char text[] = "a\"\\\x1b\xc2\x85é\u202e/\x7f";
	char got[JSON_TEXT_SIZE(sizeof(text))];

	(void)state;
	*json_text_copy(got, text, strlen(text)) = 0;
	assert_string_equal(got, "a\\\"\\\\\\u001b\\u0085é\\u202e/\\u007f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_lengths),
		cmocka_unit_test(test_exactly),
		cmocka_unit_test(test_json_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
