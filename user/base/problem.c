// SPDX-License-Identifier: GPL-2.0-only
/*
 * Problems are text and a status; this is how one is written. All messages go through here, whose
 * file names may be anything.
 */
#include "problem.h"
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "text.h"

static bool is_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

int problem_set(struct problem *problem, enum exit_status status, const char *format, ...)
{
	char text[sizeof(problem->text)];
	va_list args;

	va_start(args, format);
	problem->status = status;
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_clean(problem->text, sizeof(problem->text), text, sizeof(text), is_utf8());
	return -1;
}

void message(const char *format, ...)
{
	char text[MESSAGE_LEN], clean[4 * MESSAGE_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_clean(clean, sizeof(clean), text, sizeof(text), is_utf8());
	fprintf(stderr, "%s\n", clean);
}

int problem_tell(const struct problem *problem, const char *program)
{
	if (problem->status != EXIT_PIPE)
		fprintf(stderr, "%s: %s.\n", program, problem->text);
	return problem->status;
}

int problem_memory(struct problem *problem, const char *what)
{
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot %s: out of memory. Free some memory and try again", what);
}
