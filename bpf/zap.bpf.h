/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages leave the guest's page tables: zaps, MMU notifiers and memory errors, and what becomes of
 * the pages. For gmem.bpf.c only.
 */
#ifndef ZAP_BPF_H
#define ZAP_BPF_H

#include "program.bpf.h"

/*
 * A hole takes the pages of the guest_memfd file that the task works on away: from when it zaps them
 * until it ends, faults there ask the page cache.
 */
static __always_inline void hole_open(struct task_state *state, __u64 gmem_file, __u64 start,
				      __u64 end)
{
	struct gmem_info *gmem;

	if (state->fallocate.hole || start >= end ||
	    file_owner(&state->file_cache, gmem_file, state->inode) <= 0)
		return;
	gmem = gmem_info_of(state->file_cache.owner);
	if (!gmem)
		return;
	state->fallocate.hole = hole_make(start, end, (__u32)bpf_get_current_pid_tgid());
	gmem->hole = state->fallocate.hole;
	within_begin(WITHIN_HOLE);
}

/* The guest has lost what is in the hole, and the page cache is about to. */
static __always_inline void hole_pages(struct task_state *state, __u64 start, __u64 end)
{
	struct pages *pages = &state->file_cache.leaf.pages;
	__u32 change = HAPPENS_UNSURE | CHANGE_HOLE_BEGINS;

	if (!state->fallocate.hole || !range_has_entry(start, end))
		return;
	if (!pages->late)
		change |= PAGE_PUNCHED;
	pages_change(state, pages, change, start, end);
}

/*
 * The invalidation of a range of one guest_memfd file: kvm_gmem_invalidate_begin(gmem, start,
 * end) and its successors. It belongs to the slot that it zaps if that is only one, else to the
 * guest_memfd that the task is punching or releasing.
 */

static __always_inline int zap_begin(struct call call)
{
	struct task_state *state = event_state(EV_ZAP);

	if (!state)
		return 0;
	if (file_is_cached(&state->file_cache, arg(call, 0)) &&
	    state->file_cache.owner == OWNER_IGNORED) {
		event_ignore(state, EV_ZAP);
		return 0;
	}
	event_begin(state, EV_ZAP);
	state->zap.n = 0;
	state->zap.npages = 0;
	if (event_inside(state, EV_PUNCH_HOLE) && active_since_ns != ~0ULL)
		hole_open(state, arg(call, 0), arg(call, 1), arg(call, 2));
	return 0;
}

/*
 * What the task is doing tells why it zaps: an event, the detail of the zap, and how the pages stand
 * with the guest then, PAGE_NEVER where they will not come back.
 */
#define ZAP_CAUSES(X)                                                                              \
	X(PUNCH_HOLE, ZAP_PUNCH, PAGE_PUNCHED)                                                     \
	X(CONVERT, ZAP_CONVERSION, PAGE_CONVERTED)                                                 \
	X(POISON, ZAP_ERROR, PAGE_FAILED)                                                          \
	X(RELEASE, ZAP_RELEASE, PAGE_NEVER)

static __always_inline void zap_cause(struct task_state *state, struct owner *owner,
				      struct gmem_record *event)
{
#define X(cause, detail, mapping)                                                                  \
	if (state->start_ns[EV_##cause]) {                                                         \
		detail_count(owner, event, DETAIL_##detail);                                       \
		return;                                                                            \
	}
	ZAP_CAUSES(X)
#undef X
}

static __always_inline int zap_end(struct call call)
{
	struct gmem_record event = EVENT(ZAP);
	struct task_state *state;
	struct owner *owner;

	state = event_leave(&event);
	if (!state)
		return 0;
	event_at_pgoff(&event, arg(call, 1));
	event.npages = state->zap.npages;
	if (state->zap.n == 1)
		event.owner = state->zap.owner;
	else if (state->inode)
		event.owner =
			gmem_owner_find((__u64)gmem_file_kvm((void *)arg(call, 0)), state->inode);
	else
		event.owner = vm_owner((__u64)gmem_file_kvm((void *)arg(call, 0)));
	state->zapped_owner = event.owner;
	owner = event_count(call.ctx, &event);
	zap_cause(state, owner, &event);
	event_record(owner, &event);
	if (event_inside(state, EV_PUNCH_HOLE))
		hole_pages(state, arg(call, 1), arg(call, 2));
	return 0;
}

BOTH_ENDS(zap, zap_begin, zap_end)

/* kvm_mmu_notifier_invalidate_range_start(mn, range) */

static __always_inline int notifier_begin(struct call call)
{
	__u64 kvm = notifier_kvm(arg(call, 0));
	struct task_state *state = event_state(EV_NOTIFIER);

	if (!state)
		return 0;
	if (vm_is_cached(&state->cache, kvm) && state->cache.vm == OWNER_IGNORED)
		event_ignore(state, EV_NOTIFIER);
	else
		event_begin(state, EV_NOTIFIER);
	return 0;
}

static __always_inline int notifier_end(struct call call)
{
	__u64 kvm = notifier_kvm(arg(call, 0));
	struct gmem_record event = EVENT(NOTIFIER);
	struct task_state *state = event_leave(&event);

	if (!state)
		return 0;
	event.owner = vm_is_cached(&state->cache, kvm) ? state->cache.vm : vm_owner(kvm);
	event_record(event_count(call.ctx, &event), &event);
	return 0;
}

BOTH_ENDS(notifier, notifier_begin, notifier_end)

/* kvm_unmap_gfn_range(kvm, range): one slot, within a notifier or a zap. */

static __always_inline void notifier_hit(struct call call, int at, const struct kvm_gfn_range *gfns)
{
	struct kvm_memory_slot *slot = kread(call, gfns, slot);
	struct gmem_record event = EVENT(NOTIFIER_HIT);
	struct owner *owner;

	event.owner = at;
	event.page = kread(call, gfns, start);
	event.npages = kread(call, gfns, end) - event.page;
	owner = event_count(call.ctx, &event);
	if (kread(call, slot, flags) & KVM_MEMSLOT_GMEM_ONLY)
		detail_count(owner, &event, DETAIL_HIT_GMEM_ONLY);
	event_record(owner, &event);
}

static __always_inline void zap_slot(struct slots_met *met, int owner, __u64 npages)
{
	/*
	 * A binding whose length is no power of two is several entries of the bindings' xarray;
	 * the kernel unmaps the whole slot at each of them.
	 */
	if (met->n && met->owner == owner)
		return;
	met->owner = owner;
	met->n++;
	met->npages += npages;
}

/* How pages stand with the guest that the task unmaps. PAGE_LOST: what it does was not seen to begin. */
static __always_inline enum page_mapping unmap_cause(const struct task_state *state, __u64 kvm)
{
	if (event_inside(state, EV_NOTIFIER))
		return PAGE_NOTIFIED;
#define X(cause, detail, mapping)                                                                  \
	if (event_inside(state, EV_##cause))                                                       \
		return mapping;
	ZAP_CAUSES(X)
#undef X
	return kvm_locks_slots((void *)kvm) ? PAGE_SLOT_CHANGED : PAGE_LOST;
}

/*
 * The hole that the task is punching has some of these pages: what it zaps is told as a whole, and then
 * the pages that the VMM has mapped go by a notifier within. Not where the guest_memfd was met late,
 * since only what is unmapped may have been mapped there.
 */
static __always_inline bool hole_has(const struct task_state *state, __u64 start, __u64 end)
{
	const struct pages *pages = &state->file_cache.leaf.pages;

	return state->fallocate.hole && event_inside(state, EV_PUNCH_HOLE) && !pages->late &&
	       pages->gmem == state->cache.leaf.pages.gmem && start < state->fallocate.end &&
	       end > state->fallocate.start;
}

static __always_inline void unmap_pages(struct call call, struct task_state *state, __u64 kvm,
					const struct kvm_gfn_range *gfns)
{
	enum page_mapping cause = unmap_cause(state, kvm);
	const struct fallocate_range *hole = &state->fallocate;
	const struct slot_cache *cache = &state->cache;
	__u64 start, end;

	if (cause == PAGE_NEVER || slot_owner(state, kvm, (__u64)kread(call, gfns, slot)) <= 0)
		return;
	start = kread(call, gfns, start) + cache->pgoff_of_gfn;
	end = kread(call, gfns, end) + cache->pgoff_of_gfn;
	if (hole_has(state, start, end)) { /* change what it has not */
		pages_change(state, &cache->leaf.pages, cause, hole->end, end);
		end = hole->start;
	}
	pages_change(state, &cache->leaf.pages, cause, start, end);
}

static __always_inline int unmap_begin(struct call call)
{
	struct kvm_gfn_range *range = (void *)raw_arg(call, 1);
	struct kvm_memory_slot *slot = kread(call, range, slot);
	struct task_state *state = state_make();

	if (!state)
		return 0;
	if (event_inside(state, EV_NOTIFIER))
		notifier_hit(call, slot_owner(state, raw_arg(call, 0), (__u64)slot), range);
	else if (event_inside(state, EV_ZAP))
		zap_slot(&state->zap, slot_owner(state, raw_arg(call, 0), (__u64)slot),
			 kread(call, range, end) - kread(call, range, start));
	if (active_since_ns != ~0ULL && kread(call, slot, flags) & KVM_MEM_GUEST_MEMFD &&
	    !gfns_spare_private((void *)raw_arg(call, 0), range))
		unmap_pages(call, state, raw_arg(call, 0), range);
	return 0;
}

FIRST_END(unmap, unmap_begin)

/*
 * kvm_mmu_zap_all_fast(kvm): the guest's page tables are dropped as a whole, as a default VM's are
 * when one of its memslots goes or moves.
 */
SEC("?tp_btf")
int zap_all(__u64 *ctx)
{
	struct owner *owner;
	__u64 kvm = 0;

	if (active_since_ns == ~0ULL)
		return 0;
	bpf_probe_read_kernel(&kvm, sizeof(kvm), &ctx[0]);
	owner = owner_at(vm_owner(kvm));
	if (!owner || owner->kind != OWNER_VM)
		return 0;
	__sync_fetch_and_add(&owner->vm_info.epoch, 1);
	generation_move(kvm);
	return 0;
}

/*
 * kvm_arch_flush_shadow_memslot(kvm, slot), where that is not kvm_mmu_zap_all_fast(): a memslot that
 * goes or moves takes the guest's pages of its own.
 */
static __always_inline int slot_flush_begin(struct call call)
{
	struct kvm_memory_slot *slot = (void *)raw_arg(call, 1);
	struct task_state *state = state_make();
	__u64 start;

	if (!state || active_since_ns == ~0ULL ||
	    !(kread(call, slot, flags) & KVM_MEM_GUEST_MEMFD) ||
	    slot_owner(state, raw_arg(call, 0), (__u64)slot) <= 0)
		return 0;
	start = kread(call, slot, base_gfn) + state->cache.pgoff_of_gfn;
	pages_change(state, &state->cache.leaf.pages, PAGE_SLOT_CHANGED, start,
		     start + kread(call, slot, npages));
	return 0;
}

FIRST_END(slot_flush, slot_flush_begin)

/* kvm_gmem_error_folio(mapping, folio): counted where its zap was. */

static __always_inline int poison_begin(struct call call)
{
	struct task_state *state = event_enter(EV_POISON);
	struct address_space *mapping = (void *)arg(call, 0);

	if (!state)
		return 0;
	state->inode = (__u64)BPF_CORE_READ(mapping, host);
	state->zapped_owner = -1;
	return 0;
}

static __always_inline int poison_end(struct call call)
{
	struct folio *folio = (void *)arg(call, 1);
	struct gmem_record event = EVENT(POISON);
	struct task_state *state;

	state = event_leave(&event);
	if (!state)
		return 0;
	event_at_pgoff(&event, BPF_CORE_READ(folio, index));
	event.latency_ns = 0; /* it carries none */
	event.npages = 1;
	event.owner =
		state->zapped_owner < 0 ? gmem_owner_known(state->inode) : state->zapped_owner;
	state->inode = 0;
	event_record(event_count(call.ctx, &event), &event);
	return 0;
}

#endif
