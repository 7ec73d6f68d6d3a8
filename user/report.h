/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a capture looks like on paper: text for people, JSON for programs. Reads the model only;
 * the formats are a table, so that a new one is one row.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>
#include "hooks.h"
#include "snapshot.h"

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
	__u64 start_realtime_ns;
	__u64 duration_ns;
	char *const *command; /* NULL-terminated; NULL: none */
	bool command_ended;
	int command_status; /* as from waitpid(), when ended */
	__u64 shown; /* 1 << event: the events asked for; others are counted at most for them */
	__u64 stack_events; /* 1 << event: those whose stacks were kept */
	__u64 min_latency_ns; /* what histograms and stacks begin at; 0: everything */
	bool events_chosen; /* -e was given: bars for each */
	__u64 interval_ns; /* between snapshots; 0: one, at the end */
	bool records_kept; /* every event was to be kept, too */
	const char *programs; /* as session_programs(); "": not known, nor what follows */
	__u32 npids; /* VMMs that were chosen; 0: none was */
	__u64 limit_ns; /* of the duration; 0: none */
	__u64 buffer_bytes; /* of each CPU, as asked for; 0: the default */
	__u32 ncpus; /* online */
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

struct report_style {
	unsigned int columns; /* at least 80 */
	bool color;
	bool utf8;
};

/* What can be shown where @out leads: a terminal of some width and colour, a pipe, a file. */
struct report_style report_style_of(FILE *out);

/*
 * Write the capture as @format ("text", "json") and flush it. 0, -EINVAL for an unknown format,
 * -ENOMEM, or the error of writing (-ENOSPC, -EPIPE, ...).
 */
int report_write(FILE *out, const char *format, const struct capture *capture,
		 const struct report_style *style);

/* For options: whether report_write() knows @format. */
bool report_has_format(const char *format);

/* The formats there are, for messages: "text, json". */
const char *report_formats(void);

/* Which rung carries each event on this kernel, and what is unavailable and why. */
int report_probe(FILE *out, const char *format, const struct capture *capture,
		 const struct report_style *style);

/* What there is: VMs, slots and guest_memfds, and the memory they hold. */
int report_inventory(FILE *out, const char *format, const struct capture *capture,
		     const struct report_style *style);

/* The JSON schema that -f json follows, in a capture, a probe and an inventory. */
extern const char report_json_schema[];

#endif
