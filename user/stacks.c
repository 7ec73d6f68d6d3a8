// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the maps of stacks to the model.
 */
#include "stacks.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "symbols.h"

/* Our own programs, and the trampolines to them: nobody's concern. */
static bool is_bpf(const char *frame)
{
	return !strncmp(frame, "bpf_", 4) || !strncmp(frame, "__bpf_", 6);
}

static int add_frames(const struct symbols *symbols, const __u64 *addresses,
		      struct stack_count *stack)
{
	char name[320];

	for (int i = 0; i < STACK_DEPTH && addresses[i]; i++) {
		/* Ours are not told from the others then: not even their number means anything. */
		if (symbols_hidden(symbols) && i)
			break;
		symbols_name(symbols, addresses[i], name, sizeof(name));
		if (is_bpf(name))
			continue;
		stack->frames[stack->nframes] = strdup(name);
		if (!stack->frames[stack->nframes])
			return -ENOMEM;
		stack->nframes++;
	}
	return 0;
}

static int add_stack(const struct session_view *view, const struct symbols *symbols,
		     struct snapshot *snap, const struct stack_key *key)
{
	struct stack_count *stack;
	__u64 addresses[STACK_DEPTH] = {};
	__u32 id = key->stack;
	struct stack_stat stat;

	if (bpf_map_lookup_elem(view->stack_stats_fd, key, &stat) ||
	    bpf_map_lookup_elem(view->stacks_fd, &id, addresses))
		return -errno;
	stack = snapshot_append(&snap->stacks, &snap->nstacks, sizeof(*stack));
	if (!stack)
		return -ENOMEM;
	*stack = (struct stack_count){
		.event = key->event,
		.count = stat.count,
		.npages = stat.npages,
		.pid = key->pid,
	};
	memcpy(stack->comm, key->comm, sizeof(stack->comm));
	stack->frames = calloc(STACK_DEPTH, sizeof(*stack->frames));
	return stack->frames ? add_frames(symbols, addresses, stack) : -ENOMEM;
}

static int add_stacks(const struct session_view *view, const struct symbols *symbols,
		      struct snapshot *snap, stack_owner_fn find, const void *ctx)
{
	struct stack_key key, *last = NULL;
	int err = 0;

	while (!err && !bpf_map_get_next_key(view->stack_stats_fd, last, &key)) {
		err = add_stack(view, symbols, snap, &key);
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

int stacks_read(const struct session_view *view, struct snapshot *snap, stack_owner_fn find,
		const void *ctx)
{
	struct symbols *symbols;
	FILE *kallsyms;
	int err;

	if (view->stack_stats_fd < 0)
		return 0;
	kallsyms = fopen("/proc/kallsyms", "re");
	if (!kallsyms)
		return -errno;
	symbols = symbols_read(kallsyms);
	fclose(kallsyms);
	err = symbols ? add_stacks(view, symbols, snap, find, ctx) : -ENOMEM;
	symbols_free(symbols);
	if (snap->nstacks)
		qsort(snap->stacks, snap->nstacks, sizeof(*snap->stacks), compare);
	return err;
}
