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
#include "open_files.h"

/* 0, or a negative errno that says what is wrong with @path. */
static int check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) && !access(path, X_OK) ? 0 : -EACCES;
}

/* As execvp() does: what cannot be executed is passed over, but remembered. */
static int check_in_path(const char *program)
{
	const char *dir = getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin";
	int err = -ENOENT, found;
	char path[4096];
	size_t len;

	do {
		len = strcspn(dir, ":");
		snprintf(path, sizeof(path), "%.*s/%s", len ? (int)len : 1, len ? dir : ".",
			 program);
		found = check_program(path);
		if (!found)
			return 0;
		if (found == -EACCES)
			err = found;
		dir += len;
	} while (*dir++);
	return err;
}

int child_check(const char *program, struct problem *problem)
{
	int err = strchr(program, '/') ? check_program(program) : check_in_path(program);

	if (!err)
		return 0;
	if (err == -EACCES)
		return problem_set(
			problem, EXIT_USAGE,
			"cannot run %s: it is not executable. Allow that (chmod +x), or give "
			"it to its interpreter",
			program);
	if (err == -EISDIR)
		return problem_set(problem, EXIT_USAGE,
				   "cannot run %s: it is a directory. Give a program", program);
	return problem_set(problem, EXIT_USAGE,
			   "cannot run %s: no such program. Check its name, or give its whole path",
			   program);
}

/* What a child that cannot be what it was to be says. */
struct failure {
	int err; /* an errno */
	bool of_user; /* it did not become the user */
};

static void __attribute__((noreturn))
run(const sigset_t *mask, const struct child_user *user, int gate, int report, char **argv)
{
	struct failure failure = {};
	ssize_t n;
	char go;

	do
		n = read(gate, &go, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1) /* the tracer has died: without it, nothing is to happen */
		_exit(127);
	sigprocmask(SIG_SETMASK, mask, NULL);
	open_files_restore();
	if (user)
		failure.err = -child_user_become(user);
	failure.of_user = failure.err;
	if (!failure.err) {
		execvp(argv[0], argv);
		failure.err = errno;
	}
	if (write(report, &failure, sizeof(failure)) < 0)
		perror(argv[0]);
	_exit(127);
}

int child_make(struct child *child, char **argv, const struct child_user *user,
	       const sigset_t *mask, struct problem *problem)
{
	int gate[2], report[2];

	if (pipe2(gate, O_CLOEXEC) || pipe2(report, O_CLOEXEC))
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot run %s: %s. End something and try again", argv[0],
				   strerror(errno));
	child->gate = gate[1];
	child->report = report[0];
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	child->pid = fork();
	if (!child->pid) {
		close(gate[1]);
		close(report[0]);
		run(mask, user, gate[0], report[1], argv);
	}
	close(gate[0]);
	close(report[1]);
	if (child->pid < 0) {
		child->pid = 0;
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot run %s: %s. End something and try again", argv[0],
				   strerror(errno));
	}
	return 0;
}

static int not_run(const char *program, const struct child_user *user,
		   const struct failure *failure, struct problem *problem)
{
	const char *reason = strerror(failure->err);

	if (failure->of_user)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot run %s as %s: %s. Run it where users can be changed",
				   program, child_user_name(user), reason);
	if (user)
		return problem_set(problem, EXIT_USAGE,
				   "cannot run %s as %s: %s. Check the program, the interpreter it "
				   "names, and whether that user may run them",
				   program, child_user_name(user), reason);
	return problem_set(problem, EXIT_USAGE,
			   "cannot run %s: %s. Check the program, and the interpreter it names",
			   program, reason);
}

int child_go(struct child *child, const char *program, const struct child_user *user,
	     struct problem *problem)
{
	struct failure failure;
	ssize_t n;

	/* A child that was killed at the gate is reaped as any other: no error here. */
	n = write(child->gate, "", 1);
	close(child->gate);
	do
		n = read(child->report, &failure, sizeof(failure));
	while (n < 0 && errno == EINTR);
	close(child->report);
	return n == sizeof(failure) ? not_run(program, user, &failure, problem) : 0;
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
