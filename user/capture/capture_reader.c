// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a capture file from begin to end: blocks are checked, unpacked and handed on one by one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <zstd.h>
#include "base/hash.h"
#include "base/open_files.h"
#include "capture_block.h"
#include "capture_file.h"
#include "capture_unpack.h"

#define BUFFER_SIZE (256 << 10) /* of the stream */
#define MESSAGE_BUDGET (64 << 20) /* what an unpacked message may take, 16 times BLOCK_MAX */
#define SNAPSHOT_BUDGET (1UL << 30) /* twice what a live capture of all owners takes */

/*
 * Of what blocks unpack to, in bytes of memory: so much whatever the file's size, and so much for each
 * byte of it. Recordings of hosts take 30, of machines that are emulated by the instruction, where
 * all events are alike, 200.
 */
#define WORK_FREE (16UL << 20)
#define WORK_RATIO 1000

/* As large as the largest block so far. */
struct buffer {
	unsigned char *bytes;
	size_t size;
};

/* Last words. */
struct ending {
	__u64 duration_ns;
	bool command_ended;
	int command_status;
};

/* Where a snapshot begins. */
struct place {
	__u64 offset; /* 0: nowhere */
	__u64 nblocks; /* before it */
};

struct thread_entry {
	bool used;
	struct capture_thread thread;
};

struct capture_file {
	FILE *stream;
	char *name;
	__u64 size; /* of the file, bytes; 0: not known */
	__u64 first; /* offset of what follows the Header */
	size_t budget; /* of a snapshot */
	bool forced; /* any amount of work is fine */
	bool is_seekable;
	ZSTD_DCtx *zstd;
	struct buffer packed, message; /* of the block being read */
	struct arena header_arena; /* of the strings of .capture */
	struct arena arena; /* of the message being read */
	struct capture_names names;
	struct capture capture;
	__s64 realtime_offset_ns;

	/* From here on what capture_rewind() resets. */
	__u64 offset; /* of the block being read, then of the next */
	struct block_head head;
	__u64 nblocks, nrecords; /* so far */
	__u64 work; /* what was unpacked, bytes */
	bool skipped_records; /* nrecords lacks some */
	bool in_snapshot; /* the next block has more of .next, or of what is passed over */
	struct ending ending;
	struct place passing, passed; /* of a snapshot that is passed over, and the last that was */
	__u64 latency_ns, npages; /* of all records */
	bool ended;
	size_t left; /* of the budget, for .next */
	struct capture_moment moment, next;
	struct gmem_record *records; /* [RECORDS_MAX], made when needed */
	struct capture_owner *owners;
	__u32 nowners;
	struct thread_entry *threads; /* hashed; a power of two */
	size_t threads_size, nthreads;
	struct capture_drop *drops;
	__u64 nunknown, nunknown_blocks;
	char note[200];
};

static int damaged(const struct capture_file *file, const char *what, struct problem *problem)
{
	return problem_set(
		problem, EXIT_USAGE,
		"%s: block %llu at byte %llu: %s. The file is damaged: copy it anew from "
		"where it was recorded",
		file->name, file->nblocks, file->offset, what);
}

static int no_memory(const struct capture_file *file, struct problem *problem)
{
	return problem_set(problem, EXIT_IMPOSSIBLE, "%s: %s. Free some memory and try again",
			   file->name, strerror(ENOMEM));
}

static int cannot_read(const struct capture_file *file, struct problem *problem)
{
	return problem_set(problem, EXIT_USAGE, "cannot read %s: %s. Choose another file",
			   file->name, strerror(errno));
}

/* ---- Blocks ---- */

enum got { GOT_ALL, GOT_END, GOT_ERROR };

static enum got read_bytes(struct capture_file *file, void *to, size_t size,
			   struct problem *problem)
{
	if (fread(to, 1, size, file->stream) == size)
		return GOT_ALL;
	if (!ferror(file->stream))
		return GOT_END;
	cannot_read(file, problem);
	return GOT_ERROR;
}

static bool make_room(struct buffer *buffer, size_t size)
{
	unsigned char *bytes;

	if (size <= buffer->size)
		return true;
	bytes = realloc(buffer->bytes, size);
	if (!bytes)
		return false;
	buffer->bytes = bytes;
	buffer->size = size;
	return true;
}

/* The next block, as it is in the file, with its checksums right. */
static enum got read_block(struct capture_file *file, struct problem *problem)
{
	unsigned char bytes[BLOCK_HEAD_SIZE];
	enum got got = read_bytes(file, bytes, sizeof(bytes), problem);
	const char *wrong;

	if (got != GOT_ALL)
		return got;
	wrong = block_head_parse(&file->head, bytes);
	if (wrong) {
		damaged(file, wrong, problem);
		return GOT_ERROR;
	}
	if (!make_room(&file->packed, file->head.packed + 1) ||
	    !make_room(&file->message, file->head.size + 1)) {
		no_memory(file, problem);
		return GOT_ERROR;
	}
	got = read_bytes(file, file->packed.bytes, file->head.packed, problem);
	if (got != GOT_ALL)
		return got;
	if (block_crc(file->packed.bytes, file->head.packed) != file->head.payload_crc) {
		damaged(file, "its checksum is wrong", problem);
		return GOT_ERROR;
	}
	return GOT_ALL;
}

static void end_block(struct capture_file *file)
{
	file->offset += BLOCK_HEAD_SIZE + file->head.packed;
	file->nblocks++;
}

/* So much was unpacked. -1 with @problem filled when a file of this size should not have it. */
static int work(struct capture_file *file, __u64 bytes, struct problem *problem)
{
	__u64 read = file->offset + BLOCK_HEAD_SIZE + file->head.packed;

	file->work += bytes;
	if (file->forced || file->work <= WORK_FREE + WORK_RATIO * read)
		return 0;
	return problem_set(
		problem, EXIT_USAGE,
		"%s: block %llu at byte %llu: it unpacks to more than %d times the "
		"file's size, as no recording does. Read it with --force if you trust it",
		file->name, file->nblocks, file->offset, WORK_RATIO);
}

/* The message of the block that was read, as bytes in file->message. */
static int decompress(struct capture_file *file, struct problem *problem)
{
	size_t size = ZSTD_decompressDCtx(file->zstd, file->message.bytes, file->head.size,
					  file->packed.bytes, file->head.packed);

	if (ZSTD_isError(size) || size != file->head.size)
		return damaged(file, "it cannot be unpacked", problem);
	return work(file, size, problem);
}

/* The message of the block that was read; NULL with @problem filled. In file->arena. */
static void *unpack(struct capture_file *file, const ProtobufCMessageDescriptor *type,
		    struct problem *problem)
{
	ProtobufCAllocator allocator = arena_allocator(&file->arena);
	void *message;

	arena_free(&file->arena);
	if (decompress(file, problem))
		return NULL;
	message = protobuf_c_message_unpack(type, &allocator, file->head.size, file->message.bytes);
	/* Columns are the records', which are counted as such. */
	if (message && type != &cap__records__descriptor && work(file, file->arena.used, problem))
		return NULL;
	if (message)
		return message;
	damaged(file,
		file->arena.failed ? "its message takes more memory than any should"
				   : "its message is malformed",
		problem);
	return NULL;
}

#define UNPACK(file, type, problem) unpack(file, &cap__##type##__descriptor, problem)

/* ---- What blocks say ---- */

static int read_snapshot(struct capture_file *file, struct problem *problem)
{
	const Cap__Snapshot *message = UNPACK(file, snapshot, problem);
	const char *wrong;

	if (!message)
		return -1;
	if (!file->in_snapshot) {
		capture_moment_free(&file->next);
		file->next.arena.budget = file->left = file->budget;
	}
	wrong = unpack_snapshot(message, &file->names, !file->in_snapshot, &file->left,
				&file->next);
	if (wrong)
		return damaged(file, wrong, problem);
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

	if (decompress(file, problem))
		return -1;
	if (unpack_is_final(file->message.bytes, file->head.size, &final))
		return damaged(file, "its message is malformed", problem);
	if (!file->in_snapshot)
		file->passing = (struct place){ file->offset, file->nblocks };
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
	if (fseeko(file->stream, file->passed.offset, SEEK_SET))
		return cannot_read(file, problem);
	file->offset = file->passed.offset;
	file->nblocks = file->passed.nblocks;
	file->in_snapshot = false;
	do {
		enum got got = read_block(file, problem);

		if (got == GOT_END)
			return damaged(file, "it has changed while it was read", problem);
		if (got == GOT_ERROR || read_snapshot(file, problem))
			return -1;
		end_block(file);
	} while (file->in_snapshot);
	take_snapshot(file);
	return 0;
}

static int read_owner(struct capture_file *file, const Cap__Owner *message, struct problem *problem)
{
	struct capture_owner *owners;
	const char *wrong;
	__u32 n = file->nowners;

	if (message->index >= OWNERS_MAX || message->vm >= OWNERS_MAX)
		return damaged(file, "an owner's index is too large", problem);
	while (n <= message->index)
		n = n * 2 ?: 64;
	if (n > file->nowners) {
		owners = reallocarray(file->owners, n, sizeof(*owners));
		if (!owners)
			return no_memory(file, problem);
		memset(owners + file->nowners, 0, (n - file->nowners) * sizeof(*owners));
		file->owners = owners;
		file->nowners = n;
	}
	wrong = unpack_owner(message, &file->owners[message->index]);
	return wrong ? damaged(file, wrong, problem) : 0;
}

static int read_owners(struct capture_file *file, struct problem *problem)
{
	const Cap__Owners *message = UNPACK(file, owners, problem);
	int err = message ? 0 : -1;

	for (size_t i = 0; !err && i < message->n_owners; i++)
		err = read_owner(file, message->owners[i], problem);
	return err;
}

/* Where @tid is, or would be. */
static struct thread_entry *find_thread(struct thread_entry *threads, size_t size, __u32 tid)
{
	size_t at = hash_id(tid) & (size - 1);

	while (threads[at].used && threads[at].thread.tid != tid)
		at = (at + 1) & (size - 1);
	return &threads[at];
}

/* Half of the table stays empty. */
static int grow_threads(struct capture_file *file)
{
	size_t size = file->threads_size * 2 ?: 64;
	struct thread_entry *threads = calloc(size, sizeof(*threads));

	if (!threads)
		return -1;
	for (size_t i = 0; i < file->threads_size; i++)
		if (file->threads[i].used)
			*find_thread(threads, size, file->threads[i].thread.tid) = file->threads[i];
	free(file->threads);
	file->threads = threads;
	file->threads_size = size;
	return 0;
}

static int read_thread(struct capture_file *file, const Cap__Thread *message,
		       struct problem *problem)
{
	struct thread_entry *entry;

	if (file->nthreads * 2 >= file->threads_size && grow_threads(file))
		return no_memory(file, problem);
	entry = find_thread(file->threads, file->threads_size, message->tid);
	if (!entry->used && file->nthreads++ >= THREADS_MAX)
		return damaged(file, "there are more threads than the format allows", problem);
	entry->used = true;
	entry->thread = (struct capture_thread){ .tid = message->tid, .pid = message->pid };
	unpack_comm(entry->thread.comm, message->comm);
	return 0;
}

static int read_threads(struct capture_file *file, struct problem *problem)
{
	const Cap__Threads *message = UNPACK(file, threads, problem);
	int err = message ? 0 : -1;

	for (size_t i = 0; !err && i < message->n_threads; i++)
		err = read_thread(file, message->threads[i], problem);
	return err;
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
	const Cap__Records *message = UNPACK(file, records, problem);
	const char *wrong;

	if (!message)
		return -1;
	if (!file->records)
		file->records = malloc(RECORDS_MAX * sizeof(*file->records));
	if (!file->records)
		return no_memory(file, problem);
	wrong = unpack_records(message, &file->names, file->records, n, &file->nunknown)
			?: check_owners(file, *n) ?: add_up(file, *n);
	if (wrong)
		return damaged(file, wrong, problem);
	file->nrecords += message->n;
	return work(file, message->n * sizeof(*file->records), problem);
}

static int read_drops(struct capture_file *file, const Cap__End *message, struct problem *problem)
{
	__u64 ndropped = 0;

	if (message->n_drops > DROPS_MAX)
		return damaged(file, "it has more drops than the format allows", problem);
	file->drops = calloc(message->n_drops + 1, sizeof(*file->drops));
	if (!file->drops)
		return no_memory(file, problem);
	for (size_t i = 0; i < message->n_drops; i++) {
		const Cap__Drop *drop = message->drops[i];

		if (drop->event >= file->names.nevents)
			return damaged(file, "a drop is of no event", problem);
		if (__builtin_add_overflow(ndropped, drop->count, &ndropped))
			return damaged(file, "its drops add up to more than a number holds",
				       problem);
		if (file->names.event[drop->event] >= 0)
			file->drops[file->capture.ndrops++] =
				(struct capture_drop){ drop->cpu, file->names.event[drop->event],
						       drop->count };
		else
			file->nunknown += drop->count;
	}
	file->capture.drops = file->drops;
	return 0;
}

static int read_end(struct capture_file *file, struct problem *problem)
{
	const Cap__End *message = UNPACK(file, end, problem);

	if (!message || read_drops(file, message, problem))
		return -1;
	if (message->blocks != file->nblocks ||
	    (!file->skipped_records && message->records != file->nrecords))
		return damaged(file, "it says that there were more or fewer blocks or records",
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
	int fd = fileno(file->stream);

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

	end_block(file);
	got = read_bytes(file, &byte, 1, problem);
	if (got == GOT_ALL)
		return damaged(file, "it comes after the last one", problem);
	if (got == GOT_ERROR || (file->passed.offset && read_passed(file, problem)))
		return -1;
	if (file->moment.wrong_at_last)
		return damaged(file, file->moment.wrong_at_last, problem);
	file->capture.duration_ns = file->ending.duration_ns;
	file->capture.command_ended = file->ending.command_ended;
	file->capture.command_status = file->ending.command_status;
	take_note(file);
	file->ended = true;
	return 0;
}

static int skip_unknown(struct capture_file *file, struct problem *problem)
{
	if (file->head.flags & BLOCK_REQUIRED)
		return problem_set(
			problem, EXIT_USAGE,
			"%s: block %llu at byte %llu is of type %u, which this version does not "
			"know. Read it with a newer gmemtrace",
			file->name, file->nblocks, file->offset, file->head.type);
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
	__u32 type = file->head.type;

	if (file->in_snapshot && type != BLOCK_SNAPSHOT)
		return damaged(file, "a snapshot lacks its end", problem);
	switch (type) {
	case BLOCK_SNAPSHOT:
		return take_snapshot_block(file, wants, item, problem);
	case BLOCK_OWNERS:
		return read_owners(file, problem);
	case BLOCK_THREADS:
		return read_threads(file, problem);
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
		return damaged(file, "a second header", problem);
	default:
		return skip_unknown(file, problem);
	}
}

int capture_next(struct capture_file *file, unsigned int wants, struct capture_item *item,
		 struct problem *problem)
{
	memset(item, 0, sizeof(*item));
	while (!file->ended && item->kind == CAPTURE_END) {
		enum got got = read_block(file, problem);

		if (got == GOT_ERROR)
			return -1;
		if (got == GOT_END) {
			if (end_incomplete(file, problem))
				return -1;
		} else if (take_block(file, wants, item, problem)) {
			return -1;
		} else if (!file->ended) {
			end_block(file);
		}
	}
	return 0;
}

/* Forget everything but the Header. */
static void reset(struct capture_file *file)
{
	capture_moment_free(&file->moment);
	capture_moment_free(&file->next);
	arena_free(&file->arena);
	free(file->records);
	free(file->owners);
	free(file->threads);
	free(file->drops);
	memset(&file->offset, 0, sizeof(*file) - offsetof(struct capture_file, offset));
	for (int event = 0; event < NR_EVENTS; event++)
		file->moment.hooks[event].rung = -1;
	file->offset = file->first;
	file->nblocks = 1;
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
	if (!fseeko(file->stream, file->first, SEEK_SET))
		return 0;
	return problem_set(problem, EXIT_USAGE, "cannot read %s twice: %s. Copy it to a file first",
			   file->name, strerror(errno));
}

static int read_header(struct capture_file *file, struct problem *problem)
{
	const Cap__Header *message;
	const char *wrong;

	if (file->head.type != BLOCK_HEADER)
		return damaged(file, "the first block is no header", problem);
	message = UNPACK(file, header, problem);
	if (!message)
		return -1;
	wrong = unpack_header(message, &file->header_arena, &file->capture, &file->names);
	if (wrong)
		return damaged(file, wrong, problem);
	file->realtime_offset_ns = message->clock_realtime_ns - message->clock_monotonic_ns;
	return 0;
}

static int not_a_capture(const struct capture_file *file, const char *what, struct problem *problem)
{
	return problem_set(problem, EXIT_USAGE,
			   "%s: %s. Name a file that `gmemtrace record` has made", file->name,
			   what);
}

static int read_begin(struct capture_file *file, struct problem *problem)
{
	unsigned char bytes[FILE_HEAD_SIZE];
	enum got got = read_bytes(file, bytes, sizeof(bytes), problem);
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
				   file->name, format);
	file->offset = FILE_HEAD_SIZE;
	got = read_block(file, problem);
	if (got == GOT_END)
		return not_a_capture(file, "it ends before it says what it is", problem);
	if (got == GOT_ERROR || read_header(file, problem))
		return -1;
	end_block(file);
	file->first = file->offset;
	reset(file);
	return 0;
}

static struct capture_file *new_file(FILE *stream, const char *name, size_t budget)
{
	struct capture_file *file = calloc(1, sizeof(*file));
	struct stat st;

	if (!file)
		return NULL;
	file->stream = stream;
	file->budget = budget;
	file->is_seekable = ftello(stream) >= 0;
	file->header_arena.budget = file->arena.budget = MESSAGE_BUDGET;
	file->name = strdup(name);
	file->zstd = ZSTD_createDCtx();
	if (fileno(stream) >= 0 && !fstat(fileno(stream), &st))
		file->size = st.st_size;
	if (file->name && file->zstd)
		return file;
	file->stream = NULL; /* the caller's still */
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
	file->forced = true;
}

void capture_close(struct capture_file *file)
{
	if (!file)
		return;
	reset(file);
	arena_free(&file->header_arena);
	ZSTD_freeDCtx(file->zstd);
	if (file->stream)
		fclose(file->stream);
	free(file->packed.bytes);
	free(file->message.bytes);
	free(file->name);
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
	if (index >= file->nowners || !file->owners[index].kind)
		return NULL;
	return &file->owners[index];
}

__u32 capture_owners(const struct capture_file *file)
{
	return file->nowners;
}

const struct capture_thread *capture_thread(const struct capture_file *file, __u32 tid)
{
	struct thread_entry *entry;

	if (!file->nthreads)
		return NULL;
	entry = find_thread(file->threads, file->threads_size, tid);
	return entry->used ? &entry->thread : NULL;
}

const struct capture_drop *capture_drops(const struct capture_file *file, size_t *n)
{
	*n = file->capture.ndrops;
	return *n ? file->drops : NULL;
}

double capture_progress(const struct capture_file *file)
{
	return file->size ? (double)file->offset / (double)file->size : 1;
}
