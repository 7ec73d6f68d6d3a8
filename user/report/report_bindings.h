/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which memslots each guest_memfd is bound to, without looking through all slots of its VM for each of
 * them: there may be thousands of both. Private to report*.c.
 */
#ifndef REPORT_BINDINGS_H
#define REPORT_BINDINGS_H

#include "model/model.h"

struct binding {
	__u32 vm; /* index into snapshot.vms */
	const struct slot *slot; /* the snapshot's, which exists */
};

struct bindings {
	struct binding *v; /* by VM, then by inode, then in the order of the VM's slots */
	size_t n;
};

/* Those of @snap, which is to outlive them. 0 or -ENOMEM; bindings_free() in any case. */
int bindings_make(struct bindings *bindings, const struct snapshot *snap);
void bindings_free(struct bindings *bindings);

/* The first of those of @gmem; their number goes to @n. */
const struct binding *bindings_of(const struct bindings *bindings, const struct gmem *gmem,
				  size_t *n);

#endif
