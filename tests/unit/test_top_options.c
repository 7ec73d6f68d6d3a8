// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemtop's command line. What it shares with gmemtrace's is tested there.
 */
#include <string.h>
#include "gmemtop/top_options.h"
#include "sample_view.h"
#include "unit.h"

#define MAX_ARGS 28

static struct problem problem;

/* Parse @line, cut at each blank (a quoted value has _ for them). */
static int parse(const char *line, struct top_options *options)
{
	static char words[256], *argv[MAX_ARGS];
	char *rest = words, *word;
	int argc = 1;

	argv[0] = "gmemtop";
	strcpy(words, line);
	while ((word = strsep(&rest, " ")))
		if (*word)
			argv[argc++] = word;
	argv[argc] = NULL;
	return top_options_parse(argc, argv, options, &problem);
}

static void test_defaults(void **state)
{
	struct top_options options;

	(void)state;
	assert_int_equal(parse("", &options), 0);
	assert_false(options.batch || options.json || options.verbose);
	assert_int_equal(options.count, 0);
	assert_int_equal(options.npids, 0);
	assert_false(options.events & 1ULL << EV_ALLOC);
	assert_true(options.events & 1ULL << EV_GUEST_FAULT);
	top_options_free(&options);
}

static void test_all(void **state)
{
	struct view_settings settings;
	struct top_options options;

	(void)state;
	assert_int_equal(parse("-b -n 3 -i 0.1 -s p99 -f pid=1 -c zap,p99 -p 4711 -p 12 "
			       "-e guest_fault,zap --stacks alloc --owners 16 --page-memory 1G -v",
			       &options),
			 0);
	assert_true(options.batch && !options.json && options.verbose);
	assert_int_equal(options.count, 3);
	assert_int_equal(options.npids, 2);
	assert_int_equal(options.owners, 16);
	assert_int_equal(options.page_bytes, 1 << 30);
	assert_int_equal(options.pids[0], 4711);
	assert_int_equal(options.events,
			 1ULL << EV_GUEST_FAULT | 1ULL << EV_ZAP | 1ULL << EV_ALLOC);
	assert_int_equal(options.stack_events, 1ULL << EV_ALLOC);
	settings_init(&settings);
	top_options_apply(&options, &settings);
	assert_int_equal(settings.interval_ns, 100000000);
	assert_string_equal(columns[settings.sort].key, "p99");
	assert_string_equal(settings.filter.text, "pid=1");
	assert_int_equal(__builtin_popcountll(settings.columns), 3);
	top_options_free(&options);
	assert_int_equal(parse("--json", &options), 0);
	assert_true(options.batch && options.json);
}

static void test_wrong(void **state)
{
	static const struct {
		const char *line, *said;
	} table[] = {
		{ "-n 0", "-n 0: not a count" },
		{ "-n -1", "-n -1: not a count" },
		{ "-n 3x", "-n 3x: not a count" },
		{ "-i 0.05", "-i 0.05: not a number of seconds from 0.1" },
		{ "-s speed", "-s speed: an unknown column" },
		{ "-f qemu", "-f qemu: wants one of" },
		{ "-c ,", "-c ,: an unknown column" },
		{ "-p qemu", "-p qemu: not a process id" },
		{ "-e fault", "-e fault: an unknown event" },
		{ "--stacks fault", "--stacks fault: an unknown event" },
		{ "--owners 15", "--owners 15: not a number from 16 to 1048576. Each" },
		{ "--owners ''", "--owners '': not a number" },
		{ "-x", "-x: not an option" },
		{ "-n", "-n: not an option, or its value is missing. See gmemtop" },
		{ "probe", "probe: not an option" },
	};
	struct top_options options;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(parse(table[i].line, &options), -1);
		assert_int_equal(problem.status, EXIT_USAGE);
		assert_memory_equal(problem.text, table[i].said, strlen(table[i].said));
		top_options_free(&options);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
