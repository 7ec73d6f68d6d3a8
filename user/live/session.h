/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tracing session: the BPF programs of the wanted events loaded and attached on the best rung
 * that this kernel really takes. With snapshot.c the only one that knows libbpf.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/problem.h"
#include "model/fault_tallies.h"
#include "model/hooks.h"
#include "session_options.h"
#include "snapshot.h"

struct session;

/*
 * Load and attach; nothing is counted yet. Events that this kernel cannot carry are left out and
 * say so in their hook_state. NULL with @problem filled when nothing can be traced at all; then
 * nothing stays attached.
 */
struct session *session_open(const struct session_options *options, struct problem *problem);

/* The kernel it runs on. Valid until session_close(). */
struct kernel;
const struct kernel *session_kernel(const struct session *session);

/*
 * What meets both ends of a function: "pairs" of programs, one "fsession" (7.0), "fsession.multi", which
 * also is one for many functions (7.2), or "probes" (--exact).
 */
const char *session_programs(const struct session *session);

/* Count what begins from now on. */
void session_start(struct session *session);

/*
 * Every guest_memfd that there was at @at_ns (CLOCK_MONOTONIC) has been met, or has gone: those that are older
 * than the start are known, and who is younger need not ask the page cache. Nothing if that was before the
 * start.
 */
void session_all_met(struct session *session, __u64 at_ns);

/*
 * Count nothing that begins or ends from now on. What was counted can still be read, and changes no
 * more. 0, or -1 with @problem filled: then it may.
 */
int session_stop(struct session *session, struct problem *problem);

/* Detach and free everything. */
void session_close(struct session *session);

/* Is one of the events asked for attached? 0, or -1 with @problem filled. */
int session_check(struct session *session, struct problem *problem);

/*
 * How often kernel.ftrace_enabled became 0 since the programs were attached. Nothing was counted then,
 * and what went on is not known.
 */
__u64 session_switched_off(const struct session *session);

/* What became of each event, [NR_EVENTS], refreshed with the programs' run counts and misses, as
 * snapshot_read() does. Valid until session_close(). */
const struct hook_state *session_hooks(struct session *session);

/*
 * As misses_tell(): into @loss, which has what programs have noticed, goes what the kernel has not let them
 * see.
 */
void session_misses(struct session *session, __u64 (*loss)[NR_LOSSES]);

/* Where records of options.record_events come from; NULL for none. Valid until session_close(). */
struct rings;
struct rings *session_rings(struct session *session);

/*
 * Let the kernel count runs of programs and the time they take, of all programs of the system, or
 * stop that. Does nothing where the kernel cannot.
 */
void session_count_runs(struct session *session, bool on);

struct stack_names;

/* What the programs have written, for snapshot.c. Valid until session_close(). */
struct session_arrays {
	const struct owner *owners;
	__u32 nowners; /* in use, from index 0 */
	const struct histogram *histograms;
	__u32 max_histograms; /* any may come into use while the counts are read */
	struct fault_tallies tallies[TALLIED_EVENTS]; /* without an index */
	const struct heat *heats; /* by owner index; NULL: not asked for */
	bool firsts; /* event_stat.first_ns is in use, */
	bool sampled; /* but not of guest faults: not all of those have a latency */
	int errors_fd; /* struct error_key → __u64 */
	int stacks_fd; /* id → __u64[STACK_DEPTH] */
	int stack_stats_fd; /* struct stack_key → struct stack_stat; -1: no stacks are kept */
	struct stack_names *stack_names; /* of those that were read so far; if stacks are kept */
	const __u64 (*losses)[NR_LOSSES]; /* [NR_EVENTS] */
	const struct rings *rings; /* NULL: nothing is recorded */
};

struct session_arrays session_arrays(struct session *session);

/* What recycle.c changes of it. */
struct session_tables {
	struct owner *owners;
	struct histogram *histograms;
	struct heat *heats;
	int owner_index_fd; /* struct owner_key → handle */
	int free_owners_fd, free_histograms_fd; /* queues of indexes */
	int stack_stats_fd; /* -1: no stacks are kept */
	__u32 *generations; /* [GENERATIONS] */
	__u32 *owners_used, *histograms_used;
	__u32 max_owners, max_histograms;
	bool sees_release; /* of guest_memfds */
	__u64 free_ns; /* how long pages may be freed after it, if that is counted */
	struct recycle *recycle;
};

struct session_tables session_tables(struct session *session);

/* Wait for all programs that run now. 0 or a negative errno. */
int session_fence(const struct session *session);

#endif
