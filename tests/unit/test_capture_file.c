// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is written to a capture file comes out of it again.
 */
#include "unit.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "capture/capture_rebuild.h"
#include "model/events.h"
#include "model/percentile.h"
#include "sample_file.h"

#define NRECORDS 200000 /* four blocks */

static const struct text_style style = { .columns = 80, .utf8 = true };

static struct capture_file *open_file(const char *path)
{
	struct problem problem = {};
	struct capture_file *file = capture_open(path, &problem);

	if (!file)
		fail_msg("%s", problem.text);
	return file;
}

static struct capture_item next(struct capture_file *file, unsigned int wants)
{
	struct problem problem = {};
	struct capture_item item;

	if (capture_next(file, wants, &item, &problem))
		fail_msg("%s", problem.text);
	return item;
}

static char *report(const struct capture *capture, const char *format)
{
	struct sample sample = { .capture = *capture };

	return sample_report(&sample, format, &style);
}

static void assert_same_report(const struct capture *a, const struct capture *b, const char *format)
{
	char *x = report(a, format), *y = report(b, format);

	assert_string_equal(x, y);
	free(x);
	free(y);
}

/* What no report shows. */
static void assert_same_conditions(const struct capture *was, const struct capture *is)
{
	assert_string_equal(is->programs, was->programs);
	assert_int_equal(is->npids, was->npids);
	assert_int_equal(is->limit_ns, was->limit_ns);
	assert_int_equal(is->buffer_bytes, was->buffer_bytes);
	assert_int_equal(is->ncpus, was->ncpus);
	assert_string_equal(is->machine, was->machine);
	assert_string_equal(is->boot, was->boot);
	assert_int_equal(is->page_bytes, was->page_bytes);
}

static void check_snapshot(struct sample *sample)
{
	char path[SAMPLE_PATH_LEN];
	struct capture_file *file;
	struct capture_item item;

	sample_path(path);
	sample_write_file(sample, 0, path);
	file = open_file(path);
	item = next(file, CAPTURE_WANT_SNAPSHOTS);
	assert_int_equal(item.kind, CAPTURE_SNAPSHOT);
	assert_same_report(&sample->capture, item.capture, "text");
	assert_same_report(&sample->capture, item.capture, "json");
	assert_int_equal(next(file, CAPTURE_WANT_SNAPSHOTS).kind, CAPTURE_SNAPSHOT);
	assert_int_equal(next(file, CAPTURE_WANT_SNAPSHOTS).kind, CAPTURE_END);
	assert_null(capture_incomplete(file));
	assert_null(capture_meta(file)->note);
	assert_same_report(&sample->capture, capture_meta(file), "json");
	assert_same_conditions(&sample->capture, capture_meta(file));
	capture_close(file);
	unlink(path);
	sample_free(sample);
}

static void test_empty(void **state)
{
	struct sample sample;

	(void)state;
	sample_empty(&sample);
	sample.capture.command = NULL;
	sample.capture.no_inventory = "no permission";
	sample.capture.shown = 5;
	sample.capture.min_latency_ns = 1000;
	sample.capture.sample = 64;
	sample.capture.events_chosen = true;
	sample.capture.npids = 3;
	sample.capture.limit_ns = 1ULL << 40;
	sample.capture.buffer_bytes = 1ULL << 30;
	check_snapshot(&sample);
}

static void test_real(void **state)
{
	static const struct stack_count stack = { .event = EV_ZAP,
						  .vm = 1,
						  .at_slot = true,
						  .slot_id = 1,
						  .pid = 5,
						  .comm = "CPU 0/KVM",
						  .count = 7,
						  .npages = 8 };
	static const struct stack_count host = { .event = EV_ZAP, .vm = NO_VM, .count = 1 };
	struct sample sample;

	(void)state;
	sample_real(&sample);
	sample_add_stack(&sample, &stack, "kvm_gmem_release+0xc3 [kvm],__fput+0xe6");
	sample_add_stack(&sample, &host, "kvm_gmem_release+0xc3 [kvm]");
	sample.snap.loss[EV_ZAP][LOSS_OWNER] = 4;
	sample.snap.loss[EV_POISON][LOSS_STACK] = 1ULL << 40;
	sample.snap.lost = 4 + (1ULL << 40);
	sample.hooks[EV_POPULATE].rung = 1;
	sample.snap.vms[0].slots[0].heat = calloc(1, sizeof(struct heat_map));
	*sample.snap.vms[0].slots[0].heat =
		(struct heat_map){ 512, 8, 3, { 1, 0, ~0ULL - 5 }, .elsewhere = 4, .folds = 5 };
	sample.hooks[EV_ZAP].rung = 2;
	sample.hooks[EV_HOST_FAULT] = (struct hook_state){ .wanted = true,
							   .rung = -1,
							   .reason = "not in this kernel: f" };
	check_snapshot(&sample);
}

/* More than a part of a snapshot holds. */
static void test_large(void **state)
{
	struct sample sample;

	(void)state;
	sample_empty(&sample);
	for (int i = 0; i < 600; i++) {
		struct vm *vm = sample_add_vm(&sample, "large", i);

		for (int j = 0; j < 4; j++) {
			struct slot *slot = sample_add_slot(vm, j, 512 * j, 512);

			for (unsigned int k = 0; k < 300; k++)
				sample_count(&slot->events, EV_GUEST_FAULT, 70 << (k % 25),
					     1ULL << (i % 20));
		}
	}
	check_snapshot(&sample);
}

static void check_records(struct capture_file *file, const struct gmem_record *records)
{
	size_t n = 0;

	for (;;) {
		struct capture_item item = next(file, CAPTURE_WANT_RECORDS);

		if (item.kind == CAPTURE_END)
			break;
		assert_true(n + item.nrecords <= NRECORDS);
		assert_memory_equal(item.records, records + n, item.nrecords * sizeof(*records));
		n += item.nrecords;
	}
	assert_int_equal(n, NRECORDS);
	assert_null(capture_incomplete(file));
}

static void check_named(const struct capture_file *file)
{
	const struct capture_owner *owner = capture_owner(file, 3);
	const struct capture_thread *thread = capture_thread(file, 102);
	const struct capture_drop *drops;
	size_t n;

	assert_int_equal(owner->kind, OWNER_SLOT);
	assert_int_equal(owner->vm, 2);
	assert_int_equal(owner->slot.npages, 512);
	assert_string_equal(capture_owner(file, 2)->vm_info.comm, "gmemload");
	assert_int_equal(capture_owner(file, 4)->gmem.ino, 7);
	assert_null(capture_owner(file, 5));
	assert_null(capture_owner(file, ~0U));
	assert_string_equal(thread->comm, "CPU 2/KVM");
	assert_int_equal(thread->pid, 4242);
	assert_null(capture_thread(file, 99));
	drops = capture_drops(file, &n);
	assert_int_equal(n, 2);
	assert_int_equal(drops[0].count, 3);
	assert_int_equal(drops[1].event, EV_ZAP);
	assert_ptr_equal(capture_meta(file)->drops, drops);
}

/* What a file says of itself comes first. The file was read without its snapshots. */
static void check_warnings(const struct capture_file *file)
{
	struct capture capture = *capture_meta(file);
	struct snapshot none = {};
	char *text;

	assert_null(capture.snap);
	capture.snap = &none;
	text = report(&capture, "text");
	assert_non_null(strstr(text, "*** DROPPED: of the single events 7 have no record:\n"));
	assert_non_null(strstr(text, "guest_fault on CPU 1: 3, zap on CPU 0: 4\n"));
	free(text);
	capture.incomplete = "gone";
	capture.note = "new";
	text = report(&capture, "text");
	assert_ptr_equal(strstr(text, "*** INCOMPLETE: gone\n"), text);
	assert_non_null(strstr(text, "*** NOTE: new\n"));
	free(text);
	text = report(&capture, "json");
	assert_non_null(strstr(text, "\"incomplete\":\"gone\""));
	assert_non_null(strstr(text, "{\"cpu\":1,\"event\":\"guest_fault\",\"count\":3}"));
	assert_non_null(strstr(text, "\"note\":\"new\""));
	free(text);
}

static void test_records(void **state)
{
	struct gmem_record *records = sample_records(NRECORDS);
	char path[SAMPLE_PATH_LEN];
	struct capture_file *file;
	struct problem problem;
	struct sample sample;

	(void)state;
	sample_path(path);
	sample_real(&sample);
	sample_write_file(&sample, NRECORDS, path);
	file = open_file(path);
	check_records(file, records);
	check_named(file);
	check_warnings(file);
	assert_int_equal(capture_rewind(file, &problem), 0);
	assert_null(capture_owner(file, 3));
	assert_int_equal(next(file, CAPTURE_WANT_SNAPSHOTS).kind, CAPTURE_SNAPSHOT);
	assert_int_equal(next(file, CAPTURE_WANT_SNAPSHOTS | CAPTURE_WANT_RECORDS).kind,
			 CAPTURE_RECORDS);
	while (next(file, CAPTURE_WANT_SNAPSHOTS).kind)
		;
	check_named(file);
	capture_close(file);
	unlink(path);
	sample_free(&sample);
	free(records);
}

/* With a thread ahead all is the same, wherever its reader turns back, or gives up. */
static void test_read_ahead(void **state)
{
	struct gmem_record *records = sample_records(NRECORDS);
	char path[SAMPLE_PATH_LEN];
	struct capture_file *file;
	struct problem problem;
	struct sample sample;

	(void)state;
	sample_path(path);
	sample_real(&sample);
	sample_write_file(&sample, NRECORDS, path);
	for (int nitems = 0; nitems < 8; nitems++) {
		file = open_file(path);
		capture_read_ahead(file);
		capture_read_ahead(file);
		for (int i = 0; i < nitems; i++)
			next(file, CAPTURE_WANT_RECORDS);
		assert_int_equal(capture_rewind(file, &problem), 0);
		if (nitems % 2)
			capture_read_ahead(file);
		check_records(file, records);
		check_named(file);
		check_warnings(file);
		assert_int_equal(capture_rewind(file, &problem), 0);
		capture_read_ahead(file);
		for (int i = 0; i < nitems; i++)
			next(file, CAPTURE_WANT_LAST);
		capture_close(file);
	}
	unlink(path);
	sample_free(&sample);
	free(records);
}

static void rebuild_file(const char *path, struct snapshot *snap)
{
	struct capture_file *file = open_file(path);
	struct rebuild *rebuild = rebuild_new(0);
	struct capture_item item;

	while ((item = next(file, CAPTURE_WANT_RECORDS)).kind)
		assert_int_equal(rebuild_from(rebuild, file, &item), 0);
	assert_int_equal(rebuild_snapshot(rebuild, snap), 0);
	rebuild_free(rebuild);
	capture_close(file);
}

/* The records of @owner and @event add up to @count. */
static void check_count(const struct gmem_record *records, __u32 owner, enum gmem_event event,
			const struct event_counts *counts)
{
	const struct event_count *count = event_counts_find(counts, event);
	__u64 n = 0, sum_ns = 0, npages = 0, errors = 0, details = 0, counted = 0;

	for (size_t i = 0; i < NRECORDS; i++) {
		if (records[i].owner != owner || records[i].event != event)
			continue;
		n++;
		sum_ns += records[i].latency_ns;
		npages += records[i].npages;
		errors += records[i].err != 0;
		details += records[i].details != 0;
	}
	assert_int_equal(count->count, n);
	assert_int_equal(count->sum_ns, sum_ns);
	assert_int_equal(count->npages, npages);
	assert_int_equal(buckets_total(&count->latency), n);
	assert_int_equal(event_count_errors(count), errors);
	for (size_t i = 0; i < count->ndetails; i++)
		counted += count->details[i].count;
	assert_int_equal(counted, details);
}

static void test_rebuild(void **state)
{
	struct gmem_record *records = sample_records(NRECORDS);
	char path[SAMPLE_PATH_LEN];
	struct snapshot snap;
	struct sample sample;

	(void)state;
	sample_path(path);
	sample_empty(&sample);
	sample_write_file(&sample, NRECORDS, path);
	rebuild_file(path, &snap);
	assert_int_equal(snap.nvms, 1);
	assert_int_equal(snap.vms[0].nslots, 1);
	assert_int_equal(snap.ngmems, 1);
	assert_int_equal(snap.lost, 0);
	assert_string_equal(snap.vms[0].info.comm, "gmemload");
	check_count(records, 2, EV_GUEST_FAULT, &snap.vms[0].events);
	check_count(records, 3, EV_GUEST_FAULT, &snap.vms[0].slots[0].events);
	check_count(records, 3, EV_ZAP, &snap.vms[0].slots[0].events);
	check_count(records, 4, EV_GUEST_FAULT, &snap.gmems[0].events);
	snapshot_free(&snap);
	unlink(path);
	sample_free(&sample);
	free(records);
}

static void check_version_1(struct capture_file *file)
{
	const struct capture *capture = capture_meta(file);
	struct event_totals totals = {};

	assert_string_equal(capture->kernel, "7.3.4-amd64");
	assert_string_equal(capture->command[4], "512");
	assert_int_equal(capture->start_realtime_ns, 1758634511123456789ULL);
	assert_int_equal(capture->duration_ns, 2350000000ULL);
	assert_int_equal(capture->snap->nvms, 3);
	assert_int_equal(event_totals_add_all(&totals, capture->snap), 0);
	assert_int_equal(totals.v[EV_GUEST_FAULT].count, 14660);
	assert_int_equal(totals.v[EV_HOST_FAULT].count, 3665);
	assert_int_equal(totals.v[EV_CONVERT].npages, 768);
	assert_int_equal(totals.v[EV_RELEASE].sum_ns, 830000);
	assert_int_equal(percentile_ns(&totals.v[EV_NOTIFIER], 500), 927);
	assert_int_equal(event_count_errors(&totals.v[EV_GUEST_FAULT]), 15);
	assert_int_equal(capture->snap->loss[EV_ZAP][LOSS_OWNER], 4);
	assert_int_equal(capture->snap->gmems[1].resident.npages, 307);
	assert_string_equal(capture->snap->stacks[0].frames[1], "__fput+0xe6");
	assert_int_equal(capture->ndrops, 2);
	event_totals_free(&totals);
}

/* What an older version has written stays readable: a file that is never made again. */
static void test_version_1(void **state)
{
	struct capture_file *file = open_file("tests/data/version-1.cap");
	struct gmem_record *records = sample_records(300);
	struct capture_item item;

	(void)state;
	while ((item = next(file, CAPTURE_WANT_SNAPSHOTS | CAPTURE_WANT_RECORDS)).kind)
		if (item.kind == CAPTURE_RECORDS) {
			assert_int_equal(item.nrecords, 300);
			assert_memory_equal(item.records, records, 300 * sizeof(*records));
		}
	assert_null(capture_incomplete(file));
	assert_null(capture_meta(file)->note);
	check_version_1(file);
	capture_close(file);
	free(records);
}

#define KVM(n) (0xffff888100000000ULL + (n)*8192)

/* Which struct kvm is which is in the file, where they are is not. */
static void test_no_addresses(void **state)
{
	static const __u64 kvms[] = { KVM(7), KVM(3), KVM(7), 0 }, numbers[] = { 1, 2, 1, 0 };
	struct capture_owner vm = { OWNER_VM, 0, .vm_info = { .kvm = KVM(3), .pid = 2 } };
	char path[SAMPLE_PATH_LEN];
	struct capture_writer *writer;
	struct capture_file *file;
	struct problem problem;
	struct sample sample;

	(void)state;
	sample_path(path);
	sample_empty(&sample);
	for (size_t i = 0; i < ARRAY_SIZE(kvms); i++)
		sample_add_vm(&sample, "vm", 1 + i)->info.kvm = kvms[i];
	writer = capture_create(path, &sample.capture, &problem);
	assert_non_null(writer);
	for (int i = 0; i < 2; i++)
		assert_int_equal(capture_write_snapshot(writer, &sample.capture, &problem), 0);
	assert_int_equal(capture_write_owner(writer, 5, &vm, &problem), 0);
	assert_int_equal(capture_finish(writer, &sample.capture, NULL, 0, &problem), 0);
	file = capture_open(path, &problem);
	assert_non_null(file);
	while (next(file, CAPTURE_WANT_SNAPSHOTS | CAPTURE_WANT_RECORDS).kind != CAPTURE_END)
		;
	for (size_t i = 0; i < ARRAY_SIZE(kvms); i++)
		assert_int_equal(capture_meta(file)->snap->vms[i].info.kvm, numbers[i]);
	assert_int_equal(capture_owner(file, 5)->vm_info.kvm, 2);
	capture_close(file);
	unlink(path);
	sample_free(&sample);
}

/* Something happens to the file while it is written. */
static void test_lost(void **state)
{
	static const char *const reasons[] = { "was removed", "was moved", "another file",
					       "was truncated", "something else" };
	char path[SAMPLE_PATH_LEN], other[SAMPLE_PATH_LEN + 8];
	struct capture_writer *writer;
	struct problem problem;
	struct sample sample;

	(void)state;
	sample_path(path);
	snprintf(other, sizeof(other), "%s.other", path);
	sample_empty(&sample);
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		close(open(other, O_WRONLY | O_CREAT, 0600));
		writer = capture_create(path, &sample.capture, &problem);
		assert_non_null(writer);
		assert_null(capture_create(path, &sample.capture, &problem));
		assert_int_equal(problem.status, EXIT_USAGE);
		assert_int_equal(i == 0	  ? unlink(path)
				 : i == 1 ? rename(path, other)
				 : i == 2 ? rename(other, path)
					  : truncate(path, i == 3 ? 10 : 10000),
				 0);
		assert_int_equal(capture_write_snapshot(writer, &sample.capture, &problem), -1);
		assert_non_null(strstr(problem.text, reasons[i]));
		assert_int_equal(problem.status, EXIT_IMPOSSIBLE);
		assert_int_equal(capture_finish(writer, &sample.capture, NULL, 0, &problem), -1);
		unlink(path);
		unlink(other);
	}
	sample_free(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	   cmocka_unit_test(test_real),
		cmocka_unit_test(test_large),	   cmocka_unit_test(test_records),
		cmocka_unit_test(test_read_ahead), cmocka_unit_test(test_rebuild),
		cmocka_unit_test(test_version_1),  cmocka_unit_test(test_no_addresses),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests_name("capture_file", tests, NULL, NULL);
}
