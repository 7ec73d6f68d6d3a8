// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the kernel's maps to the model: owners become VMs, slots and guest_memfds, each with the
 * events that it has seen. Reads the arrays where they are mapped; copies what it keeps.
 */
#include "snapshot.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/arrays.h"
#include "counts.h"
#include "model/events.h"
#include "model/past.h"
#include "recycle.h"
#include "rings.h"
#include "session.h"
#include "stacks.h"

struct reader {
	struct session_arrays arrays;
	struct snapshot *snap;
	struct counts_reader counts;
	__u32 *vm_at; /* owner index of a VM → index into snapshot.vms, NO_VM for others */
};

static __u32 handle_at(const struct reader *reader, __u32 index)
{
	return OWNER_HANDLE(index, reader->arrays.owners[index].life);
}

/* Where the VM of @owner is in the snapshot; NO_VM. */
static __u32 vm_of(const struct reader *reader, const struct owner *owner)
{
	__u32 index = OWNER_INDEX(owner->vm);

	if (index >= reader->arrays.nowners ||
	    reader->arrays.owners[index].life != OWNER_LIFE(owner->vm))
		return NO_VM;
	return reader->vm_at[index];
}

static int read_vm(struct reader *reader, __u32 index)
{
	struct snapshot *snap = reader->snap;
	struct vm *vm = array_append(&snap->vms, &snap->nvms, sizeof(*vm));

	if (!vm)
		return -ENOMEM;
	vm->owner = handle_at(reader, index);
	vm->info = reader->arrays.owners[index].vm_info;
	reader->vm_at[index] = snap->nvms - 1;
	return counts_read(&reader->counts, vm->owner, &vm->events);
}

/* Cells of the range that the slot has now, and the sum of all others. */
static void read_cells(const struct heat *heat, __u64 range, struct heat_map *map)
{
	/* First, so that what is folded meanwhile is not counted twice. */
	map->folds = __atomic_load_n(&heat->folds, __ATOMIC_ACQUIRE);
	map->elsewhere = __atomic_load_n(&heat->count[HEAT_ELSEWHERE], __ATOMIC_ACQUIRE);
	for (int r = 0; r < HEAT_RANGES; r++)
		for (int i = 0; heat->range[r] && i < HEAT_CELLS; i++) {
			__u64 count = heat->count[r * HEAT_CELLS + i];

			*(heat->range[r] == range ? &map->cell[i] : &map->elsewhere) += count;
		}
}

static int read_heat(const struct reader *reader, __u32 index, struct slot *slot)
{
	const struct slot_info *info = &slot->info;

	if (!reader->arrays.heats || !info->npages)
		return 0;
	slot->heat = calloc(1, sizeof(*slot->heat));
	if (!slot->heat)
		return -ENOMEM;
	slot->heat->base_gfn = info->base_gfn;
	slot->heat->npages = 1ULL << heat_shift(info->npages);
	slot->heat->ncells = heat_cells(info->npages);
	read_cells(&reader->arrays.heats[index], heat_range(info->base_gfn, info->npages),
		   slot->heat);
	return 0;
}

static int read_slot(struct reader *reader, __u32 index)
{
	const struct owner *owner = &reader->arrays.owners[index];
	__u32 at = vm_of(reader, owner);
	struct slot *slot;
	struct vm *vm;

	if (at == NO_VM)
		return 0;
	vm = &reader->snap->vms[at];
	slot = array_append(&vm->slots, &vm->nslots, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	slot->owner = handle_at(reader, index);
	slot->info = owner->slot;
	return read_heat(reader, index, slot)
		       ?: counts_read(&reader->counts, slot->owner, &slot->events);
}

static int read_gmem(struct reader *reader, __u32 index)
{
	const struct owner *owner = &reader->arrays.owners[index];
	struct snapshot *snap = reader->snap;
	struct gmem *gmem;

	if (vm_of(reader, owner) == NO_VM)
		return 0;
	gmem = array_append(&snap->gmems, &snap->ngmems, sizeof(*gmem));
	if (!gmem)
		return -ENOMEM;
	gmem->owner = handle_at(reader, index);
	gmem->info = owner->gmem;
	gmem->vm = vm_of(reader, owner);
	return counts_read(&reader->counts, gmem->owner, &gmem->events);
}

/* Those of some kind. Who has been read for good is in the past. */
static int read_kind(struct reader *reader, enum owner_kind kind,
		     int (*read)(struct reader *, __u32))
{
	const struct session_arrays *arrays = &reader->arrays;
	int err = 0;

	for (__u32 index = OWNER_INDEX_FIRST; index < arrays->nowners && !err; index++)
		if (arrays->owners[index].kind == kind && arrays->owners[index].gone != OWNER_READ)
			err = read(reader, index);
	return err;
}

/* VMs first, since what belongs to one refers to it. */
static int read_owners(struct reader *reader)
{
	return read_kind(reader, OWNER_VM, read_vm) ?: read_kind(reader, OWNER_SLOT, read_slot) ?:
	       read_kind(reader, OWNER_GMEM, read_gmem);
}

/* What a VM of the past did is told of no VM. */
static void find_stack_owner(const void *ctx, __u32 handle, struct stack_count *stack)
{
	const struct reader *reader = ctx;
	__u32 index = OWNER_INDEX(handle);
	const struct owner *owner = &reader->arrays.owners[index];

	stack->vm = NO_VM;
	if (index < OWNER_INDEX_FIRST || index >= reader->arrays.nowners ||
	    owner->life != OWNER_LIFE(handle))
		return;
	stack->vm = vm_of(reader, owner);
	stack->at_slot = owner->kind == OWNER_SLOT;
	stack->as_id = stack->at_slot ? owner->slot.as_id : 0;
	stack->slot_id = stack->at_slot ? owner->slot.id : 0;
}

/* Of all CPUs. */
static int read_dropped(const struct rings *rings, enum gmem_event event, __u64 *dropped)
{
	__u64 *counts;
	int err;

	if (!rings)
		return 0;
	counts = calloc(rings_cpus(rings), sizeof(*counts));
	err = counts ? rings_dropped(rings, event, counts) : -ENOMEM;
	for (unsigned int cpu = 0; cpu < rings_cpus(rings) && !err; cpu++)
		*dropped += counts[cpu];
	free(counts);
	return err;
}

static int read_losses(struct reader *reader, struct session *session)
{
	struct snapshot *snap = reader->snap;
	int err = 0;

	memcpy(snap->loss, reader->arrays.losses, sizeof(snap->loss));
	session_misses(session, snap->loss);
	snap->switched_off = session_switched_off(session);
	for (int event = 0; event < NR_EVENTS && !err; event++) {
		__u64 *loss = snap->loss[event];

		err = read_dropped(reader->arrays.rings, event, &loss[LOSS_RECORD]);
		for (int i = 0; i < NR_LOSSES; i++)
			snap->lost += loss[i];
	}
	return err;
}

static int read_past(struct session *session, struct snapshot *snap)
{
	return past_copy(&snap->past, recycle_past(session));
}

int snapshot_read(struct session *session, struct snapshot *snap)
{
	struct reader reader = { .arrays = session_arrays(session), .snap = snap };
	int err = -ENOMEM;

	memset(snap, 0, sizeof(*snap));
	recycle_note(session);
	reader.vm_at = malloc(reader.arrays.nowners * sizeof(*reader.vm_at));
	if (reader.vm_at) {
		memset(reader.vm_at, 0xff, reader.arrays.nowners * sizeof(*reader.vm_at));
		err = counts_open(&reader.counts, &reader.arrays) ?:
		      counts_read(&reader.counts, OWNER_INDEX_HOST, &snap->host) ?:
		      read_owners(&reader) ?: read_past(session, snap) ?:
		      stacks_read(&reader.arrays, snap, find_stack_owner, &reader) ?:
		      read_losses(&reader, session);
	}
	if (!err)
		snapshot_sort(snap);
	else
		snapshot_free(snap);
	counts_close(&reader.counts);
	free(reader.vm_at);
	return err;
}
