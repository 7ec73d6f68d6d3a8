/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Percentiles from a log-linear histogram, never finer than a bucket allows.
 */
#ifndef PERCENTILE_H
#define PERCENTILE_H

#include "model.h"

/*
 * The latency in ns that @per_mille of the events (1..1000) did not exceed: the inclusive upper
 * bound of the bucket that holds it, but within what was really seen (min_ns..max_ns). 0 when
 * nothing was counted. Source of the rank: nearest-rank, ceil(p * n).
 */
__u64 percentile_ns(const struct event_count *count, unsigned int per_mille);

/*
 * The same with what is known of where in its bucket it is: surely from low_ns to high_ns, and
 * about value_ns, if what is in a bucket is spread evenly in it. That holds where the buckets on
 * both sides are filled alike (is_smooth), and not where all events take about the same time.
 */
struct percentile {
	__u64 low_ns;
	__u64 high_ns; /* percentile_ns() */
	double value_ns;
	bool is_smooth;
	__u64 beyond; /* how many events are above it; 0 with nothing counted, as all the rest */
};

struct percentile percentile_within(const struct event_count *count, unsigned int per_mille);

#endif
