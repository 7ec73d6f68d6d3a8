// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was captured, and where that differs: a table of facts, each as text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "diff.h"
#include "model/events.h"

typedef void fact_writer(const struct diff_side *side, char *text, size_t size);

/* More text behind @at bytes of it; where it ends. What does not fit is left out. */
static size_t add(char *text, size_t size, size_t at, const char *more)
{
	int n = at < size ? snprintf(text + at, size - at, "%s", more) : 0;

	return at + (n > 0 ? (size_t)n : 0);
}

static void put_file(const struct diff_side *side, char *text, size_t size)
{
	snprintf(text, size, "%s", side->name);
}

static void put_kernel(const struct diff_side *side, char *text, size_t size)
{
	snprintf(text, size, "Linux %s %s", side->capture->kernel, side->capture->arch);
}

static void put_time(const struct diff_side *side, char *text, size_t size)
{
	char begin[TEXT_TIME_SIZE];

	snprintf(text, size, "%.3f s from %.19s UTC", (double)side->capture->duration_ns / 1e9,
		 text_time(begin, side->capture->start_realtime_ns));
}

static void put_version(const struct diff_side *side, char *text, size_t size)
{
	snprintf(text, size, "%s %s", side->capture->tool, side->capture->version);
}

static void put_machine(const struct diff_side *side, char *text, size_t size)
{
	const char *machine = side->capture->machine;

	snprintf(text, size, "%s, %u CPUs", machine && *machine ? machine : "not known",
		 side->capture->ncpus);
}

static void put_programs(const struct diff_side *side, char *text, size_t size)
{
	snprintf(text, size, "%s",
		 *side->capture->programs ? side->capture->programs : "not known");
}

static void put_command(const struct diff_side *side, char *text, size_t size)
{
	size_t at = 0;

	for (char *const *arg = side->capture->command; arg && *arg; arg++) {
		at = add(text, size, at, at ? " " : "");
		at = add(text, size, at, *arg);
	}
	if (!side->capture->command)
		snprintf(text, size, "none");
}

static void put_end(const struct diff_side *side, char *text, size_t size)
{
	char end[CAPTURE_END_LEN];

	snprintf(text, size, "%s",
		 side->capture->command ? capture_command_end(end, side->capture) : "no command");
}

static void put_events(const struct diff_side *side, char *text, size_t size)
{
	size_t at = 0;

	text[0] = 0;
	for (int event = 0; event < NR_EVENTS; event++) {
		if (!capture_shows(side->capture, event) || !side->capture->hooks[event].attached)
			continue;
		at = add(text, size, at, at ? "," : "");
		at = add(text, size, at, event_descs[event].name);
	}
}

static void put_options(const struct diff_side *side, char *text, size_t size)
{
	const struct capture *capture = side->capture;
	size_t at = 0;

	text[0] = 0;
	if (capture->min_latency_ns)
		at += (size_t)snprintf(text, size, "--min-latency %lluns ",
				       capture->min_latency_ns);
	if (capture->sample)
		at += (size_t)snprintf(text + at, size - at, "--sample %u ", capture->sample);
	at = add(text, size, at, capture->records_kept ? "--events " : "");
	at = add(text, size, at, capture->stack_events ? "--stacks" : "");
	if (!at)
		snprintf(text, size, "none of note");
}

/* By which functions; what is long enough to be cut off is told by its length, too. */
static void put_functions(const struct diff_side *side, char *text, size_t size)
{
	size_t at = 0;

	text[0] = 0;
	for (int event = 0; event < NR_EVENTS; event++) {
		const struct rung *rung = capture_rung(side->capture, event);
		const char *function;

		if (!capture_shows(side->capture, event) || !side->capture->hooks[event].attached)
			continue;
		for (unsigned int i = 0; rung && (function = rung_function(rung, i)); i++) {
			at = add(text, size, at, at ? " " : "");
			at = add(text, size, at, function);
		}
	}
}

static void put_loss(const struct diff_side *side, char *text, size_t size)
{
	const struct snapshot *snap = side->capture->snap;

	if (snap->switched_off)
		snprintf(text, size, "LOST an unknown number: what follows is not complete");
	else if (snap->lost)
		snprintf(text, size, "LOST %llu: what follows is not complete", snap->lost);
	else
		snprintf(text, size, "nothing");
}

static void put_incomplete(const struct diff_side *side, char *text, size_t size)
{
	snprintf(text, size, "%s", side->incomplete ?: "no");
}

static const struct fact {
	const char *name;
	fact_writer *write;
	bool always; /* told also where it is the same */
	bool is_own; /* each capture has its own, which is no difference */
} facts[] = {
	{ "file", put_file, true, true },
	{ "kernel", put_kernel, true, false },
	{ "captured", put_time, true, true },
	{ "version", put_version, false, false },
	{ "machine", put_machine, false, false },
	{ "programs", put_programs, false, false },
	{ "command", put_command, false, false },
	{ "end", put_end, false, false },
	{ "options", put_options, false, false },
	{ "events", put_events, false, false },
	{ "functions", put_functions, false, false },
	{ "lost", put_loss, true, true },
	{ "incomplete", put_incomplete, false, false },
};

#define NR_FACTS (sizeof(facts) / sizeof(facts[0]))

int diff_facts_make(struct diff *diff)
{
	diff->facts = calloc(NR_FACTS, sizeof(*diff->facts));
	if (!diff->facts)
		return -ENOMEM;
	for (size_t i = 0; i < NR_FACTS; i++) {
		struct diff_fact *fact = &diff->facts[diff->nfacts];

		fact->name = facts[i].name;
		for (int s = 0; s < DIFF_SIDES; s++)
			facts[i].write(&diff->side[s], fact->text[s], DIFF_FACT_LEN);
		fact->differs =
			!facts[i].is_own && strcmp(fact->text[DIFF_A], fact->text[DIFF_B]) != 0;
		diff->nfacts += fact->differs || facts[i].always;
	}
	return 0;
}
