// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each reader goes through its text once; none knows how the text was made.
 */
#include "outputs.h"
#include <ctype.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/id_map.h"
#include "base/text.h"

/* Closed while tests/fuzz/run runs: seen when the fuzzer is given what it has found. */
static void wrong(const char *what, const char *at)
{
	fprintf(stderr, "output: %s: %.200s\n", what, at);
	abort();
}

static void must(bool right, const char *what, const char *at)
{
	if (!right)
		wrong(what, at);
}

/* ---- Text, CSV, JSON, XML ---- */

static void plain_line(const char *line, size_t len)
{
	size_t size = TEXT_PLAIN_SIZE(len), ascii = 0;
	char *plain;

	while (ascii < len && line[ascii] >= ' ' && line[ascii] <= '~')
		ascii++;
	if (ascii == len)
		return;
	plain = malloc(size);
	text_plain(plain, size, line, len);
	must(strlen(plain) == len && !memcmp(plain, line, len), "not plain text", line);
	free(plain);
}

void read_plain(const char *text, size_t size)
{
	must(strlen(text) == size, "a NUL", text);
	while (*text) {
		size_t len = strcspn(text, "\n");

		plain_line(text, len);
		text += len + (text[len] == '\n');
	}
}

/* Past a field; what is in it is plain. */
static const char *csv_field(const char *at)
{
	const char *begin = at;

	if (*at != '"') {
		at += strcspn(at, "\",\r\n");
		plain_line(begin, at - begin);
		return at;
	}
	do {
		at++;
		at += strcspn(at, "\"");
		must(*at++, "a quote that does not end", begin);
	} while (*at == '"');
	plain_line(begin, at - begin);
	return at;
}

void read_csv(const char *text, size_t size)
{
	size_t nfields = 0, n = 0;

	must(strlen(text) == size, "a NUL", text);
	while (*text) {
		text = csv_field(text);
		n++;
		if (*text == ',') {
			text++;
			continue;
		}
		must(!strncmp(text, "\r\n", 2), "no field, and no end of a line", text);
		text += 2;
		nfields = nfields ?: n;
		must(n == nfields, "more or fewer fields than in the first line", text);
		n = 0;
	}
	must(!n && nfields, "no whole line at the end", text);
}

static void json_line(const char *line, size_t len)
{
	json_error_t error;
	json_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		wrong(error.text, line);
	json_decref(json);
}

void read_json(const char *text, size_t size)
{
	read_plain(text, size);
	json_line(text, size);
}

void read_ndjson(const char *text, size_t size)
{
	read_plain(text, size);
	while (*text) {
		size_t len = strcspn(text, "\n");

		must(text[len], "a line that does not end", text);
		json_line(text, len);
		text += len + 1;
	}
}

/* Characters and entities up to one of @ends. */
static const char *xml_text(const char *at, const char *ends)
{
	for (; *at && !strchr(ends, *at); at++) {
		must(*at != '<', "a < that opens nothing", at);
		if (*at == '&')
			must(!strncmp(at, "&amp;", 5) || !strncmp(at, "&lt;", 4) ||
				     !strncmp(at, "&gt;", 4) || !strncmp(at, "&quot;", 6) ||
				     !strncmp(at, "&#39;", 5),
			     "an unknown entity", at);
	}
	must(*at, "the end comes too early", at);
	return at;
}

static const char *xml_attributes(const char *at)
{
	for (;;) {
		at += strspn(at, " ");
		if (*at == '/' || *at == '>')
			return at;
		at += strcspn(at, "=<>\" ");
		must(!strncmp(at, "=\"", 2), "an attribute without a value", at);
		at = xml_text(at + 2, "\"") + 1;
	}
}

#define XML_DEPTH 160 /* a stack in a page has so many levels */

/* One element, and blank lines behind it. */
static void xml_document(const char *text)
{
	struct {
		const char *name;
		size_t len;
	} open[XML_DEPTH];
	size_t depth = 0;

	do {
		bool ends = text[0] == '<' && text[1] == '/';
		const char *name = text + 1 + ends;
		size_t len = strcspn(name, " />");

		must(*text == '<', "no element", text);
		text = xml_attributes(name + len);
		if (ends) {
			must(depth && open[depth - 1].len == len &&
				     !memcmp(open[depth - 1].name, name, len),
			     "another element ends", name);
			depth--;
		} else if (*text != '/') {
			must(depth < XML_DEPTH, "too deep", text);
			open[depth].name = name;
			open[depth++].len = len;
		}
		text += *text == '/';
		must(*text == '>', "an element that does not end", text);
		text = depth ? xml_text(text + 1, "<") : text + 1 + strspn(text + 1, "\n");
	} while (depth);
	must(!*text, "something after the end", text);
}

static const char *past(const char *text, const char *begin)
{
	must(!strncmp(text, begin, strlen(begin)), "another begin", text);
	return text + strlen(begin);
}

void read_xml(const char *text, size_t size)
{
	read_plain(text, size);
	xml_document(past(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
}

/* Names of ours alone: what a page could fetch, or run, has none of these. */
static void has_no(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	must(!at, "what a page must not have", at ?: "");
}

void read_html(const char *text, size_t size)
{
	read_plain(text, size);
	has_no(text, "<script");
	has_no(text, " src=\"");
	has_no(text, "<link");
	xml_document(past(text, "<!DOCTYPE html>\n"));
}

/* ---- OpenMetrics ---- */

enum { NAME_LEN = 128 };

struct metrics {
	struct id_map families, samples; /* by hashes of their names, of names and labels */
	char family[NAME_LEN], type[NAME_LEN];
	/* Of the histogram at hand: */
	__u64 series; /* a hash of its labels but le */
	bool in_series;
	double bound, total;
};

static void is_new(struct id_map *map, const char *begin, size_t len, const char *what)
{
	__u32 number;

	must(id_map_number(map, hash_bytes(begin, len), &number) > 0, what, begin);
}

static const char *metrics_name(const char *at, char name[NAME_LEN])
{
	size_t len = 0;

	for (; isalnum((unsigned char)*at) || *at == '_'; at++) {
		must(len + 1 < NAME_LEN, "a name that is too long", at);
		name[len++] = *at;
	}
	must(len && !isdigit((unsigned char)*name), "no name", at);
	name[len] = 0;
	return at;
}

static const char *metrics_meta(struct metrics *m, const char *line, const char *end)
{
	char family[NAME_LEN];
	const char *at;

	if (!strncmp(line, "# TYPE ", 7)) {
		at = metrics_name(line + 7, m->family);
		is_new(&m->families, m->family, strlen(m->family), "a family twice");
		must(*at == ' ' && metrics_name(at + 1, m->type) == end, "no type", line);
		return end + 1;
	}
	must(!strncmp(line, "# UNIT ", 7) || !strncmp(line, "# HELP ", 7), "a comment", line);
	at = metrics_name(line + 7, family);
	must(*at == ' ' && !strcmp(family, m->family), "of another family", line);
	if (line[2] == 'U') {
		size_t len = end - at - 1, all = strlen(family);

		must(all > len && !memcmp(family + all - len, at + 1, len), "another unit", line);
	}
	return end + 1;
}

struct labels {
	bool capture;
	double bound; /* le; -1: there is none */
	__u64 others; /* a hash */
};

static const char *metrics_label(const char *at, struct labels *labels)
{
	const char *begin = at;
	char name[NAME_LEN];

	at = metrics_name(at, name);
	must(!strncmp(at, "=\"", 2), "no value of a label", begin);
	for (at += 2; *at != '"'; at++) {
		must(*at && *at != '\n', "a label that does not end", begin);
		if (*at == '\\')
			must(*++at && strchr("\\\"n", *at), "an unknown escape", begin);
	}
	at++;
	labels->capture |= !strcmp(name, "capture");
	if (!strcmp(name, "le"))
		labels->bound = strtod(begin + 4, NULL);
	else
		labels->others = labels->others * 31 + hash_bytes(begin, at - begin);
	return at;
}

/* A bucket, or what comes after the last of them, which has everything. */
static void metrics_histogram(struct metrics *m, const struct labels *labels, const char *suffix,
			      double value, const char *line)
{
	if (!strcmp(suffix, "_sum"))
		return;
	must(!strcmp(suffix, "_bucket") || !strcmp(suffix, "_count"), "not of a histogram", line);
	if (!strcmp(suffix, "_count")) {
		must(m->in_series && m->bound == __builtin_inf() && value == m->total &&
			     labels->others == m->series,
		     "not the count of its buckets", line);
		m->in_series = false;
		return;
	}
	must(labels->bound >= 0, "a bucket without le", line);
	if (m->in_series)
		must(labels->others == m->series && labels->bound > m->bound && value >= m->total,
		     "a bucket out of order", line);
	m->in_series = true;
	m->series = labels->others;
	m->bound = labels->bound;
	m->total = value;
}

static const char *metrics_sample(struct metrics *m, const char *line, const char *end)
{
	struct labels labels = { .bound = -1 };
	size_t len = strlen(m->family);
	char name[NAME_LEN], *number_end;
	const char *at = metrics_name(line, name), *suffix = name + len;
	double value;

	must(!strncmp(name, m->family, len), "a sample of another family", line);
	must(*at == '{', "no labels", line);
	do
		at = metrics_label(at + 1, &labels);
	while (*at == ',');
	must(!strncmp(at, "} ", 2) && labels.capture, "labels that do not end, or lack one", line);
	is_new(&m->samples, line, at - line, "a sample twice");
	must(isdigit((unsigned char)at[2]), "no number", line);
	value = strtod(at + 2, &number_end);
	must(number_end == end, "more than a number", line);
	if (!strcmp(m->type, "histogram"))
		metrics_histogram(m, &labels, suffix, value, line);
	else
		must(!strcmp(suffix, strcmp(m->type, "counter") ? "" : "_total"), "another suffix",
		     line);
	return end + 1;
}

void read_openmetrics(const char *text, size_t size)
{
	struct metrics m = {};

	read_plain(text, size);
	while (strcmp(text, "# EOF\n")) {
		const char *end = text + strcspn(text, "\n");

		must(*end, "no # EOF at the end", text);
		text = *text == '#' ? metrics_meta(&m, text, end) : metrics_sample(&m, text, end);
	}
	must(!m.in_series, "a histogram without its count", m.family);
	id_map_free(&m.families);
	id_map_free(&m.samples);
}

/* ---- SQLite ---- */

static int no_key(void *path, int n, char **values, char **names)
{
	(void)n;
	(void)values;
	(void)names;
	wrong("a key that leads nowhere", path);
	return 1;
}

static int is_ok(void *path, int n, char **values, char **names)
{
	(void)path;
	(void)names;
	must(n == 1 && !strcmp(values[0], "ok"), "not whole", values[0]);
	return 0;
}

void read_sqlite(const char *path)
{
	sqlite3 *db;

	must(!sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), "no database", path);
	must(!sqlite3_exec(db, "PRAGMA foreign_key_check", no_key, (void *)path, NULL) &&
		     !sqlite3_exec(db, "PRAGMA integrity_check", is_ok, NULL, NULL),
	     sqlite3_errmsg(db), path);
	sqlite3_close(db);
}
