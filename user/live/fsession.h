/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One program for both ends of a function: by a trampoline (fsession) or a probe (kprobe.session).
 * Whether this kernel has them, and what libbpf does not know of them yet.
 */
#ifndef FSESSION_H
#define FSESSION_H

#include <stdbool.h>
#include <linux/types.h>

struct kernel;

/* enum bpf_attach_type of newer headers */
#define BPF_TRACE_FSESSION 58 /* 7.0 */
#define BPF_TRACE_FSESSION_MULTI 61 /* 7.2 */
#define BPF_TRACE_KPROBE_SESSION 56 /* 6.10 */

/* The BTF ids of the kernel functions that a program for both ends of a function calls. */
struct session_calls {
	int is_return; /* bpf_session_is_return(): which end? */
	int cookie; /* bpf_session_cookie(): what the begin has left for the end */
};

/* Is there one program for both ends (fsession, 7.0)? As found out by loading one; fills @calls. */
bool kernel_fsession(const struct kernel *kernel, struct session_calls *calls);

/* One program and one link for many functions (fsession_multi, 7.2): can it be had? */
bool kernel_fsession_multi(void);

/*
 * Attach the program @prog_fd (fsession_multi) to the functions @ids, each with its cookie. The
 * link's descriptor, which the caller closes, or a negative errno.
 */
int kernel_link_multi(int prog_fd, const __u32 *ids, const __u64 *cookies, __u32 n);

/*
 * Are there probes for both ends that miss no call, of however many tasks? From 6.14 on: until then the
 * kernel had a few places for calls under way, and told nobody of those for which there was none
 * (4346ba160409, "fprobe: Rewrite fprobe on function-graph tracer"). Fills @calls.
 */
bool kernel_probes(const struct kernel *kernel, struct session_calls *calls);

/*
 * Attach the probe @prog_fd to @n functions, each with its cookie; @cookies NULL: none. The link's
 * descriptor, which the caller closes, or a negative errno.
 */
int kernel_link_probe(int prog_fd, const char *const *functions, const __u64 *cookies, __u32 n);

#endif
