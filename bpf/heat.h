/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Heat maps: how often each part of a slot's range of guest frame numbers was faulted in. The same
 * for both sides: the BPF programs choose a cell, user space gives it back its pages. Includable
 * from anywhere.
 */
#ifndef GMEM_HEAT_H
#define GMEM_HEAT_H

#include <linux/types.h>
#include "hist.h"

#define HEAT_CELLS 64
#define HEAT_RANGES 2 /* the slot's range of today and, while it is being changed, the one before */
#define HEAT_ELSEWHERE (HEAT_RANGES * HEAT_CELLS) /* the counter of all ranges before these */

/* Of one slot. All counts together are its guest faults. */
struct heat {
	__u64 range[HEAT_RANGES]; /* heat_range(); 0: not in use */
	__u64 folds; /* how often cells have been added to elsewhere, and begun anew */
	__u64 count[HEAT_RANGES * HEAT_CELLS + 1]; /* the cells of each range, and elsewhere */
};

/* A cell is 1 << this many pages, so that a slot of more than 64 pages has 33 to 64 cells. */
static inline __attribute__((always_inline)) unsigned int heat_shift(__u64 npages)
{
	return npages > HEAT_CELLS ? hist_log2(npages - 1) - 5 : 0;
}

/* How many cells a slot of @npages has: 1 to HEAT_CELLS, for every value but 0. */
static inline __attribute__((always_inline)) unsigned int heat_cells(__u64 npages)
{
	return ((npages - 1) >> heat_shift(npages)) + 1;
}

/* The same for ranges of pages that have the same cells, and for no others; never 0. */
static inline __attribute__((always_inline)) __u64 heat_range(__u64 base_gfn, __u64 npages)
{
	return base_gfn << 13 | heat_shift(npages) << 7 | heat_cells(npages);
}

#endif
