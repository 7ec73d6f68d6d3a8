/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recording: an event as a whole, through the ring buffer of its CPU to user space. What finds no
 * room is counted. For the BPF programs only.
 */
#ifndef RECORD_BPF_H
#define RECORD_BPF_H

#include "process.bpf.h"
#include "gmem.h"

const volatile __u64 record_events; /* 1 << event: what is recorded */
const volatile __u64 wake_bytes; /* how full a ring is when its reader is woken */

/* One for each CPU, made by user space, so that none waits for another. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} rings SEC(".maps");

/* Records of each event that no room was found for. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NR_EVENTS);
	__type(key, __u32);
	__type(value, __u64);
} drops SEC(".maps");

#define RING_RECORD_BYTES (sizeof(struct gmem_record) + BPF_RINGBUF_HDR_SZ)

static __always_inline void record_drop(__u32 event)
{
	__u64 *dropped = bpf_map_lookup_elem(&drops, &event);

	if (dropped)
		__sync_fetch_and_add(dropped, 1);
}

/* But for who and where. Field by field: the compiler copies what is left of a struct byte by byte. */
static __always_inline void record_fill(struct gmem_record *record, const struct gmem_record *event)
{
	record->end_ns = event->end_ns;
	record->latency_ns = event->latency_ns;
	record->page = event->page;
	record->npages = event->npages;
	record->owner = event->owner;
	record->details = event->details;
	record->err = event->err;
	record->event = event->event;
	record->flags = event->flags;
	record->spare = 0;
}

static __always_inline void record_put(const struct gmem_record *event)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	struct gmem_record *record = NULL;
	__u64 filled;

	if (ring)
		record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);
	if (!record) {
		record_drop(event->event);
		return;
	}
	record_fill(record, event);
	record->tid = current_pid_tgid();
	record->cpu = cpu;
	/* Once, when the mark is passed: to wake somebody costs more than all of the rest. */
	filled = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	bpf_ringbuf_submit(record, filled - wake_bytes < RING_RECORD_BYTES ? BPF_RB_FORCE_WAKEUP
									   : BPF_RB_NO_WAKEUP);
}

/* The same, verified but once. */
__noinline int record_send(const struct gmem_record *event)
{
	if (event)
		record_put(event);
	return 0;
}

#endif
