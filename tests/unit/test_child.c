// SPDX-License-Identifier: GPL-2.0-only
/*
 * The traced command: found or not, held at the gate, run as if it had been started by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/child.h"
#include "base/privilege.h"
#include "unit.h"

/* A directory of its own for each test, with these files in it. */
static char dir[64], program[96], text[96], marker[96];

static void make_file(const char *path, const char *content, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(content, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/gmem-child.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(program, sizeof(program), "%s/program", dir);
	snprintf(text, sizeof(text), "%s/text", dir);
	snprintf(marker, sizeof(marker), "%s/marker", dir);
	make_file(program, "#!/bin/sh\n", 0755);
	make_file(text, "text\n", 0644);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(program);
	unlink(text);
	unlink(marker);
	return rmdir(dir);
}

static void check_says(const char *name, const char *said)
{
	struct problem problem = {};

	assert_int_equal(child_check(name, &problem), -1);
	assert_int_equal(problem.status, EXIT_USAGE);
	assert_non_null(strstr(problem.text, name));
	if (!strstr(problem.text, said))
		fail_msg("%s: \"%s\", not \"%s\"", name, problem.text, said);
}

static void test_check_paths(void **state)
{
	struct problem problem;
	char missing[96];

	(void)state;
	snprintf(missing, sizeof(missing), "%s/missing", dir);
	assert_int_equal(child_check(program, &problem), 0);
	check_says(missing, "no such program");
	check_says(text, "not executable");
	check_says(dir, "a directory");
	check_says("/dev/null", "not executable");
}

static void test_check_path_variable(void **state)
{
	const char *const old = getenv("PATH");
	char *path = strdup(old ?: ""), value[160];
	struct problem problem;

	(void)state;
	snprintf(value, sizeof(value), "/nonexistent:%s", dir);
	setenv("PATH", value, 1);
	assert_int_equal(child_check("program", &problem), 0);
	check_says("text", "not executable");
	check_says("sh", "no such program");
	check_says("", "no such program");
	/* An empty part is the current directory, and so it is without any. */
	assert_int_equal(chdir(dir), 0);
	setenv("PATH", "/nonexistent:", 1);
	assert_int_equal(child_check("program", &problem), 0);
	unsetenv("PATH");
	assert_int_equal(child_check("sh", &problem), 0);
	setenv("PATH", path, 1);
	assert_int_equal(chdir("/"), 0);
	free(path);
}

/* Wait until the child itself has ended; return its status, as waitpid() gives it. */
static int reap(struct child *child)
{
	while (!child_reap(child))
		usleep(1000);
	assert_true(child->ended);
	return child->status;
}

static void make_shell(struct child *child, const char *script, const sigset_t *mask)
{
	char *argv[] = { "sh", "-c", (char *)script, "sh", marker, NULL };
	struct problem problem;

	*child = (struct child){};
	assert_int_equal(child_make(child, argv, NULL, mask, &problem), 0);
	assert_true(child->pid > 0);
}

/* Run @script, with $1 the path of the marker; return the status. */
static int run_shell(const char *script, const sigset_t *mask)
{
	struct problem problem;
	struct child child;

	make_shell(&child, script, mask);
	assert_int_equal(child_go(&child, "sh", NULL, &problem), 0);
	return reap(&child);
}

static const sigset_t *no_signals(void)
{
	static sigset_t none;

	sigemptyset(&none);
	return &none;
}

static void test_it_waits_at_the_gate(void **state)
{
	struct problem problem;
	struct child child;

	(void)state;
	make_shell(&child, "touch $1; exit 7", no_signals());
	usleep(100000);
	assert_false(child_reap(&child));
	assert_int_equal(access(marker, F_OK), -1);
	assert_int_equal(child_go(&child, "sh", NULL, &problem), 0);
	assert_int_equal(WEXITSTATUS(reap(&child)), 7);
	assert_int_equal(access(marker, F_OK), 0);
}

/* When the tracer dies, its end of the gate is closed. */
static void test_without_tracer_it_does_not_run(void **state)
{
	struct child child;

	(void)state;
	make_shell(&child, "touch $1", no_signals());
	close(child.gate);
	assert_int_equal(WEXITSTATUS(reap(&child)), 127);
	assert_int_equal(access(marker, F_OK), -1);
	close(child.report);
}

static void test_killed(void **state)
{
	int status = run_shell("kill -KILL $$", no_signals());

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* Also at the gate, where a killed child is an ended one and no error. */
static void test_killed_at_the_gate(void **state)
{
	struct problem problem;
	struct child child;

	(void)state;
	make_shell(&child, "touch $1", no_signals());
	kill(child.pid, SIGKILL);
	waitid(P_PID, child.pid, NULL, WEXITED | WNOWAIT);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(child_go(&child, "sh", NULL, &problem), 0);
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(WTERMSIG(reap(&child)), SIGKILL);
	assert_int_equal(access(marker, F_OK), -1);
}

static void test_signals_are_as_before(void **state)
{
	sigset_t block, old;
	int status;

	(void)state;
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &old);
	/* Blocked by the tracer, not before. */
	status = run_shell("kill -TERM $$; exit 3", &old);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	/* Blocked before already. */
	status = run_shell("kill -TERM $$; exit 3", &block);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_exec_fails(void **state)
{
	char *argv[] = { program, NULL };
	struct child child = {};
	struct problem problem;

	(void)state;
	make_file(program, "#!/no/such/interpreter\n", 0755);
	assert_int_equal(child_check(program, &problem), 0);
	assert_int_equal(child_make(&child, argv, NULL, no_signals(), &problem), 0);
	assert_int_equal(child_go(&child, program, NULL, &problem), -1);
	assert_int_equal(problem.status, EXIT_USAGE);
	assert_non_null(strstr(problem.text, program));
	assert_non_null(strstr(problem.text, strerror(ENOENT)));
	assert_int_equal(WEXITSTATUS(reap(&child)), 127);
}

/* Orphans of the tree come to the tracer, and are not taken for the child. */
static void test_orphans_are_reaped(void **state)
{
	struct problem problem;
	struct child child;

	(void)state;
	make_shell(&child,
		   "(sh -c 'touch $0; exit 9' $1 & ) ; while ! test -e $1; do :; done; "
		   "sleep 0.05; exit 4",
		   no_signals());
	assert_int_equal(child_go(&child, "sh", NULL, &problem), 0);
	assert_int_equal(WEXITSTATUS(reap(&child)), 4);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void test_end(void **state)
{
	struct child child, none = {};
	struct problem problem;
	int status;

	(void)state;
	child_end(&none); /* must not kill a process group */
	make_shell(&child, "exec sleep 1000", no_signals());
	assert_int_equal(child_go(&child, "sh", NULL, &problem), 0);
	child_end(&child);
	status = reap(&child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	child_end(&child);
}

static int need_root(void)
{
	return privilege_has(CAP_SETUID) && privilege_has(CAP_SETGID) ? 0 : -1;
}

/* Run @script as @name, with $1 the path of the marker; its exit status. */
static int run_as(const char *name, const char *script)
{
	char *argv[] = { "sh", "-c", (char *)script, "sh", marker, NULL };
	struct problem problem = {};
	struct child child = {};
	struct child_user *user = child_user_find(name, &problem);
	int status;

	assert_non_null(user);
	assert_string_equal(child_user_name(user), name);
	assert_int_equal(child_make(&child, argv, user, no_signals(), &problem), 0);
	assert_int_equal(child_go(&child, "sh", user, &problem), 0);
	status = reap(&child);
	child_user_free(user);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Its ids, all of its groups and none of the tracer's, no capability, its environment. */
static void test_as_another_user(void **state)
{
	static const char script[] =
		"test \"$(id -u):$(id -g):$(id -G)\" = \"$WANTED\" || exit 1; "
		"! grep -E '^Cap(Inh|Prm|Eff|Amb):.*[1-9a-f]' /proc/self/status || exit 2; "
		"test \"$USER $LOGNAME $HOME $KEPT ${XDG_RUNTIME_DIR-none}\" = \"$NAMES\" || exit 3";
	const struct passwd *daemon = getpwnam("daemon");
	char wanted[64], names[160], number[16];

	(void)state;
	if (need_root() || !daemon)
		skip();
	snprintf(wanted, sizeof(wanted), "%u:%u:%u", daemon->pw_uid, daemon->pw_gid,
		 daemon->pw_gid);
	snprintf(names, sizeof(names), "daemon daemon %s kept none", daemon->pw_dir);
	snprintf(number, sizeof(number), "%u", daemon->pw_uid);
	setenv("WANTED", wanted, 1);
	setenv("NAMES", names, 1);
	setenv("KEPT", "kept", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/0", 1);
	assert_int_equal(run_as("daemon", script), 0);
	assert_int_equal(run_as(number, script), 0);
	assert_int_equal(geteuid(), 0);
	assert_string_equal(getenv("XDG_RUNTIME_DIR"), "/run/user/0");
	unsetenv("XDG_RUNTIME_DIR");
}

/* What the tracer may, and the user may not. */
static void test_user_may_not(void **state)
{
	char *argv[] = { program, NULL };
	struct problem problem = {};
	struct child child = {};
	struct child_user *user;

	(void)state;
	if (need_root())
		skip();
	assert_int_equal(run_as("daemon", "touch $1 2>/dev/null"), 1);
	assert_int_equal(access(marker, F_OK), -1);
	user = child_user_find("daemon", &problem);
	assert_non_null(user);
	assert_int_equal(chmod(program, 0700), 0);
	assert_int_equal(child_make(&child, argv, user, no_signals(), &problem), 0);
	assert_int_equal(child_go(&child, program, user, &problem), -1);
	assert_int_equal(problem.status, EXIT_USAGE);
	assert_non_null(strstr(problem.text, "as daemon: Permission denied. "));
	assert_int_equal(WEXITSTATUS(reap(&child)), 127);
	child_user_free(user);
}

static void test_no_such_user(void **state)
{
	static const char *const names[] = { "",	   "no-such-user",
					     "-1",	   "99999999999999999999",
					     "4294967295", "1x" };
	struct problem problem;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_null(child_user_find(names[i], &problem));
		assert_int_equal(problem.status, EXIT_USAGE);
		assert_non_null(strstr(problem.text, "no such user"));
	}
}

static bool has_only(int capability)
{
	for (int i = 0; i < 64; i++)
		if (privilege_has(i) != (i == capability))
			return false;
	return true;
}

/* In a process of its own: it is for good. */
static void test_capabilities_are_given_up(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (need_root())
		skip();
	pid = fork();
	if (!pid) {
		privilege_keep(CAPABILITY(KILL));
		_exit(!has_only(CAP_KILL) || prctl(PR_CAPBSET_READ, CAP_SETUID) ||
		      prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int open_files(int without_flags)
{
	int count = 0, flags;

	for (int fd = 0; fd < 256; fd++) {
		flags = fcntl(fd, F_GETFD);
		count += flags != -1 && !(flags & without_flags);
	}
	return count;
}

static void test_no_descriptor_is_left(void **state)
{
	int before = open_files(0);
	char script[80];

	(void)state;
	/* What it inherits without us, and the one that ls itself opens. */
	snprintf(script, sizeof(script), "test $(ls /proc/self/fd | wc -l) = %d",
		 open_files(FD_CLOEXEC) + 1);
	assert_int_equal(WEXITSTATUS(run_shell(script, no_signals())), 0);
	assert_int_equal(open_files(0), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_check_paths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_check_path_variable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_it_waits_at_the_gate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_tracer_it_does_not_run, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_killed_at_the_gate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_signals_are_as_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exec_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_orphans_are_reaped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_as_another_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_user_may_not, set_up, tear_down),
		cmocka_unit_test(test_no_such_user),
		cmocka_unit_test(test_capabilities_are_given_up),
		cmocka_unit_test_setup_teardown(test_no_descriptor_is_left, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
