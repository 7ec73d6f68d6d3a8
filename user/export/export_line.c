// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which values are those of the line before.
 */
#include "export_line.h"

#define PLACE_BEGIN FIELD_VM
#define PLACE_END FIELD_GFN
#define THREAD_BEGIN FIELD_TID

static bool is_same_place(struct export_line *line, const struct export_place *place)
{
	bool same = line->place == place && line->place_version == place->version;

	line->place = place;
	line->place_version = place->version;
	return same;
}

/* Threads that are not known are never the same. */
static bool is_same_thread(struct export_line *line, const struct capture_thread *thread)
{
	static const struct capture_thread unknown;
	bool same = thread && !memcmp(thread, &line->thread, sizeof(*thread));

	if (!same)
		line->thread = thread ? *thread : unknown;
	return same;
}

static void keep(struct line_part *part, const struct export_line *line, const char *from)
{
	part->len = line->at - from;
	memcpy(part->text, from, part->len);
}

void line_event(struct export_line *line, const struct export_event *event, line_fields_fn *add,
		void *ctx)
{
	const char *from;

	add(ctx, event, 0, PLACE_BEGIN);
	from = line->at;
	if (is_same_place(line, event->place)) {
		line_bytes(line, line->of_place.text, line->of_place.len);
	} else {
		add(ctx, event, PLACE_BEGIN, PLACE_END);
		keep(&line->of_place, line, from);
	}
	add(ctx, event, PLACE_END, THREAD_BEGIN);
	from = line->at;
	if (is_same_thread(line, event->thread)) {
		line_bytes(line, line->of_thread.text, line->of_thread.len);
	} else {
		add(ctx, event, THREAD_BEGIN, NR_FIELDS);
		keep(&line->of_thread, line, from);
	}
}
