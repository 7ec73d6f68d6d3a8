// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes by their numbers, with real ones. What PID namespaces do to them is tested in the lab.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/process.h"
#include "unit.h"

static void *find_group(void *found)
{
	*(pid_t *)found = process_group(syscall(SYS_gettid));
	return NULL;
}

static void test_threads_belong_to_a_process(void **state)
{
	pthread_t thread;
	pid_t found = 0;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, find_group, &found), 0);
	pthread_join(thread, NULL);
	assert_int_equal(found, getpid());
	assert_int_equal(process_group(getpid()), getpid());
}

static void test_no_process(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	assert_int_equal(process_group(pid), 0);
}

static char stack[16384];

static int wait_for_signal(void *unused)
{
	(void)unused;
	pause();
	return 0;
}

static pid_t child(int flags)
{
	return clone(wait_for_signal, stack + sizeof(stack), flags | SIGCHLD, NULL);
}

static void test_memory_belongs_to_the_first(void **state)
{
	pid_t pid = child(CLONE_VM);

	(void)state;
	assert_int_equal(process_of_memory(pid), getpid());
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pid = child(0);
	assert_int_equal(process_of_memory(pid), pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_belong_to_a_process),
		cmocka_unit_test(test_no_process),
		cmocka_unit_test(test_memory_belongs_to_the_first),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
