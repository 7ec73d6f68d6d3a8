/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HTML that is well-formed XML, too: one file, with its style in it, without scripts and without
 * anything that is fetched. Tags are ours and written as they are; all else comes through here, since
 * anybody may have made it up. Writes that fail are left to the caller, who flushes.
 */
#ifndef HTML_H
#define HTML_H

#include <stddef.h>
#include <stdio.h>

/* At most @len bytes, up to a NUL: as valid UTF-8, what is markup escaped, controls as \xNN. */
void html_foreign(FILE *out, const char *s, size_t len);

/* Likewise all of @s. */
void html_text(FILE *out, const char *s);

/*
 * An element on a line of its own: its start tag without the brackets, as in "td class=\"warn\"", and
 * its text, which is escaped: at most HTML_TEXT_LEN bytes of it.
 */
#define HTML_TEXT_LEN 2000
void html_element(FILE *out, const char *tag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The page's begin, up to where its content begins; @title is escaped. And its end. */
void html_begin(FILE *out, const char *title);
void html_end(FILE *out);

#endif
