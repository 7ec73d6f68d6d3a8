/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where events belong, as exports name it: a VM by its number in reports, a slot by its VM, as_id
 * and id, a guest_memfd by its inode. Owner indexes are used again, so that who is behind one is
 * asked for each event. Private to export*.c.
 */
#ifndef EXPORT_PLACES_H
#define EXPORT_PLACES_H

#include "base/id_map.h"
#include "capture/capture_file.h"

struct export_place {
	struct capture_owner owner;
	struct export_place *vm; /* its VM's, itself for a VM; NULL: the host, or not known */
	__u32 number; /* of a VM */
	unsigned int version; /* counts from 1, whenever the owner or its VM becomes another */
	unsigned int vm_version;
	unsigned int told; /* the version that the writer of a format has written down; its own */
};

/* VMs in the order of the last snapshot, which is their numbers in a report. */
struct export_vm {
	__u32 owner;
	__u64 kvm;
	__u32 next; /* the next number of the same owner and kvm; NO_VM: none */
};

struct export_places {
	struct export_place **place; /* by owner index */
	size_t nplaces;
	struct export_place host; /* of all whom the file does not tell of, too */
	struct export_vm *vms;
	size_t nvms;
	bool has_past; /* VMs have gone to the past: then no two have one owner and kvm */
	struct id_map by_key; /* if so: 1 + the number, by a hash of owner and kvm */
	struct id_map
		untaken; /* by a hash of owner and kvm: 1 + the first number nobody has taken */
};

/* Give the VMs of @snap, which may be NULL, their numbers; before anything else. 0 or -ENOMEM. */
int export_places_number(struct export_places *places, const struct snapshot *snap);

/* The number of @vm of @snap: the same in every snapshot, if VMs may go to the past. NO_VM: no memory. */
__u32 export_places_vm(struct export_places *places, const struct snapshot *snap,
		       const struct vm *vm);

/*
 * Who is behind owner index @index now. The host's place when nobody that @file tells of; NULL
 * when out of memory. Valid until export_places_free(), and changed by later calls.
 */
struct export_place *export_places_find(struct export_places *places,
					const struct capture_file *file, __u32 index);

void export_places_free(struct export_places *places);

#endif
