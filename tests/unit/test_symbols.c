// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's functions by address, from text like that of /proc/kallsyms.
 */
#include <stdio.h>
#include <string.h>
#include "live/symbols.h"
#include "unit.h"

/* Modules come after the kernel, BPF programs after modules: not in the order of addresses. */
static char kallsyms[] = "0000000000000000 A fixed_percpu_data\n"
			 "ffffffff81000000 T _text\n"
			 "ffffffff81000100 t change_protection\n"
			 "ffffffff81000180 d data_in_between\n"
			 "ffffffffc0a00000 t kvm_gmem_release\t[kvm]\n"
			 "not a line\n"
			 "ffffffffc0000040 t bpf_prog_1_zap\t[bpf]\n";

static struct symbols *read_text(char *text)
{
	FILE *file = fmemopen(text, strlen(text), "r");
	struct symbols *symbols;

	assert_non_null(file);
	symbols = symbols_read(file);
	fclose(file);
	assert_non_null(symbols);
	return symbols;
}

static void check(const struct symbols *symbols, __u64 address, const char *expected)
{
	char name[64];

	assert_string_equal(symbols_name(symbols, address, name, sizeof(name)), expected);
}

static void test_names(void **state)
{
	struct symbols *symbols = read_text(kallsyms);

	(void)state;
	check(symbols, 0xffffffff81000000, "_text+0x0");
	check(symbols, 0xffffffff810000ff, "_text+0xff");
	check(symbols, 0xffffffff81000190, "change_protection+0x90");
	check(symbols, 0xffffffffc0000044, "bpf_prog_1_zap+0x4 [bpf]");
	check(symbols, 0xffffffffc0a000c3, "kvm_gmem_release+0xc3 [kvm]");
	check(symbols, 0xffffffff80ffffff, SYMBOL_UNKNOWN);
	assert_false(symbols_hidden(symbols));
	symbols_free(symbols);
}

/* What kptr_restrict=2 shows. */
static void test_hidden(void **state)
{
	char text[] = "0000000000000000 T _text\n0000000000000000 T zap\n";
	struct symbols *symbols = read_text(text);

	(void)state;
	check(symbols, 0xffffffff81000000, SYMBOL_UNKNOWN);
	assert_true(symbols_hidden(symbols));
	symbols_free(symbols);
}

static void test_many(void **state)
{
	static char text[20000 * 40];
	struct symbols *symbols;
	size_t len = 0;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++)
		len += snprintf(text + len, sizeof(text) - len, "ffffffff%08x t f%u\n", i * 16, i);
	symbols = read_text(text);
	check(symbols, 0xffffffff00000000 + 19999 * 16 + 1, "f19999+0x1");
	check(symbols, 0xffffffff00000000 + 7777 * 16, "f7777+0x0");
	symbols_free(symbols);
}

static void test_cut(void **state)
{
	struct symbols *symbols = read_text(kallsyms);
	char name[8];

	(void)state;
	assert_string_equal(symbols_name(symbols, 0xffffffffc0a000c3, name, sizeof(name)),
			    "kvm_gme");
	symbols_free(symbols);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
