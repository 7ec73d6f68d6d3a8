/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Many checks, one after the other: where has a metric changed for good? The history is what
 * gmemtrace check --append has written, a check on each line; of each, the new runs are what counts.
 */
#ifndef TREND_H
#define TREND_H

#include <stdio.h>
#include "check_metrics.h"

/* Values before @at were of another level than those from @at on. */
struct trend_change {
	size_t at;
	double from; /* the medians of both levels */
	double to;
	double by; /* as a share of the first; INFINITY if that is 0 */
	double p; /* how likely so clear a split is where nothing has changed */
};

/* Fewer values tell nothing, and neither does a level of fewer. */
#define TREND_LEAST 12
#define TREND_LEVEL 3

/*
 * Of a history that is looked at after each value and in which nothing changes, 3 in 100 have a false
 * change in the first 40, and again in each 40 that follow (tests/bench/verdicts.c).
 */
#define TREND_ALPHA 0.005
#define TREND_FULL 40 /* of fewer values, the part of it that they are of these */

/*
 * Find the changes of @n values, in their order, each by the best split of what lies between two
 * others: one is told if its p, by 1,999 permutations, is at most @alpha, or less between fewer values
 * than TREND_FULL. @changes has room for @n / TREND_LEVEL. Their number, or -ENOMEM. The same values give the same answer each time.
 */
long trend_find(const double *values, size_t n, double alpha, struct trend_change *changes);

/* One check of the history. */
struct trend_check {
	char *label; /* anybody's text; NULL: none */
	char *start; /* of its first new run, RFC 3339 */
};

struct trend_series {
	char *metric;
	enum metric_unit unit;
	struct place place;
	double *values; /* the median of the new runs */
	size_t *checks; /* that each is of, ascending */
	size_t n;
	double level; /* the median of all */
	struct trend_change *changes;
	size_t nchanges;
};

struct trend {
	struct trend_check *checks;
	size_t nchecks;
	struct trend_series *series; /* in the order in which they were first met */
	size_t nseries;
	double alpha;
};

/*
 * Read the history of @name from @in and find the changes. 0, or -1 with @problem filled;
 * trend_free() in any case.
 */
int trend_read(struct trend *trend, FILE *in, const char *name, double alpha,
	       struct problem *problem);
void trend_free(struct trend *trend);

#endif
