// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fork, gate, exec, and the errno of a failed exec through a pipe that a good one closes.
 */
#include "child.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

static bool in_path(const char *program)
{
	const char *dir = getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin";
	char path[4096];
	size_t len;

	do {
		len = strcspn(dir, ":");
		snprintf(path, sizeof(path), "%.*s/%s", len ? (int)len : 1, len ? dir : ".",
			 program);
		if (is_program(path))
			return true;
		dir += len;
	} while (*dir++);
	return false;
}

int child_check(const char *program, struct problem *problem)
{
	if (strchr(program, '/') ? is_program(program) : in_path(program))
		return 0;
	return problem_set(problem, EXIT_USAGE,
			   "cannot run %s: no such program. Check its name, or give its whole path",
			   program);
}

static void __attribute__((noreturn)) run(struct child *child, int gate, int report, char **argv)
{
	sigset_t none;
	char go;

	close(child->gate);
	close(child->report);
	/* Nothing is ever written: the end of file is the sign, also if the tracer has died. */
	while (read(gate, &go, 1) < 0 && errno == EINTR)
		;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	if (write(report, &errno, sizeof(errno)) < 0)
		perror(argv[0]);
	_exit(127);
}

int child_make(struct child *child, char **argv, struct problem *problem)
{
	int gate[2], report[2];

	if (pipe2(gate, O_CLOEXEC) || pipe2(report, O_CLOEXEC))
		return problem_set(problem, EXIT_IMPOSSIBLE, "cannot run %s: %s", argv[0],
				   strerror(errno));
	child->gate = gate[1];
	child->report = report[0];
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	child->pid = fork();
	if (!child->pid)
		run(child, gate[0], report[1], argv);
	close(gate[0]);
	close(report[1]);
	if (child->pid < 0) {
		child->pid = 0;
		return problem_set(problem, EXIT_IMPOSSIBLE, "cannot run %s: %s", argv[0],
				   strerror(errno));
	}
	return 0;
}

int child_go(struct child *child, const char *program, struct problem *problem)
{
	ssize_t n;
	int err;

	close(child->gate);
	do
		n = read(child->report, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	close(child->report);
	if (n != sizeof(err))
		return 0;
	return problem_set(problem, EXIT_USAGE, "cannot run %s: %s", program, strerror(err));
}

bool child_reap(struct child *child)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != child->pid)
			continue;
		child->ended = true;
		child->status = status;
	}
	return child->ended;
}

void child_end(struct child *child)
{
	if (child->pid && !child->ended)
		kill(child->pid, SIGTERM);
}
