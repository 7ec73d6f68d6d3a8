/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gmemtrace check as a whole: from its command line to its exit status.
 */
#ifndef CHECK_COMMAND_H
#define CHECK_COMMAND_H

#include "problem.h"

/* The exit status, or -1 with @problem filled. The first word of @argv is "check". */
int check_command(int argc, char **argv, struct problem *problem);

#endif
