// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks the kernel about each program once, whichever hooks and events share it.
 */
#include "programs.h"
#include <stdlib.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "base/since.h"
#include "model/misses.h"
#include "object.h"

struct programs {
	const struct object *object;
	struct choice *choice;
	const struct bpf_program *prog[MAX_TARGETS];
	__u64 before[MAX_TARGETS]; /* skips until the start */
	struct used_program used[MAX_TARGETS];
	size_t n;
};

/* A probe that is skipped at the begin of a function is not called at its end. */
static bool sees_ends(const struct object *object, const struct hook *hook)
{
	return !object->exact && (hook->kind == HOOK_BOTH_ENDS || hook->kind == HOOK_END);
}

static void add(struct programs *programs, const struct bpf_program *prog, int ladder, bool ends)
{
	struct used_program *used;
	size_t i = 0;

	while (i < programs->n && programs->prog[i] != prog)
		i++;
	if (i == programs->n)
		programs->n++;
	programs->prog[i] = prog;
	used = &programs->used[i];
	used->ends = ends;
	if (ladder < NR_EVENTS)
		used->events |= 1ULL << ladder;
}

static void add_hook(struct programs *programs, const struct hook *hook, int ladder)
{
	const struct bpf_program *prog;

	for (int n = 0; (prog = object_program(programs->object, hook, n)); n++)
		add(programs, prog, ladder, sees_ends(programs->object, hook));
}

struct programs *programs_new(const struct object *object, struct choice *choice)
{
	struct programs *programs = calloc(1, sizeof(*programs));
	const struct rung *rung;

	if (!programs)
		return NULL;
	programs->object = object;
	programs->choice = choice;
	for (int ladder = 0; ladder < NR_LADDERS; ladder++) {
		rung = ladder == KEEPER_SWITCHED_OFF ? NULL : choice_rung(choice, ladder);
		for (int i = 0; rung && i < RUNG_HOOKS && rung->hooks[i].program; i++)
			add_hook(programs, &rung->hooks[i], ladder);
	}
	return programs;
}

void programs_free(struct programs *programs)
{
	free(programs);
}

/* To all events that the program serves. */
static void count_runs(struct hook_state *states, const struct used_program *used,
		       const struct bpf_prog_info *info)
{
	for (int event = 0; event < NR_EVENTS; event++) {
		if (!(used->events >> event & 1))
			continue;
		states[event].run_count += info->run_cnt;
		states[event].run_time_ns += info->run_time_ns;
		states[event].recursion_misses += used->skipped;
	}
}

void programs_refresh(struct programs *programs)
{
	struct hook_state *states = programs->choice->states;

	for (int event = 0; event < NR_EVENTS; event++)
		states[event].run_count = states[event].run_time_ns =
			states[event].recursion_misses = 0;
	for (size_t i = 0; i < programs->n; i++) {
		struct used_program *used = &programs->used[i];
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(programs->prog[i]), &info, &size))
			continue;
		used->skipped = count_since(info.recursion_misses, programs->before[i]);
		count_runs(states, used, &info);
	}
}

void programs_start(struct programs *programs)
{
	programs_refresh(programs);
	for (size_t i = 0; i < programs->n; i++)
		programs->before[i] += programs->used[i].skipped;
}

bool programs_miss_ends(const struct programs *programs, enum gmem_event event)
{
	for (size_t i = 0; i < programs->n; i++)
		if (programs->used[i].events >> event & 1 && programs->used[i].ends &&
		    programs->used[i].skipped)
			return true;
	return false;
}

void programs_tell_misses(const struct programs *programs, const __u64 *unended,
			  __u64 (*loss)[NR_LOSSES])
{
	const struct hook_state *states = programs->choice->states;
	int first = 0;

	while (first < NR_EVENTS - 1 && states[first].rung < 0)
		first++;
	misses_tell(programs->used, programs->n, unended, first, loss);
}
