// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines at the end of a file.
 */
#include "history.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>
#include "base/destination.h"

/* 1: the file is empty, or its last line has an end; 0: it has none; or a negative errno. */
static int ends_well(int fd, const struct stat *st)
{
	char last;
	ssize_t n;

	if (!st->st_size)
		return 1;
	n = pread(fd, &last, 1, st->st_size - 1);
	return n < 0 ? -errno : n == 1 && last == '\n';
}

/* All or nothing. 0 or a negative errno. */
static int write_line(int fd, const struct stat *st, const char *line, size_t len)
{
	int err = 0;

	for (ssize_t n = 0; len && !err; line += n, len -= (size_t)n) {
		n = write(fd, line, len);
		if (n < 0) {
			err = -errno;
			n = 0;
		}
	}
	if (err && ftruncate(fd, st->st_size))
		return -errno;
	return err;
}

/* @fd is the only one that writes. */
static int append(int fd, const char *path, const char *line, size_t len, struct problem *problem)
{
	struct stat st;
	int err = flock(fd, LOCK_EX) || fstat(fd, &st) ? -errno : 0;

	if (!err)
		err = ends_well(fd, &st);
	if (err == 0)
		return problem_set(problem, EXIT_USAGE,
				   "%s: its last line has no end, so that it is no history. Give "
				   "--append another file",
				   path);
	if (err > 0)
		err = write_line(fd, &st, line, len);
	return err ? destination_problem(path, -err, problem) : 0;
}

int history_append(const char *path, const char *line, size_t len, struct problem *problem)
{
	const char *advice = destination_advice();
	struct destination destination;
	int err, fd = -1;

	destination_advise("Give --append another file");
	err = destination_find(&destination, path, problem);

	signal(SIGXFSZ, SIG_IGN); /* seen as EFBIG, or a line that is cut */
	if (!err && !destination_is_file(&destination))
		err = problem_set(problem, EXIT_USAGE,
				  "%s: not a file. Give --append one, or a name for one", path);
	if (!err) {
		fd = destination_open(&destination, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
		err = fd < 0 ? destination_problem(path, -fd, problem)
			     : append(fd, path, line, len, problem);
	}
	if (fd >= 0)
		close(fd);
	destination_close(&destination);
	destination_advise(advice); /* of -o */
	return err;
}
