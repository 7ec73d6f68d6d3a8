/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A capture file in the formats that other tools read; what each contains is in docs/export.md.
 * Reads captures through capture_file.h only, in memory that does not grow with the number of
 * events.
 */
#ifndef EXPORT_H
#define EXPORT_H

#include <stdbool.h>
#include "base/problem.h"

struct export_options {
	const char *file; /* the capture */
	const char *format; /* one of export_formats() */
	const char *output; /* NULL: standard output */
	const char *name; /* of the capture, for openmetrics; NULL: when it began */
	bool spreadsheet; /* for csv: no cell that is taken for a formula */
	bool force; /* read a file that unpacks to more than it should, too */
};

/* For options: whether export_run() knows @format. */
bool export_has_format(const char *format);

/* The formats there are, for messages: "perfetto, ndjson, ...". */
const char *export_formats(void);

/*
 * Write the capture to @options->output, which is whole afterwards, or as it was. Shows progress,
 * and says what the capture lacks, on standard error. 0, or -1 with @problem filled.
 */
int export_run(const struct export_options *options, struct problem *problem);

/* The JSON schema of what ndjson has for an event. */
extern const char export_json_schema[];

#endif
