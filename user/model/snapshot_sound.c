// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adds up once, with care, what others add up in their ways.
 */
#include "snapshot_sound.h"
#include <stdlib.h>

#define PAGES_MAX (1ULL << 52) /* whose bytes fit into 64 bits */

/* Over everything: where these fit, so does what any part of it adds up to. */
struct sums {
	struct {
		__u64 count, ns, npages, errors, details;
	} events[NR_EVENTS], stacks[NR_EVENTS];
	__u64 past_vms, past_slots, past_gmems;
	__u64 memory; /* pages */
	__u64 nplain, vcpus;
	bool over;
};

static void add(struct sums *sums, __u64 *to, __u64 value)
{
	sums->over |= __builtin_add_overflow(*to, value, to);
}

static void add_counts(struct sums *sums, const struct event_counts *counts)
{
	for (size_t i = 0; i < counts->n; i++) {
		const struct event_count *count = &counts->v[i];
		typeof(*sums->events) *to = &sums->events[count->event];

		add(sums, &to->count, count->count);
		add(sums, &to->ns, count->sum_ns);
		add(sums, &to->npages, count->npages);
		for (size_t j = 0; j < count->nerrs; j++)
			add(sums, &to->errors, count->errs[j].count);
		for (size_t j = 0; j < count->ndetails; j++)
			add(sums, &to->details, count->details[j].count);
	}
}

static void add_resident(struct sums *sums, const struct resident *resident)
{
	add(sums, &sums->memory, resident->npages);
	for (size_t i = 0; i < resident->nnodes; i++)
		add(sums, &sums->memory, resident->nodes[i].npages);
}

static void add_heat(struct sums *sums, const struct heat_map *heat)
{
	__u64 total = 0;

	for (unsigned int i = 0; i < heat->ncells; i++)
		add(sums, &total, heat->cell[i]);
	add(sums, &total, heat->elsewhere);
}

static void add_vm(struct sums *sums, const struct vm *vm)
{
	add_counts(sums, &vm->events);
	add(sums, &sums->nplain, vm->nplain);
	add(sums, &sums->vcpus, vm->vcpus);
	for (size_t i = 0; i < vm->nslots; i++) {
		const struct slot *slot = &vm->slots[i];

		add_counts(sums, &slot->events);
		add_resident(sums, &slot->resident);
		add(sums, &sums->memory, slot->info.npages);
		add(sums, &sums->memory, slot->nprivate);
		if (slot->heat)
			add_heat(sums, slot->heat);
	}
}

static bool sums_fit(const struct snapshot *snap)
{
	struct sums sums = {};

	add_counts(&sums, &snap->host);
	for (size_t i = 0; i < snap->nvms; i++)
		add_vm(&sums, &snap->vms[i]);
	for (size_t i = 0; i < snap->ngmems; i++) {
		add_counts(&sums, &snap->gmems[i].events);
		add_resident(&sums, &snap->gmems[i].resident);
	}
	for (size_t i = 0; i < snap->past.n; i++) {
		add_counts(&sums, &snap->past.v[i].events);
		add(&sums, &sums.past_vms, snap->past.v[i].nvms);
		add(&sums, &sums.past_slots, snap->past.v[i].nslots);
		add(&sums, &sums.past_gmems, snap->past.v[i].ngmems);
	}
	for (size_t i = 0; i < snap->nstacks; i++) {
		add(&sums, &sums.stacks[snap->stacks[i].event].count, snap->stacks[i].count);
		add(&sums, &sums.stacks[snap->stacks[i].event].npages, snap->stacks[i].npages);
	}
	return !sums.over && sums.memory < PAGES_MAX;
}

static bool slot_is_twice(const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->nvms; i++)
		for (size_t j = 1; j < snap->vms[i].nslots; j++) {
			const struct slot *slot = &snap->vms[i].slots[j];

			if (slot[0].info.as_id == slot[-1].info.as_id &&
			    slot[0].info.id == slot[-1].info.id)
				return true;
		}
	return false;
}

static int compare_gmems(const void *a, const void *b)
{
	const struct gmem *x = *(const struct gmem *const *)a, *y = *(const struct gmem *const *)b;

	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	return (x->info.ino > y->info.ino) - (x->info.ino < y->info.ino);
}

/* NULL, what is wrong, or that there is no memory. */
static const char *check_gmems(const struct snapshot *snap)
{
	const struct gmem **gmems = calloc(snap->ngmems + 1, sizeof(*gmems));
	bool twice = false;

	if (!gmems)
		return "it takes more memory than there is";
	for (size_t i = 0; i < snap->ngmems; i++)
		gmems[i] = &snap->gmems[i];
	qsort(gmems, snap->ngmems, sizeof(*gmems), compare_gmems);
	for (size_t i = 1; i < snap->ngmems; i++)
		twice |= !compare_gmems(&gmems[i - 1], &gmems[i]);
	free(gmems);
	return twice ? "a VM has a guest_memfd twice" : NULL;
}

const char *snapshot_unsound(const struct snapshot *snap)
{
	if (!sums_fit(snap))
		return "its counts add up to more than a number holds";
	if (slot_is_twice(snap))
		return "a VM has a slot twice";
	return check_gmems(snap);
}
