/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON that may go to a terminal: all control characters are escaped, not only those that JSON wants
 * to be.
 */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* @json on one line, without its end. 0, or -1 when memory is out or @out fails. */
int json_text_write(FILE *out, const json_t *json);

/*
 * What stands between the quotes of a string, to @to: @len bytes of valid UTF-8 as at most
 * JSON_TEXT_SIZE(len), without a NUL. Returns what comes after it.
 */
#define JSON_TEXT_SIZE(len) (6 * (len))
char *json_text_copy(char *to, const char *text, size_t len);

#endif
