/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order of VMs, and with it their numbers. Those that were there at the start come as the
 * inventory lists them, others as they are met. One that has come keeps its position, whichever way
 * it is seen later, and none that comes later gets before it.
 */
#ifndef VM_ORDER_H
#define VM_ORDER_H

#include "base/id_map.h"
#include "model.h"

/* Zeroed: nobody has come yet. Freed by its owner with vm_order_free(). */
struct vm_order {
	struct id_map by_owner; /* owner index of a VM → its position, from 1 on */
	struct id_map by_kvm; /* the same for those without owner: by struct kvm */
	__u32 n;
};

/* The VM @kvm has come, before any event of it was seen. 0 or -ENOMEM. */
int vm_order_add(struct vm_order *order, __u64 kvm);

/* Put the VMs of @snap in order, those that are new last, and number them. 0 or -ENOMEM. */
int vm_order_apply(struct vm_order *order, struct snapshot *snap);

void vm_order_free(struct vm_order *order);

#endif
