// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users write to the live view: filters, and the configuration file.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sample_view.h"
#include "unit.h"

static char directory[] = "/tmp/test_view_settings.XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static void test_filter_terms(void **state)
{
	static const struct {
		const char *text, *key;
		enum filter_op op;
		double number;
		bool per_second;
	} table[] = {
		{ "pid=4711", "pid", FILTER_EQUAL, 4711, false },
		{ "slot!=3", "slot", FILTER_NOT_EQUAL, 3, false },
		{ "guest_fault>100/s", "guest_fault", FILTER_ABOVE, 100, true },
		{ "guest_fault>=1.5k/s", "guest_fault", FILTER_AT_LEAST, 1500, true },
		{ "zap<2", "zap", FILTER_BELOW, 2, false },
		{ "p99<=250us", "p99", FILTER_AT_MOST, 250000, false },
		{ "p99>1s", "p99", FILTER_ABOVE, 1e9, false },
		{ "size>4MiB", "size", FILTER_ABOVE, 4194304, false },
	};
	struct filter filter;
	char why[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(filter_parse(table[i].text, &filter, why, sizeof(why)), 0);
		assert_int_equal(filter.n, 1);
		assert_string_equal(columns[filter.terms[0].column].key, table[i].key);
		assert_int_equal(filter.terms[0].op, table[i].op);
		assert_true(filter.terms[0].number == table[i].number);
		assert_int_equal(filter.terms[0].per_second, table[i].per_second);
		assert_string_equal(filter.text, table[i].text);
	}
}

static void test_filter_words(void **state)
{
	struct filter filter;
	char why[128];

	(void)state;
	assert_int_equal(filter_parse("  comm~qemu  type!=TDX ", &filter, why, sizeof(why)), 0);
	assert_int_equal(filter.n, 2);
	assert_string_equal(filter.terms[0].word, "qemu");
	assert_int_equal(filter.terms[1].op, FILTER_NOT_EQUAL);
	assert_int_equal(filter_parse("", &filter, why, sizeof(why)), 0);
	assert_int_equal(filter.n, 0);
}

static void test_filter_wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} table[] = {
		{ "qemu", "qemu: wants one of" },
		{ "nonsense=1", "nonsense=1: no such column" },
		{ "history=1", "history=1: no such column" },
		{ "pid=1 pid=x", "pid=x: a number" },
		{ "pid=", "pid=: a number" },
		{ "p99>3/s", "p99>3/s: an unknown unit" },
		{ "p99>3KiB", "p99>3KiB: an unknown unit" },
		{ "pid~4", "pid~4: ~ is for text" },
		{ "comm>qemu", "comm>qemu: text has" },
		{ "pid=1 pid=1 pid=1 pid=1 pid=1 pid=1 pid=1 pid=1 pid=1", "pid=1: too many" },
	};
	char why[128], longest[FILTER_LEN + 1];
	struct filter filter = { .text = "before", .n = 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(filter_parse(table[i].text, &filter, why, sizeof(why)), -1);
		assert_memory_equal(why, table[i].why, strlen(table[i].why));
	}
	memset(longest, 'x', FILTER_LEN);
	longest[FILTER_LEN] = 0;
	assert_int_equal(filter_parse(longest, &filter, why, sizeof(why)), -1);
	assert_string_equal(filter.text, "before");
}

static void test_settings_wrong(void **state)
{
	static const struct {
		const char *name, *value;
	} table[] = {
		{ "nonsense", "1" },  { "columns", "" },      { "columns", "p99,nonsense" },
		{ "sort", "P99" },    { "order", "up" },      { "show", "" },
		{ "idle", "maybe" },  { "filter", "pid" },    { "interval", "0.09" },
		{ "interval", "1s" }, { "interval", "3601" }, { "interval", "nan" },
	};
	struct view_settings settings, before;
	char why[192];

	(void)state;
	settings_init(&settings);
	before = settings;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(
			settings_set(&settings, table[i].name, table[i].value, why, sizeof(why)),
			-1);
		assert_true(strlen(why) > 5);
	}
	assert_memory_equal(&settings, &before, sizeof(settings));
}

static void test_round_trip(void **state)
{
	struct view_settings settings, again;
	struct problem problem;
	char path[128], *complaints;
	size_t size;
	FILE *said;

	(void)state;
	snprintf(path, sizeof(path), "%s/a/b/config", directory);
	settings_init(&settings);
	settings_sort(&settings, column_by_key("p99", 3));
	settings.descending = false;
	settings.columns = 1 | 1ULL << column_by_key("zap", 3);
	settings.totals = settings.hide_idle = true;
	settings.interval_ns = 250000000;
	assert_int_equal(filter_parse("comm~qemu zap>1/s", &settings.filter, path, 0), 0);
	assert_int_equal(settings_write(&settings, path, &problem), 0);
	settings_init(&again);
	said = open_memstream(&complaints, &size);
	settings_read(&again, path, said);
	fclose(said);
	assert_string_equal(complaints, "");
	free(complaints);
	assert_int_equal(again.sort, settings.sort);
	assert_int_equal(again.columns, settings.columns);
	assert_int_equal(again.interval_ns, settings.interval_ns);
	assert_false(again.descending);
	assert_true(again.totals && again.hide_idle);
	assert_string_equal(again.filter.text, settings.filter.text);
}

static void test_bad_lines(void **state)
{
	struct view_settings settings;
	char path[128], expected[640], *complaints;
	size_t size;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/bad", directory);
	file = fopen(path, "w");
	fputs("# a comment\n\n  sort=p50\r\nnonsense = 3\nsort\ninterval = 2\nidle = \033[2J\n",
	      file);
	fclose(file);
	settings_init(&settings);
	file = open_memstream(&complaints, &size);
	settings_read(&settings, path, file);
	fclose(file);
	snprintf(expected, sizeof(expected),
		 "gmemtop: %s:4: nonsense: no such setting. The line is ignored.\n"
		 "gmemtop: %s:5: no =. The line is ignored.\n"
		 "gmemtop: %s:7: \\x1b[2J: neither hide nor show. The line is ignored.\n",
		 path, path, path);
	assert_string_equal(complaints, expected);
	free(complaints);
	assert_string_equal(columns[settings.sort].key, "p50");
	assert_int_equal(settings.interval_ns, 2 * SECOND);
}

static void test_no_file(void **state)
{
	struct view_settings settings;
	char *complaints;
	size_t size;
	FILE *said = open_memstream(&complaints, &size);

	(void)state;
	settings_init(&settings);
	settings_read(&settings, "/nowhere/config", said);
	settings_read(&settings, "/dev/null/config", said);
	fclose(said);
	assert_string_equal(complaints, "");
	free(complaints);
}

/* Whatever is there in place of a file: it is named, and nothing waits for it. */
static void test_other_than_a_file(void **state)
{
	char dir[] = "/tmp/gmem-unit-XXXXXX", path[64], *complaints;
	struct view_settings settings;
	size_t size;
	FILE *said;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/config", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	for (int i = 0; i < 2; i++) {
		said = open_memstream(&complaints, &size);
		settings_init(&settings);
		settings_read(&settings, i ? dir : path, said);
		fclose(said);
		assert_non_null(strstr(complaints, ": no regular file. It is ignored.\n"));
		free(complaints);
	}
	unlink(path);
	rmdir(dir);
}

static void test_cannot_write(void **state)
{
	struct view_settings settings;
	struct problem problem;

	(void)state;
	settings_init(&settings);
	assert_int_equal(settings_write(&settings, "/dev/null/x/config", &problem), -1);
	assert_non_null(strstr(problem.text, "/dev/null/x/config"));
	/* gmemtop has no -o. */
	assert_non_null(strstr(problem.text, ". Set XDG_CONFIG_HOME to "));
}

static void check_path(const char *config, const char *home, const char *expected)
{
	char *path;

	config ? setenv("XDG_CONFIG_HOME", config, 1) : unsetenv("XDG_CONFIG_HOME");
	home ? setenv("HOME", home, 1) : unsetenv("HOME");
	path = settings_path();
	if (expected)
		assert_string_equal(path, expected);
	else
		assert_null(path);
	free(path);
}

static void test_path(void **state)
{
	(void)state;
	check_path("/x", "/root", "/x/gmemtop/config");
	check_path(NULL, "/root", "/root/.config/gmemtop/config");
	check_path("relative", "/root", "/root/.config/gmemtop/config");
	check_path("", NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter_terms),	  cmocka_unit_test(test_filter_words),
		cmocka_unit_test(test_filter_wrong),	  cmocka_unit_test(test_settings_wrong),
		cmocka_unit_test(test_round_trip),	  cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_no_file),		  cmocka_unit_test(test_cannot_write),
		cmocka_unit_test(test_other_than_a_file), cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
