/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of the live view that are read rather than scanned: one VM or slot in full, the hooks,
 * help. Each is text, with the colour codes of reports if the style has colours.
 */
#ifndef VIEW_PAGES_H
#define VIEW_PAGES_H

#include <stdio.h>
#include "report/report.h"
#include "view.h"

/* What a page is to show, and how. */
struct page_context {
	const struct view *view;
	const struct row *row; /* of the slot page */
	bool totals; /* since the start rather than of the last interval */
	int event; /* whose histogram; -1: the first that has one */
	__u64 stack_events; /* 1 << event: those whose stacks were kept */
	const struct text_style *style;
};

/* Each returns 0 or -ENOMEM. */
int page_slot(FILE *out, const struct page_context *context);
int page_hooks(FILE *out, const struct page_context *context);
int page_help(FILE *out, const struct page_context *context);

/*
 * The event with a histogram that comes @step events (1 or -1) after context->event on the slot
 * page; -1 when there is none.
 */
int page_slot_event(const struct page_context *context, int step);

#endif
