/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An event of a capture as a row of named values, the same in every format. Private to export*.c.
 */
#ifndef EXPORT_EVENT_H
#define EXPORT_EVENT_H

#include "export_formats.h"

enum field_kind {
	FIELD_NUMBER,
	FIELD_TEXT, /* that anybody may have made up */
	FIELD_WORD, /* ours: nothing in it has a meaning in any format */
	FIELD_WORDS, /* several, with blanks between them */
};

/* Those of the place are side by side, and so are those of the thread. */
enum export_field_id {
	FIELD_EVENT,
	FIELD_TIME,
	FIELD_END,
	FIELD_LATENCY,
	FIELD_VM,
	FIELD_PID,
	FIELD_COMM,
	FIELD_AS_ID,
	FIELD_SLOT,
	FIELD_GMEM,
	FIELD_GFN,
	FIELD_PGOFF,
	FIELD_PAGES,
	FIELD_ERROR,
	FIELD_DETAILS,
	FIELD_CPU,
	FIELD_TID,
	FIELD_THREAD,
	NR_FIELDS
};

#define EXPORT_TEXT_SIZE 200

/* One value of an event; what is not known of it, or makes no sense for it, it does not have. */
struct export_value {
	bool known;
	__u64 number;
	const char *text; /* valid UTF-8, but any character, up to a NUL; a constant, or in .room */
	char room[EXPORT_TEXT_SIZE];
};

struct export_event {
	const struct gmem_record *record;
	struct export_place *place;
	const struct capture_thread *thread; /* NULL: not known */
	__s64 realtime_offset_ns;
};

struct export_field {
	const char *name; /* a key, or a column */
	enum field_kind kind;
	void (*get)(const struct export_event *event, struct export_value *value);
};

extern const struct export_field export_fields[NR_FIELDS];

/* When it began, as far as its record makes sense; CLOCK_MONOTONIC. */
static inline __u64 export_begin_ns(const struct gmem_record *record)
{
	return record->latency_ns < record->end_ns ? record->end_ns - record->latency_ns : 0;
}

/* 0, or -1 as a writer. */
typedef int export_event_fn(void *ctx, const struct export_event *event);

/* Call @fn for every event of the capture until it fails. 0, or -1 as a writer. */
int export_events(struct export *export, export_event_fn *fn, void *ctx);

/* The value of @field, for as long as @value is. */
void export_get(const struct export_event *event, enum export_field_id field,
		struct export_value *value);

/* "2026-11-21T09:31:23.123456789Z" */
#define EXPORT_TIME_SIZE 40
const char *export_time(char buf[EXPORT_TIME_SIZE], __u64 realtime_ns);

#endif
