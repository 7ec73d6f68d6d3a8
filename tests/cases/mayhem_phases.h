/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The phases of mayhem: what is done at random to one VM, by all at once and by one alone. Included by
 * mayhem's files only.
 */
#ifndef CASES_MAYHEM_PHASES_H
#define CASES_MAYHEM_PHASES_H

#include <pthread.h>
#include <semaphore.h>

#include "mayhem_vm.h"

extern uint64_t seed;
extern bool calm; /* no more threads at once than there are CPUs: hardly one is preempted */

/* What the processes share. */
extern struct shared {
	pthread_barrier_t barrier;
	pthread_mutex_t turn; /* of those that are quiet */
	sem_t cpus; /* of those that are busy, when calm */
	unsigned int phase;
	volatile bool busy;
	volatile bool over;
} * shared;

struct dice {
	uint64_t state;
};

/* Each thread has its own in each phase, so that a phase can be had again. */
struct dice dice_of(unsigned int process, unsigned int thread);

/* A number below @n. */
unsigned int roll(struct dice *dice, unsigned int n);

/* Around each step while all are busy. */
void step_begin(void);
void step_end(void);

/* While the phase is busy, which process 0 ends. */
void vm_busy(struct mayhem_vm *vm, unsigned int process);
void vm_quiet(struct mayhem_vm *vm, struct dice *dice);

#endif
