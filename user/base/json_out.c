// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commas, keys and escapes.
 */
#include "json_out.h"
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "digits.h"
#include "json_text.h"
#include "text.h"

static void put_bytes(struct json_out *json, const char *bytes, size_t n)
{
	fwrite_unlocked(bytes, 1, n, json->file);
}

static void put_char(struct json_out *json, char c)
{
	putc_unlocked(c, json->file);
}

static void begin(struct json_out *json, const char *key)
{
	if (json->follows)
		put_char(json, ',');
	json->follows = true;
	if (!key)
		return;
	put_char(json, '"');
	put_bytes(json, key, strlen(key));
	put_bytes(json, "\":", 2);
}

static void open_with(struct json_out *json, const char *key, char bracket)
{
	begin(json, key);
	put_char(json, bracket);
	json->follows = false;
}

static void close_with(struct json_out *json, char bracket)
{
	put_char(json, bracket);
	json->follows = true;
}

void json_out_object(struct json_out *json, const char *key)
{
	open_with(json, key, '{');
}

void json_out_end_object(struct json_out *json)
{
	close_with(json, '}');
}

void json_out_list(struct json_out *json, const char *key)
{
	open_with(json, key, '[');
}

void json_out_end_list(struct json_out *json)
{
	close_with(json, ']');
}

static void put_word(struct json_out *json, const char *key, const char *word)
{
	begin(json, key);
	put_bytes(json, word, strlen(word));
}

void json_out_null(struct json_out *json, const char *key)
{
	put_word(json, key, "null");
}

void json_out_bool(struct json_out *json, const char *key, bool value)
{
	put_word(json, key, value ? "true" : "false");
}

void json_out_number(struct json_out *json, const char *key, __u64 value)
{
	char text[DIGITS_MAX + 2] = "\"", *end = digits_put(text + 1, value);

	*end = '"';
	begin(json, key);
	if (value <= INT64_MAX)
		put_bytes(json, text + 1, end - text - 1);
	else
		put_bytes(json, text, end - text + 1);
}

void json_out_signed(struct json_out *json, const char *key, __s64 value)
{
	char text[DIGITS_MAX + 1] = "-";

	begin(json, key);
	if (value < 0)
		put_bytes(json, text, digits_put(text + 1, -(__u64)value) - text);
	else
		put_bytes(json, text, digits_put(text, value) - text);
}

void json_out_real(struct json_out *json, const char *key, double value)
{
	char text[32];

	snprintf(text, sizeof(text), isfinite(value) ? "%.12g" : "null", value);
	put_word(json, key, text);
}

void json_out_number_if(struct json_out *json, const char *key, bool known, __u64 value)
{
	if (known)
		json_out_number(json, key, value);
	else
		json_out_null(json, key);
}

void json_out_string(struct json_out *json, const char *key, const char *value)
{
	begin(json, key);
	put_char(json, '"');
	put_bytes(json, value, strlen(value));
	put_char(json, '"');
}

/* As jansson has them in other reports. */
static void put_control(struct json_out *json, unsigned int code)
{
	static const char *const named[] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r",
	};
	char text[sizeof("\\u0000")];

	if (code <= '\r' && named[code])
		snprintf(text, sizeof(text), "%s", named[code]);
	else
		snprintf(text, sizeof(text), code < ' ' ? "\\u%04X" : "\\u%04x", code & 0xffff);
	put_bytes(json, text, strlen(text));
}

/* The character at @s of @len bytes. How many it has. */
static size_t put_character(struct json_out *json, const char *s, size_t len)
{
	unsigned int code;
	size_t n = text_decode(s, len, &code);

	if (!n) {
		put_bytes(json, "\uFFFD", strlen("\uFFFD"));
		return 1;
	}
	if (text_control(s, n, &code)) {
		put_control(json, code);
		return n;
	}
	if (code == '"' || code == '\\')
		put_char(json, '\\');
	put_bytes(json, s, n);
	return n;
}

void json_out_foreign(struct json_out *json, const char *key, const char *s, size_t len)
{
	const char *end = s + strnlen(s, len);

	begin(json, key);
	put_char(json, '"');
	while (s < end)
		s += put_character(json, s, end - s);
	put_char(json, '"');
}

void json_out_foreign_or_null(struct json_out *json, const char *key, const char *s)
{
	if (s && *s)
		json_out_foreign(json, key, s, strlen(s));
	else
		json_out_null(json, key);
}
