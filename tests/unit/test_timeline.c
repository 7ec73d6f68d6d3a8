// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timelines of a capture whose every interval is known.
 */
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "model/percentile.h"
#include "report/report_timeline.h"
#include "sample_file.h"

#define SECOND NS_PER_S
#define FAULTS (1ULL << EV_GUEST_FAULT)

/* Faults of slot 0 in each of four seconds: so many, of so many nanoseconds. */
static const struct {
	unsigned int n;
	__u64 ns;
} seconds[] = { { 100, 2000 }, { 0, 0 }, { 300, 64000 }, { 10, 1000 } };

static void write_second(struct capture_writer *writer, struct sample *sample, unsigned int at,
			 __u64 start_ns)
{
	struct slot *slot = &sample->snap.vms[0].slots[0];
	struct problem problem;

	for (unsigned int i = 0; i < seconds[at].n; i++) {
		struct gmem_record record = {
			.end_ns = start_ns + at * SECOND + i * 1000,
			.latency_ns = seconds[at].ns,
			.owner = 3,
			.event = EV_GUEST_FAULT,
		};

		sample_count(&slot->events, EV_GUEST_FAULT, seconds[at].ns, 1);
		if (sample->capture.records_kept)
			assert_int_equal(capture_write_records(writer, &record, 1, &problem), 0);
	}
	sample->capture.duration_ns = (at + 1) * SECOND;
	assert_int_equal(capture_write_snapshot(writer, &sample->capture, &problem), 0);
}

/* The first @nseconds. */
static void write_file(const char *path, bool records, unsigned int nseconds)
{
	struct capture_owner vm = { OWNER_VM, 0, .vm_info = { .pid = 7, .comm = "timed" } };
	struct capture_owner slot = { OWNER_SLOT, 2, .slot = { .npages = 512, .id = 5 } };
	/* A millisecond, so that the first ones are not before the start. */
	__u64 start_ns = clock_ns(CLOCK_MONOTONIC) + 1000000;
	struct capture_writer *writer;
	struct problem problem;
	struct sample sample;

	sample_empty(&sample);
	sample_add_slot(sample_add_vm(&sample, "timed", 7), 5, 0, 512);
	sample.capture.records_kept = records;
	sample.capture.start_realtime_ns = clock_ns(CLOCK_REALTIME);
	writer = capture_create(path, &sample.capture, &problem);
	assert_non_null(writer);
	assert_int_equal(capture_write_owner(writer, 2, &vm, &problem), 0);
	assert_int_equal(capture_write_owner(writer, 3, &slot, &problem), 0);
	for (unsigned int i = 0; i < nseconds; i++)
		write_second(writer, &sample, i, start_ns);
	assert_int_equal(capture_finish(writer, &sample.capture, NULL, 0, &problem), 0);
	sample_free(&sample);
}

static int read_file(struct timeline *timeline, bool records, __u64 events, __u64 interval_ns,
		     struct problem *problem, char **text)
{
	static const struct text_style style = { .columns = 80 };
	char path[SAMPLE_PATH_LEN];
	struct capture_file *file;
	size_t size;
	FILE *out;
	int err;

	sample_path(path);
	write_file(path, records, 4);
	file = capture_open(path, problem);
	assert_non_null(file);
	err = timeline_read(timeline, file, events, interval_ns, TIMELINE_CELLS, problem);
	if (text) {
		out = open_memstream(text, &size);
		assert_int_equal(report_timeline(out, capture_meta(file), timeline, &style), 0);
		fclose(out);
	}
	capture_close(file);
	unlink(path);
	return err;
}

static void check_cells(const struct timeline *timeline)
{
	const struct timeline_series *series = &timeline->series[0];

	assert_int_equal(timeline->ncells, 4);
	assert_int_equal(timeline->nseries, 1);
	assert_int_equal(series->place.pid, 7);
	assert_int_equal(series->place.id, 5);
	assert_string_equal(series->comm, "timed");
	assert_int_equal(series->total.count, 410);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(timeline_cell_ns(timeline, i), SECOND);
		if (!seconds[i].n) {
			assert_null(series->cells[i]);
			continue;
		}
		assert_int_equal(series->cells[i]->count, seconds[i].n);
		assert_int_equal(buckets_total(&series->cells[i]->latency), seconds[i].n);
		assert_in_range(percentile_ns(series->cells[i], 990), seconds[i].ns,
				seconds[i].ns * 17 / 16);
	}
}

static void test_snapshots(void **state)
{
	struct timeline timeline;
	struct problem problem;
	char *text;

	(void)state;
	assert_int_equal(read_file(&timeline, false, FAULTS, 0, &problem, &text), 0);
	assert_false(timeline.from_records);
	check_cells(&timeline);
	assert_non_null(strstr(text, "VM 0  timed  pid 7  slot 5  guest_fault: 410\n"));
	assert_non_null(strstr(text, "     0.000     100     100 #######  "));
	assert_non_null(strstr(text, "     1.000       0       0 \n"));
	assert_non_null(strstr(text, "     2.000     300     300 ####################  "));
	timeline_free(&timeline);
	free(text);
}

static void test_records(void **state)
{
	struct timeline timeline;
	struct problem problem;

	(void)state;
	assert_int_equal(read_file(&timeline, true, FAULTS, SECOND, &problem, NULL), 0);
	assert_true(timeline.from_records);
	check_cells(&timeline);
	timeline_free(&timeline);
}

static void test_longer(void **state)
{
	struct timeline timeline;
	struct problem problem;

	(void)state;
	assert_int_equal(read_file(&timeline, false, FAULTS, 2 * SECOND, &problem, NULL), 0);
	assert_int_equal(timeline.ncells, 2);
	assert_int_equal(timeline.series[0].cells[1]->count, 310);
	timeline_free(&timeline);
}

static void test_other_event(void **state)
{
	struct timeline timeline;
	struct problem problem;
	char *text;

	(void)state;
	assert_int_equal(read_file(&timeline, true, 1ULL << EV_ZAP, 0, &problem, &text), 0);
	assert_int_equal(timeline.nseries, 0);
	assert_non_null(strstr(text, "None of these events was seen"));
	timeline_free(&timeline);
	free(text);
}

static void test_too_short(void **state)
{
	struct timeline timeline;
	struct problem problem;

	(void)state;
	assert_int_equal(read_file(&timeline, true, FAULTS, 1000, &problem, NULL), -1);
	assert_int_equal(problem.status, EXIT_USAGE);
	assert_non_null(strstr(problem.text, "too short"));
	timeline_free(&timeline);
}

/* One snapshot, at the end, says nothing of when. */
static void test_no_times(void **state)
{
	char path[SAMPLE_PATH_LEN];
	struct timeline timeline;
	struct capture_file *file;
	struct problem problem;

	(void)state;
	sample_path(path);
	write_file(path, false, 1);
	file = capture_open(path, &problem);
	assert_int_equal(timeline_read(&timeline, file, FAULTS, 0, 48, &problem), -1);
	assert_int_equal(problem.status, EXIT_USAGE);
	assert_non_null(strstr(problem.text, "one snapshot at most"));
	timeline_free(&timeline);
	capture_close(file);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshots), cmocka_unit_test(test_records),
		cmocka_unit_test(test_longer),	  cmocka_unit_test(test_other_event),
		cmocka_unit_test(test_too_short), cmocka_unit_test(test_no_times),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
