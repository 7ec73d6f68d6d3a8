// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a report goes: a file that is whole or not there, and what is said when it cannot be.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/output.h"
#include "unit.h"

static char dir[64], report[96];

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/gmem-output.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(report, sizeof(report), "%s/report", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(report);
	return rmdir(dir); /* fails when anything else is left */
}

static int files(void)
{
	DIR *stream = opendir(dir);
	int count = 0;

	assert_non_null(stream);
	while (readdir(stream))
		count++;
	closedir(stream);
	return count - 2;
}

static void assert_content(const char *expected)
{
	char content[64] = "";
	FILE *file = fopen(report, "r");

	assert_non_null(file);
	content[fread(content, 1, sizeof(content) - 1, file)] = 0;
	fclose(file);
	assert_string_equal(content, expected);
}

static void write_report(const char *content)
{
	struct problem problem;
	struct output output;

	assert_int_equal(output_check(report, &problem), 0);
	assert_int_equal(output_open(&output, report, 0, &problem), 0);
	fputs(content, output.file);
	assert_int_equal(output_commit(&output, &problem), 0);
	output_abort(&output); /* harmless */
}

static void test_check_makes_nothing(void **state)
{
	struct problem problem;

	(void)state;
	assert_int_equal(output_check(report, &problem), 0);
	assert_int_equal(output_check(NULL, &problem), 0);
	assert_int_equal(output_check("/dev/full", &problem), 0);
	assert_int_equal(files(), 0);
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(output_check("report", &problem), 0);
	assert_int_equal(chdir("/"), 0);
}

static void test_check_complains(void **state)
{
	static const struct {
		const char *path, *said;
	} table[] = {
		{ "/no/such/report", "No such file" },
		{ "/dev/null/report", "Not a directory" },
		{ "/", "Is a directory" },
		{ "", "no name" },
	};
	struct problem problem;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(output_check(table[i].path, &problem), -1);
		assert_int_equal(problem.status, EXIT_USAGE);
		assert_non_null(strstr(problem.text, table[i].path));
		assert_non_null(strstr(problem.text, table[i].said));
	}
}

static void test_whole_or_not_there(void **state)
{
	struct problem problem;
	struct output output;

	(void)state;
	assert_int_equal(output_open(&output, report, 0, &problem), 0);
	fputs("half", output.file);
	fflush(output.file);
	assert_int_equal(access(report, F_OK), -1);
	fputs(" and half", output.file);
	assert_int_equal(output_commit(&output, &problem), 0);
	assert_content("half and half");
	assert_int_equal(files(), 1);
}

static void test_the_old_one_stays_until_the_end(void **state)
{
	struct problem problem;
	struct output output;

	(void)state;
	write_report("old");
	assert_int_equal(output_open(&output, report, 0, &problem), 0);
	fputs("new", output.file);
	fflush(output.file);
	assert_content("old");
	output_abort(&output);
	output_abort(&output);
	assert_content("old");
	assert_int_equal(files(), 1);
	write_report("new");
	assert_content("new");
	assert_int_equal(files(), 1);
}

static void test_mode_is_the_usual(void **state)
{
	mode_t mask = umask(027);
	struct stat st;

	(void)state;
	write_report("x");
	umask(mask);
	assert_int_equal(stat(report, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void test_private(void **state)
{
	struct problem problem;
	struct output output;
	struct stat st;

	(void)state;
	assert_int_equal(output_open(&output, report, OUTPUT_PRIVATE, &problem), 0);
	assert_int_equal(output_commit(&output, &problem), 0);
	assert_int_equal(stat(report, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_owner_and_mode_are_kept(void **state)
{
	uid_t uid = geteuid() ?: 1000; /* root replaces the files of others */
	struct stat st;

	(void)state;
	write_report("old");
	assert_int_equal(chmod(report, 0604), 0);
	assert_int_equal(chown(report, uid, -1), 0);
	write_report("new");
	assert_content("new");
	assert_int_equal(stat(report, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_int_equal(st.st_uid, uid);
}

/* What the link leads to is written, and the link stays. */
static void test_own_links_are_followed(void **state)
{
	char link[96], target[8] = "";
	struct problem problem;
	struct output output;

	(void)state;
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink("report", link), 0);
	for (int i = 0; i < 2; i++) { /* to nothing, to a file */
		assert_int_equal(output_check(link, &problem), 0);
		assert_int_equal(output_open(&output, link, 0, &problem), 0);
		fputs("through", output.file);
		assert_int_equal(output_commit(&output, &problem), 0);
		assert_content("through");
		assert_int_equal(readlink(link, target, sizeof(target) - 1), 6);
	}
	assert_int_equal(unlink(link), 0);
}

static void test_named(void **state)
{
	struct problem problem;
	struct output output;

	(void)state;
	write_report("old");
	assert_int_equal(output_open(&output, report, OUTPUT_NAMED, &problem), 0);
	assert_int_equal(access(output.temporary, F_OK), 0);
	assert_int_equal(files(), 2);
	output_abort(&output);
	assert_int_equal(files(), 1);
	assert_int_equal(output_open(&output, report, OUTPUT_NAMED, &problem), 0);
	fputs("new", output.file);
	assert_int_equal(output_commit(&output, &problem), 0);
	assert_content("new");
	assert_int_equal(files(), 1);
}

/* A file that has a name while it is written does not outlive a signal that ends the program. */
static void test_signals(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct problem problem;
	struct output output;
	int status;
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (!pid) {
			setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
			signal(signals[i], SIG_DFL); /* a background process may ignore it */
			if (!output_open(&output, report, OUTPUT_NAMED, &problem) && files() == 1)
				raise(signals[i]);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
		assert_int_equal(files(), 0);
	}
}

static void test_without_a_name_until_the_end(void **state)
{
	struct problem problem;
	struct output output;

	(void)state;
	assert_int_equal(output_open(&output, report, 0, &problem), 0);
	fputs("x", output.file);
	assert_int_equal(files(), output.unnamed ? 0 : 1);
	output_abort(&output);
	assert_int_equal(files(), 0);
}

static void test_long_name(void **state)
{
	char path[400], name[256];
	struct problem problem;
	struct output output;

	(void)state;
	memset(name, 'x', 255);
	name[255] = 0;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(output_open(&output, path, OUTPUT_NAMED, &problem), 0);
		assert_int_equal(output_commit(&output, &problem), 0);
	}
	assert_int_equal(unlink(path), 0);
}

static void test_inputs_are_no_outputs(void **state)
{
	char link[96];
	struct problem problem;

	(void)state;
	write_report("input");
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(output_check_input(link, report, &problem), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(i ? linkat(AT_FDCWD, report, AT_FDCWD, link, 0)
				   : symlink("report", link),
				 0);
		assert_int_equal(output_check_input(link, report, &problem), -1);
		assert_int_equal(output_check_input(report, link, &problem), -1);
		assert_int_equal(problem.status, EXIT_USAGE);
		assert_int_equal(unlink(link), 0);
	}
	assert_int_equal(output_check_input(NULL, report, &problem), 0);
	assert_int_equal(output_check_input("/dev/null", "/dev/null", &problem), 0);
}

static void test_locked(void **state)
{
	struct problem problem;
	struct output output;
	int fd;

	(void)state;
	write_report("recorded");
	fd = open(report, O_WRONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(output_check(report, &problem), -1);
	assert_int_equal(problem.status, EXIT_USAGE);
	assert_int_equal(output_open(&output, report, 0, &problem), -1);
	close(fd);
	assert_int_equal(output_check(report, &problem), 0);
	assert_content("recorded");
	assert_int_equal(files(), 1);
}

/* The file system as root sees it refuses nothing but this. */
static void test_cannot_be_put_in_place(void **state)
{
	struct problem problem;
	struct output output;

	(void)state;
	assert_int_equal(output_open(&output, report, 0, &problem), 0);
	assert_int_equal(mkdir(report, 0755), 0);
	assert_int_equal(output_commit(&output, &problem), -1);
	assert_int_equal(problem.status, EXIT_USAGE);
	assert_non_null(strstr(problem.text, report));
	assert_int_equal(files(), 1);
	assert_int_equal(rmdir(report), 0);
}

/* @length bytes to @path: fewer than a buffer fail at the end, more do on the way. */
static void write_fails(const char *path, size_t length, const char *said)
{
	struct problem problem;
	struct output output;

	assert_int_equal(output_open(&output, path, 0, &problem), 0);
	while (length--)
		putc('x', output.file);
	assert_int_equal(output_commit(&output, &problem), -1);
	assert_int_equal(problem.status, EXIT_IMPOSSIBLE);
	assert_non_null(strstr(problem.text, path));
	assert_non_null(strstr(problem.text, said));
}

static void test_full_disk(void **state)
{
	(void)state;
	write_fails("/dev/full", 10, "the disk is full");
	write_fails("/dev/full", 1000000, "the disk is full");
}

static void test_closed_pipe(void **state)
{
	struct problem problem;
	struct output output;
	int pipe_ends[2];
	char path[32];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(pipe_ends), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", pipe_ends[1]);
	assert_int_equal(output_open(&output, path, 0, &problem), 0);
	close(pipe_ends[0]);
	fputs("x", output.file);
	assert_int_equal(output_commit(&output, &problem), -1);
	assert_int_equal(problem.status, EXIT_PIPE);
	close(pipe_ends[1]);
	signal(SIGPIPE, SIG_DFL);
}

static void test_devices_are_written_in_place(void **state)
{
	struct problem problem;
	struct output output;

	(void)state;
	assert_int_equal(output_open(&output, "/dev/null", 0, &problem), 0);
	assert_null(output.temporary);
	fputs("x", output.file);
	assert_int_equal(output_commit(&output, &problem), 0);
}

static void test_standard_output(void **state)
{
	struct problem problem;
	struct output output;

	(void)state;
	assert_int_equal(output_open(&output, NULL, 0, &problem), 0);
	assert_ptr_equal(output.file, stdout);
	assert_int_equal(output_commit(&output, &problem), 0);
	output_abort(&output);
	assert_true(fileno(stdout) >= 0); /* still open */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_check_makes_nothing, set_up, tear_down),
		cmocka_unit_test(test_check_complains),
		cmocka_unit_test_setup_teardown(test_whole_or_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_old_one_stays_until_the_end, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_mode_is_the_usual, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_private, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_owner_and_mode_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own_links_are_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_signals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_a_name_until_the_end, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_long_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_inputs_are_no_outputs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_locked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cannot_be_put_in_place, set_up, tear_down),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_closed_pipe),
		cmocka_unit_test(test_devices_are_written_in_place),
		cmocka_unit_test(test_standard_output),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
