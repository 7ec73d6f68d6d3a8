/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the running kernel is and has: may it be traced at all, and which of KVM's functions are
 * in its BTF. Knows BTF; knows nothing of programs or maps.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include "base/problem.h"
#include "model/ladder.h"

struct btf;
struct kernel;

/*
 * Read KVM's BTF; if @explain, libbpf says on standard error what fails, now and later. NULL with
 * @problem filled when tracing guest_memfd is not possible here: no privilege, no BTF, no KVM, no
 * guest_memfd. The caller closes it.
 */
struct kernel *kernel_open(bool explain, struct problem *problem);
void kernel_close(struct kernel *kernel);

/*
 * May programs be attached to KVM's functions? Where it is a module, that takes CAP_SYS_ADMIN, which
 * reading what there is does not. 0, or -1 with @problem filled.
 */
int kernel_check_attach(const struct kernel *kernel, struct problem *problem);

/* The BTF of all that KVM is made of. */
const struct btf *kernel_btf(const struct kernel *kernel);

/* A hook_present_fn; its ctx is the struct kernel. */
bool kernel_has_hook(const struct hook *hook, void *kernel);

/*
 * The BTF id of the hook's function or tracepoint, negative when it is not there; in @btf_fd the
 * BTF it belongs to, as the kernel wants to be told of it: 0 for its own.
 */
int kernel_target(const struct kernel *kernel, const struct hook *hook, int *btf_fd);

/* The first hook that this kernel has of a ladder, LADDER_OF_KVM say; NULL: none. */
const struct hook *kernel_probe(const struct kernel *kernel, int ladder);

/* Has the kernel's own struct @name this member? */
bool kernel_has_member(const struct kernel *kernel, const char *name, const char *member);

/* The BTF id of a function of the kernel itself; negative when it is not there. */
int kernel_own_function(const struct kernel *kernel, const char *function);

/* How many arguments the hook's function has; 0 if it is not there. */
int kernel_arguments(const struct kernel *kernel, const struct hook *hook);

/*
 * The type to open a tracing program as, until it is loaded: for one that is tracing libbpf would
 * read the kernel's BTF and look there for what it is to be attached to.
 */
#define KERNEL_NOT_YET_TRACING BPF_PROG_TYPE_RAW_TRACEPOINT

/* Does the kernel call tracing programs at all (kernel.ftrace_enabled)? 0, or -1 with @problem filled. */
int kernel_check_tracing(struct problem *problem);

/*
 * Say why the kernel refused tracing with EPERM although the privileges are there: lockdown, or
 * a security module.
 */
int kernel_refused(struct problem *problem);

#endif
