// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line by argp: one table of options, one parser for each kind of value.
 */
#include "options.h"
#include <argp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/child_user.h"
#include "base/number.h"
#include "export/export.h"
#include "options/option_values.h"
#include "report/report.h"

enum {
	KEY_BUFFER = OPTION_KEYS,
	KEY_EVENTS,
	KEY_EXACT,
	KEY_EXIT_STATUS,
	KEY_FORCE,
	KEY_JSON_SCHEMA,
	KEY_MIN_LATENCY,
	KEY_NAME,
	KEY_NO_FSESSION,
	KEY_OWNERS,
	KEY_PAGE_MEMORY,
	KEY_SAMPLE,
	KEY_SPREADSHEET,
	KEY_STACKS,
	KEY_TIMELINE,
	KEY_TO,
	KEY_USER,
};

static const struct argp_option table[] = {
	{ "duration", 'd', "SECONDS", 0,
	  "Trace for SECONDS (default: until COMMAND ends, or Ctrl-C)", 0 },
	{ "pid", 'p', "PID", 0, "Only VMs of this VMM; may be repeated", 0 },
	{ "event", 'e', "EVENT,...", 0,
	  "Only these events, with histograms (gmemtrace(1) lists them)", 0 },
	{ "stacks", KEY_STACKS, "EVENT,...", 0,
	  "Keep the kernel stacks and threads that lead to these events", 0 },
	{ "min-latency", KEY_MIN_LATENCY, "TIME", 0,
	  "Only what takes TIME (as in 250us, 10ms) goes into histograms and stacks", 0 },
	{ "format", 'f', "FORMAT", 0, "text (default), json, or html: of a capture", 0 },
	{ "output", 'o', "FILE", 0,
	  "Write the report to FILE; record: the capture (default: gmemtrace.capture)", 0 },
	{ "to", KEY_TO, "FORMAT", 0, "Of export: perfetto, ndjson, csv, sqlite or openmetrics", 0 },
	{ "name", KEY_NAME, "NAME", 0,
	  "Of export --to openmetrics: the label capture of all samples (default: its begin)", 0 },
	{ "spreadsheet", KEY_SPREADSHEET, NULL, 0,
	  "Of export --to csv: ' before text that a spreadsheet would take for a formula", 0 },
	{ "force", KEY_FORCE, NULL, 0,
	  "Of report, export: read a file that unpacks to more than it should, too", 0 },
	{ "timeline", KEY_TIMELINE, NULL, 0,
	  "Of report: rate and p99 of guest_fault, or of -e, interval by interval", 0 },
	{ "interval", 'i', "SECONDS", 0,
	  "Of record: write what was counted by then every SECONDS (default: 10); of report: "
	  "how long the intervals of --timeline are",
	  0 },
	{ "events", KEY_EVENTS, NULL, 0, "Of record: each event, not only how many", 0 },
	{ "buffer", KEY_BUFFER, "SIZE", 0,
	  "Of record: for each CPU's events until they are written, as in 16M (default: 4M)", 0 },
	{ "owners", KEY_OWNERS, "N", 0,
	  "Room for N VMs, slots, guest_memfds (default: 8192), half as many histograms", 0 },
	{ "page-memory", KEY_PAGE_MEMORY, "SIZE", 0,
	  "At most so much for what is known of pages (default: a 64th of all memory)", 0 },
	{ "sample", KEY_SAMPLE, "N", 0,
	  "Count all guest faults, time one of N: cheaper by a third, but no causes", 0 },
	{ "user", KEY_USER, "NAME", 0, "Run COMMAND as this user, without the rights of the tracer",
	  0 },
	{ "exit-status", KEY_EXIT_STATUS, NULL, 0, "Exit as COMMAND did", 0 },
	{ "verbose", 'v', NULL, 0, "Let libbpf explain what fails", 0 },
	{ "exact", KEY_EXACT, NULL, 0,
	  "Miss no event, however many threads fault, at several times the cost (6.14)", 0 },
	{ "no-fsession", KEY_NO_FSESSION, NULL, 0,
	  "Trace both ends of a function by two programs also where one could do it (7.0)", 0 },
	{ "json-schema", KEY_JSON_SCHEMA, NULL, 0, "Print the schema of -f json and exit", 0 },
	OPTION_COMMON_ROWS,
	{ 0 },
};

static const char doc[] =
	"Show what KVM guest_memfd does: per VM and memslot, how often, how long, which errors.\v"
	"With COMMAND, traces the VMs of its process tree from before its first instruction; "
	"without, those of the whole host or of -p. `gmemtrace probe` says which kernel function "
	"carries each event here, and what is unavailable and why. `gmemtrace inventory` prints "
	"the VMs, slots and guest_memfds there are, and how much memory they hold. `gmemtrace "
	"report` prints what a live capture prints from a capture file, and `gmemtrace check "
	"--help` is about comparing them, `gmemtrace diff --help` about looking at two, `gmemtrace "
	"trend --help` about many comparisons.\n\n"
	"Exit status: 0 done, 2 wrong usage or bad input, 3 not possible here.";

static const char args_doc[] = "[-- COMMAND [ARG...]]\nrecord [-- COMMAND [ARG...]]\nprobe\n"
			       "inventory\nreport FILE\nexport FILE --to FORMAT [-o OUT]\n"
			       "check --base FILE... --new FILE...\ndiff A B\ntrend FILE";

#define MAX_BUFFER (1U << 30) /* half of what the kernel could */

/* What follows a sub-command. */
enum takes { TAKES_NOTHING, TAKES_FILE, TAKES_COMMAND };

static const struct sub_command {
	const char *name;
	enum command command;
	enum takes takes;
} sub_commands[] = {
	{ "probe", COMMAND_PROBE, TAKES_NOTHING },
	{ "inventory", COMMAND_INVENTORY, TAKES_NOTHING },
	{ "report", COMMAND_REPORT, TAKES_FILE },
	{ "export", COMMAND_EXPORT, TAKES_FILE },
	{ "record", COMMAND_RECORD, TAKES_COMMAND },
};

#define NR_SUB_COMMANDS (sizeof(sub_commands) / sizeof(sub_commands[0]))

#define OF(id) (1U << COMMAND_##id)
/* What counts, and what looks at this host. */
#define OF_TRACING (OF(TRACE) | OF(SCHEMA) | OF(RECORD))
#define OF_LIVE (OF_TRACING | OF(PROBE) | OF(INVENTORY))

/* The options that are not for every command. */
static const struct scope {
	int key;
	unsigned int commands; /* 1 << command */
} scopes[] = {
	{ 'd', OF_TRACING },
	{ 'p', OF_TRACING | OF(INVENTORY) },
	{ 'v', OF_LIVE },
	{ KEY_STACKS, OF_TRACING },
	{ KEY_MIN_LATENCY, OF_TRACING },
	{ KEY_SAMPLE, OF_TRACING },
	{ KEY_EXIT_STATUS, OF_TRACING },
	{ KEY_USER, OF_TRACING },
	{ KEY_EXACT, OF_TRACING | OF(PROBE) },
	{ KEY_NO_FSESSION, OF_TRACING | OF(PROBE) },
	{ KEY_OWNERS, OF_TRACING },
	{ KEY_PAGE_MEMORY, OF_TRACING },
	{ 'e', OF_TRACING | OF(REPORT) },
	{ 'f', (OF_LIVE & ~OF(RECORD)) | OF(REPORT) },
	{ 'i', OF(RECORD) | OF(REPORT) },
	{ KEY_TIMELINE, OF(REPORT) },
	{ KEY_BUFFER, OF(RECORD) },
	{ KEY_EVENTS, OF(RECORD) },
	{ KEY_NAME, OF(EXPORT) },
	{ KEY_SPREADSHEET, OF(EXPORT) },
	{ KEY_FORCE, OF(REPORT) | OF(EXPORT) },
	{ KEY_TO, OF(EXPORT) | OF(EXPORT_SCHEMA) },
};

#define NR_SCOPES (sizeof(scopes) / sizeof(scopes[0]))

struct parser {
	struct option_parser common;
	struct options *options;
	unsigned int given; /* 1 << index into scopes */
	bool schema; /* --json-schema */
};

/* "250us": a number and its unit. */
static int parse_min_latency(struct parser *parser, const char *arg)
{
	char *end;
	double value = strtod(arg, &end), ns = value * number_ns_of(end);

	if (end == arg || !(ns >= 1) || ns > 1e18)
		return option_wrong(
			&parser->common,
			"--min-latency %s: not a time. Give a number and ns, us, ms or s", arg);
	parser->options->min_latency_ns = ns;
	return 0;
}

static int parse_buffer(struct parser *parser, const char *arg)
{
	__u64 size;

	if (option_size(&parser->common, "--buffer", arg, MAX_BUFFER,
			"%s: not a size. Give up to 1G, as in 512K or 16M", &size))
		return EINVAL;
	parser->options->buffer_bytes = size;
	return 0;
}

static int parse_format(struct parser *parser, const char *arg)
{
	char said[200];

	snprintf(said, sizeof(said), "%.60s: an unknown format. There are %s", arg,
		 report_formats());
	if (!report_has_format(arg))
		return option_wrong(&parser->common, "-f %s", said);
	parser->options->format = arg;
	return 0;
}

static int parse_to(struct parser *parser, const char *arg)
{
	char said[200];

	snprintf(said, sizeof(said), "%.60s: an unknown format. There are %s", arg,
		 export_formats());
	if (!export_has_format(arg))
		return option_wrong(&parser->common, "--to %s", said);
	parser->options->to = arg;
	return 0;
}

static const struct sub_command *find_command(enum command command)
{
	for (size_t i = 0; i < NR_SUB_COMMANDS; i++)
		if (sub_commands[i].command == command)
			return &sub_commands[i];
	return NULL;
}

static int takes_no_more(struct parser *parser, const struct sub_command *command, const char *arg)
{
	char said[200];

	snprintf(said, sizeof(said), "%s %s: %s takes %s", command->name, arg, command->name,
		 command->takes == TAKES_FILE ? "one FILE" : "no command");
	return option_wrong(&parser->common, "%s. Leave it away", said);
}

static int parse_sub_command(struct parser *parser, const char *arg)
{
	bool first = parser->options->command == COMMAND_TRACE;

	for (size_t i = 0; i < NR_SUB_COMMANDS && first; i++)
		if (!strcmp(arg, sub_commands[i].name)) {
			parser->options->command = sub_commands[i].command;
			return 0;
		}
	return option_wrong(&parser->common,
			    "%s: not a sub-command. Put -- before a command to be traced", arg);
}

static int parse_arg(struct parser *parser, char *arg, struct argp_state *state)
{
	/* What follows "--" is COMMAND, and so is what is no sub-command. */
	bool after_dashes = state->next >= 2 && !strcmp(state->argv[state->next - 2], "--");
	struct options *options = parser->options;
	const struct sub_command *command = find_command(options->command);

	if (!after_dashes && (!command || command->takes == TAKES_COMMAND))
		return parse_sub_command(parser, arg);
	if (command && command->takes == TAKES_FILE && !options->file) {
		options->file = arg;
		return 0;
	}
	if (command && (command->takes != TAKES_COMMAND || !after_dashes))
		return takes_no_more(parser, command, arg);
	options->child = state->argv + state->next - 1;
	state->next = state->argc;
	return 0;
}

static void note_given(struct parser *parser, int key)
{
	for (size_t i = 0; i < NR_SCOPES; i++)
		if (scopes[i].key == key)
			parser->given |= 1U << i;
}

/* Options that are but there, or have any text: a bool or a const char * of struct options. */
#define FLAG(key, member)                                                                          \
	{                                                                                          \
		key, offsetof(struct options, member), false                                       \
	}
#define TEXT(key, member)                                                                          \
	{                                                                                          \
		key, offsetof(struct options, member), true                                        \
	}

static const struct plain_option {
	int key;
	size_t offset;
	bool has_text;
} plain_options[] = {
	FLAG('v', verbose),
	FLAG(KEY_EVENTS, record_events),
	FLAG(KEY_EXACT, exact),
	FLAG(KEY_EXIT_STATUS, exit_status),
	FLAG(KEY_FORCE, force),
	FLAG(KEY_NO_FSESSION, no_fsession),
	FLAG(KEY_SPREADSHEET, spreadsheet),
	FLAG(KEY_TIMELINE, timeline),
	TEXT('o', output),
	TEXT(KEY_NAME, name),
	TEXT(KEY_USER, user_name),
};

static bool set_plain(struct options *options, int key, const char *arg)
{
	const struct plain_option *end =
		plain_options + sizeof(plain_options) / sizeof(*plain_options);

	for (const struct plain_option *plain = plain_options; plain < end; plain++) {
		void *member = (char *)options + plain->offset;

		if (plain->key != key)
			continue;
		if (plain->has_text)
			*(const char **)member = arg;
		else
			*(bool *)member = true;
		return true;
	}
	return false;
}

static error_t parse(int key, char *arg, struct argp_state *state);

static const struct argp argp = { table, parse, args_doc, doc, NULL, NULL, NULL };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct parser *parser = state->input;
	struct options *options = parser->options;

	option_taken(&parser->common, key, state);
	note_given(parser, key);
	if (set_plain(options, key, arg))
		return 0;
	switch (key) {
	case 'd':
		return option_seconds(&parser->common, "-d", arg, &options->duration_ns);
	case 'p':
		return option_pid(&parser->common, arg, &options->pids, &options->npids);
	case 'e':
		return option_events(&parser->common, "-e", arg, &options->events,
				     &options->events_chosen);
	case 'f':
		return parse_format(parser, arg);
	case 'i':
		return option_seconds(&parser->common, "-i", arg, &options->interval_ns);
	case KEY_BUFFER:
		return parse_buffer(parser, arg);
	case KEY_OWNERS:
		return option_owners(&parser->common, arg, &options->owners);
	case KEY_PAGE_MEMORY:
		return option_page_memory(&parser->common, arg, &options->page_bytes);
	case KEY_SAMPLE:
		return option_sample(&parser->common, arg, &options->sample);
	case KEY_STACKS:
		return option_events(&parser->common, "--stacks", arg, &options->stack_events,
				     NULL);
	case KEY_MIN_LATENCY:
		return parse_min_latency(parser, arg);
	case KEY_TO:
		return parse_to(parser, arg);
	case KEY_JSON_SCHEMA:
		parser->schema = true;
		return 0;
	case ARGP_KEY_ARG:
		return parse_arg(parser, arg, state);
	default:
		return option_common(key, &argp, "gmemtrace");
	}
}

static int check_command(int argc, char **argv, const struct options *options,
			 struct problem *problem)
{
	const char *last = argv[argc - 1];

	if (options->child)
		return 0;
	if (!strcmp(last, "--") && last != options->output)
		return problem_set(problem, EXIT_USAGE,
				   "--: no COMMAND follows. Add one, or leave -- away");
	if (options->exit_status || options->user_name)
		return problem_set(problem, EXIT_USAGE,
				   "%s: there is no COMMAND. Add -- COMMAND, or leave it away",
				   options->exit_status ? "--exit-status" : "--user");
	return 0;
}

static const char *option_name(int key, char buf[40])
{
	const struct argp_option *option = table;

	while (option->key != key)
		option++;
	if (key < KEY_BUFFER)
		snprintf(buf, 40, "-%c", key);
	else
		snprintf(buf, 40, "--%s", option->name);
	return buf;
}

/* Does each option, and the FILE, belong to the command? */
static int check_scope(const struct parser *parser, struct problem *problem)
{
	const struct options *options = parser->options;
	const struct sub_command *command = find_command(options->command);
	char name[40];

	for (size_t i = 0; i < NR_SCOPES; i++)
		if (parser->given & 1U << i && !(scopes[i].commands & 1U << options->command))
			return problem_set(problem, EXIT_USAGE,
					   "%s: not an option of %s. Leave it away",
					   option_name(scopes[i].key, name),
					   command ? command->name : "gmemtrace");
	if (command && command->takes == TAKES_FILE && !options->file)
		return problem_set(problem, EXIT_USAGE,
				   "%s: there is no FILE. Name the capture to be read",
				   command->name);
	return 0;
}

/* "-" is standard output, as usual. */
static int check_output(struct options *options, struct problem *problem)
{
	if (!options->output || strcmp(options->output, "-"))
		return 0;
	if (options->command == COMMAND_RECORD)
		return problem_set(problem, EXIT_USAGE,
				   "-o -: a capture is no stream. Give it a file");
	options->output = NULL;
	return 0;
}

static int check_format(const struct options *options, struct problem *problem)
{
	bool is_general = report_format_is_general(options->format);
	const struct sub_command *command = find_command(options->command);

	if (is_general ||
	    (options->command != COMMAND_PROBE && options->command != COMMAND_INVENTORY))
		return 0;
	return problem_set(problem, EXIT_USAGE,
			   "-f %s: only of captures, not of %s. Give text or json", options->format,
			   command->name);
}

static int check_export(struct options *options, struct problem *problem)
{
	if (options->command != COMMAND_EXPORT)
		return 0;
	if (!options->to)
		return problem_set(problem, EXIT_USAGE,
				   "export: there is no format. Choose one with --to: %s",
				   export_formats());
	if (options->name && strcmp(options->to, "openmetrics"))
		return problem_set(problem, EXIT_USAGE,
				   "--name: only openmetrics has names. Leave it away");
	if (options->spreadsheet && strcmp(options->to, "csv"))
		return problem_set(problem, EXIT_USAGE,
				   "--spreadsheet: only csv has formulas. Leave it away");
	return 0;
}

static int check_sample(const struct options *options, struct problem *problem)
{
	const char *other = options->min_latency_ns  ? "--min-latency"
			    : options->record_events ? "--events"
						     : NULL;

	return option_check_sample(options->sample, options->exact, options->stack_events, other,
				   problem);
}

int options_parse(int argc, char **argv, struct options *options, struct problem *problem)
{
	struct parser parser = { .common.problem = problem, .options = options };

	*options = (struct options){ .events = option_default_events(), .format = "text" };
	if (option_parse(&argp, argc, argv, "gmemtrace", &parser.common))
		return -1;
	if (parser.schema)
		options->command =
			options->command == COMMAND_EXPORT ? COMMAND_EXPORT_SCHEMA : COMMAND_SCHEMA;
	/* Who asks for the stacks of an event wants the event. */
	options->events |= options->stack_events;
	if (options->command == COMMAND_RECORD && !options->output)
		options->output = "gmemtrace.capture";
	if (check_scope(&parser, problem) || check_output(options, problem) ||
	    check_format(options, problem) || check_export(options, problem) ||
	    check_sample(options, problem))
		return -1;
	return check_command(argc, argv, options, problem);
}

void options_free(struct options *options)
{
	child_user_free(options->user);
	free(options->pids);
}
