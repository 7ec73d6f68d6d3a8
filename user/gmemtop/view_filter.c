// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filter expressions: terms with blanks between them, each a column's key, an operator, a value.
 */
#include "view_filter.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/number.h"
#include "view_columns.h"

/* In the order of enum filter_op: those of two characters are looked for first. */
static const char *const ops[] = { "!=", "!~", ">=", "<=", "=", "~", ">", "<" };

#define NR_OPS (sizeof(ops) / sizeof(ops[0]))

/* Units that a number may have, by the kind of its column; those of time are number.c's. */
/* clang-format off */
static const struct unit {
	enum column_kind kind;
	const char *name;
	double factor;
} units[] = {
	{ COLUMN_BYTES, "B", 1 }, { COLUMN_BYTES, "KiB", 1024.0 },
	{ COLUMN_BYTES, "MiB", 1048576.0 }, { COLUMN_BYTES, "GiB", 1073741824.0 },
	{ COLUMN_BYTES, "TiB", 1099511627776.0 },
	{ COLUMN_COUNT, "k", 1e3 }, { COLUMN_COUNT, "M", 1e6 }, { COLUMN_COUNT, "G", 1e9 },
};
/* clang-format on */

static int wrong(char *why, size_t size, const char *term, const char *what)
{
	snprintf(why, size, "%s: %s", term, what);
	return -1;
}

/* 0: there is no such unit. */
static double find_unit(enum column_kind kind, const char *name)
{
	if (kind == COLUMN_LATENCY)
		return number_ns_of(name);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].kind == kind && !strcmp(units[i].name, name))
			return units[i].factor;
	return 0;
}

static int parse_number(struct filter_term *term, const char *text, char *why, size_t size)
{
	enum column_kind kind = columns[term->column].kind;
	char unit[FILTER_LEN];
	double factor = 1;
	char *end, *slash;

	term->number = strtod(term->word, &end);
	if (end == term->word || isnan(term->number))
		return wrong(why, size, text, "a number is wanted behind the operator");
	strcpy(unit, end);
	slash = kind == COLUMN_COUNT ? strstr(unit, "/s") : NULL;
	if (slash && !slash[2]) {
		term->per_second = true;
		*slash = 0;
	}
	if (*unit)
		factor = find_unit(kind, unit);
	if (!factor)
		return wrong(why, size, text, "an unknown unit");
	term->number *= factor;
	return 0;
}

/* The operator in @text, the first there is. */
static int find_op(const char *text, size_t *at)
{
	*at = strcspn(text, "!<>=~");
	for (size_t i = 0; i < NR_OPS; i++)
		if (!strncmp(text + *at, ops[i], strlen(ops[i])))
			return i;
	return -1;
}

static int parse_term(const char *text, struct filter_term *term, char *why, size_t size)
{
	int op, column;
	bool likes;
	size_t at;

	op = find_op(text, &at);
	if (op < 0)
		return wrong(why, size, text, "wants one of = != ~ !~ > >= < <=, as in pid=4711");
	column = column_by_key(text, at);
	if (column < 0 || columns[column].kind == COLUMN_DRAWING || !column)
		return wrong(why, size, text, "no such column (help lists them)");
	*term = (struct filter_term){ .column = column, .op = op };
	strcpy(term->word, text + at + strlen(ops[op]));
	likes = op == FILTER_LIKE || op == FILTER_NOT_LIKE;
	if (columns[column].kind != COLUMN_TEXT)
		return likes ? wrong(why, size, text, "~ is for text")
			     : parse_number(term, text, why, size);
	if (!likes && op != FILTER_EQUAL && op != FILTER_NOT_EQUAL)
		return wrong(why, size, text, "text has = != ~ !~ only");
	return 0;
}

int filter_parse(const char *text, struct filter *filter, char *why, size_t size)
{
	struct filter new = { .n = 0 };
	char words[FILTER_LEN], *rest = words, *word;

	if (strlen(text) >= sizeof(words))
		return wrong(why, size, "filter", "too long");
	strcpy(new.text, text);
	strcpy(words, text);
	while ((word = strsep(&rest, " "))) {
		if (!*word)
			continue;
		if (new.n == FILTER_TERMS)
			return wrong(why, size, word, "too many terms");
		if (parse_term(word, &new.terms[new.n++], why, size))
			return -1;
	}
	*filter = new;
	return 0;
}

static bool compare(enum filter_op op, double value, double with)
{
	/* Comparisons with NAN are false, but for this one. */
	if (isnan(value))
		return false;
	return (op == FILTER_NOT_EQUAL && value != with) ||
	       (op == FILTER_AT_LEAST && value >= with) ||
	       (op == FILTER_AT_MOST && value <= with) || (op == FILTER_EQUAL && value == with) ||
	       (op == FILTER_ABOVE && value > with) || (op == FILTER_BELOW && value < with);
}

static bool text_matches(const struct filter_term *term, const struct view *view,
			 const struct row *row)
{
	bool negated = term->op == FILTER_NOT_EQUAL || term->op == FILTER_NOT_LIKE;
	bool whole = term->op == FILTER_EQUAL || term->op == FILTER_NOT_EQUAL;
	char cell[CELL_LEN];

	column_cell(view, row, term->column, true, CELL_LEN, cell);
	if (whole)
		return !strcmp(cell, term->word) != negated;
	return !!strcasestr(cell, term->word) != negated;
}

static bool term_matches(const struct filter_term *term, const struct view *view,
			 const struct row *row)
{
	double value;

	if (columns[term->column].kind == COLUMN_TEXT)
		return text_matches(term, view, row);
	value = column_value(view, row, term->column);
	if (term->per_second && view->totals)
		value = value * 1e9 / (double)row->span_ns;
	return compare(term->op, value, term->number);
}

bool filter_matches(const struct filter *filter, const struct view *view, const struct row *row)
{
	for (unsigned int i = 0; i < filter->n; i++)
		if (!term_matches(&filter->terms[i], view, row))
			return false;
	return true;
}
