// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the maps of stacks to the model.
 */
#include "base/arrays.h"
#include "stacks.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "stack_names.h"

static int add_stack(const struct session_arrays *arrays, struct snapshot *snap,
		     const struct stack_key *key)
{
	struct stack_count *stack;
	__u64 addresses[STACK_DEPTH] = {};
	__u32 id = key->stack;
	struct stack_stat stat;

	if (bpf_map_lookup_elem(arrays->stack_stats_fd, key, &stat) ||
	    bpf_map_lookup_elem(arrays->stacks_fd, &id, addresses))
		return -errno;
	stack = array_append(&snap->stacks, &snap->nstacks, sizeof(*stack));
	if (!stack)
		return -ENOMEM;
	*stack = (struct stack_count){
		.event = key->event,
		.count = stat.count,
		.npages = stat.npages,
		.pid = key->pid,
	};
	memcpy(stack->comm, key->comm, sizeof(stack->comm));
	return stack_names_get(arrays->stack_names, id, addresses, &stack->frames, &stack->nframes);
}

static int add_stacks(const struct session_arrays *arrays, struct snapshot *snap,
		      stack_owner_fn find, const void *ctx)
{
	struct stack_key key, *last = NULL;
	int err = 0;

	while (!err && !bpf_map_get_next_key(arrays->stack_stats_fd, last, &key)) {
		err = add_stack(arrays, snap, &key);
		if (!err)
			find(ctx, key.owner, &snap->stacks[snap->nstacks - 1]);
		last = &key;
	}
	return err;
}

/* By event, then the most frequent first. */
static int compare(const void *a, const void *b)
{
	const struct stack_count *x = a, *y = b;

	if (x->event != y->event)
		return x->event < y->event ? -1 : 1;
	return (x->count < y->count) - (x->count > y->count);
}

int stacks_read(const struct session_arrays *arrays, struct snapshot *snap, stack_owner_fn find,
		const void *ctx)
{
	int err;

	if (arrays->stack_stats_fd < 0)
		return 0;
	err = add_stacks(arrays, snap, find, ctx);
	stack_names_done(arrays->stack_names);
	if (snap->nstacks)
		qsort(snap->stacks, snap->nstacks, sizeof(*snap->stacks), compare);
	return err;
}
