// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text on a terminal: what strangers name is made harmless, widths are right, lines wrap.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/problem.h"
#include "base/text.h"
#include "unit.h"

static const char *clean(const char *s, bool utf8)
{
	static char buf[256];

	return text_clean(buf, sizeof(buf), s, strlen(s), utf8);
}

static const char *utf8(const char *s)
{
	static char buf[256];

	return text_utf8(buf, sizeof(buf), s, strlen(s));
}

static void test_clean(void **state)
{
	(void)state;
	assert_string_equal(clean("qemu-system-x86", true), "qemu-system-x86");
	assert_string_equal(clean("\033[31mred\n\a\x7f", true), "\\x1b[31mred\\x0a\\x07\\x7f");
	assert_string_equal(clean("gäst", true), "gäst");
	assert_string_equal(clean("gäst", false), "g\\xc3\\xa4st");
	assert_string_equal(clean("客", true), "客");
	assert_string_equal(clean("\xff\xc3(", true), "\\xff\\xc3(");
	/* C1 controls, a change of direction, a combining mark. */
	assert_string_equal(clean("\xc2\x9b"
				  "31m",
				  true),
			    "\\xc2\\x9b31m");
	assert_string_equal(clean("\u202ex", true), "\\xe2\\x80\\xaex");
	assert_string_equal(clean("e\u0301", true), "e\\xcc\\x81");
}

static void test_clean_is_bounded(void **state)
{
	char buf[8];

	(void)state;
	assert_string_equal(text_clean(buf, sizeof(buf), "123456789", 9, true), "1234567");
	assert_string_equal(text_clean(buf, sizeof(buf), "123456789", 3, true), "123");
	assert_string_equal(text_clean(buf, sizeof(buf),
				       "12\0"
				       "56789",
				       8, true),
			    "12");
	assert_string_equal(text_clean(buf, sizeof(buf), "1234\033", 5, true), "1234");
	assert_string_equal(text_clean(buf, sizeof(buf), "123456ä", 8, true), "123456");
	/* Not read beyond its length: the rest of the character is not there. */
	assert_string_equal(text_clean(buf, sizeof(buf), "a\xc3\xa4", 2, true), "a\\xc3");
}

static void test_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} table[] = {
		{ "plain", "plain" },
		{ "gäst 客 \U0001f600", "gäst 客 \U0001f600" },
		{ "tab\t", "tab\t" },
		{ "\xff", "\uFFFD" },
		{ "a\x80z", "a\uFFFDz" },
		{ "cut\xe5\xae", "cut\uFFFD\uFFFD" },
		{ "\xc0\xaf", "\uFFFD\uFFFD" }, /* overlong */
		{ "\xe0\x80\x80", "\uFFFD\uFFFD\uFFFD" }, /* overlong */
		{ "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD" }, /* beyond U+10FFFF */
		{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" }, /* U+10FFFF */
		{ "\xf8\x88\x80\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD" },
	};
	char buf[TEXT_UTF8_SIZE(3)];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(utf8(table[i].in), table[i].out);
	assert_string_equal(text_utf8(buf, sizeof(buf), "\xff\xfe\xfd", 3), "\uFFFD\uFFFD\uFFFD");
}

static void test_plain(void **state)
{
	static const struct {
		const char *text, *plain;
	} table[] = {
		{ "CPU 0/KVM", "CPU 0/KVM" },
		{ "\x1b[2J", "\\x1b[2J" },
		{ "a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f" },
		{ "\xc2\x9b"
		  "31m",
		  "\\xc2\\x9b31m" }, /* a terminal may take it for ESC [ */
		{ "\u202egnp", "\\xe2\\x80\\xaegnp" }, /* right to left */
		{ "\u00e9\xff", "\u00e9\uFFFD" },
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(
			text_plain(buf, sizeof(buf), table[i].text, strlen(table[i].text)),
			table[i].plain);
	assert_string_equal(text_plain(buf, 5, "\x1b\x1b", 2), "\\x1b");
	assert_string_equal(text_plain(buf, 4, "\x1b", 1), "");
}

static void test_problems(void **state)
{
	struct problem problem;

	(void)state;
	assert_int_equal(problem_set(&problem, EXIT_USAGE, "%s: no", "\x1b[2J\n\u00e9"), -1);
	assert_string_equal(problem.text, "\\x1b[2J\\x0a\u00e9: no");
}

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("4.1µs"), 5);
	assert_int_equal(text_width("客客"), 4);
	assert_int_equal(text_width("█▏"), 2);
	assert_int_equal(text_width("\xff"), 1);
}

static void check_clip(const char *s, unsigned int columns, const char *expected)
{
	char buf[64];

	strcpy(buf, s);
	text_clip(buf, columns);
	assert_string_equal(buf, expected);
	assert_true(text_width(buf) <= columns);
}

static void test_clip(void **state)
{
	(void)state;
	check_clip("short", 5, "short");
	check_clip("a bit longer", 8, "a bit...");
	check_clip("ääääää", 5, "ää...");
	check_clip("客客客客", 7, "客客...");
	check_clip("客客客客", 6, "客...");
	check_clip("1234", 3, "...");
	check_clip("1234", 2, "..");
	check_clip("客客", 2, "..");
	check_clip("1234", 1, ".");
	check_clip("1234", 0, "");
}

static char *flowed(struct flow flow, const char *sentence, const char *before)
{
	char *text = NULL;
	size_t size = 0;

	flow.out = open_memstream(&text, &size);
	assert_non_null(flow.out);
	fputs(before, flow.out);
	flow_text(&flow, 2, sentence);
	flow_end(&flow);
	fclose(flow.out);
	return text;
}

static void check_flow(struct flow flow, const char *sentence, const char *before,
		       const char *expected)
{
	char *text = flowed(flow, sentence, before);

	assert_string_equal(text, expected);
	free(text);
}

static void test_flow(void **state)
{
	(void)state;
	check_flow((struct flow){ .columns = 20 }, "", "", "");
	check_flow((struct flow){ .columns = 20 }, "one two", "", "one two\n");
	check_flow((struct flow){ .columns = 20, .indent = 2 }, "one two", "", "  one two\n");
	check_flow((struct flow){ .columns = 9, .indent = 2 }, "one two six", "",
		   "  one two\n  six\n");
	check_flow((struct flow){ .columns = 9, .indent = 4, .at = 2 }, "one two",
		   "a:", "a:  one\n    two\n");
	/* As wide as the indentation, and wider than the line. */
	check_flow((struct flow){ .columns = 9, .indent = 3 }, "abc muchtoolong x", "",
		   "   abc\n   muchtoolong\n   x\n");
	check_flow((struct flow){ .columns = 6, .indent = 1 }, "µµ µµ µµ", "", " µµ µµ\n µµ\n");
}

static int set_utf8(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean), cmocka_unit_test(test_clean_is_bounded),
		cmocka_unit_test(test_utf8),  cmocka_unit_test(test_width),
		cmocka_unit_test(test_clip),  cmocka_unit_test(test_flow),
		cmocka_unit_test(test_plain), cmocka_unit_test(test_problems),
	};

	return cmocka_run_group_tests_name("text", tests, set_utf8, NULL);
}
