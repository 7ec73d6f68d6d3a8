/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How text may look where it is read.
 */
#ifndef TEXT_STYLE_H
#define TEXT_STYLE_H

#include <stdbool.h>
#include <stdio.h>

struct text_style {
	unsigned int columns; /* at least 80 */
	bool color;
	bool utf8;
};

/* What can be shown where @out leads: a terminal of some width and colour, a pipe, a file. */
struct text_style text_style_of(FILE *out);

#endif
