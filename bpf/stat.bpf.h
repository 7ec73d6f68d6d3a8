/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting: one event into the statistics of its owner, and a latency into its histogram. All
 * additions are atomic, since vCPUs fault on one slot at the same time. For the BPF programs only.
 */
#ifndef STAT_BPF_H
#define STAT_BPF_H

#include "owner.bpf.h"
#include "record.bpf.h"

const volatile __u32 max_histograms;

__u32 next_histogram = 1; /* 0 stands for none */
__u32 histograms_used;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, __u32);
	__type(value, struct histogram);
} histograms SEC(".maps");

/* Indexes of histograms that are empty again. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1); /* set when loaded */
	__type(value, __u32);
} free_histograms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, struct error_key);
	__type(value, __u64);
} errors SEC(".maps");

const volatile __u64 stack_events; /* 1 << event: whose stacks are kept */
const volatile __u64 min_latency_ns; /* of what goes into histograms and stacks */
const volatile __u32 sample; /* of so many guest faults one is timed, on average; 0: each of them */

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1); /* set when loaded */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, STACK_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, struct stack_key);
	__type(value, struct stack_stat);
} stack_stats SEC(".maps");

static __noinline int stack_count(void *ctx, __u32 owner, __u32 event, __u64 npages)
{
	struct stack_key key = { .owner = owner, .event = event };
	struct stack_stat *stat, none = {};

	if (event >= NR_EVENTS) /* never; the verifier cannot know */
		return 0;
	key.stack = bpf_get_stackid(ctx, &stacks, 0);
	key.pid = current_pid_tgid() >> 32;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	stat = key.stack < 0 ? NULL : bpf_map_lookup_elem(&stack_stats, &key);
	if (!stat && key.stack >= 0) {
		bpf_map_update_elem(&stack_stats, &key, &none, BPF_NOEXIST);
		stat = bpf_map_lookup_elem(&stack_stats, &key);
	}
	if (!stat) {
		lose(event, LOSS_STACK);
		return 0;
	}
	__sync_fetch_and_add(&stat->count, 1);
	__sync_fetch_and_add(&stat->npages, npages);
	return 0;
}

/* Give the event a histogram, at its second time. */
static __always_inline __u32 histogram_new(struct event_stat *stat)
{
	__u32 index = 0;

	if (bpf_map_pop_elem(&free_histograms, &index))
		index = next_histogram < max_histograms ? __sync_fetch_and_add(&next_histogram, 1)
							: 0;
	if (!index || index >= max_histograms)
		return 0;
	/* Another CPU may have been first. */
	if (__sync_val_compare_and_swap(&stat->hist, 0, index))
		bpf_map_push_elem(&free_histograms, &index, 0);
	else
		__sync_fetch_and_add(&histograms_used, 1);
	return stat->hist;
}

#define EXTREME_TRIES 8 /* each one lost means that another CPU has moved it our way */

static __always_inline void stat_raise(__u64 *most, __u64 value)
{
	__u64 seen = *most;

#pragma clang loop unroll(disable) /* the verifier is slower on more code than on the loop */
	for (int i = 0; i < EXTREME_TRIES && value > seen; i++)
		seen = __sync_val_compare_and_swap(most, seen, value);
}

static __always_inline void stat_latency(struct event_stat *stat, enum gmem_event event,
					 __u64 latency_ns, __u64 min_ns, bool first)
{
	struct histogram *histogram;
	__u32 index, bucket;

	__sync_fetch_and_add(&stat->sum_ns, latency_ns);
	stat_raise(&stat->max_ns, latency_ns);
	stat_raise(&stat->not_min_ns, ~latency_ns);
	if (latency_ns < min_ns)
		return;
	if (first && !min_ns) {
		stat->first_ns = latency_ns;
		return;
	}
	index = stat->hist ?: histogram_new(stat);
	histogram = index ? bpf_map_lookup_elem(&histograms, &index) : NULL;
	if (!histogram) {
		lose(event, LOSS_HISTOGRAM);
		return;
	}
	bucket = hist_bucket(latency_ns);
	if (bucket < HIST_BUCKETS) /* always; the verifier cannot know */
		__sync_fetch_and_add(&histogram->bucket[bucket], 1);
}

__noinline int error_count(__u32 owner, __u32 event, __u32 err)
{
	struct error_key key = { .owner = owner, .event = event, .err = err };
	__u64 *count, zero = 0;

	if (event >= NR_EVENTS) /* never; the verifier cannot know */
		return 0;
	count = bpf_map_lookup_elem(&errors, &key);
	if (!count) {
		bpf_map_update_elem(&errors, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&errors, &key);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		lose(event, LOSS_ERRNO);
	return 0;
}

/* What the event carries: a constant where the event is one. */
static __always_inline unsigned int event_carries(enum gmem_event event)
{
	switch (event) {
#define X(id, name, carries, ...)                                                                  \
	case EV_##id:                                                                              \
		return carries;
		GMEM_EVENTS(X)
#undef X
	default:
		return 0;
	}
}

/* Likewise its first detail. */
static __always_inline enum gmem_detail event_first_detail(enum gmem_event event)
{
#define X(id, of, name, what)                                                                      \
	if (event == EV_##of)                                                                      \
		return DETAIL_##id;
	GMEM_DETAILS(X)
#undef X
	return NR_DETAILS;
}

/*
 * One event at its owner (from an *_owner function, as all of which it can be negative). The owner,
 * for details; NULL when it is not counted. @min_ns: min_latency_ns, if need be.
 */
static __always_inline struct owner *stat_count(const struct gmem_record *event,
						unsigned int carries, __u64 min_ns)
{
	struct event_stat *stat;
	struct owner *owner;
	__u32 at = event->owner;
	__u64 before;

	if (at == OWNER_IGNORED)
		return NULL;
	owner = owner_at(at);
	if (!owner) {
		lose(event->event, LOSS_OWNER);
		return NULL;
	}
	stat = &owner->stat[event->event];
	before = __sync_fetch_and_add(&stat->count, 1);
	if (carries & EVENT_LATENCY)
		stat_latency(stat, event->event, event->latency_ns, min_ns, !before);
	if (carries & EVENT_PAGES)
		__sync_fetch_and_add(&stat->npages, event->npages);
	if ((carries & EVENT_ERRNO) && event->err)
		error_count(at, event->event, event->err);
	return owner;
}

/* The same, and its stack if that is wanted. Details follow, then event_record(). */
static __always_inline struct owner *event_count(void *ctx, const struct gmem_record *event)
{
	unsigned int carries = event_carries(event->event);
	struct owner *owner = stat_count(event, carries, min_latency_ns);

	if (owner && stack_events >> event->event & 1 &&
	    (!(carries & EVENT_LATENCY) || event->latency_ns >= min_latency_ns))
		stack_count(ctx, event->owner, event->event, event->npages);
	return owner;
}

static __always_inline void detail_count(struct owner *owner, struct gmem_record *event,
					 enum gmem_detail detail)
{
	if (!owner)
		return;
	__sync_fetch_and_add(&owner->detail[detail], 1);
	event->details |= 1U << (detail - event_first_detail(event->event));
}

/* The event was counted, and all is said of it. */
static __always_inline void event_record(const struct owner *owner, const struct gmem_record *event)
{
	struct gmem_record record;

	if (!owner || !(record_events >> event->event & 1))
		return;
	/* A copy, so that the compiler can keep the event itself in registers. */
	record = *event;
	if (!record.end_ns)
		record.end_ns = bpf_ktime_get_ns();
	record_send(&record);
}

/* Is it counted? */
__noinline int rare_stat_count(const struct gmem_record *rare)
{
	struct gmem_record event;

	if (!rare)
		return 0;
	event = *rare; /* which the verifier thinks nobody changes */
	/* The first is always so; the verifier cannot know. */
	if (event.event >= NR_EVENTS ||
	    !stat_count(&event, EVENT_LATENCY | EVENT_PAGES | EVENT_ERRNO, min_latency_ns))
		return 0;
	if (record_events >> event.event & 1)
		record_send(rare);
	return 1;
}

/*
 * As event_count() and event_record() for what is rare, has a latency and no details: most of it is
 * verified but once.
 */
static __always_inline void rare_count(void *ctx, const struct gmem_record *event)
{
	if (rare_stat_count(event) && stack_events >> event->event & 1 &&
	    event->latency_ns >= min_latency_ns)
		stack_count(ctx, event->owner, event->event, event->npages);
}

#endif
