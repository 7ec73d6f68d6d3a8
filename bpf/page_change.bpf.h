/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens to many pages of a guest_memfd at a time. Entries that are in the range as a whole are
 * stamped: it is in their past from now on. At the two ends of the range words change. For the BPF
 * programs only.
 */
#ifndef PAGE_CHANGE_BPF_H
#define PAGE_CHANGE_BPF_H

#include "page_known.bpf.h"

/* ---- Words ---- */

/* The lowest bits of those of the eight pages from @first on that are in the range. */
static __always_inline __u32 range_mask(const struct pages_range *range, __u64 first)
{
	__u32 mask = PAGES_LOW;

	if (range->start > first)
		mask &= PAGES_LOW << (range->start - first) * 4;
	if (range->end < first + 8)
		mask &= PAGES_LOW >> (first + 8 - range->end) * 4;
	return mask;
}

/* What becomes of @word when those of its pages change that are in @mask (lowest bits). */
__noinline __u64 range_word_after(struct pages_range *range, __u64 word, __u32 mask)
{
	__u64 today, converted = 0;
	__u32 late;

	if (!range)
		return word;
	late = range->leaf.past & PAST_LATE ? HAPPENS_LATE : 0;
	today = word;
	if (past_clock(word) != past_clock(range->leaf.past))
		today = pages_word_today(word, range->leaf.past);
	if (range->how == CHANGE_CONVERT)
		converted = (__u64)pages_bits(mask) << WORD_CONVERTED;
	range->again |= !!(word & converted);
	if (range->how == CHANGE_HOLE_ENDS)
		mask = pages_punched(today, mask);
	today = word_after(today, range->happens | late, mask) | converted;
	/* They are there, or a hole has taken them: unsure as those that come into it. */
	return range->keeps ? today | (__u64)mask * PAGE_PRESENT : today;
}

/* Change those of the eight pages from @first on that are in the range. */
__noinline int range_word(struct pages_range *range, __u64 first)
{
	__u64 *at, word, now, seen;
	struct pages_leaf *leaf;
	__u32 mask;

	if (!range)
		return 0;
	leaf = leaf_in_cache(&range->leaf);
	if (!leaf)
		return 0;
	mask = range_mask(range, first);
	at = leaf_word(leaf, first);
	word = *at;
#pragma clang loop unroll(disable)
	for (int try = 0; try < TRIES; try++) {
		now = range_word_after(range, word, mask);
		seen = __sync_val_compare_and_swap(at, word, now);
		if (seen == word)
			return 0;
		word = seen;
	}
	__sync_fetch_and_or(at, mask * PAGE_LOST | (__u64)pages_bits(mask) << WORD_UNSURE);
	gmem_asks(range->leaf.pages.gmem);
	return 0;
}

/* What is changed in one loop: short, since the verifier walks through each word. */
#define PART_PAGES 128

/* Change the part of a leaf from @first on, all of it. Most words are as the one before. */
static __always_inline void range_whole_part(struct pages_range *range, __u64 first)
{
	__u64 *words, word, seen, before = ~0ULL, after = 0; /* no word is ~0 */
	struct pages_leaf *leaf = leaf_in_cache(&range->leaf);

	if (!leaf)
		return;
	words = leaf_word(leaf, first & ~(PART_PAGES - 1ULL));
#pragma clang loop unroll(disable)
	for (int i = 0; i < PART_PAGES / 8; i++) {
		word = words[i];
		if (word != before) {
			before = word;
			after = range_word_after(range, word, PAGES_LOW);
		}
		seen = __sync_val_compare_and_swap(&words[i], word, after);
		barrier_var(seen); /* else the compiler makes a flag of it first */
		if (seen != word)
			range_word(range, first + i * 8);
	}
}

/* Change those pages of the part of a leaf from @first on that are in the range. */
__noinline int range_part(struct pages_range *range, __u64 first)
{
	if (!range)
		return 0;
	if (range->start <= first && range->end >= first + PART_PAGES) {
		range_whole_part(range, first);
		return 0;
	}
#pragma clang loop unroll(disable)
	for (int i = 0; i < PART_PAGES / 8 && first < range->end; i++, first += 8)
		if (range->start < first + 8)
			range_word(range, first);
	return 0;
}

/* What loops are told is on the stack. */
struct range_loop {
	struct pages_range *range;
};

static long range_part_step(__u32 i, struct range_loop *loop)
{
	struct pages_range *range = loop->range;
	__u64 from = range->leaf.leaf_of << PAGES_LEAF_BITS;

	if (from < range->start)
		from = range->start;
	range_part(range, (from & ~(PART_PAGES - 1ULL)) + i * PART_PAGES);
	return 0;
}

/* ---- Entries ---- */

/* Of an entry, or of the part of it that is in the range: it is converted. */
static __always_inline void entry_convert(struct pages_range *range, struct pages_entry *entry,
					  bool whole)
{
	__u32 flags = LEAF_CONVERTED_SOME | (whole ? LEAF_CONVERTED_ALL : 0), before;

	before = __sync_fetch_and_or(&entry->leaf, flags);
	range->again |= !!(before & (whole ? LEAF_CONVERTED_SOME : LEAF_CONVERTED_ALL));
}

/* Does it matter to pages that nobody has touched what has happened to them? */
static __always_inline bool past_matters(__u64 past)
{
	return past & PAST_LATE || (past_since(past, PAST_EVER) & HAPPENS_THERE) == HAPPENS_THERE;
}

/* Change those pages of entry @number that are in the range, which has not all of them. */
__noinline int range_words(struct pages_range *range, __u64 number)
{
	struct pages_entry *entry;
	struct range_loop loop;
	__u64 from, to;

	if (!range || range->how == CHANGE_HOLE_BEGINS)
		return 0;
	entry = entry_at(&range->leaf.pages, number);
	if (!entry)
		return 0;
	if (range->how == CHANGE_CONVERT)
		entry_convert(range, entry, false);
	if (!(entry->leaf & LEAF_INDEX) && !range->make && !past_matters(entry->past))
		return 0;
	loop.range = range;
	from = number << PAGES_LEAF_BITS;
	if (!leaf_find(&range->leaf, from))
		return 0;
	to = from + (1 << PAGES_LEAF_BITS);
	from = range->start > from ? range->start : from;
	to = range->end < to ? range->end : to;
	if ((to - 1) >> PAGES_WORD_BITS == from >> PAGES_WORD_BITS)
		return range_word(range, from & ~7ULL);
	bpf_loop(((to - 1) / PART_PAGES) - from / PART_PAGES + 1, range_part_step, &loop, 0);
	return 0;
}

struct refresh {
	struct pages_leaf *leaf;
	__u64 past;
};

/* Bring a word up to date. Whoever changes it at the same time does so, too. */
static long refresh_step(__u32 i, struct refresh *refresh)
{
	__u64 *at = &refresh->leaf->word[i & (LEAF_WORDS - 1)], word = *at;

	if (word)
		__sync_val_compare_and_swap(at, word, pages_word_today(word, refresh->past));
	return 0;
}

/* Before the clock has come round: no word of the entry may be so old that it looks new. */
__noinline int entry_refresh(struct pages_entry *entry)
{
	struct refresh refresh;

	if (!entry)
		return 0;
	refresh.past = entry->past;
	refresh.leaf = entry_leaf(entry);
	if (refresh.leaf)
		bpf_loop(LEAF_WORDS, refresh_step, &refresh, 0);
	return 0;
}

/* The @past of an entry that is in the range, when that has happened to it. @epoch: the entry's. */
__noinline __u64 range_past_after(struct pages_range *range, __u64 past, __u32 epoch)
{
	if (!range)
		return past;
	past = pages_past_pulled(past, epoch, range->epoch, range->leaf.pages.late);
	/* What nobody has looked at since the hole began is gone; the rest stays unsure. */
	if (range->how == CHANGE_HOLE_ENDS)
		return past & PAST_LOOKED ? past : pages_past_tick(past, HAPPENS_GONE);
	past = pages_past_tick(past, range->happens);
	return range->keeps ? past | PAST_LOOKED : past;
}

/* Stamp an entry that is in the range as a whole. @place: for past_refreshes(). */
__noinline int range_entry(struct pages_range *range, struct pages_entry *entry, __u32 place)
{
	__u64 past, now, seen;
	__u32 epoch;

	if (!range || !entry)
		return 0;
	if (range->how == CHANGE_CONVERT)
		entry_convert(range, entry, true);
	if (!range->happens && !range->how)
		return 0;
	past = entry->past;
	epoch = entry->epoch;
	if (past_refreshes(past, place))
		entry_refresh(entry);
#pragma clang loop unroll(disable)
	for (int try = 0; try < TRIES; try++) {
		now = range_past_after(range, past, epoch);
		seen = __sync_val_compare_and_swap(&entry->past, past, now);
		if (seen == past)
			goto stamped;
		past = seen;
	}
	entry_is_lost(entry);
	gmem_asks(range->leaf.pages.gmem);
	range->moved = true;
	return 0;
stamped:
	entry->epoch = range->epoch;
	range->moved |= past != now;
	if (range->how == CHANGE_CONVERT)
		return 0;
	range->before = past;
	range->before_epoch = epoch;
	range->after = now;
	return 0;
}

/* The past that may be stamped in short, in the group of entries from @number on; NO_PAST: none. */
static __always_inline __u64 range_before(const struct pages_range *range, __u32 number)
{
	return past_comes_round(range->before, number, GROUP_ENTRIES) ? NO_PAST : range->before;
}

#define MAX_GROUPS (1 << 23) /* what bpf_loop() can do: 8,192 TiB */

/* One of the entries that are in the range as a whole, where their group is not. */
static long range_entry_step(__u32 i, struct range_loop *loop)
{
	struct pages_range *range = loop->range;
	__u64 number = range->first + i;
	struct pages_entry *entry = entry_at(&range->leaf.pages, number);

	if (!entry)
		return 1;
	if (entry->past || range->make)
		range_entry(range, entry, number);
	return 0;
}

/*
 * Stamp all entries of a group; @number: of the first one. Most are as the one before, also in that none of
 * the group is to be refreshed.
 */
__noinline int range_group(struct pages_range *range, struct pages_group *group, __u32 number)
{
	__u64 before, after, past, seen;
	__u32 before_epoch, epoch;
	struct pages_entry *entry;

	if (!range || !group)
		return 0;
	epoch = range->epoch;
	before = range_before(range, number);
	before_epoch = range->before_epoch;
	after = range->after;
#pragma clang loop unroll_count(4)
	for (__u32 i = 0; i < GROUP_ENTRIES; i++) {
		entry = &group->entry[i];
		past = entry->past;
		if (past == before && entry->epoch == before_epoch) {
			seen = __sync_val_compare_and_swap(&entry->past, past, after);
			barrier_var(seen); /* else the compiler makes a flag of it first */
			if (seen == past) {
				entry->epoch = epoch;
				continue;
			}
		}
		if (!past && !range->make)
			continue;
		range_entry(range, entry, number + i);
		before = range_before(range, number);
		before_epoch = range->before_epoch;
		after = range->after;
	}
	return 0;
}

static long range_group_step(__u32 i, struct range_loop *loop)
{
	struct pages_range *range = loop->range;
	__u64 n = (range->first >> PAGES_GROUP_BITS) + i;
	__u32 at = range->leaf.pages.first_group + n;
	struct pages_group *group = bpf_map_lookup_elem(&page_groups, &at);

	if (n >= range->leaf.pages.ngroups || !group)
		return 1;
	range_group(range, group, n << PAGES_GROUP_BITS);
	return 0;
}

/* Stamp @n entries from range->first on. */
__noinline int range_entries(struct pages_range *range, __u32 n)
{
	struct range_loop loop;

	if (!range)
		return 0;
	loop.range = range;
	bpf_loop(n, range_entry_step, &loop, 0);
	range->first += n;
	return 0;
}

/* Stamp all entries that are in the range as a whole: in groups, but for those before and after. */
static __always_inline void range_stamp(struct pages_range *range)
{
	const __u64 part = GROUP_ENTRIES - 1;
	struct range_loop loop;
	__u64 n, groups;

	loop.range = range;
	n = -range->first & part;
	if (n > range->last - range->first)
		n = range->last - range->first;
	if (n)
		range_entries(range, n);
	groups = (range->last - range->first) >> PAGES_GROUP_BITS;
	if (groups)
		bpf_loop(groups < MAX_GROUPS ? groups : MAX_GROUPS, range_group_step, &loop, 0);
	range->first += groups << PAGES_GROUP_BITS;
	if (range->first < range->last)
		range_entries(range, range->last - range->first);
}

/* ---- All together ---- */

/* The ends of the range, where that has not all of an entry; what remains is from first to last. */
static __always_inline void range_ends(struct pages_range *range)
{
	const __u64 part = (1 << PAGES_LEAF_BITS) - 1;
	__u64 last = range->end >> PAGES_LEAF_BITS;

	range->first = (range->start + part) >> PAGES_LEAF_BITS;
	range->last = last;
	if (range->start & part)
		range_words(range, range->start >> PAGES_LEAF_BITS);
	if (range->end & part && (last >= range->first || !(range->start & part)))
		range_words(range, last);
}

/* Is an entry in the range as a whole? */
static __always_inline bool range_has_entry(__u64 start, __u64 end)
{
	const __u64 part = (1 << PAGES_LEAF_BITS) - 1;

	return (start + part) >> PAGES_LEAF_BITS < end >> PAGES_LEAF_BITS;
}

/* Does it have to be known also where nothing is known yet? */
static __always_inline bool range_makes(const struct pages_range *range)
{
	return range->how == CHANGE_CONVERT || (!range->how && range->happens & HAPPENS_THERE) ||
	       (range->leaf.pages.late && range->happens & PAGE_MAPPING);
}

/* What happens to the range, where a hole is being punched there or something is not sure. */
static __always_inline void range_begin(struct pages_range *range, const struct pages *pages,
					__u32 change, __u64 since_ns)
{
	range->leaf.pages = *pages;
	range->happens = change & HAPPENS_LOST;
	range->how = change & CHANGE_HOW;
	/* What is bound has lost its pages before others came, unless it may have had some that nobody knows. */
	if (range->how == CHANGE_HOLE_ENDS)
		range->happens = HAPPENS_GONE | (pages->late ? 0 : PAGE_PUNCHED);
	range->before = NO_PAST;
	range->epoch = vm_epoch(pages);
	range->keeps = range->again = range->moved = false;
	range->leaf.leaf_of = NO_LEAF;
	if ((range->happens & HAPPENS_CACHE) == HAPPENS_THERE &&
	    hole_since(pages->gmem, range->start, range->end, since_ns)) {
		range->keeps = true;
		range->happens |= HAPPENS_UNSURE;
	}
	if ((range->happens & HAPPENS_CACHE) == HAPPENS_UNSURE && !range->how)
		gmem_asks(pages->gmem);
	range->make = range_makes(range);
}

/*
 * Change all pages [start, end) of a guest_memfd. 1 if one is converted now that had been before. Works in
 * the task's state: the verifier would follow what is on the stack into all of the above.
 */
__noinline int pages_change(struct task_state *state, const struct pages *pages, __u32 change,
			    __u64 start, __u64 end)
{
	struct pages_range *range;
	__u64 known;

	if (!state || !pages)
		return 0;
	range = &state->range;
	known = (__u64)pages->ngroups << GROUP_PAGE_BITS;
	range->start = start;
	range->end = end < known ? end : known; /* a hole may end where it likes */
	if (start >= range->end)
		return 0;
	range_begin(range, pages, change, state->since_ns);
	range_ends(range);
	if (range->first < range->last)
		range_stamp(range);
	if (range->moved)
		vm_generation_move(pages->vm);
	return range->again;
}

#endif
