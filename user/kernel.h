/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the running kernel is and has: may it be traced at all, and which of KVM's functions are
 * in its BTF. Knows BTF; knows nothing of programs or maps.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include "hooks.h"
#include "problem.h"

struct kernel;

/*
 * Read KVM's BTF. NULL with @problem filled when tracing guest_memfd is not possible here: no
 * privilege, no BTF, no KVM, no guest_memfd. The caller closes it.
 */
struct kernel *kernel_open(struct problem *problem);
void kernel_close(struct kernel *kernel);

/* A hook_present_fn; its ctx is the struct kernel. */
bool kernel_has_hook(const struct hook *hook, void *kernel);

/*
 * Say why the kernel refused tracing with EPERM although the privileges are there: lockdown, or
 * a security module.
 */
int kernel_refused(struct problem *problem);

#endif
