/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a file is to be written: its directory, held open, and its name there. What others could
 * have put in the way is not followed.
 */
#ifndef FILE_PLACE_H
#define FILE_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include "problem.h"

struct file_place {
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
 * file_place_close() in any case.
 */
int file_place_find(struct file_place *place, const char *path, struct problem *problem);
void file_place_close(struct file_place *place);

/* As open(), at the place: a descriptor or a negative errno. */
int file_place_open(const struct file_place *place, int flags, mode_t mode);

/* What is there now. 0 or a negative errno. */
int file_place_stat(const struct file_place *place, struct stat *st);

/* Is it a file, which may be replaced, or is one to be made? */
bool file_place_is_file(const struct file_place *place);

/* May the user make and replace files there? 0 or a negative errno. */
int file_place_check_dir(const struct file_place *place);

/*
 * What to do about a place that cannot be written: the last sentence of messages. @advice is for a
 * program that has no -o; a constant. Until then, to choose another place with that.
 */
void file_place_advise(const char *advice);
const char *file_place_advice(void);

/* -1, with @problem filled: @path (NULL: standard output) cannot be written because of @err. */
int file_place_problem(const char *path, int err, struct problem *problem);

#endif
