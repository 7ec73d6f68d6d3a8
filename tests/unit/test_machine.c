// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /proc/cpuinfo says of a machine, as several architectures write it.
 */
#include <stdio.h>
#include <string.h>
#include "base/machine.h"
#include "unit.h"

static void test_cpuinfo(void **state)
{
	static const char *const table[][2] = {
		{ "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 143\nmodel name\t: Intel(R) "
		  "Xeon(R) 8480+\nstepping\t: 8\nmicrocode\t: 0x2b0004d0\ncpu MHz\t\t: 2000.1\n\n"
		  "processor\t: 1\nmodel name\t: Another\n",
		  "Intel(R) Xeon(R) 8480+, stepping 8, microcode 0x2b0004d0" },
		{ "processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
		  "CPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n\n",
		  "CPU 0x41, variant 0x3, part 0xd0c, revision 1" },
		{ "model name\nstepping", "" },
		{ "model name\t:\n", "" },
		{ "\nmodel name\t: of no processor\n", "" },
		{ "", "" },
	};
	char buf[MACHINE_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		FILE *file = fmemopen((void *)table[i][0], strlen(table[i][0]) + 1, "r");

		assert_string_equal(machine_of(buf, file), table[i][1]);
		fclose(file);
	}
}

/* However long it is, what fits is kept. */
static void test_long(void **state)
{
	char text[600] = "model name\t: ", buf[MACHINE_LEN];
	FILE *file;

	(void)state;
	memset(text + strlen(text), 'x', 500);
	strcat(text, "\nstepping\t: 6\n");
	file = fmemopen(text, strlen(text), "r");
	assert_int_equal(strlen(machine_of(buf, file)), MACHINE_LEN - 1);
	fclose(file);
}

/* The same each time, and not the boot id itself. */
static void test_boot(void **state)
{
	char boot[20], id[64] = "";
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");

	(void)state;
	if (!file)
		skip();
	assert_non_null(fgets(id, sizeof(id), file));
	fclose(file);
	snprintf(boot, sizeof(boot), "%s", machine_boot());
	assert_int_equal(strlen(boot), 16);
	assert_int_equal(strspn(boot, "0123456789abcdef"), 16);
	assert_string_equal(machine_boot(), boot);
	assert_memory_not_equal(boot, id, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpuinfo),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_boot),
	};

	return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
