/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets of a Perfetto trace: tracks, what happens on them, and names by number. For
 * export_perfetto.c.
 */
#ifndef PERFETTO_TRACE_H
#define PERFETTO_TRACE_H

#include <stdbool.h>
#include <stdio.h>
#include "export/perfetto.pb-c.h"

/* What is said of a slice or an instant, in the making: its annotations, packed. */
struct perfetto_event {
	size_t size;
	uint8_t bytes[1024];
};

enum perfetto_unit { PERFETTO_COUNT = 2, PERFETTO_BYTES = 3 };

/* Kinds of names: each counts from 1 by itself. */
enum perfetto_names { PERFETTO_EVENT_NAMES, PERFETTO_ANNOTATION_NAMES, PERFETTO_VALUES };

/*
 * The first packet: the clocks that times, which are of CLOCK_MONOTONIC, go by. Failed writes are
 * left to the caller, here and below.
 */
void perfetto_begin(FILE *out, uint64_t monotonic_ns, uint64_t realtime_ns);

/* Call @name, valid UTF-8, @iid from here on. */
void perfetto_name(FILE *out, enum perfetto_names kind, uint64_t iid, const char *name);

/* Tracks; names are valid UTF-8, @parent 0 for none. */
void perfetto_track(FILE *out, uint64_t track, uint64_t parent, const char *name);
void perfetto_process(FILE *out, uint64_t track, uint32_t pid, const char *name);
void perfetto_thread(FILE *out, uint64_t track, uint32_t pid, uint32_t tid, const char *name);
void perfetto_counter(FILE *out, uint64_t track, uint64_t parent, const char *name,
		      enum perfetto_unit unit);

/* Add to @event, which starts with a size of 0; what there is no room for is left out. */
void perfetto_add_number(struct perfetto_event *event, uint64_t name, uint64_t value);
void perfetto_add_value(struct perfetto_event *event, uint64_t name, uint64_t value_iid);
void perfetto_add_text(struct perfetto_event *event, uint64_t name, const char *text);

void perfetto_slice(FILE *out, uint64_t track, uint64_t name, uint64_t begin_ns, uint64_t end_ns,
		    const struct perfetto_event *event);
void perfetto_instant(FILE *out, uint64_t track, uint64_t name, uint64_t ns,
		      const struct perfetto_event *event);

void perfetto_value(FILE *out, uint64_t track, uint64_t ns, int64_t value);
void perfetto_rate(FILE *out, uint64_t track, uint64_t ns, double value);

#endif
