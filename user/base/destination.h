/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a file is to be written: its directory, held open, and its name there. What others could
 * have put in the way is not followed.
 */
#ifndef DESTINATION_H
#define DESTINATION_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include "problem.h"

struct destination {
	const char *path; /* as the user has named it, for messages; the caller's */
	int dir; /* O_PATH; -1: none */
	char name[NAME_MAX + 1]; /* in dir, and no symbolic link unless by_fd */
	bool exists;
	bool by_fd; /* a link of /proc to what is open: to be written in place */
	struct stat st; /* if it exists */
};

/*
 * Where @path is, all symbolic links followed but those of other users in directories that not only
 * their owner may write to, such as /tmp; nor is a file of others there accepted. That is what
 * sysctl fs.protected_* has the kernel do, whatever they say. 0, or -1 with @problem filled.
 * destination_close() in any case.
 */
int destination_find(struct destination *destination, const char *path, struct problem *problem);
void destination_close(struct destination *destination);

/* As open(), at the destination: a descriptor or a negative errno. */
int destination_open(const struct destination *destination, int flags, mode_t mode);

/* What is there now. 0 or a negative errno. */
int destination_stat(const struct destination *destination, struct stat *st);

/* Is it a file, which may be replaced, or is one to be made? */
bool destination_is_file(const struct destination *destination);

/* May the user make and replace files there? 0 or a negative errno. */
int destination_check_dir(const struct destination *destination);

/*
 * What to do about a destination that cannot be written: the last sentence of messages. @advice is for a
 * program that has no -o; a constant. Until then, to choose another with that.
 */
void destination_advise(const char *advice);
const char *destination_advice(void);

/* -1, with @problem filled: @path (NULL: standard output) cannot be written because of @err. */
int destination_problem(const char *path, int err, struct problem *problem);

#endif
