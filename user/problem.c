// SPDX-License-Identifier: GPL-2.0-only
/*
 * Problems are text and a status; this is how one is written.
 */
#include "problem.h"
#include <stdarg.h>
#include <stdio.h>

int problem_set(struct problem *problem, enum exit_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	problem->status = status;
	vsnprintf(problem->text, sizeof(problem->text), format, args);
	va_end(args);
	return -1;
}

int problem_memory(struct problem *problem, const char *what)
{
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot %s: out of memory. Free some memory and try again", what);
}
