// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON lets through DEL, the controls from U+0080 on and others: they are escaped here. None of them
 * is beyond \uNNNN.
 */
#include "json_text.h"
#include "text.h"

/* What is JSON already, but for them; they are in strings only. */
static int put_escaped(const char *text, size_t len, void *out)
{
	const char *at = text, *end = text + len, *from = at;
	unsigned int code;

	while (at < end) {
		size_t n = text_control(at, end - at, &code);

		if (!n) {
			at++;
			continue;
		}
		fwrite(from, 1, at - from, out);
		fprintf(out, "\\u%04x", code);
		from = at += n;
	}
	fwrite(from, 1, at - from, out);
	return ferror(out) ? -1 : 0;
}

int json_text_write(FILE *out, const json_t *json)
{
	return json_dump_callback(json, put_escaped, out, JSON_COMPACT);
}

char *json_text_copy(char *to, const char *text, size_t len)
{
	const char *end = text + len;
	unsigned int code;

	while (text < end) {
		size_t n = text_control(text, end - text, &code);

		if (n) {
			to += sprintf(to, "\\u%04x", code);
			text += n;
			continue;
		}
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text++;
	}
	return to;
}
