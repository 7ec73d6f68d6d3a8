/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Caches: the slot and the guest_memfd file that a task, or a CPU, has met last, with where their
 * events are counted and where their pages are kept, so that the next event there needs no look-up.
 * For the BPF programs only.
 */
#ifndef CACHE_BPF_H
#define CACHE_BPF_H

#include "heat.bpf.h"
#include "owner.bpf.h"

/* The pages of the guest_memfd whose owner is @index, as they are now. */
static __always_inline void pages_of(struct pages *pages, int index)
{
	__u32 at = index;
	struct owner *gmem = index > 0 ? bpf_map_lookup_elem(&owners, &at) : NULL;
	struct owner *vm;

	pages->ndirs = 0;
	pages->late_mask = 0;
	if (!gmem || gmem->kind != OWNER_GMEM)
		return;
	pages->first_dir = gmem->gmem.first_dir;
	pages->ndirs = gmem->gmem.ndirs;
	pages->late_mask = gmem->gmem.met_late ? PAGES_LOW : 0;
	vm = bpf_map_lookup_elem(&owners, &gmem->vm);
	pages->epoch = vm ? vm->vm_info.epoch & EPOCH_MASK : 0;
}

#define NO_LEAF (~0ULL) /* no page offset's */

/* The leaf of page @index, made if need be, from now on in the cache; 0 for none. */
__noinline int cache_leaf(struct slot_cache *cache, __u64 index)
{
	if (!cache)
		return 0;
	cache->leaf = pages_leaf(&cache->pages, index, true);
	cache->leaf_of = cache->leaf ? index >> PAGES_LEAF_BITS : NO_LEAF;
	return cache->leaf;
}

/* The guest has page @index of the slot in the cache now. As page_touch(), in fewer steps. */
static __always_inline int cache_touch(struct slot_cache *cache, __u64 index)
{
	__u32 shift = (index & 7) * 4, before;
	__u64 *at, word, change;

	if (cache->leaf_of != index >> PAGES_LEAF_BITS && !cache_leaf(cache, index))
		return -1;
	at = leaf_word(cache->leaf, index);
	if (!at)
		return -1;
	word = *at;
	before = word >> shift & 15;
	change = (__u64)(before ^ (PAGE_PRESENT | PAGE_MAPPED)) << shift;
	if (word >> WORD_EPOCH != cache->pages.epoch)
		return page_touch(&cache->pages, index, PAGE_MAPPED);
	if (change && __sync_val_compare_and_swap(at, word, word ^ change) != word)
		return page_touch(&cache->pages, index, PAGE_MAPPED);
	return before;
}

/* Fill the cache for the slot whose VM and address are there. As vm_owner(). */
__noinline int slot_meet(struct slot_cache *cache)
{
	struct kvm_memory_slot *slot;
	struct file *file;
	__u64 base_gfn;
	int gmem = 0;

	if (!cache)
		return -1;
	slot = (void *)cache->slot;
	cache->generation = generation; /* before the look-up, so that a change since then shows */
	cache->vm = vm_owner(cache->kvm);
	cache->owner = slot_owner_find(cache->kvm, cache->slot);
	file = BPF_CORE_READ(slot, gmem.file);
	if (cache->owner > 0 && file)
		gmem = gmem_owner_find(cache->kvm, (__u64)BPF_CORE_READ(file, f_inode));
	pages_of(&cache->pages, gmem);
	cache->leaf_of = NO_LEAF;
	base_gfn = BPF_CORE_READ(slot, base_gfn);
	cache->pgoff_of_gfn = BPF_CORE_READ(slot, gmem.pgoff) - base_gfn;
	if (heat && cache->owner > 0)
		heat_meet(cache, base_gfn, BPF_CORE_READ(slot, npages));
	if (cache->owner < 0)
		cache->slot = 0;
	return cache->owner;
}

static __always_inline bool slot_is_cached(const struct slot_cache *cache, __u64 slot)
{
	return cache->slot == slot && cache->generation == generation;
}

/* Where events of the slot are counted, as vm_owner(). Its pages are in the cache then. */
static __always_inline int cache_owner(struct slot_cache *cache, __u64 kvm, __u64 slot)
{
	if (slot_is_cached(cache, slot))
		return cache->owner;
	cache->kvm = kvm;
	cache->slot = slot;
	return slot_meet(cache);
}

/* Is the slot in the cache one of the VM's, so that its owner is there, too? */
static __always_inline bool vm_is_cached(const struct slot_cache *cache, __u64 kvm)
{
	return cache->kvm == kvm && cache->generation == generation;
}

static __always_inline int slot_owner(struct task_state *state, __u64 kvm, __u64 slot)
{
	return cache_owner(&state->cache, kvm, slot);
}

/* Fill the cache for the guest_memfd file whose private data and inode are there. */
__noinline int view_meet(struct view_cache *cache)
{
	if (!cache)
		return -1;
	cache->generation = generation;
	cache->owner = gmem_owner_find((__u64)view_kvm((void *)cache->view), cache->inode);
	pages_of(&cache->pages, cache->owner);
	cache->end = 0;
	if (cache->owner < 0)
		cache->view = 0;
	return cache->owner;
}

static __always_inline bool view_is_cached(const struct view_cache *cache, __u64 view)
{
	return cache->view == view && cache->generation == generation;
}

/* Where events of this guest_memfd file as a whole are counted, as vm_owner(); in the cache then. */
static __always_inline int view_owner(struct view_cache *cache, __u64 view, __u64 inode)
{
	if (view_is_cached(cache, view))
		return cache->owner;
	cache->view = view;
	cache->inode = inode;
	return view_meet(cache);
}

/* The task works on this guest_memfd file. As view_owner(). */
static __always_inline int view_enter(struct task_state *state, __u64 view, __u64 inode)
{
	state->view = view;
	state->inode = inode;
	return view_owner(&state->view_cache, view, inode);
}

/* As view_range_owner(), for a slot that is not in the cache. */
__noinline int view_range_meet(struct view_cache *cache, __u64 view, __u64 inode, __u64 start,
			       __u64 end)
{
	struct kvm_memory_slot *slot;
	int gmem;

	if (!cache)
		return -1;
	gmem = view_owner(cache, view, inode);
	slot = gmem == OWNER_IGNORED ? NULL : view_slot_at((void *)view, start);
	if (!slot)
		return gmem;
	cache->slot_owner = slot_owner_find((__u64)view_kvm((void *)view), (__u64)slot);
	cache->start = BPF_CORE_READ(slot, gmem.pgoff);
	cache->end = cache->start + BPF_CORE_READ(slot, npages);
	return end <= cache->end ? cache->slot_owner : gmem;
}

/*
 * Where an event is counted that knows only the file that the task works on and the pages
 * [start, end): at the slot whose binding covers them all, else at the guest_memfd. An empty range,
 * as of a hole of less than a page, is where its start is.
 */
static __always_inline int view_range_owner(struct task_state *state, __u64 start, __u64 end)
{
	struct view_cache *cache = &state->view_cache;

	if (view_is_cached(cache, state->view) && cache->start <= start && start < cache->end &&
	    end <= cache->end)
		return cache->slot_owner;
	return view_range_meet(cache, state->view, state->inode, start, end);
}

#endif
