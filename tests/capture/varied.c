// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a small capture file that has something of everything, without a kernel: all events, at
 * all kinds of owners, with all that they may carry, inside each other, of processes with hostile
 * names; losses, drops, and memory. Its snapshots say what its records add up to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "capture/capture_file.h"
#include "capture/capture_rebuild.h"
#include "model/events.h"

#define THREADS 4 /* two of each VM */
#define ALL_EVENTS ((1ULL << NR_EVENTS) - 1)

enum { HOST = OWNER_INDEX_HOST, VM_A, SLOT_A0, SLOT_A1, GMEM_A, VM_B, SLOT_B, GMEM_B, NOBODY };

static const char hostile[GMEM_COMM_LEN] = "\",\n\\\r\xff\xc3\xa9;'<=\x1b";

static const struct capture_owner owners[] = {
	[HOST] = { OWNER_HOST, 0, {} },
	[VM_A] = { OWNER_VM, 0, .vm_info = { .kvm = 1, .pid = 100, .comm = "qemu" } },
	[SLOT_A0] = { OWNER_SLOT, VM_A, .slot = { .npages = 512, .ino = 1034, .flags = 4 } },
	[SLOT_A1] = { OWNER_SLOT, VM_A,
		      .slot = { 4096, 1024, 512, 1034, .flags = 4, .as_id = 1, .id = 3 } },
	[GMEM_A] = { OWNER_GMEM, VM_A, .gmem = { .ino = 1034, .size_bytes = 6 << 20, .flags = 3 } },
	[VM_B] = { OWNER_VM, 0, .vm_info = { .kvm = 2, .pid = 200, .type = 1 } },
	[SLOT_B] = { OWNER_SLOT, VM_B, .slot = { .npages = 256, .ino = 1040, .flags = 4 } },
	[GMEM_B] = { OWNER_GMEM, VM_B, .gmem = { .ino = 1040, .size_bytes = 1 << 20 } },
};

struct varied {
	struct capture_writer *writer;
	struct rebuild *rebuild;
	struct capture capture;
	struct hook_state hooks[NR_EVENTS];
	unsigned long long random;
	__u64 start_ns;
	__u64 now_ns[THREADS];
};

static void die(const char *what)
{
	fprintf(stderr, "varied: %s\n", what);
	exit(1);
}

static unsigned int next_random(struct varied *v)
{
	v->random = v->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return v->random >> 33;
}

static void say_who_is_who(struct varied *v)
{
	struct problem problem;

	for (__u32 i = HOST; i < NOBODY; i++) {
		struct capture_owner owner = owners[i];

		if (i == VM_B)
			memcpy(owner.vm_info.comm, hostile, sizeof(hostile));
		if (rebuild_owner(v->rebuild, i, &owner) ||
		    (v->capture.records_kept &&
		     capture_write_owner(v->writer, i, &owner, &problem)))
			die("cannot write the owners");
	}
	for (__u32 i = 0; v->capture.records_kept && i + 1 < THREADS; i++) {
		struct capture_thread thread = { 101 + 100 * (i / 2) + i % 2, 100 + 100 * (i / 2),
						 "CPU 0/KVM" };

		if (i == 2)
			memcpy(thread.comm, hostile, sizeof(hostile));
		if (capture_write_thread(v->writer, &thread, &problem))
			die(problem.text);
	}
}

/* What @event may be of the thread's VM; of the last, no name is told. */
static struct gmem_record make_record(struct varied *v, enum gmem_event event, int thread)
{
	static const __u32 places[2][4] = { { VM_A, SLOT_A0, SLOT_A1, GMEM_A },
					    { VM_B, SLOT_B, SLOT_B, HOST } };
	unsigned int r = next_random(v), carries = event_descs[event].carries;
	struct gmem_record record = {
		.page = r % 7 ? r % 512 : RECORD_NO_PAGE,
		.owner = places[thread / 2][r / 8 % 4],
		.tid = 101 + 100 * (thread / 2) + thread % 2,
		.cpu = thread % 2,
		.event = event,
		.flags = r % 7 && r / 32 % 3 == 0 ? RECORD_PGOFF : 0,
	};

	if (carries & EVENT_PAGES)
		record.npages = 1 + r / 128 % 1000;
	if (carries & EVENT_ERRNO && r / 128 % 5 == 0)
		record.err = event == EV_HOST_FAULT ? ERROR_IS_FAULT | (r & 1 ? 0x10 : 0x20)
						    : (r & 1 ? 17 : 4000);
	for (int i = 0; i < NR_DETAILS; i++)
		if (detail_descs[i].event == event && next_random(v) % 3 == 0)
			record.details |= 1U << (i - events_first_detail(event));
	return record;
}

static void write_record(struct varied *v, struct gmem_record *record, __u64 begin_ns, __u64 end_ns)
{
	struct problem problem;

	record->end_ns = end_ns;
	if (event_descs[record->event].carries & EVENT_LATENCY)
		record->latency_ns = end_ns - begin_ns;
	if (rebuild_records(v->rebuild, record, 1))
		die("out of memory");
	if (v->capture.records_kept && capture_write_records(v->writer, record, 1, &problem))
		die(problem.text);
}

/* An event, and @depth others in it; the inner ones may begin and end in the same nanosecond. */
static void write_event(struct varied *v, int thread, unsigned int depth)
{
	struct gmem_record record = make_record(v, next_random(v) % NR_EVENTS, thread);
	__u64 *now_ns = &v->now_ns[thread], begin_ns = *now_ns;

	*now_ns += next_random(v) % 3 * 100;
	if (depth)
		write_event(v, thread, depth - 1);
	*now_ns += next_random(v) % 3 * (next_random(v) % 100000);
	write_record(v, &record, begin_ns, *now_ns);
}

static void write_snapshot(struct varied *v)
{
	struct snapshot snap;
	struct problem problem;

	if (rebuild_snapshot(v->rebuild, &snap))
		die("out of memory");
	for (size_t i = 0; i < snap.nvms; i++)
		for (size_t j = 0; j < snap.vms[i].nslots; j++) {
			struct slot *slot = &snap.vms[i].slots[j];

			slot->resident = (struct resident){ .known = true, .npages = 100 + j };
			slot->has_private = i == 1;
			slot->nprivate = 7;
		}
	snap.loss[EV_ZAP][LOSS_MISSED] = 5;
	snap.loss[EV_POISON][LOSS_OWNER] = 2;
	snap.lost = 7;
	v->capture.duration_ns = rebuild_end_ns(v->rebuild) - v->start_ns;
	v->capture.snap = &snap;
	if (capture_write_snapshot(v->writer, &v->capture, &problem))
		die(problem.text);
	snapshot_free(&snap);
}

static void write_all(struct varied *v, unsigned int nevents, unsigned int nsnapshots)
{
	struct capture_drop drops[] = { { 0, EV_ZAP, 3 }, { 1, EV_ZAP, 4 }, { 1, EV_FREE, 1 } };
	struct problem problem;
	bool kept = v->capture.records_kept;

	for (unsigned int i = 0; i < nsnapshots; i++) {
		for (unsigned int n = 0; n < nevents / nsnapshots;) {
			unsigned int depth = next_random(v) % 3;

			v->now_ns[n % THREADS] += 1000;
			write_event(v, next_random(v) % THREADS, depth);
			n += depth + 1;
		}
		write_snapshot(v);
	}
	if (capture_finish(v->writer, &v->capture, drops, kept ? 3 : 0, &problem))
		die(problem.text);
}

int main(int argc, char **argv)
{
	static char *command[] = { "sh", "-c", "echo \"\xff\n\"", NULL };
	struct varied v = {
		.random = 7,
		.start_ns = clock_ns(CLOCK_MONOTONIC),
		.capture = { .tool = "gmemtrace",
			     .version = "0.1",
			     .kernel = "7.3.0-varied",
			     .arch = "x86_64",
			     .start_realtime_ns = clock_ns(CLOCK_REALTIME),
			     .command = command,
			     .command_ended = true,
			     .shown = ALL_EVENTS,
			     .hooks = v.hooks,
			     .records_kept = argc < 5 },
	};
	struct problem problem;

	if (argc < 4) {
		fprintf(stderr,
			"Usage: varied FILE EVENTS SNAPSHOTS [aggregates]\n"
			"A capture of about so many events; or only of what they add up to.\n");
		return 2;
	}
	for (int event = 0; event < NR_EVENTS; event++)
		v.hooks[event] = (struct hook_state){ .wanted = true, .attached = event % 5 };
	for (int i = 0; i < THREADS; i++)
		v.now_ns[i] = v.start_ns;
	v.rebuild = rebuild_new(0);
	v.writer = capture_create(argv[1], &v.capture, &problem);
	if (!v.rebuild || !v.writer)
		die(v.rebuild ? problem.text : "out of memory");
	say_who_is_who(&v);
	write_all(&v, atoi(argv[2]), atoi(argv[3]));
	rebuild_free(v.rebuild);
	return 0;
}
