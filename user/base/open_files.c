// SPDX-License-Identifier: GPL-2.0-only
/*
 * The soft limit of open files.
 */
#include "open_files.h"
#include <errno.h>
#include <sys/resource.h>

#define ENOUGH 4096

static struct rlimit before;
static bool raised;

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
