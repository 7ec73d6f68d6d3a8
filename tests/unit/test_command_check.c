// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemtrace check from its command line to its exit status, with capture files as they are on disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "capture/capture_file.h"
#include "check/check.h"
#include "gmemtrace/check_options.h"
#include "gmemtrace/commands.h"
#include "sample.h"
#include "unit.h"

#define MAX_ARGS 40

static char dir[] = "/tmp/gmem-check.XXXXXX";
static struct problem problem;

/* What is in the file that -o names. */
static char output[4000];

static void path_of(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", dir, name);
}

/* Guest faults of @ns each, in a capture that began @nth of all. */
static void write_capture(const char *name, __u64 ns, unsigned int nth, bool whole)
{
	struct capture_writer *writer;
	struct sample sample;
	char path[100];

	path_of(path, sizeof(path), name);
	sample_empty(&sample);
	sample_count(&sample_add_slot(sample_add_vm(&sample, "vmm", 1), 0, 0, 64)->events,
		     EV_GUEST_FAULT, ns, 100);
	sample.capture.start_realtime_ns += nth;
	writer = capture_create(path, &sample.capture, &problem);
	assert_non_null(writer);
	assert_int_equal(capture_write_snapshot(writer, &sample.capture, &problem), 0);
	if (whole)
		assert_int_equal(capture_finish(writer, &sample.capture, NULL, 0, &problem), 0);
	else
		capture_abandon(writer);
	sample_free(&sample);
}

static void read_output(const char *path)
{
	FILE *file = fopen(path, "r");

	output[0] = 0;
	if (!file)
		return;
	output[fread(output, 1, sizeof(output) - 1, file)] = 0;
	fclose(file);
}

/* The status of "check" and the words of @line, @ standing for the directory. */
static int check(const char *line)
{
	char *argv[MAX_ARGS] = { "check" }, words[MAX_ARGS][120], result[100];
	char *copy = strdup(line), *rest = copy, *word;
	int argc = 1, status;

	path_of(result, sizeof(result), "result");
	unlink(result);
	while ((word = strsep(&rest, " "))) {
		snprintf(words[argc], sizeof(words[argc]), "%s%s", *word == '@' ? dir : "",
			 *word == '@' ? word + 1 : word);
		argv[argc] = words[argc];
		argc++;
		assert_true(argc < MAX_ARGS - 1);
	}
	free(copy);
	memset(&problem, 0, sizeof(problem));
	status = command_check(argc, argv, &problem);
	read_output(result);
	return status;
}

static void expect_problem(const char *line, const char *wanted)
{
	assert_int_equal(check(line), -1);
	assert_int_equal(problem.status, EXIT_USAGE);
	if (!strstr(problem.text, wanted))
		assert_string_equal(problem.text, wanted);
	assert_string_equal(output, "");
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	for (unsigned int i = 0; i < 5; i++) {
		char name[20];

		snprintf(name, sizeof(name), "base%u", i);
		write_capture(name, 10000 + i, i, true);
		snprintf(name, sizeof(name), "slow%u", i);
		write_capture(name, 10500 + i, 10 + i, true);
	}
	write_capture("part", 10000, 20, false);
	return 0;
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

#define BASE "--base @/base0 @/base1 @/base2 @/base3 @/base4"
#define SLOW "--new @/slow0 @/slow1 @/slow2 @/slow3 @/slow4"

static void test_regression(void **state)
{
	(void)state;
	assert_int_equal(check(BASE " " SLOW " --rule guest_fault.mean<=+2% -o @/result"), 1);
	assert_non_null(
		strstr(output, "\nguest_fault.mean<=+2%  10.00us  10.50us  +5.00% [+4.97, "));
}

static void test_fine(void **state)
{
	(void)state;
	assert_int_equal(check(BASE " " SLOW " --rule guest_fault.mean<=+6% -o @/result"), 0);
	assert_non_null(strstr(output, "\nfine: 1 fine\n"));
}

static void test_inconclusive(void **state)
{
	(void)state;
	assert_int_equal(check("--base @/base0 --new @/slow0 -o @/result"), 3);
	assert_non_null(strstr(output, "2 metrics at 1 % need 5 + 5 runs, there are 1 + 1"));
}

/* Of what is inconclusive the caller decides; what is not possible is neither. */
static void test_statuses(void **state)
{
	(void)state;
	assert_int_equal(check("--base @/base0 --new @/slow0 --inconclusive pass -o @/result"), 0);
	assert_non_null(strstr(output, "\ninconclusive: 2 inconclusive, 1 fine\n"));
	assert_int_equal(check("--base @/base0 --new @/slow0 --inconclusive=fail -o @/result"), 1);
	assert_int_equal(check("--base @/base0 --new @/slow0 --inconclusive pass -o /dev/full"),
			 -1);
	assert_int_equal(problem.status, EXIT_UNABLE);
}

/* A line for each check, which trend reads; nothing goes into what is no history. */
static void test_append(void **state)
{
	char path[100], history[100], *argv[] = { "trend", history, "-o", path };
	FILE *file;

	(void)state;
	path_of(history, sizeof(history), "history");
	path_of(path, sizeof(path), "result");
	for (int i = 0; i < 2; i++)
		assert_int_equal(check(BASE " " SLOW
					    " --rule guest_fault.mean<=+2% --append @/history "
					    "--label v1.2 -o @/result"),
				 1);
	assert_int_equal(command_trend(4, argv, &problem), 0);
	read_output(path);
	assert_non_null(strstr(output, "2 checks, "));
	assert_non_null(strstr(output, "guest_fault.mean  all         2  10.50us   -   -  -\n"));
	file = fopen(history, "a");
	fputs("cut", file);
	fclose(file);
	expect_problem("--base @/base0 --new @/slow0 -o @/result --append @/history",
		       "/history: its last line has no end, so that it is no history.");
	expect_problem("--base @/base0 --new @/slow0 -o @/result --append @/base0",
		       "the same file as the input");
	expect_problem("--base @/base0 --new @/slow0 -o @/result --append @",
		       ": not a file. Give --append one");
	assert_int_equal(command_trend(4, argv, &problem), -1);
	assert_non_null(strstr(problem.text, "/history:3: not a check that --append wrote."));
}

static void test_until_told(void **state)
{
	(void)state;
	assert_int_equal(check(BASE " " SLOW
				    " --rule guest_fault.mean<=+2% --until-told --max-runs 5 "
				    "-o @/result"),
			 3);
	assert_non_null(strstr(output, "1 metric at 0.333 % needs 6 + 6 runs, there are 5 + 5"));
	assert_int_equal(check(BASE " " SLOW
				    " --rule guest_fault.mean<=+6% --until-told --max-runs "
				    "20 -o @/result"),
			 0);
	assert_int_equal(check(BASE " " SLOW
				    " --rule guest_fault.mean<=+2% --until-told --max-runs "
				    "24 -o @/result"),
			 3);
	assert_non_null(strstr(output, "\nAdd runs until there are 6 + 6, and ask again with "
				       "--max-runs 24.\n"));
}

static void test_deterministic(void **state)
{
	(void)state;
	assert_int_equal(
		check("--base @/base0 --new @/slow0 --deterministic -f github -o @/result"), 1);
	assert_non_null(strstr(output, "\n::error title=guest_fault.mean<=+2%25::base 10.00"));
}

static void test_rules_from_file(void **state)
{
	char path[100];
	FILE *file;

	(void)state;
	path_of(path, sizeof(path), "rules");
	file = fopen(path, "w");
	fputs("guest_fault.p99<=20us # for all\nloss==0\n", file);
	fclose(file);
	assert_int_equal(check("--base @/base0 --new @/slow0 --rules @/rules --rule "
			       "guest_fault.count==100 -f markdown -o @/result"),
			 0);
	assert_non_null(strstr(output, "| `guest_fault.p99<=20us` |"));
	assert_non_null(strstr(output, "| `guest_fault.count==100` |"));
}

static void test_incomplete(void **state)
{
	(void)state;
	expect_problem("--base @/base0 --new @/part --deterministic -o @/result",
		       "/part is incomplete: ");
	assert_int_equal(check("--base @/base0 --new @/part --deterministic --allow "
			       "incomplete,failure -o @/result"),
			 0);
}

static void test_bad_files(void **state)
{
	char path[100];
	FILE *file;

	(void)state;
	expect_problem("--base @/base0 --new @/base0 -o @/result", "are the same capture.");
	expect_problem("--base @/base0 --new @/nothing -o @/result", "/nothing");
	path_of(path, sizeof(path), "text");
	file = fopen(path, "w");
	fputs("This is no capture.\n", file);
	fclose(file);
	expect_problem("--base @/base0 --new @/text -o @/result", "/text");
	expect_problem("--base @/base0 --new @ -o @/result", dir);
}

static void test_wrong_usage(void **state)
{
	static const char *const table[][2] = {
		{ "-f json", "check: there is nothing to compare with. Add --base FILE..." },
		{ "--base @/base0", "check: there is nothing new to compare. Add --new FILE..." },
		{ "@/base0", "/base0: a file of no side. Put --base or --new before files" },
		{ "--base @/base0 -f json @/base1", "/base1: a file of no side." },
		{ "--base @/base0 --new @/slow0 -f xml", "-f xml: an unknown format." },
		{ "--base @/base0 --new @/slow0 --rule x", "rule 'x': no such event." },
		{ "--base @/base0 --new @/slow0 --rules @/none", "cannot read rules from " },
		{ "--base @/base0 --new @/slow0 --allow loss,fun", "--allow fun: nothing that" },
		{ "--base @/base0 --new @/slow0 --allow loss,", "--allow : nothing that" },
		{ "--base @/base0 --new @/slow0 --alpha 100", "--alpha 100: not a percentage." },
		{ "--base @/base0 --new @/slow0 --floor x%", "--floor x%: not a percentage." },
		{ "--base @/base0 --new @/slow0 --floor -1", "--floor -1: not a percentage." },
		{ "--base --new @/slow0",
		  "--base --new: a file is missing between them. For a file of that name, put ./ "
		  "before it" },
		{ "--base @/base0 --new --per-slot",
		  "--new --per-slot: a file is missing between" },
		{ "--base @/base0 --new @/slow0 --rules --rule",
		  "--rules --rule: a file is missing" },
		{ "--base @/base0 --new @/slow0 --alpha 0.05",
		  "--alpha 0.05: write 0.05% or 5%. A percentage below 1 takes the sign" },
		{ "--base @/base0 --new @/slow0 --floor .5", "--floor .5: write 0.5% or 50%." },
		{ "--base @/base0 --new @/slow0 --rule loss==0 --rule loss==0",
		  "rule 'loss==0': it is given twice. Leave one away" },
		{ "--base @/base0 --new @/slow0 --append --label",
		  "--append --label: a file is missing. Put ./ before such a name" },
		{ "--base @/base0 --new @/slow0 --label x",
		  "check: --label is for --append. Add --append FILE" },
		{ "--base @/base0 --new @/slow0 --append @/x -o @/x",
		  "check: -o and --append: the same" },
		{ "--base @/base0 --new @/slow0 --miss -1", "--miss -1: not a percentage." },
		{ "--base @/base0 --new @/slow0 --inconclusive maybe",
		  "--inconclusive maybe: neither pass nor fail. Give one of them" },
		{ "--base @/base0 --new @/slow0 --until-told",
		  "check: --until-told and --max-runs N go together. Add --max-runs N" },
		{ "--base @/base0 @/base1 --new @/slow0 --paired",
		  "check: --paired takes as many runs on one side as on the other, and there are 2 and 1" },
		{ "--base @/base0 --new @/slow0 --max-runs 5", "go together. Add --until-told" },
		{ "--base @/base0 --new @/slow0 --max-runs 0",
		  "--max-runs 0: not a number of runs." },
		{ "--base @/base0 --new @/slow0 --max-runs 5x", "--max-runs 5x: not a number" },
		{ "--base @/base0 @/base1 --new @/slow0 --until-told --max-runs 1",
		  "check: 2 runs on one side, which is more than --max-runs 1." },
		{ "--base @/base0 --new @/slow0 --nonsense",
		  "--nonsense: not an option, or its value is missing. See gmemtrace check --help" },
		{ "--base @/base0 --new", "--new: not an option, or its value is missing." },
		{ "--base @/base0 --new @/slow0 -o /nonexistent/x", "/nonexistent/x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		expect_problem(table[i][0], table[i][1]);
}

static void test_options(void **state)
{
	char *argv[] = { "check",   "--base",	  "a",	     "b",  "--new",	   "c",
			 "--new",   "d",	  "--alpha", "5%", "--floor=0.5%", "--per-slot",
			 "--allow", "rungs,loss", "--base",  "e" };
	struct check_options options;

	(void)state;
	assert_int_equal(check_options_parse(ARRAY_SIZE(argv), argv, &options, &problem), 0);
	assert_int_equal(options.base.n, 3);
	assert_string_equal(options.base.v[2], "e");
	assert_int_equal(options.new.n, 2);
	assert_true(options.alpha == 0.05 && options.floor == 0.005);
	assert_true(options.per_slot && options.default_rules && !options.deterministic);
	assert_int_equal(options.allow, 1U << OBSTACLE_RUNGS | 1U << OBSTACLE_LOSS);
	assert_string_equal(options.format, "text");
	check_options_free(&options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regression),    cmocka_unit_test(test_fine),
		cmocka_unit_test(test_inconclusive),  cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_append),	      cmocka_unit_test(test_until_told),
		cmocka_unit_test(test_deterministic), cmocka_unit_test(test_rules_from_file),
		cmocka_unit_test(test_incomplete),    cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_wrong_usage),   cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests_name("command_check", tests, set_up, tear_down);
}
