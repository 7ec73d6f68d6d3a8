/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The places that a snapshot counts events at, one after the other. Private to export*.c.
 */
#ifndef EXPORT_COUNTS_H
#define EXPORT_COUNTS_H

#include "export_places.h"
#include "model/capture.h"

struct counted_place {
	const struct snapshot *snap;
	struct export_places *places; /* which number VMs */
	const struct vm *vm; /* its VM, or the VM; NULL: the host, or not known */
	const struct slot *slot; /* NULL: it is no slot; so gmem */
	const struct gmem *gmem;
	const struct past *past; /* NULL: it is not of the past */
	const struct event_counts *events;
};

typedef int counted_place_fn(void *ctx, const struct counted_place *place);

/* Call @fn for each until it returns other than 0, which is returned. */
int export_counted_places(struct export_places *places, const struct snapshot *snap,
			  counted_place_fn *fn, void *ctx);

/* The number of its VM; NO_VM: none. */
__u32 export_vm_number(const struct counted_place *place);

/* The inode of its guest_memfd, or of its slot's; 0: none, or not known. */
__u64 export_gmem_ino(const struct counted_place *place);

/* What of it is in the page cache; NULL where that makes no sense. */
const struct resident *export_resident(const struct counted_place *place);

#endif
