/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vCPU threads, and how guests are made to touch their memory with them. Threads come before
 * the first VM and go after the last, because their stacks are memory of this process too. Included
 * by load.c and verbs.c.
 */
#ifndef GMEMLOAD_CREW_H
#define GMEMLOAD_CREW_H

#include <pthread.h>

#include "machine.h"

struct crew {
	unsigned int nmembers;
	struct member *members;
};

/* What one guest is told to touch, in pages of the slot. */
struct order {
	struct slot *slot;
	uint64_t first, npages;
	uint64_t passes;
	bool write;
	unsigned int nvcpus; /* the pages are split over so many */
};

/* Starts nthreads threads. Returns 0 or a negative errno. */
int crew_start(struct crew *crew, unsigned int nthreads);
void crew_stop(struct crew *crew);

/* Gives each vCPU of vm its thread. */
void crew_join(struct crew *crew, struct vm *vm);

/* Tells the guest to touch, without waiting. */
void order_begin(struct machine *machine, const struct order *order);

/*
 * Waits for it and accounts for it. Returns 0 or the first negative errno of a vCPU; *ndone is the
 * number of pages touched, which are the first ones if one vCPU did it.
 */
int order_end(struct machine *machine, const struct order *order, uint64_t *ndone);

#endif
