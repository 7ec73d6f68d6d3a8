// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JSON report: read back it equals the model to the last digit, it is valid whatever
 * processes are called, and the schema fits it and nothing else.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "model/events.h"
#include "model/kvm_names.h"
#include "model/percentile.h"
#include "sample.h"
#include "unit.h"

static const struct text_style style = { .columns = 80 };

static json_t *parse(char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		fail_msg("%s at %d in %s", error.text, error.position, text);
	free(text);
	return json;
}

static json_t *report(const struct sample *sample)
{
	return parse(sample_report(sample, "json", &style));
}

/* The value at "a.b.2.c"; it must be there. */
static json_t *at(json_t *json, const char *path)
{
	char *copy = strdup(path), *rest = copy, *key;

	while ((key = strsep(&rest, "."))) {
		json = json_is_array(json) ? json_array_get(json, atoi(key))
					   : json_object_get(json, key);
		if (!json)
			fail_msg("no \"%s\" of \"%s\"", key, path);
	}
	free(copy);
	return json;
}

static __u64 u64_of(json_t *json)
{
	assert_true(json_is_integer(json) || json_is_string(json));
	if (json_is_string(json))
		return strtoull(json_string_value(json), NULL, 10);
	return json_integer_value(json);
}

static __u64 u64_at(json_t *json, const char *path)
{
	return u64_of(at(json, path));
}

static const char *string_at(json_t *json, const char *path)
{
	assert_true(json_is_string(at(json, path)));
	return json_string_value(at(json, path));
}

static void check_buckets(json_t *list, const struct event_count *count)
{
	__u64 bucket[HIST_BUCKETS] = { 0 };
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *triple = json_array_get(list, i);
		__u64 low = u64_at(triple, "0");
		unsigned int index = hist_bucket(low);

		assert_int_equal(json_array_size(triple), 3);
		assert_int_equal(low, hist_low_ns(index));
		if (index == HIST_BUCKETS - 1)
			assert_true(json_is_null(at(triple, "1")));
		else
			assert_int_equal(u64_at(triple, "1"), hist_high_ns(index));
		bucket[index] = u64_at(triple, "2");
		assert_true(bucket[index] > 0);
	}
	for (i = 0; i < HIST_BUCKETS; i++)
		assert_int_equal(bucket[i], buckets_at(&count->latency, i));
}

static void check_latency(json_t *json, const struct event_count *count)
{
	assert_int_equal(u64_at(json, "count"), count->count);
	assert_int_equal(u64_at(json, "sum"), count->sum_ns);
	assert_int_equal(u64_at(json, "min"), count->min_ns);
	assert_int_equal(u64_at(json, "max"), count->max_ns);
	assert_int_equal(u64_at(json, "p50"), percentile_ns(count, 500));
	assert_int_equal(u64_at(json, "p90"), percentile_ns(count, 900));
	assert_int_equal(u64_at(json, "p99"), percentile_ns(count, 990));
	assert_int_equal(u64_at(json, "p999"), percentile_ns(count, 999));
	check_buckets(at(json, "buckets"), count);
}

static bool can_have_details(enum gmem_event event)
{
	int detail = 0;

	while (detail < NR_DETAILS && detail_descs[detail].event != event)
		detail++;
	return detail < NR_DETAILS;
}

static void check_details(json_t *json, const struct event_count *count)
{
	size_t i;

	assert_int_equal(json != NULL, can_have_details(count->event));
	assert_int_equal(json_object_size(json), count->ndetails);
	for (i = 0; i < count->ndetails; i++)
		assert_int_equal(u64_at(json, detail_descs[count->details[i].detail].name),
				 count->details[i].count);
}

static void check_event(json_t *json, const struct event_count *count)
{
	unsigned int carries = event_descs[count->event].carries;
	json_t *errors = json_object_get(json, "errors");
	size_t i;

	assert_int_equal(u64_at(json, "count"), count->count);
	assert_int_equal(errors != NULL, !!(carries & EVENT_ERRNO));
	assert_int_equal(json_object_size(errors), count->nerrs);
	for (i = 0; i < count->nerrs; i++)
		assert_int_equal(u64_of(json_object_get(errors, errno_name(count->errs[i].err))),
				 count->errs[i].count);
	assert_int_equal(json_object_get(json, "pages") != NULL, !!(carries & EVENT_PAGES));
	if (carries & EVENT_PAGES)
		assert_int_equal(u64_at(json, "pages"), count->npages);
	check_details(json_object_get(json, "details"), count);
	assert_int_equal(json_object_get(json, "latency_ns") != NULL, !!(carries & EVENT_LATENCY));
	if (carries & EVENT_LATENCY)
		check_latency(at(json, "latency_ns"), count);
}

static void check_events(json_t *json, const struct event_counts *counts)
{
	size_t i;

	assert_true(json_is_object(json));
	assert_int_equal(json_object_size(json), counts->n);
	for (i = 0; i < counts->n; i++)
		check_event(at(json, event_descs[counts->v[i].event].name), &counts->v[i]);
}

static void check_resident(json_t *json, const struct resident *resident)
{
	assert_int_equal(json_is_null(at(json, "resident_pages")), !resident->known);
	assert_int_equal(json_is_null(at(json, "nodes")), !resident->nodes_known);
	if (resident->known)
		assert_int_equal(u64_at(json, "resident_pages"), resident->npages);
	assert_int_equal(json_array_size(at(json, "nodes")), resident->nnodes);
	for (size_t i = 0; i < resident->nnodes; i++) {
		json_t *node = json_array_get(at(json, "nodes"), i);

		assert_int_equal(u64_at(node, "node"), resident->nodes[i].node);
		assert_int_equal(u64_at(node, "pages"), resident->nodes[i].npages);
	}
}

static void check_heat(json_t *json, const struct heat_map *heat)
{
	if (!heat) {
		assert_true(json_is_null(json));
		return;
	}
	assert_int_equal(u64_at(json, "base_gfn"), heat->base_gfn);
	assert_int_equal(u64_at(json, "cell_pages"), heat->npages);
	assert_int_equal(u64_at(json, "elsewhere"), heat->elsewhere);
	assert_int_equal(json_array_size(at(json, "cells")), heat->ncells);
	for (unsigned int i = 0; i < heat->ncells; i++)
		assert_int_equal(json_integer_value(json_array_get(at(json, "cells"), i)),
				 heat->cell[i]);
}

static void check_slot(json_t *json, const struct slot *slot)
{
	assert_int_equal(u64_at(json, "as_id"), slot->info.as_id);
	assert_int_equal(json_integer_value(at(json, "id")), slot->info.id);
	assert_int_equal(u64_at(json, "base_gfn"), slot->info.base_gfn);
	assert_int_equal(u64_at(json, "npages"), slot->info.npages);
	assert_int_equal(u64_at(json, "flags"), slot->info.flags);
	assert_int_equal(u64_at(json, "gmem_ino"), slot->info.ino);
	assert_int_equal(u64_at(json, "gmem_pgoff"), slot->info.pgoff);
	assert_int_equal(json_is_true(at(json, "exists")), slot->exists);
	check_resident(json, &slot->resident);
	if (slot->has_private)
		assert_int_equal(u64_at(json, "private_pages"), slot->nprivate);
	else
		assert_true(json_is_null(at(json, "private_pages")));
	check_events(at(json, "events"), &slot->events);
	check_heat(at(json, "heat"), slot->heat);
}

static void check_vm(json_t *json, const struct vm *vm)
{
	size_t i;

	assert_int_equal(u64_at(json, "pid"), vm->info.pid);
	assert_string_equal(string_at(json, "comm"), vm->info.comm);
	assert_int_equal(u64_at(json, "type"), vm->info.type);
	assert_string_equal(string_at(json, "type_name"), vm_type_name("x86_64", vm->info.type));
	assert_int_equal(json_is_true(at(json, "ended")), vm->info.ended_ns != 0);
	assert_int_equal(json_is_true(at(json, "exists")), vm->exists);
	if (vm->exists) {
		assert_int_equal(u64_at(json, "vcpus"), vm->vcpus);
		assert_int_equal(u64_at(json, "plain_slots"), vm->nplain);
	} else {
		assert_true(json_is_null(at(json, "vcpus")));
		assert_true(json_is_null(at(json, "plain_slots")));
	}
	check_events(at(json, "events"), &vm->events);
	assert_int_equal(json_array_size(at(json, "slots")), vm->nslots);
	for (i = 0; i < vm->nslots; i++)
		check_slot(json_array_get(at(json, "slots"), i), &vm->slots[i]);
}

static void check_gmem(json_t *json, const struct gmem *gmem)
{
	assert_int_equal(u64_at(json, "vm"), gmem->vm);
	assert_int_equal(u64_at(json, "ino"), gmem->info.ino);
	assert_int_equal(u64_at(json, "size_bytes"), gmem->info.size_bytes);
	assert_int_equal(u64_at(json, "flags"), gmem->info.flags);
	assert_int_equal(json_is_true(at(json, "released")), gmem->info.released_ns != 0);
	assert_int_equal(json_is_true(at(json, "exists")), gmem->exists);
	check_resident(json, &gmem->resident);
	assert_int_equal(json_is_null(at(json, "bindings")), !gmem->exists);
	check_events(at(json, "events"), &gmem->events);
}

/* As of gmemtop. */
static void add_heat(struct slot *slot)
{
	slot->heat = calloc(1, sizeof(*slot->heat));
	assert_non_null(slot->heat);
	*slot->heat = (struct heat_map){
		.base_gfn = slot->info.base_gfn,
		.npages = 1ULL << heat_shift(slot->info.npages),
		.ncells = heat_cells(slot->info.npages),
		.cell = { 60, [3] = 30 },
		.elsewhere = 10,
	};
}

static void test_equals_model(void **state)
{
	struct sample sample;
	json_t *root;
	size_t i;

	(void)state;
	sample_real(&sample);
	add_heat(&sample.snap.vms[1].slots[0]);
	root = report(&sample);
	assert_string_equal(string_at(root, "tool.name"), "gmemtrace");
	assert_string_equal(string_at(root, "tool.version"), "0.1.0");
	assert_string_equal(string_at(root, "kernel.release"), "7.3.4-amd64");
	assert_string_equal(string_at(root, "kernel.arch"), "x86_64");
	assert_int_equal(u64_at(root, "kernel.page_size"), 4096);
	assert_string_equal(string_at(root, "capture.start"), "2025-09-23T13:35:11.123456789Z");
	assert_int_equal(u64_at(root, "capture.duration_ns"), 2350000000ULL);
	assert_int_equal(json_array_size(at(root, "vms")), sample.snap.nvms);
	for (i = 0; i < sample.snap.nvms; i++)
		check_vm(json_array_get(at(root, "vms"), i), &sample.snap.vms[i]);
	assert_int_equal(json_array_size(at(root, "gmems")), sample.snap.ngmems);
	for (i = 0; i < sample.snap.ngmems; i++)
		check_gmem(json_array_get(at(root, "gmems"), i), &sample.snap.gmems[i]);
	check_events(at(root, "host.events"), &sample.snap.host);
	json_decref(root);
	sample_free(&sample);
}

/* The same places in the same shape; bindings are the slots of today. */
static void test_inventory(void **state)
{
	struct sample sample;
	json_t *root;

	(void)state;
	sample_real(&sample);
	root = parse(sample_inventory(&sample, "json", &style));
	assert_null(json_object_get(root, "hooks"));
	assert_true(json_is_true(at(root, "inventory.taken")));
	for (size_t i = 0; i < sample.snap.nvms; i++)
		check_vm(json_array_get(at(root, "vms"), i), &sample.snap.vms[i]);
	check_gmem(at(root, "gmems.1"), &sample.snap.gmems[1]);
	assert_int_equal(json_array_size(at(root, "gmems.1.bindings")), 1);
	assert_int_equal(u64_at(root, "gmems.1.bindings.0.id"), 1);
	assert_int_equal(u64_at(root, "gmems.1.bindings.0.npages"), 1024);
	json_decref(root);
	sample.capture.no_inventory = "no files";
	root = report(&sample);
	assert_true(json_is_false(at(root, "inventory.taken")));
	assert_string_equal(string_at(root, "inventory.reason"), "no files");
	json_decref(root);
	sample_free(&sample);
}

static void test_flags_by_name(void **state)
{
	struct sample sample;
	json_t *root;

	(void)state;
	sample_real(&sample);
	root = report(&sample);
	assert_int_equal(json_array_size(at(root, "vms.0.slots.1.flag_names")), 3);
	assert_string_equal(string_at(root, "vms.0.slots.1.flag_names.0"), "dirty-log");
	assert_string_equal(string_at(root, "vms.0.slots.1.flag_names.2"), "gmem-only");
	assert_string_equal(string_at(root, "gmems.0.flag_names.0"), "mmap");
	assert_string_equal(string_at(root, "gmems.0.flag_names.1"), "init-shared");
	json_decref(root);
	sample_free(&sample);
}

static void test_details(void **state)
{
	struct sample sample;
	json_t *root, *events;

	(void)state;
	sample_real(&sample);
	sample_detail(&sample.snap.vms[0].slots[0].events.v[0], DETAIL_FAULT_PREFETCH, ~0ULL);
	root = report(&sample);
	events = at(root, "vms.0.slots.1.events");
	assert_int_equal(json_object_size(at(events, "convert.details")), 3);
	assert_int_equal(u64_at(events, "convert.details.to_private"), 8);
	assert_int_equal(u64_at(events, "convert.details.to_shared"), 4);
	assert_int_equal(u64_at(events, "convert.details.noop"), 2);
	events = at(root, "vms.1.slots.0.events");
	assert_int_equal(json_object_size(at(events, "convert.details")), 1); /* no zeroes */
	assert_int_equal(json_object_size(at(events, "guest_fault.details")), 0);
	assert_null(json_object_get(at(root, "vms.0.slots.0.events.bind"), "details"));
	assert_true(u64_at(root, "vms.0.slots.0.events.guest_fault.details.prefetch") == ~0ULL);
	json_decref(root);
	sample_free(&sample);
}

/* Faults of several kinds have one name: their sum is what is kept. */
static void test_errors_of_one_name_add_up(void **state)
{
	struct event_count *count;
	struct sample sample;
	json_t *root;

	(void)state;
	sample_empty(&sample);
	count = sample_count(&sample.snap.host, EV_HOST_FAULT, 100, 60);
	sample_fail(count, EINVAL, 1);
	sample_fail(count, ERROR_IS_FAULT | 0x2, 4);
	sample_fail(count, ERROR_IS_FAULT | 0x400, 20);
	sample_fail(count, ERROR_IS_FAULT | 0x402, 30);
	root = report(&sample);
	assert_int_equal(json_object_size(at(root, "host.events.host_fault.errors")), 3);
	assert_int_equal(u64_at(root, "host.events.host_fault.errors.EINVAL"), 1);
	assert_int_equal(u64_at(root, "host.events.host_fault.errors.SIGBUS"), 34);
	assert_int_equal(u64_at(root, "host.events.host_fault.errors.RETRY"), 20);
	json_decref(root);
	sample_free(&sample);
}

static void test_large_numbers_survive(void **state)
{
	static const __u64 values[] = { 1ULL << 53, (1ULL << 63) - 1, 1ULL << 63, ~0ULL };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		struct sample sample;
		struct gmem *gmem;
		json_t *root;

		sample_empty(&sample);
		gmem = sample_add_gmem(&sample, 7, 1, 1);
		gmem->info.flags = values[i];
		sample_count(&gmem->events, EV_ZAP, 1, 1)->count = values[i];
		gmem->events.v[0].max_ns = values[i];
		*buckets_widen(&gmem->events.v[0].latency, HIST_BUCKETS - 1, 1) = values[i] - 1;
		root = report(&sample);
		assert_true(json_is_null(at(root, "gmems.0.vm"))); /* there is no VM 7 */
		assert_int_equal(json_is_integer(at(root, "gmems.0.flags")), i < 2);
		assert_int_equal(u64_at(root, "gmems.0.flags"), values[i]);
		check_events(at(root, "gmems.0.events"), &gmem->events);
		json_decref(root);
		sample_free(&sample);
	}
}

static void test_hostile_names(void **state)
{
	char *command[] = { "sh", "\033]0;\"\\\n\t", "\xff\xe5\xae", "", NULL };
	const struct rung rung = { .since = "\"6\n", .hooks = { { .function = "a\"\xff" } } };
	struct sample sample;
	json_t *root;
	char *text, *byte;

	(void)state;
	sample_real(&sample);
	memcpy(sample.snap.vms[0].info.comm, "\033[2J\"\\\n\x01\x7f\xc3(\xe5\xae\xff??", 16);
	snprintf(sample.hooks[0].reason, sizeof(sample.hooks[0].reason), "\xfe\"");
	sample.hooks[0].rung = -1;
	sample.hooks[0].foreign = &rung;
	sample.capture.command = command;
	text = sample_report(&sample, "json", &style);
	for (byte = text; *byte != '\n'; byte++)
		assert_true((unsigned char)*byte >= 0x20);
	root = parse(text);
	assert_string_equal(string_at(root, "vms.0.comm"),
			    "\033[2J\"\\\n\x01\x7f\uFFFD(\uFFFD\uFFFD\uFFFD??");
	assert_string_equal(string_at(root, "capture.command.argv.1"), "\033]0;\"\\\n\t");
	assert_string_equal(string_at(root, "capture.command.argv.2"), "\uFFFD\uFFFD\uFFFD");
	assert_string_equal(string_at(root, "capture.command.argv.3"), "");
	assert_string_equal(string_at(root, "hooks.0.reason"), "\uFFFD\"");
	assert_string_equal(string_at(root, "hooks.0.rung.functions.0"), "a\"\uFFFD");
	assert_string_equal(string_at(root, "hooks.0.rung.since"), "\"6\n");
	json_decref(root);
	sample_free(&sample);
}

static void test_unknown_is_null(void **state)
{
	struct sample sample;
	struct slot *slot;
	json_t *root;

	(void)state;
	sample_empty(&sample);
	slot = sample_add_slot(sample_add_vm(&sample, "vmm", 1), 2, 0, 1);
	slot->info.pgoff = 5;
	sample.snap.vms[0].info.type = 1000;
	sample.capture.command = NULL;
	root = report(&sample);
	assert_true(json_is_null(at(root, "vms.0.slots.0.gmem_ino")));
	assert_true(json_is_null(at(root, "vms.0.slots.0.gmem_pgoff")));
	assert_true(json_is_null(at(root, "vms.0.type_name")));
	assert_true(json_is_null(at(root, "capture.command")));
	assert_int_equal(json_object_size(at(root, "vms.0.slots.0.events")), 0);
	json_decref(root);
	sample_free(&sample);
}

static void check_command(bool ended, int status, int exit_status, const char *signal)
{
	struct sample sample;
	json_t *root, *command;

	sample_empty(&sample);
	sample.capture.command_ended = ended;
	sample.capture.command_status = status;
	root = report(&sample);
	command = at(root, "capture.command");
	assert_int_equal(json_array_size(at(command, "argv")), 5);
	assert_string_equal(string_at(command, "argv.4"), "512");
	assert_int_equal(json_is_true(at(command, "ended")), ended);
	if (exit_status < 0)
		assert_true(json_is_null(at(command, "exit_status")));
	else
		assert_int_equal(u64_at(command, "exit_status"), exit_status);
	if (signal)
		assert_string_equal(string_at(command, "signal"), signal);
	else
		assert_true(json_is_null(at(command, "signal")));
	json_decref(root);
	sample_free(&sample);
}

static void test_command_ends(void **state)
{
	(void)state;
	check_command(true, 0, 0, NULL);
	check_command(true, 77 << 8, 77, NULL);
	check_command(true, SIGKILL, -1, "SIGKILL");
	check_command(true, SIGABRT | 0x80, -1, "SIGABRT"); /* core dumped */
	check_command(false, 0, -1, NULL);
}

static void make_unavailable(struct sample *sample, enum gmem_event event)
{
	sample->hooks[event].attached = false;
	sample->hooks[event].rung = -1;
	strcpy(sample->hooks[event].reason, "no such function");
}

static void check_hooks(json_t *root)
{
	json_t *hook = at(root, "hooks.0");
	int event;

	assert_int_equal(json_array_size(at(root, "hooks")), NR_EVENTS);
	for (event = 0; event < NR_EVENTS; event++)
		assert_string_equal(json_string_value(json_object_get(
					    json_array_get(at(root, "hooks"), event), "event")),
				    event_descs[event].name);
	assert_true(json_is_false(at(hook, "opt_in")));
	assert_true(json_is_true(at(hook, "shown")));
	assert_true(json_is_true(at(hook, "wanted")));
	assert_true(json_is_true(at(hook, "attached")));
	assert_true(json_is_null(at(hook, "reason")));
	assert_string_equal(string_at(hook, "rung.since"), ladders[0].rungs[0].since);
	assert_string_equal(string_at(hook, "rung.functions.0"),
			    ladders[0].rungs[0].hooks[0].function);
	assert_int_equal(u64_at(hook, "run_count"), 11);
	assert_int_equal(u64_at(hook, "run_time_ns"), 12);
	assert_int_equal(u64_at(hook, "recursion_misses"), 13);
	assert_string_equal(string_at(root, "hooks.2.event"), "alloc");
	assert_true(json_is_true(at(root, "hooks.2.opt_in")));
	hook = at(root, "hooks.1");
	assert_true(json_is_false(at(hook, "shown")));
	assert_true(json_is_false(at(hook, "attached")));
	assert_true(json_is_null(at(hook, "rung")));
	assert_string_equal(string_at(hook, "reason"), "no such function");
}

static void test_hooks_in_capture_and_probe(void **state)
{
	struct sample sample;
	json_t *root;

	(void)state;
	sample_real(&sample);
	sample.capture.shown &= ~(1ULL << EV_HOST_FAULT);
	sample.hooks[0].run_count = 11;
	sample.hooks[0].run_time_ns = 12;
	sample.hooks[0].recursion_misses = 13;
	make_unavailable(&sample, EV_HOST_FAULT);
	root = report(&sample);
	check_hooks(root);
	assert_int_equal(json_object_size(root), 10);
	json_decref(root);
	root = parse(sample_probe(&sample, "json", &style));
	check_hooks(root);
	assert_int_equal(json_object_size(root), 3);
	json_decref(root);
	sample_free(&sample);
}

static void test_only_what_was_asked_for(void **state)
{
	struct sample sample;
	json_t *root;

	(void)state;
	sample_real(&sample);
	sample.capture.shown = 1ULL << EV_BIND;
	root = report(&sample);
	assert_int_equal(json_object_size(at(root, "vms.0.slots.1.events")), 1);
	assert_int_equal(u64_at(root, "vms.0.slots.1.events.bind.errors.EEXIST"), 2);
	assert_int_equal(json_object_size(at(root, "vms.0.events")), 0);
	json_decref(root);
	sample_free(&sample);
}

static void test_loss(void **state)
{
	struct sample sample;
	json_t *root;

	(void)state;
	sample_real(&sample);
	root = report(&sample);
	assert_int_equal(u64_at(root, "loss.total"), 0);
	assert_int_equal(json_object_size(at(root, "loss.events")), 0);
	assert_int_equal(u64_at(root, "loss.switched_off"), 0);
	json_decref(root);
	sample.snap.loss[EV_GUEST_FAULT][LOSS_OWNER] = 1200;
	sample.snap.loss[EV_ZAP][LOSS_ERRNO] = 3;
	sample.snap.loss[EV_ZAP][LOSS_MISSED] = 31;
	sample.snap.lost = 1234;
	sample.snap.switched_off = 2;
	root = report(&sample);
	assert_int_equal(u64_at(root, "loss.total"), 1234);
	assert_int_equal(u64_at(root, "loss.switched_off"), 2);
	assert_int_equal(json_object_size(at(root, "loss.events")), 2);
	assert_int_equal(u64_at(root, "loss.events.guest_fault.owner"), 1200);
	assert_int_equal(json_object_size(at(root, "loss.events.guest_fault")), 1);
	assert_int_equal(u64_at(root, "loss.events.zap.errno"), 3);
	assert_int_equal(u64_at(root, "loss.events.zap.missed"), 31);
	json_decref(root);
	sample_free(&sample);
}

static void test_one_line(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_real(&sample);
	text = sample_report(&sample, "json", &style);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
	sample_free(&sample);
}

/* ---- Memory ---- */

static void *no_malloc(size_t size)
{
	(void)size;
	return NULL;
}

/* It is written as it is said: not a tree, which can fail in its midst. */
static void test_no_memory(void **state)
{
	struct sample sample;
	char *text, *whole;

	(void)state;
	sample_real(&sample);
	whole = sample_report(&sample, "json", &style);
	json_set_alloc_funcs(no_malloc, free);
	text = sample_report(&sample, "json", &style);
	json_set_alloc_funcs(malloc, free);
	assert_string_equal(text, whole);
	free(text);
	free(whole);
	sample_free(&sample);
}

/* ---- The schema ---- */

#define SKIPPED 77

/* Each line is + or - for what the schema has to say, and a document. */
static const char check_script[] =
	"import json, sys\n"
	"try:\n"
	"    import jsonschema\n"
	"    validator = jsonschema.Draft202012Validator\n"
	"except (ImportError, AttributeError):\n"
	"    sys.exit(77)\n"
	"schema = json.load(open(sys.argv[1]))\n"
	"validator.check_schema(schema)\n"
	"check = validator(schema)\n"
	"bad = 0\n"
	"for number, line in enumerate(open(sys.argv[2]), 1):\n"
	"    errors = list(check.iter_errors(json.loads(line[1:])))\n"
	"    if bool(errors) != (line[0] == '-'):\n"
	"        bad = 1\n"
	"        print('document', number, errors[:2] or 'is accepted', file=sys.stderr)\n"
	"sys.exit(bad)\n";

struct documents {
	char schema_path[32], path[32];
	FILE *file;
};

static FILE *temporary(char path[32])
{
	int fd;

	strcpy(path, "/tmp/gmem-unit-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	return fdopen(fd, "w");
}

static void documents_open(struct documents *documents)
{
	FILE *schema = temporary(documents->schema_path);

	fputs(report_json_schema, schema);
	fclose(schema);
	documents->file = temporary(documents->path);
}

/* The verdict of the schema over all documents: 0, SKIPPED, or something else. */
static int documents_check(struct documents *documents)
{
	int status;
	pid_t pid;

	fclose(documents->file);
	pid = fork();
	if (!pid) {
		/* The system's own, by its path: python looks for its modules by argv[0]. */
		execl("/usr/bin/python3", "/usr/bin/python3", "-I", "-c", check_script,
		      documents->schema_path, documents->path, NULL);
		_exit(SKIPPED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(documents->schema_path);
	unlink(documents->path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_valid(struct documents *documents, char *text)
{
	fprintf(documents->file, "+%s", text);
	free(text);
}

/* The report with one value changed or, when @json is NULL, taken away. */
static void expect_invalid(struct documents *documents, const struct sample *sample,
			   const char *parent, const char *key, const char *json)
{
	json_t *root = report(sample);
	json_t *object = parent[0] ? at(root, parent) : root;
	char *text;

	if (json)
		json_object_set_new(object, key, json_loads(json, JSON_DECODE_ANY, NULL));
	else
		assert_int_equal(json_object_del(object, key), 0);
	text = json_dumps(root, JSON_COMPACT);
	fprintf(documents->file, "-%s\n", text);
	free(text);
	json_decref(root);
}

static void add_valid(struct documents *documents)
{
	static const struct stack_count at_slot = {
		.event = EV_ZAP,
		.at_slot = true,
		.slot_id = -1,
		.comm = "\xfe",
		.npages = ~0ULL,
	};
	static const struct stack_count at_host = { .event = EV_CREATE, .vm = NO_VM, .count = 1 };
	struct sample sample;

	sample_empty(&sample);
	sample.capture.command = NULL;
	sample_add_slot(sample_add_vm(&sample, "", 1), -1, 0, 0);
	sample_add_gmem(&sample, 9, 1, ~0ULL);
	expect_valid(documents, sample_report(&sample, "json", &style));
	sample_free(&sample);
	sample_real(&sample);
	expect_valid(documents, sample_report(&sample, "json", &style));
	sample_add_stack(&sample, &at_slot, "zap+0x1 [kvm],\xff");
	sample_add_stack(&sample, &at_host, "");
	sample.capture.min_latency_ns = 10;
	sample.capture.command_status = SIGSEGV;
	memset(&sample.snap.loss, 1, sizeof(sample.snap.loss));
	sample.hooks[1].recursion_misses = ~0ULL;
	make_unavailable(&sample, EV_ZAP);
	sample_count(&sample.snap.host, EV_CREATE, ~0ULL, 1);
	expect_valid(documents, sample_report(&sample, "json", &style));
	expect_valid(documents, sample_probe(&sample, "json", &style));
	expect_valid(documents, sample_inventory(&sample, "json", &style));
	sample_free(&sample);
}

static void add_invalid(struct documents *documents)
{
	static const struct {
		const char *parent, *key, *json;
	} changes[] = {
		{ "", "hooks", NULL },
		{ "", "loss", NULL },
		{ "", "capture", NULL },
		{ "", "host", NULL },
		{ "", "surprise", "1" },
		{ "tool", "name", "\"perf\"" },
		{ "capture", "start", "\"yesterday\"" },
		{ "capture", "duration_ns", "-1" },
		{ "capture", "duration_ns", "1.5" },
		{ "capture.command", "argv", "[]" },
		{ "capture.command", "exit_status", "256" },
		{ "hooks.0", "attached", "1" },
		{ "hooks.0.rung", "functions", "[]" },
		{ "hooks.0", "opt_in", NULL },
		{ "hooks.0", "opt_in", "0" },
		{ "loss.events", "zap", "{}" },
		{ "loss.events", "zap", "{\"bad_luck\": 1}" },
		{ "vms.0", "pid", "\"1\"" },
		{ "vms.0.slots.0", "flags", "null" },
		{ "vms.0.slots.0.events", "Guest Fault", "{\"count\": 1}" },
		{ "vms.0.slots.0.events", "zap", "{}" },
		{ "vms.0.slots.0.events.zap", "latency_ns", "{\"count\": 1}" },
		{ "vms.0.slots.0.events.zap.latency_ns", "buckets", "[[1, 2]]" },
		{ "vms.0.slots.0.events.zap.latency_ns", "buckets", "[[null, 2, 3]]" },
		{ "vms.0.slots.1.events.convert", "details", "[]" },
		{ "vms.0.slots.1.events.convert.details", "noop", "-1" },
		{ "vms.0.slots.1.events.convert.details", "No Op", "1" },
		{ "gmems.0", "vm", "true" },
		{ "", "inventory", NULL },
		{ "inventory", "reason", NULL },
		{ "vms.1", "vcpus", "-1" },
		{ "vms.1.slots.0", "private_pages", NULL },
		{ "vms.1.slots.0", "nodes", "[{\"node\": 1}]" },
		{ "gmems.1", "bindings", "[{}]" },
		{ "gmems.1", "resident_pages", "false" },
	};
	struct sample sample;
	size_t i;

	sample_real(&sample);
	for (i = 0; i < ARRAY_SIZE(changes); i++)
		expect_invalid(documents, &sample, changes[i].parent, changes[i].key,
			       changes[i].json);
	sample_free(&sample);
}

static void test_schema(void **state)
{
	struct documents documents;
	int verdict;

	(void)state;
	documents_open(&documents);
	add_valid(&documents);
	add_invalid(&documents);
	verdict = documents_check(&documents);
	if (verdict == SKIPPED) {
		print_message("python3-jsonschema is not installed: schema not tested\n");
		skip();
	}
	assert_int_equal(verdict, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_model),
		cmocka_unit_test(test_inventory),
		cmocka_unit_test(test_flags_by_name),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_errors_of_one_name_add_up),
		cmocka_unit_test(test_large_numbers_survive),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_unknown_is_null),
		cmocka_unit_test(test_command_ends),
		cmocka_unit_test(test_hooks_in_capture_and_probe),
		cmocka_unit_test(test_only_what_was_asked_for),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests_name("report_json", tests, NULL, NULL);
}
