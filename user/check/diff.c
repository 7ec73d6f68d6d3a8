// SPDX-License-Identifier: GPL-2.0-only
/*
 * From two captures to places, events and lines.
 */
#include "diff.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/arrays.h"
#include "model/events.h"

/* ---- One event ---- */

static struct diff_line *add_line(struct diff_event *event, enum diff_kind kind, const char *name)
{
	struct diff_line *line = array_append(&event->lines, &event->nlines, sizeof(*line));

	if (!line)
		return NULL;
	line->kind = kind;
	snprintf(line->name, sizeof(line->name), "%s", name);
	return line;
}

static struct measured exactly(__u64 n)
{
	return (struct measured){ true, n, (double)n };
}

static int add_measures(struct diff_event *event, const struct diff *diff)
{
	for (int id = 0; id < NR_MEASURES; id++) {
		struct measured side[DIFF_SIDES] = {};
		struct diff_line *line;

		for (int s = 0; s < DIFF_SIDES; s++)
			if (event->count[s])
				side[s] = measure_read(id, event->count[s],
						       diff->side[s].capture->duration_ns);
		if (!side[DIFF_A].known && !side[DIFF_B].known)
			continue;
		line = add_line(event, DIFF_MEASURE, measures[id].heading);
		if (!line)
			return -ENOMEM;
		line->key = measures[id].name;
		line->unit = measures[id].unit;
		memcpy(line->side, side, sizeof(side));
	}
	return 0;
}

/* Whether a side that does not tell of a cause has seen none. */
static bool knows(const struct diff *diff, const struct diff_event *event, enum diff_kind kind,
		  int side)
{
	bool is_fault = event->event == EV_GUEST_FAULT || event->event == EV_HOST_FAULT;

	if (!event->count[side])
		return false;
	return kind != DIFF_DETAIL || !is_fault || !diff->side[side].capture->sample;
}

/* What one side has under this name goes to its line; a side that counts has 0 of what it lacks. */
static int add_count(const struct diff *diff, struct diff_event *event, enum diff_kind kind,
		     int side, const char *name, __u64 n)
{
	struct diff_line *line = NULL;

	for (size_t i = 0; i < event->nlines && !line; i++)
		if (event->lines[i].kind == kind && !strcmp(event->lines[i].name, name))
			line = &event->lines[i];
	if (!line) {
		line = add_line(event, kind, name);
		for (int s = 0; line && s < DIFF_SIDES; s++)
			if (knows(diff, event, kind, s))
				line->side[s] = exactly(0);
	}
	if (!line)
		return -ENOMEM;
	line->side[side] = exactly(n);
	return 0;
}

static int add_errors(const struct diff *diff, struct diff_event *event, int side)
{
	const struct event_count *count = event->count[side];
	int err = 0;

	for (size_t i = 0; count && i < count->nerrs && !err; i++) {
		__u64 n = event_errors_alike(count, i);

		if (n)
			err = add_count(diff, event, DIFF_ERROR, side,
					errno_name(count->errs[i].err), n);
	}
	return err;
}

static int add_details(const struct diff *diff, struct diff_event *event, int side)
{
	const struct event_count *count = event->count[side];
	int err = 0;

	for (size_t i = 0; count && i < count->ndetails && !err; i++)
		err = add_count(diff, event, DIFF_DETAIL, side,
				detail_descs[count->details[i].detail].name,
				count->details[i].count);
	return err;
}

static int fill_event(struct diff_event *event, const struct diff *diff)
{
	int err = add_measures(event, diff);

	for (int side = 0; side < DIFF_SIDES && !err; side++)
		err = add_errors(diff, event, side);
	for (int side = 0; side < DIFF_SIDES && !err; side++)
		err = add_details(diff, event, side);
	for (size_t i = 0; i < event->nlines; i++)
		event->lines[i].change = measure_change(&event->lines[i].side[DIFF_A],
							&event->lines[i].side[DIFF_B]);
	return err;
}

/* ---- One place ---- */

/* Whether what did not happen there is known not to have happened. */
static bool is_counted(const struct diff *diff, const struct diff_place *place, int side, int event)
{
	const struct capture *capture = diff->side[side].capture;

	return place->counts[side].exists && capture_shows(capture, event) &&
	       capture->hooks[event].attached;
}

static int add_event(struct diff *diff, struct diff_place *place, int event)
{
	const struct event_count *count[DIFF_SIDES] = {};
	struct diff_event *added;
	bool happened = false;

	for (int s = 0; s < DIFF_SIDES; s++) {
		if (place->counts[s].totals.v[event].count &&
		    capture_shows(diff->side[s].capture, event))
			count[s] = &place->counts[s].totals.v[event];
		happened |= count[s] != NULL;
		diff->none[event].event = event;
		if (!count[s] && is_counted(diff, place, s, event))
			count[s] = &diff->none[event];
	}
	if (!happened)
		return 0;
	added = array_append(&place->events, &place->nevents, sizeof(*added));
	if (!added)
		return -ENOMEM;
	added->event = event;
	memcpy(added->count, count, sizeof(count));
	return fill_event(added, diff);
}

static void free_place(struct diff_place *place)
{
	for (size_t i = 0; i < place->nevents; i++)
		free(place->events[i].lines);
	free(place->events);
	for (int s = 0; s < DIFF_SIDES; s++)
		place_counts_free(&place->counts[s]);
}

static int fill_place(struct diff *diff, struct diff_place *to, const struct place *place)
{
	int err = 0;

	to->place = place;
	for (int s = 0; s < DIFF_SIDES && !err; s++)
		err = place_counts_read(&to->counts[s], place, diff->side[s].capture);
	for (int event = 0; event < NR_EVENTS && !err; event++)
		err = add_event(diff, to, event);
	return err;
}

/* ---- The whole ---- */

static int list_places(struct diff *diff)
{
	struct place *all = array_append(&diff->all_places, &diff->nall_places, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->kind = PLACE_ALL;
	for (int s = 0; s < DIFF_SIDES; s++)
		if (places_add(&diff->all_places, &diff->nall_places, diff->side[s].capture))
			return -ENOMEM;
	diff->places = calloc(diff->nall_places, sizeof(*diff->places));
	return diff->places ? 0 : -ENOMEM;
}

int diff_make(struct diff *diff)
{
	int err = diff_facts_make(diff) ?: list_places(diff);

	for (size_t i = 0; i < diff->nall_places && !err; i++) {
		struct diff_place *place = &diff->places[diff->nplaces++];

		err = fill_place(diff, place, &diff->all_places[i]);
		if (!err && !place->nevents) {
			free_place(place);
			memset(place, 0, sizeof(*place));
			diff->nplaces--;
		}
	}
	return err;
}

void diff_free(struct diff *diff)
{
	for (size_t i = 0; i < diff->nplaces; i++)
		free_place(&diff->places[i]);
	free(diff->places);
	free(diff->all_places);
	free(diff->facts);
}

const char *diff_place_name(char buf[DIFF_PLACE_LEN], const struct diff_place *place, bool utf8)
{
	bool is_other = place->counts[DIFF_A].is_other || place->counts[DIFF_B].is_other;
	char name[PLACE_LEN];

	snprintf(buf, DIFF_PLACE_LEN, "%s%s", place_name(name, place->place, utf8),
		 is_other ? " (of other sizes)" : "");
	return buf;
}

const char *diff_change(char buf[DIFF_CHANGE_LEN], const struct diff_line *line)
{
	const struct measured *a = &line->side[DIFF_A], *b = &line->side[DIFF_B];
	double percent = line->change.value * 100;

	if (!a->known || !b->known)
		snprintf(buf, DIFF_CHANGE_LEN, "-");
	else if (a->exact == b->exact && !(a->value < b->value) && !(a->value > b->value))
		snprintf(buf, DIFF_CHANGE_LEN, "=");
	else if (!line->change.known || !(b->value > 0))
		snprintf(buf, DIFF_CHANGE_LEN, b->value > 0 ? "new" : "gone");
	else if (percent < 1000)
		snprintf(buf, DIFF_CHANGE_LEN, "%+.*f%%", percent < 10 && percent > -10 ? 2 : 1,
			 percent);
	else
		snprintf(buf, DIFF_CHANGE_LEN, "x%.3g", line->change.value + 1);
	return buf;
}
