// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader of capture files, and what reports make of what it reads, for libFuzzer. The first byte
 * of an input says what follows: 0, a file as it is; else the blocks of one, each as its type, three
 * bytes of size and the message, so that mutations reach beyond checksums and compression.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "capture_rebuild.h"
#include "forge.h"
#include "report_timeline.h"

#define BLOCK_BEGIN 4 /* type and size */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *nowhere;

static void report(const struct capture *capture)
{
	static const struct report_style style = { .columns = 80 };

	report_write(nowhere, "text", capture, &style);
	report_write(nowhere, "json", capture, &style);
}

static void report_rebuilt(struct capture_file *file, struct rebuild *rebuild)
{
	struct capture capture = *capture_meta(file);
	struct snapshot snap;

	if (rebuild_snapshot(rebuild, &snap))
		return;
	capture.snap = &snap;
	capture.rebuilt = true;
	report(&capture);
	snapshot_free(&snap);
}

static void read_all(struct capture_file *file)
{
	struct rebuild *rebuild = rebuild_new(0);
	struct capture_item item;
	struct problem problem;

	if (!rebuild)
		return;
	while (!capture_next(file, CAPTURE_WANT_SNAPSHOTS | CAPTURE_WANT_RECORDS, &item,
			     &problem) &&
	       item.kind) {
		if (item.kind == CAPTURE_SNAPSHOT)
			report(item.capture);
		else if (rebuild_from(rebuild, file, &item))
			break;
	}
	report_rebuilt(file, rebuild);
	rebuild_free(rebuild);
}

static void read_times(struct capture_file *file)
{
	static const struct report_style style = { .columns = 80, .utf8 = true };
	struct timeline timeline = {};
	struct problem problem;

	if (!capture_rewind(file, &problem) &&
	    !timeline_read(&timeline, file, ~0ULL, 0, TIMELINE_CELLS, &problem))
		report_timeline(nowhere, capture_meta(file), &timeline, &style);
	timeline_free(&timeline);
}

static void forge_blocks(struct forge *forge, const uint8_t *data, size_t size)
{
	forge_head(forge);
	while (size >= BLOCK_BEGIN) {
		size_t len = data[1] | data[2] << 8 | data[3] << 16;

		if (len > size - BLOCK_BEGIN)
			len = size - BLOCK_BEGIN;
		forge_block(forge, data[0] & 0x7f, data[0] >> 7, data + BLOCK_BEGIN, len);
		data += BLOCK_BEGIN + len;
		size -= BLOCK_BEGIN + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct forge forge = {};
	struct capture_file *file;
	struct problem problem;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	if (!nowhere || !size)
		return 0;
	if (data[0])
		forge_blocks(&forge, data + 1, size - 1);
	else
		forge_bytes(&forge, data + 1, size - 1);
	file = forge_open(forge.bytes, forge.size, &problem);
	if (file) {
		read_all(file);
		read_times(file);
	}
	capture_close(file);
	forge_free(&forge);
	return 0;
}
