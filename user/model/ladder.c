// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rungs are only ever left downwards, and what has none any more says why.
 */
#include "ladder.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "events.h"

__u64 events_needed(__u64 events)
{
	__u64 before;

	do {
		before = events;
		for (int event = 0; event < NR_EVENTS; event++)
			if (before & 1ULL << event)
				events |= ladders[event].needs | ladders[event].with;
	} while (events != before);
	return events;
}

int ladder_choose(const struct ladder *ladder, int from, hook_present_fn present, void *ctx)
{
	for (int i = from; i < EVENT_RUNGS && ladder->rungs[i].since; i++) {
		const struct hook *hook = ladder->rungs[i].hooks;
		const struct hook *end = hook + RUNG_HOOKS;

		while (hook < end && hook->program && present(hook, ctx))
			hook++;
		if (hook == end || !hook->program)
			return i;
	}
	return -1;
}

const struct hook *ladder_first_hook(const struct ladder *ladder, int rung)
{
	return rung < 0 ? NULL : ladder->rungs[rung].hooks;
}

const struct rung *choice_rung(const struct choice *choice, int ladder)
{
	int rung = choice->states[ladder].rung;

	return rung < 0 ? NULL : &ladders[ladder].rungs[rung];
}

/* The function for want of which the rung is not there. */
static const char *rung_wants(const struct choice *choice, const struct rung *rung)
{
	const struct hook *hook = rung->hooks;

	while (hook < rung->hooks + RUNG_HOOKS - 1 && hook[1].program &&
	       choice->present(hook, choice->ctx))
		hook++;
	return hook->function;
}

/* "not in this kernel: kvm_gmem_prepare_memory_region, kvm_gmem_bind (since 6.8)" */
static void say_missing(const struct choice *choice, const struct ladder *ladder, char *reason,
			size_t size)
{
	const char *since = "in flight", *last = "";
	char names[120] = "";

	for (int i = 0; i < EVENT_RUNGS && ladder->rungs[i].since; i++) {
		const char *function = rung_wants(choice, &ladder->rungs[i]);
		const struct rung *next = &ladder->rungs[i + 1];

		since = ladder->rungs[i].since;
		/* Nobody misses what is in flight where a released kernel has something. */
		if (!strcmp(since, "in flight") && i + 1 < EVENT_RUNGS && next->since)
			continue;
		if (strcmp(last, function))
			text_list_add(names, sizeof(names), function);
		last = function;
	}
	if (strcmp(since, "in flight"))
		snprintf(reason, size, "not in this kernel: %s (since %s)", names, since);
	else
		snprintf(reason, size, "not in this kernel: %s (in no released one)", names);
}

void choice_make(struct choice *choice, __u64 events, hook_present_fn present, void *ctx)
{
	__u64 needed = events_needed(events);

	*choice = (struct choice){ .present = present, .ctx = ctx };
	for (int ladder = 0; ladder < NR_LADDERS; ladder++) {
		struct hook_state *state = &choice->states[ladder];

		state->wanted = events & 1ULL << ladder;
		state->rung = -1;
		if (ladder < NR_EVENTS && !(needed & 1ULL << ladder))
			continue;
		state->rung = ladder_choose(&ladders[ladder], 0, present, ctx);
		if (state->rung < 0)
			say_missing(choice, &ladders[ladder], state->reason, sizeof(state->reason));
	}
	choice_settle(choice);
}

void choice_refuse(struct choice *choice, int ladder, const struct hook *hook, enum failure failure,
		   int err)
{
	struct hook_state *state = &choice->states[ladder];

	if (err == -ENOENT || err == -ESRCH)
		snprintf(state->reason, sizeof(state->reason),
			 "%s is in BTF but not a function of its own (inlined)", hook->function);
	else if (failure == FAILED_TO_ATTACH && err == -E2BIG) /* BPF_MAX_TRAMP_LINKS */
		snprintf(state->reason, sizeof(state->reason),
			 "%s has no place for a program: other tracers hold all of them",
			 hook->function);
	else
		snprintf(state->reason, sizeof(state->reason), "%s cannot be attached to: %s",
			 hook->function, strerror(-err));
	state->rung =
		ladder_choose(&ladders[ladder], state->rung + 1, choice->present, choice->ctx);
}

static bool rung_has(const struct rung *rung, const char *program)
{
	for (int i = 0; i < RUNG_HOOKS && rung->hooks[i].program; i++)
		if (!strcmp(rung->hooks[i].program, program))
			return true;
	return false;
}

bool choice_refuse_hook(struct choice *choice, const struct hook *hook, int err)
{
	bool found = false;

	for (int ladder = 0; ladder < NR_LADDERS; ladder++) {
		const struct rung *rung = choice_rung(choice, ladder);

		if (!rung || !rung_has(rung, hook->program))
			continue;
		choice_refuse(choice, ladder, hook, FAILED_TO_ATTACH, err);
		found = true;
	}
	return found;
}

void choice_settle(struct choice *choice)
{
	for (int event = 0; event < NR_EVENTS; event++) {
		struct hook_state *state = &choice->states[event];

		for (int need = 0; need < NR_EVENTS; need++)
			if (ladders[event].needs & 1ULL << need && state->rung >= 0 &&
			    choice->states[need].rung < 0) {
				state->rung = -1;
				snprintf(state->reason, sizeof(state->reason),
					 "needs %s, which is unavailable", event_descs[need].name);
			}
	}
}

int choice_missing_keeper(const struct choice *choice)
{
	for (int ladder = NR_EVENTS; ladder < NR_LADDERS; ladder++)
		if (ladders[ladder].keeps && choice->states[ladder].rung < 0)
			return ladder;
	return -1;
}
