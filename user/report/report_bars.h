/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The histogram of one event as bars. For text reports, and screens.
 */
#ifndef REPORT_BARS_H
#define REPORT_BARS_H

#include <stdio.h>
#include "report.h"

/* Neighbouring buckets seen as one. */
struct bar {
	__u64 low_ns;
	__u64 high_ns; /* first latency above; 0: no end */
	__u64 count; /* 0: no event between what is below and above */
};

#define BARS_MAX 20

/*
 * Merge @count's buckets to at most BARS_MAX bars, ascending and without holes, from the lowest
 * latency seen to the highest: as fine as that allows where nearly all events are (p5 to p95),
 * octaves in the tails. Returns how many; 0 without a histogram.
 */
size_t bars_merge(const struct event_count *count, struct bar bars[BARS_MAX]);

/* Write them with bounds, counts and bars, at most @columns wide. */
void bars_write(FILE *out, const struct event_count *count, const struct text_style *style,
		unsigned int columns);

/* The same, and behind each bar which of p50, p90, p99 and max fall into it. */
void bars_write_marked(FILE *out, const struct event_count *count, const struct text_style *style,
		       unsigned int columns);

#endif
