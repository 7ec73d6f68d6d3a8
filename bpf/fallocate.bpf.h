/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fallocate(): pages of a guest_memfd are allocated, or a hole is punched. For gmem.bpf.c only.
 */
#ifndef FALLOCATE_BPF_H
#define FALLOCATE_BPF_H

#include <linux/falloc.h>
#include "program.bpf.h"

/* kvm_gmem_fallocate(file, mode, offset, len) */

static __always_inline enum gmem_event fallocate_event(struct call call)
{
	return arg(call, 1) & FALLOC_FL_PUNCH_HOLE ? EV_PUNCH_HOLE : EV_ALLOCATE;
}

static __always_inline int fallocate_begin(struct call call)
{
	struct file *file = (void *)arg(call, 0);
	struct fallocate_range *range;
	struct task_state *state;
	__u64 start, end;
	__u32 bits;

	state = file_event_enter(fallocate_event(call), (__u64)BPF_CORE_READ(file, private_data),
				 (__u64)BPF_CORE_READ(file, f_inode));
	if (!state)
		return 0;
	range = &state->fallocate;
	start = arg(call, 2);
	end = start + arg(call, 3);
	bits = page_bits;
	range->start = start >> bits;
	range->end = end >> bits;
	if (range->hole) /* its end was missed */
		hole_close(state->file_cache.owner, range->hole, bpf_ktime_get_ns());
	range->hole = 0;
	return 0;
}

/*
 * What a hole takes away is known to be there no more when it ends. If its zap was missed, or something
 * went half-way, it is not known which pages are there.
 */
static __always_inline void fallocate_pages(struct task_state *state,
					    const struct gmem_record *event)
{
	struct fallocate_range *range = &state->fallocate;
	const struct file_cache *cache = &state->file_cache;
	__u32 change = HAPPENS_UNSURE;
	bool hole = event->event == EV_PUNCH_HOLE;

	if (!hole && !event->err)
		change = HAPPENS_THERE;
	if (hole && !event->err && range->hole)
		change = CHANGE_HOLE_ENDS;
	if (!hole || !event->err || range->hole) /* else it was refused */
		pages_change(state, &cache->leaf.pages, change, range->start, range->end);
	hole_close(cache->owner, range->hole, event->end_ns);
	range->hole = 0;
}

static __always_inline int fallocate_end(struct call call)
{
	struct gmem_record event = { .event = fallocate_event(call) };
	struct fallocate_range *range;
	struct task_state *state;

	state = event_leave(&event);
	if (!state)
		return 0;
	range = &state->fallocate;
	event_at_pgoff(&event, range->start);
	event.err = errno_of(returned(call));
	event.npages = event.err ? 0 : range->end - range->start;
	event.owner = file_range_owner(state, range->start, range->end);
	state->inode = 0;
	rare_count(call.ctx, &event);
	fallocate_pages(state, &event);
	return 0;
}

BOTH_ENDS(fallocate, fallocate_begin, fallocate_end)

#endif
