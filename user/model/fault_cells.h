/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cells in which each CPU counts guest faults by itself, struct fault_cell of bpf/gmem.h: which
 * of them name an owner, and what they add to its statistics.
 */
#ifndef FAULT_CELLS_H
#define FAULT_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include "buckets.h"
#include "gmem.h"

struct fault_cells {
	const void *at; /* the cells, each at the begin of @size bytes; not owned */
	size_t size;
	__u32 n;
	__u32 nowners;
	__u32 *first; /* by owner: its first cell and one more, 0 for none */
	__u32 *next; /* by cell: the next one of the same owner, likewise */
};

static inline const struct fault_cell *fault_cell_at(const struct fault_cells *cells, __u32 i)
{
	return (const void *)((const char *)cells->at + cells->size * i);
}

/* Find the cells of each owner below @cells->nowners. 0 or -ENOMEM; freed with fault_cells_free(). */
int fault_cells_index(struct fault_cells *cells);

/* Has the owner any? */
bool fault_cells_any(const struct fault_cells *cells, __u32 owner);

/*
 * Add what the owner's cells have counted. The kernel may count meanwhile, and may fold a cell: then
 * folds_begun of the owner has moved on, and the sum is to be made anew. 0 or -ENOMEM.
 */
int fault_cells_add(const struct fault_cells *cells, __u32 owner, struct event_stat *stat,
		    __u64 detail[FAULT_DETAILS], struct buckets *latency);

void fault_cells_free(struct fault_cells *cells);

#endif
