/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All ways to tell which runs are the new ones: if nothing has changed, the true one is one of them
 * by chance. Whole runs are what is exchanged, or those of a pair with each other.
 */
#ifndef CHECK_SPLITS_H
#define CHECK_SPLITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where there are more, so many of them, at random, but the same ones each time. */
#define SPLITS_MOST 10000

struct splits {
	size_t nbase;
	size_t nnew;
	bool paired;
	size_t n; /* how many there are, the true one among them; of two mirrored ones, one */
	bool is_random;
	uint64_t random;
	bool *is_new; /* of each run, those of the base first: the present split */
};

/* Begin with the true split. 0 or -ENOMEM; splits_free() in any case. */
int splits_make(struct splits *splits, size_t nbase, size_t nnew, bool paired);

/* Begin again. */
void splits_begin(struct splits *splits);

/* Go on to the next one: n - 1 times. */
void splits_next(struct splits *splits);

void splits_free(struct splits *splits);

#endif
