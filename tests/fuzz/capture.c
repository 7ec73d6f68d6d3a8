// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader of capture files, and what reports, checks and exports make of what it reads, for
 * libFuzzer. The first byte of an input says what follows: 0, a file as it is; else the blocks of one,
 * each as its type, three bytes of size and the message, so that mutations reach beyond checksums and
 * compression.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "capture_rebuild.h"
#include "check.h"
#include "export.h"
#include "forge.h"
#include "report_check.h"
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

/* Each obstacle once without being allowed. */
static void compare(struct check_input *input)
{
	struct problem problem;

	for (int i = 0; i < NR_OBSTACLES; i++) {
		input->allow = ~(1U << i);
		check_comparable(input, &problem);
	}
}

static void judge(const struct check_input *input)
{
	static const char *const formats[] = { "text", "markdown", "json", "junit", "github" };
	static const struct report_style style = { .columns = 80 };
	struct check_result result;

	if (!check_run_all(input, &result))
		for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
			report_check(nowhere, formats[i], &result, &style);
	check_free(&result);
}

/* Of the file with itself, once it was read to its end. */
static void check_all(struct capture_file *file)
{
	static struct rules rules;
	const struct check_run run = { capture_meta(file), "forged", capture_incomplete(file) };
	struct check_input input = {
		.base = &run, .nbase = 1, .new = &run, .nnew = 1, .alpha = 0.01, .floor = 0.01
	};
	struct problem problem;

	if (!rules.n)
		rules_add_default(&rules, &problem);
	if (!run.capture->snap)
		return;
	input.rules = rules.v;
	input.nrules = rules.n;
	input.default_rules = true;
	compare(&input);
	judge(&input);
	input.per_slot = input.deterministic = true;
	judge(&input);
}

/* Exports read a file by its name. */
static void export_all(const struct forge *forge)
{
	static const char *const formats[] = { "perfetto", "ndjson", "csv", "openmetrics",
					       "sqlite" };
	char path[40], database[40];
	int fd = memfd_create("forged", 0);
	struct problem problem;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	snprintf(database, sizeof(database), "/dev/shm/gmem-fuzz-%d.db", getpid());
	if (fd >= 0 && write(fd, forge->bytes, forge->size) == (ssize_t)forge->size)
		for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
			export_run(&(struct export_options){ path, formats[i],
							     strcmp(formats[i], "sqlite")
								     ? "/dev/null"
								     : database },
				   &problem);
	close(fd);
	unlink(database);
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
		check_all(file);
		read_times(file);
	}
	capture_close(file);
	if (file)
		export_all(&forge);
	forge_free(&forge);
	return 0;
}
