/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages are made ready for the guest: prepared, populated with initial contents, faulted in ahead.
 * For gmem.bpf.c only.
 */
#ifndef POPULATE_BPF_H
#define POPULATE_BPF_H

#include "program.bpf.h"

/*
 * kvm_arch_gmem_prepare(kvm, gfn, pfn, order), from 7.3 kvm_arch_gmem_make_private(kvm, gfn, pfn,
 * npages), in a guest fault or in what populates.
 */

BEGIN(prepare, EV_PREPARE)

/* An earlier fault has prepared the page, and it was neither freed nor converted since. */
static __always_inline bool is_prepared(const struct slot_cache *cache, __u64 gfn)
{
	__u32 page = page_known(&cache->leaf.pages, gfn + cache->pgoff_of_gfn);
	__u32 mapping = page & PAGE_MAPPING;

	return page & PAGE_PRESENT && mapping != PAGE_NEVER && mapping != PAGE_PUNCHED &&
	       mapping != PAGE_CONVERTED;
}

/* The slot of a page that is made ready, which a guest fault may have told. */
static __always_inline __u64 prepare_slot(const struct task_state *state, __u64 kvm, __u64 gfn)
{
	if (fault_context && state->start_ns[EV_GUEST_FAULT])
		return state->slot;
	return (__u64)range_slot(kvm, gfn, gfn + 1);
}

static __always_inline int prepare_end(struct call call)
{
	struct gmem_record event = EVENT(PREPARE);
	__u64 slot, kvm = arg(call, 0);
	struct task_state *state;
	struct owner *owner;

	state = event_leave(&event);
	if (!state)
		return 0;
	event.page = raw_arg(call, 1);
	event.err = errno_of(returned(call));
	slot = prepare_slot(state, kvm, event.page);
	event.owner = slot ? slot_owner(state, kvm, slot) : vm_owner(kvm);
	owner = event_count(call.ctx, &event);
	if (owner && slot && !event.err && !state->start_ns[EV_POPULATE] &&
	    is_prepared(&state->cache, event.page))
		detail_count(owner, &event, DETAIL_PREPARE_REDUNDANT);
	event_record(owner, &event);
	return 0;
}

BOTH_ENDS(prepare, prepare_begin, prepare_end)

/* kvm_gmem_populate(kvm, start_gfn, source, npages, ...): pages done, or an error. */

static __always_inline int populate_begin(struct call call)
{
	struct task_state *state = event_enter(EV_POPULATE);

	if (!state)
		return 0;
	state->kvm = arg(call, 0);
	state->slot = (__u64)kvm_slot_at((void *)state->kvm, arg(call, 1));
	return 0;
}

static __always_inline void populate_pages(struct task_state *state, __u64 gfn, __u64 npages)
{
	const struct slot_cache *cache = &state->cache;
	__u64 pgoff;

	if (!npages || slot_owner(state, state->kvm, state->slot) <= 0)
		return;
	pgoff = gfn + cache->pgoff_of_gfn;
	pages_change(state, &cache->leaf.pages, HAPPENS_THERE, pgoff, pgoff + npages);
}

static __always_inline int populate_end(struct call call)
{
	struct gmem_record event = EVENT(POPULATE);
	struct task_state *state;

	state = event_leave(&event);
	if (!state)
		return 0;
	event.page = arg(call, 1);
	event_pages(&event, returned(call));
	event.owner = gfn_owner_find(arg(call, 0), event.page, event.page + arg(call, 3));
	rare_count(call.ctx, &event);
	if (state->slot)
		populate_pages(state, event.page, event.npages);
	return 0;
}

/*
 * Series that populate by write(): kvm_gmem_write_begin(file, mapping, position, length, ...) and,
 * unless that has failed, kvm_gmem_write_end(file, mapping, position, length, copied, ...).
 */

static __always_inline int write_begin_begin(struct call call)
{
	struct address_space *mapping = (void *)arg(call, 1);
	struct task_state *state = event_enter(EV_POPULATE);

	if (!state)
		return 0;
	state->inode = (__u64)BPF_CORE_READ(mapping, host);
	state->slot = 0; /* that of an earlier fault */
	return 0;
}

static __always_inline int write_end_end(struct call call)
{
	struct gmem_record event = EVENT(POPULATE);
	struct task_state *state = event_leave(&event);
	struct pages pages;

	if (!state)
		return 0;
	event_at_pgoff(&event, arg(call, 2) >> page_bits);
	event_bytes(&event, returned_int(call));
	event.owner = gmem_owner_known(state->inode);
	state->inode = 0;
	pages_of(&pages, event.owner);
	if (event.npages)
		pages_change(state, &pages, HAPPENS_THERE, event.page, event.page + event.npages);
	rare_count(call.ctx, &event);
	return 0;
}

static __always_inline int write_begin_end(struct call call)
{
	return returned_int(call) < 0 ? write_end_end(call) : 0;
}

BOTH_ENDS(write_begin, write_begin_begin, write_begin_end)

LAST_END(write_end, write_end_end)

/* kvm_arch_vcpu_pre_fault_memory(vcpu, range): bytes mapped, or an error. */

static __always_inline int prefault_begin(struct call call)
{
	struct task_state *state = state_make();

	if (state && !state->start_ns[EV_PREFAULT]) /* else an end was missed */
		within_begin(WITHIN_PREFAULT);
	event_enter(EV_PREFAULT);
	return 0;
}

static __noinline int prefault_leave(void)
{
	struct task_state *state = state_get();

	if (state && state->start_ns[EV_PREFAULT])
		within_end(WITHIN_PREFAULT);
	return 0;
}

static __always_inline int prefault_end(struct call call)
{
	struct kvm_vcpu *vcpu = (void *)arg(call, 0);
	struct kvm_pre_fault_memory *range = (void *)arg(call, 1);
	struct gmem_record event = EVENT(PREFAULT);

	prefault_leave();
	if (!event_leave(&event))
		return 0;
	/* An architecture may be without it, and load this with others of its kind. */
	if (bpf_core_type_exists(struct kvm_pre_fault_memory))
		event.page = BPF_CORE_READ(range, gpa) >> page_bits;
	event_bytes(&event, returned(call));
	event.owner = gfn_owner_find((__u64)BPF_CORE_READ(vcpu, kvm), event.page, event.page + 1);
	rare_count(call.ctx, &event);
	return 0;
}

#endif
