// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemtrace diff A B: its command line, and from the two files to a report.
 */
#include <string.h>
#include "base/output.h"
#include "check/report_diff.h"
#include "commands.h"
#include "options/option_values.h"

enum { KEY_FORCE = OPTION_KEYS };

static const struct argp_option table[] = {
	{ "format", 'f', "FORMAT", 0, "text (default), json or html", 0 },
	{ "output", 'o', "FILE", 0, "Write the result to FILE", 0 },
	{ "force", KEY_FORCE, NULL, 0, "Read a file that unpacks to more than it should, too", 0 },
	OPTION_COMMON_ROWS,
	{ 0 },
};

static const char doc[] =
	"Show two captures side by side, without a verdict: in what they differ, and for each VM "
	"and slot that both have how often, how long, which errors and causes, and the change.\v"
	"`gmemtrace check` is the one that judges, with noise in mind.\n\n"
	"Exit status: 0 done, 2 wrong usage or bad input, 3 not possible here.";

struct diff_options {
	struct option_parser common;
	const char *files[DIFF_SIDES];
	const char *output; /* NULL: standard output */
	diff_writer *write;
	bool force;
};

static int parse_format(struct diff_options *options, const char *arg)
{
	char said[160];

	options->write = report_diff(arg);
	if (options->write)
		return 0;
	snprintf(said, sizeof(said), "%.60s: an unknown format. There are %s", arg,
		 report_diff_formats());
	return option_wrong(&options->common, "-f %s", said);
}

static int parse_file(struct diff_options *options, const char *arg)
{
	for (int s = 0; s < DIFF_SIDES; s++)
		if (!options->files[s]) {
			options->files[s] = arg;
			return 0;
		}
	return option_wrong(&options->common, "diff: %s: one file too many. Give two", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state);

static const struct argp argp = { table, parse, "A B", doc, NULL, NULL, NULL };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct diff_options *options = state->input;

	option_taken(&options->common, key, state);
	switch (key) {
	case 'f':
		return parse_format(options, arg);
	case 'o':
		options->output = strcmp(arg, "-") ? arg : NULL;
		return 0;
	case KEY_FORCE:
		options->force = true;
		return 0;
	case ARGP_KEY_ARG:
		return parse_file(options, arg);
	default:
		return option_common(key, &argp, "gmemtrace diff");
	}
}

struct report {
	diff_writer *write;
	const struct diff *diff;
};

static int write_diff(FILE *out, const struct text_style *style, const void *what)
{
	const struct report *report = what;

	return report->write(out, report->diff, style);
}

static int show(const struct diff_options *options, struct capture_file *const files[DIFF_SIDES],
		struct problem *problem)
{
	struct diff diff = {};
	int err;

	for (int s = 0; s < DIFF_SIDES; s++)
		diff.side[s] = (struct diff_side){ capture_meta(files[s]), options->files[s],
						   capture_incomplete(files[s]) };
	err = diff_make(&diff) ? problem_memory(problem, "compare")
			       : command_write(options->output, write_diff,
					       &(struct report){ options->write, &diff }, problem);
	diff_free(&diff);
	return err;
}

static int check_output(const struct diff_options *options, struct problem *problem)
{
	if (!options->files[DIFF_B])
		return problem_set(
			problem, EXIT_USAGE,
			"diff: there are no two files. Name the captures to be compared");
	if (output_check(options->output, problem))
		return -1;
	for (int s = 0; s < DIFF_SIDES; s++)
		if (output_check_input(options->output, options->files[s], problem))
			return -1;
	return 0;
}

int command_diff(int argc, char **argv, struct problem *problem)
{
	struct diff_options options = { .common = { .problem = problem },
					.write = report_diff_text };
	struct capture_file *files[DIFF_SIDES] = {};
	int err = 0;

	if (option_parse(&argp, argc, argv, "gmemtrace diff", &options.common) ||
	    check_output(&options, problem))
		return -1;
	for (int s = 0; s < DIFF_SIDES && !err; s++) {
		files[s] = command_open(options.files[s], options.force, problem);
		err = files[s] ? command_read_snapshot(files[s], options.files[s], problem) : -1;
	}
	if (!err)
		err = show(&options, files, problem);
	for (int s = 0; s < DIFF_SIDES; s++)
		if (files[s])
			capture_close(files[s]);
	return err;
}
