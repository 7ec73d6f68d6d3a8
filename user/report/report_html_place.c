// SPDX-License-Identifier: GPL-2.0-only
/*
 * One place of a capture: its table, and figures of the events that took longest there.
 */
#include "base/number.h"
#include "html/chart.h"
#include "html/html_event.h"
#include "model/events.h"
#include "model/page_size.h"
#include "report_html.h"

/* The event that took the longest of those after @done (1 << event); NULL: none is left. */
static const struct event_count *longest(const struct html_report *r,
					 const struct event_counts *counts, __u64 done)
{
	const struct event_count *most = NULL;

	for (size_t i = 0; i < counts->n; i++) {
		const struct event_count *count = &counts->v[i];

		if (!capture_shows(r->capture, count->event) || done & 1ULL << count->event ||
		    !buckets_total(&count->latency))
			continue;
		if (!most || count->sum_ns > most->sum_ns)
			most = count;
	}
	return most;
}

/* The last gfn of the map; its last cell may be a smaller one. */
static __u64 last_gfn(const struct slot *slot)
{
	const struct heat_map *heat = slot->heat;
	__u64 npages = heat->npages * heat->ncells;

	if (slot->info.base_gfn == heat->base_gfn && slot->info.npages < npages)
		npages = slot->info.npages;
	return heat->base_gfn + npages - (npages != 0);
}

static void put_heat(const struct html_report *r, const struct slot *slot)
{
	const struct heat_map *heat = slot->heat;
	__u64 most = 0, bytes;
	char size[NUMBER_LEN];

	if (!heat || !heat->ncells)
		return;
	for (unsigned int i = 0; i < heat->ncells; i++)
		most = heat->cell[i] > most ? heat->cell[i] : most;
	bytes = pages_bytes(heat->npages, r->capture->page_bytes);
	fprintf(r->out,
		"<figure><figcaption>guest faults by address: %u cells of %s, up to %llu in one; "
		"%llu elsewhere</figcaption>\n",
		heat->ncells, number_bytes(size, bytes), most, heat->elsewhere);
	chart_cells(r->out, heat->cell, heat->ncells, "guest faults by address");
	fprintf(r->out,
		"<div class=\"x\"><span class=\"a\">gfn 0x%llx</span><span class=\"z\" "
		"style=\"left:100%%\">0x%llx</span></div></figure>\n",
		heat->base_gfn, last_gfn(slot));
}

static void put_figures(struct html_report *r, const struct html_place *place)
{
	const struct event_count *count;
	__u64 done = 0;

	if (!r->charts_left)
		return;
	r->charts_left--;
	fputs("<div class=\"g\">\n", r->out);
	for (size_t i = 0; i < html_figures(r->places) && (count = longest(r, place->events, done));
	     i++) {
		done |= 1ULL << count->event;
		html_latency(r->out, NULL, count, NULL);
		html_timeline(r, place, count->event);
	}
	if (place->slot)
		put_heat(r, place->slot);
	fputs("</div>\n", r->out);
}

static void put_title(const struct html_report *r, const char *title, const char *subtitle)
{
	fputs("<details class=\"o\" open=\"open\"><summary><h3>", r->out);
	html_text(r->out, title);
	fputs("</h3> <small>", r->out);
	html_text(r->out, subtitle);
	fputs("</small></summary>\n", r->out);
}

void html_place(struct html_report *r, const struct html_place *place)
{
	put_title(r, place->title, place->subtitle);
	html_events_begin(r->out);
	for (size_t i = 0; i < place->events->n; i++)
		if (capture_shows(r->capture, place->events->v[i].event))
			html_events_row(r->out, &place->events->v[i], r->capture->duration_ns);
	html_events_end(r->out);
	put_figures(r, place);
	fputs("</details>\n", r->out);
}

void html_totals(const struct html_report *r, const char *title, const struct event_totals *totals)
{
	put_title(r, title, "");
	html_events_begin(r->out);
	for (int event = 0; event < NR_EVENTS; event++)
		if (capture_shows(r->capture, event) && totals->v[event].count)
			html_events_row(r->out, &totals->v[event], r->capture->duration_ns);
	html_events_end(r->out);
	fputs("<div class=\"g\">\n", r->out);
	for (int event = 0; event < NR_EVENTS; event++)
		if (capture_shows(r->capture, event) && totals->v[event].count)
			html_latency(r->out, NULL, &totals->v[event], NULL);
	fputs("</div></details>\n", r->out);
}
