/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages: what is known of each page of a guest_memfd, so that a fault can say why it came. Four
 * bits a page: whether the page cache has it, and how it stands with the guest's page tables. They
 * are kept by guest_memfd and page offset, since a memslot may go and another be bound in its
 * place. Readers and writers meet in single words, which change by compare-and-swap.
 * For the BPF programs only.
 */
#ifndef PAGE_BPF_H
#define PAGE_BPF_H

#include "kernel.bpf.h"
#include "gmem.h"

/* A page has 1 << page_bits bytes; 12 everywhere but on some arm64 kernels. Set when loaded. */
const volatile __u32 page_bits;

/* How a page stands with the guest; what took it away is in the order of the details. */
enum page_mapping {
	PAGE_NEVER, /* not mapped since it is known */
	PAGE_MAPPED,
	PAGE_PUNCHED, /* and so on: mapped once, then zapped, first by this */
	PAGE_NOTIFIED,
	PAGE_CONVERTED,
	PAGE_SLOT_CHANGED,
	PAGE_FAILED,
};

#define PAGE_MAPPING 7 /* the bits of enum page_mapping */
#define PAGE_PRESENT 8 /* in the page cache */

/* The lowest bit of each of a word's eight pages. */
#define PAGES_LOW 0x11111111U

/*
 * A word: eight pages in the low half; then a bit for each that says whether it has been converted;
 * then the VM's epoch when the word was last written. A VM whose page tables are dropped as a whole
 * moves its epoch on, which zaps all of its pages at once; a word of an older epoch is brought up
 * to date when it is looked at.
 */
#define WORD_CONVERTED 32
#define WORD_EPOCH 40
#define EPOCH_MASK ((1U << (64 - WORD_EPOCH)) - 1)
#define WORD_STATES 0xffffffffULL
#define WORD_FLAGS (0xffULL << WORD_CONVERTED)

#define PAGES_WORD_BITS 3

struct pages_leaf {
	__u64 word[1 << (PAGES_LEAF_BITS - PAGES_WORD_BITS)];
};

/* Indexes of leaves; 0 for none. */
struct pages_dir {
	__u32 leaf[1 << PAGES_DIR_BITS];
};

/* Where the pages of a guest_memfd are kept, and how its VM stands. */
struct pages {
	__u32 first_dir;
	__u32 ndirs; /* 0: nowhere */
	__u32 epoch;
	__u32 late_mask; /* PAGES_LOW if its guest_memfd was met late, else 0 */
};

const volatile __u32 max_page_leaves;
const volatile __u32 max_page_dirs;

__u32 next_page_leaf = 1; /* 0 stands for none */
__u32 next_page_dir = 1;

/* Some guest_memfd was met late, or may be: set before the start if there can be any older than that. */
bool late_gmems;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, __u32);
	__type(value, struct pages_dir);
} page_dirs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, __u32);
	__type(value, struct pages_leaf);
} page_leaves SEC(".maps");

/*
 * Room in the directory of pages for a new guest_memfd. Without any, the causes of its
 * faults are not known.
 */
static __always_inline void pages_new(struct gmem_info *gmem)
{
	__u32 ndirs = (gmem->size_bytes >> (page_bits + PAGES_LEAF_BITS + PAGES_DIR_BITS)) + 1;
	__u32 first = 0;

	if (next_page_dir + ndirs <= max_page_dirs)
		first = __sync_fetch_and_add(&next_page_dir, ndirs);
	if (!first || first + ndirs > max_page_dirs)
		return;
	gmem->first_dir = first;
	gmem->ndirs = ndirs;
}

/* The leaf that has page @index; 0 when there is none and none is to be made, or can be. */
static __always_inline __u32 pages_leaf(const struct pages *pages, __u64 index, bool make)
{
	__u64 dir_index = index >> (PAGES_LEAF_BITS + PAGES_DIR_BITS);
	__u32 at = pages->first_dir + dir_index, leaf, first, *entry;
	struct pages_dir *dir;

	if (dir_index >= pages->ndirs)
		return 0;
	dir = bpf_map_lookup_elem(&page_dirs, &at);
	if (!dir)
		return 0;
	entry = &dir->leaf[index >> PAGES_LEAF_BITS & ((1 << PAGES_DIR_BITS) - 1)];
	leaf = *entry;
	if (leaf || !make || next_page_leaf >= max_page_leaves)
		return leaf;
	leaf = __sync_fetch_and_add(&next_page_leaf, 1);
	if (leaf >= max_page_leaves)
		return 0;
	/* Another CPU may have been first; then ours stays empty. */
	first = __sync_val_compare_and_swap(entry, 0, leaf);
	return first ?: leaf;
}

/* The word of @leaf, which is one, that has page @index. */
static __always_inline __u64 *leaf_word(__u32 leaf, __u64 index)
{
	__u32 at = index >> PAGES_WORD_BITS & ((1 << (PAGES_LEAF_BITS - PAGES_WORD_BITS)) - 1);
	struct pages_leaf *words = bpf_map_lookup_elem(&page_leaves, &leaf);

	return words ? &words->word[at] : NULL;
}

/* The same; NULL for no leaf. */
static __always_inline __u64 *pages_word(__u32 leaf, __u64 index)
{
	return leaf ? leaf_word(leaf, index) : NULL;
}

/* The lowest bits of those pages of @word whose mapping is @mapping. */
static __always_inline __u32 pages_which(__u32 word, __u32 mapping)
{
	__u32 other = word ^ mapping * PAGES_LOW; /* 0 in the mapping's bits where it is that */

	return ~(other | other >> 1 | other >> 2) & PAGES_LOW;
}

/*
 * Pages of @word that are zapped for @cause, those of @mask (lowest bits). Of a guest_memfd that
 * was there before us a page that we know nothing of may have been mapped: it is taken to have
 * been, until its fault finds that the page cache has no such page either.
 */
static __always_inline __u32 pages_zapped(const struct pages *pages, __u32 word, __u32 mask,
					  enum page_mapping cause)
{
	__u32 unknown = pages_which(word, PAGE_NEVER) & ~(word >> 3) & mask & pages->late_mask;
	__u32 zapped = pages_which(word, PAGE_MAPPED) & mask;

	return word ^ zapped * (PAGE_MAPPED ^ cause) ^ unknown * cause;
}

/* What @word says in the VM's epoch of today. */
static __always_inline __u32 pages_today(const struct pages *pages, __u64 word)
{
	if (word >> WORD_EPOCH == pages->epoch)
		return word;
	return pages_zapped(pages, word, PAGES_LOW, PAGE_SLOT_CHANGED);
}

static __always_inline __u64 word_make(const struct pages *pages, __u64 states, __u64 flags)
{
	return (states & WORD_STATES) | flags | (__u64)pages->epoch << WORD_EPOCH;
}

/*
 * What follows are functions of their own, not static, so that the verifier looks at each once and
 * not at every call.
 */

/* What is known of page @index; 0 where nothing is. */
__noinline int page_known(const struct pages *pages, __u64 index)
{
	__u64 *word;

	if (!pages)
		return 0;
	word = pages_word(pages_leaf(pages, index, false), index);
	return word ? pages_today(pages, *word) >> (index & 7) * 4 & 15 : 0;
}

#define WORD_TRIES 8 /* each one lost means that another CPU has changed one of the eight pages */

/*
 * Page @index is present now, and its mapping @mapping unless that is PAGE_NEVER. What it was
 * before, or -1 when there is no room to know.
 */
__noinline int page_touch(const struct pages *pages, __u64 index, __u32 mapping)
{
	__u32 shift = (index & 7) * 4, today;
	__u64 *at, word, now, seen;

	if (!pages)
		return -1;
	at = pages_word(pages_leaf(pages, index, true), index);
	if (!at)
		return -1;
	word = *at;
#pragma clang loop unroll(disable)
	for (int i = 0; i < WORD_TRIES; i++) {
		today = pages_today(pages, word);
		now = today | PAGE_PRESENT << shift;
		if (mapping)
			now = (now & ~(PAGE_MAPPING << shift)) | mapping << shift;
		now = word_make(pages, now, word & WORD_FLAGS);
		seen = now == word ? word : __sync_val_compare_and_swap(at, word, now);
		if (seen == word)
			return today >> shift & 15;
		word = seen;
	}
	return -1;
}

/* What happens to a range of pages: each a mask, PAGES_LOW or 0. */
struct pages_change {
	__u32 zap; /* they leave the guest's page tables, */
	enum page_mapping cause; /* for this */
	__u32 add; /* all of them are in the page cache */
	__u32 remove; /* none of them is */
	__u32 convert; /* they are converted; pages_change() says if one had been before */
};

/* What is changed in one loop: short, since the verifier walks through each word. */
#define PART_PAGES 128
#define LEAF_PARTS ((1 << PAGES_LEAF_BITS) / PART_PAGES)

struct pages_range {
	struct pages pages;
	struct pages_change change;
	__u64 start; /* page offsets, end excluded */
	__u64 end;
	__u32 leaf; /* at hand */
	__u32 again; /* one is converted that had been before */
};

/* The lowest bits of those of the eight pages from @first on that are in the range. */
static __always_inline __u32 pages_mask(const struct pages_range *range, __u64 first)
{
	__u32 mask = PAGES_LOW;

	if (range->start > first)
		mask &= PAGES_LOW << (range->start - first) * 4;
	if (range->end < first + 8)
		mask &= PAGES_LOW >> (first + 8 - range->end) * 4;
	return mask;
}

/* A bit for each page of which @mask has the lowest. */
static __always_inline __u64 word_flags(__u32 mask)
{
	__u32 bits = mask | mask >> 3; /* pairs, quads, all eight together */

	bits = (bits & 0x03030303) | (bits & 0x03030303) >> 6;
	bits = (bits & 0x000f000f) | (bits & 0x000f000f) >> 12;
	return (__u64)(bits & 0xff) << WORD_CONVERTED;
}

/* What becomes of @word when those of its pages change that are in @mask (lowest bits). */
__noinline __u64 pages_word_after(struct pages_range *range, __u64 word, __u32 mask)
{
	__u64 now, flags;

	if (!range)
		return word;
	flags = word_flags(mask & range->change.convert);
	range->again |= !!(word & flags);
	now = pages_zapped(&range->pages, pages_today(&range->pages, word),
			   mask & range->change.zap, range->change.cause);
	now |= (mask & range->change.add) * PAGE_PRESENT;
	now &= ~((mask & range->change.remove) * PAGE_PRESENT);
	return word_make(&range->pages, now, (word & WORD_FLAGS) | flags);
}

/* Change those of the eight pages from @first on that are in the range. */
__noinline int pages_word_change(struct pages_range *range, __u64 first)
{
	__u64 *at, word, now, seen;

	if (!range)
		return 0;
	at = pages_word(range->leaf, first);
	if (!at)
		return 0;
	word = *at;
#pragma clang loop unroll(disable)
	for (int try = 0; try < WORD_TRIES; try++) {
		now = pages_word_after(range, word, pages_mask(range, first));
		seen = __sync_val_compare_and_swap(at, word, now);
		if (seen == word)
			break;
		word = seen;
	}
	return 0;
}

/* Change the part of a leaf from @first on, all of it. Most words are as the one before. */
__noinline int pages_whole_change(struct pages_range *range, __u64 first)
{
	__u64 *words, word, seen, before = ~0ULL, after = 0; /* no word is ~0 */

	if (!range)
		return 0;
	words = pages_word(range->leaf, first & ~(PART_PAGES - 1ULL));
	if (!words)
		return 0;
#pragma clang loop unroll(disable)
	for (int i = 0; i < PART_PAGES / 8; i++) {
		word = words[i];
		if (word != before) {
			before = word;
			after = pages_word_after(range, word, PAGES_LOW);
		}
		seen = __sync_val_compare_and_swap(&words[i], word, after);
		barrier_var(seen); /* else the compiler makes a flag of it first */
		if (seen != word)
			pages_word_change(range, first + i * 8);
	}
	return 0;
}

/* Change those pages of the part of a leaf from @first on that are in the range. */
__noinline int pages_part_change(struct pages_range *range, __u64 first)
{
	if (!range)
		return 0;
	if (range->start <= first && range->end >= first + PART_PAGES)
		return pages_whole_change(range, first);
#pragma clang loop unroll(disable)
	for (int i = 0; i < PART_PAGES / 8 && first < range->end; i++, first += 8)
		if (range->start < first + 8)
			pages_word_change(range, first);
	return 0;
}

/* Change those pages of the leaf from @first on that are in the range. */
__noinline int pages_leaf_change(struct pages_range *range, __u64 first)
{
	bool make;

	if (!range)
		return 0;
	make = range->change.add || range->change.convert ||
	       range->change.zap & range->pages.late_mask;
	range->leaf = pages_leaf(&range->pages, first, make);
	if (!range->leaf)
		return 0;
#pragma clang loop unroll(disable)
	for (int part = 0; part < LEAF_PARTS; part++, first += PART_PAGES)
		if (range->start < first + PART_PAGES && range->end > first)
			pages_part_change(range, first);
	return 0;
}

static long pages_leaf_step(__u32 i, struct pages_range *range)
{
	pages_leaf_change(range, ((range->start >> PAGES_LEAF_BITS) + i) << PAGES_LEAF_BITS);
	return 0;
}

#define MAX_LEAVES (1 << 23) /* what bpf_loop() can do: 16 TiB */

/* Change all pages [start, end) of a guest_memfd. 1 if one is converted now that had been before. */
__noinline int pages_change(const struct pages *pages, const struct pages_change *change,
			    __u64 start, __u64 end)
{
	struct pages_range range = { .start = start };
	__u64 leaves, known;

	if (!pages || !change)
		return 0;
	known = (__u64)pages->ndirs << (PAGES_LEAF_BITS + PAGES_DIR_BITS);
	range.end = end < known ? end : known; /* a hole may end where it likes */
	if (start >= range.end)
		return 0;
	range.pages = *pages;
	range.change = *change;
	leaves = ((range.end - 1) >> PAGES_LEAF_BITS) - (start >> PAGES_LEAF_BITS) + 1;
	bpf_loop(leaves < MAX_LEAVES ? leaves : MAX_LEAVES, pages_leaf_step, &range, 0);
	return range.again;
}

/*
 * A fault on page @index begins: see whether the page is there, if only the page cache can tell.
 * Two faults on one page at a time may both find nothing; only the first to end counts for that.
 */
static __always_inline bool fault_look(const struct pages *pages, struct inode *inode, __u64 index)
{
	return pages->late_mask && !(page_known(pages, index) & PAGE_PRESENT) &&
	       inode_has_page(inode, index);
}

#endif
