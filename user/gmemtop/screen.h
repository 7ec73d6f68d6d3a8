/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live view on a terminal: takes keys, draws what the view has.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include "view_head.h"
#include "view_settings.h"

/* Where the screen gets what it shows. */
struct screen_source {
	struct view *view; /* has been refreshed once */
	struct view_settings *settings;
	struct view_machine machine;
	__u64 stack_events; /* 1 << event: those whose stacks are kept */
	__u64 count; /* refreshes, then the end; 0: without end */
	const char *config; /* where settings are kept; NULL: nowhere */
	/* Bring the view up to date. 0, or -1 with @problem filled. */
	int (*refresh)(void *ctx, struct problem *problem);
	/* Let the kernel count the runs of our programs, which costs a little, or not. */
	void (*count_runs)(void *ctx, bool on);
	void *ctx;
};

/* Is there a terminal for it? 0, or -1 with @problem filled: before seconds go into attaching. */
int screen_check(struct problem *problem);

/* Until the user wants to leave. 0, or -1 with @problem filled; the terminal is as it was before. */
int screen_run(const struct screen_source *source, struct problem *problem);

#endif
