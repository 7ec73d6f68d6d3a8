// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /proc says of processes, and from our numbers to its numbers by way of a pidfd.
 */
#include "process.h"
#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_NAMESPACE 0xeffffffcU /* PROC_PID_INIT_INO of include/linux/proc_ns.h */
#define PIDFD_THREAD 0x80 /* O_EXCL, since 6.9: threads, too */
#define MAX_NESTING 33

__u32 process_namespace(void)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) || st.st_ino == FIRST_NAMESPACE)
		return 0;
	return st.st_ino;
}

/* The numbers behind @key in a file of /proc, at most @max; how many. */
static int read_numbers(const char *path, const char *key, pid_t *numbers, int max)
{
	FILE *file = fopen(path, "re");
	char line[512], *at = NULL, *end;
	size_t len = strlen(key);
	int n = 0;

	while (file && !at && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, len))
			at = line + len;
	if (file)
		fclose(file);
	for (; at && n < max; at = end) {
		pid_t number = strtol(at, &end, 10);

		if (end == at)
			break;
		numbers[n++] = number;
	}
	return n;
}

static int read_status(pid_t pid_in_proc, const char *key, pid_t *numbers, int max)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/status", pid_in_proc);
	return read_numbers(path, key, numbers, max);
}

static bool proc_is_ours(void)
{
	char self[16] = "";

	return readlink("/proc/self", self, sizeof(self) - 1) > 0 && atoi(self) == getpid();
}

pid_t process_in_proc(pid_t pid)
{
	pid_t found = 0;
	char path[48];
	int fd;

	if (proc_is_ours())
		return pid;
	fd = syscall(SYS_pidfd_open, pid, PIDFD_THREAD);
	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	read_numbers(path, "Pid:", &found, 1);
	close(fd);
	return found > 0 ? found : 0;
}

/* How deep our namespace is below that of /proc. */
static int nesting(void)
{
	pid_t numbers[MAX_NESTING];

	return read_numbers("/proc/self/status", "NSpid:", numbers, MAX_NESTING) - 1;
}

pid_t process_group(pid_t pid)
{
	pid_t numbers[MAX_NESTING], in_proc = process_in_proc(pid);
	int depth = proc_is_ours() ? 0 : nesting();
	/* The other line is there with CONFIG_PID_NS only. */
	const char *key = depth ? "NStgid:" : "Tgid:";

	if (!in_proc || depth < 0)
		return 0;
	return read_status(in_proc, key, numbers, MAX_NESTING) > depth ? numbers[depth] : 0;
}

static bool same_memory(pid_t a, pid_t b)
{
	return !syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0);
}

/* Only where /proc has our numbers, which kcmp() takes. */
pid_t process_of_memory(pid_t pid)
{
	pid_t parent = 0;

	while (proc_is_ours() && read_status(pid, "PPid:", &parent, 1) == 1 && parent > 0 &&
	       same_memory(pid, parent))
		pid = parent;
	return pid;
}
