// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader of capture files, and what reports, checks and exports make of what it reads, for
 * libFuzzer. The first byte of an input says what follows: 0, a file as it is; else the blocks of one,
 * each as its type, three bytes of size and the message, so that mutations reach beyond checksums and
 * compression. What comes out is read by those who are strict: outputs.h.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "capture/capture_rebuild.h"
#include "check/check.h"
#include "check/report_check.h"
#include "check/report_diff.h"
#include "export/export.h"
#include "forge.h"
#include "outputs.h"
#include "report/report_page.h"
#include "report/report_timeline.h"

#define BLOCK_BEGIN 4 /* type and size */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Memory that a stream writes to. */
struct sink {
	char *text;
	size_t size;
	FILE *out;
};

static bool sink_open(struct sink *sink)
{
	sink->out = open_memstream(&sink->text, &sink->size);
	return sink->out;
}

/* @err: what the writer said; only what is whole is read. */
static void sink_read(struct sink *sink, int err, output_reader *read)
{
	if (!fclose(sink->out) && !err)
		read(sink->text, sink->size);
	free(sink->text);
}

static void report(const struct capture *capture)
{
	static const struct text_style style = { .columns = 80 };
	static const struct {
		const char *name;
		output_reader *read;
	} formats[] = { { "text", read_plain }, { "json", read_json }, { "html", read_html } };
	struct sink sink;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (sink_open(&sink))
			sink_read(&sink, report_write(sink.out, formats[i].name, capture, &style),
				  formats[i].read);
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

/* The end of the file is handed on to rebuild_from(), too, which then looks at all owners. */
static int read_items(struct capture_file *file, struct rebuild *rebuild)
{
	struct capture_item item;
	struct problem problem;

	do {
		if (capture_next(file, CAPTURE_WANT_SNAPSHOTS | CAPTURE_WANT_RECORDS, &item,
				 &problem))
			return -1;
		if (item.kind == CAPTURE_SNAPSHOT)
			report(item.capture);
		else if (rebuild_from(rebuild, file, &item))
			return -1;
	} while (item.kind);
	return 0;
}

/* Who wants the last snapshot only gets the one that who wants all gets last. */
static void read_last(struct capture_file *file)
{
	const struct snapshot *snap = capture_meta(file)->snap;
	size_t nvms = snap ? snap->nvms : 0, nstacks = snap ? snap->nstacks : 0;
	__u64 duration_ns = capture_meta(file)->duration_ns, lost = snap ? snap->lost : 0;
	struct capture_item item;
	struct problem problem;

	if (capture_rewind(file, &problem) ||
	    capture_next(file, CAPTURE_WANT_LAST, &item, &problem) || item.kind)
		abort();
	if (!snap != !capture_meta(file)->snap || capture_meta(file)->duration_ns != duration_ns)
		abort();
	snap = capture_meta(file)->snap;
	if (snap && (snap->nvms != nvms || snap->nstacks != nstacks || snap->lost != lost))
		abort();
}

static void read_all(struct capture_file *file)
{
	struct rebuild *rebuild = rebuild_new(0);
	bool whole;

	if (!rebuild)
		return;
	whole = !read_items(file, rebuild);
	report_rebuilt(file, rebuild);
	rebuild_free(rebuild);
	if (whole)
		read_last(file);
}

static void read_times(struct capture_file *file)
{
	static const struct text_style style = { .columns = 80, .utf8 = true };
	struct timeline timeline = {};
	struct problem problem;
	struct sink sink;
	bool has = !capture_rewind(file, &problem) &&
		   !timeline_read(&timeline, file, ~0ULL, 0, TIMELINE_CELLS, &problem);

	if (has && sink_open(&sink))
		sink_read(&sink, report_timeline(sink.out, capture_meta(file), &timeline, &style),
			  read_plain);
	if (has && capture_meta(file)->snap && sink_open(&sink))
		sink_read(&sink, report_page(sink.out, capture_meta(file), &timeline, NULL),
			  read_html);
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
	static const struct {
		const char *name;
		output_reader *read;
	} formats[] = { { "text", read_plain }, { "markdown", read_plain }, { "json", read_json },
			{ "junit", read_xml },	{ "github", read_plain },   { "html", read_html } };
	static const struct text_style style = { .columns = 80 };
	struct check_result result;
	struct sink sink;

	if (!check_run_all(input, &result))
		for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
			if (sink_open(&sink))
				sink_read(&sink,
					  report_check(sink.out, formats[i].name, &result, &style),
					  formats[i].read);
	check_free(&result);
}

/* @run with itself. */
static struct check_input input_of(const struct check_run *run)
{
	static struct rules rules;
	struct problem problem;

	if (!rules.n)
		rules_add_default(&rules, &problem);
	return (struct check_input){ .base = run,
				     .nbase = 1,
				     .new = run,
				     .nnew = 1,
				     .rules = rules.v,
				     .nrules = rules.n,
				     .default_rules = true,
				     .alpha = 0.01,
				     .floor = 0.01 };
}

/* Of the file with itself, once it was read to its end. */
static void check_all(struct capture_file *file)
{
	const struct check_run run = { capture_meta(file), "forged", capture_incomplete(file) };
	struct check_input input = input_of(&run);

	if (!run.capture->snap)
		return;
	compare(&input);
	judge(&input);
	input.per_slot = input.deterministic = true;
	judge(&input);
}

/* The file beside itself. */
static void diff_all(struct capture_file *file)
{
	static const struct {
		const char *name;
		output_reader *read;
	} formats[] = { { "text", read_plain }, { "json", read_json }, { "html", read_html } };
	static const struct text_style style = { .columns = 80 };
	const struct diff_side side = { capture_meta(file), "forged", capture_incomplete(file) };
	struct diff diff = { .side = { side, side } };
	struct sink sink;

	if (!side.capture->snap)
		return;
	if (!diff_make(&diff))
		for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
			if (sink_open(&sink))
				sink_read(&sink,
					  report_diff(formats[i].name)(sink.out, &diff, &style),
					  formats[i].read);
	diff_free(&diff);
}

/* Likewise of what a check of many files keeps; it cannot be read any more. */
static void check_reduced(struct capture_file *file)
{
	const struct check_run run = { capture_meta(file), "forged", capture_incomplete(file) };
	struct check_input input = input_of(&run);
	struct capture_item item;
	struct problem problem;
	struct snapshot *snap;

	if (capture_rewind(file, &problem) ||
	    capture_next(file, CAPTURE_WANT_LAST, &item, &problem))
		return;
	snap = capture_settle(file);
	for (int per_slot = 1; snap && per_slot >= 0; per_slot--) {
		input.per_slot = per_slot;
		if (!check_reduce(&input, snap))
			judge(&input);
	}
}

#define OUTPUT_MAX (8 << 20) /* larger ones take too long to read each time */

/* What was written to @path, which then is empty again. */
static void read_output(const char *path, output_reader *read)
{
	FILE *stream = fopen(path, "r+");
	char *text = malloc(OUTPUT_MAX + 1);
	size_t size = stream && text ? fread(text, 1, OUTPUT_MAX, stream) : OUTPUT_MAX;

	if (size < OUTPUT_MAX) {
		text[size] = 0;
		read(text, size);
	}
	if (stream && !ftruncate(fileno(stream), 0))
		fclose(stream);
	free(text);
}

/* Protobuf is for tests/export.py to read. */
static void read_nothing(const char *text, size_t size)
{
	(void)text;
	(void)size;
}

/* Exports read a file by its name, and write one. */
static void export_all(const struct forge *forge)
{
	static const struct {
		const char *name;
		output_reader *read;
	} formats[] = { { "perfetto", read_nothing },
			{ "ndjson", read_ndjson },
			{ "csv", read_csv },
			{ "openmetrics", read_openmetrics },
			{ "sqlite", NULL } };
	char path[40], output[40];
	int fd = memfd_create("forged", 0);
	struct problem problem;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	snprintf(output, sizeof(output), "/dev/shm/gmem-fuzz-%d", getpid());
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct export_options options = {
			.file = path,
			.format = formats[i].name,
			.output = output,
			.spreadsheet = forge->size & 1,
		};

		if (fd < 0 || (!i && write(fd, forge->bytes, forge->size) != (ssize_t)forge->size))
			break;
		options.spreadsheet &= formats[i].read == read_csv;
		if (export_run(&options, &problem))
			continue;
		if (formats[i].read)
			read_output(output, formats[i].read);
		else
			read_sqlite(output);
	}
	close(fd);
	unlink(output);
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

	if (!size)
		return 0;
	if (data[0])
		forge_blocks(&forge, data + 1, size - 1);
	else
		forge_bytes(&forge, data + 1, size - 1);
	file = forge_open(forge.bytes, forge.size, &problem);
	if (file) {
		read_all(file);
		check_all(file);
		diff_all(file);
		read_times(file);
		check_reduced(file);
	}
	capture_close(file);
	if (file)
		export_all(&forge);
	forge_free(&forge);
	return 0;
}
