// SPDX-License-Identifier: GPL-2.0-only
/*
 * Standard files that are closed, and the soft limit of open files.
 */
#include "open_files.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#define ENOUGH 4096

static struct rlimit before;
static bool raised;

void open_files_begin(void)
{
	/* Opened the wrong way round, it gives EBADF to whoever uses it. The lowest number is taken. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", (fd ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
}

void open_files_raise(void)
{
	struct rlimit limit;

	if (raised || getrlimit(RLIMIT_NOFILE, &before))
		return;
	limit = before;
	limit.rlim_cur = limit.rlim_max;
	raised = !setrlimit(RLIMIT_NOFILE, &limit);
}

void open_files_restore(void)
{
	if (raised)
		setrlimit(RLIMIT_NOFILE, &before);
}

bool open_files_spent(int err)
{
	return err == -EMFILE;
}

int open_files_problem(struct problem *problem)
{
	struct rlimit limit = {};

	getrlimit(RLIMIT_NOFILE, &limit);
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot go on: %llu open files are too few, since each program, map and "
			   "capture is one. Allow more (ulimit -n %u)",
			   (unsigned long long)limit.rlim_cur, ENOUGH);
}
