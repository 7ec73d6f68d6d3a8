/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which files are open, and how many may be: each program and map of a session is one, and so is each
 * ring buffer.
 */
#ifndef OPEN_FILES_H
#define OPEN_FILES_H

#include <stdbool.h>
#include "problem.h"

/*
 * Before anything is opened. A standard file that is closed stays an error to read or write, but what is
 * opened next does not get its number, and with it what is printed. COMMAND has it closed as before.
 */
void open_files_begin(void);

/* Allow as many as this process may allow itself. */
void open_files_raise(void);

/* In a child: what was allowed before, which is what the commands that it runs are made for. */
void open_files_restore(void);

/* Does the negative errno @err say that no more can be open? Then say so: -1, with @problem filled. */
bool open_files_spent(int err);
int open_files_problem(struct problem *problem);

#endif
