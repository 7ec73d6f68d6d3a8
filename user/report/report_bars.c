// SPDX-License-Identifier: GPL-2.0-only
/*
 * The histogram of one event as bars: merging fine buckets to what a person can look at, and
 * drawing it.
 */
#include <string.h>
#include "base/number.h"
#include "base/text.h"
#include "model/percentile.h"
#include "report_bars.h"

#define BAR_INDENT 2
#define BAR_WIDEST 100

#define OCTAVE HIST_SUB

/*
 * How buckets make bars: @fine to a bar from @from up to @to, where nearly all events are, and
 * @coarse to a bar in the tails, so that a few outliers do not flatten everything else.
 */
struct scale {
	unsigned int from, to;
	unsigned int fine, coarse;
};

/* The first bucket of @bucket's octave; the first and the last bucket are not part of one. */
static unsigned int octave_begin(unsigned int bucket)
{
	if (bucket == 0 || bucket == HIST_BUCKETS - 1)
		return bucket;
	return (bucket - 1) / OCTAVE * OCTAVE + 1;
}

static unsigned int octave_end(unsigned int bucket)
{
	if (bucket == 0 || bucket == HIST_BUCKETS - 1)
		return bucket + 1;
	return octave_begin(bucket) + OCTAVE;
}

static unsigned int scale_step(const struct scale *scale, unsigned int bucket)
{
	return bucket >= scale->from && bucket < scale->to ? scale->fine : scale->coarse;
}

/* The first bucket of the bar that @bucket is in, and the first one after it. */
static unsigned int bar_begin(const struct scale *scale, unsigned int bucket)
{
	unsigned int step = scale_step(scale, bucket);

	if (bucket == 0 || bucket == HIST_BUCKETS - 1)
		return bucket;
	return (bucket - 1) / step * step + 1;
}

static unsigned int bar_end(const struct scale *scale, unsigned int bucket)
{
	if (bucket == 0 || bucket == HIST_BUCKETS - 1)
		return bucket + 1;
	return bar_begin(scale, bucket) + scale_step(scale, bucket);
}

static __u64 sum_buckets(const struct event_count *count, unsigned int from, unsigned int to)
{
	__u64 sum = 0;

	for (; from < to; from++)
		sum += buckets_at(&count->latency, from);
	return sum;
}

/* Merge the buckets from @first to @last; 0 when that takes more than BARS_MAX bars. */
static size_t merge(const struct event_count *count, struct bar *bars, const struct scale *scale,
		    unsigned int first, unsigned int last)
{
	unsigned int i = bar_begin(scale, first), end;
	size_t n = 0;

	for (; i <= last; i = end) {
		__u64 sum;

		end = bar_end(scale, i);
		sum = sum_buckets(count, i, end);
		/* Empty neighbours are one. */
		if (!sum && n && !bars[n - 1].count) {
			bars[n - 1].high_ns = hist_high_ns(end - 1);
			continue;
		}
		if (n == BARS_MAX)
			return 0;
		bars[n].low_ns = hist_low_ns(i);
		bars[n].high_ns = hist_high_ns(end - 1);
		bars[n++].count = sum;
	}
	return n;
}

size_t bars_merge(const struct event_count *count, struct bar bars[BARS_MAX])
{
	/* Two octaves to a bar always fit; no tail is then left over. */
	static const unsigned int steps[][2] = {
		{ 2, OCTAVE },
		{ 4, OCTAVE },
		{ 8, OCTAVE },
		{ OCTAVE, OCTAVE },
		{ 2 * OCTAVE, 2 * OCTAVE },
	};
	unsigned int first = 0, last = HIST_BUCKETS - 1;
	size_t i, n = 0;

	if (!buckets_total(&count->latency))
		return 0;
	while (!buckets_at(&count->latency, first))
		first++;
	while (!buckets_at(&count->latency, last))
		last--;
	for (i = 0; !n; i++) {
		struct scale scale = {
			.from = octave_begin(hist_bucket(percentile_ns(count, 50))),
			.to = octave_end(hist_bucket(percentile_ns(count, 950))),
			.fine = steps[i][0],
			.coarse = steps[i][1],
		};

		n = merge(count, bars, &scale, first, last);
	}
	return n;
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

#define MARKS_WIDTH 20 /* "  p50 p90 p99 max" and some room */

/* Which percentiles are in the bar. */
static void put_marks(FILE *out, const struct bar *bar, const struct event_count *count)
{
	const struct {
		const char *name;
		__u64 ns;
	} marks[] = {
		{ "p50", percentile_ns(count, 500) },
		{ "p90", percentile_ns(count, 900) },
		{ "p99", percentile_ns(count, 990) },
		{ "max", count->max_ns },
	};
	const char *blanks = "  ";

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (bar->count && marks[i].ns >= bar->low_ns &&
		    (!bar->high_ns || marks[i].ns < bar->high_ns)) {
			fprintf(out, "%s%s", blanks, marks[i].name);
			blanks = " ";
		}
}

static void write_bars(FILE *out, const struct event_count *count, const struct text_style *style,
		       unsigned int columns, bool marked)
{
	struct bar bars[BARS_MAX];
	size_t i, n = bars_merge(count, bars);
	__u64 most = most_events(bars, n);
	char digits[NUMBER_LEN], blocks[TEXT_BLOCKS_SIZE(BAR_WIDEST)];
	unsigned int room;
	int width;

	width = snprintf(digits, sizeof(digits), "%llu", most);
	width = width < 6 ? 6 : width;
	/* Two bounds of 6 with " - " between them, the count, and two blanks. */
	room = columns - (BAR_INDENT + 15 + width + 2 + (marked ? MARKS_WIDTH : 0));
	room = room > BAR_WIDEST ? BAR_WIDEST : room;
	for (i = 0; i < n; i++) {
		put_bounds(out, &bars[i], style->utf8);
		fprintf(out, "%*llu", width, bars[i].count);
		if (bars[i].count) {
			fputs(style->color ? "  \033[36m" : "  ", out);
			fputs(text_blocks(blocks, bar_eighths(bars[i].count, most, room),
					  style->utf8),
			      out);
			fputs(style->color ? "\033[0m" : "", out);
		}
		if (marked)
			put_marks(out, &bars[i], count);
		fputc('\n', out);
	}
}

void bars_write(FILE *out, const struct event_count *count, const struct text_style *style,
		unsigned int columns)
{
	write_bars(out, count, style, columns, false);
}

void bars_write_marked(FILE *out, const struct event_count *count, const struct text_style *style,
		       unsigned int columns)
{
	write_bars(out, count, style, columns, true);
}
