// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has the lock (flock) records; it goes with the recorder, however that ends.
 */
#include "capture_place.h"
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

/* Is what is open still what is at the place? */
static bool is_there(const struct capture_place *place)
{
	struct stat open, there;

	return !fstat(place->fd, &open) && S_ISREG(open.st_mode) &&
	       !file_place_stat(&place->place, &there) && same(&open, &there);
}

static void drop(struct capture_place *place)
{
	if (place->fd >= 0)
		close(place->fd);
	place->fd = -1;
}

/* 0; -EWOULDBLOCK: somebody else has it. Where there are no locks there is nobody to ask. */
static int lock(const struct capture_place *place)
{
	return flock(place->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK ? -EWOULDBLOCK : 0;
}

/* 0, -EAGAIN when it came or went meanwhile, or another negative errno. */
static int open_and_lock(struct capture_place *place, bool make)
{
	int err;

	place->fd = file_place_open(&place->place, OPEN_FLAGS, 0);
	if (place->fd == -ENOENT && make) {
		place->fd = file_place_open(&place->place, OPEN_FLAGS | O_CREAT | O_EXCL, 0600);
		place->made = place->fd >= 0;
	}
	if (place->fd < 0) {
		err = place->fd;
		place->fd = -1;
		return make && err == -EEXIST ? -EAGAIN : err;
	}
	err = lock(place) ?: is_there(place) ? 0 : -EAGAIN;
	if (err) {
		place->made = false;
		drop(place);
	}
	return err;
}

static int claim(struct capture_place *place, bool make, struct problem *problem)
{
	int err = -EAGAIN;

	for (int i = 0; i < TRIES && err == -EAGAIN; i++)
		err = open_and_lock(place, make);
	if (err == -EWOULDBLOCK || err == -EAGAIN)
		return problem_set(problem, EXIT_USAGE,
				   "cannot record to %s: another recorder writes to it. Choose "
				   "another place with -o",
				   place->place.path);
	if (err == -ENOENT && !make)
		return 0;
	if (err)
		return problem_set(problem, EXIT_USAGE,
				   "cannot record to %s: %s. Choose another place with -o",
				   place->place.path, strerror(-err));
	return 0;
}

int capture_place_claim(struct capture_place *place, const char *path, struct problem *problem)
{
	int err;

	*place = (struct capture_place){ .fd = -1 };
	if (file_place_find(&place->place, path, problem))
		return -1;
	if (place->place.exists && !S_ISREG(place->place.st.st_mode))
		return problem_set(problem, EXIT_USAGE,
				   "cannot record to %s: it is no regular file. Choose another "
				   "place with -o",
				   path);
	if (place->place.exists)
		return claim(place, false, problem);
	err = file_place_check_dir(&place->place);
	return err ? file_place_problem(path, -err, problem) : 0;
}

int capture_place_make(struct capture_place *place, struct problem *problem)
{
	return place->fd < 0 ? claim(place, true, problem) : 0;
}

int capture_place_empty(struct capture_place *place)
{
	return ftruncate(place->fd, 0) ? -errno : 0;
}

const char *capture_place_lost(const struct capture_place *place, __u64 nbytes)
{
	struct stat ours, there;
	int err = file_place_stat(&place->place, &there);

	if (fstat(place->fd, &ours) || (err && err != -ENOENT))
		return NULL; /* writing will tell */
	if (!err && !same(&ours, &there))
		return "another file was put in its place";
	if (err)
		return ours.st_nlink ? "it was moved elsewhere" : "it was removed";
	if ((__u64)ours.st_size < nbytes)
		return "it was truncated";
	return (__u64)ours.st_size > nbytes ? "something else has written to it" : NULL;
}

void capture_place_leave(struct capture_place *place)
{
	if (place->fd >= 0 && place->made && !place->kept && is_there(place))
		unlinkat(place->place.dir, place->place.name, 0);
	drop(place);
	file_place_close(&place->place);
}
