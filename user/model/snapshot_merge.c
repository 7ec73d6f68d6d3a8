// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts and inventory into one snapshot. What events have told of a VM or slot is the newer.
 */
#include "base/arrays.h"
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

/* Where @vm is in @to, made if need be; GONE when it has ended since. NULL @at: no memory. */
static int find_vm(struct snapshot *to, const struct vm *vm, __u64 taken_ns, size_t *at)
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
	new = array_append(&to->vms, &to->nvms, sizeof(*new));
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
		new = array_append(&to->slots, &to->nslots, sizeof(*new));
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

/* Which of the guest_memfds is where. */
struct known_gmem {
	__u64 ino;
	size_t vm, at;
};

static int compare_known(const void *a, const void *b)
{
	const struct known_gmem *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return (x->vm > y->vm) - (x->vm < y->vm);
}

/* NULL when out of memory. */
static struct known_gmem *known_gmems(const struct snapshot *snap)
{
	struct known_gmem *known = calloc(snap->ngmems + 1, sizeof(*known));

	for (size_t i = 0; known && i < snap->ngmems; i++)
		known[i] = (struct known_gmem){ snap->gmems[i].info.ino, snap->gmems[i].vm, i };
	if (known)
		qsort(known, snap->ngmems, sizeof(*known), compare_known);
	return known;
}

static int merge_gmem(struct snapshot *to, const struct gmem *from, size_t vm,
		      const struct known_gmem *known, size_t nknown)
{
	struct known_gmem key = { .ino = from->info.ino, .vm = vm };
	const struct known_gmem *found = bsearch(&key, known, nknown, sizeof(key), compare_known);
	struct gmem *gmem;

	gmem = found ? &to->gmems[found->at] : array_append(&to->gmems, &to->ngmems, sizeof(*gmem));
	if (!gmem)
		return -ENOMEM;
	if (!found) {
		gmem->info = from->info;
		gmem->vm = vm;
	}
	gmem->exists = from->exists && !gmem->info.released_ns;
	return gmem->exists ? copy_resident(&gmem->resident, &from->resident) : 0;
}

/* @at: where the inventory's VMs are in @to. */
static int merge_gmems(struct snapshot *to, const struct snapshot *inventory, const size_t *at)
{
	struct known_gmem *known = known_gmems(to);
	size_t nknown = to->ngmems;
	int err = known ? 0 : -ENOMEM;

	for (size_t i = 0; i < inventory->ngmems && !err; i++) {
		const struct gmem *gmem = &inventory->gmems[i];

		if (at[gmem->vm] != GONE)
			err = merge_gmem(to, gmem, at[gmem->vm], known, nknown);
	}
	free(known);
	return err;
}

int snapshot_merge(struct snapshot *to, const struct snapshot *inventory, __u64 taken_ns)
{
	size_t *at = calloc(inventory->nvms + 1, sizeof(*at));
	int err = at ? 0 : -ENOMEM;

	for (size_t i = 0; i < inventory->nvms && !err; i++) {
		err = find_vm(to, &inventory->vms[i], taken_ns, &at[i]);
		if (!err && at[i] != GONE)
			err = merge_vm(to, &inventory->vms[i], at[i]);
	}
	err = err ?: merge_gmems(to, inventory, at);
	free(at);
	snapshot_sort(to);
	return err;
}
