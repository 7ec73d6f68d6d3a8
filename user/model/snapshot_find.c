// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel uses addresses and inode numbers again: only what has not ended is the same.
 */
#include "snapshot_find.h"
#include "base/arrays.h"

size_t snapshot_find_vm(struct snapshot *snap, const struct vm_info *info)
{
	struct vm *vm;

	for (size_t i = 0; i < snap->nvms; i++)
		if (snap->vms[i].info.kvm == info->kvm && !snap->vms[i].info.ended_ns)
			return i;
	vm = array_append(&snap->vms, &snap->nvms, sizeof(*vm));
	if (!vm)
		return NO_INDEX;
	vm->info = *info;
	return snap->nvms - 1;
}

/* What was known of a guest_memfd that is closed by now stays. */
static void slot_update(struct slot_info *info, const struct slot_info *now)
{
	__u64 ino = info->ino, pgoff = info->pgoff;

	*info = *now;
	if (info->ino)
		return;
	info->ino = ino;
	info->pgoff = pgoff;
}

size_t snapshot_find_slot(struct vm *vm, const struct slot_info *info, size_t known)
{
	size_t low = 0, high = known;
	struct slot *slot;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct slot_info *at = &vm->slots[middle].info;

		if (at->as_id < info->as_id || (at->as_id == info->as_id && at->id < info->id))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < known && vm->slots[low].info.as_id == info->as_id &&
	    vm->slots[low].info.id == info->id) {
		slot_update(&vm->slots[low].info, info);
		return low;
	}
	slot = array_append(&vm->slots, &vm->nslots, sizeof(*slot));
	if (!slot)
		return NO_INDEX;
	slot->info = *info;
	return vm->nslots - 1;
}

int snapshot_known_gmems(const struct snapshot *snap, struct id_map *at)
{
	int err = 0;

	for (size_t i = 0; i < snap->ngmems && !err; i++)
		if (!snap->gmems[i].info.released_ns)
			err = id_map_set(at, snap->gmems[i].info.ino, i + 1);
	return err;
}

size_t snapshot_find_gmem(struct snapshot *snap, const struct id_map *known,
			  const struct gmem_info *info, size_t vm)
{
	__u32 at = id_map_find(known, info->ino);
	struct gmem *gmem;

	if (at && snap->gmems[at - 1].vm == vm)
		return at - 1;
	gmem = array_append(&snap->gmems, &snap->ngmems, sizeof(*gmem));
	if (!gmem)
		return NO_INDEX;
	gmem->info = *info;
	gmem->vm = vm;
	return snap->ngmems - 1;
}
