// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures as a table, and how each is read.
 */
#include "measures.h"
#include <stdio.h>
#include "events.h"
#include "percentile.h"

const struct measure measures[NR_MEASURES] = {
	[MEASURE_EVENTS] = { "count", "count", MEASURE_COUNT, 0 },
	[MEASURE_RATE] = { "rate_per_s", "rate/s", MEASURE_PER_SECOND, 0 },
	[MEASURE_PAGES] = { "pages", "pages", MEASURE_COUNT, EVENT_PAGES },
	[MEASURE_ERRORS] = { "errors", "errors", MEASURE_COUNT, EVENT_ERRNO },
	[MEASURE_SUM] = { "sum_ns", "total", MEASURE_NS, EVENT_LATENCY },
	[MEASURE_MEAN] = { "mean_ns", "mean", MEASURE_NS, EVENT_LATENCY },
	[MEASURE_P50] = { "p50_ns", "p50", MEASURE_NS, EVENT_LATENCY },
	[MEASURE_P90] = { "p90_ns", "p90", MEASURE_NS, EVENT_LATENCY },
	[MEASURE_P99] = { "p99_ns", "p99", MEASURE_NS, EVENT_LATENCY },
	[MEASURE_P999] = { "p999_ns", "p99.9", MEASURE_NS, EVENT_LATENCY },
	[MEASURE_MAX] = { "max_ns", "max", MEASURE_NS, EVENT_LATENCY },
};

static struct measured exactly(__u64 value)
{
	return (struct measured){ true, value, (double)value };
}

static struct measured percentile(const struct event_count *count, unsigned int per_mille)
{
	/* Without a histogram: it was lost, or all of it is below --min-latency. */
	if (!buckets_total(&count->latency))
		return (struct measured){};
	return exactly(percentile_ns(count, per_mille));
}

static struct measured rate(const struct event_count *count, __u64 duration_ns)
{
	if (!duration_ns)
		return (struct measured){};
	return (struct measured){ true, 0, (double)count->count * 1e9 / (double)duration_ns };
}

static struct measured read_time(enum measure_id id, const struct event_count *count)
{
	if (!event_count_timed(count))
		return (struct measured){};
	switch (id) {
	case MEASURE_SUM:
		/* That of some of them is not that of all. */
		return count->untimed ? (struct measured){} : exactly(count->sum_ns);
	case MEASURE_MEAN:
		return exactly(count->sum_ns / event_count_timed(count));
	case MEASURE_P50:
		return percentile(count, 500);
	case MEASURE_P90:
		return percentile(count, 900);
	case MEASURE_P99:
		return percentile(count, 990);
	case MEASURE_P999:
		return percentile(count, 999);
	default:
		return exactly(count->max_ns);
	}
}

struct measured measure_read(enum measure_id id, const struct event_count *count, __u64 duration_ns)
{
	const struct measure *measure = &measures[id];

	if (measure->carries && !(event_descs[count->event].carries & measure->carries))
		return (struct measured){};
	switch (id) {
	case MEASURE_EVENTS:
		return exactly(count->count);
	case MEASURE_RATE:
		return rate(count, duration_ns);
	case MEASURE_PAGES:
		return exactly(count->npages);
	case MEASURE_ERRORS:
		return exactly(event_count_errors(count));
	default:
		return read_time(id, count);
	}
}

const char *measure_text(char buf[NUMBER_LEN], enum measure_unit unit,
			 const struct measured *measured, bool utf8)
{
	if (!measured->known)
		snprintf(buf, NUMBER_LEN, "-");
	else if (unit == MEASURE_NS)
		number_latency(buf, measured->exact, utf8);
	else if (unit == MEASURE_PER_SECOND)
		number_per_second(buf, measured->value);
	else
		snprintf(buf, NUMBER_LEN, "%llu", measured->exact);
	return buf;
}

struct measured measure_change(const struct measured *before, const struct measured *now)
{
	if (!before->known || !now->known || before->value <= 0)
		return (struct measured){};
	return (struct measured){ true, 0, now->value / before->value - 1 };
}
