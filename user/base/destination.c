// SPDX-License-Identifier: GPL-2.0-only
/*
 * A walk along a path, directory by directory, so that what was looked at is what is used.
 */
#include "destination.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel */

/* The walk so far is destination->dir. */
struct walk {
	struct destination *destination;
	char *rest; /* of the path */
	unsigned int links;
	bool others; /* something of another user was in the way */
	bool done;
};

static int out_of_space(const char *name, int err, struct problem *problem)
{
	if (err == EFBIG)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot write %s: it would be larger than files may be. Raise "
				   "the limit (ulimit -f)",
				   name);
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot write %s: the disk is full. Make room and try again", name);
}

static const char *advice = "Choose another place with -o";

void destination_advise(const char *other)
{
	advice = other;
}

const char *destination_advice(void)
{
	return advice;
}

int destination_problem(const char *path, int err, struct problem *problem)
{
	const char *name = path ?: "standard output";

	if (!*name)
		return problem_set(problem, EXIT_USAGE, "-o: the file has no name. Give it one");
	if (err == ENOSPC || err == EDQUOT || err == EFBIG)
		return out_of_space(name, err, problem);
	if (err == EPIPE)
		return problem_set(problem, EXIT_PIPE, "cannot write %s: %s", name, strerror(err));
	return problem_set(problem, err == EIO ? EXIT_IMPOSSIBLE : EXIT_USAGE,
			   "cannot write %s: %s. %s", name, strerror(err), advice);
}

/* Who may write to the directory could have put @st there to lead us elsewhere. */
static bool is_trusted(int dir, const struct stat *st)
{
	struct stat parent;

	if (fstat(dir, &parent))
		return false;
	if (!(parent.st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	/* Perhaps a file from elsewhere, of one who could not write to it. */
	if (parent.st_mode & S_IWOTH && S_ISREG(st->st_mode) && st->st_nlink > 1)
		return false;
	return st->st_uid == geteuid() || st->st_uid == parent.st_uid || !st->st_uid;
}

static bool is_proc(int dir)
{
	struct statfs fs;

	return !fstatfs(dir, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

static int enter(struct walk *walk, int from, const char *name)
{
	int dir = openat(from, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	destination_close(walk->destination);
	walk->destination->dir = dir;
	return 0;
}

/* Go on with what the link says, and then with what came @after it. */
static int follow(struct walk *walk, const char *after)
{
	char target[PATH_MAX], *rest;
	ssize_t len = readlinkat(walk->destination->dir, walk->destination->name, target,
				 sizeof(target) - 1);

	if (len < 0)
		return -errno;
	target[len] = 0;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if (asprintf(&rest, "%s%s", target, after) < 0)
		return -ENOMEM;
	free(walk->rest);
	walk->rest = rest;
	return *target == '/' ? enter(walk, AT_FDCWD, "/") : 0;
}

/* The name that comes next to destination->name. What is after it goes to @after. */
static int take_name(struct walk *walk, const char **after)
{
	const char *name = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(name, "/");

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	snprintf(walk->destination->name, sizeof(walk->destination->name), "%.*s",
		 len ? (int)len : 1, len ? name : ".");
	*after = name + len;
	return 0;
}

/* The last name of all is that of the file, with nothing @after it. */
static int arrive(struct walk *walk, const char *after)
{
	walk->done = true;
	walk->destination->exists = true;
	walk->destination->by_fd = S_ISLNK(walk->destination->st.st_mode);
	if (*after && !S_ISDIR(walk->destination->st.st_mode))
		return -ENOTDIR;
	return walk->destination->by_fd
		       ? destination_stat(walk->destination, &walk->destination->st)
		       : 0;
}

static int step(struct walk *walk)
{
	struct destination *destination = walk->destination;
	struct stat *st = &destination->st;
	const char *after;
	bool last;
	int err = take_name(walk, &after);

	if (err)
		return err;
	last = !after[strspn(after, "/")];
	if (fstatat(destination->dir, destination->name, st, AT_SYMLINK_NOFOLLOW)) {
		walk->done = errno == ENOENT && last && !*after;
		return walk->done ? 0 : -errno;
	}
	walk->others = (S_ISLNK(st->st_mode) || (last && !S_ISDIR(st->st_mode))) &&
		       !is_trusted(destination->dir, st);
	if (walk->others)
		return -EPERM;
	if (S_ISLNK(st->st_mode) && !(last && is_proc(destination->dir)))
		return follow(walk, after);
	if (last)
		return arrive(walk, after);
	err = enter(walk, destination->dir, destination->name);
	memmove(walk->rest, after, strlen(after) + 1);
	return err;
}

int destination_find(struct destination *destination, const char *path, struct problem *problem)
{
	struct walk walk = { .destination = destination, .rest = strdup(path) };
	int err;

	*destination = (struct destination){ .path = path, .dir = -1 };
	if (!*path)
		err = -ENOENT;
	else
		err = walk.rest ? enter(&walk, AT_FDCWD, *path == '/' ? "/" : ".") : -ENOMEM;
	while (!err && !walk.done)
		err = step(&walk);
	free(walk.rest);
	if (walk.others)
		return problem_set(problem, EXIT_USAGE,
				   "cannot write %s: others may write to its directory, and have "
				   "put a file or link of theirs there. %s",
				   path, advice);
	return err ? destination_problem(path, -err, problem) : 0;
}

void destination_close(struct destination *destination)
{
	if (destination->dir >= 0)
		close(destination->dir);
	destination->dir = -1;
}

int destination_open(const struct destination *destination, int flags, mode_t mode)
{
	int fd = openat(destination->dir, destination->name,
			flags | O_CLOEXEC | (destination->by_fd ? 0 : O_NOFOLLOW), mode);

	return fd < 0 ? -errno : fd;
}

int destination_stat(const struct destination *destination, struct stat *st)
{
	int flags = destination->by_fd ? 0 : AT_SYMLINK_NOFOLLOW;

	return fstatat(destination->dir, destination->name, st, flags) ? -errno : 0;
}

bool destination_is_file(const struct destination *destination)
{
	return !destination->exists || (S_ISREG(destination->st.st_mode) && !destination->by_fd);
}

int destination_check_dir(const struct destination *destination)
{
	return faccessat(destination->dir, ".", W_OK | X_OK, 0) ? -errno : 0;
}
