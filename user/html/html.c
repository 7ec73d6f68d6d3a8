// SPDX-License-Identifier: GPL-2.0-only
/*
 * Escapes, and the frame of a page.
 */
#include "html.h"
#include <stdarg.h>
#include <string.h>
#include "base/text.h"

extern const char html_style[]; /* html_style.css */

static const char *entity(unsigned int code)
{
	switch (code) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case 0xfffe: /* XML has no place for these two */
	case 0xffff:
		return "\uFFFD";
	default:
		return NULL;
	}
}

/* The character at @s of @len bytes. How many it has. */
static size_t put_character(FILE *out, const char *s, size_t len)
{
	char plain[TEXT_PLAIN_SIZE(4)];
	const char *escaped;
	unsigned int code;
	size_t n = text_decode(s, len, &code);

	if (!n) {
		fputs("\uFFFD", out);
		return 1;
	}
	escaped = entity(code);
	if (escaped)
		fputs(escaped, out);
	else
		fputs(text_plain(plain, sizeof(plain), s, n), out);
	return n;
}

void html_foreign(FILE *out, const char *s, size_t len)
{
	const char *end = s + strnlen(s, len);

	while (s < end)
		s += put_character(out, s, (size_t)(end - s));
}

void html_text(FILE *out, const char *s)
{
	html_foreign(out, s, strlen(s));
}

void html_element(FILE *out, const char *tag, const char *format, ...)
{
	char text[HTML_TEXT_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(out, "<%s>", tag);
	html_text(out, text);
	fprintf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

void html_begin(FILE *out, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
	      "<meta name=\"color-scheme\" content=\"light dark\" />\n",
	      out);
	html_element(out, "title", "%s", title);
	fprintf(out, "<style>\n%s</style>\n</head>\n<body>\n", html_style);
}

void html_end(FILE *out)
{
	fputs("</body>\n</html>\n", out);
}
