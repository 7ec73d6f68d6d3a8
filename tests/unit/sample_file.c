// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture files made of samples. What fails aborts: this is a test.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "model/events.h"
#include "sample_file.h"

void sample_path(char path[SAMPLE_PATH_LEN])
{
	int fd;

	strcpy(path, "/tmp/gmem-unit-XXXXXX");
	fd = mkstemp(path);
	assert(fd >= 0);
	close(fd);
}

static struct gmem_record sample_record(size_t i)
{
	unsigned int mixed = i * 2654435761U;
	struct gmem_record record = {
		.end_ns = 5000000000000ULL + i * 1300 + mixed % 4000,
		.latency_ns = 2000 + mixed % 30011,
		.page = i * 7 % 5000,
		.owner = 2 + i % 3,
		.tid = 100 + i % 4,
		.cpu = i % 2,
		.event = i % 7 ? EV_GUEST_FAULT : EV_ZAP,
	};

	if (record.event == EV_ZAP) {
		record.npages = 1 + mixed % 512;
		record.details = 1;
	} else if (i % 100 == 1) {
		record.err = 133;
		record.page = RECORD_NO_PAGE;
	} else if (i % 5 == 0) {
		record.flags = RECORD_PGOFF;
		record.details = 1 << (DETAIL_FAULT_RESIDENT - DETAIL_FAULT_PREFETCH);
	}
	return record;
}

struct gmem_record *sample_records(size_t n)
{
	struct gmem_record *records = calloc(n + 1, sizeof(*records));

	assert(records);
	for (size_t i = 0; i < n; i++)
		records[i] = sample_record(i);
	return records;
}

static void write_named(struct capture_writer *writer, struct problem *problem)
{
	struct capture_owner vm = { OWNER_VM, 0, .vm_info = { .pid = 4242, .comm = "gmemload" } };
	struct capture_owner slot = { OWNER_SLOT, 2, .slot = { .npages = 512, .id = 1, .ino = 7 } };
	struct capture_owner gmem = { OWNER_GMEM, 2, .gmem = { .ino = 7, .size_bytes = 2 << 20 } };
	struct capture_thread thread = { 100, 4242, "CPU 0/KVM" };

	assert(!capture_write_owner(writer, 2, &vm, problem));
	assert(!capture_write_owner(writer, 3, &slot, problem));
	assert(!capture_write_owner(writer, 4, &gmem, problem));
	for (; thread.tid < 104; thread.tid++, thread.comm[4]++)
		assert(!capture_write_thread(writer, &thread, problem));
}

void sample_write_file(const struct sample *sample, size_t nrecords, const char *path)
{
	struct capture_drop drops[] = { { 1, EV_GUEST_FAULT, 3 }, { 0, EV_ZAP, 4 } };
	struct gmem_record *records = sample_records(nrecords);
	struct problem problem;
	struct capture_writer *writer = capture_create(path, &sample->capture, &problem);

	assert(writer);
	assert(!capture_write_snapshot(writer, &sample->capture, &problem));
	if (nrecords)
		write_named(writer, &problem);
	assert(!capture_write_records(writer, records, nrecords, &problem));
	assert(!capture_write_snapshot(writer, &sample->capture, &problem));
	assert(!capture_finish(writer, &sample->capture, drops, nrecords ? 2 : 0, &problem));
	free(records);
}
