// SPDX-License-Identifier: GPL-2.0-only
/*
 * A diff in JSON: each number as a list of A, B, and the change as a share of A; null what is not known.
 */
#include <math.h>
#include "base/json_out.h"
#include "base/version.h"
#include "model/events.h"
#include "report_diff.h"

static void put_measured(struct json_out *json, enum measure_unit unit,
			 const struct measured *measured)
{
	if (measured->known && unit == MEASURE_PER_SECOND)
		json_out_real(json, NULL, measured->value);
	else
		json_out_number_if(json, NULL, measured->known, measured->exact);
}

static void put_line(struct json_out *json, const struct diff_line *line)
{
	json_out_list(json, line->key ?: line->name);
	for (int s = 0; s < DIFF_SIDES; s++)
		put_measured(json, line->unit, &line->side[s]);
	if (line->change.known)
		json_out_real(json, NULL, line->change.value);
	else
		json_out_null(json, NULL);
	json_out_end_list(json);
}

static void put_lines(struct json_out *json, const struct diff_event *event, enum diff_kind kind)
{
	for (size_t i = 0; i < event->nlines; i++)
		if (event->lines[i].kind == kind)
			put_line(json, &event->lines[i]);
}

static void put_event(struct json_out *json, const struct diff_event *event)
{
	json_out_object(json, event_descs[event->event].name);
	json_out_object(json, "measures");
	put_lines(json, event, DIFF_MEASURE);
	json_out_end_object(json);
	json_out_object(json, "errors");
	put_lines(json, event, DIFF_ERROR);
	json_out_end_object(json);
	json_out_object(json, "details");
	put_lines(json, event, DIFF_DETAIL);
	json_out_end_object(json);
	json_out_end_object(json);
}

/* As a check's results have it. */
static void put_where(struct json_out *json, const struct place *place)
{
	bool is_slot = place->kind == PLACE_SLOT, in_vm = is_slot || place->kind == PLACE_VM;

	json_out_object(json, "place");
	json_out_string(json, "kind", place_kinds[place->kind]);
	if (in_vm)
		json_out_foreign(json, "comm", place->comm, sizeof(place->comm));
	else
		json_out_null(json, "comm");
	json_out_number_if(json, "nth", in_vm, place->nth);
	json_out_number_if(json, "as_id", is_slot, place->as_id);
	if (is_slot)
		json_out_signed(json, "id", place->id);
	else
		json_out_null(json, "id");
	json_out_end_object(json);
}

static void put_facts(struct json_out *json, const struct diff *diff)
{
	json_out_list(json, "facts");
	for (size_t i = 0; i < diff->nfacts; i++) {
		const struct diff_fact *fact = &diff->facts[i];

		json_out_object(json, NULL);
		json_out_string(json, "name", fact->name);
		json_out_bool(json, "differs", fact->differs);
		json_out_foreign(json, "a", fact->text[DIFF_A], DIFF_FACT_LEN);
		json_out_foreign(json, "b", fact->text[DIFF_B], DIFF_FACT_LEN);
		json_out_end_object(json);
	}
	json_out_end_list(json);
}

static void put_place(struct json_out *json, const struct diff_place *place)
{
	json_out_object(json, NULL);
	put_where(json, place->place);
	json_out_object(json, "events");
	for (size_t i = 0; i < place->nevents; i++)
		put_event(json, &place->events[i]);
	json_out_end_object(json);
	json_out_end_object(json);
}

int report_diff_json(FILE *out, const struct diff *diff, const struct text_style *style)
{
	struct json_out json = { .file = out };

	(void)style;
	json_out_object(&json, NULL);
	json_out_object(&json, "tool");
	json_out_string(&json, "name", "gmemtrace");
	json_out_string(&json, "version", GMEM_VERSION);
	json_out_end_object(&json);
	json_out_object(&json, "diff");
	put_facts(&json, diff);
	json_out_list(&json, "places");
	for (size_t i = 0; i < diff->nplaces; i++)
		put_place(&json, &diff->places[i]);
	json_out_end_list(&json);
	json_out_end_object(&json);
	json_out_end_object(&json);
	fputc('\n', out);
	return 0;
}
