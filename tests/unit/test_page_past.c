// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pasts of pages (bpf/past.h), against a plain model that tells each page everything at once.
 */
#include <stdbool.h>
#include <string.h>
#include "page_past.h"
#include "unit.h"

#define WORDS 64
#define PAGES (WORDS * 8)

/* A group of pages, as the programs keep it, and what is right. */
struct group {
	__u64 past, word[WORDS];
	struct {
		__u8 mapping;
		__u8 present;
		__u8 unsure;
	} page[PAGES];
	unsigned int lost; /* looked at and not known */
};

static const enum page_mapping causes[] = { PAGE_NEVER,	    PAGE_PUNCHED,      PAGE_NOTIFIED,
					    PAGE_CONVERTED, PAGE_SLOT_CHANGED, PAGE_FAILED };

static void group_begin(struct group *group)
{
	memset(group, 0, sizeof(*group));
	group->past = past_begin(0, 0, 0);
}

static void group_happens(struct group *group, __u32 happens)
{
	if (past_refreshes(group->past, 0))
		for (int i = 0; i < WORDS; i++)
			group->word[i] = word_today(group->word[i], group->past);
	group->past = past_tick(group->past, happens);
}

static void model_happens(struct group *group, __u32 happens, int first, int end)
{
	for (int i = first; i < end; i++) {
		if (happens & PAGE_MAPPING && group->page[i].mapping == PAGE_MAPPED)
			group->page[i].mapping = happens & PAGE_MAPPING;
		switch (happens & HAPPENS_CACHE) {
		case HAPPENS_GONE:
		case HAPPENS_THERE:
			group->page[i].present = (happens & HAPPENS_CACHE) == HAPPENS_THERE;
			group->page[i].unsure = false;
			break;
		case HAPPENS_UNSURE:
			group->page[i].unsure = true;
		}
	}
}

/* The guest maps a page: what is known of it must be right, or said not to be known. */
static void touch(struct group *group, int i)
{
	__u64 past, word;
	__u32 shift = i % 8 * 4, state;

	past = group->past |= PAST_LOOKED;
	word = word_today(group->word[i / 8], past);
	state = word >> shift & 15;
	if ((state & PAGE_MAPPING) == PAGE_LOST)
		group->lost++;
	else
		assert_int_equal(state & PAGE_MAPPING, group->page[i].mapping);
	if (!(word >> (WORD_UNSURE + i % 8) & 1)) {
		assert_int_equal(!!(state & PAGE_PRESENT), group->page[i].present);
		assert_false(group->page[i].unsure);
	}
	group->page[i].mapping = PAGE_MAPPED;
	group->page[i].present = true;
	group->page[i].unsure = false;
	word = (word & ~(15ULL << shift)) | (__u64)(PAGE_MAPPED | PAGE_PRESENT) << shift;
	word &= ~(1ULL << (WORD_UNSURE + i % 8));
	assert_int_equal(past_clock(word), past_clock(past));
	group->word[i / 8] = word;
}

static void some_pages(struct group *group, __u32 happens, int first, int end)
{
	group->past |= PAST_LOOKED;
	for (int i = first; i < end; i++)
		group->word[i / 8] = word_after(word_today(group->word[i / 8], group->past),
						happens, 1U << i % 8 * 4);
}

static __u32 anything(unsigned long long *random, bool unsure)
{
	__u32 cause = causes[unit_random(random) % 6];

	switch (unit_random(random) % (unsure ? 6 : 5)) {
	case 0:
		return HAPPENS_GONE | PAGE_PUNCHED;
	case 1:
		return HAPPENS_THERE;
	case 5:
		return HAPPENS_UNSURE;
	default:
		return cause ?: PAGE_NOTIFIED;
	}
}

/* @looks of 20 steps say that someone has looked, so that the clock moves. */
static unsigned int run(unsigned long long *random, int steps, int looks, bool unsure)
{
	struct group group;

	group_begin(&group);
	for (int step = 0; step < steps; step++) {
		__u32 happens = anything(random, unsure);
		int first = unit_random(random) % PAGES, end = unit_random(random) % (PAGES + 1);
		int what = unit_random(random) % 20;

		if (what < 6) {
			group_happens(&group, happens);
			model_happens(&group, happens, 0, PAGES);
		} else if (what < 9 && first < end) {
			some_pages(&group, happens, first, end);
			model_happens(&group, happens, first, end);
		} else if (what < 9 + looks) {
			group.past |= PAST_LOOKED;
		} else {
			touch(&group, first);
		}
	}
	return group.lost;
}

static void test_group(void **state)
{
	unsigned long long random = 1;
	unsigned int lost = 0;

	(void)state;
	for (int i = 0; i < 400; i++)
		lost += run(&random, 2000, i % 4 * 3, i % 2);
	assert_in_range(lost, 1, 400 * 2000 / 4); /* what many unlike things have happened to */
}

/* Where no more than five things happen between two looks at a page, nothing is lost. */
static void test_five(void **state)
{
	unsigned long long random = 3;
	struct group group;

	(void)state;
	group_begin(&group);
	for (int round = 0; round < 5000; round++) {
		for (int i = 0; i < 5; i++) {
			__u32 happens = anything(&random, false);

			group_happens(&group, happens);
			model_happens(&group, happens, 0, PAGES);
			group.past |= PAST_LOOKED;
		}
		for (int i = 0; i < PAGES; i += 8)
			touch(&group, i + unit_random(&random) % 8);
	}
	assert_int_equal(group.lost, 0);
}

/* All that there is of the clock, many times over, with words that are never looked at meanwhile. */
static void test_wrap(void **state)
{
	struct group group;

	(void)state;
	group_begin(&group);
	touch(&group, 0);
	touch(&group, 500);
	for (int i = 0; i < 400000; i++) {
		group_happens(&group, PAGE_NOTIFIED);
		model_happens(&group, PAGE_NOTIFIED, 0, PAGES);
		touch(&group, 0);
		if (i % 3 == 0)
			group.past |= PAST_LOOKED;
	}
	touch(&group, 500);
	touch(&group, 499);
	assert_int_equal(group.lost, 0);
}

static void test_age(void **state)
{
	(void)state;
	assert_int_equal(past_age(5, 5), 0);
	assert_int_equal(past_age(6, 5), 1);
	assert_int_equal(past_age(1, CLOCK_MASK), 1);
	assert_int_equal(past_age(2, CLOCK_MASK - 1), 3);
	assert_int_equal(past_age(5, 6), 0); /* ahead */
	assert_int_equal(past_age(CLOCK_MASK, 1), 0);
	assert_int_equal(clock_next(CLOCK_MASK), 1);
}

/* What is not known of a guest_memfd that was met late may have been mapped. */
static void test_late(void **state)
{
	__u64 past = past_begin(0, 1, PAST_LATE), word;

	(void)state;
	past = past_tick(past | PAST_LOOKED, PAGE_NOTIFIED);
	word = word_today(0, past);
	assert_int_equal(word & WORD_STATES, PAGE_NOTIFIED * PAGES_LOW);
	assert_int_equal(word >> WORD_UNSURE & 0xff, 0xff);
	past = past_tick(past | PAST_LOOKED, HAPPENS_GONE | PAGE_PUNCHED);
	word = word_today(word, past);
	assert_int_equal(word & WORD_STATES, PAGE_NOTIFIED * PAGES_LOW);
	assert_int_equal(word >> WORD_UNSURE & 0xff, 0);
}

/* A hole takes what was there, and what was unsure, but not what came into it meanwhile. */
static void test_hole(void **state)
{
	__u64 there = PAGE_PRESENT | PAGE_MAPPED, unsure = 1ULL << WORD_UNSURE, word;

	(void)state;
	word = there | there << 4 | unsure << 1 | unsure << 2;
	word = word_after(word, HAPPENS_GONE | PAGE_PUNCHED, pages_punched(word, PAGES_LOW));
	assert_int_equal(word & WORD_STATES, PAGE_PUNCHED | there << 4);
	assert_int_equal(word >> WORD_UNSURE & 0xff, 2);
	/* Nobody has looked between its begin and its end. */
	word = past_tick(
		past_tick(past_begin(0, 0, 0) | PAST_LOOKED, PAGE_PUNCHED | HAPPENS_UNSURE),
		HAPPENS_GONE);
	assert_int_equal(past_entry(word, 0), PAGE_PUNCHED | HAPPENS_GONE);
}

/* Words that are all alike need not be kept: new ones are the same, and so are the old ones. */
static void test_alike(void **state)
{
	__u64 past = past_begin(0, 7, 0) | PAST_LOOKED, old, today, word;

	(void)state;
	old = (__u64)past_clock(past) << WORD_CLOCK | PAGES_LOW * (PAGE_PRESENT | PAGE_MAPPED);
	past = past_tick(past, PAGE_PUNCHED | HAPPENS_GONE);
	word = word_today(old, past);
	assert_int_equal(word & WORD_STATES, PAGES_LOW * PAGE_PUNCHED);
	past = past_of_alike(past, PAGE_PUNCHED);
	today = word_today(0, past);
	assert_int_equal(today, word_today(word, past));
	assert_int_equal(today, word_today(old, past));
	assert_int_equal(today & WORD_STATES, PAGES_LOW * PAGE_PUNCHED);
	assert_int_equal(today >> WORD_UNSURE & 0xff, 0);
	assert_int_equal(past_mark(past), 7);
	assert_int_equal(word_today(0, past_of_alike(past, PAGE_NEVER)) & WORD_STATES, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_group), cmocka_unit_test(test_five),
		cmocka_unit_test(test_wrap),  cmocka_unit_test(test_age),
		cmocka_unit_test(test_late),  cmocka_unit_test(test_hole),
		cmocka_unit_test(test_alike),
	};

	return cmocka_run_group_tests_name("past", tests, NULL, NULL);
}
