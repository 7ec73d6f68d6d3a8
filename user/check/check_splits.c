// SPDX-License-Identifier: GPL-2.0-only
/*
 * Splits of runs into two sides, one after the other: all, or a part of them at random.
 */
#include "check_splits.h"
#include <errno.h>
#include <stdlib.h>
#include "check_stats.h"

/* Two mirrored splits say the same of a distance, and only one of them is counted. */
static double number_of(size_t nbase, size_t nnew, bool paired)
{
	double number = 1;

	for (size_t i = 1; i <= nbase && number < 1e15; i++)
		number *= paired ? 2 : (double)(nnew + i) / (double)i;
	return nbase == nnew ? number / 2 : number;
}

void splits_begin(struct splits *splits)
{
	splits->random = STATS_SEED;
	for (size_t i = 0; i < splits->nbase + splits->nnew; i++)
		splits->is_new[i] = i >= splits->nbase;
}

int splits_make(struct splits *splits, size_t nbase, size_t nnew, bool paired)
{
	double number = number_of(nbase, nnew, paired);

	*splits = (struct splits){
		.nbase = nbase, .nnew = nnew, .paired = paired, .is_random = number > SPLITS_MOST
	};
	splits->n = splits->is_random ? SPLITS_MOST : (size_t)(number + 0.5);
	splits->is_new = calloc(nbase + nnew, sizeof(*splits->is_new));
	if (!splits->is_new)
		return -ENOMEM;
	splits_begin(splits);
	return 0;
}

static void swap(bool *is_new, size_t a, size_t b)
{
	bool kept = is_new[a];

	is_new[a] = is_new[b];
	is_new[b] = kept;
}

/* The next one in the order of words of two letters: the true one is the first of all. */
static void next_of_all(struct splits *splits)
{
	bool *is_new = splits->is_new;
	size_t end = splits->nbase + splits->nnew, at = end - 1, last = end - 1;

	while (at && !(is_new[at] && !is_new[at - 1]))
		at--;
	if (!at)
		return;
	while (!is_new[last])
		last--;
	swap(is_new, at - 1, last);
	for (last = end - 1; at < last; at++, last--)
		swap(is_new, at, last);
}

static void turn_pair(struct splits *splits, size_t pair)
{
	swap(splits->is_new, pair, splits->nbase + pair);
}

/* As a number counts up in binary; the last pair stays as it is. */
static void next_of_pairs(struct splits *splits)
{
	size_t pair = 0;

	for (; pair + 1 < splits->nbase && splits->is_new[pair]; pair++)
		turn_pair(splits, pair);
	if (pair + 1 < splits->nbase)
		turn_pair(splits, pair);
}

static void next_at_random(struct splits *splits)
{
	size_t n = splits->nbase + splits->nnew;

	for (size_t i = 0; i < splits->nbase && splits->paired; i++)
		if (stats_random(&splits->random, 2))
			turn_pair(splits, i);
	for (size_t i = n; i > 1 && !splits->paired; i--)
		swap(splits->is_new, stats_random(&splits->random, i), i - 1);
}

void splits_next(struct splits *splits)
{
	if (splits->is_random)
		next_at_random(splits);
	else if (splits->paired)
		next_of_pairs(splits);
	else
		next_of_all(splits);
}

void splits_free(struct splits *splits)
{
	free(splits->is_new);
	*splits = (struct splits){};
}
