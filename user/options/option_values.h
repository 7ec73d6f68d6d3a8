/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the command lines of gmemtrace and gmemtop have in common: values that both understand, and
 * how what is wrong with them is said. For options.c and top_options.c.
 */
#ifndef OPTION_VALUES_H
#define OPTION_VALUES_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>
#include "base/problem.h"

/* The first part of what argp hands on as its input. */
struct option_parser {
	struct problem *problem;
	bool failed;
	int next; /* where in argv the option is that comes after those taken; kept by the parser */
};

/*
 * Parse by @argp with @parser as input; argp's own options and messages are off, since those take
 * two lines. 0, or -1 with the problem filled (EXIT_USAGE).
 */
int option_parse(const struct argp *argp, int argc, char **argv, const char *tool,
		 struct option_parser *parser);

/* Say what is wrong with @value, unless something was before: @format has one %s. EINVAL. */
int option_wrong(struct option_parser *parser, const char *format, const char *value);

/* Each parses the value of an option, and returns 0 or what option_wrong() does. */

/* Seconds above 0; never rounded to 0. */
int option_seconds(struct option_parser *parser, const char *option, const char *arg, __u64 *ns);

/* One more process id at the end of a list that the caller frees. */
int option_pid(struct option_parser *parser, const char *arg, pid_t **pids, size_t *npids);

/*
 * Add the events called so, with commas between them, to @events (1 << event); the first time (not
 * *@chosen, unless NULL) instead of those that are there.
 */
int option_events(struct option_parser *parser, const char *option, const char *arg, __u64 *events,
		  bool *chosen);

/* How many VMs, slots and guest_memfds are told apart. */
int option_owners(struct option_parser *parser, const char *arg, __u32 *owners);

/* Of how many guest faults one is timed. */
int option_sample(struct option_parser *parser, const char *arg, __u32 *sample);

/* "16M": bytes, or so many of a unit, at most @max. @wrong is said, with @arg, if it is not that. */
int option_size(struct option_parser *parser, const char *option, const char *arg, __u64 max,
		const char *wrong, __u64 *bytes);

/* How much memory there may be for what is known of pages. */
int option_page_memory(struct option_parser *parser, const char *arg, __u64 *bytes);

/* All events but those that are counted only when asked for by name. */
__u64 option_default_events(void);

/* Threads become the processes that they belong to. 0, or -1 with @problem filled. */
int option_check_pids(pid_t *pids, size_t npids, struct problem *problem);

/*
 * Does anything that was asked for want of every guest fault what --sample leaves out: --exact, stacks of
 * them, or @other, an option's name or NULL? 0, or -1 with @problem filled.
 */
int option_check_sample(__u32 sample, bool exact, __u64 stack_events, const char *other,
			struct problem *problem);

/* The first number of options without a letter. Those that all command lines have: */
enum { OPTION_KEYS = 256, OPTION_USAGE = 0x1000, OPTION_LAST = OPTION_USAGE };

/* clang-format off */
#define OPTION_COMMON_ROWS                                                                         \
	{ "help", '?', NULL, 0, "Give this help list", -1 },                                       \
	{ "usage", OPTION_USAGE, NULL, 0, "Give a short usage message", -1 },                      \
	{ "version", 'V', NULL, 0, "Print the version, libbpf's, and the formats", -1 }
/* clang-format on */

/* At the begin of a parser: is @key an option's, and no argument or argp's own? Keeps @parser->next. */
bool option_taken(struct option_parser *parser, int key, const struct argp_state *state);

/* What is asked for by those rows is printed, and that is all; else ARGP_ERR_UNKNOWN. @tool: "gmemtrace diff". */
error_t option_common(int key, const struct argp *argp, const char *tool);

#endif
