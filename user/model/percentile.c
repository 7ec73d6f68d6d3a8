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

/* The bucket that the @rank-th event is in; @before: how many are in those below. */
static unsigned int bucket_of(const struct buckets *latency, __u64 rank, __u64 *before)
{
	unsigned int i = 0;

	*before = 0;
	for (; i + 1 < latency->n && *before + latency->v[i] < rank; i++)
		*before += latency->v[i];
	return latency->first + i;
}

static __u64 clamp(__u64 ns, const struct event_count *count)
{
	if (ns > count->max_ns)
		ns = count->max_ns;
	return ns < count->min_ns ? count->min_ns : ns;
}

static __u64 high_ns(const struct event_count *count, unsigned int bucket)
{
	return clamp(bucket == HIST_BUCKETS - 1 ? count->max_ns : hist_high_ns(bucket) - 1, count);
}

__u64 percentile_ns(const struct event_count *count, unsigned int per_mille)
{
	const struct buckets *latency = &count->latency;
	/* The sum of the buckets, not count: events may lack a histogram (LOSS_HISTOGRAM). */
	__u64 total = buckets_total(latency), before;

	if (!total)
		return 0;
	return high_ns(count, bucket_of(latency, nearest_rank(total, per_mille), &before));
}

/* Neither of the buckets beside it has less than a third of what it has. */
static bool is_smooth(const struct buckets *latency, unsigned int bucket)
{
	__u64 third = buckets_at(latency, bucket) / 3;

	return bucket && buckets_at(latency, bucket - 1) > third &&
	       buckets_at(latency, bucket + 1) > third;
}

struct percentile percentile_within(const struct event_count *count, unsigned int per_mille)
{
	const struct buckets *latency = &count->latency;
	__u64 total = buckets_total(latency), rank, before;
	struct percentile found = {};
	unsigned int bucket;
	double into;

	if (!total)
		return found;
	rank = nearest_rank(total, per_mille);
	bucket = bucket_of(latency, rank, &before);
	found.low_ns = clamp(hist_low_ns(bucket), count);
	found.high_ns = high_ns(count, bucket);
	into = ((double)total * per_mille / 1000 - (double)before) /
	       (double)buckets_at(latency, bucket);
	into = into < 0 ? 0 : into > 1 ? 1 : into; /* beyond 53 bits a double is not exact */
	found.value_ns = (double)found.low_ns + into * (double)(found.high_ns - found.low_ns);
	found.is_smooth = is_smooth(latency, bucket);
	found.beyond = total - rank;
	return found;
}
