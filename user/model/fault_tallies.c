// SPDX-License-Identifier: GPL-2.0-only
#include "fault_tallies.h"
#include <errno.h>
#include <stdlib.h>

int fault_tallies_index(struct fault_tallies *tallies)
{
	tallies->first = calloc(tallies->nowners, sizeof(*tallies->first));
	tallies->next = calloc(tallies->n, sizeof(*tallies->next));
	if ((tallies->nowners && !tallies->first) || (tallies->n && !tallies->next))
		return -ENOMEM;
	for (__u32 i = 0; i < tallies->n; i++) {
		const struct fault_tally *tally = fault_tally_at(tallies, i);
		__u32 owner = OWNER_INDEX(tally->owner);

		if (!tally->count || owner >= tallies->nowners)
			continue;
		tallies->next[i] = tallies->first[owner];
		tallies->first[owner] = i + 1;
	}
	return 0;
}

bool fault_tallies_any(const struct fault_tallies *tallies, __u32 owner)
{
	__u32 i = tallies->first[OWNER_INDEX(owner)];

	while (i && fault_tally_at(tallies, i - 1)->owner != owner)
		i = tallies->next[i - 1];
	return i;
}

static __u64 larger(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

static int tally_add(const struct fault_tally *tally, struct event_stat *stat,
		     __u64 detail[FAULT_DETAILS], struct buckets *latency)
{
	/* A fault is counted first: read in the other order, no histogram has more than the count. */
	int err = buckets_add_all(latency, tally->bucket);

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	stat->count += tally->count;
	stat->sum_ns += tally->sum_ns;
	stat->not_min_ns = larger(stat->not_min_ns, tally->not_min_ns);
	stat->max_ns = larger(stat->max_ns, tally->max_ns);
	for (int i = 0; i < FAULT_DETAILS; i++)
		detail[i] += tally->detail[i];
	return err;
}

int fault_tallies_add(const struct fault_tallies *tallies, __u32 owner, struct event_stat *stat,
		      __u64 detail[FAULT_DETAILS], struct buckets *latency)
{
	int err = 0;

	for (__u32 i = tallies->first[OWNER_INDEX(owner)]; i && !err; i = tallies->next[i - 1]) {
		const struct fault_tally *tally = fault_tally_at(tallies, i - 1);

		if (__atomic_load_n(&tally->owner, __ATOMIC_ACQUIRE) == owner)
			err = tally_add(tally, stat, detail, latency);
	}
	return err;
}

void fault_tallies_free(struct fault_tallies *tallies)
{
	free(tallies->first);
	free(tallies->next);
	tallies->first = tallies->next = NULL;
}
