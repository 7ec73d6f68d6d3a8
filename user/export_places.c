// SPDX-License-Identifier: GPL-2.0-only
/*
 * Places by owner index, renewed whenever the capture tells something else of an index.
 */
#include "export_places.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct export_vm *add_vm(struct export_places *places, __u32 owner, __u64 kvm)
{
	struct export_vm *vm = snapshot_append(&places->vms, &places->nvms, sizeof(*vm));

	if (vm)
		*vm = (struct export_vm){ .owner = owner, .kvm = kvm };
	return vm;
}

int export_places_number(struct export_places *places, const struct snapshot *snap)
{
	for (size_t i = 0; snap && i < snap->nvms; i++)
		if (!add_vm(places, snap->vms[i].owner, snap->vms[i].info.kvm))
			return -ENOMEM;
	return 0;
}

/* A VM that no snapshot has, since it came after the last one, gets the next number. */
static int take_number(struct export_places *places, __u32 index, __u64 kvm, __u32 *number)
{
	struct export_vm *vm = NULL;

	for (*number = 0; *number < places->nvms; ++*number) {
		vm = &places->vms[*number];
		if (!vm->taken && vm->owner == index && vm->kvm == kvm)
			break;
	}
	if (*number == places->nvms)
		vm = add_vm(places, index, kvm);
	if (!vm)
		return -ENOMEM;
	vm->taken = true;
	return 0;
}

/* Whether one VM has changed; else the index has gone over to another. */
static bool same_vm(const struct capture_owner *before, const struct capture_owner *now)
{
	const struct vm_info *a = &before->vm_info, *b = &now->vm_info;

	return before->kind == now->kind && a->kvm == b->kvm && a->pid == b->pid &&
	       !(a->ended_ns && !b->ended_ns);
}

/* The place at @index, made if there was none. */
static struct export_place *place_at(struct export_places *places, __u32 index)
{
	if (index >= places->nplaces) {
		size_t n = index * 2UL + 64;
		struct export_place **grown = reallocarray(places->place, n, sizeof(*grown));

		if (!grown)
			return NULL;
		memset(grown + places->nplaces, 0, (n - places->nplaces) * sizeof(*grown));
		places->place = grown;
		places->nplaces = n;
	}
	if (!places->place[index])
		places->place[index] = calloc(1, sizeof(**places->place));
	return places->place[index];
}

/* Who is behind @index is @owner, of @vm. */
static struct export_place *renew(struct export_places *places, __u32 index,
				  const struct capture_owner *owner, struct export_place *vm)
{
	struct export_place *place = place_at(places, index);
	unsigned int vm_version = vm ? vm->version : 0;

	if (!place || (place->version && place->vm == vm && place->vm_version == vm_version &&
		       !memcmp(&place->owner, owner, sizeof(*owner))))
		return place;
	place->owner = *owner;
	place->vm = vm;
	place->vm_version = vm_version;
	place->version++;
	return place;
}

static struct export_place *renew_vm(struct export_places *places, __u32 index,
				     const struct capture_owner *owner)
{
	struct export_place *place = place_at(places, index);

	if (!place || (place->version && !memcmp(&place->owner, owner, sizeof(*owner))))
		return place;
	if (!(place->version && same_vm(&place->owner, owner)) &&
	    take_number(places, index, owner->vm_info.kvm, &place->number))
		return NULL;
	place->owner = *owner;
	place->vm = place;
	place->version++;
	return place;
}

static const struct capture_owner nobody = { .kind = OWNER_HOST };

struct export_place *export_places_find(struct export_places *places,
					const struct capture_file *file, __u32 index)
{
	const struct capture_owner *owner = capture_owner(file, index), *of;
	struct export_place *vm = NULL;

	if (!owner)
		return renew(places, OWNER_INDEX_HOST, &nobody, NULL);
	if (owner->kind == OWNER_VM)
		return renew_vm(places, index, owner);
	of = owner->vm ? capture_owner(file, owner->vm) : NULL;
	if (of && of->kind == OWNER_VM) {
		vm = renew_vm(places, owner->vm, of);
		if (!vm)
			return NULL;
	}
	return renew(places, index, owner, vm);
}

void export_places_free(struct export_places *places)
{
	for (size_t i = 0; i < places->nplaces; i++)
		free(places->place[i]);
	free(places->place);
	free(places->vms);
	*places = (struct export_places){ 0 };
}
