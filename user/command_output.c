// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a command has to say goes where -o says, in the format that -f says.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "commands.h"
#include "export.h"
#include "output.h"

static int format_report(const struct options *options, const struct capture *capture, FILE *file)
{
	struct report_style style = report_style_of(file);

	if (options->command == COMMAND_SCHEMA)
		return fputs(report_json_schema, file) < 0 ? -errno : 0;
	if (options->command == COMMAND_EXPORT_SCHEMA)
		return fputs(export_json_schema, file) < 0 ? -errno : 0;
	if (options->command == COMMAND_PROBE)
		return report_probe(file, options->format, capture, &style);
	if (options->command == COMMAND_INVENTORY)
		return report_inventory(file, options->format, capture, &style);
	return report_write(file, options->format, capture, &style);
}

int command_output(const struct options *options, const struct capture *capture,
		   struct problem *problem)
{
	struct output output;
	int err;

	signal(SIGPIPE, SIG_IGN); /* seen as EPIPE */
	if (output_open(&output, options->output, problem))
		return -1;
	err = format_report(options, capture, output.file);
	if (err == -ENOMEM || err == -EINVAL) {
		output_abort(&output);
		return problem_set(problem, EXIT_IMPOSSIBLE, "cannot write the report: %s",
				   strerror(-err));
	}
	return output_commit(&output, problem); /* knows of a full disk or a closed pipe */
}
