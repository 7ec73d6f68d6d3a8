/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The line of an event in the making, written in one piece: there are millions of them, and what
 * stdio does for each value would be most of the time. Private to export*.c.
 */
#ifndef EXPORT_LINE_H
#define EXPORT_LINE_H

#include <stdio.h>
#include <string.h>
#include "base/digits.h"
#include "export_event.h"

/* A character of a text is at most six in JSON; names, and what is between values, are short. */
#define LINE_SIZE (NR_FIELDS * (6 * EXPORT_TEXT_SIZE + 64))

/* What the last line said of its place, or of its thread: the next mostly has the same. */
struct line_part {
	size_t len;
	char text[LINE_SIZE];
};

/* Starts zeroed; line_begin(). There is room for all values of an event, whatever they are. */
struct export_line {
	char *at; /* where what comes next goes */
	char text[LINE_SIZE];
	const struct export_place *place; /* whom .of_place is of; NULL: nobody so far */
	unsigned int place_version;
	struct capture_thread thread; /* likewise */
	struct line_part of_place, of_thread;
};

/* Add the values of @event from @from up to @end to the line. */
typedef void line_fields_fn(void *ctx, const struct export_event *event, int from, int end);

/* Add all of them, by @add or as they were in the line before. */
void line_event(struct export_line *line, const struct export_event *event, line_fields_fn *add,
		void *ctx);

static inline void line_begin(struct export_line *line)
{
	line->at = line->text;
}

/* Write it. Failed writes are left to the caller. */
static inline void line_end(const struct export_line *line, FILE *out)
{
	fwrite_unlocked(line->text, 1, line->at - line->text, out);
}

static inline void line_char(struct export_line *line, char c)
{
	*line->at++ = c;
}

static inline void line_bytes(struct export_line *line, const char *bytes, size_t n)
{
	line->at = mempcpy(line->at, bytes, n);
}

/* @text of ours. */
static inline void line_word(struct export_line *line, const char *text)
{
	line->at = stpcpy(line->at, text);
}

static inline void line_number(struct export_line *line, __u64 number)
{
	line->at = digits_put(line->at, number);
}

static inline void line_signed(struct export_line *line, __s64 number)
{
	if (number < 0)
		line_char(line, '-');
	line_number(line, number < 0 ? -(__u64)number : (__u64)number);
}

/*
 * As much of @text as is characters that @plain has, of which 0 is none; returns the rest. For texts
 * that nearly always are plain to their end.
 */
static inline const char *line_plain(struct export_line *line, const char *text,
				     const bool plain[256])
{
	while (plain[(unsigned char)*text])
		line_char(line, *text++);
	return text;
}

#endif
