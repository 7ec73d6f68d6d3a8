/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gmemtrace's commands, as far as they are not gmemtrace.c's own. Each returns an exit status, or
 * -1 with @problem filled.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "capture/capture_file.h"
#include "options.h"
#include "report/report.h"

/* As capture_open(); @force: also a file that unpacks to more than it should. */
struct capture_file *command_open(const char *path, bool force, struct problem *problem);

/* Read @file to its end: what there was is in capture_meta(). 0, or -1 with @problem filled. */
int command_read(struct capture_file *file, struct problem *problem);

/* Likewise; that there was no snapshot is a problem, too. */
int command_read_snapshot(struct capture_file *file, const char *path, struct problem *problem);

/* What @write, which returns what report_write() does, makes of @what, to the file that -o names. */
typedef int command_writer(FILE *out, const struct text_style *style, const void *what);
int command_write(const char *output, command_writer *write, const void *what,
		  struct problem *problem);

/* What every command ends with: @capture as a report of the command's kind, to -o. */
int command_output(const struct options *options, const struct capture *capture,
		   struct problem *problem);

/* gmemtrace record [-- COMMAND] */
int command_record(const struct options *options, struct problem *problem);

/* gmemtrace report FILE */
int command_report(const struct options *options, struct problem *problem);

/* gmemtrace check --base FILE... --new FILE..., which has a command line of its own. */
int command_check(int argc, char **argv, struct problem *problem);

/* gmemtrace diff A B, likewise. */
int command_diff(int argc, char **argv, struct problem *problem);

/* gmemtrace trend FILE, likewise. */
int command_trend(int argc, char **argv, struct problem *problem);

#endif
