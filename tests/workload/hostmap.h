/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * This process's own mapping of a guest_memfd: touching it and changing it, each with what it costs
 * the VMs in MMU notifiers. A mapping starts at a multiple of UPPER_TABLE_SPAN and shares no page table with
 * any other, so that it is known which tables exist. Ranges are pages of the gmem; page
 * gmem->npages lies just beyond the end of the file. All return 0 or a negative errno. Included by
 * machine.c and verbs.c.
 */
#ifndef GMEMLOAD_HOSTMAP_H
#define GMEMLOAD_HOSTMAP_H

#include "machine.h"

/* Once, before the first host_touch(). */
int hostmap_init(void);

/* -EEXIST when a page of the range is mapped already. */
int host_map(struct gmem *gmem, uint64_t first, uint64_t npages);

/* Takes away what is mapped of the range, with one munmap() for each contiguous piece. */
int host_unmap(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t npages);

/* The following want all of the range mapped: -ENOMEM if not. */
int host_protect(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t npages,
		 int prot);
int host_advise(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t npages,
		int advice);

/* MADV_HWPOISON, page by page. -EHWPOISON when one is poisoned already. */
int host_poison(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t npages);

/* mbind() of all of the mapping to one node; with balancing the account can no more be exact. */
int host_set_policy(struct gmem *gmem, unsigned long node, bool balancing);

/* -EACCES when the protection forbids it; -EFAULT when it ended in SIGBUS. */
int host_touch(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t npages,
	       bool write);

/* mprotect() on all of a slot's ordinary memory, which always has its pages. */
int ordinary_protect(struct machine *machine, struct slot *slot, int prot);

#endif
