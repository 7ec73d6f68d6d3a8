// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a command has to say goes where -o says, in the format that -f says.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "base/output.h"
#include "commands.h"
#include "export/export.h"

int command_write(const char *path, command_writer *write, const void *what,
		  struct problem *problem)
{
	struct text_style style;
	struct output output;
	int err;

	signal(SIGPIPE, SIG_IGN); /* seen as EPIPE */
	if (output_open(&output, path, 0, problem))
		return -1;
	style = text_style_of(output.file);
	err = write(output.file, &style, what);
	if (err == -ENOMEM || err == -EINVAL) {
		output_abort(&output);
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot write the report: %s. Free some memory and try again",
				   strerror(-err));
	}
	return output_commit(&output, problem); /* knows of a full disk or a closed pipe */
}

struct report {
	const struct options *options;
	const struct capture *capture;
};

static int write_report(FILE *out, const struct text_style *style, const void *what)
{
	const struct report *report = what;
	const struct options *options = report->options;

	if (options->command == COMMAND_SCHEMA)
		return fputs(report_json_schema, out) < 0 ? -errno : 0;
	if (options->command == COMMAND_EXPORT_SCHEMA)
		return fputs(export_json_schema, out) < 0 ? -errno : 0;
	if (options->command == COMMAND_PROBE)
		return report_probe(out, options->format, report->capture, style);
	if (options->command == COMMAND_INVENTORY)
		return report_inventory(out, options->format, report->capture, style);
	return report_write(out, options->format, report->capture, style);
}

int command_output(const struct options *options, const struct capture *capture,
		   struct problem *problem)
{
	return command_write(options->output, write_report, &(struct report){ options, capture },
			     problem);
}
