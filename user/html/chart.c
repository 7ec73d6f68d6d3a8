// SPDX-License-Identifier: GPL-2.0-only
/*
 * The drawings. Numbers in them are whole, and lines go along one axis at a time, so that a page of
 * hundreds of them is small.
 */
#include "chart.h"
#include <math.h>
#include "base/number.h"
#include "html.h"
#include "model/percentile.h"

static void begin(FILE *out, const char *class, unsigned int width, unsigned int height,
		  const char *label)
{
	fprintf(out,
		"<svg class=\"%s\" viewBox=\"0 0 %u %u\" preserveAspectRatio=\"none\" role=\"img\""
		" aria-label=\"",
		class, width, height);
	html_text(out, label);
	fputs("\">", out);
}

static void end(FILE *out)
{
	fputs("</svg>\n", out);
}

/* ---- Distributions ---- */

static double densest(const struct chart_step *steps, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, steps[i].density);
	return most;
}

static void put_steps(FILE *out, const char *class, const struct chart_step *steps, size_t n,
		      double most)
{
	unsigned int at = CHART_HEIGHT;

	fprintf(out, "<path class=\"%s\" d=\"M%u %u", class, n ? steps[0].from : 0, at);
	for (size_t i = 0; i < n; i++) {
		unsigned int y = CHART_HEIGHT - chart_height(steps[i].density, most);

		if (y != at)
			fprintf(out, "V%u", y);
		at = y;
		if (i + 1 == n || chart_height(steps[i + 1].density, most) != CHART_HEIGHT - y)
			fprintf(out, "H%u", steps[i].to);
	}
	fprintf(out, "V%uZ\" />", CHART_HEIGHT);
}

static void put_mark(FILE *out, const struct chart_axis *axis, const struct event_count *count,
		     unsigned int per_mille)
{
	fprintf(out, "<path class=\"m\" d=\"M%u 0V%u\" />",
		chart_axis_at(axis, (double)percentile_ns(count, per_mille)), CHART_HEIGHT);
}

static void put_ticks(FILE *out, const struct chart_axis *axis)
{
	__u64 ticks_ns[CHART_TICKS];
	size_t n = chart_axis_ticks(axis, ticks_ns);
	char text[NUMBER_LEN];

	fputs("<div class=\"x\">", out);
	for (size_t i = 0; i < n; i++) {
		unsigned int at = chart_axis_at(axis, (double)ticks_ns[i]);

		fprintf(out, "<span class=\"%s\" style=\"left:%g%%\">%s</span>",
			at < CHART_WIDTH / 12	     ? "a"
			: at > CHART_WIDTH * 11 / 12 ? "z"
						     : "t",
			at * 100.0 / CHART_WIDTH, number_latency(text, ticks_ns[i], true));
	}
	fputs("</div>\n", out);
}

void chart_latency(FILE *out, const struct event_count *base, const struct event_count *now)
{
	bool has_base = base && buckets_total(&base->latency);
	bool has_now = now && buckets_total(&now->latency);
	struct chart_step before[CHART_STEPS], after[CHART_STEPS];
	struct chart_axis axis;
	size_t nbefore = 0, nafter = 0;
	double most;

	if (!has_base && !has_now)
		return;
	axis = chart_axis_of(has_base ? &base->latency : NULL, has_now ? &now->latency : NULL);
	if (has_base)
		nbefore = chart_steps(&base->latency, &axis, before);
	if (has_now)
		nafter = chart_steps(&now->latency, &axis, after);
	most = fmax(densest(before, nbefore), densest(after, nafter));
	begin(out, "c", CHART_WIDTH, CHART_HEIGHT, "distribution of latencies");
	if (has_base)
		put_steps(out, "b", before, nbefore, most);
	if (has_now) {
		put_steps(out, "n", after, nafter, most);
		put_mark(out, &axis, now, 500);
		put_mark(out, &axis, now, 990);
	}
	end(out);
	put_ticks(out, &axis);
}

/* ---- Bars ---- */

void chart_bar(FILE *out, const struct chart_part *parts, size_t nparts, __u64 most,
	       const char *label)
{
	double x = 0;

	begin(out, "s", CHART_WIDTH, 1, label);
	for (size_t i = 0; i < nparts && most; i++) {
		double width = (double)parts[i].count / (double)most * CHART_WIDTH;

		/* What happened is seen. */
		if (parts[i].count)
			fprintf(out,
				"<rect class=\"p%u\" x=\"%.0f\" width=\"%.0f\" height=\"1\" />",
				parts[i].color, fmin(x, CHART_WIDTH - 1), fmax(width, 1));
		x += width;
	}
	end(out);
}

/* ---- Times ---- */

void chart_times(FILE *out, const double *values, const __u64 *end_ns, size_t n, const char *label)
{
	double most = 0, all = n ? (double)end_ns[n - 1] : 0;
	bool is_drawn = false;
	unsigned int from = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, values[i]);
	begin(out, "c", CHART_WIDTH, CHART_HEIGHT, label);
	fputs("<path class=\"l\" d=\"M0 100", out);
	for (size_t i = 0; i < n && all > 0; i++) {
		unsigned int to = (unsigned int)lround((double)end_ns[i] / all * CHART_WIDTH);
		unsigned int y = CHART_HEIGHT - chart_height(fmax(values[i], 0), most);

		if (values[i] >= 0 && is_drawn)
			fprintf(out, "V%uH%u", y, to);
		else if (values[i] >= 0)
			fprintf(out, "M%u %uH%u", from, y, to);
		is_drawn = values[i] >= 0;
		from = to;
	}
	fputs("\" />", out);
	end(out);
}

void chart_times_axis(FILE *out, __u64 end_ns)
{
	double seconds = (double)end_ns / 1e9;

	fprintf(out,
		"<div class=\"x\"><span class=\"a\">0 s</span><span class=\"t\" style=\"left:50%%\">"
		"%.3g s</span><span class=\"z\" style=\"left:100%%\">%.3g s</span></div>\n",
		seconds / 2, seconds);
}

/* ---- Heat maps ---- */

#define LEVELS 5

/* 0: nothing; else by the logarithm: what happened once is seen beside what happened a million times. */
static unsigned int level_of(__u64 count, __u64 most)
{
	if (!count)
		return 0;
	return 1 + (unsigned int)(log2((double)count) / (log2((double)most) + 1) * LEVELS);
}

void chart_cells(FILE *out, const __u64 *cells, size_t n, const char *label)
{
	__u64 most = 0;

	for (size_t i = 0; i < n; i++)
		most = cells[i] > most ? cells[i] : most;
	begin(out, "h", (unsigned int)n, 1, label);
	for (size_t i = 0, next; i < n; i = next) {
		unsigned int level = level_of(cells[i], most);

		for (next = i + 1; next < n && level_of(cells[next], most) == level; next++)
			;
		if (level)
			fprintf(out, "<rect class=\"v%u\" x=\"%zu\" width=\"%zu\" height=\"1\" />",
				level, i, next - i);
	}
	end(out);
}
