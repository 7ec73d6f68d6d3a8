/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures of both sides made in memory, and what gmemtrace check makes of them: for its tests.
 * What cannot be made fails the test.
 */
#ifndef CHECK_BENCH_H
#define CHECK_BENCH_H

#include "check/check.h"
#include "sample.h"

#define MAX_RUNS 8

struct bench {
	struct sample samples[2 * MAX_RUNS]; /* of both sides, in the order in which they began */
	struct check_run base[MAX_RUNS];
	struct check_run new[MAX_RUNS];
	struct rules rules;
	struct check_input input; /* as the command line has it without options */
	struct check_result result;
	struct problem problem;
};

/* Runs of one VM with a slot, that nothing has happened in. */
struct bench *make_bench(size_t nbase, size_t nnew);
void free_bench(struct bench *bench);

/* The events of the slot of a run, of all; of its VM. */
struct event_counts *slot_of(struct bench *bench, size_t run);
struct event_counts *vm_of(struct bench *bench, size_t run);

/* Guest faults of @ns each in every run, those of the new side longer by @percent, with noise. */
void add_faults(struct bench *bench, double ns, double percent, double noise);

/* @rules: with blanks between them. */
void add_rules(struct bench *bench, const char *rules);

/* Adds rules, and has the runs compared. */
void run_check(struct bench *bench, const char *rules);

const struct check_row *row_of(const struct bench *bench, size_t n);

/* The @n-th row has this verdict, and a reason that contains @reason (NULL: has none). */
void expect_verdict(const struct bench *bench, size_t n, enum verdict verdict, const char *reason);

#endif
