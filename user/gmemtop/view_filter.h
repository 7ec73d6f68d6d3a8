/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which rows are of interest: "pid=4711 guest_fault>100/s". Terms compare a column with a value;
 * all of them must hold.
 */
#ifndef VIEW_FILTER_H
#define VIEW_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#define FILTER_LEN 128
#define FILTER_TERMS 8

struct view;
struct row;

enum filter_op {
	FILTER_NOT_EQUAL,
	FILTER_NOT_LIKE,
	FILTER_AT_LEAST,
	FILTER_AT_MOST,
	FILTER_EQUAL,
	FILTER_LIKE,
	FILTER_ABOVE,
	FILTER_BELOW,
};

struct filter_term {
	unsigned int column;
	enum filter_op op;
	bool per_second; /* a count per second, also where totals are shown */
	double number;
	char word[FILTER_LEN];
};

struct filter {
	char text[FILTER_LEN]; /* as given; "" lets everything pass */
	unsigned int n;
	struct filter_term terms[FILTER_TERMS];
};

/* 0, or -1 with one line without a full stop in @why; @filter is then as it was. */
int filter_parse(const char *text, struct filter *filter, char *why, size_t size);

/* What is not known matches nothing. */
bool filter_matches(const struct filter *filter, const struct view *view, const struct row *row);

#endif
