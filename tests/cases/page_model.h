/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must be true of a page of a guest_memfd, by what was done with it one after the other: whether
 * it is there, and how it stands with the guest. So it knows why the guest's next fault there comes.
 * By docs/events.md, apart from the programs under test. Included by mayhem's files only.
 */
#ifndef CASES_PAGE_MODEL_H
#define CASES_PAGE_MODEL_H

#include <stdbool.h>
#include <stddef.h>

/* Causes of guest faults; those from CAUSE_PUNCH on are also what took a page from the guest. */
enum cause {
	CAUSE_FIRST_TOUCH,
	CAUSE_RESIDENT,
	CAUSE_PUNCH,
	CAUSE_NOTIFIER,
	CAUSE_CONVERSION,
	CAUSE_SLOT_CHANGE,
	NR_CAUSES,
	CAUSE_NONE = -1, /* no fault: the guest has it, or nobody can know */
};

/* The names that reports have for them. */
extern const char *const cause_names[NR_CAUSES];

struct page {
	bool known; /* false: what became of it depended on who was first */
	bool present;
	bool mapped;
	bool was_mapped;
	enum cause lost_by; /* what took it first, if it was mapped and is not */
	bool shared; /* of a VM with private memory: the guest has it from elsewhere */
	bool read_only; /* in the VMM's mapping */
};

/* The guest touches the page. */
enum cause page_touch(struct page *page);

/* Pages are taken from the guest; @racing: something else may have done so before. */
void pages_lose(struct page *pages, size_t n, enum cause cause, bool racing);

void pages_punch(struct page *pages, size_t n, bool racing);
void pages_allocate(struct page *pages, size_t n);

/* They are known from now on: @mapped or new; else not any more. */
void pages_know(struct page *pages, size_t n, bool mapped);
void pages_forget(struct page *pages, size_t n);

#endif
