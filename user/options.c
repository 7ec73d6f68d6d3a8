// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line by argp: one table of options, one parser for each kind of value.
 */
#include "options.h"
#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "events.h"
#include "report.h"
#include "version.h"

#define MAX_DURATION_S (100 * 365 * 86400.0)

enum {
	KEY_EXIT_STATUS = 256,
	KEY_JSON_SCHEMA,
	KEY_MIN_LATENCY,
	KEY_NO_FSESSION,
	KEY_STACKS,
	KEY_USAGE,
	KEY_VERSION,
	KEY_LAST = KEY_VERSION, /* beyond are argp's own */
};

static const struct argp_option table[] = {
	{ "duration", 'd', "SECONDS", 0,
	  "Trace for SECONDS (default: until COMMAND ends, or Ctrl-C)", 0 },
	{ "pid", 'p', "PID", 0, "Only VMs of this VMM; may be repeated", 0 },
	{ "event", 'e', "EVENT,...", 0,
	  "Only these events, with histograms (gmemtrace probe lists them)", 0 },
	{ "stacks", KEY_STACKS, "EVENT,...", 0,
	  "Keep the kernel stacks and threads that lead to these events", 0 },
	{ "min-latency", KEY_MIN_LATENCY, "TIME", 0,
	  "Only what takes TIME (as in 250us, 10ms) goes into histograms and stacks", 0 },
	{ "format", 'f', "FORMAT", 0, "text (default) or json", 0 },
	{ "output", 'o', "FILE", 0, "Write the report to FILE", 0 },
	{ "exit-status", KEY_EXIT_STATUS, NULL, 0, "Exit as COMMAND did", 0 },
	{ "verbose", 'v', NULL, 0, "Let libbpf explain what fails", 0 },
	{ "no-fsession", KEY_NO_FSESSION, NULL, 0,
	  "Trace both ends of a function by two programs also where one could do it (7.0)", 0 },
	{ "json-schema", KEY_JSON_SCHEMA, NULL, 0, "Print the schema of -f json and exit", 0 },
	{ "help", '?', NULL, 0, "Give this help list", -1 },
	{ "usage", KEY_USAGE, NULL, 0, "Give a short usage message", -1 },
	{ "version", KEY_VERSION, NULL, 0, "Print the version, libbpf's, and the formats", -1 },
	{ 0 },
};

static const char doc[] =
	"Show what KVM guest_memfd does: per VM and memslot, how often, how long, which errors.\v"
	"With COMMAND, traces the VMs of its process tree from before its first instruction; "
	"without, those of the whole host or of -p. `gmemtrace probe` says which kernel function "
	"carries each event here, and what is unavailable and why.\n\n"
	"Exit status: 0 done, 2 wrong usage or bad input, 3 not possible here.";

static const char args_doc[] = "[-- COMMAND [ARG...]]\nprobe";

struct parser {
	struct options *options;
	struct problem *problem;
	bool failed;
	int next; /* where in argv the option is that comes after those taken */
};

static int usage(struct parser *parser, const char *format, const char *value)
{
	if (!parser->failed)
		problem_set(parser->problem, EXIT_USAGE, format, value);
	parser->failed = true;
	return EINVAL;
}

static int parse_duration(struct parser *parser, const char *arg)
{
	char *end;
	double seconds = strtod(arg, &end);

	if (end == arg || *end || !(seconds > 0) || seconds > MAX_DURATION_S)
		return usage(parser, "-d %s: not a duration. Give a number of seconds above 0",
			     arg);
	parser->options->duration_ns = seconds * 1e9;
	if (!parser->options->duration_ns)
		parser->options->duration_ns = 1; /* 0 is for ever */
	return 0;
}

static int parse_pid(struct parser *parser, const char *arg)
{
	struct options *options = parser->options;
	pid_t *pids;
	char *end;
	long pid;

	errno = 0;
	pid = strtol(arg, &end, 10);
	if (end == arg || *end || errno || pid <= 0 || pid > INT32_MAX)
		return usage(parser, "-p %s: not a process id. Give the VMM's, as ps shows it",
			     arg);
	pids = reallocarray(options->pids, options->npids + 1, sizeof(*pids));
	if (!pids)
		return usage(parser, "-p %s: out of memory", arg);
	options->pids = pids;
	options->pids[options->npids++] = pid;
	return 0;
}

/* Add the events called so to @events, for @option. */
static int parse_names(struct parser *parser, const char *option, const char *arg, __u64 *events)
{
	const char *name = arg;
	char format[128];
	size_t len;
	int event;

	do {
		len = strcspn(name, ",");
		event = event_by_name(name, len);
		if (event < 0) {
			snprintf(
				format, sizeof(format),
				"%s %%s: an unknown event. `gmemtrace probe` lists those there are",
				option);
			return usage(parser, format, arg);
		}
		*events |= 1ULL << event;
		name += len;
	} while (*name++);
	return 0;
}

static int parse_events(struct parser *parser, const char *arg)
{
	struct options *options = parser->options;

	if (!options->events_chosen)
		options->events = 0;
	options->events_chosen = true;
	return parse_names(parser, "-e", arg, &options->events);
}

/* "250us": a number and its unit. */
static int parse_min_latency(struct parser *parser, const char *arg)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "ns", 1 }, { "us", 1e3 }, { "µs", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };
	char *end;
	double value = strtod(arg, &end);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		double ns = value * units[i].ns;

		if (end == arg || strcmp(end, units[i].name) || !(ns >= 1) || ns > 1e18)
			continue;
		parser->options->min_latency_ns = ns;
		return 0;
	}
	return usage(parser, "--min-latency %s: not a time. Give a number and ns, us, ms or s",
		     arg);
}

static int parse_format(struct parser *parser, const char *arg)
{
	if (strcmp(arg, "text") && strcmp(arg, "json"))
		return usage(parser, "-f %s: an unknown format. There are text and json", arg);
	parser->options->format = arg;
	return 0;
}

static int parse_arg(struct parser *parser, char *arg, struct argp_state *state)
{
	/* What follows "--" is COMMAND, and so is what is no sub-command. */
	bool after_dashes = state->next >= 2 && !strcmp(state->argv[state->next - 2], "--");

	if (!after_dashes && !strcmp(arg, "probe")) {
		parser->options->command = COMMAND_PROBE;
		return 0;
	}
	if (parser->options->command == COMMAND_PROBE)
		return usage(parser, "probe %s: probe takes no command. Leave it away", arg);
	if (!after_dashes)
		return usage(parser, "%s: not a sub-command. Put -- before a command to be traced",
			     arg);
	parser->options->child = state->argv + state->next - 1;
	state->next = state->argc;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state);

static const struct argp argp = { table, parse, args_doc, doc, NULL, NULL, NULL };

/* argp's own options are off, as its messages are: those take two lines. */
static void __attribute__((noreturn)) print_help(unsigned int flags)
{
	argp_help(&argp, stdout, flags, "gmemtrace");
	exit(EXIT_DONE);
}

static void __attribute__((noreturn)) print_version(void)
{
	printf("gmemtrace " GMEM_VERSION "\nlibbpf %s\nformats: %s\n", libbpf_version_string(),
	       report_formats());
	exit(EXIT_DONE);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct parser *parser = state->input;
	struct options *options = parser->options;

	if (key > 0 && key <= KEY_LAST)
		parser->next = state->next;
	switch (key) {
	case 'd':
		return parse_duration(parser, arg);
	case 'p':
		return parse_pid(parser, arg);
	case 'e':
		return parse_events(parser, arg);
	case 'f':
		return parse_format(parser, arg);
	case 'o':
		options->output = arg;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case KEY_EXIT_STATUS:
		options->exit_status = true;
		return 0;
	case KEY_NO_FSESSION:
		options->no_fsession = true;
		return 0;
	case KEY_STACKS:
		return parse_names(parser, "--stacks", arg, &options->stack_events);
	case KEY_MIN_LATENCY:
		return parse_min_latency(parser, arg);
	case KEY_JSON_SCHEMA:
		options->command = COMMAND_SCHEMA;
		return 0;
	case '?':
		print_help(ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC);
	case KEY_USAGE:
		print_help(ARGP_HELP_USAGE);
	case KEY_VERSION:
		print_version();
	case ARGP_KEY_ARG:
		return parse_arg(parser, arg, state);
	default:
		return ARGP_ERR_UNKNOWN;
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
	if (options->exit_status)
		return problem_set(
			problem, EXIT_USAGE,
			"--exit-status: there is no COMMAND. Add -- COMMAND, or leave it away");
	return 0;
}

static __u64 default_events(void)
{
	__u64 events = 0;

	for (int event = 0; event < NR_EVENTS; event++)
		if (!(event_descs[event].carries & EVENT_OPT_IN))
			events |= 1ULL << event;
	return events;
}

int options_parse(int argc, char **argv, struct options *options, struct problem *problem)
{
	struct parser parser = { options, problem, false, 1 };
	error_t err;

	*options = (struct options){ .events = default_events(), .format = "text" };
	err = argp_parse(&argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_ERRS | ARGP_NO_HELP, NULL,
			 &parser);
	if (parser.failed)
		return -1;
	if (err)
		return problem_set(
			problem, EXIT_USAGE,
			"%s: not an option, or its value is missing. See gmemtrace --help",
			argv[parser.next]);
	/* Who asks for the stacks of an event wants the event. */
	options->events |= options->stack_events;
	return check_command(argc, argv, options, problem);
}

void options_free(struct options *options)
{
	free(options->pids);
}
