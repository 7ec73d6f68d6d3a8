/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a report goes: standard output, or a file that is whole or not there.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdio.h>
#include "destination.h"
#include "problem.h"

struct output {
	FILE *file;
	const char *path; /* NULL: standard output */
	struct destination destination; /* of path */
	bool unnamed; /* the file gets its name at the end */
	char *temporary; /* OUTPUT_NAMED: a path that leads to the file; else NULL */
};

/*
 * Can a report be written to @path? To be asked before a capture, whose report would be lost
 * otherwise; makes nothing, so that a tracer that is killed leaves nothing behind. 0, or -1 with
 * @problem filled.
 */
int output_check(const char *path, struct problem *problem);

/* Is @path, or standard output for NULL, another file than @input? 0, or -1 with @problem filled. */
int output_check_input(const char *path, const char *input, struct problem *problem);

#define OUTPUT_PRIVATE 1 /* a new file is for its owner alone; else as umask says */
#define OUTPUT_NAMED 2 /* who writes needs a path: .temporary */

/*
 * A file that is there is replaced at the end, and the new one then has its owner and mode. Writes
 * beyond the limit of file sizes fail from now on, rather than end the process. 0, or -1 with
 * @problem filled. A NULL @path is standard output.
 */
int output_open(struct output *output, const char *path, unsigned int flags,
		struct problem *problem);

/* Flush, and put the file at its destination. 0, or -1 with @problem filled and nothing left behind. */
int output_commit(struct output *output, struct problem *problem);

/* Give up: leave nothing behind. Harmless after output_commit(). */
void output_abort(struct output *output);

#endif
