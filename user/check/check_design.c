// SPDX-License-Identifier: GPL-2.0-only
/*
 * Were the runs made so that they can be compared? By when they were: what has changed meanwhile is
 * no change of the sides. Statistics that suppose that it has not cannot see it.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check_judge.h"

static void __attribute__((format(printf, 2, 3)))
warn(struct check_result *result, const char *format, ...)
{
	va_list args;

	if (result->nwarnings == CHECK_WARNINGS)
		return;
	va_start(args, format);
	vsnprintf(result->warnings[result->nwarnings++], sizeof(result->warnings[0]), format, args);
	va_end(args);
}

/* Sides that were made one after the other. */
static void look_at_turns(struct check_result *result, const size_t *by_time)
{
	const struct check_input *input = result->input;
	const size_t *base = by_time, *new = by_time + input->nbase;

	if (check_start_of(input, new[input->nnew - 1]) < check_start_of(input, base[0]))
		warn(result, "all new runs are older than all of the base: are the sides swapped?");
	else if (result->ntests && input->nbase > 1 && input->nnew > 1 &&
		 check_start_of(input, base[input->nbase - 1]) < check_start_of(input, new[0]))
		warn(result,
		     "all base runs were made before all new ones: what has changed "
		     "meanwhile (heat, load, another boot) is taken for a change. Record in "
		     "turns");
}

/* The boot that all of @runs are of; "": of several, or not known. */
static const char *boot_of(const struct check_run *runs, size_t n)
{
	const char *boot = runs[0].capture->boot ?: "";

	for (size_t i = 1; i < n; i++)
		if (strcmp(boot, runs[i].capture->boot ?: ""))
			return "";
	return boot;
}

static bool has_times(const struct check_result *result)
{
	for (size_t i = 0; i < result->nrows; i++)
		if (result->rows[i].rule->relative &&
		    metric_is_noisy(&result->rows[i].rule->metric))
			return true;
	return false;
}

static void look_at_boots(struct check_result *result)
{
	const struct check_input *input = result->input;
	const char *base = boot_of(input->base, input->nbase);
	const char *new = boot_of(input->new, input->nnew);

	if (*base && *new &&strcmp(base, new) && has_times(result))
		warn(result,
		     "each side is of one boot: what differs from boot to boot is taken for "
		     "a change. Boot several times for each, in turns");
}

#define DAY_NS 86400000000000ULL

static void look_at_days(struct check_result *result, const size_t *by_time)
{
	const struct check_input *input = result->input;
	const size_t *base = by_time, *new = by_time + input->nbase;
	__u64 first = check_start_of(input, base[0]),
	      last = check_start_of(input, base[input->nbase - 1]);

	if (check_start_of(input, new[0]) < first)
		first = check_start_of(input, new[0]);
	if (check_start_of(input, new[input->nnew - 1]) > last)
		last = check_start_of(input, new[input->nnew - 1]);
	if (result->ntests && last - first >= DAY_NS)
		warn(result, "runs are up to %.1f days apart: the machine may be another by now",
		     (double)(last - first) / DAY_NS);
}

/* How many pairs of runs rise with time, less those that fall (Mann-Kendall). */
static int rise(const struct check_row *row, const size_t *runs, size_t n)
{
	int sum = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			double before = row->values[runs[j]].value;
			double after = row->values[runs[i]].value;

			sum += (after > before) - (after < before);
		}
	return sum;
}

static double variance_of_rise(size_t n)
{
	double runs = (double)n;

	return runs * (runs - 1) * (2 * runs + 5) / 18;
}

/* Of rows in which nothing changes with time, less than one in a hundred is beyond. */
#define TREND 2.6

static void look_at_trend(const struct check_input *input, struct check_row *row,
			  const size_t *by_time)
{
	double sum =
		rise(row, by_time, input->nbase) + rise(row, by_time + input->nbase, input->nnew);
	double variance = variance_of_rise(input->nbase) + variance_of_rise(input->nnew);

	if (variance > 0 && fabs(sum) > TREND * sqrt(variance))
		check_remark(row, "runs of one side %s with time: not all of it is noise",
			     sum > 0 ? "rise" : "fall");
}

/* So many standard deviations above the others is no chance. */
#define COLD 6

/* The oldest run of a side above the others: it found what it needs cold. */
static void look_at_first(const struct check_input *input, struct check_row *row,
			  const struct levels *levels, bool is_new)
{
	size_t n = is_new ? input->nnew : input->nbase;
	const size_t *runs = levels->by_time + (is_new ? input->nbase : 0);
	double first = row->values[runs[0]].value, others;

	if (n < 4)
		return;
	for (size_t i = 1; i < n; i++)
		levels->scratch[i - 1] = row->values[runs[i]].value;
	others = stats_median_of(levels->scratch, n - 1);
	if (first > levels->scratch[n - 2] && first > others * (1 + COLD * row->power.noise))
		check_remark(row, "the first %s run is %.2g %% above the others: leave it away",
			     is_new ? "new" : "base", (first / others - 1) * 100);
}

void check_design(struct check_result *result, const struct levels *levels)
{
	const struct check_input *input = result->input;

	look_at_turns(result, levels->by_time);
	look_at_days(result, levels->by_time);
	look_at_boots(result);
	for (size_t i = 0; i < result->nrows; i++) {
		struct check_row *row = &result->rows[i];

		if (row->method != METHOD_INTERVAL || !row->power.known || row->shape)
			continue;
		if (!input->paired)
			look_at_trend(input, row, levels->by_time);
		look_at_first(input, row, levels, false);
		look_at_first(input, row, levels, true);
	}
}
