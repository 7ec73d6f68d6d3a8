// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is the same for all rows of a check: the distribution that bounds come from, the order of
 * runs in time, and room to work in.
 */
#include <errno.h>
#include <stdlib.h>
#include "check_judge.h"

/* Insertion, which keeps the order of files where times are the same. */
static void sort_by_time(const struct check_input *input, size_t *runs, size_t first, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = i;

		for (; at && check_start_of(input, runs[at - 1]) > check_start_of(input, first + i);
		     at--)
			runs[at] = runs[at - 1];
		runs[at] = first + i;
	}
}

static bool has_distance(const struct check_input *input)
{
	for (size_t i = 0; i < input->nrules; i++)
		if (metric_is_distance(&input->rules[i].metric))
			return true;
	return false;
}

/* Three ratios of each pair of runs; and no fewer than pairs of one side, and runs. */
static size_t room(const struct check_input *input)
{
	size_t nruns = input->nbase + input->nnew;

	return 3 * input->nbase * input->nnew + nruns * nruns +
	       (has_distance(input) ? check_shape_room() : 0);
}

static int make_ranks(struct levels *levels, const struct check_input *input)
{
	return input->paired ? stats_ranks_make_paired(&levels->ranks, input->nbase)
			     : stats_ranks_make(&levels->ranks, input->nbase, input->nnew);
}

int levels_make(struct levels *levels, const struct check_input *input)
{
	levels->scratch = calloc(room(input), sizeof(*levels->scratch));
	levels->by_time = calloc(input->nbase + input->nnew, sizeof(*levels->by_time));
	if (!levels->scratch || !levels->by_time)
		return -ENOMEM;
	sort_by_time(input, levels->by_time, 0, input->nbase);
	sort_by_time(input, levels->by_time + input->nbase, input->nbase, input->nnew);
	if (has_distance(input) &&
	    splits_make(&levels->splits, input->nbase, input->nnew, input->paired))
		return -ENOMEM;
	return make_ranks(levels, input);
}

void levels_free(struct levels *levels)
{
	stats_ranks_free(&levels->ranks);
	splits_free(&levels->splits);
	free(levels->scratch);
	free(levels->by_time);
}
