// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows by METHOD_INTERVAL as a family of tests, which share the chance of a false alarm.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "check_judge.h"

static bool is_test(const struct check_row *row)
{
	return row->method == METHOD_INTERVAL && !check_is_judged(row);
}

static bool is_same_test(const struct check_row *a, const struct check_row *b)
{
	return is_test(a) && is_test(b) && a->place == b->place &&
	       metric_is_same(&a->rule->metric, &b->rule->metric);
}

/* Another rule before it asks the same of the same place. */
static bool is_repeated(const struct check_result *result, size_t index)
{
	const struct check_row *rows = result->rows;

	for (size_t i = index; i > 0 && rows[i - 1].place == rows[index].place; i--)
		if (is_same_test(&rows[i - 1], &rows[index]))
			return true;
	return false;
}

/* Of all rows of the test that the one at @index is the first of. */
static double smallest_chance(const struct check_result *result, size_t index,
			      const struct levels *levels)
{
	const struct check_row *rows = result->rows;
	double smallest = 1;

	for (size_t i = index; i < result->nrows && rows[i].place == rows[index].place; i++)
		if (is_same_test(&rows[i], &rows[index]))
			smallest = fmin(smallest,
					check_smallest_chance(result->input, &rows[i], levels));
	return smallest;
}

/*
 * Tarone's: alpha is shared by no more tests than can reach their share of it, whatever side their
 * values were on. The others cannot be a false alarm, and so cost nothing. @chances are sorted.
 */
static size_t size_of_family(const double *chances, size_t n, double alpha)
{
	size_t family = 1, able = n;

	for (;; family++) {
		while (able && !stats_is_within(chances[able - 1], alpha / (double)family))
			able--;
		if (able <= family)
			return family;
	}
}

int check_share_alpha(struct check_result *result, struct levels *levels)
{
	const struct check_input *input = result->input;
	double *chances = calloc(result->nrows + 1, sizeof(*chances));
	double alpha = check_share_of_look(input, input->alpha);
	size_t n = 0;

	if (!chances)
		return -ENOMEM;
	for (size_t i = 0; i < result->nrows; i++)
		if (is_test(&result->rows[i]) && !is_repeated(result, i))
			chances[n++] = smallest_chance(result, i, levels);
	qsort(chances, n, sizeof(*chances), stats_order);
	result->ntests = n;
	result->nfamily = size_of_family(chances, n, alpha);
	levels->tail = alpha / (double)result->nfamily;
	levels->tail_of_all = alpha / (double)(n ? n : 1);
	levels->miss = check_share_of_look(input, input->miss);
	free(chances);
	return 0;
}
