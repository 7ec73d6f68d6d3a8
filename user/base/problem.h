/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What went wrong, in the words that the user will read: one line with the thing, the reason and
 * the next step, and the exit status that goes with it. Library functions fill it, mains print it.
 */
#ifndef PROBLEM_H
#define PROBLEM_H

enum exit_status {
	EXIT_DONE = 0,
	EXIT_REGRESSION = 1,
	EXIT_USAGE = 2, /* wrong usage or bad input */
	EXIT_IMPOSSIBLE = 3, /* not possible here, or inconclusive */
	EXIT_UNABLE = 4, /* check: not possible here, which is not inconclusive */
	EXIT_PIPE = 141, /* nobody reads on: as when SIGPIPE (13) ends a program, nothing is said */
};

struct problem {
	enum exit_status status;
	char text[400];
};

/* Fill @problem; always returns -1, so that callers can `return problem_set(...)`. */
int problem_set(struct problem *problem, enum exit_status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A line on standard error that is no problem, up to MESSAGE_LEN bytes. As in problems, what a
 * terminal could obey is \xNN, wherever it came from.
 */
#define MESSAGE_LEN 600
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Say it on standard error, as @program. The status to exit with. */
int problem_tell(const struct problem *problem, const char *program);

/* "cannot @what: out of memory", with the next step. Always returns -1, too. */
int problem_memory(struct problem *problem, const char *what);

#endif
