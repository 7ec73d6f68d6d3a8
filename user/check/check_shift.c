// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where in the distribution of its latencies a regression is: in all events, or in the slow ones?
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "check_judge.h"
#include "model/percentile.h"

const unsigned int check_shift_per_mille[NR_SHIFTS] = { 100, 250, 500, 900, 990, 999 };

/* Each percentile of one run, into @values, which has a row of @nruns for each. */
static int read_run(const struct check_row *row, const struct capture *capture, double *values,
		    size_t nruns)
{
	struct place_counts counts;
	int err = place_counts_read(&counts, row->place, capture);

	for (size_t i = 0; i < NR_SHIFTS && !err; i++)
		values[i * nruns] = percentile_within(&counts.totals.v[row->rule->metric.event],
						      check_shift_per_mille[i])
					    .value_ns;
	place_counts_free(&counts);
	return err;
}

/* @values: sorted by this, each side of each percentile by itself. */
static void find_shifts(const struct check_input *input, struct check_row *row, double *values)
{
	row->shifts.known = true;
	for (size_t i = 0; i < NR_SHIFTS; i++, values += input->nbase + input->nnew) {
		double was = stats_median_of(values, input->nbase);

		row->shifts.by[i] = stats_median_of(values + input->nbase, input->nnew) / was - 1;
		row->shifts.known &= isfinite(row->shifts.by[i]); /* else there is no histogram */
	}
}

/* What moved as a whole says nothing more than the change of the row. */
#define SAME_SHIFT 0.01

static void remark(struct check_row *row)
{
	double least = INFINITY, most = -INFINITY;
	char said[160];
	size_t at = 0;

	for (size_t i = 0; i < NR_SHIFTS && at < sizeof(said); i++) {
		least = fmin(least, row->shifts.by[i]);
		most = fmax(most, row->shifts.by[i]);
		at += (size_t)snprintf(said + at, sizeof(said) - at, ", p%g %+g %%",
				       check_shift_per_mille[i] / 10.0,
				       round(row->shifts.by[i] * 1000) / 10 + 0.0);
	}
	if (most - least > SAME_SHIFT || row->shape)
		check_remark(row, "by percentile%s", said + 1);
}

int check_find_shifts(const struct check_input *input, struct check_row *row)
{
	size_t nruns = input->nbase + input->nnew;
	double *values;
	int err = 0;

	if (row->verdict != VERDICT_REGRESSION || !row->rule->relative ||
	    !metric_is_noisy(&row->rule->metric))
		return 0;
	values = calloc(NR_SHIFTS * nruns, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (size_t i = 0; i < nruns && !err; i++)
		err = read_run(row, check_run_at(input, i)->capture, values + i, nruns);
	if (!err)
		find_shifts(input, row, values);
	if (row->shifts.known)
		remark(row);
	free(values);
	return err;
}
