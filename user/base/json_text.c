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

void json_text_put(FILE *out, const char *text, size_t len)
{
	for (const char *at = text; at < text + len; at++) {
		if (*at != '"' && *at != '\\')
			continue;
		put_escaped(text, at - text, out);
		putc('\\', out);
		putc(*at, out);
		len -= at + 1 - text;
		text = at + 1;
	}
	put_escaped(text, len, out);
}
