// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a check keeps of a run: a capture may have a histogram of each event of thousands of slots,
 * and a check thousands of captures, but a rule is on one event, and mostly on all slots together.
 */
#include <errno.h>
#include <stdlib.h>
#include "check_judge.h"

/* 1 << event: those that are looked at, and whose histograms are. */
struct wanted {
	__u64 events;
	__u64 histograms;
};

static struct wanted wanted_by(const struct check_input *input)
{
	struct wanted wanted = { .events = check_work_events() };

	for (size_t i = 0; i < input->nrules; i++) {
		__u64 events = metric_events(&input->rules[i].metric);

		wanted.events |= events;
		if (metric_is_noisy(&input->rules[i].metric)) /* of latencies */
			wanted.histograms |= events;
	}
	return wanted;
}

/* @counts keeps what is wanted. */
static void keep_wanted(struct event_counts *counts, const struct wanted *wanted)
{
	size_t kept = 0;

	for (size_t i = 0; i < counts->n; i++) {
		struct event_count *count = &counts->v[i];

		if (!(wanted->histograms & 1ULL << count->event))
			buckets_free(&count->latency);
		if (wanted->events & 1ULL << count->event)
			counts->v[kept++] = *count;
		else
			event_count_free(count);
	}
	counts->n = kept;
}

/* What is done with the counts of each owner. 0 or -ENOMEM. */
typedef int counts_fn(struct event_counts *counts, void *context);

static int each_slot(struct vm *vm, counts_fn *visit, void *context)
{
	int err = visit(&vm->events, context);

	for (size_t i = 0; i < vm->nslots && !err; i++)
		err = visit(&vm->slots[i].events, context);
	return err;
}

/* But the host's. */
static int each_owner(struct snapshot *snap, counts_fn *visit, void *context)
{
	int err = 0;

	for (size_t i = 0; i < snap->nvms && !err; i++)
		err = each_slot(&snap->vms[i], visit, context);
	for (size_t i = 0; i < snap->ngmems && !err; i++)
		err = visit(&snap->gmems[i].events, context);
	for (size_t i = 0; i < snap->past.n && !err; i++)
		err = visit(&snap->past.v[i].events, context);
	return err;
}

static int visit_wanted(struct event_counts *counts, void *wanted)
{
	keep_wanted(counts, wanted);
	return 0;
}

/* To the host, whose counts are @context. */
static int visit_host(struct event_counts *counts, void *context)
{
	int err = event_counts_add(context, counts);

	event_counts_free(counts);
	return err;
}

static void free_stacks(struct snapshot *snap)
{
	struct snapshot stacks = { .stacks = snap->stacks, .nstacks = snap->nstacks };

	snapshot_free(&stacks);
	snap->stacks = NULL;
	snap->nstacks = 0;
}

/* One guest_memfd that has the pages of all, which are known if those of all are. */
static struct gmem *all_gmems(const struct snapshot *snap)
{
	struct gmem *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->exists = all->resident.known = true;
	for (size_t i = 0; i < snap->ngmems; i++) {
		const struct gmem *gmem = &snap->gmems[i];

		all->resident.known &= gmem->resident.known || !gmem->exists;
		all->resident.npages += gmem->resident.npages;
	}
	return all;
}

/* Who is not told apart becomes one. 0 or -ENOMEM. */
static int merge_owners(struct snapshot *snap)
{
	struct gmem *gmem = all_gmems(snap);
	struct snapshot owners = { .vms = snap->vms,
				   .nvms = snap->nvms,
				   .gmems = snap->gmems,
				   .ngmems = snap->ngmems,
				   .past = snap->past };

	if (!gmem || each_owner(snap, visit_host, &snap->host)) {
		free(gmem);
		return -ENOMEM;
	}
	snapshot_free(&owners);
	snap->vms = NULL;
	snap->nvms = 0;
	snap->gmems = gmem;
	snap->ngmems = 1;
	snap->linked = false;
	snap->past = (struct past_list){};
	return 0;
}

int check_reduce(const struct check_input *input, struct snapshot *snap)
{
	struct wanted wanted = wanted_by(input);

	free_stacks(snap);
	keep_wanted(&snap->host, &wanted);
	each_owner(snap, visit_wanted, &wanted);
	return input->per_slot ? 0 : merge_owners(snap);
}
