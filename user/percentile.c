// SPDX-License-Identifier: GPL-2.0-only
/*
 * Percentiles by nearest rank over the buckets of one event.
 */
#include "percentile.h"

static __u64 bucket_total(const __u64 *bucket)
{
	__u64 total = 0;
	int i;

	for (i = 0; i < HIST_BUCKETS; i++)
		total += bucket[i];
	return total;
}

/* ceil(total * per_mille / 1000) without overflow; at least 1. */
static __u64 nearest_rank(__u64 total, unsigned int per_mille)
{
	__u64 rank = total / 1000 * per_mille + (total % 1000 * per_mille + 999) / 1000;

	return rank ? rank : 1;
}

__u64 percentile_ns(const struct event_count *count, unsigned int per_mille)
{
	__u64 rank, seen = 0, ns;
	int i;

	if (!count->bucket)
		return 0;
	/* The sum of the buckets, not count: events may lack a histogram (LOSS_HISTOGRAM). */
	ns = bucket_total(count->bucket);
	if (!ns)
		return 0;
	rank = nearest_rank(ns, per_mille);
	for (i = 0; i < HIST_BUCKETS - 1; i++) {
		seen += count->bucket[i];
		if (seen >= rank)
			break;
	}
	ns = i == HIST_BUCKETS - 1 ? count->max_ns : hist_high_ns(i) - 1;
	if (ns > count->max_ns)
		ns = count->max_ns;
	return ns < count->min_ns ? count->min_ns : ns;
}
