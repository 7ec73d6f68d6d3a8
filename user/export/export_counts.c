// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk through a snapshot: the host, each VM with its slots, each guest_memfd, the past.
 */
#include "export_counts.h"

static int walk_vm(struct counted_place place, const struct vm *vm, counted_place_fn *fn, void *ctx)
{
	int err;

	place.vm = vm;
	place.events = &vm->events;
	err = fn(ctx, &place);

	for (size_t i = 0; i < vm->nslots && !err; i++) {
		place.slot = &vm->slots[i];
		place.events = &vm->slots[i].events;
		err = fn(ctx, &place);
	}
	return err;
}

int export_counted_places(struct export_places *places, const struct snapshot *snap,
			  counted_place_fn *fn, void *ctx)
{
	const struct counted_place host = { snap, places, .events = &snap->host };
	struct counted_place place = host;
	int err = fn(ctx, &place);

	for (size_t i = 0; i < snap->nvms && !err; i++)
		err = walk_vm(host, &snap->vms[i], fn, ctx);
	for (size_t i = 0; i < snap->ngmems && !err; i++) {
		place.gmem = &snap->gmems[i];
		place.vm = place.gmem->vm < snap->nvms ? &snap->vms[place.gmem->vm] : NULL;
		place.events = &place.gmem->events;
		err = fn(ctx, &place);
	}
	for (size_t i = 0; i < snap->past.n && !err; i++) {
		place = host;
		place.past = &snap->past.v[i];
		place.events = &place.past->events;
		err = fn(ctx, &place);
	}
	return err;
}

__u32 export_vm_number(const struct counted_place *place)
{
	return place->vm ? export_places_vm(place->places, place->snap, place->vm) : NO_VM;
}

__u64 export_gmem_ino(const struct counted_place *place)
{
	if (place->slot)
		return place->slot->info.ino;
	return place->gmem ? place->gmem->info.ino : 0;
}

const struct resident *export_resident(const struct counted_place *place)
{
	if (place->slot)
		return &place->slot->resident;
	return place->gmem ? &place->gmem->resident : NULL;
}
