// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has the lock (flock) records; it goes with the recorder, however that ends.
 */
#include "capture_destination.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define TRIES 10 /* of a file that comes and goes */

/* Each write goes to the end: one that was truncated must not get a hole. */
#define OPEN_FLAGS (O_WRONLY | O_APPEND | O_NONBLOCK)

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Is what is open still what is there? */
static bool is_there(const struct capture_destination *destination)
{
	struct stat open, there;

	return !fstat(destination->fd, &open) && S_ISREG(open.st_mode) &&
	       !destination_stat(&destination->at, &there) && same(&open, &there);
}

static void drop(struct capture_destination *destination)
{
	if (destination->fd >= 0)
		close(destination->fd);
	destination->fd = -1;
}

/* 0; -EWOULDBLOCK: somebody else has it. Where there are no locks there is nobody to ask. */
static int lock(const struct capture_destination *destination)
{
	return flock(destination->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK ? -EWOULDBLOCK : 0;
}

/* 0, -EAGAIN when it came or went meanwhile, or another negative errno. */
static int open_and_lock(struct capture_destination *destination, bool make)
{
	int err;

	destination->fd = destination_open(&destination->at, OPEN_FLAGS, 0);
	if (destination->fd == -ENOENT && make) {
		destination->fd =
			destination_open(&destination->at, OPEN_FLAGS | O_CREAT | O_EXCL, 0600);
		destination->made = destination->fd >= 0;
	}
	if (destination->fd < 0) {
		err = destination->fd;
		destination->fd = -1;
		return make && err == -EEXIST ? -EAGAIN : err;
	}
	err = lock(destination) ?: is_there(destination) ? 0 : -EAGAIN;
	if (err) {
		destination->made = false;
		drop(destination);
	}
	return err;
}

static int claim(struct capture_destination *destination, bool make, struct problem *problem)
{
	int err = -EAGAIN;

	for (int i = 0; i < TRIES && err == -EAGAIN; i++)
		err = open_and_lock(destination, make);
	if (err == -EWOULDBLOCK || err == -EAGAIN)
		return problem_set(problem, EXIT_USAGE,
				   "cannot record to %s: another recorder writes to it. Choose "
				   "another place with -o",
				   destination->at.path);
	if (err == -ENOENT && !make)
		return 0;
	if (err)
		return problem_set(problem, EXIT_USAGE,
				   "cannot record to %s: %s. Choose another place with -o",
				   destination->at.path, strerror(-err));
	return 0;
}

int capture_destination_claim(struct capture_destination *destination, const char *path,
			      struct problem *problem)
{
	int err;

	*destination = (struct capture_destination){ .fd = -1 };
	if (destination_find(&destination->at, path, problem))
		return -1;
	if (destination->at.exists && !S_ISREG(destination->at.st.st_mode))
		return problem_set(problem, EXIT_USAGE,
				   "cannot record to %s: it is no regular file. Choose another "
				   "place with -o",
				   path);
	if (destination->at.exists)
		return claim(destination, false, problem);
	err = destination_check_dir(&destination->at);
	return err ? destination_problem(path, -err, problem) : 0;
}

int capture_destination_make(struct capture_destination *destination, struct problem *problem)
{
	return destination->fd < 0 ? claim(destination, true, problem) : 0;
}

int capture_destination_empty(struct capture_destination *destination)
{
	return ftruncate(destination->fd, 0) ? -errno : 0;
}

const char *capture_destination_lost(const struct capture_destination *destination, __u64 nbytes)
{
	struct stat ours, there;
	int err = destination_stat(&destination->at, &there);

	if (fstat(destination->fd, &ours) || (err && err != -ENOENT))
		return NULL; /* writing will tell */
	if (!err && !same(&ours, &there))
		return "another file was put in its place";
	if (err)
		return ours.st_nlink ? "it was moved elsewhere" : "it was removed";
	if ((__u64)ours.st_size < nbytes)
		return "it was truncated";
	return (__u64)ours.st_size > nbytes ? "something else has written to it" : NULL;
}

void capture_destination_leave(struct capture_destination *destination)
{
	if (destination->fd >= 0 && destination->made && !destination->kept &&
	    is_there(destination))
		unlinkat(destination->at.dir, destination->at.name, 0);
	drop(destination);
	destination_close(&destination->at);
}
