/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which rung of each ladder is taken, and why none is: by what a kernel has, then, down the ladder, by
 * what it turns out to refuse. Knows the kernel by a callback only.
 */
#ifndef LADDER_H
#define LADDER_H

#include <stdbool.h>
#include "hooks.h"

/* Does this kernel have the hook's function, with the right first argument? */
typedef bool (*hook_present_fn)(const struct hook *hook, void *ctx);

/*
 * The first rung at or below @from all of whose hooks are present; -1 when there is none. That
 * its functions are there does not mean yet that they can be attached to.
 */
int ladder_choose(const struct ladder *ladder, int from, hook_present_fn present, void *ctx);

/* The first hook of the rung that was chosen; NULL for none (-1). */
const struct hook *ladder_first_hook(const struct ladder *ladder, int rung);

/* @events (1 << event) and all events that give them their context. */
__u64 events_needed(__u64 events);

/* The rungs that are taken of all ladders. */
struct choice {
	hook_present_fn present;
	void *ctx;
	/* By event, then by keeper. Filled here: wanted, rung, reason. */
	struct hook_state states[NR_LADDERS];
};

/* What this kernel has of @events, of those that they need, and of the keepers. */
void choice_make(struct choice *choice, __u64 events, hook_present_fn present, void *ctx);

/* The rung that is taken of an event or a keeper; NULL for none. */
const struct rung *choice_rung(const struct choice *choice, int ladder);

enum failure {
	FAILED_TO_LOAD,
	FAILED_TO_ATTACH,
};

/* The kernel refuses a hook's function with -@err: take @ladder down to its next rung. */
void choice_refuse(struct choice *choice, int ladder, const struct hook *hook, enum failure failure,
		   int err);

/* The same of all ladders whose rungs have the hook's program, when it cannot be attached. Was there one? */
bool choice_refuse_hook(struct choice *choice, const struct hook *hook, int err);

/* After refusals: what needs an event that there is no more is unavailable, too. */
void choice_settle(struct choice *choice);

/* A keeper that nothing can be traced without, and that has no rung; -1: none is missing. */
int choice_missing_keeper(const struct choice *choice);

#endif
