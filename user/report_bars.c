// SPDX-License-Identifier: GPL-2.0-only
/*
 * The histogram of one event as bars: merging fine buckets to what a person can look at, and
 * drawing it.
 */
#include <string.h>
#include "number.h"
#include "percentile.h"
#include "report_bars.h"
#include "text.h"

#define BAR_INDENT 2
#define BAR_WIDEST 100

/* The bar of a bucket when @step buckets make one; the first and last bucket are by themselves. */
static unsigned int bar_of(unsigned int bucket, unsigned int step)
{
	if (bucket == 0)
		return 0;
	if (bucket == HIST_BUCKETS - 1)
		return (HIST_BUCKETS - 3) / step + 2;
	return (bucket - 1) / step + 1;
}

/* Add the bucket to the bars; false when there is no room for another. */
static bool add_bucket(struct bar *bars, size_t *n, unsigned int bucket, __u64 count, bool new)
{
	if (new) {
		if (*n == BARS_MAX)
			return false;
		bars[*n].low_ns = hist_low_ns(bucket);
		bars[*n].count = 0;
		(*n)++;
	}
	bars[*n - 1].high_ns = hist_high_ns(bucket);
	bars[*n - 1].count += count;
	return true;
}

/* Whether this bar may join the one before because both are empty. */
static bool is_gap(const struct event_count *count, unsigned int bucket, unsigned int step)
{
	unsigned int bar = bar_of(bucket, step), i;

	for (i = bucket; i < HIST_BUCKETS && bar_of(i, step) == bar; i++)
		if (count->bucket[i])
			return false;
	return true;
}

static size_t merge_by(const struct event_count *count, struct bar *bars, unsigned int step,
		       bool join_gaps)
{
	unsigned int first = 0, last = HIST_BUCKETS - 1, i;
	bool in_gap = false;
	size_t n = 0;

	while (first < last && !count->bucket[first])
		first++;
	while (last > first && !count->bucket[last])
		last--;
	/* Bars begin and end at their own bounds, whatever was seen in them. */
	while (first && bar_of(first - 1, step) == bar_of(first, step))
		first--;
	while (last < HIST_BUCKETS - 1 && bar_of(last + 1, step) == bar_of(last, step))
		last++;
	for (i = first; i <= last; i++) {
		bool new = i == first || bar_of(i, step) != bar_of(i - 1, step);

		if (new && join_gaps) {
			bool gap = is_gap(count, i, step);

			new = !(gap && in_gap);
			in_gap = gap;
		}
		if (!add_bucket(bars, &n, i, count->bucket[i], new))
			return 0;
	}
	return n;
}

static bool is_empty(const struct event_count *count)
{
	int i;

	for (i = 0; count->bucket && i < HIST_BUCKETS; i++)
		if (count->bucket[i])
			return false;
	return true;
}

size_t bars_merge(const struct event_count *count, struct bar bars[BARS_MAX])
{
	/* An octave has 16 buckets. Finer than that, a gap would hide how far apart things are. */
	static const struct {
		unsigned int step;
		bool join_gaps;
	} tries[] = { { 2, false }, { 4, false }, { 8, false }, { 16, true }, { 32, true } };
	size_t i, n = 0;

	if (is_empty(count))
		return 0;
	for (i = 0; !n && i < sizeof(tries) / sizeof(tries[0]); i++)
		n = merge_by(count, bars, tries[i].step, tries[i].join_gaps);
	return n;
}

/* @eighths of a column in blocks; without UTF-8 whole columns, but at least one. */
static void put_bar(FILE *out, unsigned int eighths, bool utf8)
{
	static const char *const parts[] = { "", "\u258f", "\u258e", "\u258d",
					     "\u258c", "\u258b", "\u258a", "\u2589" };
	unsigned int i;

	if (!utf8)
		eighths = (eighths + 7) / 8 * 8;
	for (i = 0; i < eighths / 8; i++)
		fputs(utf8 ? "\u2588" : "#", out);
	fputs(parts[eighths % 8], out);
}

/* As long as @count to @most, in eighths of a column; nothing that happened is invisible. */
static unsigned int bar_eighths(__u64 count, __u64 most, unsigned int columns)
{
	unsigned int eighths = (double)count / (double)most * columns * 8 + 0.5;

	return count && !eighths ? 1 : eighths;
}

static void put_bounds(FILE *out, const struct bar *bar, bool utf8)
{
	char low[NUMBER_LEN], high[NUMBER_LEN];

	number_latency(low, bar->low_ns, utf8);
	if (bar->high_ns)
		number_latency(high, bar->high_ns, utf8);
	else
		strcpy(high, "...");
	fprintf(out, "%*s%*s%s - %s%*s", BAR_INDENT, "", 6 - (int)text_width(low), "", low, high,
		6 - (int)text_width(high), "");
}

static __u64 most_events(const struct bar *bars, size_t n)
{
	__u64 most = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (bars[i].count > most)
			most = bars[i].count;
	return most;
}

void bars_write(FILE *out, const struct event_count *count, const struct report_style *style,
		unsigned int columns)
{
	struct bar bars[BARS_MAX];
	size_t i, n = bars_merge(count, bars);
	__u64 most = most_events(bars, n);
	char digits[NUMBER_LEN];
	unsigned int room;
	int width;

	width = snprintf(digits, sizeof(digits), "%llu", most);
	width = width < 6 ? 6 : width;
	/* Two bounds of 6 with " - " between them, the count, and two blanks. */
	room = columns - (BAR_INDENT + 15 + width + 2);
	room = room > BAR_WIDEST ? BAR_WIDEST : room;
	for (i = 0; i < n; i++) {
		put_bounds(out, &bars[i], style->utf8);
		fprintf(out, "%*llu", width, bars[i].count);
		if (bars[i].count) {
			fputs(style->color ? "  \033[36m" : "  ", out);
			put_bar(out, bar_eighths(bars[i].count, most, room), style->utf8);
			fputs(style->color ? "\033[0m" : "", out);
		}
		fputc('\n', out);
	}
}
