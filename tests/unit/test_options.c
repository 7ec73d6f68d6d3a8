// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemtrace's command line: what each option sets, and what is said of what is wrong.
 */
#include <stdlib.h>
#include <string.h>
#include "gmemtrace/options.h"
#include "model/events.h"
#include "unit.h"

#define MAX_ARGS 16
#define EVENT(id) (1ULL << EV_##id)

struct parsed {
	int err;
	int argc;
	char *argv[MAX_ARGS];
	char *words;
	struct options options;
	struct problem problem;
};

/* Parse @line, cut at each space; "''" stands for an empty word. */
static struct parsed *parse(const char *line)
{
	struct parsed *parsed = calloc(1, sizeof(*parsed));
	char *word, *rest;

	assert_non_null(parsed);
	parsed->words = rest = strdup(line);
	parsed->argv[parsed->argc++] = "gmemtrace";
	while ((word = strsep(&rest, " "))) {
		assert_true(parsed->argc < MAX_ARGS - 1);
		if (*word)
			parsed->argv[parsed->argc++] = strcmp(word, "''") ? word : "";
	}
	parsed->err = options_parse(parsed->argc, parsed->argv, &parsed->options, &parsed->problem);
	return parsed;
}

static void parsed_free(struct parsed *parsed)
{
	options_free(&parsed->options);
	free(parsed->words);
	free(parsed);
}

static void test_defaults(void **state)
{
	struct parsed *parsed = parse("");
	const struct options *options = &parsed->options;

	(void)state;
	assert_int_equal(parsed->err, 0);
	assert_int_equal(options->command, COMMAND_TRACE);
	assert_int_equal(options->duration_ns, 0);
	for (int event = 0; event < NR_EVENTS; event++)
		assert_int_equal(!(options->events & 1ULL << event),
				 !!(event_descs[event].carries & EVENT_OPT_IN));
	assert_false(options->events_chosen);
	assert_int_equal(options->npids, 0);
	assert_string_equal(options->format, "text");
	assert_null(options->output);
	assert_null(options->child);
	assert_false(options->exit_status || options->no_fsession || options->verbose);
	parsed_free(parsed);
}

static void test_duration(void **state)
{
	static const struct {
		const char *line;
		__u64 ns;
	} table[] = {
		{ "-d 1", 1000000000 },
		{ "-d0.25", 250000000 },
		{ "--duration=1e3", 1000000000000 },
		{ "--dur 2", 2000000000 },
		{ "-d 1e-9", 1 },
		{ "-d 1e-15", 1 }, /* not 0, which is for ever */
		{ "-d 3153600000", 3153600000000000000 },
		{ "-d 1 -d 3", 3000000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct parsed *parsed = parse(table[i].line);

		assert_int_equal(parsed->err, 0);
		assert_int_equal(parsed->options.duration_ns, table[i].ns);
		parsed_free(parsed);
	}
}

static void test_events(void **state)
{
	static const struct {
		const char *line;
		__u64 events;
	} table[] = {
		{ "-e zap", EVENT(ZAP) },
		{ "-e zap,bind,unbind", EVENT(ZAP) | EVENT(BIND) | EVENT(UNBIND) },
		{ "-ezap --event notifier_hit", EVENT(ZAP) | EVENT(NOTIFIER_HIT) },
		{ "-e zap,zap", EVENT(ZAP) },
		{ "-e alloc", EVENT(ALLOC) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct parsed *parsed = parse(table[i].line);

		assert_int_equal(parsed->err, 0);
		assert_true(parsed->options.events_chosen);
		assert_int_equal(parsed->options.events, table[i].events);
		parsed_free(parsed);
	}
}

static void test_stacks(void **state)
{
	struct parsed *parsed = parse("-e zap --stacks notifier_hit,zap");

	(void)state;
	assert_int_equal(parsed->err, 0);
	assert_int_equal(parsed->options.stack_events, EVENT(NOTIFIER_HIT) | EVENT(ZAP));
	assert_int_equal(parsed->options.events, EVENT(NOTIFIER_HIT) | EVENT(ZAP));
	parsed_free(parsed);
}

static void test_min_latency(void **state)
{
	static const struct {
		const char *line;
		__u64 ns; /* 0: refused */
	} table[] = {
		{ "--min-latency 250us", 250000 }, { "--min-latency=1.5ms", 1500000 },
		{ "--min-latency 64ns", 64 },	   { "--min-latency 2s", 2000000000 },
		{ "--min-latency 3µs", 3000 },	   { "--min-latency 250", 0 },
		{ "--min-latency us", 0 },	   { "--min-latency -1us", 0 },
		{ "--min-latency 0us", 0 },	   { "--min-latency nans", 0 },
		{ "--min-latency 1e30s", 0 },	   { "--min-latency 1us2", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct parsed *parsed = parse(table[i].line);

		assert_int_equal(parsed->err, table[i].ns ? 0 : -1);
		assert_int_equal(parsed->options.min_latency_ns, table[i].ns);
		if (parsed->err)
			assert_int_equal(parsed->problem.status, EXIT_USAGE);
		parsed_free(parsed);
	}
}

static void test_sample(void **state)
{
	static const struct {
		const char *line, *why; /* NULL: it is taken */
		__u32 sample;
	} table[] = {
		{ "--sample 64", NULL, 64 },
		{ "record --sample=2 --stacks zap", NULL, 2 },
		{ "--sample 1000000", NULL, 1000000 },
		{ "--sample 1", "--sample 1: not a number from 2 to 1000000", 0 },
		{ "--sample 1000001", "not a number from", 0 },
		{ "--sample -4", "not a number from", 0 },
		{ "--sample 4k", "not a number from", 0 },
		{ "--sample 4 --exact", "and --exact is about each of them", 4 },
		{ "--sample 4 --min-latency 1us", "and --min-latency is", 4 },
		{ "--sample 4 --stacks guest_fault,zap", "and --stacks guest_fault is", 4 },
		{ "record --sample 4 --events", "and --events is", 4 },
		{ "report FILE --sample 4", "--sample: not an option of report", 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct parsed *parsed = parse(table[i].line);

		assert_int_equal(parsed->err, table[i].why ? -1 : 0);
		assert_int_equal(parsed->options.sample, table[i].sample);
		if (parsed->err)
			assert_non_null(strstr(parsed->problem.text, table[i].why));
		parsed_free(parsed);
	}
}

static void test_pids(void **state)
{
	struct parsed *parsed = parse("-p 1 --pid=4194304 -p2147483647");

	(void)state;
	assert_int_equal(parsed->err, 0);
	assert_int_equal(parsed->options.npids, 3);
	assert_int_equal(parsed->options.pids[0], 1);
	assert_int_equal(parsed->options.pids[1], 4194304);
	assert_int_equal(parsed->options.pids[2], 2147483647);
	parsed_free(parsed);
}

static void test_flags(void **state)
{
	struct parsed *parsed = parse("-v --no-fsession -f json -o FILE --exit-status "
				      "--owners 1048576 --page-memory 64M -- true");

	(void)state;
	assert_int_equal(parsed->err, 0);
	assert_true(parsed->options.verbose);
	assert_true(parsed->options.no_fsession);
	assert_true(parsed->options.exit_status);
	assert_int_equal(parsed->options.owners, 1 << 20);
	assert_int_equal(parsed->options.page_bytes, 64 << 20);
	assert_string_equal(parsed->options.format, "json");
	assert_string_equal(parsed->options.output, "FILE");
	parsed_free(parsed);
}

static void test_sub_commands(void **state)
{
	static const struct {
		const char *line;
		enum command command;
	} table[] = {
		{ "-d 1", COMMAND_TRACE },	     { "probe", COMMAND_PROBE },
		{ "probe -f json", COMMAND_PROBE },  { "-f json probe", COMMAND_PROBE },
		{ "--json-schema", COMMAND_SCHEMA }, { "-- probe", COMMAND_TRACE },
		{ "inventory", COMMAND_INVENTORY },  { "inventory -p 1", COMMAND_INVENTORY },
		{ "-- inventory", COMMAND_TRACE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct parsed *parsed = parse(table[i].line);

		assert_int_equal(parsed->err, 0);
		assert_int_equal(parsed->options.command, table[i].command);
		parsed_free(parsed);
	}
}

/* All after -- is COMMAND's, whatever it looks like. */
static void test_child(void **state)
{
	static const struct {
		const char *line, *child[5];
	} table[] = {
		{ "-- true", { "true" } },
		{ "-- probe", { "probe" } },
		{ "-d 1 -- sleep -d 9", { "sleep", "-d", "9" } },
		{ "-- -d 1", { "-d", "1" } },
		{ "-- -- x", { "--", "x" } },
		{ "-- sh -- --help", { "sh", "--", "--help" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct parsed *parsed = parse(table[i].line);
		char **child = parsed->options.child;

		assert_int_equal(parsed->err, 0);
		assert_non_null(child);
		for (size_t j = 0; table[i].child[j]; j++, child++)
			assert_string_equal(*child, table[i].child[j]);
		assert_null(*child);
		parsed_free(parsed);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *line, *said;
	} table[] = {
		{ "-d", "-d: not an option, or its value is missing" },
		{ "-d 0", "-d 0: not a duration" },
		{ "-d -1", "-d -1: not a duration" },
		{ "-d 1s", "-d 1s: not a duration" },
		{ "-d ''", "-d : not a duration" },
		{ "-d nan", "-d nan: not a duration" },
		{ "-d inf", "-d inf: not a duration" },
		{ "-d 3153600001", "-d 3153600001: not a duration" },
		{ "-p 0", "-p 0: not a process id" },
		{ "-p -1", "-p -1: not a process id" },
		{ "-p 1x", "-p 1x: not a process id" },
		{ "-p ''", "-p : not a process id" },
		{ "-p 2147483648", "-p 2147483648: not a process id" },
		{ "-p 99999999999999999999", "not a process id" },
		{ "-e ''", "-e : an unknown event" },
		{ "-e zap,", "-e zap,: an unknown event" },
		{ "-e zap,nope", "-e zap,nope: an unknown event" },
		{ "-f yaml", "-f yaml: an unknown format" },
		{ "-f jso", "-f jso: an unknown format" },
		{ "--nonsense", "--nonsense: not an option" },
		{ "-v --nonsense=3 -v", "--nonsense=3: not an option" },
		{ "-d 1 -vX -v", "-vX: not an option" },
		{ "-v -d 1 -o", "-o: not an option, or its value is missing" },
		{ "--verbose=3", "--verbose=3: not an option" },
		{ "trace", "trace: not a sub-command" },
		{ "probe again", "probe again: probe takes no command" },
		{ "probe -- true", "probe true: probe takes no command" },
		{ "inventory probe", "inventory probe: inventory takes no command" },
		{ "report", "report: there is no FILE" },
		{ "report a.cap b.cap", "report b.cap: report takes one FILE" },
		{ "--timeline", "--timeline: not an option of gmemtrace" },
		{ "report -d 3 a.cap", "-d: not an option of report" },
		{ "--no-fsession report a.cap", "--no-fsession: not an option of report" },
		{ "record ls", "ls: not a sub-command. Put -- before" },
		{ "record record", "record: not a sub-command. Put -- before" },
		{ "record -f json", "-f: not an option of record" },
		{ "record --buffer 16X", "--buffer 16X: not a size" },
		{ "record --buffer 0", "--buffer 0: not a size" },
		{ "record --buffer 2G", "--buffer 2G: not a size" },
		{ "--page-memory 2T", "--page-memory 2T: not a size. Give up to 1024G" },
		{ "--owners 1e6", "--owners 1e6: not a number from 16 to" },
		{ "--owners 1048577", "--owners 1048577: not a number" },
		{ "--owners -1", "--owners -1: not a number" },
		{ "--owners 99999999999999999999", "--owners 99999999999999999999: not a number" },
		{ "--owners 99 report a.cap", "--owners: not an option of report" },
		{ "record -i 0", "-i 0: not a duration" },
		{ "--events", "--events: not an option of gmemtrace" },
		{ "--buffer 1M report a.cap", "--buffer: not an option of report" },
		{ "-i 1 probe", "-i: not an option of probe" },
		{ "-d 1 probe", "-d: not an option of probe" },
		{ "inventory -e zap", "-e: not an option of inventory" },
		{ "--", "--: no COMMAND follows" },
		{ "-d 1 --", "--: no COMMAND follows" },
		{ "--exit-status", "--exit-status: there is no COMMAND" },
		{ "export a.cap", "export: there is no format" },
		{ "export --to csv", "export: there is no FILE" },
		{ "export a.cap --to xml", "--to xml: an unknown format" },
		{ "export a.cap --to csv -f json", "-f: not an option of export" },
		{ "--to csv", "--to: not an option of gmemtrace" },
		{ "-d x --nonsense", "-d x: not a duration" }, /* the first one counts */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct parsed *parsed = parse(table[i].line);

		assert_int_equal(parsed->err, -1);
		assert_int_equal(parsed->problem.status, EXIT_USAGE);
		if (!strstr(parsed->problem.text, table[i].said))
			fail_msg("%s: \"%s\", not \"%s\"", table[i].line, parsed->problem.text,
				 table[i].said);
		assert_non_null(strstr(parsed->problem.text, ". ")); /* the next step */
		parsed_free(parsed);
	}
}

static void test_file(void **state)
{
	struct parsed *parsed = parse("-f json report a.cap -o out");

	(void)state;
	assert_int_equal(parsed->err, 0);
	assert_int_equal(parsed->options.command, COMMAND_REPORT);
	assert_string_equal(parsed->options.file, "a.cap");
	assert_string_equal(parsed->options.output, "out");
	parsed_free(parsed);
	parsed = parse("report -- probe");
	assert_int_equal(parsed->err, 0);
	assert_string_equal(parsed->options.file, "probe");
	parsed_free(parsed);
	parsed = parse("report --timeline -i 0.5 -e zap a.cap");
	assert_int_equal(parsed->err, 0);
	assert_true(parsed->options.timeline);
	assert_int_equal(parsed->options.interval_ns, 500000000);
	parsed_free(parsed);
}

static void test_record(void **state)
{
	struct parsed *parsed = parse("record --events -i 0.5 --buffer 512K -- probe -i");

	(void)state;
	assert_int_equal(parsed->err, 0);
	assert_int_equal(parsed->options.command, COMMAND_RECORD);
	assert_string_equal(parsed->options.output, "gmemtrace.capture");
	assert_true(parsed->options.record_events);
	assert_int_equal(parsed->options.interval_ns, 500000000);
	assert_int_equal(parsed->options.buffer_bytes, 512 << 10);
	assert_string_equal(parsed->options.child[0], "probe");
	assert_string_equal(parsed->options.child[1], "-i");
	parsed_free(parsed);
	parsed = parse("record -o file");
	assert_int_equal(parsed->err, 0);
	assert_string_equal(parsed->options.output, "file");
	assert_false(parsed->options.record_events);
	parsed_free(parsed);
}

static void test_export(void **state)
{
	struct parsed *parsed = parse("export a.cap --to csv -o -");

	(void)state;
	assert_int_equal(parsed->err, 0);
	assert_int_equal(parsed->options.command, COMMAND_EXPORT);
	assert_string_equal(parsed->options.to, "csv");
	assert_null(parsed->options.output);
	parsed_free(parsed);
	parsed = parse("--json-schema export a.cap");
	assert_int_equal(parsed->err, 0);
	assert_int_equal(parsed->options.command, COMMAND_EXPORT_SCHEMA);
	parsed_free(parsed);
	parsed = parse("export --json-schema");
	assert_int_equal(parsed->err, 0);
	parsed_free(parsed);
}

/* The value of an option may look like anything. */
static void test_values_like_options(void **state)
{
	struct parsed *parsed = parse("-o -- -v");

	(void)state;
	assert_int_equal(parsed->err, 0);
	assert_string_equal(parsed->options.output, "--");
	parsed_free(parsed);
	parsed = parse("-v -o --");
	assert_int_equal(parsed->err, 0);
	parsed_free(parsed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_min_latency),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_pids),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_sub_commands),
		cmocka_unit_test(test_child),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_export),
		cmocka_unit_test(test_values_like_options),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
