/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who led to events and how: the kernel stacks that --stacks has kept, with names.
 */
#ifndef STACKS_H
#define STACKS_H

#include "model/model.h"
#include "session.h"

/*
 * Add the stacks to @snap, most frequent first, with their owners as @find says: which VM
 * (index into snap->vms) and slot an owner index stands for. Call it while the programs are loaded:
 * their names go with them. 0 or a negative errno; what was added is @snap's in any case.
 */
typedef void (*stack_owner_fn)(const void *ctx, __u32 owner, struct stack_count *stack);
int stacks_read(const struct session_arrays *arrays, struct snapshot *snap, stack_owner_fn find,
		const void *ctx);

#endif
