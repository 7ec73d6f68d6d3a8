/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A latency histogram in user space: only the part of it that something fell into, since events
 * mostly take much the same time, and there is a histogram for each event of each slot.
 */
#ifndef BUCKETS_H
#define BUCKETS_H

#include <linux/types.h>
#include "hist.h"

/* Zeroed: an empty histogram. Freed by its owner with buckets_free(). */
struct buckets {
	__u64 *v; /* of bucket first, first + 1, ..., as hist_bucket() counts them */
	unsigned int first;
	unsigned int n; /* all others are 0 */
};

/* How many latencies fell into @bucket, below HIST_BUCKETS. */
static inline __u64 buckets_at(const struct buckets *buckets, unsigned int bucket)
{
	unsigned int i = bucket - buckets->first; /* above n also when it is below first */

	return i < buckets->n ? buckets->v[i] : 0;
}

/* The sum of all. */
__u64 buckets_total(const struct buckets *buckets);

/*
 * Make it hold at least @n buckets from @first on. Where the value of @first is, for the @n values
 * to be changed; NULL when out of memory. Valid until the next change.
 */
__u64 *buckets_widen(struct buckets *buckets, unsigned int first, unsigned int n);

/* Add @from. 0 or -ENOMEM; so the next two. */
int buckets_add(struct buckets *to, const struct buckets *from);

/* Add what the kernel, or a file, keeps in full. */
int buckets_add_all(struct buckets *to, const __u64 from[HIST_BUCKETS]);

/* Make of the empty @to what @now has more than @before, bucket by bucket, and never less than 0. */
int buckets_since(struct buckets *to, const struct buckets *now, const struct buckets *before);

void buckets_free(struct buckets *buckets);

#endif
