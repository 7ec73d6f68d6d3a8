// SPDX-License-Identifier: GPL-2.0-only
/*
 * A diff as a page: what differs, then for each place and event a table, and for those that took longest
 * the latencies of both sides over each other, and their causes.
 */
#include "html/html_event.h"
#include "html/html.h"
#include "model/events.h"
#include "report_diff.h"

static const char *const names[] = { "A", "B" };

static void put_head(FILE *out, const struct diff *diff)
{
	char differs[DIFF_DIFFERS_LEN];

	html_element(out, "h1", "guest_memfd: two captures side by side");
	html_element(out, "p", "They differ in %s.", report_diff_differs(differs, diff));
	fputs("<table class=\"w\"><thead><tr><th></th><th>A</th><th>B</th></tr></thead><tbody>\n",
	      out);
	for (size_t i = 0; i < diff->nfacts; i++) {
		const struct diff_fact *fact = &diff->facts[i];

		fprintf(out, fact->differs ? "<tr><td><b>%s</b></td>" : "<tr><td>%s</td>",
			fact->name);
		for (int s = 0; s < DIFF_SIDES; s++) {
			fprintf(out, "<td data-h=\"%s\">", names[s]);
			html_text(out, fact->text[s]);
			fputs("</td>", out);
		}
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
}

static void put_line(FILE *out, const struct diff_line *line)
{
	char text[NUMBER_LEN], change[DIFF_CHANGE_LEN];

	fprintf(out, "<tr><th>%s</th>", line->name);
	for (int s = 0; s < DIFF_SIDES; s++)
		fprintf(out, "<td>%s</td>", measure_text(text, line->unit, &line->side[s], true));
	fprintf(out, "<td>%s</td></tr>\n", diff_change(change, line));
}

static void put_table(FILE *out, const struct diff_event *event)
{
	fprintf(out,
		"<table class=\"d\"><thead><tr><th><b>%s</b></th><th>A</th><th>B</th><th>change</th>"
		"</tr></thead><tbody>\n",
		event_descs[event->event].name);
	for (size_t i = 0; i < event->nlines; i++)
		put_line(out, &event->lines[i]);
	fputs("</tbody></table>\n", out);
}

static void put_figures(FILE *out, const struct diff_event *event)
{
	html_latency(out, event->count[DIFF_A], event->count[DIFF_B], names);
	for (int s = 0; s < DIFF_SIDES; s++)
		if (event->count[s])
			html_causes(out, event->count[s], names[s]);
}

/* The longest first. */
static __u64 time_of(const struct diff_event *event)
{
	__u64 a = event->count[DIFF_A] ? event->count[DIFF_A]->sum_ns : 0;
	__u64 b = event->count[DIFF_B] ? event->count[DIFF_B]->sum_ns : 0;

	return a > b ? a : b;
}

/* Whether fewer than @n events of the place took longer. */
static bool is_among(const struct diff_place *place, size_t at, size_t n)
{
	size_t longer = 0;

	for (size_t i = 0; i < place->nevents; i++)
		longer += time_of(&place->events[i]) > time_of(&place->events[at]) ||
			  (i < at && time_of(&place->events[i]) == time_of(&place->events[at]));
	return longer < n;
}

static void put_place(FILE *out, const struct diff *diff, size_t index)
{
	const struct diff_place *place = &diff->places[index];
	size_t nfigures = index < HTML_CHARTED_PLACES ? html_figures(diff->nplaces) : 0;
	char name[DIFF_PLACE_LEN];

	fputs("<details class=\"o\" open=\"open\"><summary><h3>", out);
	html_text(out, diff_place_name(name, place, true));
	fputs("</h3></summary>\n", out);
	fputs("<div class=\"g\">\n", out);
	for (size_t i = 0; i < place->nevents; i++) {
		fputs("<div>\n", out);
		put_table(out, &place->events[i]);
		if (is_among(place, i, nfigures))
			put_figures(out, &place->events[i]);
		fputs("</div>\n", out);
	}
	fputs("</div>\n", out);
	fputs("</details>\n", out);
}

int report_diff_html(FILE *out, const struct diff *diff, const struct text_style *style)
{
	(void)style;
	html_begin(out, "guest_memfd: two captures side by side");
	put_head(out, diff);
	if (!diff->nplaces)
		html_element(out, "p", "No event was seen in either.");
	for (size_t i = 0; i < diff->nplaces; i++)
		put_place(out, diff, i);
	html_end(out);
	return 0;
}
