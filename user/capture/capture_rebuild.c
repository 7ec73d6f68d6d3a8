// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts records at their owners. An owner index that comes to mean something else gets a new entry,
 * so that entries are what the snapshot has at last.
 */
#include "base/arrays.h"
#include "capture_rebuild.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "capture_block.h"
#include "model/events.h"

/* An owner and what was counted at it. */
struct entry {
	struct capture_owner owner;
	__u32 index;
	size_t vm; /* its VM's entry; NONE */
	size_t at; /* index in the snapshot, of a VM */
	struct event_count *counts[NR_EVENTS]; /* NULL: none so far */
};

#define NONE (~(size_t)0)

struct rebuild {
	__u64 min_latency_ns;
	__u64 end_ns;
	struct entry *entries; /* [0]: the host */
	size_t nentries;
	size_t *current; /* entry by owner index; NONE */
	size_t ncurrent;
	__u64 orphans[NR_EVENTS]; /* of owners not known */
	__u64 unnamed[NR_EVENTS]; /* with more errors than there is room for */
};

/* The entry of an owner index, or NONE. */
static size_t current_entry(const struct rebuild *r, __u32 index)
{
	return index < r->ncurrent ? r->current[index] : NONE;
}

static int grow_current(struct rebuild *r, __u32 index)
{
	size_t n = r->ncurrent ?: 64;
	size_t *current;

	while (n <= index)
		n *= 2;
	if (n == r->ncurrent)
		return 0;
	current = reallocarray(r->current, n, sizeof(*current));
	if (!current)
		return -ENOMEM;
	memset(current + r->ncurrent, 0xff, (n - r->ncurrent) * sizeof(*current));
	r->current = current;
	r->ncurrent = n;
	return 0;
}

static struct entry *new_entry(struct rebuild *r, __u32 index, const struct capture_owner *owner)
{
	struct entry *entry;

	if (r->nentries >= OWNERS_MAX || grow_current(r, index))
		return NULL;
	entry = array_append(&r->entries, &r->nentries, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->owner = *owner;
	entry->index = index;
	entry->vm = owner->kind == OWNER_SLOT || owner->kind == OWNER_GMEM
			    ? current_entry(r, owner->vm)
			    : NONE;
	r->current[index] = r->nentries - 1;
	return entry;
}

struct rebuild *rebuild_new(__u64 min_latency_ns)
{
	static const struct capture_owner host = { .kind = OWNER_HOST };
	struct rebuild *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->min_latency_ns = min_latency_ns;
	if (new_entry(r, OWNER_INDEX_HOST, &host))
		return r;
	rebuild_free(r);
	return NULL;
}

/* Is @b what @a was, whatever has changed about it? */
static bool same_owner(const struct capture_owner *a, const struct capture_owner *b)
{
	if (a->kind != b->kind || a->vm != b->vm)
		return false;
	switch (a->kind) {
	case OWNER_VM:
		return a->vm_info.kvm == b->vm_info.kvm && a->vm_info.pid == b->vm_info.pid;
	case OWNER_SLOT:
		return a->slot.as_id == b->slot.as_id && a->slot.id == b->slot.id;
	case OWNER_GMEM:
		return a->gmem.ino == b->gmem.ino;
	default:
		return true;
	}
}

int rebuild_owner(struct rebuild *r, __u32 index, const struct capture_owner *owner)
{
	size_t at = current_entry(r, index);
	struct entry *entry = at == NONE ? NULL : &r->entries[at];

	if (index >= OWNERS_MAX || owner->vm >= OWNERS_MAX || grow_current(r, index))
		return -ENOMEM;
	if (owner->kind == OWNER_HOST) {
		r->current[index] = 0;
		return 0;
	}
	if (entry && same_owner(&entry->owner, owner) &&
	    (entry->vm == NONE || entry->vm == current_entry(r, owner->vm))) {
		entry->owner = *owner;
		return 0;
	}
	return new_entry(r, index, owner) ? 0 : -ENOMEM;
}

static struct event_count *count_of(struct entry *entry, enum gmem_event event)
{
	struct event_count *count = entry->counts[event];

	if (count)
		return count;
	count = calloc(1, sizeof(*count));
	if (!count)
		return NULL;
	count->event = event;
	count->min_ns = ~0ULL;
	return entry->counts[event] = count;
}

static int add_latency(struct event_count *count, __u64 ns, __u64 min_latency_ns)
{
	__u64 *bucket;

	count->sum_ns += ns;
	if (ns < count->min_ns)
		count->min_ns = ns;
	if (ns > count->max_ns)
		count->max_ns = ns;
	if (ns < min_latency_ns)
		return 0;
	bucket = buckets_widen(&count->latency, hist_bucket(ns), 1);
	if (!bucket)
		return -ENOMEM;
	++*bucket;
	return 0;
}

/* Both keep their lists ascending. */
static int add_error(struct rebuild *r, struct event_count *count, int err)
{
	size_t i = 0;

	while (i < count->nerrs && count->errs[i].err < err)
		i++;
	if (i == count->nerrs || count->errs[i].err != err) {
		if (count->nerrs == ERRORS_MAX) {
			r->unnamed[count->event]++;
			return 0;
		}
		if (!array_append(&count->errs, &count->nerrs, sizeof(*count->errs)))
			return -ENOMEM;
		memmove(&count->errs[i + 1], &count->errs[i],
			(count->nerrs - 1 - i) * sizeof(*count->errs));
		count->errs[i] = (struct errno_count){ err, 0 };
	}
	count->errs[i].count++;
	return 0;
}

static int add_detail(struct event_count *count, enum gmem_detail detail)
{
	size_t i = 0;

	while (i < count->ndetails && count->details[i].detail < detail)
		i++;
	if (i == count->ndetails || count->details[i].detail != detail) {
		if (!array_append(&count->details, &count->ndetails, sizeof(*count->details)))
			return -ENOMEM;
		memmove(&count->details[i + 1], &count->details[i],
			(count->ndetails - 1 - i) * sizeof(*count->details));
		count->details[i] = (struct detail_count){ detail, 0 };
	}
	count->details[i].count++;
	return 0;
}

static int add_record(struct rebuild *r, struct entry *entry, const struct gmem_record *record)
{
	struct event_count *count = count_of(entry, record->event);
	int err = 0;

	if (!count)
		return -ENOMEM;
	count->count++;
	if (event_descs[record->event].carries & EVENT_LATENCY)
		err = add_latency(count, record->latency_ns, r->min_latency_ns);
	if (event_descs[record->event].carries & EVENT_PAGES)
		count->npages += record->npages;
	if (record->err && !err)
		err = add_error(r, count, record->err);
	for (__u32 bits = record->details; bits && !err; bits &= bits - 1)
		err = add_detail(count, events_first_detail(record->event) + __builtin_ctz(bits));
	return err;
}

int rebuild_records(struct rebuild *r, const struct gmem_record *records, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		const struct gmem_record *record = &records[i];
		size_t at = current_entry(r, record->owner);

		if (record->end_ns > r->end_ns)
			r->end_ns = record->end_ns;
		if (at == NONE)
			r->orphans[record->event]++;
		else
			err = add_record(r, &r->entries[at], record);
	}
	return err;
}

/* The VM of an owner comes first. */
static int owner_from(struct rebuild *r, const struct capture_file *file, __u32 index)
{
	const struct capture_owner *owner = capture_owner(file, index), *vm;
	int err = 0;

	if (!owner)
		return 0;
	vm = owner->kind == OWNER_VM ? NULL : capture_owner(file, owner->vm);
	if (vm && vm->kind == OWNER_VM)
		err = rebuild_owner(r, owner->vm, vm);
	return err ?: rebuild_owner(r, index, owner);
}

int rebuild_from(struct rebuild *r, const struct capture_file *file,
		 const struct capture_item *item)
{
	__u32 last = OWNER_IGNORED, n = item->kind == CAPTURE_END ? capture_owners(file) : 0;
	int err = 0;

	for (__u32 index = 0; index < n && !err; index++)
		err = owner_from(r, file, index);
	for (size_t i = 0; i < item->nrecords && !err; i++) {
		if (item->records[i].owner == last)
			continue;
		last = item->records[i].owner;
		err = owner_from(r, file, last);
	}
	return err ?: rebuild_records(r, item->records, item->nrecords);
}

__u64 rebuild_end_ns(const struct rebuild *rebuild)
{
	return rebuild->end_ns;
}

/* ---- The end ---- */

static int copy_counts(const struct entry *entry, struct event_counts *to)
{
	int err = 0;

	for (int event = 0; event < NR_EVENTS && !err; event++) {
		struct event_count *count;

		if (!entry->counts[event])
			continue;
		count = array_append(&to->v, &to->n, sizeof(*count));
		err = count ? event_count_add(count, entry->counts[event]) : -ENOMEM;
	}
	return err;
}

static int copy_vm(struct entry *entry, struct snapshot *snap)
{
	struct vm *vm = array_append(&snap->vms, &snap->nvms, sizeof(*vm));

	if (!vm)
		return -ENOMEM;
	entry->at = snap->nvms - 1;
	vm->owner = entry->index;
	vm->info = entry->owner.vm_info;
	return copy_counts(entry, &vm->events);
}

static int copy_slot(const struct entry *entry, struct snapshot *snap, size_t at)
{
	struct vm *vm = &snap->vms[at];
	struct slot *slot = array_append(&vm->slots, &vm->nslots, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	slot->owner = entry->index;
	slot->info = entry->owner.slot;
	return copy_counts(entry, &slot->events);
}

static int copy_gmem(const struct entry *entry, struct snapshot *snap, size_t at)
{
	struct gmem *gmem = array_append(&snap->gmems, &snap->ngmems, sizeof(*gmem));

	if (!gmem)
		return -ENOMEM;
	gmem->owner = entry->index;
	gmem->info = entry->owner.gmem;
	gmem->vm = at;
	return copy_counts(entry, &gmem->events);
}

static void lose(struct snapshot *snap, enum gmem_event event, enum gmem_loss loss, __u64 count)
{
	snap->loss[event][loss] += count;
	snap->lost += count;
}

/* A VM's entry comes before those of what belongs to it. */
static int copy_entry(const struct rebuild *r, struct entry *entry, struct snapshot *snap)
{
	const struct entry *vm = entry->vm == NONE ? NULL : &r->entries[entry->vm];

	if (entry->owner.kind == OWNER_HOST)
		return copy_counts(entry, &snap->host);
	if (entry->owner.kind == OWNER_VM)
		return copy_vm(entry, snap);
	if (vm && vm->owner.kind == OWNER_VM)
		return entry->owner.kind == OWNER_SLOT ? copy_slot(entry, snap, vm->at)
						       : copy_gmem(entry, snap, vm->at);
	for (int event = 0; event < NR_EVENTS; event++)
		if (entry->counts[event])
			lose(snap, event, LOSS_OWNER, entry->counts[event]->count);
	return 0;
}

int rebuild_snapshot(const struct rebuild *r, struct snapshot *snap)
{
	int err = 0;

	memset(snap, 0, sizeof(*snap));
	for (size_t i = 0; i < r->nentries && !err; i++)
		err = copy_entry(r, &r->entries[i], snap);
	for (int event = 0; event < NR_EVENTS; event++) {
		lose(snap, event, LOSS_OWNER, r->orphans[event]);
		lose(snap, event, LOSS_ERRNO, r->unnamed[event]);
	}
	if (err)
		snapshot_free(snap);
	else
		snapshot_sort(snap);
	return err;
}

void rebuild_free(struct rebuild *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nentries; i++)
		for (int event = 0; event < NR_EVENTS; event++)
			if (r->entries[i].counts[event]) {
				event_count_free(r->entries[i].counts[event]);
				free(r->entries[i].counts[event]);
			}
	free(r->entries);
	free(r->current);
	free(r);
}
