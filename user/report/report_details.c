// SPDX-License-Identifier: GPL-2.0-only
/*
 * The continuation of an event's row. Details come by name from the list in gmem.h, so that a new
 * one needs nothing here; ratios are the table below.
 */
#include <string.h>
#include "base/text.h"
#include "model/events.h"
#include "report_details.h"

#define DETAILS_INDENT (2 * TABLE_INDENT)

/* clang-format off */
static const struct ratio {
	enum gmem_event event, per;
	const char *words;
} ratios[] = {
	/* 1.00 where each fault prepares its page anew, near 0 where a page is prepared once. */
	{ EV_PREPARE, EV_GUEST_FAULT, "per guest fault" },
};
/* clang-format on */

#define NR_RATIOS (sizeof(ratios) / sizeof(ratios[0]))

/* "8 to_private, 4 to_shared" in the making. A part is not broken at its blanks. */
struct parts {
	struct flow flow;
	char last[64]; /* not written yet: whether a comma follows is not known */
	const char *ink; /* to be written before the first */
};

static void write_last(struct parts *parts)
{
	fputs(parts->ink, parts->flow.out);
	parts->ink = "";
	flow_word(&parts->flow, 1, parts->last);
}

static void add_part(struct parts *parts, const char *part)
{
	if (parts->last[0]) {
		strcat(parts->last, ",");
		write_last(parts);
	}
	/* One byte stays free for the comma. */
	snprintf(parts->last, sizeof(parts->last) - 1, "%s", part);
}

static void add_details(struct parts *parts, const struct event_count *count)
{
	char part[64];
	size_t i;

	for (i = 0; i < count->ndetails; i++) {
		snprintf(part, sizeof(part), "%llu %s", count->details[i].count,
			 detail_descs[count->details[i].detail].name);
		add_part(parts, part);
	}
}

static void add_ratio(struct parts *parts, const struct ratio *ratio, __u64 count, __u64 per)
{
	double value = (double)count / (double)per;
	char part[64];

	/* What happened is not shown as nothing. */
	if (value < 0.005)
		snprintf(part, sizeof(part), "<0.01 %s", ratio->words);
	else
		snprintf(part, sizeof(part), "%.2f %s", value, ratio->words);
	add_part(parts, part);
}

void details_row(const struct table *table, const struct event_count *count,
		 const __u64 counted[NR_EVENTS])
{
	struct parts parts = {
		.flow = { .out = table->out, .columns = table->columns, .indent = DETAILS_INDENT },
		.ink = table->style->color ? "\033[2m" : "",
	};
	size_t i;

	add_details(&parts, count);
	for (i = 0; i < NR_RATIOS; i++)
		if (ratios[i].event == count->event && counted[ratios[i].per])
			add_ratio(&parts, &ratios[i], count->count, counted[ratios[i].per]);
	if (!parts.last[0])
		return;
	write_last(&parts);
	fputs(table->style->color ? "\033[0m" : "", table->out);
	flow_end(&parts.flow);
}
