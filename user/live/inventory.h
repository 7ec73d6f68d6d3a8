/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inventory: which VMs, memslots and guest_memfds there are now, and how much memory they
 * hold, whether an event was seen of them or not. Needs no session.
 */
#ifndef INVENTORY_H
#define INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/problem.h"
#include "model/model.h"

struct kernel;

struct inventory_options {
	const struct kernel *kernel;
	enum gmem_filter filter; /* FILTER_TREE: of this process */
	const pid_t *pids; /* FILTER_PIDS: thread groups */
	size_t npids;
	bool by_node; /* tell NUMA nodes apart: has to look at each page, some 100 ns each */
	/* Load now what the first VM will need: for who gives up the privilege that it takes. */
	bool at_once;
	bool verbose; /* let libbpf speak */
};

struct inventory;
struct vm_order;

/*
 * What no inventory can have here, since the kernel goes through the tasks of our PID namespace; NULL:
 * nothing.
 */
const char *inventory_leaves_out(void);

/*
 * Get ready to take inventories. NULL with @problem filled when that is not possible here. What
 * @options point to stays the caller's until inventory_close().
 */
struct inventory *inventory_open(const struct inventory_options *options, struct problem *problem);
void inventory_close(struct inventory *inv);

/*
 * Add to @snap what exists, and to what is in it already what is known of it now. What appears or
 * goes meanwhile may be left out. 0, or -1 with @problem filled; @snap is then still good, but
 * has only a part, or nothing, of the inventory.
 */
int inventory_read(struct inventory *inv, struct snapshot *snap, struct problem *problem);

/*
 * Add the VMs that there are now to @order, as they are listed. Much faster than inventory_read(),
 * since no pages are counted. 0, or -1 with @problem filled.
 */
int inventory_list(struct inventory *inv, struct vm_order *order, struct problem *problem);

#endif
