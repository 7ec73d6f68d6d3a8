// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each packet is packed and written as a field of the Trace that the file is.
 */
#include "perfetto_trace.h"
#include <assert.h>

#define SEQUENCE 1
#define FORGET 1 /* sequence_flags */
#define NEEDS 2

#define CLOCK_ID_REALTIME 1
#define CLOCK_ID_MONOTONIC 3

enum { SLICE_BEGIN = 1, SLICE_END, INSTANT, COUNTER };

/* A packet has one name, of a thread or of ours, or what is said of one event. */
#define PACKET_SIZE 4096

static void put_packet(FILE *out, Pft__Packet *packet)
{
	uint8_t bytes[PACKET_SIZE], head[12] = { 1 << 3 | 2 };
	size_t size, left, n = 1;

	packet->has_trusted_packet_sequence_id = packet->has_sequence_flags = true;
	packet->trusted_packet_sequence_id = SEQUENCE;
	packet->sequence_flags |= NEEDS;
	size = pft__packet__get_packed_size(packet);
	assert(size <= sizeof(bytes));
	pft__packet__pack(packet, bytes);
	for (left = size; left >= 0x80; left >>= 7)
		head[n++] = left | 0x80;
	head[n++] = left;
	fwrite(head, 1, n, out);
	fwrite(bytes, 1, size, out);
}

void perfetto_begin(FILE *out, uint64_t monotonic_ns, uint64_t realtime_ns)
{
	Pft__Packet packet = PFT__PACKET__INIT;
	Pft__Defaults defaults = PFT__DEFAULTS__INIT;
	Pft__ClockSnapshot snapshot = PFT__CLOCK_SNAPSHOT__INIT;
	Pft__Clock monotonic = PFT__CLOCK__INIT, realtime = PFT__CLOCK__INIT;
	Pft__Clock *clocks[] = { &monotonic, &realtime };

	monotonic.has_clock_id = monotonic.has_timestamp = true;
	monotonic.clock_id = CLOCK_ID_MONOTONIC;
	monotonic.timestamp = monotonic_ns;
	realtime.has_clock_id = realtime.has_timestamp = true;
	realtime.clock_id = CLOCK_ID_REALTIME;
	realtime.timestamp = realtime_ns;
	snapshot.n_clocks = 2;
	snapshot.clocks = clocks;
	snapshot.has_primary_trace_clock = true;
	snapshot.primary_trace_clock = CLOCK_ID_MONOTONIC;
	defaults.has_timestamp_clock_id = true;
	defaults.timestamp_clock_id = CLOCK_ID_MONOTONIC;
	packet.sequence_flags = FORGET;
	packet.clock_snapshot = &snapshot;
	packet.trace_packet_defaults = &defaults;
	put_packet(out, &packet);
}

void perfetto_name(FILE *out, enum perfetto_names kind, uint64_t iid, const char *name)
{
	Pft__Packet packet = PFT__PACKET__INIT;
	Pft__InternedData data = PFT__INTERNED_DATA__INIT;
	Pft__Interned interned = PFT__INTERNED__INIT, *list = &interned;

	interned.has_iid = true;
	interned.iid = iid;
	interned.text = (char *)name;
	if (kind == PERFETTO_EVENT_NAMES) {
		data.n_event_names = 1;
		data.event_names = &list;
	} else if (kind == PERFETTO_ANNOTATION_NAMES) {
		data.n_debug_annotation_names = 1;
		data.debug_annotation_names = &list;
	} else {
		data.n_debug_annotation_string_values = 1;
		data.debug_annotation_string_values = &list;
	}
	packet.interned_data = &data;
	put_packet(out, &packet);
}

/* ---- Tracks ---- */

static void put_track(FILE *out, Pft__TrackDescriptor *descriptor, uint64_t track, uint64_t parent,
		      const char *name)
{
	Pft__Packet packet = PFT__PACKET__INIT;

	descriptor->has_uuid = true;
	descriptor->uuid = track;
	descriptor->has_parent_uuid = parent != 0;
	descriptor->parent_uuid = parent;
	descriptor->name = (char *)name;
	packet.track_descriptor = descriptor;
	put_packet(out, &packet);
}

void perfetto_track(FILE *out, uint64_t track, uint64_t parent, const char *name)
{
	Pft__TrackDescriptor descriptor = PFT__TRACK_DESCRIPTOR__INIT;

	put_track(out, &descriptor, track, parent, name);
}

void perfetto_process(FILE *out, uint64_t track, uint32_t pid, const char *name)
{
	Pft__TrackDescriptor descriptor = PFT__TRACK_DESCRIPTOR__INIT;
	Pft__Process process = PFT__PROCESS__INIT;

	process.has_pid = true;
	process.pid = pid;
	process.process_name = (char *)name;
	descriptor.process = &process;
	put_track(out, &descriptor, track, 0, NULL);
}

void perfetto_thread(FILE *out, uint64_t track, uint32_t pid, uint32_t tid, const char *name)
{
	Pft__TrackDescriptor descriptor = PFT__TRACK_DESCRIPTOR__INIT;
	Pft__Thread thread = PFT__THREAD__INIT;

	thread.has_pid = thread.has_tid = true;
	thread.pid = pid;
	thread.tid = tid;
	thread.thread_name = (char *)name;
	descriptor.thread = &thread;
	put_track(out, &descriptor, track, 0, NULL);
}

void perfetto_counter(FILE *out, uint64_t track, uint64_t parent, const char *name,
		      enum perfetto_unit unit)
{
	Pft__TrackDescriptor descriptor = PFT__TRACK_DESCRIPTOR__INIT;
	Pft__Counter counter = PFT__COUNTER__INIT;

	counter.has_unit = true;
	counter.unit = unit;
	descriptor.counter = &counter;
	put_track(out, &descriptor, track, parent, name);
}

/* ---- Events ---- */

static Pft__Annotation *add(struct perfetto_event *event, uint64_t name)
{
	static Pft__Annotation none;
	Pft__Annotation *annotation = &event->annotations[event->n];

	if (event->n == PERFETTO_ANNOTATIONS)
		return &none;
	pft__annotation__init(annotation);
	annotation->has_name_iid = true;
	annotation->name_iid = name;
	event->list[event->n++] = annotation;
	return annotation;
}

void perfetto_add_number(struct perfetto_event *event, uint64_t name, uint64_t value)
{
	Pft__Annotation *annotation = add(event, name);

	annotation->has_uint_value = true;
	annotation->uint_value = value;
}

void perfetto_add_value(struct perfetto_event *event, uint64_t name, uint64_t value_iid)
{
	Pft__Annotation *annotation = add(event, name);

	annotation->has_string_value_iid = true;
	annotation->string_value_iid = value_iid;
}

void perfetto_add_text(struct perfetto_event *event, uint64_t name, const char *text)
{
	add(event, name)->string_value = (char *)text;
}

static void put_event(FILE *out, Pft__TrackEvent *event, uint32_t type, uint64_t track, uint64_t ns)
{
	Pft__Packet packet = PFT__PACKET__INIT;

	event->has_type = event->has_track_uuid = true;
	event->type = type;
	event->track_uuid = track;
	packet.has_timestamp = true;
	packet.timestamp = ns;
	packet.track_event = event;
	put_packet(out, &packet);
}

static void put_named(FILE *out, uint32_t type, uint64_t track, uint64_t name, uint64_t ns,
		      struct perfetto_event *event)
{
	Pft__TrackEvent message = PFT__TRACK_EVENT__INIT;

	message.has_name_iid = true;
	message.name_iid = name;
	message.n_debug_annotations = event->n;
	message.debug_annotations = event->list;
	put_event(out, &message, type, track, ns);
}

void perfetto_slice(FILE *out, uint64_t track, uint64_t name, uint64_t begin_ns, uint64_t end_ns,
		    struct perfetto_event *event)
{
	Pft__TrackEvent end = PFT__TRACK_EVENT__INIT;

	put_named(out, SLICE_BEGIN, track, name, begin_ns, event);
	put_event(out, &end, SLICE_END, track, end_ns);
}

void perfetto_instant(FILE *out, uint64_t track, uint64_t name, uint64_t ns,
		      struct perfetto_event *event)
{
	put_named(out, INSTANT, track, name, ns, event);
}

void perfetto_value(FILE *out, uint64_t track, uint64_t ns, int64_t value)
{
	Pft__TrackEvent message = PFT__TRACK_EVENT__INIT;

	message.has_counter_value = true;
	message.counter_value = value;
	put_event(out, &message, COUNTER, track, ns);
}

void perfetto_rate(FILE *out, uint64_t track, uint64_t ns, double value)
{
	Pft__TrackEvent message = PFT__TRACK_EVENT__INIT;

	message.has_double_counter_value = true;
	message.double_counter_value = value;
	put_event(out, &message, COUNTER, track, ns);
}
