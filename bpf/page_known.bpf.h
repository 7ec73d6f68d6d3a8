/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of one page of a guest_memfd, and what becomes of it when it is touched. Readers and
 * writers meet in single words of 64 bits, which change by compare-and-swap. For the BPF programs only.
 */
#ifndef PAGE_KNOWN_BPF_H
#define PAGE_KNOWN_BPF_H

#include "owner.bpf.h"

/* What is known of a page besides PAGE_MAPPING and PAGE_PRESENT: not if it is present. */
#define PAGE_UNSURE 16

/*
 * What follows are functions of their own, so that the verifier looks at each once. Those of page_past.h, too:
 * it would walk through all of their branches in each turn of a loop. No more than 8 of them may call one
 * another, loops included: more is too deep for kernels before 7.0.
 */

__noinline __u64 pages_word_today(__u64 word, __u64 past)
{
	return word_today(word, past);
}

__noinline __u64 pages_past_tick(__u64 past, __u32 happens)
{
	return past_tick(past, happens);
}

static __always_inline struct gmem_info *gmem_info_of(__u32 handle)
{
	struct owner *owner = owner_at(handle);

	return owner && owner->kind == OWNER_GMEM ? &owner->gmem : NULL;
}

static __always_inline struct vm_info *vm_info_of(__u32 handle)
{
	struct owner *owner = owner_at(handle);

	return owner && owner->kind == OWNER_VM ? &owner->vm_info : NULL;
}

/* What is cached of the VM whose owner is @handle is old. */
static __always_inline void vm_generation_move(__u32 handle)
{
	struct vm_info *vm = vm_info_of(handle);

	if (vm)
		generation_move(vm->kvm);
}

static __always_inline __u32 vm_epoch(const struct pages *pages)
{
	struct vm_info *vm = vm_info_of(pages->vm);

	return vm ? vm->epoch : 0;
}

/* From now on faults in this guest_memfd ask the page cache, where something is unsure. */
static __always_inline void gmem_asks(__u32 index)
{
	struct owner *owner = owner_at(index);

	if (!owner || owner->kind != OWNER_GMEM || owner->gmem.asks ||
	    __sync_lock_test_and_set(&owner->gmem.asks, GMEM_UNSURE))
		return;
	__sync_fetch_and_add(&asking.unsure, 1);
	vm_generation_move(owner->vm); /* caches are to know it */
}

/* Nothing is unsure of the guest_memfd, or it has gone. */
static __always_inline void gmem_asks_no_more(struct owner *owner)
{
	if (__sync_lock_test_and_set(&owner->gmem.asks, 0))
		__sync_fetch_and_add(&asking.unsure, -1);
}

/* ---- An entry ---- */

/* As past_lose(). */
__noinline int entry_is_lost(struct pages_entry *entry)
{
	if (entry)
		past_lose(&entry->past);
	return 0;
}

/*
 * Has the VM's epoch moved on since the entry was brought up to date? Its past has the lower part of the
 * epoch; the whole one may be that of somewhat earlier.
 */
static __always_inline bool past_is_behind(__u64 past, __u32 entry_epoch, __u32 epoch)
{
	return past_mark(past) != (epoch & MARK_MASK) || epoch - entry_epoch >= MARK_OLD;
}

/* @past with what has happened to the VM until @epoch; from now on there is one. */
__noinline __u64 pages_past_pulled(__u64 past, __u32 entry_epoch, __u32 epoch, bool late)
{
	if (!past)
		return past_begin(0, epoch, late ? PAST_LATE : 0);
	if (!past_is_behind(past, entry_epoch, epoch))
		return past;
	return past_marked(past_tick(past, PAGE_SLOT_CHANGED), epoch);
}

/*
 * The entry's past, in which everything is now that has happened to its VM. 0 when nothing has been kept
 * there, and @make is false.
 */
__noinline __u64 entry_pull(const struct pages *pages, struct pages_entry *entry, bool make)
{
	__u64 past, now, seen;
	__u32 epoch;

	if (!pages || !entry)
		return 0;
	epoch = vm_epoch(pages);
	past = entry->past;
	if (!past && !make)
		return 0;
#pragma clang loop unroll(disable)
	for (int try = 0; try < TRIES; try++) {
		now = pages_past_pulled(past, past ? entry->epoch : epoch, epoch, pages->late);
		if (now == past)
			return past;
		seen = __sync_val_compare_and_swap(&entry->past, past, now);
		if (seen == past) {
			entry->epoch = epoch;
			return now;
		}
		past = seen;
	}
	entry_is_lost(entry);
	return entry->past;
}

/* Its past, after which what happens next happens later: the clock was looked at. */
static __always_inline __u64 entry_look(struct pages_entry *entry)
{
	__u64 past = entry->past;

	return past & PAST_LOOKED ? past
				  : __sync_fetch_and_or(&entry->past, PAST_LOOKED) | PAST_LOOKED;
}

/* A leaf for the entry; 0 when none is to be had: what its pages do meanwhile is not known later. */
__noinline int leaf_make(struct pages_entry *entry)
{
	__u32 index, before, seen;

	if (!entry)
		return 0;
	index = leaf_take();
	before = entry->leaf;
	if (!index)
		__sync_fetch_and_or(&entry->past, PAST_LATE);
#pragma clang loop unroll(disable)
	for (int try = 0; index && try < TRIES; try++) {
		if (before & LEAF_INDEX) {
			leaf_put_back(index);
			return before & LEAF_INDEX;
		}
		seen = __sync_val_compare_and_swap(&entry->leaf, before, before | index);
		if (seen == before)
			return index;
		before = seen;
	}
	return before & LEAF_INDEX;
}

/*
 * Let the cache have the leaf of page @index, with all that has happened to it, made if need be. Whether
 * there is one.
 */
__noinline int leaf_find(struct leaf_cache *cache, __u64 index)
{
	struct pages_entry *entry;
	const struct pages *pages;
	__u32 leaf;

	if (!cache)
		return 0;
	pages = &cache->pages;
	cache->leaf_of = NO_LEAF;
	entry = entry_at(pages, index >> PAGES_LEAF_BITS);
	if (!entry || !entry_pull(pages, entry, true))
		return 0;
	leaf = entry->leaf & LEAF_INDEX;
	leaf = leaf ?: leaf_make(entry);
	cache->past = entry_look(entry);
	if (!leaf) {
		gmem_asks(pages->gmem);
		return 0;
	}
	cache->chunk = leaf >> PAGES_CHUNK_BITS;
	cache->at = leaf & ((1 << PAGES_CHUNK_BITS) - 1);
	cache->leaf_of = index >> PAGES_LEAF_BITS;
	return 1;
}

/* The same, with what faults need to take the short way. */
__noinline int cache_leaf(struct leaf_cache *cache, __u64 index)
{
	__u32 happened, clock;

	if (!cache || !leaf_find(cache, index))
		return 0;
	clock = past_clock(cache->past);
	cache->clock = clock << (WORD_CLOCK - WORD_UNSURE);
	cache->fresh = pages_word_today(0, cache->past);
	if (cache->fresh >> WORD_UNSURE != cache->clock)
		cache->fresh = 0;
	happened = past_entry(cache->past, 0);
	cache->cause = PAGE_MAPPED ^ happened;
	cache->clock_before = NO_CLOCK;
	if (clock > 1 && happened && !(happened & HAPPENS_CACHE))
		cache->clock_before = (clock - 1) << (WORD_CLOCK - WORD_UNSURE);
	cache->moves = (__u64)(clock ^ (clock - 1)) << WORD_CLOCK;
	return 1;
}

/* ---- Holes in a guest_memfd ---- */

/* Its range in units of 256 KiB, as far as 64 TiB, and whose it is. */
#define HOLE_UNIT_BITS 6
#define HOLE_BITS 28
#define HOLE_END_SHIFT (64 - 2 * HOLE_BITS)

static __always_inline __u64 hole_make(__u64 start, __u64 end, __u32 task)
{
	__u64 first = start >> HOLE_UNIT_BITS, last = (end - 1) >> HOLE_UNIT_BITS;
	__u64 most = (1ULL << HOLE_BITS) - 2;

	return (first < most ? first : most) << (HOLE_BITS + HOLE_END_SHIFT) |
	       ((last < most ? last : most) + 1) << HOLE_END_SHIFT |
	       (task & ((1 << HOLE_END_SHIFT) - 1));
}

/* Does it have some of the pages [start, end), or of those beside them? */
static __always_inline bool hole_meets(__u64 hole, __u64 start, __u64 end)
{
	__u64 first = hole >> (HOLE_BITS + HOLE_END_SHIFT);
	__u64 last = hole >> HOLE_END_SHIFT & ((1ULL << HOLE_BITS) - 1);

	return end > first << HOLE_UNIT_BITS && start < last << HOLE_UNIT_BITS;
}

/* The same of those that have ended since @since_ns; of more than two it is not known. */
static __always_inline bool hole_met(const struct gmem_info *gmem, __u64 start, __u64 end,
				     __u64 since_ns)
{
	bool one = gmem->hole_end_ns[0] >= since_ns, other = gmem->hole_end_ns[1] >= since_ns;

	return (one && other) || (one && hole_meets(gmem->hole_before[0], start, end)) ||
	       (other && hole_meets(gmem->hole_before[1], start, end));
}

/* Has a hole been there since @since_ns? What began before it may have found what it took, or not. */
static __always_inline bool hole_since(__u32 gmem_owner, __u64 start, __u64 end, __u64 since_ns)
{
	struct gmem_info *gmem = is_noisy(since_ns) ? gmem_info_of(gmem_owner) : NULL;

	return gmem && (hole_meets(gmem->hole, start, end) || hole_met(gmem, start, end, since_ns));
}

/* @hole, of the guest_memfd whose owner is @index, has ended at @end_ns; another one may have begun. */
static __always_inline void hole_close(int index, __u64 hole, __u64 end_ns)
{
	struct gmem_info *gmem = hole && index > 0 ? gmem_info_of(index) : NULL;
	bool older;

	if (!hole)
		return;
	if (gmem) {
		older = gmem->hole_end_ns[1] < gmem->hole_end_ns[0];
		gmem->hole_before[older] = hole;
		gmem->hole_end_ns[older] = end_ns;
		__sync_val_compare_and_swap(&gmem->hole, hole, 0);
	}
	within_end(WITHIN_HOLE);
}

/* ---- A page ---- */

/* What is known of page @index: PAGE_MAPPING, PAGE_PRESENT, PAGE_UNSURE. */
__noinline int page_known(const struct pages *pages, __u64 index)
{
	struct pages_entry *entry;
	__u32 page = index & 7;
	struct pages_leaf *words;
	__u64 past, today;

	if (!pages)
		return 0;
	entry = entry_at(pages, index >> PAGES_LEAF_BITS);
	past = entry ? entry_pull(pages, entry, false) : 0;
	if (!entry || !past)
		return PAGE_UNSURE;
	words = entry_leaf(entry);
	today = pages_word_today(words ? *leaf_word(words, index) : 0, past);
	return (today >> page * 4 & 15) | (today >> (WORD_UNSURE + page) & 1) * PAGE_UNSURE;
}

/*
 * A fault on page @index of @inode begins: ask the page cache where only that can tell whether the page
 * is there. 1 if it was asked, and has answered into the task's state.
 */
__noinline int page_look(const struct pages *pages, __u64 inode, __u64 index)
{
	struct task_state *state;
	struct gmem_info *gmem;
	bool hole;

	if (!pages)
		return 0;
	gmem = gmem_info_of(pages->gmem);
	if (!gmem)
		return 0;
	hole = hole_meets(gmem->hole, index, index + 1);
	if (!hole && (!gmem->asks ||
		      (page_known(pages, index) & (PAGE_PRESENT | PAGE_UNSURE)) == PAGE_PRESENT))
		return 0;
	state = state_make();
	if (!state)
		return 0;
	state->look.hole = hole;
	state->look.switches = task_switches();
	state->look.inode = inode;
	state->look.folio = inode_page((struct inode *)inode, index);
	return 1;
}

/*
 * Was the page there when the fault came to it, while there was a hole? 1, 0, or -1 where one cannot tell: it
 * has gone now, or there was time enough for others to bring it, or for the same memory to be freed and come
 * back.
 */
static __always_inline int page_stayed(const struct page_look *look, __u64 index)
{
	__u64 folio = inode_page((struct inode *)look->inode, index);

	if ((look->folio && !folio) || task_switches() != look->switches)
		return -1;
	return look->folio && folio == look->folio;
}

/*
 * Of a page of which it is unsure, what was known @before and what the page cache says. A hole that was
 * there at the begin of the fault, or since, may have taken the page away. PAGE_LOST where nobody has
 * asked: then it is not known.
 */
__noinline int page_resolve(__u64 index, __u32 before, bool asked, bool hole)
{
	struct task_state *state = asked ? state_get() : NULL;
	int present;

	if (!state) {
		if (!is_asking())
			__sync_fetch_and_add(&asking.unsure, 1);
		return PAGE_LOST;
	}
	present = !!state->look.folio;
	if (hole || state->look.hole)
		present = page_stayed(&state->look, index);
	if (present < 0)
		return PAGE_LOST;
	if (!present)
		return before & PAGE_MAPPING;
	if (hole && (before & PAGE_MAPPING) == PAGE_PUNCHED)
		before = PAGE_MAPPED; /* not taken away yet */
	return before | PAGE_PRESENT;
}

/* With enum page_mapping: page_look() has asked; a hole is under way there. */
#define TOUCH_ASKED 8
#define TOUCH_HOLE 16

/* @word when its page @page is touched. While there is a hole, it may be taken away again at once. */
static __always_inline __u64 word_touched(__u64 word, __u32 page, __u32 how)
{
	__u64 unsure = 1ULL << (WORD_UNSURE + (page & 7)), mapping = how & PAGE_MAPPING;
	__u32 shift = (page & 7) * 4;

	word = how & TOUCH_HOLE ? word | unsure : word & ~unsure;
	word |= (__u64)PAGE_PRESENT << shift;
	return mapping ? (word & ~((__u64)PAGE_MAPPING << shift)) | mapping << shift : word;
}

/*
 * Page @index is present now, and its mapping that of @how unless that is PAGE_NEVER. What it was before
 * the fault, which began at @since_ns, or PAGE_LOST when that is not known. Its leaf may be in the cache, as
 * it is as long as the generation is that of the cache.
 */
__noinline int leaf_touch(struct leaf_cache *cache, __u64 index, __u32 how, __u64 since_ns)
{
	__u64 *at, word, today, now, seen;
	__u32 before, page = index & 7;
	struct pages_leaf *leaf;
	bool hole;

	if (!cache || (cache->leaf_of != index >> PAGES_LEAF_BITS && !cache_leaf(cache, index)))
		return PAGE_LOST;
	leaf = leaf_in_cache(cache);
	if (!leaf)
		return PAGE_LOST;
	hole = hole_since(cache->pages.gmem, index, index + 1, since_ns);
	how |= hole ? TOUCH_HOLE : 0;
	at = leaf_word(leaf, index);
	word = *at;
#pragma clang loop unroll(disable)
	for (int try = 0; try < TRIES; try++) {
		today = word;
		if (past_clock(word) != past_clock(cache->past))
			today = pages_word_today(word, cache->past);
		now = word_touched(today, page, how);
		seen = now == word ? word : __sync_val_compare_and_swap(at, word, now);
		if (seen == word)
			goto touched;
		word = seen;
	}
	/* Now it is not known, and why the next fault comes neither. */
	__sync_fetch_and_or(at, (__u64)PAGE_LOST << page * 4 | 1ULL << (WORD_UNSURE + page));
	gmem_asks(cache->pages.gmem);
	return PAGE_LOST;
touched:
	before = today >> page * 4 & 15;
	if (!hole && !(today >> (WORD_UNSURE + page) & 1))
		return before;
	gmem_asks(cache->pages.gmem);
	return page_resolve(index, before, how & TOUCH_ASKED, hole);
}

#endif
