// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a version number would not tell is found out by loading a program that does nothing.
 */
#include "fsession.h"
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "kernel.h"

/* A program that does nothing, to see whether there are such. */
static int load_nothing(int attach_type, int btf_id, int btf_fd)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach_type,
		    .attach_btf_id = btf_id, .attach_btf_obj_fd = btf_fd);

	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "nothing", "GPL", nothing, 2, &options);
}

static bool find_calls(const struct kernel *kernel, struct session_calls *calls)
{
	calls->is_return = kernel_own_function(kernel, "bpf_session_is_return");
	calls->cookie = kernel_own_function(kernel, "bpf_session_cookie");
	return calls->is_return > 0 && calls->cookie > 0;
}

bool kernel_fsession(const struct kernel *kernel, struct session_calls *calls)
{
	int btf_fd, id = kernel_target(kernel, kernel_probe(kernel, LADDER_OF_GMEM), &btf_fd);
	int fd = load_nothing(BPF_TRACE_FSESSION, id, btf_fd);

	if (fd < 0)
		return false;
	close(fd);
	return find_calls(kernel, calls);
}

bool kernel_fsession_multi(void)
{
	int fd = load_nothing(BPF_TRACE_FSESSION_MULTI, 0, 0);
	bool able;

	if (fd < 0)
		return false;
	/* Refused as empty, or, where the architecture has no such links, as not supported. */
	able = kernel_link_multi(fd, NULL, NULL, 0) == -EINVAL;
	close(fd);
	return able;
}

int kernel_link_multi(int prog_fd, const __u32 *ids, const __u64 *cookies, __u32 n)
{
	/* The tracing_multi of union bpf_attr of newer headers. */
	const struct {
		__u32 prog_fd, target_fd, attach_type, flags;
		__u64 ids, cookies;
		__u32 n, unused;
	} link = { .prog_fd = prog_fd,
		   .attach_type = BPF_TRACE_FSESSION_MULTI,
		   .ids = (__u64)(unsigned long)ids,
		   .cookies = (__u64)(unsigned long)cookies,
		   .n = n };
	int fd = syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link));

	return fd < 0 ? -errno : fd;
}

bool kernel_probes(const struct kernel *kernel, struct session_calls *calls)
{
	return kernel_has_member(kernel, "fprobe", "hlist_array") && find_calls(kernel, calls);
}

int kernel_link_probe(int prog_fd, const char *const *functions, const __u64 *cookies, __u32 n)
{
	/* The kprobe_multi of union bpf_attr; libbpf 1.1 does not know the attach type. */
	const struct {
		__u32 prog_fd, target_fd, attach_type, flags;
		__u32 probe_flags, n;
		__u64 functions, addresses, cookies;
	} link = { .prog_fd = prog_fd,
		   .attach_type = BPF_TRACE_KPROBE_SESSION,
		   .n = n,
		   .functions = (__u64)(unsigned long)functions,
		   .cookies = (__u64)(unsigned long)cookies };
	int fd = syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link));

	return fd < 0 ? -errno : fd;
}
