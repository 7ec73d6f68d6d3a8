/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text on a terminal: how wide it is, what may be written there, and wrapping at its edge. Names
 * of processes and arguments of commands come from strangers and pass text_clean() or
 * text_utf8() before they are written anywhere.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

/* The columns that @s, which is UTF-8 and clean, takes. */
unsigned int text_width(const char *s);

/*
 * Copy @len bytes of @s (up to a NUL) to @buf of @size bytes, all of it printable: what a terminal
 * could obey or not show becomes \xNN, so does everything beyond ASCII unless @utf8. What does
 * not fit is left out. Returns @buf.
 */
char *text_clean(char *buf, size_t size, const char *s, size_t len, bool utf8);

/*
 * Copy @len bytes of @s (up to a NUL) as valid UTF-8: what is not becomes U+FFFD. @buf has @size
 * bytes; TEXT_UTF8_SIZE(len) is always enough. Returns @buf.
 */
#define TEXT_UTF8_SIZE(len) (3 * (len) + 1)
char *text_utf8(char *buf, size_t size, const char *s, size_t len);

/* A time of day by RFC 3339, UTC, to the ns: "2026-11-30T14:25:00.000000000Z". Returns @buf. */
#define TEXT_TIME_SIZE 64
char *text_time(char buf[TEXT_TIME_SIZE], __u64 realtime_ns);

/* One name more at the end of @list of @size bytes, after a comma unless it is the first; what does not fit is left out. */
void text_list_add(char *list, size_t size, const char *name);

/* The UTF-8 character at @s of @len > 0 bytes: its length, and its code point in @code; 0: it is none. */
size_t text_decode(const char *s, size_t len, unsigned int *code);

/*
 * The control character at @s of @len > 0 bytes of UTF-8, or what changes the direction of text: how
 * many bytes it has, and its @code; 0: it is none. In text that goes out, none is left as it is.
 */
size_t text_control(const char *s, size_t len, unsigned int *code);

/*
 * Copy @len bytes of @s (up to a NUL) as text_utf8() does, but with what text_control() finds as
 * \xNN: for files that people may look at. TEXT_PLAIN_SIZE(len) is always enough. Returns @buf.
 */
#define TEXT_PLAIN_SIZE(len) (4 * (len) + 1)
char *text_plain(char *buf, size_t size, const char *s, size_t len);

/* Shorten clean @s in place to @columns, with up to three dots at its end where something was cut off. */
void text_clip(char *s, unsigned int columns);

/*
 * A bar of @eighths of a column in blocks; without UTF-8 whole columns of #, but at least one for
 * what is not 0. @buf has TEXT_BLOCKS_SIZE(columns) bytes. Returns @buf.
 */
#define TEXT_BLOCKS_SIZE(columns) (3 * ((columns) + 1) + 1)
char *text_blocks(char *buf, unsigned int eighths, bool utf8);

/* A bar of @columns of which @share (0..1) is full and the rest is a line, likewise. */
char *text_share(char *buf, double share, unsigned int columns, bool utf8);

/* Words on lines of @columns; the first word of each goes to column @indent. */
struct flow {
	FILE *out;
	unsigned int columns;
	unsigned int indent;
	unsigned int at; /* columns used on this line, by words or by others before them */
	bool has_word; /* on this line */
};

/* @gap blanks and @word, on a new line if this one has other words and no room. */
void flow_word(struct flow *flow, unsigned int gap, const char *word);

/* Every word of a clean sentence. */
void flow_text(struct flow *flow, unsigned int gap, const char *sentence);

/* End the line, unless nothing is on it. */
void flow_end(struct flow *flow);

#endif
