/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each CPU counts of faults by itself, struct fault_tally of bpf/gmem.h: which tallies
 * name an owner, and what they add to its statistics.
 */
#ifndef FAULT_TALLIES_H
#define FAULT_TALLIES_H

#include <stdbool.h>
#include <stddef.h>
#include "buckets.h"
#include "gmem.h"

struct fault_tallies {
	const void *at; /* the tallies, each at the begin of @size bytes; not owned */
	size_t size;
	__u32 n;
	__u32 nowners;
	__u32 *first; /* by owner index: its first tally and one more, 0 for none */
	__u32 *next; /* by tally: the next one at the same index, likewise */
};

static inline const struct fault_tally *fault_tally_at(const struct fault_tallies *tallies, __u32 i)
{
	return (const void *)((const char *)tallies->at + tallies->size * i);
}

/*
 * Find the tallies of each owner whose index is below @tallies->nowners. 0 or -ENOMEM; freed with
 * fault_tallies_free().
 */
int fault_tallies_index(struct fault_tallies *tallies);

/* Has the owner any? By its handle, as next. */
bool fault_tallies_any(const struct fault_tallies *tallies, __u32 owner);

/*
 * Add what the owner's tallies have counted. The kernel may count meanwhile, and may fold a tally:
 * then folds_begun of the owner has moved on, and the sum is to be made anew. 0 or -ENOMEM.
 */
int fault_tallies_add(const struct fault_tallies *tallies, __u32 owner, struct event_stat *stat,
		      __u64 detail[FAULT_DETAILS], struct buckets *latency);

void fault_tallies_free(struct fault_tallies *tallies);

#endif
