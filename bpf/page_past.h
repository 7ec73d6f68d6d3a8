/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The past of a group of pages, in 64 bits: what has happened to all of them, one thing after the
 * other, so that it need not be told to each. Pages that were brought up to date at some moment, by the
 * group's clock, find out what has happened since. Pure arithmetic, the same for both sides, so that it
 * can be tested against a plain model.
 */
#ifndef GMEM_PAGE_PAST_H
#define GMEM_PAGE_PAST_H

#include <linux/types.h>

#define PAST_INLINE static inline __attribute__((always_inline))

/* How a page stands with the guest; what took it away is in the order of the details. */
enum page_mapping {
	PAGE_NEVER, /* not mapped since it is known */
	PAGE_MAPPED,
	PAGE_PUNCHED, /* and so on: mapped once, then zapped, first by this */
	PAGE_NOTIFIED,
	PAGE_CONVERTED,
	PAGE_SLOT_CHANGED,
	PAGE_FAILED,
	PAGE_LOST, /* by one of these: which is not known any more */
};

#define PAGE_MAPPING 7 /* the bits of enum page_mapping */
#define PAGE_PRESENT 8 /* in the page cache */

/*
 * What happens to pages: they are zapped, for enum page_mapping in the lowest bits (PAGE_NEVER: they are
 * not), and then
 */
#define HAPPENS_GONE (1 << 3) /* leave the page cache, */
#define HAPPENS_THERE (2 << 3) /* are in it, all of them, */
#define HAPPENS_UNSURE (3 << 3) /* or may be: only the page cache knows */
#define HAPPENS_CACHE (3 << 3)
#define HAPPENS_BITS 5
#define HAPPENS_LOST (PAGE_LOST | HAPPENS_UNSURE) /* all bits: something, not known what */
/* With these: they are of a time before us, what is not known of them may have been mapped. */
#define HAPPENS_LATE (1 << 5)

/*
 * A past. Its clock, which is never 0; the lower part of the VM's epoch when it was last brought up to
 * date; whether it is older than we; whether someone has looked since the clock last moved: if not,
 * what happens next happens at the same time; and what has happened: the last five things one by one,
 * the latest lowest, and above them all before as one.
 *
 * A word: eight pages, each PAGE_MAPPING and PAGE_PRESENT; a bit for each that says whether it has been
 * converted; a bit for each of which it is not sure that it is present (or absent, as the page says);
 * and the clock of the past when it was written, 0 for never.
 */
#define PAST_CLOCK 48
#define PAST_MARK 36
#define PAST_LATE (1ULL << 35)
#define PAST_LOOKED (1ULL << 34)
#define PAST_ENTRIES 5
#define PAST_TAIL (PAST_ENTRIES * HAPPENS_BITS)
#define PAST_HAPPENED ((1ULL << (PAST_TAIL + HAPPENS_BITS)) - 1)
#define PAST_EVER (PAST_ENTRIES + 1) /* an age: all that has happened */

#define MARK_MASK 0xfffU
#define MARK_OLD 0x800U
#define CLOCK_MASK 0xffffU
#define CLOCK_OLD 0x8000U /* an age: from here on it is not older but ahead */
/* As often, all words are brought up to date: no two are further apart than twice that. */
#define CLOCK_REFRESH 0x4000U

#define WORD_CONVERTED 32
#define WORD_UNSURE 40
#define WORD_CLOCK PAST_CLOCK
#define WORD_STATES 0xffffffffULL

/* The lowest bit of each of a word's eight pages. */
#define PAGES_LOW 0x11111111U
#define PAGES_WORD_BITS 3

PAST_INLINE __u32 past_clock(__u64 past)
{
	return past >> PAST_CLOCK;
}

/* The moment after @clock. */
PAST_INLINE __u32 clock_next(__u32 clock)
{
	return clock == CLOCK_MASK ? 1 : clock + 1;
}

/* How far @mark, of a word, is behind @clock; 0 also when it is ahead. */
PAST_INLINE __u32 past_age(__u32 clock, __u32 mark)
{
	__u32 age = (clock - mark - (clock < mark)) & CLOCK_MASK; /* there is no 0 between them */

	return age < CLOCK_OLD ? age : 0;
}

/* 1 if something happens, else 0. Without branches: the verifier would walk through all of them. */
PAST_INLINE __u32 past_any(__u32 happens)
{
	return (happens | happens >> 1 | happens >> 2 | happens >> 3 | happens >> 4) & 1;
}

/* What happens first and then: the first zap counts, and where the pages are at last. */
PAST_INLINE __u32 past_then(__u32 first, __u32 then)
{
	__u32 cause = first & PAGE_MAPPING, cache = then & HAPPENS_CACHE;

	return cause | (then & PAGE_MAPPING & (past_any(cause) - 1)) | cache |
	       (first & HAPPENS_CACHE & (past_any(cache) - 1));
}

PAST_INLINE __u32 past_entry(__u64 past, __u32 i)
{
	return past >> i * HAPPENS_BITS & ((1 << HAPPENS_BITS) - 1);
}

/* What has happened in the last @age moments of the clock, at least 1. */
PAST_INLINE __u32 past_since(__u64 past, __u32 age)
{
	__u32 happened = past_entry(past, 0);

	if (age == 1)
		return happened;
	if (age < PAST_EVER)
		past &= (1ULL << age * HAPPENS_BITS) - 1;
	happened = past_then(past_entry(past, 1), happened);
	happened = past_then(past_entry(past, 2), happened);
	happened = past_then(past_entry(past, 3), happened);
	happened = past_then(past_entry(past, 4), happened);
	return past_then(past_entry(past, 5), happened);
}

/* One field of what stands for all that is older: unlike things cannot be told apart there. */
PAST_INLINE __u32 past_merge(__u32 tail, __u32 out, __u32 field)
{
	tail &= field;
	out &= field;
	/* All bits are PAGE_LOST, or HAPPENS_UNSURE. */
	return tail | out | (field & -(past_any(tail) & past_any(tail ^ out)));
}

PAST_INLINE __u32 past_tail(__u64 past)
{
	__u32 out = past_entry(past, PAST_ENTRIES - 1), tail = past_entry(past, PAST_ENTRIES);

	return past_merge(tail, out, PAGE_MAPPING) | past_merge(tail, out, HAPPENS_CACHE);
}

PAST_INLINE __u64 past_marked(__u64 past, __u32 mark)
{
	return (past & ~((__u64)MARK_MASK << PAST_MARK)) | (__u64)(mark & MARK_MASK) << PAST_MARK;
}

PAST_INLINE __u32 past_mark(__u64 past)
{
	return past >> PAST_MARK & MARK_MASK;
}

/* The past of a group whose words are all new: @happened to them before. Never 0. */
PAST_INLINE __u64 past_begin(__u32 happened, __u32 mark, __u64 late)
{
	return past_marked(1ULL << PAST_CLOCK | late | happened, mark);
}

/* @happens to all of the group. */
PAST_INLINE __u64 past_tick(__u64 past, __u32 happens)
{
	__u64 entries = past & ((1ULL << (PAST_TAIL - HAPPENS_BITS)) - 1);

	if (!(past & PAST_LOOKED))
		return (past & ~((1ULL << HAPPENS_BITS) - 1)) |
		       past_then(past_entry(past, 0), happens);
	return (__u64)clock_next(past_clock(past)) << PAST_CLOCK |
	       (past & ((__u64)MARK_MASK << PAST_MARK | PAST_LATE)) |
	       (__u64)past_tail(past) << PAST_TAIL | entries << HAPPENS_BITS | happens;
}

/*
 * Of what has happened it is not known any more what: no word may take itself for up to date. Others may
 * change the past at the same time.
 */
PAST_INLINE void past_lose(__u64 *past)
{
	__sync_fetch_and_or(past, PAST_HAPPENED | PAST_LOOKED);
	__sync_fetch_and_add(past, 1ULL << PAST_CLOCK);
	if (!past_clock(*past))
		__sync_fetch_and_add(past, 1ULL << PAST_CLOCK);
}

/*
 * Must all words of one of @n groups be brought up to date before its clock moves? Groups that are stamped
 * together come to that one after the other, by their places, from @place on.
 */
PAST_INLINE int past_comes_round(__u64 past, __u32 place, __u32 n)
{
	return ((past_clock(past) + place + n - 1) & (CLOCK_REFRESH - 1)) < n;
}

PAST_INLINE int past_refreshes(__u64 past, __u32 place)
{
	return past & PAST_LOOKED && past_comes_round(past, place, 1);
}

/* The lowest bits of those pages of @word whose mapping is @mapping. */
PAST_INLINE __u32 pages_which(__u32 word, __u32 mapping)
{
	__u32 other = word ^ mapping * PAGES_LOW; /* 0 in the mapping's bits where it is that */

	return ~(other | other >> 1 | other >> 2) & PAGES_LOW;
}

/* A bit for each page of which @mask has the lowest, and the other way round. */
PAST_INLINE __u32 pages_bits(__u32 mask)
{
	__u32 bits = mask | mask >> 3; /* pairs, quads, all eight together */

	bits = (bits & 0x03030303) | (bits & 0x03030303) >> 6;
	bits = (bits & 0x000f000f) | (bits & 0x000f000f) >> 12;
	return bits & 0xff;
}

PAST_INLINE __u32 pages_mask(__u32 bits)
{
	bits = (bits | bits << 12) & 0x000f000f;
	bits = (bits | bits << 6) & 0x03030303;
	return (bits | bits << 3) & PAGES_LOW;
}

/* What becomes of @word when something @happens to those of its pages that are in @mask (lowest bits). */
PAST_INLINE __u64 word_after(__u64 word, __u32 happens, __u32 mask)
{
	__u32 states = word, unsure = word >> WORD_UNSURE & 0xff, cause = happens & PAGE_MAPPING;
	__u32 cache = happens & HAPPENS_CACHE, present = mask * PAGE_PRESENT, all, zapped;

	if (cause) {
		zapped = pages_which(states, PAGE_MAPPED) & mask;
		if (happens & HAPPENS_LATE && unsure)
			states ^= cause * (pages_which(states, PAGE_NEVER) & ~(states >> 3) &
					   pages_mask(unsure) & mask);
		states ^= zapped * (PAGE_MAPPED ^ cause);
	}
	if (cache == HAPPENS_UNSURE) {
		unsure |= pages_bits(mask);
	} else if (cache) {
		all = -(cache >> 4); /* THERE */
		states = (states & ~present) | (present & all);
		unsure &= ~pages_bits(mask);
	}
	return (word & ~(WORD_STATES | 0xffULL << WORD_UNSURE)) | states |
	       (__u64)unsure << WORD_UNSURE;
}

/* @word brought up to date with its group's @past. */
PAST_INLINE __u64 word_today(__u64 word, __u64 past)
{
	__u32 clock = past_clock(past), mark = past_clock(word), age;
	__u32 late = past & PAST_LATE ? HAPPENS_LATE : 0;

	if (clock == mark)
		return word;
	if (mark) {
		age = past_age(clock, mark);
		if (!age) /* ahead */
			return word;
	} else { /* it is new */
		word = late ? 0xffULL << WORD_UNSURE : 0;
		age = PAST_EVER;
	}
	word = word_after(word, past_since(past, age) | late, PAGES_LOW);
	return (word << 16 >> 16) | (__u64)clock << WORD_CLOCK;
}

/*
 * Those of the pages of @word in @mask that a hole which was punched there has taken. Of those that are unsure
 * and present, which came into it meanwhile, it is for the page cache to say.
 */
PAST_INLINE __u32 pages_punched(__u64 word, __u32 mask)
{
	return mask & ~(pages_mask(word >> WORD_UNSURE & 0xff) & ((__u32)word >> 3));
}

/*
 * The past of a group whose pages are all alike: absent, and with the guest as @mapping says. It makes
 * new words so, for which they are taken to be older than we; those that there are it leaves right.
 */
PAST_INLINE __u64 past_of_alike(__u64 past, __u32 mapping)
{
	return (__u64)clock_next(past_clock(past)) << PAST_CLOCK |
	       (past & (__u64)MARK_MASK << PAST_MARK) | (mapping ? PAST_LATE : 0) | HAPPENS_GONE |
	       mapping;
}

#endif
