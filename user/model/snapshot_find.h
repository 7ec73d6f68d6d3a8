/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What exists now, in a snapshot that may know it already: where it is there, after it was added if need
 * be. What was known of it stays.
 */
#ifndef SNAPSHOT_FIND_H
#define SNAPSHOT_FIND_H

#include "base/id_map.h"
#include "model.h"

#define NO_INDEX (~(size_t)0)

/* The index of a VM that has not ended; NO_INDEX: no memory. */
size_t snapshot_find_vm(struct snapshot *snap, const struct vm_info *info);

/*
 * The index of a slot of @vm, which then is as @info says; of what its guest_memfd was before that was
 * closed nothing is lost. The first @known slots of @vm are in order, and those after them are others.
 * NO_INDEX: no memory.
 */
size_t snapshot_find_slot(struct vm *vm, const struct slot_info *info, size_t known);

/* Into @at, by inode number, where the guest_memfds are that have not been released (index + 1). 0 or -ENOMEM. */
int snapshot_known_gmems(const struct snapshot *snap, struct id_map *at);

/* The index of a guest_memfd of the VM with index @vm; @known by snapshot_known_gmems(). NO_INDEX: no memory. */
size_t snapshot_find_gmem(struct snapshot *snap, const struct id_map *known,
			  const struct gmem_info *info, size_t vm);

#endif
