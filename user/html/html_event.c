// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events by measures.h; causes are the details of gmem.h, of which some are no part of a whole.
 */
#include "html_event.h"
#include "chart.h"
#include "html.h"
#include "model/events.h"
#include "model/measures.h"
#include "model/percentile.h"

/* What may be said of an event besides its cause, so that it is no part of the bar. */
static const bool is_beside[NR_DETAILS] = {
	[DETAIL_FAULT_PREFETCH] = true,
	[DETAIL_CONVERT_AGAIN] = true,
	[DETAIL_CONVERT_NOOP] = true,
};

#define FIGURES_MAX 4 /* of a place */

size_t html_figures(size_t nplaces)
{
	size_t n = HTML_CHARTED_PLACES / (nplaces ?: 1);

	return n > FIGURES_MAX ? FIGURES_MAX : n ?: 1;
}

/* ---- The table ---- */

/* Errors have a column of their own, at the end, by name. */
static bool has_column(int id)
{
	return id != MEASURE_ERRORS;
}

void html_events_begin(FILE *out)
{
	fputs("<table class=\"e\"><thead><tr><th>event</th>", out);
	for (int id = 0; id < NR_MEASURES; id++)
		if (has_column(id))
			fprintf(out, "<th>%s</th>", measures[id].heading);
	fputs("<th>errors</th></tr></thead><tbody>\n", out);
}

void html_events_end(FILE *out)
{
	fputs("</tbody></table>\n", out);
}

void html_errors(FILE *out, const struct event_count *count)
{
	const char *comma = "";

	for (size_t i = 0; i < count->nerrs; i++) {
		__u64 n = event_errors_alike(count, i);

		if (n)
			fprintf(out, "%s%llu %s", comma, n, errno_name(count->errs[i].err));
		comma = ", ";
	}
}

static void put_cell(FILE *out, enum measure_id id, const struct event_count *count,
		     __u64 duration_ns)
{
	struct measured measured = measure_read(id, count, duration_ns);
	char text[NUMBER_LEN];

	if (measured.known)
		fprintf(out, "<td data-h=\"%s\">%s</td>", measures[id].heading,
			measure_text(text, measures[id].unit, &measured, true));
	else
		fputs("<td></td>", out);
}

void html_events_row(FILE *out, const struct event_count *count, __u64 duration_ns)
{
	fprintf(out, "<tr><th>%s</th>", event_descs[count->event].name);
	for (int id = 0; id < NR_MEASURES; id++)
		if (has_column(id))
			put_cell(out, id, count, duration_ns);
	fputs(count->nerrs ? "<td class=\"warn\" data-h=\"errors\">" : "<td>", out);
	html_errors(out, count);
	fputs("</td></tr>\n", out);
	if (!count->ndetails)
		return;
	fprintf(out, "<tr class=\"k\"><td colspan=\"%d\">", NR_MEASURES + 1);
	html_causes(out, count, NULL);
	fputs("</td></tr>\n", out);
}

/* ---- Causes ---- */

static void put_key(FILE *out, int color, __u64 n, const char *name, const struct event_count *of)
{
	fputs("<li>", out);
	if (color >= 0)
		fprintf(out, "<i class=\"p%d\"></i>", color);
	fprintf(out, "%llu %s", n, name);
	if (of->count)
		fprintf(out, " (%.3g %%)", (double)n / (double)of->count * 100);
	fputs("</li>", out);
}

static unsigned int color_of(const struct detail_count *detail, enum gmem_event event)
{
	return (unsigned int)((int)detail->detail - events_first_detail(event)) % CHART_COLORS;
}

/* The parts of the bar; how many. What no cause is known of is the last. */
static size_t parts_of(const struct event_count *count, struct chart_part parts[NR_DETAILS + 1],
		       __u64 *sum)
{
	size_t n = 0;

	*sum = 0;
	for (size_t i = 0; i < count->ndetails; i++) {
		if (is_beside[count->details[i].detail])
			continue;
		parts[n].color = color_of(&count->details[i], count->event);
		parts[n++].count = count->details[i].count;
		*sum += count->details[i].count;
	}
	if (*sum < count->count)
		parts[n++] = (struct chart_part){ CHART_REST, count->count - *sum };
	return n;
}

void html_causes(FILE *out, const struct event_count *count, const char *label)
{
	struct chart_part parts[NR_DETAILS + 1];
	size_t nparts;
	__u64 sum;

	if (!count->ndetails)
		return;
	nparts = parts_of(count, parts, &sum);
	if (sum)
		chart_bar(out, parts, nparts, sum > count->count ? sum : count->count, "causes");
	fputs("<ul class=\"k\">", out);
	if (label) {
		fputs("<li>", out);
		html_text(out, label);
		fputs("</li>", out);
	}
	for (size_t i = 0; i < count->ndetails; i++) {
		const struct detail_count *detail = &count->details[i];

		put_key(out, is_beside[detail->detail] ? -1 : (int)color_of(detail, count->event),
			detail->count, detail_descs[detail->detail].name, count);
	}
	if (sum && sum < count->count)
		put_key(out, CHART_REST, count->count - sum, "others", count);
	fputs("</ul>\n", out);
}

/* ---- Latencies ---- */

static void put_percentiles(FILE *out, const struct event_count *count)
{
	static const enum measure_id ids[] = { MEASURE_P50, MEASURE_P99, MEASURE_MAX };
	char text[NUMBER_LEN];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct measured measured = measure_read(ids[i], count, 0);

		fprintf(out, " %s %s", measures[ids[i]].heading,
			measure_text(text, MEASURE_NS, &measured, true));
	}
}

static void put_side(FILE *out, const char *class, const char *name,
		     const struct event_count *count)
{
	fprintf(out,
		" <svg class=\"key\" viewBox=\"0 0 1 1\"><rect class=\"%s\" width=\"1\" "
		"height=\"1\" /></svg> ",
		class);
	html_text(out, name);
	put_percentiles(out, count);
}

void html_latency(FILE *out, const struct event_count *base, const struct event_count *now,
		  const char *const names[2])
{
	if (!(base && buckets_total(&base->latency)) && !(now && buckets_total(&now->latency)))
		return;
	fprintf(out, "<figure><figcaption><b>%s</b> latency",
		event_descs[(base ?: now)->event].name);
	if (!base)
		put_percentiles(out, now);
	if (base)
		put_side(out, "b", names[0], base);
	if (base && now)
		put_side(out, "n", names[1], now);
	fputs("</figcaption>\n", out);
	chart_latency(out, base, now);
	fputs("</figure>\n", out);
}
