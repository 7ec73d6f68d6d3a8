/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A capture of this host from its begin to its end, as the command line asks for it: what `gmemtrace`
 * and `gmemtrace record` have in common.
 */
#ifndef TRACE_H
#define TRACE_H

#include "base/child.h"
#include "live/inventory.h"
#include "live/session.h"
#include "model/vm_order.h"
#include "options.h"
#include "report/report.h"

/* Zeroed but for the options; trace_close() afterwards in any case. */
struct trace {
	const struct options *options;
	struct session *session;
	struct inventory *inventory; /* loaded at the begin, taken at the end; NULL: none */
	struct child child;
	struct capture capture; /* .snap: what was last read */
	struct snapshot snap;
	__u64 start_ns; /* CLOCK_MONOTONIC */
	struct vm_order order;
	struct problem no_inventory;
};

/* Who wants to do something while it goes on; each returns 0, or -1 with @problem filled. */
struct trace_listener {
	/* All is attached, and nothing counted yet; COMMAND may turn out not to run. */
	int (*begin)(struct trace_listener *listener, struct trace *trace, struct problem *problem);
	/* Counting has begun, and COMMAND runs if there is one. */
	int (*started)(struct trace_listener *listener, struct trace *trace,
		       struct problem *problem);
	/* Every @interval_ns, with what was counted so far in trace->capture. */
	int (*tick)(struct trace_listener *listener, struct trace *trace, struct problem *problem);
	__u64 interval_ns;
};

struct inventory_options trace_inventory_options(const struct options *options,
						 const struct kernel *kernel);

/* What the capture is, by its options, without what was seen. */
struct capture trace_capture(const struct options *options, const struct snapshot *snap);

/* Load and attach what the options ask for, in trace->session. 0, or -1 with @problem filled. */
int trace_open(struct trace *trace, struct problem *problem);

/*
 * Trace until the options, COMMAND or a signal say that it is the end, and leave in trace->capture
 * what was seen, with an inventory. @listener may be NULL. 0, or -1 with @problem filled.
 */
int trace_run(struct trace *trace, struct trace_listener *listener, struct problem *problem);

void trace_close(struct trace *trace);

/* What to exit with after a capture that went well: 0, or what COMMAND did if that was asked for. */
int trace_status(const struct trace *trace);

#endif
