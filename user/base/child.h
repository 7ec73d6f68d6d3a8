/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command that is traced: made before the tracing starts, let go when it has started, so that
 * not one of its instructions is missed.
 */
#ifndef CHILD_H
#define CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include "child_user.h"
#include "problem.h"

struct child {
	pid_t pid; /* 0: none */
	int gate; /* written to, to let it go */
	int report; /* why it could not be executed comes from here */
	bool ended;
	int status; /* as from waitpid(), when ended */
};

/* Is there such a program, in PATH or as a path? 0, or -1 with @problem filled. */
int child_check(const char *program, struct problem *problem);

/*
 * Fork; the child waits at the gate, and will run with the signal @mask, as @user, or for NULL as the
 * tracer's own, with all its rights. The caller becomes the one that adopts its orphans. 0, or -1
 * with @problem filled.
 */
int child_make(struct child *child, char **argv, const struct child_user *user,
	       const sigset_t *mask, struct problem *problem);

/*
 * Open the gate. 0, or -1 with @problem filled when the program cannot be executed, or not as @user,
 * who is that of child_make().
 */
int child_go(struct child *child, const char *program, const struct child_user *user,
	     struct problem *problem);

/* Reap whatever has ended. True when the child itself has. */
bool child_reap(struct child *child);

/* End it if it still runs; do not wait. */
void child_end(struct child *child);

#endif
