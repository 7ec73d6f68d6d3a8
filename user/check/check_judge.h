/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verdict on one row. Private to check.c.
 */
#ifndef CHECK_JUDGE_H
#define CHECK_JUDGE_H

#include "check.h"

/*
 * Set the verdict and the reason of @row, which is fine so far: both sides are known, and p if it
 * was tested. @values are those of its runs, the base first.
 */
void check_judge(const struct check_result *result, struct check_row *row,
		 const struct metric_value *values);

void check_say(struct check_row *row, enum verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
