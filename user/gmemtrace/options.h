/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gmemtrace's command line.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/problem.h"
#include "gmem.h"

enum command {
	COMMAND_TRACE,
	COMMAND_PROBE,
	COMMAND_INVENTORY,
	COMMAND_SCHEMA,
	COMMAND_REPORT,
	COMMAND_EXPORT,
	COMMAND_EXPORT_SCHEMA,
	COMMAND_RECORD,
};

struct options {
	enum command command;
	__u64 duration_ns; /* 0: until a signal, or the end of the child */
	__u64 events; /* 1 << event; all when -e was not given */
	bool events_chosen;
	pid_t *pids; /* as given, of threads or processes; owned */
	size_t npids;
	__u64 stack_events; /* 1 << event: whose stacks are kept */
	__u64 min_latency_ns; /* of what goes into histograms and stacks */
	__u32 sample; /* of so many guest faults one is timed; 0: each */
	const char *format;
	const char *output; /* NULL: standard output; never for record */
	const char *to; /* format of an export */
	const char *name; /* of the capture, in OpenMetrics; NULL: when it began */
	bool spreadsheet; /* of CSV: no cell that is taken for a formula */
	bool force; /* read files that unpack to more than they should, too */
	bool record_events; /* each of them, not only how many */
	__u64 interval_ns; /* between the snapshots of a recording; 0: none but at the end */
	bool timeline; /* of a report; in steps of interval_ns */
	size_t buffer_bytes; /* of each CPU, for what is recorded; 0: the default */
	const char *file; /* of a command that reads a capture */
	bool exit_status; /* hand on the child's */
	bool exact;
	bool no_fsession;
	__u32 owners; /* that are told apart; 0: the default */
	__u64 page_bytes; /* for what is known of pages, at most; 0: the default */
	bool verbose;
	const char *user_name; /* whom the child is to run as; NULL: the tracer */
	struct child_user *user; /* the same, once found; owned */
	char **child; /* NULL-terminated; NULL: none */
};

/*
 * Parse the command line. Exits for --help, --usage and --version, as argp does; everything wrong
 * comes back as -1 with @problem filled (EXIT_USAGE). options_free() afterwards in any case.
 */
int options_parse(int argc, char **argv, struct options *options, struct problem *problem);
void options_free(struct options *options);

#endif
