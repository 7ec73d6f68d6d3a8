/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a report goes: standard output, or a file that is whole or not there.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdio.h>
#include "problem.h"

struct output {
	FILE *file;
	const char *path; /* NULL: standard output */
	char *temporary; /* renamed to path at the end; NULL: written in place (a device) */
	const char *advice; /* where else to write, for problems; NULL: with -o */
};

/*
 * Can a report be written to @path? To be asked before a capture, whose report would be lost
 * otherwise; makes nothing, so that a tracer that is killed leaves nothing behind. 0, or -1 with
 * @problem filled.
 */
int output_check(const char *path, struct problem *problem);

/*
 * 0, or -1 with @problem filled. A NULL @path is standard output. output_open_or() is for files that
 * -o does not choose: @advice, which stays the caller's, is what to do if it cannot be written.
 */
int output_open(struct output *output, const char *path, struct problem *problem);
int output_open_or(struct output *output, const char *path, const char *advice,
		   struct problem *problem);

/* Flush, and put the file in its place. 0, or -1 with @problem filled and nothing left behind. */
int output_commit(struct output *output, struct problem *problem);

/* For who writes by other means: the disk is full. -1, with @problem filled. */
int output_full(const char *name, struct problem *problem);

/* Give up: leave nothing behind. Harmless after output_commit(). */
void output_abort(struct output *output);

#endif
