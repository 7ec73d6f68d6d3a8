/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A capture as data: how it was taken, what became of each hook, and what was counted. Made by live
 * tracing or from a file; reports, exports and checks read it and nothing else.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "hooks.h"
#include "model.h"

/* Of the records that no room was found for: how many of one event on one CPU. */
struct capture_drop {
	__u32 cpu;
	enum gmem_event event;
	__u64 count;
};

struct capture {
	const char *tool; /* "gmemtrace" or "gmemtop" */
	const char *version; /* of both */
	const char *kernel; /* uname -r */
	const char *arch; /* uname -m */
	__u32 page_bytes; /* of the host; 0: not known */
	__u64 start_realtime_ns;
	__u64 duration_ns;
	char *const *command; /* NULL-terminated; NULL: none */
	bool command_ended;
	int command_status; /* as from waitpid(), when ended */
	__u64 shown; /* 1 << event: the events asked for; others are counted at most for them */
	__u64 stack_events; /* 1 << event: those whose stacks were kept */
	__u64 min_latency_ns; /* what histograms and stacks begin at; 0: everything */
	__u32 sample; /* of so many guest faults one was timed, and no cause is known; 0: each */
	bool events_chosen; /* -e was given: bars for each */
	__u64 interval_ns; /* between snapshots; 0: one, at the end */
	bool records_kept; /* every event was to be kept, too */
	const char *programs; /* as session_programs(); "": not known, nor what follows */
	__u32 npids; /* VMMs that were chosen; 0: none was */
	__u64 limit_ns; /* of the duration; 0: none */
	__u64 buffer_bytes; /* of each CPU, as asked for; 0: the default */
	__u32 ncpus; /* online */
	const char *machine; /* as machine_name(); NULL or "": not known */
	const char *boot; /* as machine_boot(); NULL or "": not known */
	const struct hook_state *hooks; /* [NR_EVENTS] */
	const char *no_inventory; /* why there is none; NULL: it was taken */
	const char *inventory_lacks; /* what cannot be in it; NULL: nothing */
	const struct snapshot *snap;
	/* Of what was read from a file: */
	const char *incomplete; /* why it is not all of the capture; NULL: it is */
	bool rebuilt; /* from records: hooks and losses are not known */
	const struct capture_drop *drops;
	size_t ndrops;
	const char *note; /* what else to know; NULL: nothing */
};

/* Whether the report is about @event: it was asked for and is counted. */
bool capture_shows(const struct capture *capture, enum gmem_event event);

/* What happened with the hooks of an event. */
enum hook_outcome { HOOK_ATTACHED, HOOK_NOT_WANTED, HOOK_UNAVAILABLE };
enum hook_outcome hook_outcome(const struct hook_state *hook);

/* The rung of @event's hook, or NULL when there is none. */
const struct rung *capture_rung(const struct capture *capture, enum gmem_event event);

/* How many hooks of events that the report is about have come to that. */
unsigned int capture_count_hooks(const struct capture *capture, enum hook_outcome outcome);

/* How many events @counts has that the report is about. */
size_t capture_shown(const struct capture *capture, const struct event_counts *counts);

/* How many slots of @vm exist and have none of those; what is resident in them goes to @npages. */
size_t capture_quiet_slots(const struct capture *capture, const struct vm *vm, __u64 *npages);

/* Was something lost, or is it not known how much? */
bool capture_is_lossy(const struct capture *capture);

/* "exited with 1", and so on: of the command, which there is. Returns @buf. */
#define CAPTURE_END_LEN 48
const char *capture_command_end(char buf[CAPTURE_END_LEN], const struct capture *capture);

/* How the command ended: "SIGSEGV" or NULL, for a status of waitpid(). */
const char *capture_signal(int status);

#endif
