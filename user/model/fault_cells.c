// SPDX-License-Identifier: GPL-2.0-only
#include "fault_cells.h"
#include <errno.h>
#include <stdlib.h>

int fault_cells_index(struct fault_cells *cells)
{
	cells->first = calloc(cells->nowners, sizeof(*cells->first));
	cells->next = calloc(cells->n, sizeof(*cells->next));
	if ((cells->nowners && !cells->first) || (cells->n && !cells->next))
		return -ENOMEM;
	for (__u32 i = 0; i < cells->n; i++) {
		const struct fault_cell *cell = fault_cell_at(cells, i);
		__u32 owner = cell->owner;

		if (!cell->count || owner >= cells->nowners)
			continue;
		cells->next[i] = cells->first[owner];
		cells->first[owner] = i + 1;
	}
	return 0;
}

bool fault_cells_any(const struct fault_cells *cells, __u32 owner)
{
	return cells->first[owner];
}

static __u64 larger(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

static int cell_add(const struct fault_cell *cell, struct event_stat *stat,
		    __u64 detail[FAULT_DETAILS], struct buckets *latency)
{
	/* A fault is counted first: read in the other order, no histogram has more than the count. */
	int err = buckets_add_all(latency, cell->bucket);

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	stat->count += cell->count;
	stat->sum_ns += cell->sum_ns;
	stat->not_min_ns = larger(stat->not_min_ns, cell->not_min_ns);
	stat->max_ns = larger(stat->max_ns, cell->max_ns);
	for (int i = 0; i < FAULT_DETAILS; i++)
		detail[i] += cell->detail[i];
	return err;
}

int fault_cells_add(const struct fault_cells *cells, __u32 owner, struct event_stat *stat,
		    __u64 detail[FAULT_DETAILS], struct buckets *latency)
{
	int err = 0;

	for (__u32 i = cells->first[owner]; i && !err; i = cells->next[i - 1]) {
		const struct fault_cell *cell = fault_cell_at(cells, i - 1);

		if (__atomic_load_n(&cell->owner, __ATOMIC_ACQUIRE) == owner)
			err = cell_add(cell, stat, detail, latency);
	}
	return err;
}

void fault_cells_free(struct fault_cells *cells)
{
	free(cells->first);
	free(cells->next);
	cells->first = cells->next = NULL;
}
