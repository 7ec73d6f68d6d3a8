/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The iterators of inventory.bpf.c: loads them, runs them over the files of all tasks, and hands them
 * their jobs. What becomes of their records is inventory.c's.
 */
#ifndef INVENTORY_PROGRAMS_H
#define INVENTORY_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include "inventory_jobs.h"

struct kernel;
struct programs;

/*
 * Load what finds files, and, if @all, at once what else there is: the rest is loaded when it is first
 * needed. 0 or a negative errno; @programs is to be closed also then. @kernel stays the caller's.
 */
int programs_open(struct programs **programs, const struct kernel *kernel, bool all);
void programs_close(struct programs *programs);

/* Stops what it is called by with a negative errno. */
typedef int (*record_fn)(void *ctx, const void *record);

/* @fn with the struct inventory_file of each file that keeps a VM or a guest_memfd. */
int programs_find(struct programs *programs, record_fn fn, void *ctx);

/* A job, where it is done, and for whom it counts. */
struct work {
	struct inventory_position position;
	struct inventory_job job;
	size_t slot, gmem; /* the caller's */
};

/* The work from @first on is in @jobs [0, @n), for programs_list() and programs_count(). */
typedef int (*batch_fn)(void *ctx, struct inventory_job *jobs, size_t first, size_t n);

/*
 * Have @fn do the work, as much at a time as the programs take. Of a position it is side by side. 0 or a
 * negative errno, then not all of it is done.
 */
int programs_work(struct programs *programs, struct work *work, size_t n, batch_fn fn, void *ctx);

/* Run once over the jobs: @fn with each struct inventory_slot. Also these return 0 or a negative errno. */
int programs_list(struct programs *programs, record_fn fn, void *ctx);

/* Run once over the jobs; did any get on? */
int programs_count(struct programs *programs, bool *progress);

#endif
