// SPDX-License-Identifier: GPL-2.0-only
/*
 * The past: what VMs that are told of no more have counted adds up to the same as before, in memory, in
 * reports, in files and on the screen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "gmemtop/view_head.h"
#include "model/past.h"
#include "sample_file.h"
#include "sample_view.h"
#include "unit.h"

static const struct text_style style = { .columns = 80, .utf8 = true };

/* One of @kind with so many faults, of which two failed, gone to the past. */
static void end_one(struct past_list *past, const char *name, enum owner_kind kind, __u64 ns,
		    __u64 nfaults)
{
	char comm[GMEM_COMM_LEN] = "";
	struct event_counts counts = {};

	strncpy(comm, name, sizeof(comm) - 1);
	if (nfaults) {
		struct event_count *count = sample_count(&counts, EV_GUEST_FAULT, ns, nfaults);

		sample_fail(count, EFAULT, 2);
		sample_detail(count, DETAIL_FAULT_RESIDENT, nfaults - 2);
	}
	assert_int_equal(past_add(past, comm, kind, &counts), 0);
	event_counts_free(&counts);
}

static void test_sums(void **state)
{
	struct past_list past = {}, copy = {};
	const struct event_count *count;
	struct past total = {};

	(void)state;
	end_one(&past, "qemu", OWNER_SLOT, 1000, 10);
	end_one(&past, "other", OWNER_VM, 500, 4);
	end_one(&past, "qemu", OWNER_SLOT, 300, 5);
	end_one(&past, "qemu", OWNER_GMEM, 0, 0);
	end_one(&past, "qemu", OWNER_VM, 0, 0);
	assert_int_equal(past.n, 2);
	assert_string_equal(past.v[0].comm, "qemu");
	assert_int_equal(past.v[0].nvms, 1);
	assert_int_equal(past.v[0].nslots, 2);
	assert_int_equal(past.v[0].ngmems, 1);
	count = event_counts_find(&past.v[0].events, EV_GUEST_FAULT);
	assert_int_equal(count->count, 15);
	assert_int_equal(count->sum_ns, 11500);
	assert_int_equal(count->min_ns, 300);
	assert_int_equal(count->max_ns, 1000);
	assert_int_equal(buckets_at(&count->latency, hist_bucket(1000)), 10);
	assert_int_equal(event_count_errors(count), 4);
	assert_int_equal(count->details[0].count, 11);
	assert_int_equal(past_copy(&copy, &past), 0);
	past_free(&past);
	assert_int_equal(past_total(&copy, &total), 0);
	assert_int_equal(total.nvms, 2);
	assert_int_equal(event_counts_find(&total.events, EV_GUEST_FAULT)->count, 19);
	event_counts_free(&total.events);
	past_free(&copy);
}

/* However many names there are. */
static void test_names(void **state)
{
	struct past_list past = {};
	struct past total = {};
	char name[16];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "vmm-%d", i);
		end_one(&past, name, OWNER_VM, 1000, 3);
		end_one(&past, "vmm-0", OWNER_SLOT, 1000, 3);
	}
	assert_int_equal(past.n, PAST_NAMES);
	assert_string_equal(past.v[PAST_NAMES - 1].comm, PAST_OTHERS);
	assert_int_equal(past.v[PAST_NAMES - 1].nvms, 1000 - (PAST_NAMES - 1));
	assert_int_equal(past.v[0].nslots, 1000);
	assert_int_equal(past_total(&past, &total), 0);
	assert_int_equal(total.nvms, 1000);
	assert_int_equal(event_counts_find(&total.events, EV_GUEST_FAULT)->count, 6000);
	event_counts_free(&total.events);
	past_free(&past);
}

static void sample_with_past(struct sample *sample)
{
	sample_real(sample);
	end_one(&sample->snap.past, "qemu", OWNER_SLOT, 1000, 10);
	end_one(&sample->snap.past, "qemu", OWNER_VM, 0, 0);
}

static void test_everything(void **state)
{
	struct event_totals with = {}, without = {};
	struct sample sample;

	(void)state;
	sample_with_past(&sample);
	assert_int_equal(event_totals_add_all(&with, &sample.snap), 0);
	past_free(&sample.snap.past);
	assert_int_equal(event_totals_add_all(&without, &sample.snap), 0);
	assert_int_equal(with.v[EV_GUEST_FAULT].count, without.v[EV_GUEST_FAULT].count + 10);
	event_totals_free(&with);
	event_totals_free(&without);
	sample_free(&sample);
}

static void test_reports(void **state)
{
	struct sample sample;
	char *text, *json;

	(void)state;
	sample_with_past(&sample);
	text = sample_report(&sample, "text", &style);
	json = sample_report(&sample, "json", &style);
	assert_non_null(strstr(text, "\nPast: 1 VM, 1 slot, 0 guest_memfds of qemu\n"));
	assert_non_null(strstr(json,
			       "\"past\":[{\"comm\":\"qemu\",\"vms\":1,\"slots\":1,\"gmems\":0,"
			       "\"events\":{\"guest_fault\":{\"count\":10,"));
	free(text);
	free(json);
	sample_free(&sample);
}

static void test_file(void **state)
{
	char path[SAMPLE_PATH_LEN], *was, *is;
	struct problem problem = {};
	struct capture_file *file;
	struct capture_item item;
	struct sample sample, read = {};

	(void)state;
	sample_with_past(&sample);
	sample_path(path);
	sample_write_file(&sample, 0, path);
	file = capture_open(path, &problem);
	assert_non_null(file);
	assert_int_equal(capture_next(file, CAPTURE_WANT_SNAPSHOTS, &item, &problem), 0);
	assert_int_equal(item.kind, CAPTURE_SNAPSHOT);
	read.capture = *item.capture;
	was = sample_report(&sample, "json", &style);
	is = sample_report(&read, "json", &style);
	assert_string_equal(is, was);
	free(was);
	free(is);
	capture_close(file);
	unlink(path);
	sample_free(&sample);
}

/* A VM whose numbers are in the past now is no row any more, but part of all that is said of everything. */
static void test_view(void **state)
{
	struct sample_view sv;
	char head[HEAD_LEN];

	(void)state;
	sample_view_init(&sv);
	sample_view_slot(sample_view_vm(&sv, 0xaa, 7), 0, 100, 1000);
	sample_view_slot(sample_view_vm(&sv, 0xbb, 8), 0, 10, 1000);
	sample_view_refresh(&sv);
	end_one(&sv.sample.snap.past, "qemu", OWNER_SLOT, 1000, 105);
	end_one(&sv.sample.snap.past, "qemu", OWNER_VM, 0, 0);
	sample_view_slot(sample_view_vm(&sv, 0xbb, 8), 0, 17, 1000);
	sv.sample.snap.vms[0].number = 1;
	sample_view_refresh(&sv);
	assert_string_equal(sample_view_order(&sv), "vm 7!; 7/0!; vm 8; 8/0");
	assert_int_equal(sv.view.total.counts->v[EV_GUEST_FAULT].count, 12);
	head_totals(&sv.view, true, HEAD_LEN, head);
	assert_non_null(strstr(head, "1 VM  1 slot  1 past VM  "));
	sv.settings.totals = true;
	sample_view_rows(&sv);
	assert_int_equal(sv.view.total.counts->v[EV_GUEST_FAULT].count, 122);
	sample_view_free(&sv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),	   cmocka_unit_test(test_names),
		cmocka_unit_test(test_everything), cmocka_unit_test(test_reports),
		cmocka_unit_test(test_file),	   cmocka_unit_test(test_view),
	};

	return cmocka_run_group_tests_name("past", tests, NULL, NULL);
}
