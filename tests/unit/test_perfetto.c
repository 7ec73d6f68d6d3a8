// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets of events, which are packed by hand, are what protobuf-c makes of the same, byte by byte.
 */
#include <stdlib.h>
#include <string.h>
#include "export/perfetto_trace.h"
#include "unit.h"

#define ROUNDS 3000

/* Of any size: those of a byte and those of ten. */
static uint64_t any(unsigned long long *random)
{
	uint64_t number = unit_random(random);

	return number >> unit_random(random) % 64;
}

static Pft__Trace *unpack(const char *bytes, size_t size)
{
	Pft__Trace *trace = pft__trace__unpack(NULL, size, (const uint8_t *)bytes);
	uint8_t *again;

	assert_non_null(trace);
	again = malloc(size + 1);
	assert_non_null(again);
	assert_int_equal(pft__trace__get_packed_size(trace), size);
	assert_int_equal(pft__trace__pack(trace, again), size);
	assert_memory_equal(again, bytes, size);
	free(again);
	return trace;
}

static const Pft__TrackEvent *event_of(const Pft__Packet *packet, uint64_t ns, uint32_t type,
				       uint64_t track)
{
	assert_int_equal(packet->timestamp, ns);
	assert_int_equal(packet->trusted_packet_sequence_id, 1);
	assert_int_equal(packet->sequence_flags, 2);
	assert_int_equal(packet->track_event->type, type);
	assert_int_equal(packet->track_event->track_uuid, track);
	return packet->track_event;
}

static void check_slice(uint64_t numbers[6], const char *text)
{
	struct perfetto_event said = { .size = 0 };
	const Pft__TrackEvent *begin, *end;
	Pft__Annotation **notes;
	Pft__Trace *trace;
	char *bytes = NULL;
	size_t size;
	FILE *out = open_memstream(&bytes, &size);

	assert_non_null(out);
	perfetto_add_number(&said, 7, numbers[0]);
	perfetto_add_text(&said, numbers[1], text);
	perfetto_add_value(&said, 200, numbers[2]);
	perfetto_slice(out, numbers[3], numbers[4], numbers[5], numbers[0], &said);
	fclose(out);
	trace = unpack(bytes, size);
	assert_int_equal(trace->n_packet, 2);
	begin = event_of(trace->packet[0], numbers[5], 1, numbers[3]);
	end = event_of(trace->packet[1], numbers[0], 2, numbers[3]);
	assert_int_equal(begin->name_iid, numbers[4]);
	assert_false(end->has_name_iid);
	assert_int_equal(begin->n_debug_annotations, 3);
	assert_int_equal(end->n_debug_annotations, 0);
	notes = begin->debug_annotations;
	assert_int_equal(notes[0]->uint_value, numbers[0]);
	assert_int_equal(notes[1]->name_iid, numbers[1]);
	assert_string_equal(notes[1]->string_value, text);
	assert_int_equal(notes[2]->string_value_iid, numbers[2]);
	pft__trace__free_unpacked(trace, NULL);
	free(bytes);
}

static void test_slices(void **state)
{
	unsigned long long random = 11;
	char text[300];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t numbers[6];

		for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
			numbers[i] = any(&random);
		memset(text, 'x', sizeof(text));
		text[round % sizeof(text)] = 0;
		check_slice(numbers, text);
	}
	check_slice((uint64_t[]){ 0, 0, 0, 0, 0, 0 }, "");
	check_slice((uint64_t[]){ ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL }, "é");
}

/* What there is no room for is left out; the rest is whole. */
static void test_room(void **state)
{
	struct perfetto_event said = { .size = 0 };
	char *bytes = NULL, text[120];
	Pft__Trace *trace;
	size_t size;
	FILE *out = open_memstream(&bytes, &size);

	(void)state;
	assert_non_null(out);
	memset(text, 'y', sizeof(text));
	text[sizeof(text) - 1] = 0;
	for (int i = 0; i < 100; i++) {
		perfetto_add_text(&said, i, text);
		perfetto_add_number(&said, i, ~0ULL);
	}
	perfetto_instant(out, 1, 2, 3, &said);
	fclose(out);
	trace = unpack(bytes, size);
	assert_int_equal(trace->n_packet, 1);
	assert_in_range(event_of(trace->packet[0], 3, 3, 1)->n_debug_annotations, 14, 20);
	pft__trace__free_unpacked(trace, NULL);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
