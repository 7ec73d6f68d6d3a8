/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One program for both ends of a function (fsession), and one for many functions (fsession.multi):
 * whether this kernel has them, and what libbpf does not know of them yet.
 */
#ifndef FSESSION_H
#define FSESSION_H

#include <stdbool.h>
#include <linux/types.h>

struct kernel;

/* enum bpf_attach_type of newer headers */
#define BPF_TRACE_FSESSION 58 /* 7.0 */
#define BPF_TRACE_FSESSION_MULTI 61 /* 7.2 */

/* The BTF ids of the kernel functions that a program for both ends of a function calls. */
struct session_calls {
	int is_return; /* bpf_session_is_return(): which end? */
	int cookie; /* bpf_session_cookie(): what the begin has left for the end */
};

/* Is there one program for both ends (fsession, 7.0)? As found out by loading one. */
bool kernel_fsession(const struct kernel *kernel, struct session_calls *calls);

/* One program and one link for many functions (fsession_multi, 7.2): can it be had? */
bool kernel_fsession_multi(void);

/*
 * Attach the program @prog_fd (fsession_multi) to the functions @ids, each with its cookie. The
 * link's descriptor, which the caller closes, or a negative errno.
 */
int kernel_link_multi(int prog_fd, const __u32 *ids, const __u64 *cookies, __u32 n);

#endif
