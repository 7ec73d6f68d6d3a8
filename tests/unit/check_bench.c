// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks of captures made in memory.
 */
#include "check_bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check/report_check.h"
#include "unit.h"

static char names[2 * MAX_RUNS][32];

/* One VM with a slot; its events are up to the test. */
static struct check_run make_run(struct sample *sample, size_t nth)
{
	sample_empty(sample);
	sample_add_slot(sample_add_vm(sample, "gmemload", 100 + (unsigned int)nth), 0, 0, 512);
	sample->capture.start_realtime_ns += nth;
	snprintf(names[nth], sizeof(names[nth]), "%zu.gmem", nth);
	return (struct check_run){ .capture = &sample->capture, .name = names[nth] };
}

struct bench *make_bench(size_t nbase, size_t nnew)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	for (size_t i = 0; i < nbase + nnew; i++)
		(i < nbase ? bench->base : bench->new - nbase)[i] = make_run(&bench->samples[i], i);
	bench->input = (struct check_input){
		.base = bench->base,
		.nbase = nbase,
		.new = bench->new,
		.nnew = nnew,
		.alpha = 0.01,
		.miss = 0.025,
		.floor = 0.01,
	};
	return bench;
}

void free_bench(struct bench *bench)
{
	check_free(&bench->result);
	rules_free(&bench->rules);
	for (size_t i = 0; i < 2 * MAX_RUNS; i++)
		sample_free(&bench->samples[i]);
	free(bench);
}

struct event_counts *slot_of(struct bench *bench, size_t run)
{
	return &bench->samples[run].snap.vms[0].slots[0].events;
}

struct event_counts *vm_of(struct bench *bench, size_t run)
{
	return &bench->samples[run].snap.vms[0].events;
}

void add_faults(struct bench *bench, double ns, double percent, double noise)
{
	static const double wobble[MAX_RUNS] = { 0.1, -0.9, 0.7, -0.3, 1, -0.5, 0.4, -1 };
	size_t nbase = bench->input.nbase;

	for (size_t i = 0; i < nbase + bench->input.nnew; i++) {
		double run = 1 + noise * wobble[i < nbase ? i : (i - nbase + 3) % MAX_RUNS];

		if (i >= nbase)
			run *= 1 + percent / 100;
		sample_count(slot_of(bench, i), EV_GUEST_FAULT, (__u64)(ns * run), 1000);
	}
}

void add_rules(struct bench *bench, const char *rules)
{
	char *words = strdup(rules), *rest = words, *word;

	while ((word = strsep(&rest, " ")))
		assert_int_equal(rules_add(&bench->rules, word, &bench->problem), 0);
	free(words);
	bench->input.rules = bench->rules.v;
	bench->input.nrules = bench->rules.n;
}

/* The result as JSON, for the caller to free. */
static char *told(struct bench *bench)
{
	const struct text_style style = {};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(check_comparable(&bench->input, &bench->problem), 0);
	assert_int_equal(check_run_all(&bench->input, &bench->result), 0);
	assert_int_equal(report_check(out, "json", &bench->result, &style), 0);
	fclose(out);
	return text;
}

void run_check(struct bench *bench, const char *rules)
{
	char *of_all, *of_reduced;

	add_rules(bench, rules);
	of_all = told(bench);
	check_free(&bench->result);
	for (size_t i = 0; i < bench->input.nbase + bench->input.nnew; i++)
		assert_int_equal(check_reduce(&bench->input, &bench->samples[i].snap), 0);
	of_reduced = told(bench);
	assert_string_equal(of_reduced, of_all);
	free(of_all);
	free(of_reduced);
}

void expect_verdict(const struct bench *bench, size_t n, enum verdict verdict, const char *reason)
{
	const struct check_row *row = &bench->result.rows[n];

	assert_true(n < bench->result.nrows);
	if (row->verdict != verdict || !reason != !*row->reason)
		print_error("%s: %s %s\n", row->rule->text, verdict_names[row->verdict],
			    row->reason);
	assert_int_equal(row->verdict, verdict);
	assert_int_equal(!reason, !*row->reason);
	if (reason && !strstr(row->reason, reason))
		assert_string_equal(row->reason, reason);
}

const struct check_row *row_of(const struct bench *bench, size_t n)
{
	return &bench->result.rows[n];
}
