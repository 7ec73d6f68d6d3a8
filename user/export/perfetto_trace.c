// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each packet is packed and written as a field of the Trace that the file is: what there are few of by
 * protobuf-c, events by hand.
 */
#include "perfetto_trace.h"
#include <assert.h>
#include <string.h>

#define SEQUENCE 1
#define FORGET 1 /* sequence_flags */
#define NEEDS 2

#define CLOCK_ID_REALTIME 1
#define CLOCK_ID_MONOTONIC 3

enum { SLICE_BEGIN = 1, SLICE_END, INSTANT, COUNTER };

/* A packet of those has one name, of a thread or of ours. */
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

/* ---- Counters ---- */

static void put_counter(FILE *out, Pft__TrackEvent *event, uint64_t track, uint64_t ns)
{
	Pft__Packet packet = PFT__PACKET__INIT;

	event->has_type = event->has_track_uuid = true;
	event->type = COUNTER;
	event->track_uuid = track;
	packet.has_timestamp = true;
	packet.timestamp = ns;
	packet.track_event = event;
	put_packet(out, &packet);
}

void perfetto_value(FILE *out, uint64_t track, uint64_t ns, int64_t value)
{
	Pft__TrackEvent message = PFT__TRACK_EVENT__INIT;

	message.has_counter_value = true;
	message.counter_value = value;
	put_counter(out, &message, track, ns);
}

void perfetto_rate(FILE *out, uint64_t track, uint64_t ns, double value)
{
	Pft__TrackEvent message = PFT__TRACK_EVENT__INIT;

	message.has_double_counter_value = true;
	message.double_counter_value = value;
	put_counter(out, &message, track, ns);
}

/*
 * ---- Events ----
 *
 * Millions of two packets each, so that they are packed here, by the numbers of perfetto.proto: in
 * protobuf-c, which looks at each field that a message could have, twice, they take five times as long.
 */

enum { TRACE_PACKET = 1 };
enum { PACKET_TIMESTAMP = 8, PACKET_SEQUENCE = 10, PACKET_EVENT = 11, PACKET_FLAGS = 13 };
enum { EVENT_ANNOTATION = 4, EVENT_TYPE = 9, EVENT_NAME = 10, EVENT_TRACK = 11 };
enum { ANNOTATION_NAME = 1, ANNOTATION_NUMBER = 3, ANNOTATION_TEXT = 6, ANNOTATION_VALUE = 17 };

/* A field's kind, behind its number. */
enum { VARINT = 0, BYTES = 2 };

#define VARINT_MAX 10
#define FIELD_MAX (2 + VARINT_MAX)

/* Filled from its end, where what is inside of a message has a size before the message begins. */
struct packets {
	uint8_t *at; /* the first byte that there is */
	uint8_t bytes[2 * (sizeof(((struct perfetto_event *)0)->bytes) + 10 * FIELD_MAX)];
};

static inline uint8_t *packets_end(struct packets *packets)
{
	return packets->bytes + sizeof(packets->bytes);
}

static inline unsigned int varint_size(uint64_t value)
{
	return (63 - __builtin_clzll(value | 1)) / 7 + 1;
}

static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = value | 0x80;
	*at++ = value;
	return at;
}

static inline void before_varint(struct packets *packets, uint64_t value)
{
	packets->at -= varint_size(value);
	varint_put(packets->at, value);
}

static inline void before_number(struct packets *packets, unsigned int field, uint64_t value)
{
	before_varint(packets, value);
	before_varint(packets, field << 3 | VARINT);
}

/* What reaches up to @end is a message, the field of another. */
static inline void before_message(struct packets *packets, unsigned int field, const uint8_t *end)
{
	before_varint(packets, end - packets->at);
	before_varint(packets, field << 3 | BYTES);
}

/* @said: its annotations; NULL: it has neither them nor a name. */
static inline void before_event(struct packets *packets, uint32_t type, uint64_t track,
				uint64_t name, uint64_t ns, const struct perfetto_event *said)
{
	const uint8_t *end = packets->at, *event_end;

	before_number(packets, PACKET_FLAGS, NEEDS);
	event_end = packets->at;
	before_number(packets, EVENT_TRACK, track);
	if (said)
		before_number(packets, EVENT_NAME, name);
	before_number(packets, EVENT_TYPE, type);
	if (said) {
		packets->at -= said->size;
		memcpy(packets->at, said->bytes, said->size);
	}
	before_message(packets, PACKET_EVENT, event_end);
	before_number(packets, PACKET_SEQUENCE, SEQUENCE);
	before_number(packets, PACKET_TIMESTAMP, ns);
	before_message(packets, TRACE_PACKET, end);
}

static void put_packets(FILE *out, struct packets *packets)
{
	fwrite_unlocked(packets->at, 1, packets_end(packets) - packets->at, out);
}

void perfetto_slice(FILE *out, uint64_t track, uint64_t name, uint64_t begin_ns, uint64_t end_ns,
		    const struct perfetto_event *event)
{
	struct packets packets;

	packets.at = packets_end(&packets);
	before_event(&packets, SLICE_END, track, 0, end_ns, NULL);
	before_event(&packets, SLICE_BEGIN, track, name, begin_ns, event);
	put_packets(out, &packets);
}

void perfetto_instant(FILE *out, uint64_t track, uint64_t name, uint64_t ns,
		      const struct perfetto_event *event)
{
	struct packets packets;

	packets.at = packets_end(&packets);
	before_event(&packets, INSTANT, track, name, ns, event);
	put_packets(out, &packets);
}

/* The begin of an annotation whose value takes @size bytes; NULL: there is no room. */
static inline uint8_t *begin_annotation(struct perfetto_event *event, uint64_t name, size_t size)
{
	uint8_t *at = event->bytes + event->size;

	size += 1 + varint_size(name);
	if (event->size + 1 + varint_size(size) + size > sizeof(event->bytes))
		return NULL;
	*at++ = EVENT_ANNOTATION << 3 | BYTES;
	at = varint_put(at, size);
	*at++ = ANNOTATION_NAME << 3 | VARINT;
	return varint_put(at, name);
}

static inline void add_number(struct perfetto_event *event, uint64_t name, unsigned int field,
			      uint64_t value)
{
	unsigned int kind = field << 3 | VARINT;
	uint8_t *at = begin_annotation(event, name, varint_size(kind) + varint_size(value));

	if (at)
		event->size = varint_put(varint_put(at, kind), value) - event->bytes;
}

void perfetto_add_number(struct perfetto_event *event, uint64_t name, uint64_t value)
{
	add_number(event, name, ANNOTATION_NUMBER, value);
}

void perfetto_add_value(struct perfetto_event *event, uint64_t name, uint64_t value_iid)
{
	add_number(event, name, ANNOTATION_VALUE, value_iid);
}

void perfetto_add_text(struct perfetto_event *event, uint64_t name, const char *text)
{
	size_t len = strlen(text);
	uint8_t *at = begin_annotation(event, name, 1 + varint_size(len) + len);

	if (!at)
		return;
	*at++ = ANNOTATION_TEXT << 3 | BYTES;
	at = varint_put(at, len);
	event->size = (uint8_t *)mempcpy(at, text, len) - event->bytes;
}
