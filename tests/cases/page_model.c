// SPDX-License-Identifier: GPL-2.0-only
/*
 * See page_model.h.
 */
#include "page_model.h"

const char *const cause_names[NR_CAUSES] = {
	[CAUSE_FIRST_TOUCH] = "first_touch",	   [CAUSE_RESIDENT] = "resident",
	[CAUSE_PUNCH] = "refault_punch",	   [CAUSE_NOTIFIER] = "refault_notifier",
	[CAUSE_CONVERSION] = "refault_conversion", [CAUSE_SLOT_CHANGE] = "refault_slot_change",
};

/* A page that the guest had lost before it was freed is as good as new, one that the hole took is not. */
static enum cause page_cause(const struct page *page)
{
	if (page->was_mapped && page->lost_by == CAUSE_PUNCH)
		return CAUSE_PUNCH;
	if (!page->present)
		return CAUSE_FIRST_TOUCH;
	return page->was_mapped ? page->lost_by : CAUSE_RESIDENT;
}

enum cause page_touch(struct page *page)
{
	enum cause cause;

	if (page->shared || page->mapped)
		return CAUSE_NONE;
	cause = page->known ? page_cause(page) : CAUSE_NONE;
	page->present = page->mapped = page->was_mapped = true;
	return cause;
}

void pages_lose(struct page *pages, size_t n, enum cause cause, bool racing)
{
	for (; n; n--, pages++) {
		if (!pages->mapped)
			continue;
		pages->mapped = false;
		pages->lost_by = cause;
		pages->known &= !racing;
	}
}

void pages_punch(struct page *pages, size_t n, bool racing)
{
	pages_lose(pages, n, CAUSE_PUNCH, racing);
	for (; n; n--, pages++)
		pages->present = false;
}

void pages_allocate(struct page *pages, size_t n)
{
	for (; n; n--, pages++)
		pages->present = true;
}

void pages_know(struct page *pages, size_t n, bool mapped)
{
	for (; n; n--, pages++) {
		pages->known = true;
		pages->present = pages->mapped = pages->was_mapped = mapped;
	}
}

void pages_forget(struct page *pages, size_t n)
{
	for (; n; n--, pages++)
		pages->known = false;
}
