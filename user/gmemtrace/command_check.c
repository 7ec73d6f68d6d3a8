// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the captures of both sides up to their last snapshots, one after the other, and hands on what
 * is compared of them.
 */
#include "commands.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/output.h"
#include "check_options.h"
#include "check/report_check.h"
#include "history.h"

/* All files of both sides, those of the base first. */
struct captures {
	struct capture_file **files;
	struct check_run *runs; /* those of .input */
	size_t n;
	struct check_input input;
	bool force;
};

/* What is not compared of the last of @captures->files is not kept. */
static int keep_compared(struct captures *captures, const char *name, struct problem *problem)
{
	struct capture_file *file = captures->files[captures->n - 1];
	struct snapshot *snap = capture_settle(file);

	captures->runs[captures->n - 1] = (struct check_run){
		.capture = capture_meta(file),
		.name = name,
		.incomplete = capture_incomplete(file),
	};
	return check_reduce(&captures->input, snap) ? problem_memory(problem, "read captures") : 0;
}

static int read_capture(struct captures *captures, const char *name, struct problem *problem)
{
	struct capture_file *file = command_open(name, captures->force, problem);

	if (!file)
		return -1;
	captures->files[captures->n] = file;
	captures->n++;
	if (command_read_snapshot(file, name, problem))
		return -1;
	return keep_compared(captures, name, problem);
}

static int read_side(struct captures *captures, const struct file_list *files,
		     struct problem *problem)
{
	for (size_t i = 0; i < files->n; i++)
		if (read_capture(captures, files->v[i], problem))
			return -1;
	return 0;
}

static struct check_input input_of(const struct check_options *options,
				   const struct check_run *runs)
{
	return (struct check_input){
		.base = runs,
		.nbase = options->base.n,
		.new = runs + options->base.n,
		.nnew = options->new.n,
		.rules = options->rules.v,
		.nrules = options->rules.n,
		.alpha = options->alpha,
		.miss = options->miss,
		.floor = options->floor,
		.per_slot = options->per_slot,
		.deterministic = options->deterministic,
		.default_rules = options->default_rules,
		.allow = options->allow,
		.paired = options->paired,
		.label = options->label,
		.max_runs = options->max_runs,
		.inconclusive = options->inconclusive,
	};
}

static int read_both(struct captures *captures, const struct check_options *options,
		     struct problem *problem)
{
	size_t n = options->base.n + options->new.n;

	captures->files = calloc(n, sizeof(struct capture_file *));
	captures->runs = calloc(n, sizeof(*captures->runs));
	if (!captures->files || !captures->runs)
		return problem_memory(problem, "read captures");
	captures->input = input_of(options, captures->runs);
	captures->force = options->force;
	return read_side(captures, &options->base, problem)
		       ?: read_side(captures, &options->new, problem);
}

static void close_all(struct captures *captures)
{
	for (size_t i = 0; i < captures->n; i++)
		capture_close(captures->files[i]);
	free(captures->files);
	free(captures->runs);
}

struct report {
	const char *format;
	const struct check_result *result;
};

static int write_result(FILE *out, const struct text_style *style, const void *what)
{
	const struct report *report = what;

	return report_check(out, report->format, report->result, style);
}

/* One line of JSON more at the end of --append. */
static int keep(const char *path, const struct check_result *result, struct problem *problem)
{
	const struct text_style style = {};
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);
	int err = out ? report_check(out, "json", result, &style) : -ENOMEM;

	if (out)
		fclose(out);
	err = err ? problem_memory(problem, "keep the result")
		  : history_append(path, line, len, problem);
	free(line);
	return err;
}

/* What was found, where it is wanted. The status of it, or -1 with @problem filled. */
static int tell(const struct check_options *options, const struct check_result *result,
		struct problem *problem)
{
	if (options->append && keep(options->append, result, problem))
		return -1;
	if (command_write(options->output, write_result,
			  &(struct report){ options->format, result }, problem))
		return -1;
	return check_exit_status(result);
}

static int check(const struct check_options *options, const struct captures *captures,
		 struct problem *problem)
{
	const struct check_input *input = &captures->input;
	struct check_result result;
	int status;

	if (check_comparable(input, problem))
		return -1;
	if (check_run_all(input, &result))
		status = problem_memory(problem, "compare");
	else
		status = tell(options, &result, problem);
	check_free(&result);
	return status;
}

/* Neither what is written nor what is kept goes into what is read. */
static int check_input_stays(const struct check_options *options, const char *input,
			     struct problem *problem)
{
	if (output_check_input(options->output, input, problem))
		return -1;
	return options->append ? output_check_input(options->append, input, problem) : 0;
}

static int check_output(const struct check_options *options, struct problem *problem)
{
	const struct file_list *lists[] = { &options->base, &options->new, &options->rule_files };

	if (output_check(options->output, problem))
		return -1;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t j = 0; j < lists[i]->n; j++)
			if (check_input_stays(options, lists[i]->v[j], problem))
				return -1;
	return 0;
}

int command_check(int argc, char **argv, struct problem *problem)
{
	struct captures captures = {};
	struct check_options options;
	int status = check_options_parse(argc, argv, &options, problem);

	if (!status)
		status = check_output(&options, problem);
	if (!status)
		status = read_both(&captures, &options, problem);
	if (!status)
		status = check(&options, &captures, problem);
	close_all(&captures);
	check_options_free(&options);
	/* A job that lets pass what is inconclusive is not to take a full disk for that. */
	if (status < 0 && problem->status == EXIT_IMPOSSIBLE)
		problem->status = EXIT_UNABLE;
	return status;
}
