// SPDX-License-Identifier: GPL-2.0-only
/*
 * A JSON object on each line: for each event, as export_schema.json has it; where none were
 * recorded, the report of each snapshot, as -f json writes it. Values that an event does not have
 * are left out.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include "base/json_text.h"
#include "export_event.h"
#include "export_line.h"
#include "report/report.h"

#define KEY_MAX 24

struct ndjson {
	FILE *out;
	bool plain[256]; /* characters that are not escaped */
	struct export_line line;
	struct key {
		char text[KEY_MAX]; /* with what is around it */
		size_t len;
	} keys[NR_FIELDS];
};

/* What is between the quotes. */
static void add_text(struct ndjson *json, const char *text)
{
	const char *rest = line_plain(&json->line, text, json->plain);

	if (*rest)
		json->line.at = json_text_copy(json->line.at, rest, strlen(rest));
}

/* As in reports: from 2^63 on, which most readers do not take, its digits in quotes. */
static void add_number(struct export_line *line, __u64 number)
{
	if (number > INT64_MAX)
		line_char(line, '"');
	line_number(line, number);
	if (number > INT64_MAX)
		line_char(line, '"');
}

static void add_words(struct export_line *line, const char *words)
{
	line_bytes(line, "[\"", 2);
	for (; *words; words++)
		if (*words == ' ')
			line_bytes(line, "\",\"", 3);
		else
			line_char(line, *words);
	line_bytes(line, "\"]", 2);
}

static void add_value(struct ndjson *json, enum field_kind kind, const struct export_value *value)
{
	struct export_line *line = &json->line;

	if (kind == FIELD_NUMBER) {
		add_number(line, value->number);
		return;
	}
	if (kind == FIELD_WORDS) {
		add_words(line, value->text);
		return;
	}
	line_char(line, '"');
	if (kind == FIELD_TEXT)
		add_text(json, value->text);
	else
		line_word(line, value->text);
	line_char(line, '"');
}

static void add_fields(void *ctx, const struct export_event *event, int from, int end)
{
	struct export_value value;
	struct ndjson *json = ctx;

	for (int i = from; i < end; i++) {
		export_get(event, i, &value);
		if (!value.known)
			continue;
		line_bytes(&json->line, json->keys[i].text, json->keys[i].len);
		add_value(json, export_fields[i].kind, &value);
	}
}

static int put_event(void *ctx, const struct export_event *event)
{
	struct ndjson *json = ctx;

	line_begin(&json->line);
	line_event(&json->line, event, add_fields, json);
	line_bytes(&json->line, "}\n", 2);
	line_end(&json->line, json->out);
	return 0;
}

static int put_events(struct export *export)
{
	struct ndjson json = { .out = export->out };

	for (int c = ' '; c < 0x7f; c++)
		json.plain[c] = c != '"' && c != '\\';
	for (int i = 0; i < NR_FIELDS; i++)
		json.keys[i].len = snprintf(json.keys[i].text, KEY_MAX, "%c\"%s\":", i ? ',' : '{',
					    export_fields[i].name);
	return export_events(export, put_event, &json);
}

static int put_snapshots(struct export *export)
{
	struct text_style style = { 0 };
	struct capture_item item;
	int more;

	while ((more = export_next(export, CAPTURE_WANT_SNAPSHOTS, &item)) > 0)
		if (report_write(export->out, "json", item.capture, &style) == -ENOMEM)
			return export_no_memory(export);
	return more;
}

int export_ndjson(struct export *export)
{
	return export->has_records ? put_events(export) : put_snapshots(export);
}
