/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two groups of captures, rules, and a verdict on each rule. A capture is one run; runs are what
 * is compared, not single events. Knows the model only: command_check.c reads the files,
 * report_check*.c show the result.
 */
#ifndef CHECK_H
#define CHECK_H

#include "check_rules.h"

struct check_run {
	const struct capture *capture; /* .snap is what is looked at */
	const char *name; /* of its file */
	const char *incomplete; /* why the file is not all of the capture; NULL: it is */
};

/* What makes captures incomparable, unless the user knows better: --allow NAME. */
#define CHECK_OBSTACLES(X)                                                                         \
	X(ARCH, arch, "another architecture")                                                      \
	X(KERNELS, kernels, "one side has several kernels")                                        \
	X(VERSION, version, "captured by another version of gmemtrace")                            \
	X(RUNGS, rungs, "other kernel functions carry a compared event")                           \
	X(PROGRAMS, programs, "traced by programs of another kind")                                \
	X(CPUS, cpus, "another number of CPUs")                                                    \
	X(OPTIONS, options, "captured with other events or options")                               \
	X(COMMAND, command, "another command was captured")                                        \
	X(FAILURE, failure, "the captured command failed")                                         \
	X(LOSS, loss, "events were lost")                                                          \
	X(INCOMPLETE, incomplete, "the file ends early")                                           \
	X(COPIES, copies, "the same capture twice")

enum check_obstacle {
#define X(id, name, what) OBSTACLE_##id,
	CHECK_OBSTACLES(X)
#undef X
		NR_OBSTACLES
};

extern const char *const check_obstacles[NR_OBSTACLES]; /* their names */

struct check_input {
	const struct check_run *base;
	size_t nbase; /* at least 1; so the others */
	const struct check_run *new;
	size_t nnew;
	const struct rule *rules;
	size_t nrules;
	double alpha; /* level of the test, over all metrics tested: 0.01 */
	double floor; /* the limit of rules without one: 0.01 */
	bool per_slot;
	bool deterministic; /* times are compared as they are, as counts are */
	bool default_rules; /* rules on what did not happen or cannot be had are left out */
	unsigned int allow; /* 1 << obstacle */
};

/* 0, or -1 with @problem filled (EXIT_USAGE) when they must not be compared. */
int check_comparable(const struct check_input *input, struct problem *problem);

enum verdict { VERDICT_FINE, VERDICT_IMPROVED, VERDICT_INCONCLUSIVE, VERDICT_REGRESSION };
extern const char *const verdict_names[];

/* How a row was judged. */
enum check_method {
	METHOD_ABSOLUTE, /* each new run against the limit */
	METHOD_DIRECT, /* the values as they are: they are not noisy */
	METHOD_TEST, /* permutation test */
};
extern const char *const check_methods[];

struct check_side {
	bool known; /* in all runs; if not, no value */
	double value; /* mean over the runs, as reports show them */
	double low; /* the same of what percentiles are above; else as value */
	double spread; /* standard deviation of the runs, 0 for one */
};

struct check_row {
	const struct rule *rule;
	const struct place *place;
	struct check_side base;
	struct check_side new;
	bool has_change; /* base is known and not 0 */
	double change; /* (new - base) / base */
	enum check_method method;
	bool has_p;
	double p; /* by Holm's correction */
	enum verdict verdict;
	char reason[200]; /* of a verdict that is not fine; clean, one line; else "" */
};

struct check_result {
	const struct check_input *input;
	struct place *places;
	size_t nplaces;
	struct check_row *rows;
	size_t nrows;
	size_t ntested; /* rows by METHOD_TEST */
	size_t runs_needed; /* on each side for these; 0: no number will do */
	size_t nverdicts[VERDICT_REGRESSION + 1]; /* rows by verdict */
	enum verdict verdict; /* over all */
};

/*
 * Judge every rule, at every place. @input is to outlive the result, which check_free() frees in any
 * case. 0 or -ENOMEM.
 */
int check_run_all(const struct check_input *input, struct check_result *result);
void check_free(struct check_result *result);

/* The exit status that goes with the verdict. */
int check_exit_status(const struct check_result *result);

#endif
