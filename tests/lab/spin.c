// SPDX-License-Identifier: GPL-2.0-only
/*
 * spin TURNS COMMAND [ARG]...: runs COMMAND while every guest fault on guest_memfd is slower by
 * TURNS of a loop (spin.bpf.c); with 0, by the same hook alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "spin.skel.h"

#define FAILED 125

static int run(char **command)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct spin_bpf *spin = argc < 3 ? NULL : spin_bpf__open();
	int status = FAILED;

	if (!spin)
		return FAILED;
	spin->rodata->turns = (__u32)strtoul(argv[1], NULL, 10);
	if (!spin_bpf__load(spin) && !spin_bpf__attach(spin))
		status = run(argv + 2);
	else
		fprintf(stderr, "spin: cannot attach: %s\n", strerror(errno));
	spin_bpf__destroy(spin);
	return status;
}
