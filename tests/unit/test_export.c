// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exports under the sanitizers, and what they are made of; what they contain is for other readers
 * to say, tests/export.py.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "export/export_lanes.h"
#include "export/export_order.h"
#include "export/export.h"
#include "export/openmetrics.h"
#include "sample_file.h"
#include "unit.h"

static const char *const formats[] = { "perfetto", "ndjson", "csv", "sqlite", "openmetrics" };

static void export_sample(size_t nrecords)
{
	char capture[SAMPLE_PATH_LEN], output[SAMPLE_PATH_LEN];
	struct export_options options = { .file = capture, .output = output };
	struct sample sample;
	struct problem problem;
	struct stat st;

	sample_real(&sample);
	memcpy(sample.snap.vms[1].info.comm, "\",\n\\\r\xff\xc3\xa9;'<=\x1b\"?", GMEM_COMM_LEN);
	sample.capture.records_kept = nrecords;
	sample_path(capture);
	sample_path(output);
	sample_write_file(&sample, nrecords, capture);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		options.format = formats[i];
		assert_true(export_has_format(formats[i]));
		assert_non_null(strstr(export_formats(), formats[i]));
		assert_int_equal(export_run(&options, &problem), 0);
		assert_int_equal(stat(output, &st), 0);
		assert_true(st.st_size > 1000);
	}
	unlink(capture);
	unlink(output);
	sample_free(&sample);
}

static void test_events(void **state)
{
	(void)state;
	export_sample(10000);
}

static void test_aggregates(void **state)
{
	(void)state;
	export_sample(0);
	assert_false(export_has_format("xml"));
}

/* A record of owner 2, which is @owner from now on. */
static void write_as(struct capture_writer *writer, const struct capture_owner *owner)
{
	struct gmem_record record = { .owner = 2, .page = RECORD_NO_PAGE, .event = EV_CREATE };
	struct problem problem;

	assert_int_equal(capture_write_owner(writer, 2, owner, &problem), 0);
	assert_int_equal(capture_write_records(writer, &record, 1, &problem), 0);
}

/* A recording of a @sample that is empty. */
static struct capture_writer *begin_records(struct sample *sample, const char *path)
{
	struct capture_writer *writer;
	struct problem problem;

	sample_empty(sample);
	sample->capture.records_kept = true;
	writer = capture_create(path, &sample->capture, &problem);
	assert_non_null(writer);
	return writer;
}

/* The kernel makes a VM where one was before; so may our tables. */
static void write_recycled(const char *path)
{
	struct capture_owner vm = { OWNER_VM, 0, .vm_info = { .kvm = 7, .pid = 10 } };
	struct capture_owner slot = { OWNER_SLOT, 0, .slot = { .id = 3 } };
	struct capture_writer *writer;
	struct problem problem;
	struct sample sample;

	sample_empty(&sample);
	sample.capture.records_kept = true;
	for (int i = 0; i < 2; i++) {
		sample_add_vm(&sample, "vmm", 10);
		sample.snap.vms[i].owner = 2;
		sample.snap.vms[i].info.kvm = 7;
	}
	writer = capture_create(path, &sample.capture, &problem);
	assert_non_null(writer);
	write_as(writer, &vm);
	vm.vm_info.ended_ns = 5;
	write_as(writer, &vm);
	vm.vm_info.ended_ns = 0;
	write_as(writer, &vm);
	write_as(writer, &slot);
	vm.vm_info.pid = 11;
	write_as(writer, &vm);
	assert_int_equal(capture_write_snapshot(writer, &sample.capture, &problem), 0);
	assert_int_equal(capture_finish(writer, &sample.capture, NULL, 0, &problem), 0);
	sample_free(&sample);
}

static void test_recycled(void **state)
{
	static const char *const vms[] = { "0,10,", "0,10,", "1,10,", ",,,0,3,", "2,11," };
	char capture[SAMPLE_PATH_LEN], output[SAMPLE_PATH_LEN], line[1000];
	struct export_options options = { .file = capture, .format = "csv", .output = output };
	struct problem problem;
	FILE *file;

	(void)state;
	sample_path(capture);
	sample_path(output);
	write_recycled(capture);
	assert_int_equal(export_run(&options, &problem), 0);
	file = fopen(output, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	for (size_t i = 0; i < ARRAY_SIZE(vms); i++) {
		const char *at = line;

		assert_non_null(fgets(line, sizeof(line), file));
		for (int comma = 0; comma < 4; comma++)
			at = strchr(at, ',') + 1;
		assert_memory_equal(at, vms[i], strlen(vms[i]));
	}
	fclose(file);
	unlink(capture);
	unlink(output);
}

/* The recorder was killed before its first snapshot; the VM is known by its event only. */
/* A thread takes another name; of one that nobody has told of, only the number is known. */
static void test_renamed(void **state)
{
	static const char *const ends[] = { ",5,one\r\n", ",5,two\r\n", ",6,\r\n", ",7,\r\n" };
	char capture[SAMPLE_PATH_LEN], output[SAMPLE_PATH_LEN], line[1000];
	struct export_options options = { .file = capture, .format = "csv", .output = output };
	struct capture_thread thread = { .tid = 5 };
	struct capture_writer *writer;
	struct problem problem;
	struct sample sample;
	FILE *file;

	(void)state;
	sample_path(capture);
	sample_path(output);
	writer = begin_records(&sample, capture);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct gmem_record record = { .page = RECORD_NO_PAGE, .event = EV_CREATE };

		memcpy(thread.comm, i ? "two" : "one", 4);
		record.tid = i < 2 ? 5 : 4 + i;
		assert_int_equal(capture_flush(writer, &problem), 0);
		if (i < 2)
			assert_int_equal(capture_write_thread(writer, &thread, &problem), 0);
		assert_int_equal(capture_write_records(writer, &record, 1, &problem), 0);
	}
	assert_int_equal(capture_finish(writer, &sample.capture, NULL, 0, &problem), 0);
	assert_int_equal(export_run(&options, &problem), 0);
	file = fopen(output, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		assert_non_null(fgets(line, sizeof(line), file));
		assert_non_null(strstr(line, ends[i]));
	}
	fclose(file);
	unlink(capture);
	unlink(output);
	sample_free(&sample);
}

static void test_no_snapshot(void **state)
{
	struct capture_owner vm = { OWNER_VM, 0, .vm_info = { .kvm = 7, .pid = 10 } };
	char capture[SAMPLE_PATH_LEN], output[SAMPLE_PATH_LEN];
	struct export_options options = { .file = capture, .output = output };
	struct capture_writer *writer;
	struct problem problem;
	struct sample sample;

	(void)state;
	sample_path(capture);
	sample_path(output);
	writer = begin_records(&sample, capture);
	write_as(writer, &vm);
	assert_int_equal(capture_flush(writer, &problem), 0);
	capture_abandon(writer);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		options.format = formats[i];
		assert_int_equal(export_run(&options, &problem),
				 strcmp(formats[i], "openmetrics") ? 0 : -1);
	}
	sample_free(&sample);
	unlink(capture);
	unlink(output);
}

static void test_lanes(void **state)
{
	static const struct {
		__u32 tid;
		__u64 begin_ns, end_ns;
		int lane;
	} table[] = {
		{ 1, 100, 200, 0 }, { 1, 100, 150, 0 }, { 1, 150, 150, 0 },
		{ 1, 160, 200, 0 }, { 1, 190, 210, 1 }, /* cuts the end of the first */
		{ 2, 190, 210, 0 }, { 1, 200, 300, 0 }, { 1, 205, 400, 2 },
		{ 1, 205, 206, 0 }, { 1, 150, 160, 3 }, /* too late to say what was there */
		{ 1, 300, 301, 0 },
	};
	struct export_lanes lanes = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(
			export_lane(&lanes, table[i].tid, table[i].begin_ns, table[i].end_ns),
			table[i].lane);
	for (int i = 0; i < 100; i++)
		export_lane(&lanes, 3, 1000 + i, 5000 + i);
	assert_int_equal(export_lane(&lanes, 3, 2000, 6000), LANES_MAX);
	export_lanes_free(&lanes);
}

struct seen {
	__u64 begin_ns, end_ns;
	size_t n;
};

/* Never out of order, an outer one before the inner. */
static int see(void *ctx, const struct export_event *event)
{
	__u64 begin_ns = export_begin_ns(event->record);
	struct seen *seen = ctx;

	assert_true(begin_ns >= seen->begin_ns);
	if (begin_ns == seen->begin_ns)
		assert_true(event->record->end_ns <= seen->end_ns);
	assert_int_equal(event->place->vm->number, event->record->owner);
	assert_int_equal(event->place->vm == event->place, event->place->owner.kind == OWNER_VM);
	assert_int_equal(event->thread ? event->thread->pid : 0, event->record->tid);
	seen->begin_ns = begin_ns;
	seen->end_ns = event->record->end_ns;
	seen->n++;
	return 0;
}

/* Add events of a few CPUs, at places that now and then become others, until @seen has seen all. */
static void order_events(unsigned int ncpus, __u64 latencies, struct seen *seen)
{
	static struct export_order order;
	struct export_place vms[3] = { 0 }, slots[3] = { 0 };
	unsigned long long random = 5;

	order = (struct export_order){ .fn = see, .ctx = seen };
	export_order_begin(&order);
	for (__u32 i = 0; i < 100000; i++) {
		unsigned int which = i / 7 % 3;
		struct export_place *vm = &vms[which], *slot = &slots[which];
		struct gmem_record record = { .end_ns = 1000000 + i * 10,
					      .latency_ns = unit_random(&random) % latencies * 10,
					      .cpu = i % ncpus,
					      .event = i / 3 % NR_EVENTS,
					      .tid = i % 3 };
		struct capture_thread thread = { .pid = record.tid };
		struct export_event event = { .record = &record,
					      .place = i % 5 ? slot : vm,
					      .thread = record.tid ? &thread : NULL };

		if (i % 40000 == 0) { /* nothing like it is in the window */
			record.cpu = 300;
			record.event = 0;
		}
		if (i % 10 < 3) {
			*vm = (struct export_place){ .owner.kind = OWNER_VM, .vm = vm };
			vm->number = vm->version = i + 1;
			*slot = (struct export_place){ .owner.kind = OWNER_SLOT, .vm = vm };
			slot->version = i + 1;
		}
		record.owner = vm->number;
		if (vm->version)
			assert_int_equal(export_order_add(&order, &event), 0);
	}
	assert_int_equal(export_order_end(&order), 0);
}

static void test_order(void **state)
{
	(void)state;
	for (unsigned int ncpus = 1; ncpus < 1000; ncpus = ncpus * 3 + 1)
		for (__u64 latencies = 1; latencies < 10000; latencies *= 50) {
			struct seen seen = { .n = 0 };

			order_events(ncpus, latencies, &seen);
			assert_in_range(seen.n, 99970, 100000);
		}
}

/* An error is handed back, and nothing more is handed on. */
static int refuse(void *ctx, const struct export_event *event)
{
	(void)event;
	++*(int *)ctx;
	return -1;
}

static void test_order_stops(void **state)
{
	struct export_order *order = calloc(1, sizeof(*order));
	struct gmem_record record = { .end_ns = 5 };
	struct export_place place = { .version = 1 };
	struct export_event event = { .record = &record, .place = &place };
	int refused = 0;

	(void)state;
	assert_non_null(order);
	export_order_begin(order);
	order->fn = refuse;
	order->ctx = &refused;
	for (int i = 0; i < ORDER_WINDOW; i++)
		assert_int_equal(export_order_add(order, &event), 0);
	assert_int_equal(export_order_add(order, &event), -1);
	assert_int_equal(export_order_end(order), -1);
	assert_int_equal(refused, 2);
	free(order);
}

static void test_openmetrics(void **state)
{
	char *text = NULL;
	size_t size;
	struct openmetrics metrics = { .out = open_memstream(&text, &size), .capture = "f\x1b" };

	(void)state;
	openmetrics_family(&metrics, "a_", "b_seconds", "gauge", "seconds", "c");
	openmetrics_sample(&metrics, "");
	openmetrics_label(&metrics, "d", "\"\\\n\r,}");
	openmetrics_label_number(&metrics, "e", ~0ULL);
	openmetrics_value_ns(&metrics, 12000000034ULL);
	openmetrics_single(&metrics, "_total", 5);
	openmetrics_sample(&metrics, "");
	openmetrics_value_pages(&metrics, ~0ULL);
	openmetrics_sample(&metrics, "");
	openmetrics_value_pages(&metrics, 3);
	openmetrics_end(&metrics);
	fclose(metrics.out);
	assert_string_equal(text, "# TYPE a_b_seconds gauge\n"
				  "# UNIT a_b_seconds seconds\n"
				  "# HELP a_b_seconds c\n"
				  "a_b_seconds{capture=\"f\\\\x1b\",d=\"\\\"\\\\\\\\x0a"
				  "\\\\x0d,}\",e=\"18446744073709551615\"} 12.000000034\n"
				  "a_b_seconds_total{capture=\"f\\\\x1b\"} 5\n"
				  "a_b_seconds{capture=\"f\\\\x1b\"} 75557863725914323415040\n"
				  "a_b_seconds{capture=\"f\\\\x1b\"} 12288\n"
				  "# EOF\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),	    cmocka_unit_test(test_aggregates),
		cmocka_unit_test(test_recycled),    cmocka_unit_test(test_no_snapshot),
		cmocka_unit_test(test_lanes),	    cmocka_unit_test(test_order),
		cmocka_unit_test(test_openmetrics), cmocka_unit_test(test_order_stops),
		cmocka_unit_test(test_renamed),
	};

	return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
