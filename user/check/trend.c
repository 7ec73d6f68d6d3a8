// SPDX-License-Identifier: GPL-2.0-only
/*
 * Change points by binary segmentation: the best split of a stretch, and if it is no chance, the
 * same of both its parts.
 */
#include "trend.h"
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "check_stats.h"

#define PERMUTATIONS 1999

struct search {
	const double *values; /* logarithms, where that can be */
	double *tame; /* of the present stretch; so the next, which is room for all */
	double *shuffled;
	double alpha;
	struct trend_change *changes;
	size_t nchanges;
	uint64_t random;
};

/* How far apart the parts of the best split are, in squares that noise makes alike; @at: where. */
static double best_split(const double *values, size_t n, size_t *at)
{
	double all = 0, before = 0, best = -1;

	for (size_t i = 0; i < n; i++)
		all += values[i];
	for (size_t i = 1; i + TREND_LEVEL <= n; i++) {
		double left = (double)i, right = (double)(n - i), apart;

		before += values[i - 1];
		if (i < TREND_LEVEL)
			continue;
		apart = before / left - (all - before) / right;
		if (apart * apart * left * right > best) {
			best = apart * apart * left * right;
			*at = i;
		}
	}
	return best;
}

static void shuffle(struct search *search, double *values, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = stats_random(&search->random, i);
		double value = values[j];

		values[j] = values[i - 1];
		values[i - 1] = value;
	}
}

/* @room is for all. */
static double median_between(const double *values, size_t first, size_t end, double *room)
{
	memcpy(room, values + first, (end - first) * sizeof(*room));
	return stats_median_of(room, end - first);
}

/* Of the median of what values are from their median: 2.5 standard deviations of a normal noise. */
#define FAR (2.5 * 1.4826)

/*
 * The values of a stretch, of which none is FAR from the median: a night that something went wrong in
 * would make a noise of its own. What is mostly the same stays as it is.
 */
static void tame(struct search *search, size_t first, size_t n)
{
	double *apart = search->shuffled;
	double median = median_between(search->values, first, first + n, apart), far;

	for (size_t i = 0; i < n; i++)
		apart[i] = fabs(search->values[first + i] - median);
	far = FAR * stats_median_of(apart, n);
	for (size_t i = 0; i < n; i++) {
		double value = search->values[first + i];

		search->tame[i] = far > 0 ? fmin(fmax(value, median - far), median + far) : value;
	}
}

/*
 * What so many values may tell by chance. Looks at few values have little in common with each other,
 * and at few later ones the next look has almost the same: with this, each night can tell as much.
 */
static double share_of_alpha(const struct search *search, size_t n)
{
	return n < TREND_FULL ? search->alpha * (double)n / TREND_FULL : search->alpha;
}

/* The share of orders of the same values whose best split is as good; if it is above @most, more or less. */
static double chance(struct search *search, size_t n, double seen, double most)
{
	size_t as_good = 1, at; /* the one seen */

	memcpy(search->shuffled, search->tame, n * sizeof(double));
	for (int i = 0; i < PERMUTATIONS && (double)as_good <= most * (PERMUTATIONS + 1); i++) {
		shuffle(search, search->shuffled, n);
		as_good += best_split(search->shuffled, n, &at) >= seen * (1 - 1e-12);
	}
	return (double)as_good / (PERMUTATIONS + 1);
}

static void look_between(struct search *search, size_t first, size_t end)
{
	size_t n = end - first, at = 0;
	double seen, p, most = share_of_alpha(search, n);

	if (n < TREND_LEAST)
		return;
	tame(search, first, n);
	seen = best_split(search->tame, n, &at);
	p = chance(search, n, seen, most);
	if (p > most)
		return;
	look_between(search, first, first + at);
	search->changes[search->nchanges++] = (struct trend_change){ .at = first + at, .p = p };
	look_between(search, first + at, end);
}

static void measure(struct search *search, const double *values, size_t n)
{
	for (size_t i = 0; i < search->nchanges; i++) {
		struct trend_change *change = &search->changes[i];
		size_t first = i ? change[-1].at : 0;
		size_t end = i + 1 < search->nchanges ? change[1].at : n;

		change->from = median_between(values, first, change->at, search->shuffled);
		change->to = median_between(values, change->at, end, search->shuffled);
		change->by = change->from > 0 ? change->to / change->from - 1 : INFINITY;
	}
}

long trend_find(const double *values, size_t n, double alpha, struct trend_change *changes)
{
	double *room = calloc(3 * n + 1, sizeof(*room));
	struct search search = { .values = room,
				 .tame = room + n,
				 .shuffled = room + 2 * n,
				 .alpha = alpha,
				 .changes = changes,
				 .random = STATS_SEED };
	bool has_logs = true;

	if (!room)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		has_logs &= values[i] > 0;
	for (size_t i = 0; i < n; i++)
		room[i] = has_logs ? log(values[i]) : values[i];
	look_between(&search, 0, n);
	measure(&search, values, n);
	free(room);
	return (long)search.nchanges;
}
