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
	X(MACHINE, machine, "another processor, or other microcode")                               \
	X(CPUS, cpus, "another number of CPUs")                                                    \
	X(OPTIONS, options, "captured with other events or options")                               \
	X(COMMAND, command, "another command was captured")                                        \
	X(FAILURE, failure, "the captured command failed")                                         \
	X(LOSS, loss, "events were lost")                                                          \
	X(INCOMPLETE, incomplete, "the file ends early")                                           \
	X(COPIES, copies, "the same capture twice")                                                \
	X(WORK, work, "one side did more than the other")

enum check_obstacle {
#define X(id, name, what) OBSTACLE_##id,
	CHECK_OBSTACLES(X)
#undef X
		NR_OBSTACLES
};

extern const char *const check_obstacles[NR_OBSTACLES]; /* their names */

/* What an inconclusive check means to the caller. */
enum check_inconclusive { INCONCLUSIVE_TOLD, INCONCLUSIVE_PASSES, INCONCLUSIVE_FAILS };

struct check_input {
	const struct check_run *base;
	size_t nbase; /* at least 1; so the others */
	const struct check_run *new;
	size_t nnew;
	const struct rule *rules;
	size_t nrules;
	double alpha; /* chance that anything is called a regression that is none: 0.01 */
	double miss; /* chance that a rule that is broken is called fine: 0.025 */
	double floor; /* the limit of rules without one: 0.01 */
	bool per_slot;
	bool deterministic; /* times have no noise, but what interrupts a run adds to them */
	bool paired; /* the oldest of both sides belong together, and so on: nnew is nbase */
	bool default_rules; /* rules on what did not happen or cannot be had are left out */
	unsigned int allow; /* 1 << obstacle */
	size_t max_runs; /* runs are added until it is told, up to so many on each side; 0: they are not */
	enum check_inconclusive inconclusive;
	const char *label; /* for the history: of a commit, say; NULL: none */
};

/* At how many runs on each side the @nth of CHECK_LOOKS looks is, if there will be @max_runs. */
#define CHECK_LOOKS 3
size_t check_look(size_t max_runs, unsigned int nth);
/* The same of the first look that takes more runs than there are; 0: none will. */
size_t check_next_look(const struct check_input *input);

/*
 * Leave out of @snap, a run's, what is not asked for by the rules and by whether captures can be
 * compared, so that many fit into memory. Only .rules and .per_slot of @input are looked at. 0 or -ENOMEM.
 */
int check_reduce(const struct check_input *input, struct snapshot *snap);

/* 0, or -1 with @problem filled (EXIT_USAGE) when they must not be compared. */
int check_comparable(const struct check_input *input, struct problem *problem);

enum verdict { VERDICT_FINE, VERDICT_IMPROVED, VERDICT_INCONCLUSIVE, VERDICT_REGRESSION };
extern const char *const verdict_names[];

/* How a row was judged. */
enum check_method {
	METHOD_ABSOLUTE, /* each new run against the limit */
	METHOD_DIRECT, /* all runs as they are, or all pairs of them: they are not noisy */
	METHOD_MINIMA, /* the smallest run of each side: what interrupts a run adds to it */
	METHOD_INTERVAL, /* a confidence interval of the change against the limit */
};
extern const char *const check_methods[];

struct check_side {
	bool known; /* in all runs; if not, or of a distance, no value */
	double value; /* the median of the runs; METHOD_MINIMA: the smallest */
	double spread; /* standard deviation of the runs, 0 for one */
};

/* Shares of the base: 0.05 is +5 %. */
struct check_change {
	bool known; /* and finite: the base is not 0 */
	double value; /* the median of all pairs of a base run and a new one (Hodges-Lehmann), or the distance */
	bool has_bounds;
	double low; /* at least -1, which is no bound at all */
	double high; /* INFINITY: no bound */
};

/* What runs with this noise can tell, of METHOD_INTERVAL. */
struct check_power {
	bool known;
	double noise; /* standard deviation of runs of one side, as a share */
	double finds; /* the change that is found 9 times of 10; INFINITY: none */
	size_t runs_needed; /* on each side, to find one of twice the limit; 0: more than 1000 */
};

/* By how much percentiles of the latency have moved, as shares: the medians of both sides. */
#define NR_SHIFTS 6
extern const unsigned int check_shift_per_mille[NR_SHIFTS];
struct check_shifts {
	bool known;
	double by[NR_SHIFTS];
};

struct check_shape; /* check_shape.c */

struct check_row {
	const struct rule *rule;
	const struct place *place;
	const struct metric_value *values; /* of its runs, those of the base first */
	struct check_side base;
	struct check_side new;
	enum check_method method;
	struct check_change change;
	struct check_power power;
	struct check_shifts shifts; /* of a regression of times, or of a distance */
	struct check_shape *shape; /* of a distance; else NULL */
	enum verdict verdict;
	char reason[240]; /* of a verdict that is not fine; clean, one line; else "" */
	char remark[240]; /* what else to know; clean, one line; or "" */
};

struct check_result {
	const struct check_input *input;
	struct place *places;
	size_t nplaces;
	struct check_row *rows;
	size_t nrows;
	struct metric_value *values; /* of all rows */
	size_t ntests; /* metrics at places by METHOD_INTERVAL, whatever the number of their rules */
	size_t nfamily; /* that alpha is shared by: with these values the others cannot reject */
	size_t runs_needed; /* on each side, by all rows together; 0: there are none, or no number will do */
	size_t nverdicts[VERDICT_REGRESSION + 1]; /* rows by verdict */
	enum verdict verdict; /* over all */
	/* Of how the runs were made; clean, one line each. */
#define CHECK_WARNINGS 4
	char warnings[CHECK_WARNINGS][200];
	size_t nwarnings;
};

/*
 * Judge every rule, at every place. @input is to outlive the result, which check_free() frees in any
 * case. 0 or -ENOMEM.
 */
int check_run_all(const struct check_input *input, struct check_result *result);
void check_free(struct check_result *result);

/* What a rule holds the change to, 0.05 for +5%, or the value; by the floor if it does not say. */
double check_limit(const struct check_input *input, const struct rule *rule);

/* The exit status that goes with the verdict. */
int check_exit_status(const struct check_result *result);

#endif
