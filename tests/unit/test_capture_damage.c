// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the reader makes of files that were cut off, damaged, or made to harm.
 */
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "capture/capture_pack.h"
#include "capture/capture_rebuild.h"
#include "forge.h"
#include "model/events.h"
#include "sample_file.h"

/* What came of reading a file to its end. */
struct outcome {
	int err; /* -1: @problem says what is wrong */
	struct problem problem;
	bool incomplete;
	size_t nsnapshots, nrecords;
	char note[200];
};

static struct outcome read_as(const unsigned char *bytes, size_t size, bool ahead)
{
	struct outcome outcome = {};
	struct capture_file *file = forge_open(bytes, size, &outcome.problem);
	struct capture_item item;

	outcome.err = file ? 0 : -1;
	if (file && ahead)
		capture_read_ahead(file);
	while (!outcome.err) {
		outcome.err = capture_next(file, CAPTURE_WANT_SNAPSHOTS | CAPTURE_WANT_RECORDS,
					   &item, &outcome.problem);
		if (outcome.err || !item.kind)
			break;
		outcome.nsnapshots += item.kind == CAPTURE_SNAPSHOT;
		outcome.nrecords += item.nrecords;
	}
	if (file && !outcome.err) {
		outcome.incomplete = capture_incomplete(file);
		snprintf(outcome.note, sizeof(outcome.note), "%s", capture_meta(file)->note ?: "");
	}
	capture_close(file);
	return outcome;
}

/* A thread that reads ahead changes nothing of it. */
static struct outcome read_all(const unsigned char *bytes, size_t size)
{
	struct outcome outcome = read_as(bytes, size, false), ahead = read_as(bytes, size, true);

	assert_int_equal(ahead.err, outcome.err);
	assert_int_equal(ahead.problem.status, outcome.problem.status);
	assert_string_equal(ahead.problem.text, outcome.problem.text);
	assert_int_equal(ahead.incomplete, outcome.incomplete);
	assert_int_equal(ahead.nsnapshots, outcome.nsnapshots);
	assert_int_equal(ahead.nrecords, outcome.nrecords);
	assert_string_equal(ahead.note, outcome.note);
	return outcome;
}

static unsigned char *load(const char *path, size_t *size)
{
	FILE *stream = fopen(path, "r");
	unsigned char *bytes = malloc(1 << 20);

	assert_non_null(stream);
	assert_non_null(bytes);
	*size = fread(bytes, 1, 1 << 20, stream);
	assert_true(*size < 1 << 20);
	fclose(stream);
	return bytes;
}

/* One VM, 40 records, two snapshots: some 2,000 bytes. */
static unsigned char *small_file(size_t *size)
{
	char path[SAMPLE_PATH_LEN];
	struct sample sample;
	unsigned char *bytes;

	sample_empty(&sample);
	sample_count(&sample_add_slot(sample_add_vm(&sample, "small", 1), 0, 0, 512)->events,
		     EV_GUEST_FAULT, 4000, 40);
	sample_path(path);
	sample_write_file(&sample, 40, path);
	bytes = load(path, size);
	unlink(path);
	sample_free(&sample);
	return bytes;
}

static void test_cut_off(void **state)
{
	size_t size, nsnapshots = 0, nrecords = 0;
	unsigned char *bytes = small_file(&size);
	bool readable = false;

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		struct outcome outcome = read_all(bytes, cut);

		/* Once the header is there, all is well, and what there is only grows. */
		assert_true(!outcome.err || !readable);
		assert_true(outcome.nsnapshots >= nsnapshots && outcome.nrecords >= nrecords);
		assert_int_equal(outcome.incomplete, !outcome.err);
		if (outcome.err)
			assert_int_equal(outcome.problem.status, EXIT_USAGE);
		readable = !outcome.err;
		nsnapshots = outcome.nsnapshots;
		nrecords = outcome.nrecords;
	}
	assert_int_equal(nsnapshots, 2);
	assert_int_equal(nrecords, 40);
	assert_false(read_all(bytes, size).incomplete);
	free(bytes);
}

static void test_flips(void **state)
{
	size_t size;
	unsigned char *bytes = small_file(&size);

	(void)state;
	for (size_t i = 0; i < size; i++) {
		for (unsigned int flip = 1; flip < 256; flip = flip * 16 - 1) {
			struct outcome outcome;

			bytes[i] ^= flip;
			outcome = flip == 1 ? read_all(bytes, size) : read_as(bytes, size, false);
			bytes[i] ^= flip;
			if (!outcome.err)
				fail_msg("byte %zu, flipped by %#x, is not missed", i, flip);
			assert_int_equal(outcome.problem.status, EXIT_USAGE);
		}
	}
	assert_int_equal(read_all(bytes, size).err, 0);
	free(bytes);
}

/* ---- Lies ---- */

static void forge_header(struct forge *forge, const Cap__Header *header)
{
	forge_head(forge);
	forge_message(forge, BLOCK_HEADER, &header->base);
}

/* A header like any other; its memory is @arena's. */
static Cap__Header *true_header(struct arena *arena)
{
	struct sample sample;

	arena->budget = 1 << 20;
	sample_empty(&sample);
	return pack_header(arena, &sample.capture);
}

static void forge_begin(struct forge *forge)
{
	struct arena arena = {};

	forge_header(forge, true_header(&arena));
	arena_free(&arena);
}

static void forge_end(struct forge *forge)
{
	Cap__End end = CAP__END__INIT;

	end.blocks = forge->nblocks;
	forge_message(forge, BLOCK_END, &end.base);
}

/* Frees @forge. */
static void assert_said(struct forge *forge, const char *said)
{
	struct outcome outcome = read_all(forge->bytes, forge->size);

	if (!outcome.err)
		fail_msg("nobody said \"%s\"", said);
	if (!strstr(outcome.problem.text, said))
		fail_msg("\"%s\", not \"%s\"", outcome.problem.text, said);
	assert_non_null(strstr(outcome.problem.text, ". ")); /* the next step */
	assert_int_equal(outcome.problem.status, EXIT_USAGE);
	forge_free(forge);
}

static void test_nothing(void **state)
{
	struct forge forge = {};

	(void)state;
	assert_said(&forge, "no capture file");
	forge_head(&forge);
	assert_said(&forge, "ends before it says");
	forge_head(&forge);
	forge_end(&forge);
	assert_said(&forge, "no header");
	forge_begin(&forge);
	forge_end(&forge);
	assert_int_equal(read_all(forge.bytes, forge.size).err, 0);
	forge.bytes[8] = 2;
	assert_said(&forge, "format 2 is newer");
}

static void test_lying_frames(void **state)
{
	static const unsigned char zeros[5000];
	struct forge forge = {};

	(void)state;
	forge_begin(&forge);
	forge_raw(&forge, BLOCK_SNAPSHOT, "", 0, BLOCK_MAX + 1);
	assert_said(&forge, "larger than the format allows");
	forge_begin(&forge);
	forge_raw(&forge, BLOCK_SNAPSHOT, "no zstd", 7, 7);
	assert_said(&forge, "cannot be unpacked");
	forge_begin(&forge);
	forge_block(&forge, BLOCK_SNAPSHOT, 0, zeros, sizeof(zeros));
	assert_said(&forge, "malformed");
	forge_begin(&forge);
	forge_begin(&forge);
	assert_said(&forge, "head"); /* the second magic */
	forge_begin(&forge);
	forge_end(&forge);
	forge_bytes(&forge, zeros, 1);
	assert_said(&forge, "after the last");
	forge_begin(&forge);
	forge.nblocks++;
	forge_end(&forge);
	assert_said(&forge, "more or fewer blocks");
	forge_begin(&forge);
	forge_block(&forge, 77, BLOCK_REQUIRED, "", 0);
	assert_said(&forge, "type 77");
}

/* What unpacks to more than its head says. */
static void test_bombs(void **state)
{
	struct forge forge = {}, bomb = {};
	size_t size = BLOCK_MAX;
	unsigned char *bytes = calloc(1, size + 1);

	(void)state;
	forge_begin(&forge);
	forge_block(&bomb, BLOCK_RECORDS, 0, bytes, size + 1);
	forge_raw(&forge, BLOCK_RECORDS, bomb.bytes + BLOCK_HEAD_SIZE, bomb.size - BLOCK_HEAD_SIZE,
		  100);
	assert_said(&forge, "cannot be unpacked");
	forge_free(&bomb);
	/* Two bytes a VM, which takes hundreds in memory. */
	for (size_t i = 0; i < size; i += 2)
		bytes[i] = 9 << 3 | 2;
	forge_begin(&forge);
	forge_block(&forge, BLOCK_SNAPSHOT, 0, bytes, size);
	assert_said(&forge, "more memory");
	free(bytes);
}

static void test_lying_headers(void **state)
{
	struct arena arena = {};
	struct forge forge = {};
	Cap__Header *header;
	uint32_t shown = 1000;

	(void)state;
	header = true_header(&arena);
	header->histogram->max_bits++;
	forge_header(&forge, header);
	assert_said(&forge, "histograms of another shape");
	header->histogram->max_bits--;
	header->page_size = 4097;
	forge_header(&forge, header);
	assert_said(&forge, "no size of pages");
	header->page_size = 0;
	header->events[1]->name = header->events[0]->name;
	header->events[1]->carries = header->events[0]->carries;
	forge_header(&forge, header);
	assert_said(&forge, "an event twice");
	header->events[1]->name = "no such event";
	header->events[0]->details[1] = header->events[0]->details[0];
	forge_header(&forge, header);
	assert_said(&forge, "a detail twice");
	header->events[0]->n_details = 0;
	header->losses[1] = header->losses[0];
	forge_header(&forge, header);
	assert_said(&forge, "a loss twice");
	header->n_losses = 0;
	header->shown = &shown;
	header->n_shown = 1;
	forge_header(&forge, header);
	assert_said(&forge, "does not name");
	arena_free(&arena);
}

/* A snapshot with one VM, one slot and one count, each of which a test can make wrong. */
struct small {
	Cap__Snapshot snapshot;
	Cap__VmInfo vm_info;
	Cap__Vm vm;
	Cap__SlotInfo slot_info;
	Cap__Slot slot;
	Cap__GmemInfo gmem_info;
	Cap__Gmem gmem;
	Cap__EventCount count;
	Cap__Stack stack;
	Cap__Loss loss;
	Cap__Hook hook;
	Cap__Resident resident;
	Cap__Vm *vms[1];
	Cap__Slot *slots[2];
	Cap__Gmem *gmems[2];
	Cap__EventCount *counts[2];
	Cap__Stack *stacks[1];
	Cap__Loss *losses[2];
	Cap__Hook *hooks[1];
	uint32_t numbers[4];
	uint64_t values[4];
};

static void make_small(struct small *s)
{
	memset(s, 0, sizeof(*s));
	cap__snapshot__init(&s->snapshot);
	cap__vm_info__init(&s->vm_info);
	cap__vm__init(&s->vm);
	cap__slot_info__init(&s->slot_info);
	cap__slot__init(&s->slot);
	cap__gmem_info__init(&s->gmem_info);
	cap__gmem__init(&s->gmem);
	cap__event_count__init(&s->count);
	cap__stack__init(&s->stack);
	cap__loss__init(&s->loss);
	cap__hook__init(&s->hook);
	cap__resident__init(&s->resident);
	s->snapshot.final = true;
	s->count.count = 1;
	s->vms[0] = &s->vm;
	s->slots[0] = &s->slot;
	s->gmems[0] = &s->gmem;
	s->counts[0] = s->counts[1] = &s->count;
	s->stacks[0] = &s->stack;
	s->losses[0] = &s->loss;
	s->hooks[0] = &s->hook;
	s->snapshot.vms = s->vms;
	s->snapshot.slots = s->slots;
	s->snapshot.gmems = s->gmems;
	s->snapshot.stacks = s->stacks;
	s->snapshot.losses = s->losses;
	s->snapshot.hooks = s->hooks;
	s->snapshot.n_vms = s->snapshot.n_slots = s->snapshot.n_gmems = 1;
	s->snapshot.n_stacks = s->snapshot.n_losses = s->snapshot.n_hooks = 1;
	s->vm.info = &s->vm_info;
	s->slot.info = &s->slot_info;
	s->slot.events = s->counts;
	s->slot.n_events = 1;
	s->slot.resident = &s->resident;
	s->gmem.info = &s->gmem_info;
}

static void lie_slot(struct small *s)
{
	s->slot.vm = 1;
}

static void lie_no_info(struct small *s)
{
	s->vm.info = NULL;
}

static void lie_as_id(struct small *s)
{
	s->slot_info.as_id = 0x10000;
}

static void lie_gmem(struct small *s)
{
	s->gmem.vm = ~0U;
}

static void lie_stack(struct small *s)
{
	s->stack.vm = 2;
}

static void lie_stack_event(struct small *s)
{
	s->stack.event = NR_EVENTS;
}

static void lie_loss(struct small *s)
{
	s->loss.loss = NR_LOSSES;
}

static void lie_hook(struct small *s)
{
	s->hook.event = NR_EVENTS;
}

static void lie_event(struct small *s)
{
	s->count.event = NR_EVENTS;
}

static void lie_count(struct small *s)
{
	s->count.count = 0;
}

static void lie_twice(struct small *s)
{
	s->slot.n_events = 2;
}

static void give_numbers(struct small *s, size_t n)
{
	s->count.bucket_gap = s->count.err = s->count.detail = s->resident.node = s->numbers;
	s->count.bucket_count = s->count.err_count = s->count.detail_count =
		s->resident.node_npages = s->values;
	s->numbers[0] = s->numbers[1] = n;
}

static void lie_bucket(struct small *s)
{
	give_numbers(s, HIST_BUCKETS / 2);
	s->count.n_bucket_gap = s->count.n_bucket_count = 2;
}

static void lie_buckets(struct small *s)
{
	give_numbers(s, 1);
	s->count.n_bucket_gap = 2;
}

static void lie_gap(struct small *s)
{
	give_numbers(s, 0);
	s->count.n_bucket_gap = s->count.n_bucket_count = 2;
}

static void lie_error(struct small *s)
{
	give_numbers(s, 12);
	s->count.n_err = s->count.n_err_count = 2;
}

static void lie_errors(struct small *s)
{
	give_numbers(s, 12);
	s->count.n_err = 1;
}

static void lie_detail(struct small *s)
{
	give_numbers(s, 31);
	s->count.n_detail = s->count.n_detail_count = 1;
}

static void lie_nodes(struct small *s)
{
	give_numbers(s, 1);
	s->resident.n_node = s->resident.n_node_npages = 2;
}

static void lie_sum(struct small *s)
{
	s->count.count = ~0ULL;
	s->gmem.events = s->counts;
	s->gmem.n_events = 1;
}

static void lie_losses(struct small *s)
{
	s->loss.count = 1ULL << 63;
	s->losses[1] = &s->loss;
	s->snapshot.n_losses = 2;
}

static void lie_latencies(struct small *s)
{
	give_numbers(s, 1);
	s->values[0] = s->values[1] = 1ULL << 63;
	s->count.n_bucket_gap = s->count.n_bucket_count = 2;
}

static void lie_memory(struct small *s)
{
	s->slot_info.npages = 1ULL << 52;
}

static void lie_slots(struct small *s)
{
	s->slots[1] = &s->slot;
	s->snapshot.n_slots = 2;
}

static void lie_gmems(struct small *s)
{
	s->gmems[1] = &s->gmem;
	s->snapshot.n_gmems = 2;
}

static void test_lying_snapshots(void **state)
{
	static const struct {
		void (*lie)(struct small *s);
		const char *said;
	} table[] = {
		{ lie_slot, "a slot is of no VM" },
		{ lie_no_info, "a VM has no description" },
		{ lie_as_id, "a slot is of no VM, or not described" },
		{ lie_gmem, "a guest_memfd is of no VM" },
		{ lie_stack, "a stack is of no VM" },
		{ lie_stack_event, "a stack is of no VM, slot or event" },
		{ lie_loss, "a loss is of no event or of no kind" },
		{ lie_hook, "a hook is of no event" },
		{ lie_event, "a count is of no event" },
		{ lie_count, "a count is of no event" },
		{ lie_twice, "has an event twice" },
		{ lie_bucket, "buckets that there are not" },
		{ lie_buckets, "not as many counts" },
		{ lie_gap, "buckets that there are not" },
		{ lie_error, "the errors of an event are not in order" },
		{ lie_errors, "not as many counts as errors" },
		{ lie_detail, "the details of an event are not in order" },
		{ lie_nodes, "the NUMA nodes are not in order" },
		{ lie_sum, "more than a number holds" },
		{ lie_losses, "more than a number holds" },
		{ lie_latencies, "more than a number holds" },
		{ lie_memory, "more than a number holds" },
		{ lie_slots, "a VM has a slot twice" },
		{ lie_gmems, "a VM has a guest_memfd twice" },
	};
	struct forge forge = {};
	struct small small;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		make_small(&small);
		table[i].lie(&small);
		forge_begin(&forge);
		forge_message(&forge, BLOCK_SNAPSHOT, &small.snapshot.base);
		assert_said(&forge, table[i].said);
	}
	make_small(&small);
	forge_begin(&forge);
	forge_message(&forge, BLOCK_SNAPSHOT, &small.snapshot.base);
	assert_int_equal(read_all(forge.bytes, forge.size).nsnapshots, 1);
	forge_free(&forge);
	/* The parts of a snapshot follow each other. */
	small.snapshot.final = false;
	forge_begin(&forge);
	forge_message(&forge, BLOCK_SNAPSHOT, &small.snapshot.base);
	assert_int_equal(read_all(forge.bytes, forge.size).nsnapshots, 0);
	forge_end(&forge);
	assert_said(&forge, "a snapshot lacks its end");
}

/* More in a histogram than was counted can be while events come in, but not when they have ended. */
static void test_lying_histogram(void **state)
{
	struct forge forge = {};
	struct small small;

	(void)state;
	make_small(&small);
	give_numbers(&small, 1);
	small.values[0] = 3;
	small.count.n_bucket_gap = small.count.n_bucket_count = 1;
	forge_begin(&forge);
	forge_message(&forge, BLOCK_SNAPSHOT, &small.snapshot.base);
	assert_int_equal(read_all(forge.bytes, forge.size).nsnapshots, 1);
	forge_end(&forge);
	assert_said(&forge, "a histogram of more events than were counted");
	forge_begin(&forge);
	forge_message(&forge, BLOCK_SNAPSHOT, &small.snapshot.base);
	small.count.count = 3;
	forge_message(&forge, BLOCK_SNAPSHOT, &small.snapshot.base);
	forge_end(&forge);
	assert_int_equal(read_all(forge.bytes, forge.size).nsnapshots, 2);
	forge_free(&forge);
}

/* Who wants the last snapshot only does not even look into the others. */
static void test_last_only(void **state)
{
	const struct capture *capture;
	struct capture_item item;
	struct capture_file *file;
	struct forge forge = {};
	struct problem problem;
	struct small small;

	(void)state;
	make_small(&small);
	forge_begin(&forge);
	lie_slot(&small);
	forge_message(&forge, BLOCK_SNAPSHOT, &small.snapshot.base);
	small.slot.vm = 0;
	small.snapshot.final = false;
	small.snapshot.n_stacks = small.snapshot.n_losses = small.snapshot.n_hooks = 0;
	small.snapshot.duration_ns = 7;
	forge_message(&forge, BLOCK_SNAPSHOT, &small.snapshot.base);
	small.slot_info.id = 1;
	small.snapshot.final = true;
	small.snapshot.n_vms = small.snapshot.n_gmems = 0;
	forge_message(&forge, BLOCK_SNAPSHOT, &small.snapshot.base);
	file = forge_open(forge.bytes, forge.size, &problem);
	assert_non_null(file);
	assert_int_equal(capture_next(file, CAPTURE_WANT_LAST, &item, &problem), 0);
	assert_int_equal(item.kind, CAPTURE_END);
	capture = capture_meta(file);
	assert_non_null(capture->incomplete);
	assert_int_equal(capture->duration_ns, 7);
	assert_int_equal(capture->snap->vms[0].nslots, 2);
	capture_close(file);
	forge_end(&forge);
	assert_said(&forge, "a slot is of no VM");
}

/* 16 MiB, and then no more than 1,000 times the file's size, unless it is read by force. */
static void test_work(void **state)
{
	Cap__Records records = CAP__RECORDS__INIT;
	struct capture_item item;
	struct capture_file *file;
	struct forge forge = {};
	struct problem problem;
	size_t n = 0;

	(void)state;
	records.n = RECORDS_MAX;
	forge_begin(&forge);
	for (int i = 0; i < 20; i++)
		forge_message(&forge, BLOCK_RECORDS, &records.base);
	file = forge_open(forge.bytes, forge.size, &problem);
	capture_force(file);
	do {
		assert_int_equal(capture_next(file, CAPTURE_WANT_RECORDS, &item, &problem), 0);
		n += item.nrecords;
	} while (item.kind);
	assert_int_equal(n, 20 * RECORDS_MAX);
	capture_close(file);
	assert_true(read_all(forge.bytes, forge.size).nrecords < 400000);
	assert_said(&forge, "1000 times the file's size");
}

static void forge_records(struct forge *forge, const Cap__Records *records)
{
	forge_begin(forge);
	forge_message(forge, BLOCK_RECORDS, &records->base);
}

static void test_lying_records(void **state)
{
	Cap__Records records = CAP__RECORDS__INIT;
	uint64_t latencies[] = { 1ULL << 63, 1ULL << 63 };
	uint32_t number = OWNERS_MAX;
	struct forge forge = {};

	(void)state;
	records.n = RECORDS_MAX;
	forge_records(&forge, &records);
	assert_int_equal(read_all(forge.bytes, forge.size).nrecords, RECORDS_MAX);
	forge_free(&forge);
	records.n = RECORDS_MAX + 1;
	forge_records(&forge, &records);
	assert_said(&forge, "columns are not of one length, or too long");
	records.n = 2;
	records.owner = &number;
	records.n_owner = 1;
	forge_records(&forge, &records);
	assert_said(&forge, "columns are not of one length, or too long");
	records.n = 1;
	forge_records(&forge, &records);
	assert_said(&forge, "a number that there is not");
	records.n_owner = 0;
	records.n = records.n_latency_ns = 2;
	records.latency_ns = latencies;
	forge_records(&forge, &records);
	assert_said(&forge, "more than a number holds");
	records.n = 1;
	records.n_latency_ns = 0;
	records.event = &number;
	records.n_event = 1;
	forge_records(&forge, &records);
	assert_said(&forge, "a number that there is not");
}

static void test_lying_owners(void **state)
{
	Cap__Owner owner = CAP__OWNER__INIT, *list[] = { &owner };
	Cap__SlotInfo slot = CAP__SLOT_INFO__INIT;
	Cap__GmemInfo gmem = CAP__GMEM_INFO__INIT;
	Cap__Owners owners = CAP__OWNERS__INIT;
	struct forge forge = {};

	(void)state;
	owners.owners = list;
	owners.n_owners = 1;
	owner.index = ~0U;
	forge_begin(&forge);
	forge_message(&forge, BLOCK_OWNERS, &owners.base);
	assert_said(&forge, "index is too large");
	owner.index = 5;
	owner.slot = &slot;
	owner.gmem = &gmem;
	forge_begin(&forge);
	forge_message(&forge, BLOCK_OWNERS, &owners.base);
	assert_said(&forge, "two kinds");
	owner.gmem = NULL;
	slot.id = 40000;
	forge_begin(&forge);
	forge_message(&forge, BLOCK_OWNERS, &owners.base);
	assert_said(&forge, "not described as slots are");
}

/* The records of an owner whose VM nobody has told of. */
static void test_owner_of_nothing(void **state)
{
	Cap__Owner owner = CAP__OWNER__INIT, *list[] = { &owner };
	Cap__Records records = CAP__RECORDS__INIT;
	Cap__SlotInfo slot = CAP__SLOT_INFO__INIT;
	Cap__Owners owners = CAP__OWNERS__INIT;
	const struct capture_owner nowhere = { .kind = OWNER_SLOT, .vm = 900000 };
	struct rebuild *rebuild = rebuild_new(0);
	struct forge forge = {};
	uint32_t number = 3;

	(void)state;
	owners.owners = list;
	owners.n_owners = 1;
	owner.index = 3;
	owner.vm = 900000;
	owner.slot = &slot;
	records.n = records.n_owner = 1;
	records.owner = &number;
	forge_begin(&forge);
	forge_message(&forge, BLOCK_OWNERS, &owners.base);
	assert_int_equal(read_all(forge.bytes, forge.size).err, 0);
	forge_message(&forge, BLOCK_RECORDS, &records.base);
	assert_said(&forge, "of a VM that there is not");
	/* Who rebuilds looks for himself. */
	assert_int_equal(rebuild_owner(rebuild, 3, &nowhere), 0);
	rebuild_free(rebuild);
}

/* ---- A newer version ---- */

/* Events in another order, one that we do not know before all others, and fields and a block, too. */
static void forge_newer(struct forge *forge, struct arena *arena)
{
	static const unsigned char unknown_field[] = { 0xa2, 6, 3, 'n', 'e', 'w' }; /* 100 */
	Cap__Header *header = true_header(arena);
	Cap__Event **events = arena_alloc(arena, NR_EVENTS + 1, sizeof(*events));
	Cap__Event *newer = arena_alloc(arena, 1, sizeof(*newer));
	unsigned char *bytes = arena_alloc(arena, 1, 1 << 16);
	size_t size;

	cap__event__init(newer);
	newer->name = "frobnicate";
	events[0] = newer;
	for (int i = 0; i < NR_EVENTS; i++)
		events[NR_EVENTS - i] = header->events[i];
	header->events = events;
	header->n_events = NR_EVENTS + 1;
	header->n_shown = 0;
	header->version = "9.9";
	forge_head(forge);
	size = cap__header__pack(header, bytes);
	memcpy(bytes + size, unknown_field, sizeof(unknown_field));
	forge_block(forge, BLOCK_HEADER, BLOCK_REQUIRED, bytes, size + sizeof(unknown_field));
	forge_block(forge, 99, 0, "", 0);
}

static void test_newer(void **state)
{
	const struct event_counts *events;
	struct arena arena = {};
	struct forge forge = {};
	struct capture_file *file;
	struct capture_item item;
	struct problem problem;
	struct small small;
	Cap__EventCount unknown = CAP__EVENT_COUNT__INIT;

	(void)state;
	forge_newer(&forge, &arena);
	make_small(&small);
	unknown.count = 5;
	small.counts[1] = &unknown;
	small.slot.n_events = 2;
	small.count.event = NR_EVENTS - EV_ZAP;
	small.count.count = 7;
	forge_message(&forge, BLOCK_SNAPSHOT, &small.snapshot.base);
	forge_end(&forge);
	file = forge_open(forge.bytes, forge.size, &problem);
	assert_non_null(file);
	assert_int_equal(capture_next(file, CAPTURE_WANT_SNAPSHOTS, &item, &problem), 0);
	assert_int_equal(item.kind, CAPTURE_SNAPSHOT);
	events = &item.capture->snap->vms[0].slots[0].events;
	assert_int_equal(events->n, 1);
	assert_int_equal(events->v[0].event, EV_ZAP);
	assert_int_equal(events->v[0].count, 7);
	assert_int_equal(capture_next(file, CAPTURE_WANT_SNAPSHOTS, &item, &problem), 0);
	assert_int_equal(item.kind, CAPTURE_END);
	assert_non_null(strstr(capture_meta(file)->note, "gmemtrace 9.9: 5 events"));
	assert_non_null(strstr(capture_meta(file)->note, "1 blocks"));
	capture_close(file);
	arena_free(&arena);
	forge_free(&forge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_off),		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_nothing),		cmocka_unit_test(test_lying_frames),
		cmocka_unit_test(test_bombs),		cmocka_unit_test(test_lying_headers),
		cmocka_unit_test(test_lying_snapshots), cmocka_unit_test(test_lying_histogram),
		cmocka_unit_test(test_last_only),	cmocka_unit_test(test_work),
		cmocka_unit_test(test_lying_records),	cmocka_unit_test(test_owner_of_nothing),
		cmocka_unit_test(test_lying_owners),	cmocka_unit_test(test_newer),
	};

	return cmocka_run_group_tests_name("capture_damage", tests, NULL, NULL);
}
