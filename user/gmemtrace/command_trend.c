// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemtrace trend FILE: its command line, and from the history to a report.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/output.h"
#include "check/report_trend.h"
#include "commands.h"
#include "options/option_values.h"

static const struct argp_option table[] = {
	{ "format", 'f', "FORMAT", 0, "text (default) or json", 0 },
	{ "output", 'o', "FILE", 0, "Write the result to FILE", 0 },
	OPTION_COMMON_ROWS,
	{ 0 },
};

static const char doc[] =
	"Show where metrics have changed for good, over many checks: FILE is what gmemtrace check "
	"--append has added to.\v"
	"Of each check the new runs are what counts. A change is told from 12 checks on, three "
	"or more of which are of the new level.\n\n"
	"Exit status: 0 done, 2 wrong usage or bad input, 3 not possible here.";

struct trend_options {
	struct option_parser common;
	const char *file; /* NULL: none yet */
	const char *output; /* NULL: standard output */
	bool as_json;
};

static int parse_format(struct trend_options *options, const char *arg)
{
	options->as_json = !strcmp(arg, "json");
	if (options->as_json || !strcmp(arg, "text"))
		return 0;
	return option_wrong(&options->common, "-f %s: an unknown format. Give text or json", arg);
}

static int parse_file(struct trend_options *options, const char *arg)
{
	if (options->file)
		return option_wrong(&options->common, "trend: %s: one file too many. Give one",
				    arg);
	options->file = arg;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state);

static const struct argp argp = { table, parse, "FILE", doc, NULL, NULL, NULL };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trend_options *options = state->input;

	option_taken(&options->common, key, state);
	switch (key) {
	case 'f':
		return parse_format(options, arg);
	case 'o':
		options->output = strcmp(arg, "-") ? arg : NULL;
		return 0;
	case ARGP_KEY_ARG:
		return parse_file(options, arg);
	default:
		return option_common(key, &argp, "gmemtrace trend");
	}
}

struct report {
	const struct trend *trend;
	bool as_json;
};

static int write_trend(FILE *out, const struct text_style *style, const void *what)
{
	const struct report *report = what;

	return report->as_json ? report_trend_json(out, report->trend)
			       : report_trend_text(out, report->trend, style);
}

static int show(const struct trend_options *options, FILE *in, struct problem *problem)
{
	struct trend trend;
	int err = trend_read(&trend, in, options->file, TREND_ALPHA, problem);

	if (!err)
		err = command_write(options->output, write_trend,
				    &(struct report){ &trend, options->as_json }, problem);
	trend_free(&trend);
	return err;
}

int command_trend(int argc, char **argv, struct problem *problem)
{
	struct trend_options options = { .common = { .problem = problem } };
	FILE *in;
	int err;

	if (option_parse(&argp, argc, argv, "gmemtrace trend", &options.common))
		return -1;
	if (!options.file)
		return problem_set(
			problem, EXIT_USAGE,
			"trend: no file. Give what gmemtrace check --append has written");
	if (output_check(options.output, problem) ||
	    output_check_input(options.output, options.file, problem))
		return -1;
	in = fopen(options.file, "re");
	if (!in)
		return problem_set(problem, EXIT_USAGE, "cannot read %s: %s. Choose another file",
				   options.file, strerror(errno));
	err = show(&options, in, problem);
	fclose(in);
	return err;
}
