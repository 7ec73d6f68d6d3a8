// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text on a terminal: cleaning, measuring, clipping and wrapping.
 */
#include <string.h>
#include <time.h>
#include <wchar.h>
#include "text.h"

char *text_time(char buf[TEXT_TIME_SIZE], __u64 realtime_ns)
{
	time_t seconds = realtime_ns / 1000000000;
	char date[32] = "";
	struct tm tm;

	/* Of 64 bits of nanoseconds, any is a date. */
	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, TEXT_TIME_SIZE, "%s.%09lluZ", date, realtime_ns % 1000000000);
	return buf;
}

void text_list_add(char *list, size_t size, const char *name)
{
	size_t at = strlen(list);

	snprintf(list + at, size - at, "%s%s", at ? ", " : "", name);
}

size_t text_decode(const char *s, size_t len, unsigned int *code)
{
	static const struct {
		unsigned char mask, lead;
		unsigned int min; /* below it, a shorter form exists: not valid */
	} forms[] = { { 0x80, 0x00, 0 },
		      { 0xe0, 0xc0, 0x80 },
		      { 0xf0, 0xe0, 0x800 },
		      { 0xf8, 0xf0, 0x10000 } };
	unsigned char first = *s;
	size_t i, n;

	for (n = 0; n < 4 && (first & forms[n].mask) != forms[n].lead; n++)
		;
	if (n == 4 || n + 1 > len)
		return 0;
	*code = first & ~forms[n].mask & 0xff;
	for (i = 1; i <= n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (*code < forms[n].min || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return n + 1;
}

/* Nearly all of what names are made of is a character by itself. */
static bool is_ascii(char c)
{
	return (unsigned char)c < 0x80;
}

/* The columns of a character: 2 for wide ones, 1 where the locale has no opinion. */
static unsigned int code_width(unsigned int code)
{
	int width = wcwidth((wchar_t)code);

	return width < 0 ? 1 : width;
}

unsigned int text_width(const char *s)
{
	size_t len = strlen(s), n;
	unsigned int width = 0, code;

	for (; len; s += n, len -= n) {
		n = text_decode(s, len, &code);
		width += n ? code_width(code) : 1;
		if (!n)
			n = 1;
	}
	return width;
}

static bool is_printable(unsigned int code, bool utf8)
{
	if (code < 0x80)
		return code >= 0x20 && code != 0x7f;
	/* A width of 0 is for what changes its neighbours: combining marks, direction. */
	return utf8 && wcwidth((wchar_t)code) > 0;
}

char *text_clean(char *buf, size_t size, const char *s, size_t len, bool utf8)
{
	char *out = buf, *end = buf + size - 1;
	unsigned int code;
	size_t n;

	for (len = strnlen(s, len); len; s += n, len -= n) {
		n = text_decode(s, len, &code);
		if (n && is_printable(code, utf8)) {
			if ((size_t)(end - out) < n)
				break;
			memcpy(out, s, n);
			out += n;
		} else {
			if (end - out < 4)
				break;
			out += sprintf(out, "\\x%02x", (unsigned char)*s);
			n = 1;
		}
	}
	*out = 0;
	return buf;
}

char *text_utf8(char *buf, size_t size, const char *s, size_t len)
{
	static const char replacement[] = "\uFFFD";
	char *out = buf, *end = buf + size - 1;
	unsigned int code;
	size_t n, width;

	for (len = strnlen(s, len); len; s += n, len -= n) {
		n = is_ascii(*s) ? 1 : text_decode(s, len, &code);
		width = n ? n : sizeof(replacement) - 1;
		if ((size_t)(end - out) < width)
			break;
		memcpy(out, n ? s : replacement, width);
		out += width;
		if (!n)
			n = 1;
	}
	*out = 0;
	return buf;
}

/* What a terminal obeys, or what makes it show other than what is there. */
static bool is_control(unsigned int code)
{
	static const struct {
		unsigned int first, last;
	} controls[] = {
		{ 0, 0x1f },	    { 0x7f, 0x9f },	{ 0x61c, 0x61c },   { 0x200e, 0x200f },
		{ 0x2028, 0x202e }, { 0x2066, 0x2069 }, { 0xfff9, 0xfffb },
	};

	if (code >= 0x20 && code < 0x7f) /* nearly all */
		return false;
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		if (code >= controls[i].first && code <= controls[i].last)
			return true;
	return false;
}

size_t text_control(const char *s, size_t len, unsigned int *code)
{
	size_t n = text_decode(s, len, code);

	return n && is_control(*code) ? n : 0;
}

char *text_plain(char *buf, size_t size, const char *s, size_t len)
{
	static const char replacement[] = "\uFFFD";
	char *out = buf, *end = buf + size - 1;
	unsigned int code;

	for (len = strnlen(s, len); len;) {
		size_t n = text_decode(s, len, &code), width = n ? n : sizeof(replacement) - 1;
		bool control = n && is_control(code);

		if ((size_t)(end - out) < (control ? 4 * n : width))
			break;
		if (control)
			for (size_t i = 0; i < n; i++)
				out += sprintf(out, "\\x%02x", (unsigned char)s[i]);
		else
			out = mempcpy(out, n ? s : replacement, width);
		s += n ?: 1;
		len -= n ?: 1;
	}
	*out = 0;
	return buf;
}

void text_clip(char *s, unsigned int columns)
{
	static const char dots[] = "...";
	size_t len = strlen(s), at = 0, n;
	unsigned int ndots = columns < strlen(dots) ? columns : strlen(dots);
	unsigned int width = 0, code;

	if (text_width(s) <= columns)
		return;
	while (at < len) {
		n = text_decode(s + at, len - at, &code);
		width += n ? code_width(code) : 1;
		if (width > columns - ndots)
			break;
		at += n ? n : 1;
	}
	/* Something of more columns than the dots, so of at least as many bytes, follows. */
	strcpy(s + at, dots + strlen(dots) - ndots);
}

char *text_blocks(char *buf, unsigned int eighths, bool utf8)
{
	static const char *const parts[] = { "",       "\u258f", "\u258e", "\u258d",
					     "\u258c", "\u258b", "\u258a", "\u2589" };
	char *at = buf;

	if (!utf8)
		eighths = (eighths + 7) / 8 * 8;
	for (unsigned int i = 0; i < eighths / 8; i++)
		at = stpcpy(at, utf8 ? "\u2588" : "#");
	strcpy(at, parts[eighths % 8]);
	return buf;
}

char *text_share(char *buf, double share, unsigned int columns, bool utf8)
{
	unsigned int eighths = share * columns * 8 + 0.5, taken;
	char *at;

	eighths = eighths > columns * 8 ? columns * 8 : eighths;
	if (share > 0 && !eighths)
		eighths = 1;
	text_blocks(buf, eighths, utf8);
	taken = (eighths + 7) / 8;
	for (at = buf + strlen(buf); taken < columns; taken++)
		at = stpcpy(at, utf8 ? "\u2500" : "_");
	return buf;
}

void flow_word(struct flow *flow, unsigned int gap, const char *word)
{
	unsigned int width = text_width(word);

	if (flow->has_word && flow->at + gap + width > flow->columns)
		flow_end(flow);
	if (!flow->has_word)
		gap = flow->indent > flow->at ? flow->indent - flow->at : 0;
	fprintf(flow->out, "%*s%s", (int)gap, "", word);
	flow->at += gap + width;
	flow->has_word = true;
}

void flow_text(struct flow *flow, unsigned int gap, const char *sentence)
{
	char word[128];
	size_t n;

	while (*sentence) {
		n = strcspn(sentence, " ");
		if (n) {
			snprintf(word, sizeof(word), "%.*s", (int)n, sentence);
			flow_word(flow, gap, word);
			gap = 1;
		}
		sentence += n + (sentence[n] == ' ');
	}
}

void flow_end(struct flow *flow)
{
	if (flow->at)
		fputc('\n', flow->out);
	flow->at = 0;
	flow->has_word = false;
}
