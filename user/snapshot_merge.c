// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts and inventory into one snapshot. What events have told of a VM or slot is the newer.
 */
#include "snapshot_merge.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GONE (~(size_t)0)

static int copy_resident(struct resident *to, const struct resident *from)
{
	int err = 0;

	to->known = from->known;
	to->npages = 0;
	for (size_t i = 0; i < from->nnodes && !err; i++)
		err = resident_add(to, from->nodes[i].node, from->nodes[i].npages);
	to->npages = from->npages;
	return err;
}

/* The place of @vm in @to, made if need be; GONE when it has ended since. NULL @at: no memory. */
static int place_vm(struct snapshot *to, const struct vm *vm, __u64 taken_ns, size_t *at)
{
	struct vm *new;

	for (*at = 0; *at < to->nvms; (*at)++) {
		const struct vm_info *info = &to->vms[*at].info;

		if (info->kvm != vm->info.kvm)
			continue;
		if (!info->ended_ns)
			return 0;
		if (info->ended_ns >= taken_ns) {
			*at = GONE;
			return 0;
		}
	}
	new = snapshot_append(&to->vms, &to->nvms, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->info = vm->info;
	return 0;
}

static int compare_slots(const struct slot *a, const struct slot *b)
{
	if (a->info.as_id != b->info.as_id)
		return a->info.as_id < b->info.as_id ? -1 : 1;
	return (a->info.id > b->info.id) - (a->info.id < b->info.id);
}

static int fill_slot(struct slot *to, const struct slot *from)
{
	to->exists = from->exists;
	to->has_private = from->has_private;
	to->nprivate = from->nprivate;
	return copy_resident(&to->resident, &from->resident);
}

/* Both are in order: a walk over both, with what is new at the end. */
static int merge_slots(struct vm *to, const struct vm *from)
{
	size_t known = to->nslots, at = 0;
	int err = 0;

	for (size_t i = 0; i < from->nslots && !err; i++) {
		const struct slot *slot = &from->slots[i];
		struct slot *new;

		while (at < known && compare_slots(&to->slots[at], slot) < 0)
			at++;
		if (at < known && !compare_slots(&to->slots[at], slot)) {
			err = fill_slot(&to->slots[at], slot);
			continue;
		}
		new = snapshot_append(&to->slots, &to->nslots, sizeof(*new));
		if (!new)
			return -ENOMEM;
		new->info = slot->info;
		err = fill_slot(new, slot);
	}
	return err;
}

static int merge_vm(struct snapshot *to, const struct vm *from, size_t at)
{
	struct vm *vm = &to->vms[at];

	vm->exists = from->exists;
	vm->vcpus = from->vcpus;
	vm->nplain = from->nplain;
	return merge_slots(vm, from);
}

/* Mostly they come in the same order: *@at is where the last one was. */
static struct gmem *place_gmem(struct snapshot *to, const struct gmem *gmem, size_t vm, size_t *at)
{
	struct gmem *new;

	for (size_t i = 0; i < to->ngmems; i++) {
		size_t next = (*at + 1 + i) % to->ngmems;

		if (to->gmems[next].info.ino == gmem->info.ino && to->gmems[next].vm == vm) {
			*at = next;
			return &to->gmems[next];
		}
	}
	new = snapshot_append(&to->gmems, &to->ngmems, sizeof(*new));
	if (new) {
		new->info = gmem->info;
		new->vm = vm;
	}
	return new;
}

static int merge_gmem(struct snapshot *to, const struct gmem *from, size_t vm, size_t *last)
{
	struct gmem *gmem = place_gmem(to, from, vm, last);

	if (!gmem)
		return -ENOMEM;
	gmem->exists = from->exists && !gmem->info.released_ns;
	return gmem->exists ? copy_resident(&gmem->resident, &from->resident) : 0;
}

int snapshot_merge(struct snapshot *to, const struct snapshot *inventory, __u64 taken_ns)
{
	size_t *at = calloc(inventory->nvms + 1, sizeof(*at)), last = 0;
	int err = at ? 0 : -ENOMEM;

	for (size_t i = 0; i < inventory->nvms && !err; i++) {
		err = place_vm(to, &inventory->vms[i], taken_ns, &at[i]);
		if (!err && at[i] != GONE)
			err = merge_vm(to, &inventory->vms[i], at[i]);
	}
	for (size_t i = 0; i < inventory->ngmems && !err; i++)
		if (at[inventory->gmems[i].vm] != GONE)
			err = merge_gmem(to, &inventory->gmems[i], at[inventory->gmems[i].vm], &last);
	free(at);
	snapshot_sort(to);
	return err;
}
