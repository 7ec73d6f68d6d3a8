// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values on command lines.
 */
#include "option_values.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "base/process.h"
#include "base/version.h"
#include "model/events.h"
#include "report/report.h"

#define MAX_SECONDS (100 * 365 * 86400.0)
#define MIN_OWNERS 16
#define MAX_PAGE_MEMORY (1ULL << 40)
#define MAX_SAMPLE 1000000
#define MAX_OWNERS (1U << 20)

int option_parse(const struct argp *argp, int argc, char **argv, const char *tool,
		 struct option_parser *parser)
{
	error_t err;

	parser->next = 1;
	err = argp_parse(argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_ERRS | ARGP_NO_HELP, NULL,
			 parser);
	if (parser->failed)
		return -1;
	if (err)
		return problem_set(parser->problem, EXIT_USAGE,
				   "%s: not an option, or its value is missing. See %s --help",
				   argv[parser->next], tool);
	return 0;
}

int option_wrong(struct option_parser *parser, const char *format, const char *value)
{
	if (!parser->failed)
		problem_set(parser->problem, EXIT_USAGE, format, value);
	parser->failed = true;
	return EINVAL;
}

/* The same for what more than one option takes: @format begins with the option's value. */
static int option_value_wrong(struct option_parser *parser, const char *option, const char *format,
			      const char *value)
{
	char whole[160];

	snprintf(whole, sizeof(whole), "%s %s", option, format);
	return option_wrong(parser, whole, value);
}

int option_seconds(struct option_parser *parser, const char *option, const char *arg, __u64 *ns)
{
	char *end;
	double seconds = strtod(arg, &end);

	if (end == arg || *end || !(seconds > 0) || seconds > MAX_SECONDS)
		return option_value_wrong(
			parser, option,
			"%s: not a duration. Give a number of seconds above 0, at most "
			"100 years",
			arg);
	*ns = seconds * 1e9 < 1 ? 1 : seconds * 1e9;
	return 0;
}

int option_pid(struct option_parser *parser, const char *arg, pid_t **pids, size_t *npids)
{
	pid_t *grown;
	char *end;
	long pid;

	errno = 0;
	pid = strtol(arg, &end, 10);
	if (end == arg || *end || errno || pid <= 0 || pid > INT32_MAX)
		return option_wrong(parser,
				    "-p %s: not a process id. Give the VMM's, as ps shows it", arg);
	grown = reallocarray(*pids, *npids + 1, sizeof(*grown));
	if (!grown)
		return option_wrong(parser, "-p %s: out of memory", arg);
	*pids = grown;
	grown[(*npids)++] = pid;
	return 0;
}

int option_events(struct option_parser *parser, const char *option, const char *arg, __u64 *events,
		  bool *chosen)
{
	const char *name = arg;
	size_t len;
	int event;

	if (chosen && !*chosen)
		*events = 0;
	if (chosen)
		*chosen = true;
	do {
		len = strcspn(name, ",");
		event = event_by_name(name, len);
		if (event < 0)
			return option_value_wrong(
				parser, option, "%s: an unknown event. See EVENTS in gmemtrace(1)",
				arg);
		*events |= 1ULL << event;
		name += len;
	} while (*name++);
	return 0;
}

int option_owners(struct option_parser *parser, const char *arg, __u32 *owners)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (end == arg || *end || *arg == '-' || n < MIN_OWNERS || n > MAX_OWNERS)
		return option_wrong(parser,
				    "--owners %s: not a number from 16 to 1048576. Each takes 4 KB",
				    arg);
	*owners = n;
	return 0;
}

int option_sample(struct option_parser *parser, const char *arg, __u32 *sample)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (end == arg || *end || *arg == '-' || n < 2 || n > MAX_SAMPLE)
		return option_wrong(
			parser,
			"--sample %s: not a number from 2 to 1000000. Of so many faults one is timed",
			arg);
	*sample = n;
	return 0;
}

int option_check_sample(__u32 sample, bool exact, __u64 stack_events, const char *other,
			struct problem *problem)
{
	if (exact)
		other = "--exact";
	else if (!other && stack_events >> EV_GUEST_FAULT & 1)
		other = "--stacks guest_fault";
	if (!sample || !other)
		return 0;
	return problem_set(problem, EXIT_USAGE,
			   "--sample: most faults are but counted, and %s is about each of them. "
			   "Leave one of both away",
			   other);
}

int option_size(struct option_parser *parser, const char *option, const char *arg, __u64 max,
		const char *wrong, __u64 *bytes)
{
	static const char units[] = "KMG";
	unsigned int shift = 0;
	double size;
	char *end;

	size = strtod(arg, &end);
	if (*end && strchr(units, *end))
		shift = 10 * (strchr(units, *end++) - units + 1);
	size *= 1ULL << shift;
	if (end == arg || *end || !(size >= 1) || size > max)
		return option_value_wrong(parser, option, wrong, arg);
	*bytes = size;
	return 0;
}

int option_page_memory(struct option_parser *parser, const char *arg, __u64 *bytes)
{
	return option_size(parser, "--page-memory", arg, MAX_PAGE_MEMORY,
			   "%s: not a size. Give up to 1024G, as in 512M or 4G", bytes);
}

__u64 option_default_events(void)
{
	__u64 events = 0;

	for (int event = 0; event < NR_EVENTS; event++)
		if (!(event_descs[event].carries & EVENT_OPT_IN))
			events |= 1ULL << event;
	return events;
}

int option_check_pids(pid_t *pids, size_t npids, struct problem *problem)
{
	for (size_t i = 0; i < npids; i++) {
		pid_t tgid = process_group(pids[i]);

		if (!tgid)
			return problem_set(
				problem, EXIT_USAGE,
				"-p %d: no such process. List VMMs with ps -C qemu-system-x86_64",
				pids[i]);
		pids[i] = process_of_memory(tgid);
	}
	return 0;
}

/* What was asked for is on standard output, if that takes it. */
static void __attribute__((noreturn)) end_said(const char *tool)
{
	if (!fflush(stdout) && !ferror(stdout))
		exit(EXIT_DONE);
	if (errno != EPIPE)
		fprintf(stderr, "%s: cannot write standard output: %s. Send it somewhere else.\n",
			tool, strerror(errno));
	exit(errno == EPIPE ? EXIT_PIPE : EXIT_IMPOSSIBLE);
}

static void __attribute__((noreturn))
option_help(const struct argp *argp, const char *tool, bool brief)
{
	argp_help(argp, stdout,
		  brief ? ARGP_HELP_USAGE : ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC,
		  (char *)tool);
	end_said(tool);
}

/* Of the program that @tool begins with. */
static void __attribute__((noreturn)) option_version(const char *tool)
{
	char program[16];

	snprintf(program, sizeof(program), "%.*s", (int)strcspn(tool, " "), tool);
	printf("%s " GMEM_VERSION "\nlibbpf %s\nformats: %s\n", program, libbpf_version_string(),
	       report_formats());
	end_said(program);
}

bool option_taken(struct option_parser *parser, int key, const struct argp_state *state)
{
	bool taken = key > 0 && key <= OPTION_LAST;

	if (taken)
		parser->next = state->next;
	return taken;
}

error_t option_common(int key, const struct argp *argp, const char *tool)
{
	switch (key) {
	case '?':
		option_help(argp, tool, false);
	case OPTION_USAGE:
		option_help(argp, tool, true);
	case 'V':
		option_version(tool);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}
