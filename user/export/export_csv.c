// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comma-separated values by RFC 4180: a line for each event; where none were recorded, one for
 * each event at each place that it was counted at, of each snapshot.
 */
#include <string.h>
#include "base/text.h"
#include "export_counts.h"
#include "export_event.h"
#include "model/events.h"
#include "model/percentile.h"

struct csv {
	FILE *out;
	bool spreadsheet; /* no text that a spreadsheet would take for a formula */
	const struct capture *capture; /* aggregates: the snapshot at hand */
};

/* Quoted where RFC 4180 wants it. */
static void put_text(const struct csv *csv, const char *foreign)
{
	char plain[TEXT_PLAIN_SIZE(sizeof(((struct export_value *)0)->text))], *text = plain;
	FILE *out = csv->out;

	text_plain(plain + 1, sizeof(plain) - 1, foreign, strlen(foreign));
	plain[0] = '\'';
	if (!csv->spreadsheet || !plain[1] || !strchr("=+-@", plain[1]))
		text++;
	if (!text[strcspn(text, "\",\r\n")]) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void put_value(const struct csv *csv, enum field_kind kind, const struct export_value *value)
{
	if (!value->known)
		return;
	if (kind == FIELD_NUMBER)
		fprintf(csv->out, "%llu", value->number);
	else
		put_text(csv, value->text);
}

static void put_separator(FILE *out, int column)
{
	if (column)
		putc(',', out);
}

static void end_line(FILE *out)
{
	fputs("\r\n", out);
}

static int put_event(void *ctx, const struct export_event *event)
{
	const struct csv *csv = ctx;
	struct export_value value;

	for (int i = 0; i < NR_FIELDS; i++) {
		put_separator(csv->out, i);
		export_get(event, i, &value);
		put_value(csv, export_fields[i].kind, &value);
	}
	end_line(csv->out);
	return 0;
}

static void put_header(FILE *out)
{
	for (int i = 0; i < NR_FIELDS; i++) {
		put_separator(out, i);
		fputs(export_fields[i].name, out);
	}
	end_line(out);
}

static int put_events(struct export *export, struct csv *csv)
{
	put_header(csv->out);
	return export_events(export, put_event, csv);
}

/* The place's columns; VMs and slots are empty where there are none. */
static void put_place(const struct csv *csv, const struct counted_place *place)
{
	const struct slot *slot = place->slot;
	FILE *out = csv->out;
	__u64 ino = export_gmem_ino(place);
	char comm[TEXT_UTF8_SIZE(GMEM_COMM_LEN)];

	if (place->vm) {
		fprintf(out, "%u,%u,", export_vm_number(place), place->vm->info.pid);
		put_text(csv, text_utf8(comm, sizeof(comm), place->vm->info.comm, GMEM_COMM_LEN));
	} else if (place->past) { /* no VM, but a name */
		fputs(",,", out);
		put_text(csv, text_utf8(comm, sizeof(comm), place->past->comm, GMEM_COMM_LEN));
	} else {
		fputs(",,", out);
	}
	if (slot)
		fprintf(out, ",%u,%d,", slot->info.as_id, slot->info.id);
	else
		fputs(",,,", out);
	if (ino)
		fprintf(out, "%llu", ino);
}

static void put_numbers(FILE *out, const struct event_count *count)
{
	static const unsigned int per_mille[] = { 500, 900, 990, 999 };
	unsigned int carries = event_descs[count->event].carries;

	fprintf(out, ",%llu,", count->count);
	if (carries & EVENT_ERRNO)
		fprintf(out, "%llu", event_count_errors(count));
	putc(',', out);
	if (carries & EVENT_PAGES)
		fprintf(out, "%llu", count->npages);
	if (!(carries & EVENT_LATENCY)) {
		fputs(",,,,,,,", out);
		return;
	}
	fprintf(out, ",%llu,%llu,%llu", count->sum_ns, count->min_ns, count->max_ns);
	for (size_t i = 0; i < sizeof(per_mille) / sizeof(per_mille[0]); i++)
		fprintf(out, ",%llu", percentile_ns(count, per_mille[i]));
}

static int put_counts(void *ctx, const struct counted_place *place)
{
	const struct csv *csv = ctx;
	FILE *out = csv->out;

	for (size_t i = 0; i < place->events->n; i++) {
		const struct event_count *count = &place->events->v[i];

		if (!(csv->capture->shown & 1ULL << count->event))
			continue;
		fprintf(out, "%llu,%s,", csv->capture->duration_ns, event_descs[count->event].name);
		put_place(csv, place);
		put_numbers(out, count);
		end_line(out);
	}
	return 0;
}

static int put_aggregates(struct export *export, struct csv *csv)
{
	struct capture_item item;
	int more;

	fputs("duration_ns,event,vm,pid,comm,as_id,slot,gmem_ino,count,errors,pages,"
	      "sum_ns,min_ns,max_ns,p50_ns,p90_ns,p99_ns,p999_ns",
	      export->out);
	end_line(export->out);
	while ((more = export_next(export, CAPTURE_WANT_SNAPSHOTS, &item)) > 0) {
		csv->capture = item.capture;
		export_counted_places(&export->places, item.capture->snap, put_counts, csv);
	}
	return more;
}

int export_csv(struct export *export)
{
	struct csv csv = { .out = export->out, .spreadsheet = export->options->spreadsheet };

	return export->has_records ? put_events(export, &csv) : put_aggregates(export, &csv);
}
