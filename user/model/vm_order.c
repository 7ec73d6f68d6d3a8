// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner index stands for one VM as long as the session lasts; the address of a struct kvm only as
 * long as the VM, but of what has no owner it is all that there is.
 */
#include "vm_order.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ordered_vm {
	__u32 position;
	__u32 at; /* index into the VMs as they were */
};

#define TAKEN (~0U) /* of an address: by one that has an owner now */

static int add(struct vm_order *order, struct id_map *map, __u64 id)
{
	return id_map_set(map, id, ++order->n);
}

static __u32 find_kvm(const struct vm_order *order, __u64 kvm)
{
	__u32 position = id_map_find(&order->by_kvm, kvm);

	return position == TAKEN ? 0 : position;
}

int vm_order_add(struct vm_order *order, __u64 kvm)
{
	return find_kvm(order, kvm) ? 0 : add(order, &order->by_kvm, kvm);
}

/* One that came without an owner and has one now keeps its position. */
static int add_owner(struct vm_order *order, const struct vm *vm)
{
	__u32 position = find_kvm(order, vm->info.kvm);

	if (id_map_find(&order->by_owner, vm->owner))
		return 0;
	if (!position)
		return add(order, &order->by_owner, vm->owner);
	return id_map_set(&order->by_owner, vm->owner, position)
		       ?: id_map_set(&order->by_kvm, vm->info.kvm, TAKEN);
}

static int find(struct vm_order *order, const struct vm *vm, __u32 *position)
{
	int err = vm->owner ? add_owner(order, vm) : vm_order_add(order, vm->info.kvm);

	*position = vm->owner ? id_map_find(&order->by_owner, vm->owner)
			      : find_kvm(order, vm->info.kvm);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct ordered_vm *x = a, *y = b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* @ordered says which VM is to come first, second, ...; @now is where each comes. */
static void move(struct snapshot *snap, const struct ordered_vm *ordered, struct vm *vms,
		 __u32 *now)
{
	for (size_t i = 0; i < snap->nvms; i++) {
		vms[i] = snap->vms[ordered[i].at];
		vms[i].number = ordered[i].position - 1;
		now[ordered[i].at] = i;
	}
	memcpy(snap->vms, vms, snap->nvms * sizeof(*vms));
	for (size_t i = 0; i < snap->ngmems; i++)
		snap->gmems[i].vm = now[snap->gmems[i].vm];
	for (size_t i = 0; i < snap->nstacks; i++)
		if (snap->stacks[i].vm != NO_VM)
			snap->stacks[i].vm = now[snap->stacks[i].vm];
}

int vm_order_apply(struct vm_order *order, struct snapshot *snap)
{
	struct ordered_vm *ordered = calloc(snap->nvms + 1, sizeof(*ordered));
	struct vm *vms = calloc(snap->nvms + 1, sizeof(*vms));
	__u32 *now = calloc(snap->nvms + 1, sizeof(*now));
	int err = ordered && vms && now ? 0 : -ENOMEM;

	for (size_t i = 0; i < snap->nvms && !err; i++) {
		ordered[i].at = i;
		err = find(order, &snap->vms[i], &ordered[i].position);
	}
	if (!err && snap->nvms) {
		qsort(ordered, snap->nvms, sizeof(*ordered), compare);
		move(snap, ordered, vms, now);
	}
	free(ordered);
	free(vms);
	free(now);
	return err;
}

void vm_order_free(struct vm_order *order)
{
	id_map_free(&order->by_owner);
	id_map_free(&order->by_kvm);
}
