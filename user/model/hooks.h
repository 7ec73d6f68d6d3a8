/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ladder: which kernel functions carry an event, newest kernel first, and what became of each
 * event on this kernel. The table is data; session.c tries its rungs, reports show the result.
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
};

extern const struct ladder ladders[NR_EVENTS];

/* What is attached always: it carries no event, but keeps VMs and slots apart. */
extern const struct rung keeper_rung;

/* The same, where the kernel has it; ends with an empty one. */
extern const struct hook optional_keepers[];

/* @events (1 << event) and all events that give them their context. */
__u64 events_needed(__u64 events);

/* Does this kernel have the hook's function, with the right first argument? */
typedef bool (*hook_present_fn)(const struct hook *hook, void *ctx);

/*
 * The first rung at or below @from all of whose hooks are present; -1 when there is none. That
 * its functions are there does not mean yet that they can be attached to.
 */
int ladder_choose(const struct ladder *ladder, int from, hook_present_fn present, void *ctx);

/* The first hook of the rung that was chosen; NULL for none (-1). */
const struct hook *ladder_first_hook(const struct ladder *ladder, int rung);

/* The rung's @n-th kernel function, each counted once; NULL after the last. */
const char *rung_function(const struct rung *rung, unsigned int n);

/* What became of an event: its rung, or why there is none. */
struct hook_state {
	bool wanted; /* asked for */
	bool attached;
	int rung; /* index into the ladder; -1: unavailable, or foreign */
	const struct rung *foreign; /* of a capture file: one that our ladder does not have */
	char reason[160]; /* "" when attached */
	__u64 run_count; /* of the event's programs, for whichever event; 0 unless the kernel counts (bpf_stats) */
	__u64 run_time_ns;
	/*
	 * Runs that the kernel skipped since the program was active already on that CPU: of
	 * programs that see one end of an event, and of all.
	 */
	__u64 end_misses;
	__u64 recursion_misses;
	/*
	 * Of the events that were seen to begin, those whose end no program has noticed to miss.
	 * 0 as long as it is counted: until then one that is under way looks the same.
	 */
	__u64 unended;
};

#endif
