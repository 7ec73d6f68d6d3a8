/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where it is kept what is known of each page of a guest_memfd, so that a fault can say why it came:
 * half a byte and two bits a page, by guest_memfd and page offset, since a memslot may go and another
 * be bound in its place. Entries in groups, one for 32 MiB, with a leaf of words when one of its pages
 * was touched. What happens to all pages of an entry is said once, in its past, see page_past.h. For the BPF
 * programs only.
 */
#ifndef PAGE_BPF_H
#define PAGE_BPF_H

#include "kernel.bpf.h"
#include "gmem.h"
#include "page_past.h"

/* A page has 1 << page_bits bytes; 12 everywhere but on some arm64 kernels. Set when loaded. */
const volatile __u32 page_bits;

/* Where the pages of a guest_memfd are kept. */
struct pages {
	__u32 first_group;
	__u32 ngroups; /* 0: nowhere */
	__u32 gmem; /* its owner, */
	__u32 vm; /* and its VM's */
	__u32 late; /* it was met late */
	__u32 asks; /* GMEM_UNSURE: faults ask the page cache where something is not sure */
};

/* Pages, and the leaf of them that was asked for last, good as long as the generation is. */
struct leaf_cache {
	struct pages pages;
	__u64 leaf_of; /* its number in the guest_memfd; NO_LEAF: none yet */
	__u64 past; /* of its entry */
	__u64 fresh; /* what a word says that is 0, if nothing is unsure; else 0 */
	__u64 moves; /* what brings the clock of a word from clock_before to clock, by exclusive or */
	__u32 clock; /* of the past, as words that are up to date have it from WORD_UNSURE on, */
	__u32 clock_before; /* and those to which the latest thing has not happened, if that is a zap */
	__u32 cause; /* then: PAGE_MAPPED and the zap's cause, one or the other */
	__u32 chunk; /* where it is, */
	__u32 at; /* in its chunk */
};

#define NO_LEAF (~0ULL) /* no page offset's */
#define NO_CLOCK (~0U) /* no word's */
#define NO_PAST (~0ULL) /* no entry's */

/*
 * A change of a range of pages: what happens to them, as in page_past.h, with one of these or none of
 * them. One number, since the verifier would follow what is on the stack into all that it is given to.
 */
#define CHANGE_CONVERT (1 << 8) /* they are converted; pages_change() says if one had been before */
#define CHANGE_HOLE_BEGINS                                                                         \
	(2 << 8) /* whole entries, if anything is known of them: the rest at its end */
#define CHANGE_HOLE_ENDS (3 << 8)
#define CHANGE_HOW (3 << 8)

struct pages_range {
	__u32 happens; /* of the change, */
	__u32 how; /* CHANGE_HOW */
	__u64 start; /* page offsets, end excluded */
	__u64 end;
	__u64 first, last; /* entries that are in the range as a whole, the last one excluded */
	__u64 before,
		after; /* a past that has been stamped, and its entry's epoch: most are alike */
	__u32 before_epoch;
	__u32 epoch; /* the VM's */
	bool make; /* also what is not there yet has to know */
	bool keeps; /* what comes next is not at the same time: a hole that ends must not take it */
	bool again; /* one is converted that had been before */
	bool moved; /* something has happened to an entry, of which caches do not know yet */
	struct leaf_cache leaf; /* at hand, and of which pages */
};

/*
 * What faults have to ask besides: guest_memfds of which something is not sure, only the page cache knows,
 * and one more as long as there can be any that are older than the start and have not been met. And
 * what matters also at a fault's end: tasks in KVM_PRE_FAULT_MEMORY, and holes under way. Since when there
 * is nothing of that within, ~0: there is, or may be.
 */
struct {
	__u32 unsure;
	__u32 within;
	__u64 quiet_since_ns;
} asking __attribute__((aligned(16)));

#define WITHIN_PREFAULT 1U
#define WITHIN_HOLE (1U << 16)

/* Anything of it? */
static __always_inline bool is_asking(void)
{
	return *(const __u64 *)&asking;
}

static __always_inline void within_begin(__u32 what)
{
	__sync_fetch_and_add(&asking.within, what);
	asking.quiet_since_ns = ~0ULL;
}

/* Anything that has begun meanwhile is seen in one order or the other. */
static __always_inline void within_end(__u32 what)
{
	if (__sync_fetch_and_sub(&asking.within, what) != what)
		return;
	asking.quiet_since_ns = bpf_ktime_get_ns();
	if (__sync_fetch_and_add(&asking.within, 0))
		asking.quiet_since_ns = ~0ULL;
}

/* May there have been anything of what is within, since @since_ns? */
static __always_inline bool is_noisy(__u64 since_ns)
{
	return asking.quiet_since_ns >= since_ns;
}

/* Anything that faults on these pages ask for? */
static __always_inline bool pages_ask(const struct pages *pages)
{
	return pages->asks || asking.within;
}

const volatile __u32 max_page_groups;

__u32 next_page_group = 1; /* 0 stands for none */

/* What is free, or is given back; see user/live/supply.c. */
struct pages_queue leaf_queue;
__u32 free_leaves[LEAF_QUEUE];
struct pages_queue group_queue[GROUP_CLASSES];
__u32 free_groups[GROUP_CLASSES * GROUP_QUEUE];
struct pages_queue return_queue;
__u64 returned_groups[RETURN_QUEUE];

/* Leaves that were taken and not needed, since another CPU was quicker. */
__u32 spare_leaves[SPARE_LEAVES];

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, __u32);
	__type(value, struct pages_group);
} page_groups SEC(".maps");

struct leaf_chunk {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << PAGES_CHUNK_BITS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct pages_leaf));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, __u32);
	__array(values, struct leaf_chunk);
} page_leaves SEC(".maps");

/* User space is woken when there is something to do for it. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* set when loaded: a page */
} supply_wakes SEC(".maps");

static __always_inline void supply_wake(void)
{
	__u64 nothing = 0;

	bpf_ringbuf_output(&supply_wakes, &nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP);
}

#define TRIES 8 /* each one lost means that another CPU has changed the same word */

/* The next of what is free in @at, of which there are @mask + 1; 0: nothing. */
static __always_inline __u32 queue_take(struct pages_queue *queue, const __u32 *at, __u32 mask)
{
	__u32 taken = queue->taken, index;

#pragma clang loop unroll(disable)
	for (int try = 0; try < TRIES; try++) {
		/* Atomically, so that what is read next is not older. */
		if (taken == (__u32)__sync_fetch_and_add(&queue->end, 0))
			return 0;
		index = at[taken & mask];
		if (__sync_val_compare_and_swap(&queue->taken, taken, taken + 1) == taken)
			return index;
		taken = queue->taken;
	}
	return 0;
}

/* A leaf that is in no entry yet, zero; 0 when none is to be had. */
static __always_inline __u32 leaf_take(void)
{
	__u32 *spare = &spare_leaves[bpf_get_smp_processor_id() & (SPARE_LEAVES - 1)], index = 0;

	if (*spare)
		index = __sync_lock_test_and_set(spare, 0);
	if (!index)
		index = queue_take(&leaf_queue, free_leaves, LEAF_QUEUE - 1);
	if (!((leaf_queue.end - leaf_queue.taken) % LEAF_QUEUE_LOW) || !index)
		supply_wake();
	return index;
}

static __always_inline void leaf_put_back(__u32 index)
{
	__u32 *spare = &spare_leaves[bpf_get_smp_processor_id() & (SPARE_LEAVES - 1)];

	__sync_val_compare_and_swap(spare, 0, index);
}

/*
 * Room for the pages of a new guest_memfd. Without any, the causes of its faults are not known. It is
 * taken in powers of two, so that it can be used again.
 */
static __always_inline void pages_new(struct gmem_info *gmem)
{
	__u32 n = (gmem->size_bytes - 1) >> (page_bits + GROUP_PAGE_BITS), first;
	__u32 class = n ? hist_log2(n) + 1 : 0;

	if (class >= GROUP_CLASSES)
		return;
	first = queue_take(&group_queue[class], &free_groups[class * GROUP_QUEUE], GROUP_QUEUE - 1);
	if (!first && next_page_group + (1U << class) <= max_page_groups) {
		first = __sync_fetch_and_add(&next_page_group, 1U << class);
		if (first + (1U << class) > max_page_groups)
			first = 0;
	}
	if (!first)
		return;
	gmem->first_group = first;
	gmem->ngroups = n + 1;
}

/*
 * The guest_memfd is gone: what it had is for others, when no program runs any more that may know of it.
 * If so many go at once that there is no place to say so, it is used once only.
 */
static __always_inline void pages_return(struct gmem_info *gmem)
{
	__u32 n = __sync_lock_test_and_set(&gmem->ngroups, 0), at = return_queue.end;

	if (!n)
		return;
#pragma clang loop unroll(disable)
	for (int try = 0; try < TRIES && at - return_queue.taken < RETURN_QUEUE; try++) {
		if (__sync_val_compare_and_swap(&return_queue.end, at, at + 1) == at) {
			returned_groups[at & (RETURN_QUEUE - 1)] =
				(__u64)n << 32 | gmem->first_group;
			if (at - return_queue.taken >= RETURN_QUEUE / 4)
				supply_wake();
			return;
		}
		at = return_queue.end;
	}
}

/* What has page offsets from @number << PAGES_LEAF_BITS on; NULL beyond the end. */
static __always_inline struct pages_entry *entry_at(const struct pages *pages, __u64 number)
{
	__u64 n = number >> PAGES_GROUP_BITS;
	__u32 at = pages->first_group + n;
	struct pages_group *group;

	if (n >= pages->ngroups)
		return NULL;
	group = bpf_map_lookup_elem(&page_groups, &at);
	return group ? &group->entry[number & (GROUP_ENTRIES - 1)] : NULL;
}

static __always_inline struct pages_leaf *leaf_at(const __u32 *chunk, const __u32 *at)
{
	void *leaves = bpf_map_lookup_elem(&page_leaves, chunk);

	return leaves ? bpf_map_lookup_elem(leaves, at) : NULL;
}

/* The entry's leaf; NULL: none yet. */
static __always_inline struct pages_leaf *entry_leaf(const struct pages_entry *entry)
{
	__u32 leaf = entry->leaf & LEAF_INDEX, chunk = leaf >> PAGES_CHUNK_BITS;
	__u32 at = leaf & ((1 << PAGES_CHUNK_BITS) - 1);

	return leaf ? leaf_at(&chunk, &at) : NULL;
}

static __always_inline struct pages_leaf *leaf_in_cache(const struct leaf_cache *cache)
{
	return leaf_at(&cache->chunk, &cache->at);
}

static __always_inline __u64 *leaf_word(struct pages_leaf *leaf, __u64 index)
{
	return &leaf->word[index >> PAGES_WORD_BITS & (LEAF_WORDS - 1)];
}

#endif
