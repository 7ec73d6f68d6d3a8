// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timeline of one event at one place, as two drawings.
 */
#include <stdlib.h>
#include "base/number.h"
#include "html/chart.h"
#include "model/events.h"
#include "model/percentile.h"
#include "report_html.h"

static bool is_of(const struct timeline_place *at, const struct html_place *place,
		  enum gmem_event event)
{
	if (at->event != event || at->kvm != place->vm->info.kvm || at->pid != place->vm->info.pid)
		return false;
	if (place->slot)
		return at->kind == OWNER_SLOT && at->as_id == place->slot->info.as_id &&
		       at->id == place->slot->info.id;
	if (place->gmem)
		return at->kind == OWNER_GMEM && at->ino == place->gmem->info.ino;
	return at->kind == OWNER_VM;
}

static const struct timeline_series *find(const struct timeline *t, const struct html_place *place,
					  enum gmem_event event)
{
	for (size_t i = 0; i < t->nseries; i++)
		if (is_of(&t->series[i].place, place, event))
			return &t->series[i];
	return NULL;
}

static double rate_of(const struct timeline *t, const struct event_count *count, size_t cell)
{
	__u64 ns = timeline_cell_ns(t, cell);

	return count && ns ? (double)count->count * 1e9 / (double)ns : 0;
}

/* Negative where nothing happened: there is no latency. */
static double p99_of(const struct event_count *count)
{
	return count && buckets_total(&count->latency) ? (double)percentile_ns(count, 990) : -1;
}

static double highest(const double *values, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = values[i] > most ? values[i] : most;
	return most;
}

static void put_rates(const struct html_report *r, const struct timeline_series *series,
		      double *values)
{
	const struct timeline *t = r->timeline;
	char text[NUMBER_LEN];

	for (size_t i = 0; i < t->ncells; i++)
		values[i] = rate_of(t, series->cells[i], i);
	fprintf(r->out, "<figcaption><b>%s</b> rate, up to %s/s</figcaption>\n",
		event_descs[series->place.event].name,
		number_per_second(text, highest(values, t->ncells)));
	chart_times(r->out, values, t->end_ns, t->ncells, "rate over time");
}

static void put_p99s(const struct html_report *r, const struct timeline_series *series,
		     double *values)
{
	const struct timeline *t = r->timeline;
	char text[NUMBER_LEN];

	for (size_t i = 0; i < t->ncells; i++)
		values[i] = p99_of(series->cells[i]);
	if (highest(values, t->ncells) <= 0)
		return;
	fprintf(r->out, "<figcaption>p99, up to %s</figcaption>\n",
		number_latency(text, (__u64)highest(values, t->ncells), true));
	chart_times(r->out, values, t->end_ns, t->ncells, "p99 over time");
}

void html_timeline(const struct html_report *r, const struct html_place *place,
		   enum gmem_event event)
{
	const struct timeline *t = r->timeline;
	const struct timeline_series *series = t && place->vm ? find(t, place, event) : NULL;
	double *values = series ? calloc(t->ncells, sizeof(*values)) : NULL;

	if (!values)
		return;
	fputs("<figure>\n", r->out);
	put_rates(r, series, values);
	put_p99s(r, series, values);
	chart_times_axis(r->out, t->ncells ? t->end_ns[t->ncells - 1] : 0);
	fputs("</figure>\n", r->out);
	free(values);
}
