// SPDX-License-Identifier: GPL-2.0-only
/*
 * May these captures be compared at all? Each obstacle is a function; the first one met is told.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "base/text.h"
#include "check.h"
#include "check_judge.h"
#include "check_stats.h"
#include "model/capture.h"
#include "model/events.h"

const char *const check_obstacles[NR_OBSTACLES] = {
#define X(id, name, what) #name,
	CHECK_OBSTACLES(X)
#undef X
};

struct comparison {
	const struct check_input *input;
	__u64 events; /* 1 << event: that the rules look at */
	bool loss_is_judged; /* by a rule */
	struct problem *problem;
};

/* 0, or -1 with the problem filled when it is met. */
typedef int obstacle_fn(const struct comparison *comparison, const struct check_run *first,
			const struct check_run *run);

/* What can be written of somebody's text; a buffer for each of four. */
static const char *clean(const char *text, int which)
{
	static char buf[4][100];

	return text_clean(buf[which], sizeof(buf[which]), text, strlen(text), true);
}

#define TELL(comparison, first, run, what, ...)                                                    \
	problem_set((comparison)->problem, EXIT_USAGE, "%s and %s " what, clean((first)->name, 0), \
		    clean((run)->name, 1), __VA_ARGS__)

static int other_arch(const struct comparison *c, const struct check_run *first,
		      const struct check_run *run)
{
	if (!strcmp(first->capture->arch, run->capture->arch))
		return 0;
	return TELL(c, first, run, "are of other architectures: %s, %s",
		    clean(first->capture->arch, 2), clean(run->capture->arch, 3));
}

/* What tracing costs is a part of what it measures. */
static int other_version(const struct comparison *c, const struct check_run *first,
			 const struct check_run *run)
{
	const struct capture *was = first->capture, *is = run->capture;

	if (strcmp(was->tool, is->tool))
		return TELL(c, first, run, "were captured by other tools: %s, %s",
			    clean(was->tool, 2), clean(is->tool, 3));
	if (!strcmp(was->version, is->version))
		return 0;
	return TELL(c, first, run, "were captured by other versions: %s, %s",
		    clean(was->version, 2), clean(is->version, 3));
}

static const char *functions_of(const struct capture *capture, int event, char *buf, size_t size)
{
	const struct rung *rung = capture_rung(capture, event);
	const char *function;
	size_t at = 0;

	buf[0] = 0;
	for (unsigned int n = 0; rung && (function = rung_function(rung, n)) && at < size; n++)
		at += (size_t)snprintf(buf + at, size - at, "%s%s", n ? "+" : "", function);
	return buf;
}

/* Where an event is not carried at all, its metrics say so. */
static int other_rungs(const struct comparison *c, const struct check_run *first,
		       const struct check_run *run)
{
	char was[300], is[300];

	for (int event = 0; event < NR_EVENTS; event++) {
		if (!(c->events & 1ULL << event) || !first->capture->hooks[event].attached ||
		    !run->capture->hooks[event].attached)
			continue;
		functions_of(first->capture, event, was, sizeof(was));
		functions_of(run->capture, event, is, sizeof(is));
		if (strcmp(was, is))
			return TELL(c, first, run, "count %s by other functions: %.100s, %.100s",
				    event_descs[event].name, was, is);
	}
	return 0;
}

static int other_options(const struct comparison *c, const struct check_run *first,
			 const struct check_run *run)
{
	const struct capture *was = first->capture, *is = run->capture;
	const struct {
		const char *option;
		__u64 was, is;
		const char *unit; /* NULL: these are no numbers for people */
	} options[] = {
		{ "-e", was->shown, is->shown, NULL },
		{ "--stacks", was->stack_events, is->stack_events, NULL },
		{ "--sample", was->sample, is->sample, NULL },
		{ "--min-latency", was->min_latency_ns, is->min_latency_ns, "ns" },
		{ "--events", was->records_kept, is->records_kept, NULL },
		{ "--buffer", was->buffer_bytes, is->buffer_bytes, "bytes" },
		{ "-i", was->interval_ns, is->interval_ns, "ns" },
		{ "-d", was->limit_ns, is->limit_ns, "ns" },
		{ "-p", was->npids, is->npids, "VMMs" },
	};
	char values[80] = "";

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (options[i].was == options[i].is)
			continue;
		if (options[i].unit)
			snprintf(values, sizeof(values), " (%llu and %llu %s)", options[i].was,
				 options[i].is, options[i].unit);
		return TELL(c, first, run, "differ in the option %s%s", options[i].option, values);
	}
	return 0;
}

/* What tracing costs is a part of what it measures, here too. */
static int other_programs(const struct comparison *c, const struct check_run *first,
			  const struct check_run *run)
{
	const char *was = first->capture->programs, *is = run->capture->programs;

	if (!strcmp(was, is))
		return 0;
	return TELL(c, first, run,
		    "were traced by other kinds of programs: %s, %s (record --no-fsession takes "
		    "pairs everywhere)",
		    *was ? clean(was, 2) : "not known", *is ? clean(is, 3) : "not known");
}

/* Nobody knows of captures of an older gmemtrace. */
static int other_machine(const struct comparison *c, const struct check_run *first,
			 const struct check_run *run)
{
	const char *was = first->capture->machine ?: "", *is = run->capture->machine ?: "";

	if (!*was || !*is || !strcmp(was, is))
		return 0;
	return TELL(c, first, run, "are of other machines: %s, %s", clean(was, 2), clean(is, 3));
}

static int other_cpus(const struct comparison *c, const struct check_run *first,
		      const struct check_run *run)
{
	__u32 was = first->capture->ncpus, is = run->capture->ncpus;

	if (was == is || !was || !is)
		return 0;
	return TELL(c, first, run, "are of machines with %u and %u CPUs", was, is);
}

static int other_command(const struct comparison *c, const struct check_run *first,
			 const struct check_run *run)
{
	char *const *was = first->capture->command, *const *is = run->capture->command;

	if (!was != !is)
		return TELL(c, first, run, "differ: %s captured a command",
			    was ? "only the first" : "only the second");
	for (; was && (*was || *is); was++, is++)
		if (!*was || !*is || strcmp(*was, *is))
			return TELL(c, first, run, "captured other commands: one has '%.40s'",
				    clean(*is ?: *was, 2));
	return 0;
}

static int copy(const struct comparison *c, const struct check_run *first,
		const struct check_run *run)
{
	if (first->capture->start_realtime_ns != run->capture->start_realtime_ns ||
	    first->capture->duration_ns != run->capture->duration_ns ||
	    strcmp(first->capture->kernel, run->capture->kernel))
		return 0;
	return TELL(c, first, run, "are the same capture%s", "");
}

static int failed_command(const struct comparison *c, const struct check_run *first,
			  const struct check_run *run)
{
	const struct capture *capture = run->capture;
	int status = capture->command_status;

	(void)first;
	if (!capture->command || (capture->command_ended && !status))
		return 0;
	if (!capture->command_ended)
		return problem_set(c->problem, EXIT_USAGE,
				   "%s ends before the command that it captured",
				   clean(run->name, 0));
	if (WIFEXITED(status))
		return problem_set(c->problem, EXIT_USAGE, "the command of %s failed with %d",
				   clean(run->name, 0), WEXITSTATUS(status));
	return problem_set(c->problem, EXIT_USAGE, "the command of %s was ended by %s",
			   clean(run->name, 0), capture_signal(status) ?: "a signal");
}

static int lossy(const struct comparison *c, const struct check_run *first,
		 const struct check_run *run)
{
	bool is_base = run >= c->input->base && run < c->input->base + c->input->nbase;

	(void)first;
	if (run->capture->snap->switched_off)
		return problem_set(c->problem, EXIT_USAGE,
				   "kernel.ftrace_enabled was 0 during a part of %s",
				   clean(run->name, 0));
	if (!run->capture->snap->lost || (c->loss_is_judged && !is_base))
		return 0;
	return problem_set(c->problem, EXIT_USAGE, "%s lost %llu events", clean(run->name, 0),
			   run->capture->snap->lost);
}

static int incomplete(const struct comparison *c, const struct check_run *first,
		      const struct check_run *run)
{
	(void)first;
	if (!run->incomplete)
		return 0;
	return problem_set(c->problem, EXIT_USAGE, "%s is incomplete: %s", clean(run->name, 0),
			   clean(run->incomplete, 1));
}

static int other_kernel(const struct comparison *c, const struct check_run *first,
			const struct check_run *run)
{
	if (!strcmp(first->capture->kernel, run->capture->kernel))
		return 0;
	return TELL(c, first, run, "are on one side, but of other kernels: %s, %s",
		    clean(first->capture->kernel, 2), clean(run->capture->kernel, 3));
}

/* What was done, as far as all runs of both sides counted it: an event, and how much of it. */
static const struct work {
	enum gmem_event event;
	bool in_pages;
	const char *name;
} works[] = {
	{ EV_GUEST_FAULT, false, "guest faults" },
	{ EV_ALLOC, true, "pages of alloc" },
};

__u64 check_work_events(void)
{
	__u64 events = 0;

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		events |= 1ULL << works[i].event;
	return events;
}

/* More than that is not the same work. */
#define SAME_WORK 0.01

static double work_of(const struct work *work, const struct capture *capture)
{
	struct event_totals totals = {};
	double done = -1;

	if (!capture_shows(capture, work->event) || !capture->hooks[work->event].attached)
		return done;
	if (!event_totals_add_all(&totals, capture->snap))
		done = (double)(work->in_pages ? totals.v[work->event].npages
					       : totals.v[work->event].count);
	event_totals_free(&totals);
	return done;
}

/* The median of the runs; negative: it is not known. */
static double work_of_side(const struct work *work, const struct check_run *runs, size_t n)
{
	double *done = calloc(n, sizeof(*done)), median = -1;

	for (size_t i = 0; done && i < n; i++)
		done[i] = work_of(work, runs[i].capture);
	if (done) {
		qsort(done, n, sizeof(*done), stats_order);
		median = done[0] < 0 ? -1 : stats_median(done, n);
	}
	free(done);
	return median;
}

/* By a rule on how much of it there is. */
static bool work_is_judged(const struct check_input *input, const struct work *work)
{
	for (size_t i = 0; i < input->nrules; i++)
		if (input->rules[i].metric.event == (int)work->event &&
		    metric_is_work(&input->rules[i].metric))
			return true;
	return false;
}

static bool has_change_rule(const struct check_input *input)
{
	for (size_t i = 0; i < input->nrules; i++)
		if (input->rules[i].relative)
			return true;
	return false;
}

/* Half the faults may take half the time, or be no faults at all. */
static int other_work(const struct comparison *c, const struct check_run *first,
		      const struct check_run *run)
{
	const struct check_input *input = c->input;

	(void)first;
	(void)run;
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]) && has_change_rule(input); i++) {
		double was = work_of_side(&works[i], input->base, input->nbase);
		double is = work_of_side(&works[i], input->new, input->nnew);

		if (was >= 0 && is >= 0 && fabs(is - was) > SAME_WORK * was &&
		    !work_is_judged(input, &works[i]))
			return problem_set(
				c->problem, EXIT_USAGE,
				"the sides did not do the same: %.0f %s in a run of the "
				"base, %.0f in a new one, and no rule is on their number",
				was, works[i].name, is);
	}
	return 0;
}

/* Of which runs: each by itself, each with the first one of its side, each with any other; all at once. */
enum scope { EACH, WITH_FIRST, WITHIN_SIDE, EVERY_PAIR, SIDES };

static const struct {
	enum check_obstacle obstacle;
	enum scope scope;
	obstacle_fn *met;
} obstacles[] = {
	{ OBSTACLE_COPIES, EVERY_PAIR, copy },
	{ OBSTACLE_INCOMPLETE, EACH, incomplete },
	{ OBSTACLE_FAILURE, EACH, failed_command },
	{ OBSTACLE_ARCH, WITH_FIRST, other_arch },
	{ OBSTACLE_VERSION, WITH_FIRST, other_version },
	{ OBSTACLE_COMMAND, WITH_FIRST, other_command },
	{ OBSTACLE_PROGRAMS, WITH_FIRST, other_programs },
	{ OBSTACLE_MACHINE, WITH_FIRST, other_machine },
	{ OBSTACLE_CPUS, WITH_FIRST, other_cpus },
	{ OBSTACLE_OPTIONS, WITH_FIRST, other_options },
	{ OBSTACLE_KERNELS, WITHIN_SIDE, other_kernel },
	{ OBSTACLE_RUNGS, WITH_FIRST, other_rungs },
	{ OBSTACLE_LOSS, EACH, lossy },
	{ OBSTACLE_WORK, SIDES, other_work },
};

static int met_by(const struct comparison *c, enum scope scope, obstacle_fn *met, size_t n)
{
	const struct check_run *run = check_run_at(c->input, n);
	int err = 0;

	if (scope == SIDES)
		return n ? 0 : met(c, c->input->base, run);
	if (scope == WITHIN_SIDE)
		return met(c, n < c->input->nbase ? c->input->base : c->input->new, run);
	if (scope != EVERY_PAIR)
		return met(c, c->input->base, run);
	for (size_t i = 0; i < n && !err; i++)
		err = met(c, check_run_at(c->input, i), run);
	return err;
}

static struct comparison compared(const struct check_input *input, struct problem *problem)
{
	struct comparison c = { .input = input, .problem = problem };

	for (size_t i = 0; i < input->nrules; i++) {
		c.events |= metric_events(&input->rules[i].metric);
		c.loss_is_judged |= !strncmp(input->rules[i].text, "loss", 4);
	}
	return c;
}

int check_comparable(const struct check_input *input, struct problem *problem)
{
	struct problem why = {};
	struct comparison c = compared(input, &why);

	for (size_t i = 0; i < sizeof(obstacles) / sizeof(obstacles[0]); i++) {
		if (input->allow & 1U << obstacles[i].obstacle)
			continue;
		for (size_t n = 0; n < input->nbase + input->nnew; n++)
			if (met_by(&c, obstacles[i].scope, obstacles[i].met, n))
				return problem_set(problem, EXIT_USAGE,
						   "cannot be compared: %s. Capture again, or give "
						   "--allow %s if you know better",
						   why.text,
						   check_obstacles[obstacles[i].obstacle]);
	}
	return 0;
}
