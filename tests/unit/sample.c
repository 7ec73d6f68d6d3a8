// SPDX-License-Identifier: GPL-2.0-only
/*
 * Models made by hand. Allocation failures abort: this is a test.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/events.h"
#include "sample.h"

static char *command[] = { "gmemload", "--vms", "2", "--touch", "512", NULL };

/* One more element at the end of an array, zeroed. */
static void *grow(void *array, size_t *n, size_t size)
{
	char *grown = realloc(array, (*n + 1) * size);

	assert(grown);
	memset(grown + *n * size, 0, size);
	(*n)++;
	return grown;
}

struct vm *sample_add_vm(struct sample *sample, const char *comm, __u32 pid)
{
	struct snapshot *snap = &sample->snap;
	struct vm *vm;

	snap->vms = grow(snap->vms, &snap->nvms, sizeof(*snap->vms));
	vm = &snap->vms[snap->nvms - 1];
	vm->number = snap->nvms - 1;
	vm->info.pid = pid;
	memcpy(vm->info.comm, comm, strnlen(comm, sizeof(vm->info.comm) - 1));
	return vm;
}

struct slot *sample_add_slot(struct vm *vm, int id, __u64 base_gfn, __u64 npages)
{
	struct slot *slot;

	vm->slots = grow(vm->slots, &vm->nslots, sizeof(*vm->slots));
	slot = &vm->slots[vm->nslots - 1];
	slot->info.id = id;
	slot->info.base_gfn = base_gfn;
	slot->info.npages = npages;
	slot->info.flags = 1 << 2 | 1 << 17;
	return slot;
}

struct gmem *sample_add_gmem(struct sample *sample, __u32 vm, __u64 ino, __u64 size_bytes)
{
	struct snapshot *snap = &sample->snap;
	struct gmem *gmem;

	snap->gmems = grow(snap->gmems, &snap->ngmems, sizeof(*snap->gmems));
	gmem = &snap->gmems[snap->ngmems - 1];
	gmem->vm = vm;
	gmem->info.ino = ino;
	gmem->info.size_bytes = size_bytes;
	gmem->info.flags = 3;
	return gmem;
}

static struct event_count *find_or_add(struct event_counts *counts, enum gmem_event event)
{
	struct event_count *count;

	if (counts->n && counts->v[counts->n - 1].event == event)
		return &counts->v[counts->n - 1];
	counts->v = grow(counts->v, &counts->n, sizeof(*counts->v));
	count = &counts->v[counts->n - 1];
	count->event = event;
	count->min_ns = ~0ULL;
	return count;
}

struct event_count *sample_count(struct event_counts *counts, enum gmem_event event, __u64 ns,
				 __u64 times)
{
	struct event_count *count = find_or_add(counts, event);
	__u64 *bucket;

	count->count += times;
	if (!(event_descs[event].carries & EVENT_LATENCY))
		return count;
	bucket = buckets_widen(&count->latency, hist_bucket(ns), 1);
	assert(bucket);
	*bucket += times;
	count->sum_ns += ns * times;
	if (ns < count->min_ns)
		count->min_ns = ns;
	if (ns > count->max_ns)
		count->max_ns = ns;
	return count;
}

void sample_fail(struct event_count *count, int err, __u64 times)
{
	count->errs = grow(count->errs, &count->nerrs, sizeof(*count->errs));
	count->errs[count->nerrs - 1].err = err;
	count->errs[count->nerrs - 1].count = times;
}

void sample_detail(struct event_count *count, enum gmem_detail detail, __u64 times)
{
	count->details = grow(count->details, &count->ndetails, sizeof(*count->details));
	count->details[count->ndetails - 1].detail = detail;
	count->details[count->ndetails - 1].count = times;
}

void sample_empty(struct sample *sample)
{
	int event;

	memset(sample, 0, sizeof(*sample));
	for (event = 0; event < NR_EVENTS; event++) {
		sample->hooks[event].wanted = true;
		sample->hooks[event].attached = true;
	}
	sample->capture = (struct capture){
		.tool = "gmemtrace",
		.version = "0.1.0",
		.kernel = "7.3.4-amd64",
		.arch = "x86_64",
		.page_bytes = 4096,
		.programs = "fsession",
		.ncpus = 2,
		.machine = "Some CPU @ 2.00GHz, stepping 6, microcode 0x2b",
		.boot = "0123456789abcdef",
		.start_realtime_ns = 1758634511123456789ULL,
		.duration_ns = 2350000000ULL,
		.command = command,
		.command_ended = true,
		.shown = (1ULL << NR_EVENTS) - 1,
		.hooks = sample->hooks,
		.snap = &sample->snap,
	};
}

/* The same sequence each time: something like a fault, 2 to 8 µs and now and then a long one. */
static __u64 fault_ns(unsigned int i)
{
	__u64 mixed = i * 2654435761U % 4294967296ULL;
	__u64 ns = 2000 + mixed % 1500 + (mixed >> 12) % 1500 + (mixed >> 20) % 2500;

	if (mixed % 97 == 0)
		ns *= 9;
	return mixed % 499 ? ns : ns * 60;
}

static void add_faults(struct slot *slot, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		sample_count(&slot->events, EV_GUEST_FAULT, fault_ns(i), 1);
	for (i = 0; i < n / 4; i++)
		sample_count(&slot->events, EV_HOST_FAULT, fault_ns(i) / 3, 1);
}

static void add_conversions(struct slot *slot)
{
	struct event_count *count = sample_count(&slot->events, EV_CONVERT, 20000, 12);

	count->npages = 768;
	sample_detail(count, DETAIL_CONVERT_PRIVATE, 8);
	sample_detail(count, DETAIL_CONVERT_SHARED, 4);
	sample_detail(count, DETAIL_CONVERT_NOOP, 2);
}

static void add_first_vm(struct sample *sample)
{
	struct vm *vm = sample_add_vm(sample, "gmemload", 4242);
	struct slot *slot = sample_add_slot(vm, 0, 0, 512);
	struct gmem *gmem;

	vm->info.ended_ns = 99;
	slot->info.ino = 1034;
	add_faults(slot, 2560);
	sample_count(&slot->events, EV_BIND, 11800, 1);
	sample_count(&slot->events, EV_UNBIND, 2100, 1);
	sample_count(&slot->events, EV_ZAP, 45000, 3)->npages = 1536;
	sample_count(&slot->events, EV_NOTIFIER_HIT, 0, 2)->npages = 640;
	slot = sample_add_slot(vm, 3, 0x100000, 262144);
	slot->info.ino = 1034;
	slot->info.pgoff = 0x200;
	slot->info.flags |= 1;
	add_faults(slot, 12000);
	sample_detail(&slot->events.v[0], DETAIL_FAULT_PREFETCH, 120);
	sample_count(&slot->events, EV_PREPARE, 800, 9000);
	sample_fail(sample_count(&slot->events, EV_BIND, 9000, 3), 17, 2);
	add_conversions(slot);
	gmem = sample_add_gmem(sample, 0, 1034, 1026 << 20);
	gmem->info.released_ns = 98;
	sample_count(&gmem->events, EV_RELEASE, 830000, 1);
	sample_count(&gmem->events, EV_ALLOCATE, 1540000, 1)->npages = 262656;
	sample_fail(sample_count(&gmem->events, EV_PUNCH_HOLE, 61000, 7), 22, 1);
	gmem->events.v[2].npages = 1536;
	sample_count(&vm->events, EV_CREATE, 15000, 1);
	sample_count(&vm->events, EV_NOTIFIER, 900, 40);
	sample_count(&vm->events, EV_NOTIFIER, 61000, 2);
}

/* What the inventory tells. */
static void add_residents(struct vm *vm, struct gmem *gmem)
{
	struct slot *slot = &vm->slots[0];

	vm->exists = slot->exists = gmem->exists = true;
	vm->vcpus = 4;
	vm->nplain = 2;
	slot->has_private = true;
	slot->nprivate = 512;
	slot->resident.known = gmem->resident.known = true;
	slot->resident.nodes_known = gmem->resident.nodes_known = true;
	assert(!resident_add(&slot->resident, 1, 300));
	assert(!resident_add(&slot->resident, 0, 3));
	assert(!resident_add(&gmem->resident, 1, 300));
	assert(!resident_add(&gmem->resident, 0, 7));
}

static void add_second_vm(struct sample *sample)
{
	struct vm *vm = sample_add_vm(sample, "qemu-system-x86", 31337);
	struct slot *slot = sample_add_slot(vm, 1, 0x40000, 1024);
	struct gmem *gmem;

	vm->info.type = 4;
	slot->info.flags = 1 << 2;
	slot->info.ino = 1040;
	add_faults(slot, 100);
	sample_fail(&slot->events.v[0], 12, 3);
	sample_fail(&slot->events.v[0], 133, 12);
	sample_detail(sample_count(&slot->events, EV_CONVERT, 9000, 6), DETAIL_CONVERT_PRIVATE, 6);
	gmem = sample_add_gmem(sample, 1, 1040, 4 << 20);
	add_residents(vm, gmem);
	sample_count(&gmem->events, EV_ALLOCATE, 40000, 1)->npages = 1024;
	sample_count(&vm->events, EV_CREATE, 14000, 1);
	sample_add_vm(sample, "idle", 5);
}

void sample_add_stack(struct sample *sample, const struct stack_count *stack, const char *frames)
{
	struct snapshot *snap = &sample->snap;
	struct stack_count *added;
	char *words = strdup(frames), *rest = words, *word;

	snap->stacks = reallocarray(snap->stacks, snap->nstacks + 1, sizeof(*snap->stacks));
	assert(words && snap->stacks);
	added = &snap->stacks[snap->nstacks++];
	*added = *stack;
	added->frames = calloc(STACK_DEPTH, sizeof(*added->frames));
	assert(added->frames);
	while ((word = strsep(&rest, ",")))
		added->frames[added->nframes++] = strdup(word);
	free(words);
	sample->capture.stack_events |= 1ULL << stack->event;
}

void sample_real(struct sample *sample)
{
	sample_empty(sample);
	add_first_vm(sample);
	add_second_vm(sample);
	sample_fail(sample_count(&sample->snap.host, EV_CREATE, 700, 4), 22, 4);
}

void sample_free(struct sample *sample)
{
	snapshot_free(&sample->snap);
}

typedef int report_fn(FILE *out, const char *format, const struct capture *capture,
		      const struct text_style *style);

static char *write_to_string(report_fn *write, const struct sample *sample, const char *format,
			     const struct text_style *style)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int err;

	assert(out);
	err = write(out, format, &sample->capture, style);
	fclose(out);
	assert(!err);
	return text;
}

char *sample_report(const struct sample *sample, const char *format, const struct text_style *style)
{
	return write_to_string(report_write, sample, format, style);
}

char *sample_inventory(const struct sample *sample, const char *format,
		       const struct text_style *style)
{
	return write_to_string(report_inventory, sample, format, style);
}

char *sample_probe(const struct sample *sample, const char *format, const struct text_style *style)
{
	return write_to_string(report_probe, sample, format, style);
}
