/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file that gmemtrace check --append adds to, and gmemtrace trend reads: a check on each line,
 * as JSON.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stddef.h>
#include "base/problem.h"

/*
 * Add @line, of @len bytes with its end, to @path, which is made if there is none; all of it or
 * nothing, also when others add to it at the same time. 0, or -1 with @problem filled.
 */
int history_append(const char *path, const char *line, size_t len, struct problem *problem);

#endif
