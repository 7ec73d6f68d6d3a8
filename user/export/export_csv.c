// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comma-separated values by RFC 4180: a line for each event; where none were recorded, one for
 * each event at each place that it was counted at, of each snapshot.
 */
#include <string.h>
#include "base/text.h"
#include "export_counts.h"
#include "export_event.h"
#include "export_line.h"
#include "model/events.h"
#include "model/percentile.h"

#define FORMULA_BEGINS "=+-@"

struct csv {
	FILE *out;
	bool spreadsheet; /* no text that a spreadsheet would take for a formula */
	bool plain[256]; /* characters that a text is written with as they are */
	struct export_line line;
	const struct capture *capture; /* aggregates: the snapshot at hand */
};

/* Quoted where RFC 4180 wants it. */
static void add_foreign(struct csv *csv, const char *foreign)
{
	char plain[TEXT_PLAIN_SIZE(EXPORT_TEXT_SIZE)], *text = plain;
	struct export_line *line = &csv->line;

	text_plain(plain + 1, sizeof(plain) - 1, foreign, strlen(foreign));
	plain[0] = '\'';
	if (!csv->spreadsheet || !plain[1] || !strchr(FORMULA_BEGINS, plain[1]))
		text++;
	if (!text[strcspn(text, "\",\r\n")]) {
		line_bytes(line, text, strlen(text));
		return;
	}
	line_char(line, '"');
	for (; *text; text++) {
		if (*text == '"')
			line_char(line, '"');
		line_char(line, *text);
	}
	line_char(line, '"');
}

static void add_text(struct csv *csv, const char *text)
{
	char *begin = csv->line.at;

	if (!*line_plain(&csv->line, text, csv->plain))
		return;
	csv->line.at = begin;
	add_foreign(csv, text);
}

static void add_value(struct csv *csv, enum field_kind kind, const struct export_value *value)
{
	if (!value->known)
		return;
	if (kind == FIELD_NUMBER)
		line_number(&csv->line, value->number);
	else if (kind == FIELD_TEXT)
		add_text(csv, value->text);
	else
		line_word(&csv->line, value->text);
}

static void end_line(struct csv *csv)
{
	line_bytes(&csv->line, "\r\n", 2);
	line_end(&csv->line, csv->out);
	line_begin(&csv->line);
}

static void add_fields(void *ctx, const struct export_event *event, int from, int end)
{
	struct csv *csv = ctx;
	struct export_value value;

	for (int i = from; i < end; i++) {
		if (i)
			line_char(&csv->line, ',');
		export_get(event, i, &value);
		add_value(csv, export_fields[i].kind, &value);
	}
}

static int put_event(void *ctx, const struct export_event *event)
{
	struct csv *csv = ctx;

	line_event(&csv->line, event, add_fields, csv);
	end_line(csv);
	return 0;
}

static int put_events(struct export *export, struct csv *csv)
{
	for (int i = 0; i < NR_FIELDS; i++)
		fprintf(csv->out, "%s%s", i ? "," : "", export_fields[i].name);
	end_line(csv);
	return export_events(export, put_event, csv);
}

/* Another column, which may be empty. */
static void add_number(struct csv *csv, bool known, __u64 number)
{
	line_char(&csv->line, ',');
	if (known)
		line_number(&csv->line, number);
}

/* The name of a VM, or of those of the past. */
static const char *name_of(const struct counted_place *place)
{
	if (place->vm)
		return place->vm->info.comm;
	return place->past ? place->past->comm : "";
}

/* The place's columns; VMs and slots are empty where there are none. */
static void add_place(struct csv *csv, const struct counted_place *place)
{
	const struct slot *slot = place->slot;
	__u64 ino = export_gmem_ino(place);
	char comm[TEXT_UTF8_SIZE(GMEM_COMM_LEN)];

	add_number(csv, place->vm, export_vm_number(place));
	add_number(csv, place->vm, place->vm ? place->vm->info.pid : 0);
	line_char(&csv->line, ',');
	add_text(csv, text_utf8(comm, sizeof(comm), name_of(place), GMEM_COMM_LEN));
	add_number(csv, slot, slot ? slot->info.as_id : 0);
	line_char(&csv->line, ',');
	if (slot)
		line_signed(&csv->line, slot->info.id);
	add_number(csv, ino, ino);
}

static void add_numbers(struct csv *csv, const struct event_count *count)
{
	static const unsigned int per_mille[] = { 500, 900, 990, 999 };
	unsigned int carries = event_descs[count->event].carries;
	bool timed = carries & EVENT_LATENCY && event_count_timed(count);

	add_number(csv, true, count->count);
	add_number(csv, carries & EVENT_ERRNO, event_count_errors(count));
	add_number(csv, carries & EVENT_PAGES, count->npages);
	add_number(csv, timed, count->sum_ns);
	add_number(csv, timed, count->min_ns);
	add_number(csv, timed, count->max_ns);
	for (size_t i = 0; i < sizeof(per_mille) / sizeof(per_mille[0]); i++)
		add_number(csv, timed, timed ? percentile_ns(count, per_mille[i]) : 0);
	add_number(csv, carries & EVENT_LATENCY, count->untimed);
}

static int put_counts(void *ctx, const struct counted_place *place)
{
	struct csv *csv = ctx;

	for (size_t i = 0; i < place->events->n; i++) {
		const struct event_count *count = &place->events->v[i];

		if (!(csv->capture->shown & 1ULL << count->event))
			continue;
		line_number(&csv->line, csv->capture->duration_ns);
		line_char(&csv->line, ',');
		add_text(csv, event_descs[count->event].name);
		add_place(csv, place);
		add_numbers(csv, count);
		end_line(csv);
	}
	return 0;
}

static int put_aggregates(struct export *export, struct csv *csv)
{
	struct capture_item item;
	int more;

	fputs("duration_ns,event,vm,pid,comm,as_id,slot,gmem_ino,count,errors,pages,"
	      "sum_ns,min_ns,max_ns,p50_ns,p90_ns,p99_ns,p999_ns,untimed",
	      export->out);
	end_line(csv);
	while ((more = export_next(export, CAPTURE_WANT_SNAPSHOTS, &item)) > 0) {
		csv->capture = item.capture;
		export_counted_places(&export->places, item.capture->snap, put_counts, csv);
	}
	return more;
}

/* What is not plain may have to be quoted or replaced, if only at the begin. */
static void set_plain(struct csv *csv)
{
	for (int c = ' '; c < 0x7f; c++)
		csv->plain[c] =
			c != '"' && c != ',' && !(csv->spreadsheet && strchr(FORMULA_BEGINS, c));
}

int export_csv(struct export *export)
{
	struct csv csv = { .out = export->out, .spreadsheet = export->options->spreadsheet };

	set_plain(&csv);
	line_begin(&csv.line);
	return export->has_records ? put_events(export, &csv) : put_aggregates(export, &csv);
}
