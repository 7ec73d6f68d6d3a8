/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ladders: which kernel functions carry an event, or keep its owners right, newest kernel first,
 * and what became of each on this kernel. The table is data; ladder.c chooses its rungs, reports show
 * the result.
 */
#ifndef HOOKS_H
#define HOOKS_H

#include <stdbool.h>
#include "gmem.h"

enum hook_kind {
	HOOK_WHOLE, /* one program that counts the event, or gives it its context */
	HOOK_BOTH_ENDS, /* a pair of programs called _entry and _exit, or one called _session */
	HOOK_END, /* one program that ends what another hook has begun */
	HOOK_TRACEPOINT, /* one program, on the tracepoint that its section names */
};

/* What is attached to a kernel function. */
struct hook {
	const char *program; /* the BPF program, for HOOK_BOTH_ENDS the stem of its name */
	const char *function;
	const char *arg0; /* struct the first argument must point to; NULL: any */
	enum hook_kind kind;
	bool in_kernel; /* the function is the kernel's, not KVM's */
	bool in_fault; /* runs in guest faults, and has to be told which one it is in */
};

#define RUNG_HOOKS 4

/* One way to carry an event: all of its hooks, or none. */
struct rung {
	const char *since; /* the first kernel that has it */
	struct hook hooks[RUNG_HOOKS];
};

#define EVENT_RUNGS 4

struct ladder {
	struct rung rungs[EVENT_RUNGS]; /* newest kernel first; ends with an empty one */
	__u64 needs; /* 1 << event: events whose hooks give this one its context, ... */
	__u64 with; /* ... and those that do where the kernel has them */
	/* Of a keeper without which nothing can be traced: what it sees the kernel do. */
	const char *keeps;
};

/* What is attached always: it carries no event, but keeps VMs and slots apart. */
enum keeper {
	KEEPER_VM_INIT = NR_EVENTS,
	KEEPER_VM_DESTROY,
	KEEPER_SLOT_COMMIT,
	KEEPER_SLOT_ZAP,
	KEEPER_SWITCHED_OFF,
	NR_LADDERS
};

/* By event, then by keeper. */
extern const struct ladder ladders[NR_LADDERS];

/* A kernel that has one of their rungs has KVM with BTF, or guest_memfd. */
#define LADDER_OF_KVM KEEPER_VM_INIT
#define LADDER_OF_GMEM EV_CREATE

/* The rung's @n-th kernel function, each counted once; NULL after the last. */
const char *rung_function(const struct rung *rung, unsigned int n);

/* What became of an event or a keeper: its rung, or why there is none. */
struct hook_state {
	bool wanted; /* asked for */
	bool attached;
	int rung; /* index into the ladder; -1: unavailable, or foreign */
	const struct rung *foreign; /* of a capture file: one that our ladder does not have */
	char reason[160]; /* "" when attached */
	__u64 run_count; /* of the event's programs, for whichever event; 0 unless the kernel counts (bpf_stats) */
	__u64 run_time_ns;
	__u64 recursion_misses; /* runs of those that the kernel skipped: they were active already on that CPU */
};

#endif
