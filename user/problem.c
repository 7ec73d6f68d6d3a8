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

int problem_tell(const struct problem *problem, const char *program)
{
	if (problem->status != EXIT_PIPE)
		fprintf(stderr, "%s: %s.\n", program, problem->text);
	return problem->status;
}
