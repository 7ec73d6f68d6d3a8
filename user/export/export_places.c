// SPDX-License-Identifier: GPL-2.0-only
/*
 * Places by owner index, renewed whenever the capture tells something else of an index.
 */
#include "base/arrays.h"
#include "export_places.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"

static struct export_vm *add_vm(struct export_places *places, __u32 owner, __u64 kvm)
{
	struct export_vm *vm = array_append(&places->vms, &places->nvms, sizeof(*vm));

	if (vm)
		*vm = (struct export_vm){ .owner = owner, .kvm = kvm, .next = NO_VM };
	return vm;
}

static __u64 key_of(__u32 owner, __u64 kvm)
{
	const __u64 key[] = { owner, kvm };

	return hash_bytes(key, sizeof(key));
}

/* The first that nobody has taken of those with this key; NO_VM. */
static __u32 first_untaken(const struct export_places *places, __u64 key)
{
	return id_map_find(&places->untaken, key) - 1;
}

/* The number by owner and kvm, a new one if need be; NO_VM: no memory. */
static __u32 number_by_key(struct export_places *places, __u32 owner, __u64 kvm)
{
	__u64 key = key_of(owner, kvm);
	__u32 found = id_map_find(&places->by_key, key);

	if (found)
		return found - 1;
	if (!add_vm(places, owner, kvm) || id_map_set(&places->by_key, key, places->nvms))
		return NO_VM;
	return places->nvms - 1;
}

__u32 export_places_vm(struct export_places *places, const struct snapshot *snap,
		       const struct vm *vm)
{
	return places->has_past ? number_by_key(places, vm->owner, vm->info.kvm)
				: (__u32)(vm - snap->vms);
}

int export_places_number(struct export_places *places, const struct snapshot *snap)
{
	int err = 0;

	places->has_past = snap && snap->past.n;
	for (size_t i = 0; places->has_past && i < snap->nvms; i++)
		if (number_by_key(places, snap->vms[i].owner, snap->vms[i].info.kvm) == NO_VM)
			return -ENOMEM;
	if (places->has_past)
		return 0;
	for (size_t i = 0; snap && i < snap->nvms; i++)
		if (!add_vm(places, snap->vms[i].owner, snap->vms[i].info.kvm))
			return -ENOMEM;
	for (size_t i = places->nvms; i-- && !err;) {
		__u64 key = key_of(places->vms[i].owner, places->vms[i].kvm);

		places->vms[i].next = first_untaken(places, key);
		err = id_map_set(&places->untaken, key, 1 + i);
	}
	return err;
}

/*
 * Each number is taken once, the lowest first. A VM that no snapshot has, since it came after the
 * last one, gets the next number.
 */
static int take_number(struct export_places *places, __u32 index, __u64 kvm, __u32 *number)
{
	__u64 key = key_of(index, kvm);
	const struct export_vm *vm;

	if (places->has_past) {
		*number = number_by_key(places, index, kvm);
		return *number == NO_VM ? -ENOMEM : 0;
	}
	*number = first_untaken(places, key);
	vm = *number < places->nvms ? &places->vms[*number] : NULL;
	if (vm && vm->owner == index && vm->kvm == kvm)
		/* NO_VM, for none is left, is no number either when it is one too low. */
		return id_map_set(&places->untaken, key, vm->next == NO_VM ? NO_VM : vm->next + 1);
	*number = places->nvms;
	return add_vm(places, index, kvm) ? 0 : -ENOMEM;
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

/* Who is behind @place, which may be NULL, is @owner, of @vm. */
static struct export_place *renew(struct export_place *place, const struct capture_owner *owner,
				  struct export_place *vm)
{
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
		return renew(&places->host, &nobody, NULL);
	if (owner->kind == OWNER_VM)
		return renew_vm(places, index, owner);
	of = owner->vm ? capture_owner(file, owner->vm) : NULL;
	if (of && of->kind == OWNER_VM) {
		vm = renew_vm(places, owner->vm, of);
		if (!vm)
			return NULL;
	}
	return renew(place_at(places, index), owner, vm);
}

void export_places_free(struct export_places *places)
{
	for (size_t i = 0; i < places->nplaces; i++)
		free(places->place[i]);
	free(places->place);
	free(places->vms);
	id_map_free(&places->untaken);
	id_map_free(&places->by_key);
	*places = (struct export_places){ 0 };
}
