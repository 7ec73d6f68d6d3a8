/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of a page share. Private to report_html*.c.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "capture/timeline.h"
#include "html/html.h"
#include "report_formats.h"

struct html_report {
	FILE *out;
	const struct capture *capture;
	const struct timeline *timeline; /* NULL: none */
	const char *no_timeline; /* why; NULL: it is not known either */
	struct event_totals totals; /* of everything */
	size_t places; /* that have events */
	size_t charts_left; /* places that still get figures */
};

/* Above all else: what makes the rest less than it seems; what was captured, how, and what was lost. */
void html_head(const struct html_report *r);

/* What became of every event's hook; the ledger of losses. */
void html_hooks(const struct html_report *r);
void html_losses(const struct html_report *r);


/*
 * A part of the page that can be folded: events of one place, with figures. @vm and @slot say whose
 * timeline and heat map it has: NULL: none.
 */
struct html_place {
	const char *title, *subtitle;
	const struct event_counts *events;
	const struct vm *vm;
	const struct slot *slot;
	const struct gmem *gmem;
};

void html_place(struct html_report *r, const struct html_place *place);


/* Likewise of sums, without timeline; open from the begin. 0 or -ENOMEM. */
void html_totals(const struct html_report *r, const char *title, const struct event_totals *totals);

/* Rate and p99 of @event at @place, if there is a timeline. */
void html_timeline(const struct html_report *r, const struct html_place *place,
		   enum gmem_event event);

/* Stacks as trees. 0 or -ENOMEM. */
int html_stacks(const struct html_report *r);

#endif
