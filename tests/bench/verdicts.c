// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often is a verdict of gmemtrace check wrong? Runs are simulated, with noise, outliers and
 * changes that are known, and judged by check_run_all(). `verdicts [--trials N]`: a result a row,
 * with its figures; the same ones each time. 2,000 trials a row take seconds, 20,000 tell tenths of
 * a percent.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check/check.h"
#include "check/trend.h"
#include "hist.h"
#include "sample.h"

#define MAX_RUNS 24

/* Random numbers. */

static unsigned long long random_state;

/* In (0, 1), by xorshift64. */
static double uniform(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return ((double)(random_state >> 11) + 0.5) / (double)(1ULL << 53);
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

static unsigned int poisson(double mean)
{
	double p = exp(-mean), sum = p, u = uniform();
	unsigned int n = 0;

	while (u > sum && n < 1000) {
		n++;
		p *= mean / n;
		sum += p;
	}
	return n;
}

/* Captures whose counts each trial writes anew. */

struct bench {
	struct sample samples[2 * MAX_RUNS];
	struct check_run runs[2 * MAX_RUNS]; /* those of the base first */
	size_t nruns; /* on each side */
	struct rules rules;
	struct check_input input;
};

#define FAULTS 1000000
static const enum gmem_event events[] = { EV_GUEST_FAULT, EV_HOST_FAULT, EV_PUNCH_HOLE,
					  EV_NOTIFIER };

static void make_run(struct bench *bench, size_t nth)
{
	struct sample *sample = &bench->samples[nth];
	struct slot *slot;

	sample_empty(sample);
	slot = sample_add_slot(sample_add_vm(sample, "vmm", 100), 0, 0, 512);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		sample_count(&slot->events, events[i], 10000, FAULTS);
	bench->runs[nth] = (struct check_run){ .capture = &sample->capture, .name = "run" };
}

static void add_rules(struct bench *bench, const char *rules)
{
	char *words = strdup(rules), *rest = words, *word;
	struct problem problem;

	while ((word = strsep(&rest, " ")))
		if (rules_add(&bench->rules, word, &problem))
			exit(problem_tell(&problem, "verdicts"));
	free(words);
}

static struct bench *make_bench(size_t nruns, const char *rules)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	bench->nruns = nruns;
	for (size_t i = 0; i < 2 * nruns; i++)
		make_run(bench, i);
	add_rules(bench, rules);
	bench->input = (struct check_input){ .base = bench->runs,
					     .nbase = nruns,
					     .new = bench->runs + nruns,
					     .nnew = nruns,
					     .rules = bench->rules.v,
					     .nrules = bench->rules.n,
					     .alpha = 0.01,
					     .miss = 0.025,
					     .floor = 0.01 };
	return bench;
}

static void free_bench(struct bench *bench)
{
	for (size_t i = 0; i < 2 * bench->nruns; i++)
		sample_free(&bench->samples[i]);
	rules_free(&bench->rules);
	free(bench);
}

static struct event_count *count_of(struct bench *bench, size_t run, size_t event)
{
	return &bench->samples[run].snap.vms[0].slots[0].events.v[event];
}

static bool is_new(const struct bench *bench, size_t run)
{
	return run >= bench->nruns;
}

static void set_mean(struct bench *bench, size_t run, size_t event, double ns)
{
	count_of(bench, run, event)->sum_ns = (__u64)(ns * FAULTS);
}

/* A regression with a warning of how the runs were made is at least told. */
static enum verdict judge(struct bench *bench, bool warned)
{
	struct check_result result;
	enum verdict verdict;

	if (check_run_all(&bench->input, &result))
		exit(EXIT_IMPOSSIBLE);
	verdict = result.verdict;
	if (warned && verdict == VERDICT_REGRESSION && result.nwarnings)
		verdict = VERDICT_INCONCLUSIVE;
	check_free(&result);
	return verdict;
}

/* Scenarios. */

struct scenario {
	const char *name;
	size_t nruns; /* on each side */
	const char *rules;
	bool deterministic;
	void (*fill)(struct bench *bench, const struct scenario *scenario);
	double change; /* true one, as a share */
	double noise; /* standard deviation of the runs, as a share */
	double other; /* of the scenario's own */
	unsigned int times; /* until it is no longer inconclusive; 0: once */
	bool until_told; /* looks at a part of the runs first */
	bool in_turns; /* base, new, new, base, ...; else one side after the other */
	bool paired;
	bool at_level; /* what is asked is what happens: trials miss it by chance, on both sides */
	bool warned; /* a warning is enough where it is called a regression */
	/* What is asked, in percent of the trials; a limit of 0 below "of": nothing. */
	double fine_at_most, regressions_at_most;
	double fine_at_least, regressions_at_least;
};

#define ANY 100

static double noisy(const struct bench *bench, const struct scenario *s, size_t run)
{
	return 10000 * (1 + (is_new(bench, run) ? s->change : 0)) * (1 + s->noise * normal());
}

static void fill_means(struct bench *bench, const struct scenario *s)
{
	for (size_t i = 0; i < 2 * s->nruns; i++)
		set_mean(bench, i, 0, noisy(bench, s, i));
}

/* Each of three metrics by itself. */
static void fill_three(struct bench *bench, const struct scenario *s)
{
	for (size_t i = 0; i < 2 * s->nruns; i++)
		for (size_t event = 0; event < 3; event++)
			set_mean(bench, i, event, noisy(bench, s, i));
}

/* The first run of the base, as one that finds everything cold. */
static void fill_cold(struct bench *bench, const struct scenario *s)
{
	fill_means(bench, s);
	set_mean(bench, 0, 0, noisy(bench, s, 0) * (1 + s->other));
}

/* When the run is made, of all. */
static size_t position(const struct bench *bench, const struct scenario *s, size_t run)
{
	size_t nth = run % bench->nruns;

	return s->in_turns ? 2 * nth + (is_new(bench, run) ^ (nth & 1)) : run;
}

static size_t run_at(const struct bench *bench, const struct scenario *s, size_t at)
{
	size_t run = 0;

	while (position(bench, s, run) != at)
		run++;
	return run;
}

/* The machine becomes slower, by s->other from the first run to the last. */
static double drifting(const struct bench *bench, const struct scenario *s, size_t run)
{
	double since = (double)position(bench, s, run) / (double)(2 * s->nruns - 1);

	return noisy(bench, s, run) * (1 + s->other * since);
}

static void fill_drifting(struct bench *bench, const struct scenario *s)
{
	for (size_t i = 0; i < 2 * s->nruns; i++)
		set_mean(bench, i, 0, drifting(bench, s, i));
}

/* Each run is like the one before: AR(1) with s->other. */
static void fill_related(struct bench *bench, const struct scenario *s)
{
	double state = normal();

	for (size_t at = 0; at < 2 * s->nruns; at++) {
		size_t run = run_at(bench, s, at);

		set_mean(bench, run, 0,
			 10000 * (1 + (is_new(bench, run) ? s->change : 0)) *
				 (1 + s->noise * state));
		state = s->other * state + sqrt(1 - s->other * s->other) * normal();
	}
}

/* A count that chance decides beside what is compared. */
static void fill_chance(struct bench *bench, const struct scenario *s)
{
	fill_means(bench, s);
	for (size_t i = 0; i < 2 * s->nruns; i++)
		count_of(bench, i, 3)->count = poisson(s->other);
}

/* A share of the runs is interrupted, by 1 to 9 %. */
static void fill_interrupted(struct bench *bench, const struct scenario *s)
{
	for (size_t i = 0; i < 2 * s->nruns; i++) {
		double ns = noisy(bench, s, i);

		if (uniform() < s->other)
			ns *= 1 + 0.05 * (0.2 + 1.6 * uniform());
		set_mean(bench, i, 0, ns);
	}
}

/* Latencies of a lognormal distribution, or of two of them, half of the events in each. */
struct latencies {
	double median; /* ns; of two of them, of both together */
	double spread; /* standard deviation of the logarithm */
	double apart; /* each of two is by this share of the median from it */
};

static double share_of_one(double ns, double median, double spread)
{
	return 0.5 * erfc(-log(ns / median) / spread * M_SQRT1_2);
}

static double share_below(double ns, const struct latencies *of)
{
	return (share_of_one(ns, of->median * (1 - of->apart), of->spread) +
		share_of_one(ns, of->median * (1 + of->apart), of->spread)) /
	       2;
}

/* A histogram of @faults. */
static void fill_histogram(struct bench *bench, size_t run, const struct latencies *of,
			   double faults)
{
	struct event_count *count = count_of(bench, run, 0);
	unsigned int first = hist_bucket(1000), end = hist_bucket(100000);

	buckets_free(&count->latency);
	buckets_widen(&count->latency, first, end - first);
	count->min_ns = 1;
	count->max_ns = 1 << 20;
	for (unsigned int bucket = first; bucket < end; bucket++) {
		double low = share_below((double)hist_low_ns(bucket), of);
		double high = share_below((double)hist_high_ns(bucket), of);
		double mean = faults * (high - low);

		count->latency.v[bucket - first] =
			(__u64)fmax(0, round(mean + sqrt(mean) * normal()));
	}
}

/* Of s->other faults in each run. */
static void fill_histograms(struct bench *bench, const struct scenario *s)
{
	for (size_t i = 0; i < 2 * s->nruns; i++)
		fill_histogram(bench, i, &(struct latencies){ noisy(bench, s, i), 0.3, 0 },
			       s->other);
}

#define FAULTS_OF_SHAPE 10000

/* The new side falls into two halves, s->other apart from their middle. Mean and median stay. */
static void fill_halves(struct bench *bench, const struct scenario *s)
{
	for (size_t i = 0; i < 2 * s->nruns; i++) {
		struct latencies of = { noisy(bench, s, i), 0.1, is_new(bench, i) ? s->other : 0 };

		set_mean(bench, i, 0, of.median * exp(of.spread * of.spread / 2));
		fill_histogram(bench, i, &of, FAULTS_OF_SHAPE);
	}
}

/* The first run of the base, as one that finds everything cold. */
static void fill_cold_shape(struct bench *bench, const struct scenario *s)
{
	for (size_t i = 0; i < 2 * s->nruns; i++)
		fill_histogram(
			bench, i,
			&(struct latencies){ noisy(bench, s, i) * (i ? 1 : 1 + s->other), 0.3, 0 },
			FAULTS_OF_SHAPE);
}

static void fill_drifting_shape(struct bench *bench, const struct scenario *s)
{
	for (size_t i = 0; i < 2 * s->nruns; i++)
		fill_histogram(bench, i, &(struct latencies){ drifting(bench, s, i), 0.3, 0 },
			       FAULTS_OF_SHAPE);
}

#define MEAN "guest_fault.mean<=+2%"
#define INSTRUCTIONS "guest_fault.mean<=+1%"
#define SHAPE "guest_fault.shape<=10%"
#define HALVES_OF_TEN 0.1697 /* so that .shape is 10 % */
#define NONE "guest_fault.mean<=+1e-9%"
#define THREE MEAN " host_fault.mean<=+2% punch_hole.mean<=+2%"

/* clang-format off */
static const struct scenario scenarios[] = {
	{ "+5 %, noise 14 %", 5, MEAN, 0, fill_means, 0.05, 0.14, .fine_at_most = 5, .regressions_at_most = ANY },
	{ "+5 %, noise 5 %", 5, MEAN, 0, fill_means, 0.05, 0.05, .fine_at_most = 5, .regressions_at_most = ANY },
	{ "+5 %, noise 5 %, anew up to 4 times", 5, MEAN, 0, fill_means, 0.05, 0.05, .times = 4, .fine_at_most = 5, .regressions_at_most = ANY },
	{ "+1.8 %, which is allowed, noise 0.5 %", 5, MEAN, 0, fill_means, 0.018, 0.005, .fine_at_most = ANY, .regressions_at_most = 1 },
	{ "+2 %, the limit itself, noise 0.5 %", 5, MEAN, 0, fill_means, 0.02, 0.005, .fine_at_most = 2.5, .regressions_at_most = 1, .at_level = true },
	{ "+2 %, the limit itself, noise 1 %, until told", 24, MEAN, 0, fill_means, 0.02, 0.01, .until_told = true, .fine_at_most = 2.5, .regressions_at_most = 1, .at_level = true },
	{ "+5 %, noise 2 %, until told", 24, MEAN, 0, fill_means, 0.05, 0.02, .until_told = true, .fine_at_most = 1, .regressions_at_most = ANY, .regressions_at_least = 90 },
	{ "+2 % of three metrics, noise 0.5 %", 6, THREE, 0, fill_three, 0.02, 0.005, .fine_at_most = 2.5, .regressions_at_most = 1, .at_level = true },
	{ "+5 %, first base run 30 % slower", 6, MEAN, 0, fill_cold, 0.05, 0.005, 0.3, .fine_at_most = 0, .regressions_at_most = ANY },
	{ "+5 %, first base run 30 % slower", 8, MEAN, 0, fill_cold, 0.05, 0.005, 0.3, .fine_at_most = 0, .regressions_at_most = ANY, .regressions_at_least = 95 },
	{ "+50 % beside a count of Poisson(0.1)", 5, MEAN " notifier.count<=+1%", 0, fill_chance, 0.5, 0.005, 0.1, .fine_at_most = 0, .regressions_at_most = ANY, .regressions_at_least = 98 },
	{ "no change, 10 % of the runs interrupted, minima", 3, INSTRUCTIONS, 1, fill_interrupted, 0, 0.0007, 0.1, .fine_at_most = ANY, .regressions_at_most = 0.1 },
	{ "+2 %, 10 % of the runs interrupted, minima", 3, INSTRUCTIONS, 1, fill_interrupted, 0.02, 0.0007, 0.1, .fine_at_most = 0.05, .regressions_at_most = ANY, .regressions_at_least = 90 },
	{ "p99 +12.2 %, limit +10 %, 40,000 faults", 6, "guest_fault.p99<=+10%", 0, fill_histograms, 0.122, 0.003, 40000, .fine_at_most = 0, .regressions_at_most = ANY, .regressions_at_least = 95 },
	{ "p99 +10 %, the limit itself, 10,000 faults", 6, "guest_fault.p99<=+10%", 0, fill_histograms, 0.1, 0.003, 10000, .fine_at_most = 2.5, .regressions_at_most = 1, .at_level = true },
	{ "no change, runs like the one before (AR(1) of 0.8), limit 0, one side after the other", 6, NONE, 0, fill_related, 0, 0.01, 0.8, .warned = true, .fine_at_most = ANY, .regressions_at_most = 1 },
	{ "no change, a drift of 3 %, limit 0, one side after the other", 6, NONE, 0, fill_drifting, 0, 0.005, 0.03, .warned = true, .fine_at_most = ANY, .regressions_at_most = 1 },
	{ "no change, runs like the one before, limit 0, in pairs", 8, NONE, 0, fill_related, 0, 0.01, 0.8, .in_turns = true, .paired = true, .fine_at_most = 2.5, .regressions_at_most = 1, .at_level = true },
	{ "no change, a drift of 3 %, limit 0, in pairs", 8, NONE, 0, fill_drifting, 0, 0.005, 0.03, .in_turns = true, .paired = true, .fine_at_most = 2.5, .regressions_at_most = 1, .at_level = true },
	{ "+3 %, a drift of 6 %, in pairs", 8, MEAN, 0, fill_drifting, 0.03, 0.002, 0.06, .in_turns = true, .paired = true, .fine_at_most = 0, .regressions_at_most = ANY, .regressions_at_least = 90 },
	{ "shape, no change, noise 0.5 %", 5, SHAPE, 0, fill_halves, 0, 0.005, .fine_at_most = ANY, .regressions_at_most = 0, .fine_at_least = 99 },
	{ "shape, no change, noise 5 %", 5, SHAPE, 0, fill_halves, 0, 0.05, .fine_at_most = ANY, .regressions_at_most = 1 },
	{ "shape, no change, noise 1 %, limit 0", 5, "guest_fault.shape<=1e-9%", 0, fill_histograms, 0, 0.01, FAULTS_OF_SHAPE, .fine_at_most = ANY, .regressions_at_most = 1, .at_level = true },
	{ "shape +10 %, the limit itself, all slower, noise 1 %", 5, SHAPE, 0, fill_histograms, 0.1, 0.01, FAULTS_OF_SHAPE, .fine_at_most = 2.5, .regressions_at_most = 1, .at_level = true },
	{ "shape 10 %, the limit itself, in two halves, noise 1 %", 5, SHAPE, 0, fill_halves, 0, 0.01, HALVES_OF_TEN, .fine_at_most = 2.5, .regressions_at_most = 1, .at_level = true },
	{ "in two halves, 25 % from their middle, by mean and median, noise 0.5 %", 6, MEAN " guest_fault.p50<=+13%", 0, fill_halves, 0, 0.005, 0.25, .fine_at_most = ANY, .regressions_at_most = 0, .fine_at_least = 95 },
	{ "in two halves, 25 % from their middle, by shape, noise 0.5 %", 5, SHAPE, 0, fill_halves, 0, 0.005, 0.25, .fine_at_most = 0, .regressions_at_most = ANY, .regressions_at_least = 99 },
	{ "in two halves, 25 % from their middle, by shape, noise 3 %", 6, SHAPE, 0, fill_halves, 0, 0.03, 0.25, .fine_at_most = 0, .regressions_at_most = ANY, .regressions_at_least = 95 },
	{ "shape +20 % all, first base run 30 % slower", 6, SHAPE, 0, fill_cold_shape, 0.2, 0.005, 0.3, .fine_at_most = 0, .regressions_at_most = ANY },
	{ "shape, no change, a drift of 6 %, limit 0, in pairs", 8, "guest_fault.shape<=1e-9%", 0, fill_drifting_shape, 0, 0.005, 0.06, .in_turns = true, .paired = true, .fine_at_most = ANY, .regressions_at_most = 1, .at_level = true },
	{ "shape +12 %, a drift of 6 %, in pairs", 8, SHAPE, 0, fill_drifting_shape, 0.12, 0.002, 0.06, .in_turns = true, .paired = true, .fine_at_most = 0, .regressions_at_most = ANY, .regressions_at_least = 90 },
	{ "no change, noise 0.5 %", 5, MEAN, 0, fill_means, 0, 0.005, .fine_at_most = ANY, .regressions_at_most = 1, .fine_at_least = 99 },
};
/* clang-format on */

static enum verdict judge_until_told(struct bench *bench, const struct scenario *scenario)
{
	enum verdict verdict = VERDICT_INCONCLUSIVE;

	bench->input.max_runs = bench->nruns;
	for (size_t n = 1; n <= bench->nruns && verdict == VERDICT_INCONCLUSIVE; n++) {
		bench->input.nbase = bench->input.nnew = n;
		verdict = judge(bench, scenario->warned);
	}
	return verdict;
}

static enum verdict judge_once(struct bench *bench, const struct scenario *scenario)
{
	enum verdict verdict;
	unsigned int times = 0;

	do {
		scenario->fill(bench, scenario);
		verdict = scenario->until_told ? judge_until_told(bench, scenario)
					       : judge(bench, scenario->warned);
	} while (verdict == VERDICT_INCONCLUSIVE && ++times < scenario->times);
	return verdict;
}

/* In percent, by verdict; an improvement is fine. */
static void try(const struct scenario *scenario, unsigned int trials, double shares[])
{
	struct bench *bench = make_bench(scenario->nruns, scenario->rules);

	bench->input.deterministic = scenario->deterministic;
	bench->input.paired = scenario->paired;
	for (size_t i = 0; i < 2 * bench->nruns; i++)
		bench->samples[i].capture.start_realtime_ns =
			position(bench, scenario, i) * 10000000000ULL;
	for (unsigned int trial = 0; trial < trials; trial++)
		shares[judge_once(bench, scenario)] += 100.0 / trials;
	shares[VERDICT_FINE] += shares[VERDICT_IMPROVED];
	free_bench(bench);
}

static bool is_as_asked(const struct scenario *scenario, unsigned int trials, const double shares[])
{
	double fine = shares[VERDICT_FINE], regressions = shares[VERDICT_REGRESSION];
	/* Three standard deviations of a share of 1 %; else what a sum of shares loses. */
	double by_chance = scenario->at_level ? 300 * sqrt(0.01 * 0.99 / trials) : 1e-9;

	return fine <= scenario->fine_at_most + by_chance && fine >= scenario->fine_at_least &&
	       regressions <= scenario->regressions_at_most + by_chance &&
	       regressions >= scenario->regressions_at_least;
}

static void print_asked(const char *what, double at_least, double at_most)
{
	if (at_least > 0)
		printf(", %s at least %g", what, at_least);
	if (at_most < ANY)
		printf(", %s at most %g", what, at_most);
}

static bool run(const struct scenario *scenario, unsigned int trials)
{
	double shares[VERDICT_REGRESSION + 1] = {};
	bool passed;

	random_state = 88172645463325252ULL;
	try(scenario, trials, shares);
	passed = is_as_asked(scenario, trials, shares);
	printf("%s - verdicts: %s, %zu + %zu (fine %.2f %%, inconclusive %.2f %%, regression "
	       "%.2f %%; asked",
	       passed ? "ok" : "not ok", scenario->name, scenario->nruns, scenario->nruns,
	       shares[VERDICT_FINE], shares[VERDICT_INCONCLUSIVE], shares[VERDICT_REGRESSION]);
	print_asked("fine", scenario->fine_at_least, scenario->fine_at_most);
	print_asked("regression", scenario->regressions_at_least, scenario->regressions_at_most);
	printf(")\n");
	return passed;
}

/* A history: one run a night, and at night STEP of NIGHTS a change. */

#define NIGHTS 60
#define STEP 40

/* The first night after which a change is told; 0: never. */
static size_t first_told(const double *values)
{
	struct trend_change changes[NIGHTS / TREND_LEVEL];

	for (size_t n = 1; n <= NIGHTS; n++)
		if (trend_find(values, n, TREND_ALPHA, changes) > 0)
			return n;
	return 0;
}

/*
 * What is asked of histories, in percent: told too early at most, found within WEEK of the others at
 * least, found at all at least. Of more than 3 % told too early, as many as chance has in so few
 * trials.
 */
#define WEEK 7

struct history {
	const char *name;
	double noise; /* standard deviation of the value of a night, as a share */
	double bad; /* by so much one night before the step is too slow */
	double in_a_week;
};

static bool run_history(const struct history *history, unsigned int trials)
{
	unsigned int early = 0, soon = 0, found = 0, nights = 0;
	double least = 3 + 300 * sqrt(0.03 * 0.97 / trials), others;
	bool passed;

	random_state = 88172645463325252ULL;
	for (unsigned int trial = 0; trial < trials; trial++) {
		double values[NIGHTS];
		size_t told;

		for (size_t i = 0; i < NIGHTS; i++)
			values[i] = 10000 * (i < STEP ? 1 : 1.02) * (1 + history->noise * normal());
		values[(size_t)(STEP * uniform())] *= 1 + history->bad;
		told = first_told(values);
		early += told && told <= STEP;
		found += told > STEP;
		soon += told > STEP && told <= STEP + WEEK;
		nights += told > STEP ? (unsigned int)told - STEP : 0;
	}
	others = trials - early;
	passed = 100.0 * early / trials <= least && 100 * soon / others >= history->in_a_week &&
		 100 * found / others >= 94;
	printf("%s - verdicts: a history with +2 %% from night %d on, %s (told before in %.1f %%, "
	       "found within %d nights in %.1f %% of the others, in all in %.1f %%, after %.1f "
	       "nights; asked at most %.1f, at least %g, at least 94)\n",
	       passed ? "ok" : "not ok", STEP, history->name, 100.0 * early / trials, WEEK,
	       100 * soon / others, 100 * found / others, (double)nights / found, least,
	       history->in_a_week);
	return passed;
}

static const struct history histories[] = {
	{ "noise 1 %, one run a night", 0.01, 0, 85 },
	{ "noise 1 %, two runs a night", 0.01 * M_SQRT1_2, 0, 98 },
	{ "noise 1 %, one run a night, one of them 30 % too slow", 0.01, 0.3, 60 },
};

int main(int argc, char **argv)
{
	size_t n = sizeof(scenarios) / sizeof(scenarios[0]), passed = 0;
	size_t nhistories = sizeof(histories) / sizeof(histories[0]);
	unsigned int trials =
		argc == 3 && !strcmp(argv[1], "--trials") ? (unsigned int)atoi(argv[2]) : 2000;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < n; i++)
		passed += run(&scenarios[i], trials);
	for (size_t i = 0; i < nhistories; i++)
		passed += run_history(&histories[i], trials / 4);
	printf("1..%zu\n", n + nhistories);
	return passed != n + nhistories;
}
