/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting faults, guest's and host's, into tallies of each CPU, so that no CPU waits for a cache line
 * that another one writes; and folding a tally into its owner when another owner takes its place. No
 * atomic operations: the kernel does not let a program in on a CPU where it is already, and only the
 * program for the end of a fault, or the one for both, comes to its tallies. For the BPF programs only.
 */
#ifndef TALLY_BPF_H
#define TALLY_BPF_H

#include "stat.bpf.h"

/* The verifier cannot know that it is one of those. */
static __always_inline enum gmem_event tally_event(const struct fault_tally *tally)
{
	return tally->event ? EV_HOST_FAULT : EV_GUEST_FAULT;
}

/* Add the buckets of @tally from @first on to @histogram. */
struct fold {
	struct fault_tally *tally;
	struct histogram *histogram; /* NULL: none is to be had */
	__u32 first;
	__u64 lost; /* latencies, for want of one */
};

static long fold_step(__u32 i, struct fold *fold)
{
	__u32 at = fold->first + i;
	__u64 *bucket;

	if (at >= HIST_BUCKETS)
		return 1;
	bucket = &fold->tally->bucket[at];
	if (*bucket && fold->histogram)
		__sync_fetch_and_add(&fold->histogram->bucket[at], *bucket);
	else
		fold->lost += *bucket;
	*bucket = 0;
	return 0;
}

/* Verified once for two calls. */
__noinline int fold_bucket(__u64 latency_ns)
{
	return hist_bucket(latency_ns);
}

/* As stat_latency(), the owner's first one stays outside of the histogram: any of them will do. */
static __always_inline void fold_latencies(struct fault_tally *tally, struct event_stat *stat,
					   bool first)
{
	struct fold fold = { .tally = tally, .first = fold_bucket(~tally->not_min_ns) };
	__u32 last = fold_bucket(tally->max_ns), index;
	/* Of faults of which only some are timed, the first need not be. */
	bool sampled = sample && tally_event(tally) == EV_GUEST_FAULT;
	bool outside = first && !min_latency_ns && !sampled;

	if (outside && fold.first < HIST_BUCKETS) {
		stat->first_ns = ~tally->not_min_ns;
		tally->bucket[fold.first]--;
	}
	if (!outside || tally->count > 1) {
		index = stat->hist ?: histogram_new(stat);
		fold.histogram = index ? bpf_map_lookup_elem(&histograms, &index) : NULL;
	}
	bpf_loop(last - fold.first + 1, fold_step, &fold, 0);
	if (fold.lost)
		__sync_fetch_and_add(&losses[tally_event(tally)][LOSS_HISTOGRAM], fold.lost);
}

static __always_inline void tally_clear(struct fault_tally *tally)
{
	tally->ended += tally->count;
	tally->count = tally->sum_ns = tally->not_min_ns = tally->max_ns = 0;
}

/* Clear a tally of an owner whose life is over: user space has read it. */
static __always_inline void tally_forget(struct fault_tally *tally)
{
	struct fold fold = { .tally = tally, .first = fold_bucket(~tally->not_min_ns) };

	bpf_loop(fold_bucket(tally->max_ns) - fold.first + 1, fold_step, &fold, 0);
	tally_clear(tally);
	__builtin_memset(tally->detail, 0, sizeof(tally->detail));
}

/* Add the tally to its owner and clear it. */
__noinline int tally_fold(struct fault_tally *tally)
{
	struct event_stat *stat;
	struct owner *owner;
	__u64 *detail;

	if (!tally || !tally->count)
		return 0;
	owner = owner_at(tally->owner);
	if (!owner) {
		tally_forget(tally);
		return 0;
	}
	stat = &owner->stat[tally_event(tally)];
	detail = &owner->detail[event_first_detail(tally_event(tally))];
	__sync_fetch_and_add(&stat->folds_begun, 1);
	stat_raise(&stat->max_ns, tally->max_ns);
	stat_raise(&stat->not_min_ns, tally->not_min_ns);
	__sync_fetch_and_add(&stat->sum_ns, tally->sum_ns);
	fold_latencies(tally, stat, !__sync_fetch_and_add(&stat->count, tally->count));
#pragma clang loop unroll(disable)
	for (int i = 0; i < FAULT_DETAILS; i++) {
		__sync_fetch_and_add(&detail[i], tally->detail[i]);
		tally->detail[i] = 0;
	}
	tally_clear(tally);
	__sync_fetch_and_add(&stat->folds_done, 1);
	return 0;
}

/* The tally is of this owner, from now on. */
static __always_inline void tally_take(struct fault_tally *tally, __u32 owner)
{
	if (tally->owner == owner)
		return;
	tally_fold(tally);
	tally->owner = owner;
}

static __always_inline void tally_latency(struct fault_tally *tally, __u64 latency_ns, __u64 min_ns)
{
	__u32 bucket;

	tally->count++;
	tally->sum_ns += latency_ns;
	if (tally->max_ns < latency_ns)
		tally->max_ns = latency_ns;
	if (tally->not_min_ns < ~latency_ns)
		tally->not_min_ns = ~latency_ns;
	if (latency_ns < min_ns)
		return;
	bucket = hist_bucket(latency_ns);
	if (bucket < HIST_BUCKETS) /* always; the verifier cannot know */
		tally->bucket[bucket]++;
}

/* One of the details of the tally's event. */
static __always_inline void tally_detail(struct fault_tally *tally, struct gmem_record *event,
					 enum gmem_detail detail)
{
	__u32 number = detail - event_first_detail(event->event);

	tally->detail[number]++;
	event->details |= 1U << number;
}

#endif
