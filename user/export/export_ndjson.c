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
#include "report/report.h"

/* Of valid UTF-8. */
static void put_string(FILE *out, const char *text)
{
	putc('"', out);
	json_text_put(out, text, strlen(text));
	putc('"', out);
}

/* As in reports: from 2^63 on, which most readers do not take, its digits in quotes. */
static void put_number(FILE *out, __u64 number)
{
	fprintf(out, number <= INT64_MAX ? "%llu" : "\"%llu\"", number);
}

static void put_words(FILE *out, const char *words)
{
	fputs("[\"", out);
	for (; *words; words++)
		if (*words == ' ')
			fputs("\",\"", out);
		else
			putc(*words, out);
	fputs("\"]", out);
}

static void put_value(FILE *out, enum field_kind kind, const struct export_value *value)
{
	if (kind == FIELD_NUMBER)
		put_number(out, value->number);
	else if (kind == FIELD_WORDS)
		put_words(out, value->text);
	else
		put_string(out, value->text);
}

static int put_event(void *ctx, const struct export_event *event)
{
	struct export_value value;
	FILE *out = ctx;

	for (int i = 0; i < NR_FIELDS; i++) {
		export_get(event, i, &value);
		if (!value.known)
			continue;
		fprintf(out, "%c\"%s\":", i ? ',' : '{', export_fields[i].name);
		put_value(out, export_fields[i].kind, &value);
	}
	fputs("}\n", out);
	return 0;
}

static int put_snapshots(struct export *export)
{
	struct text_style style = { 0 };
	struct capture_item item;
	int more, err;

	while ((more = export_next(export, CAPTURE_WANT_SNAPSHOTS, &item)) > 0) {
		err = report_write(export->out, "json", item.capture, &style);
		if (err == -ENOMEM)
			return export_no_memory(export);
	}
	return more;
}

int export_ndjson(struct export *export)
{
	return export->has_records ? export_events(export, put_event, export->out)
				   : put_snapshots(export);
}
