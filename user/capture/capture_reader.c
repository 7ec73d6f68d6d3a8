// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a capture file from begin to end: what blocks say is kept, or handed on one by one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include "base/open_files.h"
#include "capture_block_reader.h"
#include "capture_file.h"
#include "capture_unpack.h"
#include "capture_who.h"

#define BUFFER_SIZE (256 << 10) /* of the stream */
#define SNAPSHOT_BUDGET (1UL << 30) /* twice what a live capture of all owners takes */

/* Last words. */
struct ending {
	__u64 duration_ns;
	bool command_ended;
	int command_status;
};

struct capture_file {
	struct block_reader blocks;
	__u64 size; /* of the file, bytes; 0: not known */
	struct block_position first; /* what follows the Header */
	size_t budget; /* of a snapshot */
	bool is_seekable;
	struct arena header_arena; /* of the strings of .capture */
	struct capture_names *names; /* until it is settled */
	struct capture capture;
	__s64 realtime_offset_ns;

	/* From here on, and in .blocks, what capture_rewind() resets. */
	__u64 nrecords; /* so far */
	bool skipped_records; /* nrecords lacks some */
	bool in_snapshot; /* the next block has more of .next, or of what is passed over */
	struct ending ending;
	/* Of a snapshot that is passed over, and the last that was: where it begins. */
	struct block_position passing, passed;
	__u64 latency_ns, npages; /* of all records */
	bool ended;
	size_t left; /* of the budget, for .next */
	struct capture_moment moment, next;
	struct gmem_record *records; /* [RECORDS_MAX], made when needed */
	struct capture_who who;
	struct capture_drop *drops;
	__u64 nunknown, nunknown_blocks;
	char note[200];
};

/* ---- What blocks say ---- */

static int read_snapshot(struct capture_file *file, struct problem *problem)
{
	const Cap__Snapshot *message = BLOCKS_UNPACK(&file->blocks, snapshot, problem);
	const char *wrong;

	if (!message)
		return -1;
	if (!file->in_snapshot) {
		capture_moment_free(&file->next);
		file->next.arena.budget = file->left = file->budget;
	}
	wrong = unpack_snapshot(message, file->names, !file->in_snapshot, &file->left, &file->next);
	if (wrong)
		return blocks_damaged(&file->blocks, wrong, problem);
	file->in_snapshot = !message->final;
	return 0;
}

/*
 * A snapshot that another will follow: only whether this block is its last. Where it was is kept, in
 * case that none follows.
 */
static int pass_snapshot(struct capture_file *file, struct problem *problem)
{
	bool final;

	if (blocks_decompress(&file->blocks, problem))
		return -1;
	if (unpack_is_final(file->blocks.message.bytes, file->blocks.head.size, &final))
		return blocks_damaged(&file->blocks, "its message is malformed", problem);
	if (!file->in_snapshot)
		file->passing = file->blocks.at;
	file->in_snapshot = !final;
	if (final)
		file->passed = file->passing;
	return 0;
}

/* The snapshot is complete, and becomes the one that is shown. */
static void take_snapshot(struct capture_file *file)
{
	capture_moment_free(&file->moment);
	file->moment = file->next;
	memset(&file->next, 0, sizeof(file->next));
	file->capture.duration_ns = file->moment.duration_ns;
	file->capture.command_ended = file->moment.command_ended;
	file->capture.command_status = file->moment.command_status;
	file->capture.no_inventory = file->moment.no_inventory;
	file->capture.inventory_lacks = file->moment.inventory_lacks;
	file->capture.snap = &file->moment.snap;
}

/* Go back for the last snapshot that was passed over, at the end. */
static int read_passed(struct capture_file *file, struct problem *problem)
{
	errno = 0;
	if (blocks_seek(&file->blocks, file->passed))
		return blocks_cannot_read(&file->blocks, problem);
	file->in_snapshot = false;
	do {
		enum got got = blocks_read(&file->blocks, problem);

		if (got == GOT_END)
			return blocks_damaged(&file->blocks, "it has changed while it was read",
					      problem);
		if (got == GOT_ERROR || read_snapshot(file, problem))
			return -1;
		blocks_pass(&file->blocks);
	} while (file->in_snapshot);
	take_snapshot(file);
	return 0;
}

/* NULL, or what is wrong with whom the records name. That nobody has told of an owner can be. */
static const char *check_owners(const struct capture_file *file, size_t n)
{
	__u32 last = OWNER_IGNORED;

	for (size_t i = 0; i < n; i++) {
		__u32 index = file->records[i].owner;
		const struct capture_owner *owner;

		if (index == last)
			continue;
		last = index;
		owner = capture_owner(file, index);
		if (owner && owner->vm && !capture_owner(file, owner->vm))
			return "a record is of a VM that there is not";
	}
	return NULL;
}

/* Likewise with what the records so far add up to. */
static const char *add_up(struct capture_file *file, size_t n)
{
	bool over = false;

	for (size_t i = 0; i < n; i++) {
		const struct gmem_record *record = &file->records[i];

		over |= __builtin_add_overflow(file->latency_ns, record->latency_ns,
					       &file->latency_ns);
		over |= __builtin_add_overflow(file->npages, record->npages, &file->npages);
	}
	return over ? "the latencies or the pages of its records add up to more than a number holds"
		    : NULL;
}

static int read_records(struct capture_file *file, size_t *n, struct problem *problem)
{
	const Cap__Records *message = BLOCKS_UNPACK(&file->blocks, records, problem);
	const char *wrong;

	if (!message)
		return -1;
	if (!file->records)
		file->records = malloc(RECORDS_MAX * sizeof(*file->records));
	if (!file->records)
		return blocks_no_memory(&file->blocks, problem);
	wrong = unpack_records(message, file->names, file->records, n, &file->nunknown)
			?: check_owners(file, *n) ?: add_up(file, *n);
	if (wrong)
		return blocks_damaged(&file->blocks, wrong, problem);
	file->nrecords += message->n;
	return blocks_work(&file->blocks, message->n * sizeof(*file->records), problem);
}

static int read_drops(struct capture_file *file, const Cap__End *message, struct problem *problem)
{
	__u64 ndropped = 0;

	if (message->n_drops > DROPS_MAX)
		return blocks_damaged(&file->blocks, "it has more drops than the format allows",
				      problem);
	file->drops = calloc(message->n_drops + 1, sizeof(*file->drops));
	if (!file->drops)
		return blocks_no_memory(&file->blocks, problem);
	for (size_t i = 0; i < message->n_drops; i++) {
		const Cap__Drop *drop = message->drops[i];

		if (drop->event >= file->names->nevents)
			return blocks_damaged(&file->blocks, "a drop is of no event", problem);
		if (__builtin_add_overflow(ndropped, drop->count, &ndropped))
			return blocks_damaged(&file->blocks,
					      "its drops add up to more than a number holds",
					      problem);
		if (file->names->event[drop->event] >= 0)
			file->drops[file->capture.ndrops++] =
				(struct capture_drop){ drop->cpu, file->names->event[drop->event],
						       drop->count };
		else
			file->nunknown += drop->count;
	}
	file->capture.drops = file->drops;
	return 0;
}

static int read_end(struct capture_file *file, struct problem *problem)
{
	const Cap__End *message = BLOCKS_UNPACK(&file->blocks, end, problem);

	if (!message || read_drops(file, message, problem))
		return -1;
	if (message->blocks != file->blocks.at.nblocks ||
	    (!file->skipped_records && message->records != file->nrecords))
		return blocks_damaged(&file->blocks,
				      "it says that there were more or fewer blocks or records",
				      problem);
	file->ending = (struct ending){ message->duration_ns, message->command_ended,
					message->command_status };
	return 0;
}

/* ---- The whole ---- */

static void take_note(struct capture_file *file)
{
	__u64 unknown = file->nunknown + file->moment.nunknown;

	if (!unknown && !file->nunknown_blocks)
		return;
	snprintf(
		file->note, sizeof(file->note),
		"made by %s %s: %llu events or parts and %llu blocks are of kinds that this version does "
		"not know, and left out",
		file->capture.tool, file->capture.version, unknown, file->nunknown_blocks);
	file->capture.note = file->note;
}

/* Its recorder holds a lock. */
static bool is_being_recorded(const struct capture_file *file)
{
	int fd = fileno(file->blocks.stream);

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB))
		return fd >= 0 && errno == EWOULDBLOCK;
	flock(fd, LOCK_UN); /* the next recorder's */
	return false;
}

static int end_incomplete(struct capture_file *file, struct problem *problem)
{
	if (file->passed.offset && read_passed(file, problem))
		return -1;
	file->capture.incomplete =
		is_being_recorded(file)
			? "it is still being recorded: this is what has been written by now"
			: "the file ends without its last block: the recorder was killed, or the "
			  "disk full";
	take_note(file);
	file->ended = true;
	return 0;
}

static int end_complete(struct capture_file *file, struct problem *problem)
{
	char byte;
	enum got got;

	blocks_pass(&file->blocks);
	got = blocks_read_bytes(&file->blocks, &byte, 1, problem);
	if (got == GOT_ALL)
		return blocks_damaged(&file->blocks, "it comes after the last one", problem);
	if (got == GOT_ERROR || (file->passed.offset && read_passed(file, problem)))
		return -1;
	if (file->moment.wrong_at_last)
		return blocks_damaged(&file->blocks, file->moment.wrong_at_last, problem);
	file->capture.duration_ns = file->ending.duration_ns;
	file->capture.command_ended = file->ending.command_ended;
	file->capture.command_status = file->ending.command_status;
	take_note(file);
	file->ended = true;
	return 0;
}

static int skip_unknown(struct capture_file *file, struct problem *problem)
{
	if (file->blocks.head.flags & BLOCK_REQUIRED)
		return problem_set(
			problem, EXIT_USAGE,
			"%s: block %llu at byte %llu is of type %u, which this version does not "
			"know. Read it with a newer gmemtrace",
			file->blocks.name, file->blocks.at.nblocks, file->blocks.at.offset,
			file->blocks.head.type);
	file->nunknown_blocks++;
	return 0;
}

/* Its end is handed on, or passed over, as is wanted. */
static int take_snapshot_block(struct capture_file *file, unsigned int wants,
			       struct capture_item *item, struct problem *problem)
{
	if (!(wants & (CAPTURE_WANT_SNAPSHOTS | CAPTURE_WANT_LAST)))
		return 0;
	if (!(wants & CAPTURE_WANT_SNAPSHOTS) && file->is_seekable)
		return pass_snapshot(file, problem);
	if (read_snapshot(file, problem))
		return -1;
	if (file->in_snapshot)
		return 0;
	take_snapshot(file);
	if (wants & CAPTURE_WANT_SNAPSHOTS) {
		item->kind = CAPTURE_SNAPSHOT;
		item->capture = &file->capture;
	}
	return 0;
}

/* What is in the block goes to @item, which stays as it is if that is of no interest. */
static int take_block(struct capture_file *file, unsigned int wants, struct capture_item *item,
		      struct problem *problem)
{
	__u32 type = file->blocks.head.type;

	if (file->in_snapshot && type != BLOCK_SNAPSHOT)
		return blocks_damaged(&file->blocks, "a snapshot lacks its end", problem);
	switch (type) {
	case BLOCK_SNAPSHOT:
		return take_snapshot_block(file, wants, item, problem);
	case BLOCK_OWNERS:
		return who_read_owners(&file->who, &file->blocks, problem);
	case BLOCK_THREADS:
		return who_read_threads(&file->who, &file->blocks, problem);
	case BLOCK_RECORDS:
		if (!(wants & CAPTURE_WANT_RECORDS)) {
			file->skipped_records = true;
			return 0;
		}
		if (read_records(file, &item->nrecords, problem))
			return -1;
		item->kind = item->nrecords ? CAPTURE_RECORDS : CAPTURE_END;
		item->records = file->records;
		return 0;
	case BLOCK_END:
		return read_end(file, problem) ?: end_complete(file, problem);
	case BLOCK_HEADER:
		return blocks_damaged(&file->blocks, "a second header", problem);
	default:
		return skip_unknown(file, problem);
	}
}

int capture_next(struct capture_file *file, unsigned int wants, struct capture_item *item,
		 struct problem *problem)
{
	memset(item, 0, sizeof(*item));
	while (!file->ended && item->kind == CAPTURE_END) {
		enum got got = blocks_read(&file->blocks, problem);

		if (got == GOT_ERROR)
			return -1;
		if (got == GOT_END) {
			if (end_incomplete(file, problem))
				return -1;
		} else if (take_block(file, wants, item, problem)) {
			return -1;
		} else if (!file->ended) {
			blocks_pass(&file->blocks);
		}
	}
	return 0;
}

void capture_read_ahead(struct capture_file *file)
{
	blocks_read_ahead(&file->blocks);
}

/* Forget everything but the Header. */
static void reset(struct capture_file *file)
{
	capture_moment_free(&file->moment);
	capture_moment_free(&file->next);
	blocks_restart(&file->blocks, file->first);
	free(file->records);
	who_free(&file->who);
	free(file->drops);
	memset(&file->nrecords, 0, sizeof(*file) - offsetof(struct capture_file, nrecords));
	for (int event = 0; event < NR_EVENTS; event++)
		file->moment.hooks[event].rung = -1;
	file->capture.duration_ns = 0;
	file->capture.drops = NULL;
	file->capture.ndrops = 0;
	file->capture.command_ended = false;
	file->capture.no_inventory = file->capture.incomplete = file->capture.note = NULL;
	file->capture.inventory_lacks = NULL;
	file->capture.snap = NULL;
	file->capture.hooks = file->moment.hooks;
}

int capture_rewind(struct capture_file *file, struct problem *problem)
{
	reset(file);
	if (!blocks_seek(&file->blocks, file->first))
		return 0;
	return problem_set(problem, EXIT_USAGE, "cannot read %s twice: %s. Copy it to a file first",
			   file->blocks.name, strerror(errno));
}

static int read_header(struct capture_file *file, struct problem *problem)
{
	const Cap__Header *message;
	const char *wrong;

	if (file->blocks.head.type != BLOCK_HEADER)
		return blocks_damaged(&file->blocks, "the first block is no header", problem);
	message = BLOCKS_UNPACK(&file->blocks, header, problem);
	if (!message)
		return -1;
	wrong = unpack_header(message, &file->header_arena, &file->capture, file->names);
	if (wrong)
		return blocks_damaged(&file->blocks, wrong, problem);
	file->realtime_offset_ns = message->clock_realtime_ns - message->clock_monotonic_ns;
	return 0;
}

static int not_a_capture(const struct capture_file *file, const char *what, struct problem *problem)
{
	return problem_set(problem, EXIT_USAGE,
			   "%s: %s. Name a file that `gmemtrace record` has made",
			   file->blocks.name, what);
}

static int read_begin(struct capture_file *file, struct problem *problem)
{
	unsigned char bytes[FILE_HEAD_SIZE];
	enum got got = blocks_read_bytes(&file->blocks, bytes, sizeof(bytes), problem);
	__u32 format;

	if (got == GOT_ERROR)
		return -1;
	format = got == GOT_ALL ? file_head_parse(bytes) : 0;
	if (!format)
		return not_a_capture(file, "this is no capture file", problem);
	if (format > CAPTURE_FORMAT)
		return problem_set(problem, EXIT_USAGE,
				   "%s: format %u is newer than this version. Read it with a newer "
				   "gmemtrace",
				   file->blocks.name, format);
	file->blocks.at.offset = FILE_HEAD_SIZE;
	got = blocks_read(&file->blocks, problem);
	if (got == GOT_END)
		return not_a_capture(file, "it ends before it says what it is", problem);
	if (got == GOT_ERROR || read_header(file, problem))
		return -1;
	blocks_pass(&file->blocks);
	file->first = file->blocks.at;
	reset(file);
	return 0;
}

static struct capture_file *new_file(FILE *stream, const char *name, size_t budget)
{
	struct capture_file *file = calloc(1, sizeof(*file));
	struct stat st;

	if (!file)
		return NULL;
	file->budget = budget;
	file->is_seekable = ftello(stream) >= 0;
	file->names = calloc(1, sizeof(*file->names));
	file->header_arena.budget = MESSAGE_BUDGET;
	if (fileno(stream) >= 0 && !fstat(fileno(stream), &st))
		file->size = st.st_size;
	if (!blocks_open(&file->blocks, stream, name) && file->names)
		return file;
	file->blocks.stream = NULL; /* the caller's still */
	capture_close(file);
	return NULL;
}

struct capture_file *capture_open_stream(FILE *stream, const char *name, size_t budget,
					 struct problem *problem)
{
	struct capture_file *file = new_file(stream, name, budget);

	if (!file) {
		problem_set(problem, EXIT_IMPOSSIBLE, "cannot read %s: %s. Free some memory", name,
			    strerror(ENOMEM));
		fclose(stream);
		return NULL;
	}
	if (!read_begin(file, problem))
		return file;
	capture_close(file);
	return NULL;
}

struct capture_file *capture_open(const char *path, struct problem *problem)
{
	FILE *stream = fopen(path, "re");

	if (stream && !setvbuf(stream, NULL, _IOFBF, BUFFER_SIZE))
		return capture_open_stream(stream, path, SNAPSHOT_BUDGET, problem);
	if (!stream && open_files_spent(-errno)) {
		open_files_problem(problem);
		return NULL;
	}
	problem_set(problem, EXIT_USAGE, "cannot read %s: %s. Choose another file", path,
		    strerror(errno));
	return NULL;
}

void capture_force(struct capture_file *file)
{
	file->blocks.forced = true;
}

/* What is of no use but to read on. */
static void free_reading(struct capture_file *file)
{
	blocks_close(&file->blocks);
	memset(&file->blocks, 0, sizeof(file->blocks));
	capture_moment_free(&file->next);
	free(file->records);
	file->records = NULL;
	who_free(&file->who);
	free(file->names);
	file->names = NULL;
}

struct snapshot *capture_settle(struct capture_file *file)
{
	free_reading(file);
	return file->capture.snap ? &file->moment.snap : NULL;
}

void capture_close(struct capture_file *file)
{
	if (!file)
		return;
	free_reading(file);
	free(file->drops);
	capture_moment_free(&file->moment);
	arena_free(&file->header_arena);
	free(file);
}

const struct capture *capture_meta(const struct capture_file *file)
{
	return &file->capture;
}

__u64 capture_start_ns(const struct capture_file *file)
{
	return file->capture.start_realtime_ns - file->realtime_offset_ns;
}

__s64 capture_realtime_offset_ns(const struct capture_file *file)
{
	return file->realtime_offset_ns;
}

const char *capture_incomplete(const struct capture_file *file)
{
	return file->capture.incomplete;
}

const struct capture_owner *capture_owner(const struct capture_file *file, __u32 index)
{
	return who_owner(&file->who, index);
}

__u32 capture_owners(const struct capture_file *file)
{
	return file->who.nowners;
}

const struct capture_thread *capture_thread(const struct capture_file *file, __u32 tid)
{
	return who_thread(&file->who, tid);
}

const struct capture_drop *capture_drops(const struct capture_file *file, size_t *n)
{
	*n = file->capture.ndrops;
	return *n ? file->drops : NULL;
}

double capture_progress(const struct capture_file *file)
{
	return file->size ? (double)file->blocks.at.offset / (double)file->size : 1;
}
