/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the writers of the formats offer report.c's table, and what they share. Private to
 * report*.c; capture_pack.c writes down the same rungs.
 */
#ifndef REPORT_FORMATS_H
#define REPORT_FORMATS_H

#include "report.h"

typedef int report_writer(FILE *out, const struct capture *capture,
			  const struct report_style *style);

/* Each returns 0 or -ENOMEM; errors of @out are left to the caller. */
report_writer report_text_capture, report_text_probe, report_text_inventory;
report_writer report_json_capture, report_json_probe, report_json_inventory;

/* Whether the report is about @event: it was asked for and is counted. */
bool report_shows(const struct capture *capture, enum gmem_event event);

/* What happened with the hooks of an event. */
enum hook_outcome { HOOK_ATTACHED, HOOK_NOT_WANTED, HOOK_UNAVAILABLE };
enum hook_outcome report_outcome(const struct hook_state *hook);

/* The rung of @event's hook, or NULL when there is none. */
const struct rung *report_rung(const struct capture *capture, enum gmem_event event);

/* The rung's @n-th kernel function, each counted once; NULL after the last. */
const char *report_function(const struct rung *rung, unsigned int n);

/* A frame of a stack as it is shown: older captures have addresses, which nobody is told. */
const char *report_frame(const char *frame);

/* Why stacks have frames without names, and what to do; NULL: all have one. */
const char *report_no_names(const struct snapshot *snap);

/* The stacks kept, as text; nothing when none were asked for. */
void report_text_stacks(FILE *out, const struct capture *capture, const struct report_style *style);

/*
 * The sum of @count's errors from the @i-th on that share its name, as faults of some kinds do; 0
 * when one before has that name.
 */
__u64 report_errors_alike(const struct event_count *count, size_t i);

/* How the command ended: "SIGSEGV" or NULL, for a status of waitpid(). */
const char *report_signal(int status);

#endif
