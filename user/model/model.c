// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of the model in snapshot.h: adding counts up and freeing them. snapshot.c makes the
 * tree from the kernel's maps; nothing here knows where it came from.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/arrays.h"
#include "events.h"
#include "model.h"
#include "past.h"

static int compare_slots(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	if (x->info.as_id != y->info.as_id)
		return x->info.as_id < y->info.as_id ? -1 : 1;
	return (x->info.id > y->info.id) - (x->info.id < y->info.id);
}

void snapshot_sort(struct snapshot *snap)
{
	for (size_t i = 0; i < snap->nvms; i++)
		if (snap->vms[i].nslots)
			qsort(snap->vms[i].slots, snap->vms[i].nslots, sizeof(*snap->vms[i].slots),
			      compare_slots);
}

static int compare_nodes(const void *a, const void *b)
{
	const struct node_pages *x = a, *y = b;

	return (x->node > y->node) - (x->node < y->node);
}

int resident_add(struct resident *to, __u32 node, __u64 npages)
{
	struct node_pages *at = to->nodes, *end = to->nodes + to->nnodes;

	if (!npages)
		return 0;
	while (at < end && at->node != node)
		at++;
	if (at == end) {
		at = array_append(&to->nodes, &to->nnodes, sizeof(*at));
		if (!at)
			return -ENOMEM;
		at->node = node;
	}
	at->npages += npages;
	to->npages += npages;
	qsort(to->nodes, to->nnodes, sizeof(*to->nodes), compare_nodes);
	return 0;
}

/* Merge two ascending lists into a new one, which replaces @to's. */
static int errs_add(struct event_count *to, const struct event_count *from)
{
	size_t i = 0, j = 0, n = 0;
	struct errno_count *errs;

	if (!from->nerrs)
		return 0;
	errs = calloc(to->nerrs + from->nerrs, sizeof(*errs));
	if (!errs)
		return -ENOMEM;
	while (i < to->nerrs || j < from->nerrs) {
		int left = i < to->nerrs ? to->errs[i].err : 0x7fffffff;
		int right = j < from->nerrs ? from->errs[j].err : 0x7fffffff;

		errs[n].err = left < right ? left : right;
		if (i < to->nerrs && left <= right)
			errs[n].count += to->errs[i++].count;
		if (j < from->nerrs && right <= left)
			errs[n].count += from->errs[j++].count;
		n++;
	}
	free(to->errs);
	to->errs = errs;
	to->nerrs = n;
	return 0;
}

/* Likewise. No event has more details than there are at all. */
static int details_add(struct event_count *to, const struct event_count *from)
{
	struct detail_count *details;
	__u64 sum[NR_DETAILS] = { 0 };
	size_t i, n = 0;

	if (!from->ndetails)
		return 0;
	details = calloc(to->ndetails + from->ndetails, sizeof(*details));
	if (!details)
		return -ENOMEM;
	for (i = 0; i < to->ndetails; i++)
		sum[to->details[i].detail] += to->details[i].count;
	for (i = 0; i < from->ndetails; i++)
		sum[from->details[i].detail] += from->details[i].count;
	for (i = 0; i < NR_DETAILS; i++)
		if (sum[i])
			details[n++] = (struct detail_count){ i, sum[i] };
	free(to->details);
	to->details = details;
	to->ndetails = n;
	return 0;
}

int event_count_add(struct event_count *to, const struct event_count *from)
{
	int err;

	if (!from->count)
		return 0;
	err = buckets_add(&to->latency, &from->latency);
	if (!err)
		err = errs_add(to, from);
	if (!err)
		err = details_add(to, from);
	if (err)
		return err;
	/* One without latencies has no minimum, whatever its min_ns says. */
	if (event_count_timed(from) && (!event_count_timed(to) || from->min_ns < to->min_ns))
		to->min_ns = from->min_ns;
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
	to->event = from->event;
	to->count += from->count;
	to->untimed += from->untimed;
	to->sum_ns += from->sum_ns;
	to->npages += from->npages;
	return 0;
}

void event_count_free(struct event_count *count)
{
	buckets_free(&count->latency);
	free(count->errs);
	free(count->details);
	memset(count, 0, sizeof(*count));
}

const struct event_count *event_counts_find(const struct event_counts *counts,
					    enum gmem_event event)
{
	size_t i;

	for (i = 0; i < counts->n; i++)
		if (counts->v[i].event == event)
			return &counts->v[i];
	return NULL;
}

__u64 event_count_errors(const struct event_count *count)
{
	__u64 errors = 0;
	size_t i;

	for (i = 0; i < count->nerrs; i++)
		errors += count->errs[i].count;
	return errors;
}

/* Where @event is, made if need be; NULL: no memory. */
static struct event_count *count_of(struct event_counts *counts, enum gmem_event event)
{
	struct event_count *v = counts->v;
	size_t at = 0;

	while (at < counts->n && v[at].event < event)
		at++;
	if (at < counts->n && v[at].event == event)
		return &v[at];
	v = reallocarray(v, counts->n + 1, sizeof(*v));
	if (!v)
		return NULL;
	counts->v = v;
	memmove(v + at + 1, v + at, (counts->n++ - at) * sizeof(*v));
	v[at] = (struct event_count){ .event = event };
	return &v[at];
}

int event_counts_add(struct event_counts *to, const struct event_counts *from)
{
	int err = 0;

	for (size_t i = 0; i < from->n && !err; i++) {
		struct event_count *count;

		if (!from->v[i].count)
			continue;
		count = count_of(to, from->v[i].event);
		err = count ? event_count_add(count, &from->v[i]) : -ENOMEM;
	}
	return err;
}

void event_counts_free(struct event_counts *counts)
{
	size_t i;

	for (i = 0; i < counts->n; i++)
		event_count_free(&counts->v[i]);
	free(counts->v);
	memset(counts, 0, sizeof(*counts));
}

__u64 event_errors_alike(const struct event_count *count, size_t i)
{
	char name[32];
	__u64 sum = 0;

	snprintf(name, sizeof(name), "%s", errno_name(count->errs[i].err));
	for (size_t j = 0; j < count->nerrs; j++) {
		if (strcmp(errno_name(count->errs[j].err), name))
			continue;
		if (j < i)
			return 0;
		sum += count->errs[j].count;
	}
	return sum;
}

int event_totals_add(struct event_totals *totals, const struct event_counts *counts)
{
	size_t i;
	int err;

	for (i = 0; i < counts->n; i++) {
		err = event_count_add(&totals->v[counts->v[i].event], &counts->v[i]);
		if (err)
			return err;
	}
	return 0;
}

int event_totals_merge(struct event_totals *totals, const struct event_totals *from)
{
	int err = 0;

	for (int event = 0; event < NR_EVENTS && !err; event++)
		err = event_count_add(&totals->v[event], &from->v[event]);
	return err;
}

static int totals_add_slots(struct event_totals *totals, const struct vm *vm)
{
	size_t i;
	int err = 0;

	for (i = 0; i < vm->nslots && !err; i++)
		err = event_totals_add(totals, &vm->slots[i].events);
	return err;
}

void snapshot_link(struct snapshot *snap)
{
	for (size_t i = 0; i < snap->nvms; i++)
		snap->vms[i].gmems = 0;
	for (size_t i = snap->ngmems; i--;) {
		struct gmem *gmem = &snap->gmems[i];
		struct vm *vm = gmem->vm < snap->nvms ? &snap->vms[gmem->vm] : NULL;

		gmem->next = vm ? vm->gmems : 0;
		if (vm)
			vm->gmems = 1 + i;
	}
	snap->linked = true;
}

size_t snapshot_next_gmem(const struct snapshot *snap, size_t vm, size_t from)
{
	if (snap->linked) {
		__u32 next = from ? snap->gmems[from - 1].next : snap->vms[vm].gmems;

		return next ? next - 1 : snap->ngmems;
	}
	while (from < snap->ngmems && snap->gmems[from].vm != vm)
		from++;
	return from;
}

int event_totals_add_vm(struct event_totals *totals, const struct snapshot *snap, size_t vm)
{
	size_t i;
	int err;

	err = event_totals_add(totals, &snap->vms[vm].events);
	if (!err)
		err = totals_add_slots(totals, &snap->vms[vm]);
	for (i = snapshot_next_gmem(snap, vm, 0); i < snap->ngmems && !err;
	     i = snapshot_next_gmem(snap, vm, i + 1))
		err = event_totals_add(totals, &snap->gmems[i].events);
	return err;
}

int event_totals_add_all(struct event_totals *totals, const struct snapshot *snap)
{
	size_t i;
	int err;

	err = event_totals_add(totals, &snap->host);
	for (i = 0; i < snap->nvms && !err; i++) {
		err = event_totals_add(totals, &snap->vms[i].events);
		if (!err)
			err = totals_add_slots(totals, &snap->vms[i]);
	}
	for (i = 0; i < snap->ngmems && !err; i++)
		err = event_totals_add(totals, &snap->gmems[i].events);
	for (i = 0; i < snap->past.n && !err; i++)
		err = event_totals_add(totals, &snap->past.v[i].events);
	return err;
}

void event_totals_free(struct event_totals *totals)
{
	int i;

	for (i = 0; i < NR_EVENTS; i++)
		event_count_free(&totals->v[i]);
}

static void vm_free(struct vm *vm)
{
	size_t i;

	for (i = 0; i < vm->nslots; i++) {
		event_counts_free(&vm->slots[i].events);
		free(vm->slots[i].resident.nodes);
		free(vm->slots[i].heat);
	}
	free(vm->slots);
	event_counts_free(&vm->events);
}

static void stack_free(struct stack_count *stack)
{
	for (size_t i = 0; i < stack->nframes; i++)
		free(stack->frames[i]);
	free(stack->frames);
}

void snapshot_free(struct snapshot *snap)
{
	size_t i;

	for (i = 0; i < snap->nvms; i++)
		vm_free(&snap->vms[i]);
	for (i = 0; i < snap->ngmems; i++) {
		event_counts_free(&snap->gmems[i].events);
		free(snap->gmems[i].resident.nodes);
	}
	event_counts_free(&snap->host);
	past_free(&snap->past);
	for (i = 0; i < snap->nstacks; i++)
		stack_free(&snap->stacks[i]);
	free(snap->stacks);
	free(snap->vms);
	free(snap->gmems);
	memset(snap, 0, sizeof(*snap));
}
