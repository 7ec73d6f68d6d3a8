// SPDX-License-Identifier: GPL-2.0-only
/*
 * spin TURNS COMMAND [ARG]...: runs COMMAND while every guest fault on guest_memfd is slower by
 * TURNS of a loop (spin.bpf.c); with 0, by the same hook alone.
 *
 * spin --crowd=FUNCTION COMMAND [ARG]...: runs COMMAND while there is no place left for a program on
 * FUNCTION of KVM.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
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

/* KVM's BTF as the kernel knows it: that which the program @prog_fd is attached to. */
static int kvm_btf_fd(int prog_fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &size)
		       ? -1
		       : bpf_btf_get_fd_by_id(info.attach_btf_obj_id);
}

/* As many programs as the kernel takes, until we end. */
static int crowd(const char *function, int prog_fd)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct btf *kernel = btf__load_vmlinux_btf();
	struct btf *btf = btf__load_module_btf("kvm", kernel) ?: kernel; /* KVM may be built in */
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC),
		    .attach_btf_obj_fd = kvm_btf_fd(prog_fd));
	int fd;

	do
		fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "crowd", "GPL", nothing, 2, &options);
	while (fd >= 0 && bpf_raw_tracepoint_open(NULL, fd) >= 0);
	return errno == E2BIG ? 0 : -1;
}

int main(int argc, char **argv)
{
	static const char crowd_option[] = "--crowd=";
	struct spin_bpf *spin = argc < 3 ? NULL : spin_bpf__open();
	int status = FAILED;

	if (!spin)
		return FAILED;
	spin->rodata->turns = (__u32)strtoul(argv[1], NULL, 10);
	if (!strncmp(argv[1], crowd_option, strlen(crowd_option))) {
		if (!spin_bpf__load(spin) &&
		    !crowd(argv[1] + strlen(crowd_option), bpf_program__fd(spin->progs.slower)))
			status = run(argv + 2);
	} else if (!spin_bpf__load(spin) && !spin_bpf__attach(spin)) {
		status = run(argv + 2);
	}
	if (status == FAILED)
		fprintf(stderr, "spin: cannot attach: %s\n", strerror(errno));
	spin_bpf__destroy(spin);
	return status;
}
