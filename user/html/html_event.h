/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was counted of an event at one place, as parts of a page.
 */
#ifndef HTML_EVENT_H
#define HTML_EVENT_H

#include <stdio.h>
#include "model/model.h"

/* Places with figures, so that no page is large; those beyond have their tables. */
#define HTML_CHARTED_PLACES 240

/* How many events of each place have figures in a page of @nplaces. */
size_t html_figures(size_t nplaces);

/* A table of events: measures, errors by name, and causes below. */
void html_events_begin(FILE *out);
void html_events_row(FILE *out, const struct event_count *count, __u64 duration_ns);
void html_events_end(FILE *out);

/*
 * A figure: how long @now took, and @base drawn behind it unless it is NULL. @names are those of both
 * sides, base first; unused without @base. Nothing when neither has a histogram.
 */
void html_latency(FILE *out, const struct event_count *base, const struct event_count *now,
		  const char *const names[2]);

/* By what causes, as a stacked bar with a legend; nothing where none is known. @label: before it, or NULL. */
void html_causes(FILE *out, const struct event_count *count, const char *label);

/* "12 EAGAIN, 1 EEXIST"; nothing without errors. */
void html_errors(FILE *out, const struct event_count *count);

#endif
