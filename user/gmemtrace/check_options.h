/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line of gmemtrace check.
 */
#ifndef CHECK_OPTIONS_H
#define CHECK_OPTIONS_H

#include "check/check.h"

struct file_list {
	const char **v;
	size_t n;
};

struct check_options {
	struct file_list base;
	struct file_list new;
	struct rules rules; /* the default set where none were given */
	struct file_list rule_files; /* that they come from */
	bool default_rules;
	bool per_slot;
	bool deterministic;
	bool force; /* files that unpack to more than they should, too */
	double alpha;
	double miss;
	double floor;
	bool paired;
	bool until_told; /* then max_runs is not 0 */
	size_t max_runs;
	enum check_inconclusive inconclusive;
	unsigned int allow; /* 1 << enum check_obstacle */
	const char *append; /* the history; NULL: none */
	const char *label; /* NULL: none */
	const char *format;
	const char *output; /* NULL: standard output */
};

/*
 * Parse the command line, whose first word is "check". As options_parse() does it;
 * check_options_free() afterwards in any case.
 */
int check_options_parse(int argc, char **argv, struct check_options *options,
			struct problem *problem);
void check_options_free(struct check_options *options);

#endif
