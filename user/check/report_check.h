/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a check found, for people and for CI systems: a table as text or Markdown, a page, JUnit's XML,
 * GitHub's annotations, JSON. Each line has the rule, base, new, the change with its bounds, the
 * noise and what could be found in it, and the verdict.
 */
#ifndef REPORT_CHECK_H
#define REPORT_CHECK_H

#include "base/text_style.h"
#include "check.h"

/*
 * Write @result as @format. 0, -EINVAL for an unknown format, -ENOMEM, or the error of writing
 * (-ENOSPC, -EPIPE, ...).
 */
int report_check(FILE *out, const char *format, const struct check_result *result,
		 const struct text_style *style);

bool report_check_has_format(const char *format);

/* For messages: "text, markdown, ...". */
const char *report_check_formats(void);

/* For the formats, private to report_check*.c. */

typedef int check_writer(FILE *out, const struct check_result *result,
			 const struct text_style *style);

/* Each returns 0 or -ENOMEM; errors of @out are left to the caller. */
check_writer report_check_text, report_check_markdown, report_check_junit, report_check_github,
	report_check_json, report_check_html;

/* One row in words, printable; "-" for what there is not. */
struct check_words {
	const char *rule;
	char place[PLACE_LEN];
	char base[32];
	char new[32];
	char change[60]; /* "+5.00% [+4.12, +5.91]": with its bounds */
	char noise[16];
	char finds[16];
	char needs[44];
	const char *verdict;
	char why[500]; /* the reason, and what else to know; "" when there is nothing to add */
};

/* A value of that unit, printable: "9.500us" */
void check_value(char *buf, size_t size, enum metric_unit unit, double value, bool utf8);

/* As the schema has it; NULL: no memory. */
struct json_t *check_json_place(const struct place *place);

struct check_words check_words(const struct check_row *row, bool utf8);

/* The columns of tables, the first of which is the rule, the last the verdict. */
#define CHECK_COLUMNS 9
extern const char *const check_headings[CHECK_COLUMNS];
bool check_has_column(const struct check_result *result, int column);
const char *check_cell(const struct check_words *words, int column);

/* "5 base runs (Linux 6.18.5) and 5 new runs (Linux 7.2.4)", printable. */
#define CHECK_TITLE_LEN 320
const char *check_title(char *buf, const struct check_result *result, bool utf8);

/* "regression: 1 regression, 2 inconclusive, 5 fine". */
const char *check_summary(char *buf, const struct check_result *result);

/* By which chances of being wrong it was judged; "" where nothing has noise. */
const char *check_levels(char *buf, const struct check_result *result);

/* What to do where it is inconclusive; "" else, or if more runs are no help. */
const char *check_advice(char *buf, const struct check_result *result);

#endif
