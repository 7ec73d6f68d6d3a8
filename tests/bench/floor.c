// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's trampolines alone cost: runs a command with programs attached that do nothing.
 * `floor pair|session FUNCTION... -- COMMAND...`: at both ends of each of KVM's functions a program
 * of two instructions (fentry and fexit), or one for both (fsession). For tests/bench/cost.py.
 * Exit status: the command's; 2 wrong usage; 3 the kernel does not have it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "live/fsession.h"
#include "live/kernel.h"

static int attach_nothing(const struct kernel *kernel, const char *function, int attach_type)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const struct hook hook = { .function = function };
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach_type);
	int btf_fd, id = kernel_target(kernel, &hook, &btf_fd), fd;

	if (id < 0)
		return -ENOENT;
	options.attach_btf_id = id;
	options.attach_btf_obj_fd = btf_fd;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "nothing", "GPL", nothing, 2, &options);
	/* The link stays until this process ends. */
	return fd < 0 ? fd : bpf_link_create(fd, 0, attach_type, NULL);
}

static int attach_ends(const struct kernel *kernel, const char *function, bool session)
{
	int link;

	if (session)
		return attach_nothing(kernel, function, BPF_TRACE_FSESSION);
	link = attach_nothing(kernel, function, BPF_TRACE_FENTRY);
	return link < 0 ? link : attach_nothing(kernel, function, BPF_TRACE_FEXIT);
}

static int run(char **command)
{
	pid_t child = fork();
	int status;

	if (!child) {
		execvp(*command, command);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return EXIT_IMPOSSIBLE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	bool session = argc > 1 && !strcmp(argv[1], "session");
	struct problem problem;
	struct kernel *kernel;
	int arg, link;

	if (argc < 3 || (!session && strcmp(argv[1], "pair"))) {
		fprintf(stderr,
			"floor: wrong usage. Say floor pair|session FUNCTION... -- COMMAND\n");
		return EXIT_USAGE;
	}
	kernel = kernel_open(false, &problem);
	if (!kernel) {
		fprintf(stderr, "floor: %s.\n", problem.text);
		return EXIT_IMPOSSIBLE;
	}
	for (arg = 2; arg < argc && strcmp(argv[arg], "--"); arg++) {
		link = attach_ends(kernel, argv[arg], session);
		if (link < 0) {
			fprintf(stderr, "floor: cannot attach to %s: %s. Leave it out.\n",
				argv[arg], strerror(-link));
			return EXIT_IMPOSSIBLE;
		}
	}
	return arg + 1 < argc ? run(argv + arg + 1) : 0;
}
