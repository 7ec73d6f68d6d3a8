// SPDX-License-Identifier: GPL-2.0-only
/*
 * Percentiles by nearest rank over the buckets of one event.
 */
#include "percentile.h"

/* ceil(total * per_mille / 1000) without overflow; at least 1. */
static __u64 nearest_rank(__u64 total, unsigned int per_mille)
{
	__u64 rank = total / 1000 * per_mille + (total % 1000 * per_mille + 999) / 1000;

	return rank ? rank : 1;
}

__u64 percentile_ns(const struct event_count *count, unsigned int per_mille)
{
	const struct buckets *latency = &count->latency;
	/* The sum of the buckets, not count: events may lack a histogram (LOSS_HISTOGRAM). */
	__u64 total = buckets_total(latency), rank, seen = 0, ns;
	unsigned int i;

	if (!total)
		return 0;
	rank = nearest_rank(total, per_mille);
	for (i = 0; i < latency->n; i++) {
		seen += latency->v[i];
		if (seen >= rank)
			break;
	}
	i += latency->first;
	ns = i == HIST_BUCKETS - 1 ? count->max_ns : hist_high_ns(i) - 1;
	if (ns > count->max_ns)
		ns = count->max_ns;
	return ns < count->min_ns ? count->min_ns : ns;
}
