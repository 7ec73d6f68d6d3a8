// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arithmetic of charts.
 */
#include <math.h>
#include "chart.h"
#include "hist.h"

/* The first bucket has no lower bound on a log axis, the last no upper one: each is an octave. */
#define LOWEST_BITS (HIST_MIN_BITS - 1)
#define HIGHEST_BITS (HIST_MAX_BITS + 1)

/* Finer than that is not seen. */
#define STEPS_WANTED 128

static double low_bits(unsigned int bucket)
{
	return bucket ? log2((double)hist_low_ns(bucket)) : LOWEST_BITS;
}

static double high_bits(unsigned int bucket)
{
	return bucket == HIST_BUCKETS - 1 ? HIGHEST_BITS : log2((double)hist_high_ns(bucket));
}

/* What is filled of @buckets, which may be wider than that; false: nothing is. */
static bool filled(const struct buckets *buckets, unsigned int *first, unsigned int *last)
{
	bool any = false;

	for (unsigned int i = 0; buckets && i < buckets->n; i++) {
		if (!buckets->v[i])
			continue;
		if (!any)
			*first = buckets->first + i;
		*last = buckets->first + i;
		any = true;
	}
	return any;
}

struct chart_axis chart_axis_of(const struct buckets *a, const struct buckets *b)
{
	const struct buckets *both[] = { a, b };
	struct chart_axis axis = { HIGHEST_BITS, LOWEST_BITS };

	for (int i = 0; i < 2; i++) {
		unsigned int first, last;

		if (!filled(both[i], &first, &last))
			continue;
		axis.low = fmin(axis.low, floor(low_bits(first)));
		axis.high = fmax(axis.high, ceil(high_bits(last)));
	}
	return axis;
}

unsigned int chart_axis_at(const struct chart_axis *axis, double ns)
{
	double at = ns > 1 ? (log2(ns) - axis->low) / (axis->high - axis->low) : 0;

	return (unsigned int)lround(fmin(fmax(at, 0), 1) * CHART_WIDTH);
}

static bool is_on(const struct chart_axis *axis, double ns)
{
	return log2(ns) >= axis->low && log2(ns) <= axis->high;
}

/* Those of @factors times a power of ten that are on the axis, each @every-th; how many. */
static size_t ticks_of(const struct chart_axis *axis, unsigned int nfactors, size_t every,
		       __u64 ticks_ns[CHART_TICKS])
{
	static const unsigned int factors[] = { 1, 2, 5 };
	size_t n = 0;

	for (__u64 unit = 10; unit <= 100000000000ULL; unit *= 10)
		for (unsigned int i = 0; i < nfactors; i++) {
			if (!is_on(axis, (double)(unit * factors[i])))
				continue;
			if (n % every == 0 && n / every < CHART_TICKS)
				ticks_ns[n / every] = unit * factors[i];
			n++;
		}
	return n;
}

/* Powers of ten, of which every second, third ... if there are many; with 2 and 5 if there are few. */
size_t chart_axis_ticks(const struct chart_axis *axis, __u64 ticks_ns[CHART_TICKS])
{
	size_t n = ticks_of(axis, 3, 1, ticks_ns), every;

	if (n && n <= CHART_TICKS)
		return n;
	n = ticks_of(axis, 1, 1, ticks_ns);
	every = (n + CHART_TICKS - 1) / CHART_TICKS;
	if (every > 1)
		n = (ticks_of(axis, 1, every, ticks_ns) + every - 1) / every;
	if (!n)
		ticks_ns[n++] = (__u64)exp2(axis->low);
	return n;
}

/* Buckets to a step; a few events in many buckets would be a comb. */
static unsigned int buckets_to_step(const struct chart_axis *axis, __u64 total)
{
	unsigned int octaves = (unsigned int)(axis->high - axis->low), n = total < 500 ? 4 : 1;

	while (octaves * HIST_SUB / n > STEPS_WANTED)
		n *= 2;
	return n;
}

static __u64 sum_of(const struct buckets *buckets, unsigned int from, unsigned int to)
{
	__u64 sum = 0;

	for (; from < to; from++)
		sum += buckets_at(buckets, from);
	return sum;
}

/* Where on @buckets' scale the octave of @bits begins; an octave below the first is bucket 0. */
static unsigned int bucket_of_bits(double bits)
{
	if (bits < HIST_MIN_BITS)
		return 0;
	return 1 + ((unsigned int)bits - HIST_MIN_BITS) * HIST_SUB;
}

static unsigned int at_bits(const struct chart_axis *axis, double bits)
{
	double share = (bits - axis->low) / (axis->high - axis->low);

	return (unsigned int)lround(share * CHART_WIDTH);
}

size_t chart_steps(const struct buckets *buckets, const struct chart_axis *axis,
		   struct chart_step steps[CHART_STEPS])
{
	__u64 total = buckets_total(buckets);
	unsigned int width = buckets_to_step(axis, total), from = bucket_of_bits(axis->low), to;
	size_t n = 0;

	for (; from < HIST_BUCKETS && low_bits(from) < axis->high && n < CHART_STEPS; from = to) {
		double low = low_bits(from), high;

		to = from == 0 || from == HIST_BUCKETS - 1 ? from + 1 : from + width;
		high = high_bits(to - 1);
		steps[n++] = (struct chart_step){
			.from = at_bits(axis, low),
			.to = at_bits(axis, high),
			.density = total ? (double)sum_of(buckets, from, to) / (double)total /
						   (high - low)
					 : 0,
		};
	}
	return n;
}

unsigned int chart_height(double value, double most)
{
	unsigned int height = most > 0 ? (unsigned int)lround(value / most * CHART_HEIGHT) : 0;

	return value > 0 && !height ? 1 : height;
}
