/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another user, for the command that is traced: who it is, and to become one.
 */
#ifndef CHILD_USER_H
#define CHILD_USER_H

#include "problem.h"

struct child_user;

/*
 * The user of this name, or of this number, with all groups, and that one may become it. The caller
 * frees it. NULL with @problem filled.
 */
struct child_user *child_user_find(const char *name, struct problem *problem);
void child_user_free(struct child_user *user);

/* As it was asked for. */
const char *child_user_name(const struct child_user *user);

/*
 * Become the user, for good: its groups, no capabilities, its environment. What is there already,
 * as open files, the directory and the limits, stays. 0 or a negative errno, and then what has
 * become of the process is not known: it must end.
 */
int child_user_become(const struct child_user *user);

#endif
