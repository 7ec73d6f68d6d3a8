/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Charts as inline SVG. A drawing is stretched to the width there is; what is written beside it is
 * HTML, which keeps its size. What a drawing shows is in its label, too, for those who hear pages.
 */
#ifndef CHART_H
#define CHART_H

#include <stdio.h>
#include "model/model.h"

#define CHART_WIDTH 1000 /* of a drawing, whatever it is stretched to */
#define CHART_HEIGHT 100

/* ---- Arithmetic ---- */

/* A logarithmic axis of latencies, of whole octaves. */
struct chart_axis {
	double low, high; /* log2 of ns */
};

/* Where all of @a and @b are, or of one of them if the other is NULL. One of them has something. */
struct chart_axis chart_axis_of(const struct buckets *a, const struct buckets *b);

/* Where @ns is: 0 to CHART_WIDTH. */
unsigned int chart_axis_at(const struct chart_axis *axis, double ns);

/* What is written at the axis, ascending, into @ticks_ns; how many: 1 to CHART_TICKS. */
#define CHART_TICKS 5
size_t chart_axis_ticks(const struct chart_axis *axis, __u64 ticks_ns[CHART_TICKS]);

/* One step of a distribution: some buckets. */
struct chart_step {
	unsigned int from, to; /* on the axis */
	double density; /* share of all events by octave; 0: none fell into it */
};

/* The steps of @buckets, ascending and without holes, empty ones as well; how many. */
#define CHART_STEPS 130
size_t chart_steps(const struct buckets *buckets, const struct chart_axis *axis,
		   struct chart_step steps[CHART_STEPS]);

/* How high @value is drawn of @most; at least 1 for what is above 0. */
unsigned int chart_height(double value, double most);

/* ---- Drawings ---- */

/*
 * How long events took, on a log axis, with what is written at it. @base: drawn behind it, or NULL. Each is
 * drawn by its shares. Nothing when neither has a histogram.
 */
void chart_latency(FILE *out, const struct event_count *base, const struct event_count *now);

/* A part of a bar. */
struct chart_part {
	unsigned int color; /* below CHART_COLORS; CHART_REST */
	__u64 count;
};

#define CHART_COLORS 9
#define CHART_REST CHART_COLORS /* what nothing is known of */

/* A bar, @nparts in a row; as long as @of of @most is. */
void chart_bar(FILE *out, const struct chart_part *parts, size_t nparts, __u64 most,
	       const char *label);

/* What was when: steps that end at @end_ns; a hole where a value is negative. */
void chart_times(FILE *out, const double *values, const __u64 *end_ns, size_t n, const char *label);

/* What is written below it. */
void chart_times_axis(FILE *out, __u64 end_ns);

/* Cells in a row, the darker the more; what is in none of them is left blank. */
void chart_cells(FILE *out, const __u64 *cells, size_t n, const char *label);

#endif
