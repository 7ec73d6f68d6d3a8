/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gmemtop's command line.
 */
#ifndef TOP_OPTIONS_H
#define TOP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>
#include "base/problem.h"
#include "view.h"

#define TOP_SETTINGS 4 /* that have an option */

struct top_options {
	const char *settings[TOP_SETTINGS]; /* as given; NULL: not given */
	bool batch;
	bool json; /* batch, too */
	__u64 count; /* refreshes; 0: without end */
	__u64 events; /* 1 << event */
	__u64 stack_events; /* 1 << event: whose stacks are kept */
	pid_t *pids; /* as given; owned */
	size_t npids;
	__u32 sample; /* of so many guest faults one is timed; 0: each */
	__u32 owners; /* that are told apart; 0: the default */
	__u64 page_bytes; /* for what is known of pages, at most; 0: the default */
	bool exact;
	bool verbose;
};

/*
 * Parse the command line. Exits for --help, --usage and --version; -1 with @problem filled
 * (EXIT_USAGE) for what is wrong. top_options_free() in any case.
 */
int top_options_parse(int argc, char **argv, struct top_options *options, struct problem *problem);
void top_options_free(struct top_options *options);

/* Change @settings as the command line says. */
void top_options_apply(const struct top_options *options, struct view_settings *settings);

#endif
