/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Has something changed between two groups of runs, or is it noise? Pure arithmetic on one value
 * for each run; all values are finite. Nothing is assumed of how they are distributed, and the
 * same values give the same answer each time.
 */
#ifndef CHECK_STATS_H
#define CHECK_STATS_H

#include <stddef.h>

double stats_mean(const double *values, size_t n);

/*
 * Two-sided permutation test on the difference of the means: the share of all ways to split the
 * @nbase + @nnew values (each at least 1) into groups of these sizes whose means differ as much as
 * they do here, or more. Exact where there are at most STATS_EXACT ways; beyond, estimated from
 * STATS_SAMPLES splits drawn at random and the one seen, so never below 1 / (STATS_SAMPLES + 1).
 */
#define STATS_EXACT 1000000
#define STATS_SAMPLES 99999
double stats_permutation_p(const double *base, size_t nbase, const double *new, size_t nnew);

/* The smallest value that it can return for groups of these sizes, whatever the values. */
double stats_smallest_p(size_t nbase, size_t nnew);

/*
 * Holm's correction: make each of the @n values of p, in place, the one at which its metric would
 * be rejected with the chance of even one false rejection among all of them held to it. At most 1.
 */
void stats_holm(double *p, size_t n);

/*
 * With how many runs on each side a change can be told from noise at all, at level @alpha, when
 * @nmetrics are tested; 0 if with no number of runs.
 */
size_t stats_runs_needed(size_t nmetrics, double alpha);

#endif
