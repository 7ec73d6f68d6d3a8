/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the writers of the formats offer export.c's table, and what it hands them. Private to
 * export*.c.
 */
#ifndef EXPORT_FORMATS_H
#define EXPORT_FORMATS_H

#include <stdio.h>
#include "capture/capture_file.h"
#include "export_places.h"
#include "export.h"

struct export
{
	struct capture_file *file;
	FILE *out;
	const char *path; /* of out, for who writes a file by itself; NULL: no regular file */
	const struct export_options *options;
	bool has_records; /* every event was to be kept */
	bool has_snapshots;
	struct export_places places;
	struct problem *problem;
	int write_errno; /* why writing to out failed */
	unsigned int percent; /* last shown; on a terminal */
};

/* Each returns 0, or -1 with the problem filled, or with write_errno. */
typedef int export_writer(struct export *export);

export_writer export_csv, export_ndjson, export_openmetrics, export_perfetto, export_sqlite;

/*
 * The next item of the capture, of those that @wants (CAPTURE_WANT_*): 1 with @item filled, 0 at
 * its end, -1 as a writer. Also fails when what was written so far could not be.
 */
int export_next(struct export *export, unsigned int wants, struct capture_item *item);

/* -1, and "out of memory" as the problem. */
int export_no_memory(struct export *export);

#endif
