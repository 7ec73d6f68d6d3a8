// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemtrace: capture what guest_memfd does for a while, then report it. Knows options and the
 * order of things; everything else is in the library.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include "base/child.h"
#include "base/open_files.h"
#include "base/output.h"
#include "commands.h"
#include "export/export.h"
#include "live/inventory.h"
#include "live/kernel.h"
#include "options.h"
#include "options/option_values.h"
#include "report/report.h"
#include "trace.h"

static int check_pids(const struct options *options, struct problem *problem)
{
	if (option_check_pids(options->pids, options->npids, problem))
		return -1;
	if (options->npids && options->child)
		return problem_set(problem, EXIT_USAGE,
				   "-p with a COMMAND: they exclude each other. Give one of them");
	return 0;
}

static int run_inventory(const struct options *options, struct problem *problem)
{
	struct kernel *kernel = kernel_open(options->verbose, problem);
	struct inventory_options wanted = trace_inventory_options(options, kernel);
	struct snapshot snap = {};
	struct capture capture = trace_capture(options, &snap);
	struct inventory *inventory;
	int err;

	if (!kernel)
		return -1;
	inventory = inventory_open(&wanted, problem);
	err = inventory ? inventory_read(inventory, &snap, problem) : -1;
	if (!err)
		err = command_output(options, &capture, problem);
	inventory_close(inventory);
	kernel_close(kernel);
	snapshot_free(&snap);
	return err;
}

static int run_trace(const struct options *options, struct problem *problem)
{
	struct trace trace = { .options = options };
	int err = trace_open(&trace, problem);

	if (!err && options->command == COMMAND_TRACE)
		err = trace_run(&trace, NULL, problem);
	if (!err)
		err = command_output(options, &trace.capture, problem);
	trace_close(&trace);
	return err ?: trace_status(&trace);
}

static int run_export(const struct options *options, struct problem *problem)
{
	struct export_options export = {
		.file = options->file,
		.format = options->to,
		.output = options->output,
		.name = options->name,
		.spreadsheet = options->spreadsheet,
		.force = options->force,
	};

	return export_run(&export, problem);
}

static int run(struct options *options, struct problem *problem)
{
	if (check_pids(options, problem))
		return -1;
	if (options->child && child_check(options->child[0], problem))
		return -1;
	if (options->user_name)
		options->user = child_user_find(options->user_name, problem);
	if (options->user_name && !options->user)
		return -1;
	if (options->command == COMMAND_RECORD)
		return command_record(options, problem);
	if (output_check(options->output, problem))
		return -1;
	if (options->command == COMMAND_SCHEMA || options->command == COMMAND_EXPORT_SCHEMA)
		return command_output(options, NULL, problem);
	if (options->file && output_check_input(options->output, options->file, problem))
		return -1;
	if (options->command == COMMAND_EXPORT)
		return run_export(options, problem);
	if (options->command == COMMAND_INVENTORY)
		return run_inventory(options, problem);
	if (options->command == COMMAND_REPORT)
		return command_report(options, problem);
	return run_trace(options, problem);
}

static int trace_command(int argc, char **argv, struct problem *problem)
{
	struct options options;
	int status = options_parse(argc, argv, &options, problem);

	if (!status)
		status = run(&options, problem);
	options_free(&options);
	return status;
}

int main(int argc, char **argv)
{
	struct problem problem;
	int status;

	open_files_begin();
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* 0.5 is a half everywhere */
	if (argc > 1 && !strcmp(argv[1], "check"))
		status = command_check(argc - 1, argv + 1, &problem);
	else if (argc > 1 && !strcmp(argv[1], "diff"))
		status = command_diff(argc - 1, argv + 1, &problem);
	else if (argc > 1 && !strcmp(argv[1], "trend"))
		status = command_trend(argc - 1, argv + 1, &problem);
	else
		status = trace_command(argc, argv, &problem);
	return status < 0 ? problem_tell(&problem, "gmemtrace") : status;
}
