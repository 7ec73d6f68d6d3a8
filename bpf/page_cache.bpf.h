/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages come and go: into and out of the page cache, and out of the kernel's direct map and back.
 * For gmem.bpf.c only.
 */
#ifndef PAGE_CACHE_BPF_H
#define PAGE_CACHE_BPF_H

#include "program.bpf.h"

/*
 * mm_filemap_add_to_page_cache(folio) and mm_filemap_delete_from_page_cache(folio): of the whole
 * system, hence opt-in. A page is added in the middle of one of four events of the same task.
 */

/* The event under way is that of a slot, which it has left in the task's state. */
static __always_inline bool adds_at_slot(const struct task_state *state)
{
	return state->start_ns[EV_GUEST_FAULT] || (state->start_ns[EV_POPULATE] && state->slot);
}

/*
 * The guest_memfd to which the task adds pages. Meanwhile it may add some to other files: what is
 * copied in is faulted in, and memory is made room for.
 */
static __always_inline __u64 added_inode(const struct task_state *state)
{
	struct kvm_memory_slot *slot = (void *)state->slot;

	return adds_at_slot(state) ? (__u64)BPF_CORE_READ(slot, gmem.file, f_inode) : state->inode;
}

/*
 * Where the page @index that is added to the file @inode is counted, as gmem_owner_known(): at the
 * guest_memfd if nothing was seen to begin that tells more.
 */
static __always_inline int added_owner(struct task_state *state, __u64 inode, __u64 index)
{
	if (!state || inode != added_inode(state))
		return gmem_owner_known(inode);
	if (adds_at_slot(state))
		return slot_owner(state, state->kvm, state->slot);
	if (state->start_ns[EV_HOST_FAULT] || state->start_ns[EV_ALLOCATE])
		return file_range_owner(state, index, index + 1);
	return gmem_owner_known(inode);
}

static __always_inline void folio_count(void *ctx, struct gmem_record *event,
					const struct folio *folio)
{
	__u32 node = page_node(folio, node_shift());
	struct owner *owner;

	event_at_pgoff(event, folio->index);
	event->npages = 1;
	owner = event_count(ctx, event);
	detail_count(owner, event,
		     event_first_detail(event->event) + (node < NODES_TOLD ? node : NODES_TOLD));
	event_record(owner, event);
}

/*
 * A file that is not known is no guest_memfd, or one of which nothing else was seen: then the page is
 * counted at the host, unless the filter may leave it out.
 */
static __always_inline bool is_unmet_gmem(const struct address_space *mapping)
{
	return filter == FILTER_NONE && gmem_aops &&
	       (__u64)BPF_CORE_READ(mapping, a_ops) == gmem_aops;
}

SEC("?tp_btf")
int page_added(__u64 *ctx)
{
	struct folio *folio = ARG(ctx, 0);
	struct address_space *mapping = BPF_CORE_READ(folio, mapping);
	struct gmem_record event = EVENT(ALLOC);

	if (active_since_ns == ~0ULL)
		return 0;
	event.owner = added_owner(state_get(), (__u64)BPF_CORE_READ(mapping, host), folio->index);
	if (event.owner != OWNER_INDEX_HOST || is_unmet_gmem(mapping))
		folio_count(ctx, &event, folio);
	return 0;
}

SEC("?tp_btf")
int page_deleted(__u64 *ctx)
{
	struct folio *folio = ARG(ctx, 0);
	struct inode *inode = BPF_CORE_READ(folio, mapping, host);
	struct task_state *state = state_get();
	struct gmem_record event = EVENT(FREE);

	if (active_since_ns == ~0ULL)
		return 0;
	if (state && state->start_ns[EV_PUNCH_HOLE] && state->inode == (__u64)inode)
		event.owner = file_range_owner(state, folio->index, folio->index + 1);
	else
		event.owner = gmem_owner_known((__u64)inode);
	if (event.owner != OWNER_INDEX_HOST) /* no guest_memfd, or one never met */
		folio_count(ctx, &event, folio);
	return 0;
}

/*
 * A series that is not merged: kvm_gmem_folio_zap_direct_map(folio), within a fault, an errno that a
 * guest fault may drop; kvm_gmem_folio_restore_direct_map(folio), nothing, when the folio has left
 * the page cache and knows its file no more.
 */

BEGIN(direct_map_zap, EV_DIRECT_MAP_ZAP)

static __always_inline int direct_map_zap_end(struct call call)
{
	struct gmem_record event = EVENT(DIRECT_MAP_ZAP);
	struct folio *folio = (void *)raw_arg(call, 0);
	struct task_state *state;
	struct owner *owner;

	state = event_leave(&event);
	if (!state)
		return 0;
	event_at_pgoff(&event, kread(call, folio, index));
	event.err = errno_of(returned(call));
	event.owner = added_owner(state, (__u64)BPF_CORE_READ(folio, mapping, host),
				  kread(call, folio, index));
	owner = event_count(call.ctx, &event);
	if (owner && event.err && state->start_ns[EV_GUEST_FAULT])
		state->direct_map = event;
	else
		event_record(owner, &event);
	return 0;
}

BOTH_ENDS(direct_map_zap, direct_map_zap_begin, direct_map_zap_end)

BEGIN(direct_map_restore, EV_DIRECT_MAP_RESTORE)

static __always_inline int direct_map_restore_end(struct call call)
{
	struct gmem_record event = EVENT(DIRECT_MAP_RESTORE);
	struct folio *folio = (void *)raw_arg(call, 0);
	struct task_state *state;

	state = event_leave(&event);
	if (!state)
		return 0;
	event_at_pgoff(&event, kread(call, folio, index));
	if (state->start_ns[EV_PUNCH_HOLE])
		event.owner = file_range_owner(state, kread(call, folio, index),
					       kread(call, folio, index) + 1);
	else /* right after the last close, in the same task */
		event.owner = state->release_owner;
	event_record(event_count(call.ctx, &event), &event);
	return 0;
}

BOTH_ENDS(direct_map_restore, direct_map_restore_begin, direct_map_restore_end)

#endif
