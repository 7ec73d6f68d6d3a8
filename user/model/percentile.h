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

#endif
