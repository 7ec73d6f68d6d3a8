/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Caches: the slot and the guest_memfd file that a task, or a CPU, has met last, with where their
 * events are counted and where their pages are kept, so that the next event there needs no look-up.
 * For the BPF programs only.
 */
#ifndef CACHE_BPF_H
#define CACHE_BPF_H

#include "heat.bpf.h"
#include "page_change.bpf.h"

/* The pages of the guest_memfd whose owner is @handle, as they are now. */
static __always_inline void pages_of(struct pages *pages, int handle)
{
	struct owner *gmem = handle > 0 ? owner_at(handle) : NULL;

	pages->ngroups = 0;
	pages->gmem = 0;
	pages->late = pages->asks = 0;
	if (!gmem || gmem->kind != OWNER_GMEM)
		return;
	pages->first_group = gmem->gmem.first_group;
	pages->ngroups = gmem->gmem.ngroups;
	pages->late = gmem->gmem.met_late;
	pages->asks = gmem->gmem.asks;
	pages->gmem = handle;
	pages->vm = gmem->vm;
}

/* @word when the latest thing in the cache has happened to it: word_today() in fewer steps. */
static __always_inline __u64 word_zapped(__u64 word, const struct leaf_cache *cache)
{
	return word ^ cache->moves ^ (__u64)pages_which(word, PAGE_MAPPED) * cache->cause;
}

/*
 * As leaf_touch(), in fewer steps: page @index is present now, and its mapping @mapping unless that is PAGE_NEVER.
 * What the page was before the fault, which began at @since_ns, or PAGE_LOST when that is not known. @asked:
 * page_look() has. @noisy: as is_noisy(), which the caller may know.
 */
static __always_inline __u32 page_touch(struct leaf_cache *cache, __u64 index,
					enum page_mapping mapping, bool asked, __u64 since_ns,
					bool noisy)
{
	__u32 shift = (index & 7) * 4, before;
	struct pages_leaf *leaf;
	__u64 *at, word, now;

	if (noisy || cache->leaf_of != index >> PAGES_LEAF_BITS)
		goto by_hand;
	leaf = leaf_in_cache(cache);
	if (!leaf)
		goto by_hand;
	at = leaf_word(leaf, index);
	word = *at;
	now = word ?: cache->fresh;
	if (now >> WORD_UNSURE == cache->clock_before)
		now = word_zapped(now, cache);
	else if (now >> WORD_UNSURE != cache->clock)
		goto by_hand;
	before = now >> shift & 15;
	now ^= (__u64)(before ^ (PAGE_PRESENT | (mapping ?: before))) << shift;
	if (now == word)
		return before;
	now = __sync_val_compare_and_swap(at, word, now);
	barrier_var(now); /* else the compiler makes a flag of it first */
	if (now == word)
		return before;
by_hand:
	return leaf_touch(cache, index, mapping | (asked ? TOUCH_ASKED : 0), since_ns);
}

/* As cache_owner(), for the slot whose VM and address are in the cache, and nothing else yet. */
__noinline int slot_meet(struct slot_cache *cache)
{
	struct kvm_memory_slot *slot;
	struct file *file;
	__u64 base_gfn;
	int gmem = 0;

	if (!cache)
		return -1;
	slot = (void *)cache->slot;
	generation_keep(&cache->generation, cache->kvm);
	cache->vm = vm_owner(cache->kvm);
	cache->owner = slot_owner_find(cache->kvm, cache->slot);
	file = BPF_CORE_READ(slot, gmem.file);
	if (cache->owner > 0 && file)
		gmem = gmem_owner_find(cache->kvm, (__u64)BPF_CORE_READ(file, f_inode));
	pages_of(&cache->leaf.pages, gmem);
	cache->leaf.leaf_of = NO_LEAF;
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
	return cache->slot == slot && generation_is(&cache->generation);
}

/*
 * Where events of the slot are counted: the handle of its owner, OWNER_IGNORED when the filter leaves
 * its VM out, negative when the table of owners is full. Its pages are in the cache then.
 */
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
	return cache->kvm == kvm && generation_is(&cache->generation);
}

/* The same with the cache of the task. */
static __always_inline int slot_owner(struct task_state *state, __u64 kvm, __u64 slot)
{
	return cache_owner(&state->cache, kvm, slot);
}

/* As file_owner(), for the guest_memfd file whose private data and inode are in the cache. */
__noinline int file_meet(struct file_cache *cache)
{
	if (!cache)
		return -1;
	cache->kvm = (__u64)gmem_file_kvm((void *)cache->gmem_file);
	generation_keep(&cache->generation, cache->kvm);
	cache->owner = gmem_owner_find(cache->kvm, cache->inode);
	pages_of(&cache->leaf.pages, cache->owner);
	cache->leaf.leaf_of = NO_LEAF;
	cache->end = 0;
	if (cache->owner < 0)
		cache->gmem_file = 0;
	return cache->owner;
}

static __always_inline bool file_is_cached(const struct file_cache *cache, __u64 gmem_file)
{
	return cache->gmem_file == gmem_file && generation_is(&cache->generation);
}

/*
 * Where events of this guest_memfd file as a whole are counted: the handle of its owner, OWNER_IGNORED
 * when the filter leaves its VM out, negative when the table of owners is full. Its pages are in the
 * cache then.
 */
static __always_inline int file_owner(struct file_cache *cache, __u64 gmem_file, __u64 inode)
{
	if (file_is_cached(cache, gmem_file))
		return cache->owner;
	cache->gmem_file = gmem_file;
	cache->inode = inode;
	return file_meet(cache);
}

/* The task works on this guest_memfd file. As file_owner(). */
static __always_inline int file_enter(struct task_state *state, __u64 gmem_file, __u64 inode)
{
	state->gmem_file = gmem_file;
	state->inode = inode;
	return file_owner(&state->file_cache, gmem_file, inode);
}

/* As file_range_owner(), for a slot that is not in the cache. */
__noinline int file_range_meet(struct file_cache *cache, __u64 gmem_file, __u64 inode, __u64 start,
			       __u64 end)
{
	struct kvm_memory_slot *slot;
	int gmem;

	if (!cache)
		return -1;
	gmem = file_owner(cache, gmem_file, inode);
	slot = gmem == OWNER_IGNORED ? NULL : gmem_file_slot_at((void *)gmem_file, start);
	if (!slot)
		return gmem;
	cache->slot_owner = slot_owner_find(cache->kvm, (__u64)slot);
	cache->start = BPF_CORE_READ(slot, gmem.pgoff);
	cache->end = cache->start + BPF_CORE_READ(slot, npages);
	return end <= cache->end ? cache->slot_owner : gmem;
}

/*
 * Where an event is counted, likewise, that knows only the file that the task works on and the pages
 * [start, end): at the slot whose binding covers them all, else at the guest_memfd. An empty range,
 * as of a hole of less than a page, is where its start is.
 */
static __always_inline int file_range_owner(struct task_state *state, __u64 start, __u64 end)
{
	struct file_cache *cache = &state->file_cache;

	if (file_is_cached(cache, state->gmem_file) && cache->start <= start &&
	    start < cache->end && end <= cache->end)
		return cache->slot_owner;
	return file_range_meet(cache, state->gmem_file, state->inode, start, end);
}

#endif
