// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a capture file of any number of records, the same but for the clock, without a kernel: for
 * tests of size. Its snapshots say what its records add up to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "capture/capture_file.h"
#include "capture/capture_rebuild.h"

#define VMS 4
#define SLOTS 2 /* of each VM, if not said otherwise */
#define VCPUS 4
#define BATCH 4096 /* records of one CPU at a time, as from its ring */
#define NS_PER_EVENT 2500 /* of all CPUs together */

struct generator {
	struct capture_writer *writer;
	struct rebuild *rebuild;
	struct capture capture;
	struct hook_state hooks[NR_EVENTS];
	unsigned long long random;
	__u64 start_ns;
	unsigned int nslots; /* of each VM; even */
};

static void die(const char *what)
{
	fprintf(stderr, "generate: %s\n", what);
	exit(1);
}

static unsigned long long next_random(struct generator *g)
{
	g->random ^= g->random << 13;
	g->random ^= g->random >> 7;
	g->random ^= g->random << 17;
	return g->random;
}

/* With two slots VM i has owner index 2 + 4 * i, its slots and its guest_memfd the next three. */
static __u32 vm_owner(const struct generator *g, unsigned int vm)
{
	return OWNER_INDEX_FIRST + (g->nslots + 2) * vm;
}

static void say_owner(struct generator *g, __u32 index, const struct capture_owner *owner)
{
	struct problem problem;

	if (capture_write_owner(g->writer, index, owner, &problem))
		die(problem.text);
	if (rebuild_owner(g->rebuild, index, owner))
		die("out of memory");
}

static void say_owners(struct generator *g, unsigned int i)
{
	struct capture_owner vm = { OWNER_VM, 0, .vm_info = { .kvm = i + 1, .pid = 1000 * i } };
	struct capture_owner gmem = { OWNER_GMEM, vm_owner(g, i), .gmem = { .ino = 50 + i } };

	snprintf(vm.vm_info.comm, sizeof(vm.vm_info.comm), "generated-%u", i);
	gmem.gmem.size_bytes = 2ULL * g->nslots << 30;
	say_owner(g, vm_owner(g, i), &vm);
	for (unsigned int j = 0; j < g->nslots; j++) {
		struct capture_owner slot = { OWNER_SLOT, vm_owner(g, i), .slot = { .id = j } };

		slot.slot.npages = 1 << 19;
		slot.slot.base_gfn = slot.slot.pgoff = (__u64)j << 19;
		slot.slot.ino = gmem.gmem.ino;
		say_owner(g, vm_owner(g, i) + 1 + j, &slot);
	}
	say_owner(g, vm_owner(g, i) + 1 + g->nslots, &gmem);
}

static void say_threads(struct generator *g, unsigned int vm)
{
	struct problem problem;

	for (unsigned int i = 0; i < VCPUS; i++) {
		struct capture_thread thread = { 1000 * vm + 1 + i, 1000 * vm, "" };

		snprintf(thread.comm, sizeof(thread.comm), "CPU %u/KVM", i);
		if (capture_write_thread(g->writer, &thread, &problem))
			die(problem.text);
	}
}

/* Record @i is mostly a fault of 1 to 9 µs; now and then it is long, fails, or is a zap. */
static struct gmem_record make_record(struct generator *g, __u64 i)
{
	unsigned long long r = next_random(g);
	unsigned int cpu = i / BATCH % VCPUS, vm = i / BATCH / VCPUS % VMS;
	__u64 ns = 1000 + r % 4000 + (r >> 20) % 4000;
	struct gmem_record record = {
		/* Each CPU has a batch of the time that all of them have taken. */
		.end_ns = g->start_ns + i / (BATCH * VCPUS) * (BATCH * VCPUS * NS_PER_EVENT) +
			  i % BATCH * VCPUS * NS_PER_EVENT + (r >> 40) % 2000,
		.latency_ns = (r >> 32) % 1000 ? ns : ns * 100,
		.page = i / (BATCH * VCPUS * VMS) * BATCH + i % BATCH + cpu * 100000,
		.owner = vm_owner(g, vm) + 1 + (cpu & 1) + (r >> 24) % (g->nslots / 2) * 2,
		.tid = 1000 * vm + 1 + cpu,
		.cpu = cpu,
		.event = EV_GUEST_FAULT,
		.details = 1 << (DETAIL_FAULT_FIRST_TOUCH - DETAIL_FAULT_PREFETCH),
	};

	record.page %= 1 << 19;
	if (r % 5000 == 0) {
		record.err = 133; /* EHWPOISON */
	} else if (r % 100 == 1) {
		record.event = EV_ZAP;
		record.details = 1 << (DETAIL_ZAP_PUNCH - DETAIL_ZAP_PUNCH);
		record.npages = 1 + r % 512;
	}
	return record;
}

static void write_snapshot(struct generator *g, __u64 end_ns)
{
	struct snapshot snap;
	struct problem problem;

	if (rebuild_snapshot(g->rebuild, &snap))
		die("out of memory");
	g->capture.duration_ns = end_ns - g->start_ns;
	g->capture.snap = &snap;
	if (capture_write_snapshot(g->writer, &g->capture, &problem))
		die(problem.text);
	snapshot_free(&snap);
}

static void write_records(struct generator *g, __u64 n, __u64 nsnapshots)
{
	static struct gmem_record batch[BATCH];
	__u64 every = nsnapshots ? (n + nsnapshots - 1) / nsnapshots : ~0ULL, next = every;
	struct problem problem;

	for (__u64 i = 0; i < n;) {
		size_t some = 0;

		while (some < BATCH && i < n)
			batch[some++] = make_record(g, i++);
		if (capture_write_records(g->writer, batch, some, &problem))
			die(problem.text);
		if (rebuild_records(g->rebuild, batch, some))
			die("out of memory");
		if (i >= next || (i == n && nsnapshots)) {
			write_snapshot(g, rebuild_end_ns(g->rebuild));
			next += every;
		}
	}
}

static void generate(struct generator *g, const char *path, __u64 n, __u64 nsnapshots)
{
	struct problem problem;

	g->rebuild = rebuild_new(0);
	g->writer = capture_create(path, &g->capture, &problem);
	if (!g->rebuild || !g->writer)
		die(g->rebuild ? problem.text : "out of memory");
	for (unsigned int vm = 0; vm < VMS; vm++) {
		say_owners(g, vm);
		say_threads(g, vm);
	}
	write_records(g, n, nsnapshots);
	g->capture.duration_ns = rebuild_end_ns(g->rebuild) - g->start_ns;
	if (capture_finish(g->writer, &g->capture, NULL, 0, &problem))
		die(problem.text);
	rebuild_free(g->rebuild);
}

int main(int argc, char **argv)
{
	struct generator g = {
		.random = 88172645463325252ULL,
		.start_ns = clock_ns(CLOCK_MONOTONIC),
		.capture = { .tool = "gmemtrace",
			     .version = "0.1",
			     .kernel = "7.3.0-generated",
			     .arch = "x86_64",
			     .start_realtime_ns = clock_ns(CLOCK_REALTIME),
			     .shown = 1ULL << EV_GUEST_FAULT | 1ULL << EV_ZAP,
			     .records_kept = true },
	};

	if (argc < 3) {
		fprintf(stderr,
			"Usage: generate FILE RECORDS [SNAPSHOTS [SLOTS]]\n"
			"A capture of so many events, with snapshots at even intervals; VMs "
			"have so many slots, an even number.\n");
		return 2;
	}
	for (int event = 0; event < NR_EVENTS; event++)
		g.hooks[event] = (struct hook_state){ .wanted = true, .attached = true };
	g.capture.hooks = g.hooks;
	g.nslots = argc > 4 ? (unsigned int)atoi(argv[4]) & ~1U : SLOTS;
	if (!g.nslots)
		die("at least two slots");
	generate(&g, argv[1], strtoull(argv[2], NULL, 10),
		 argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
	return 0;
}
