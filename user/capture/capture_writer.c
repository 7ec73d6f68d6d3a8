// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing a capture file: gathers what comes in, packs it into blocks, and takes back what a full
 * disk has left of one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>
#include "base/clock.h"
#include "base/destination.h"
#include "capture_block.h"
#include "capture_destination.h"
#include "capture_file.h"
#include "capture_pack.h"

/* A part of a snapshot ends where it has grown beyond; its last element may be 200 KiB. */
#define PART_SIZE (1 << 20)

/* zstd: the fastest but one of those that give nothing away. */
#define LEVEL 3

#define GATHERED_MAX 256 /* owners or threads */

struct capture_writer {
	struct capture_destination destination;
	char *path;
	struct problem problem; /* the first one, for all later calls */
	bool failed;
	ZSTD_CCtx *zstd;
	struct arena arena; /* of the message being written */
	unsigned char *message, *packed; /* [BLOCK_MAX], [ZSTD_compressBound()] with a head */
	struct gmem_record *records; /* [RECORDS_MAX]: gathered */
	size_t nrecords;
	struct indexed_owner owners[GATHERED_MAX];
	size_t nowners;
	struct capture_thread threads[GATHERED_MAX];
	size_t nthreads;
	unsigned char known[OWNERS_MAX / 8]; /* owners written before, a bit each */
	struct id_map vms; /* their numbers in the file, by struct kvm */
	__u64 nblocks, nsnapshots;
	struct capture_size size;
};

static int fail(struct capture_writer *writer, struct problem *problem, const char *format,
		const char *reason)
{
	if (!writer->failed)
		problem_set(&writer->problem, EXIT_IMPOSSIBLE, format, writer->path, reason);
	writer->failed = true;
	*problem = writer->problem;
	return -1;
}

static int fail_memory(struct capture_writer *writer, struct problem *problem)
{
	return fail(writer, problem, "cannot write %s: %s. Free some memory and try again",
		    strerror(ENOMEM));
}

static int fail_write(struct capture_writer *writer, struct problem *problem, int err)
{
	if (!writer->nblocks && !writer->failed) { /* nothing is left of it then */
		writer->failed = true;
		destination_problem(writer->path, err, &writer->problem);
	}
	if (err == ENOSPC || err == EDQUOT)
		return fail(writer, problem,
			    "cannot write %s: %s; it has what came before. Make room and try again",
			    "the disk is full");
	if (err == EFBIG)
		return fail(writer, problem,
			    "cannot write %s: %s; it has what came before. Raise the limit (ulimit "
			    "-f)",
			    "it would be larger than files may be");
	return fail(writer, problem,
		    "cannot write %s: %s; it has what came before. Choose another place with -o",
		    strerror(err));
}

static int write_all(int fd, const unsigned char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			data += n;
			size -= n;
		}
	}
	return 0;
}

/* Is it still the file that we have written? */
static int check_destination(struct capture_writer *writer, struct problem *problem)
{
	const char *lost = capture_destination_lost(&writer->destination, writer->size.nbytes);

	return lost ? fail(writer, problem,
			   "cannot write %s: %s while it was recorded to. Leave it alone until the "
			   "end, and record again",
			   lost)
		    : 0;
}

/* To the file, all of it or nothing. */
static int append(struct capture_writer *writer, const unsigned char *data, size_t size,
		  struct problem *problem)
{
	int fd = writer->destination.fd;

	if (check_destination(writer, problem))
		return -1;
	if (write_all(fd, data, size)) {
		int err = errno;

		/* What cannot be taken back is read as the begin of a block. */
		if (ftruncate(fd, writer->size.nbytes))
			err = err ?: errno;
		return fail_write(writer, problem, err);
	}
	writer->size.nbytes += size;
	return 0;
}

/* Pack @message, which is NULL when there was no memory for it, and write it. */
static int write_block(struct capture_writer *writer, enum block_type type,
		       const ProtobufCMessage *message, struct problem *problem)
{
	struct block_head head = { .type = type, .flags = BLOCK_REQUIRED };
	size_t size = message ? protobuf_c_message_get_packed_size(message) : 0;
	unsigned char *payload = writer->packed + BLOCK_HEAD_SIZE;
	size_t packed;

	if (!message)
		return fail_memory(writer, problem);
	if (size > BLOCK_MAX)
		return fail(writer, problem, "cannot write %s: %s. Please report it",
			    "a message is larger than the format allows");
	protobuf_c_message_pack(message, writer->message);
	packed = ZSTD_compressCCtx(writer->zstd, payload, ZSTD_compressBound(BLOCK_MAX),
				   writer->message, size, LEVEL);
	if (ZSTD_isError(packed))
		return fail(writer, problem, "cannot write %s: zstd: %s. Please report it",
			    ZSTD_getErrorName(packed));
	head.size = size;
	head.packed = packed;
	head.payload_crc = block_crc(payload, packed);
	block_head_pack(writer->packed, &head);
	if (append(writer, writer->packed, BLOCK_HEAD_SIZE + packed, problem))
		return -1;
	writer->nblocks++;
	return 0;
}

/* Likewise, and forget the message. */
#define WRITE(writer, type, message, problem)                                                      \
	({                                                                                         \
		typeof(message) message_ = (message);                                              \
		int err_ = write_block(writer, type, message_ ? &message_->base : NULL, problem);  \
		arena_free(&(writer)->arena);                                                      \
		err_;                                                                              \
	})

/* ---- What is gathered ---- */

static int write_owners(struct capture_writer *writer, struct problem *problem)
{
	size_t n = writer->nowners;

	writer->nowners = 0;
	if (!n)
		return 0;
	return WRITE(writer, BLOCK_OWNERS,
		     pack_owners(&writer->arena, &writer->vms, writer->owners, n), problem);
}

static int write_threads(struct capture_writer *writer, struct problem *problem)
{
	size_t n = writer->nthreads;

	writer->nthreads = 0;
	if (!n)
		return 0;
	return WRITE(writer, BLOCK_THREADS, pack_threads(&writer->arena, writer->threads, n),
		     problem);
}

/* Records come after those whom they name. */
static int write_gathered(struct capture_writer *writer, struct problem *problem)
{
	size_t n = writer->nrecords;

	if (writer->failed) {
		*problem = writer->problem;
		return -1;
	}
	if (write_owners(writer, problem) || write_threads(writer, problem))
		return -1;
	writer->nrecords = 0;
	if (!n)
		return 0;
	if (WRITE(writer, BLOCK_RECORDS, pack_records(&writer->arena, writer->records, n), problem))
		return -1;
	writer->size.nrecords += n;
	return 0;
}

int capture_write_owner(struct capture_writer *writer, __u32 handle,
			const struct capture_owner *owner, struct problem *problem)
{
	__u32 index = OWNER_INDEX(handle); /* below OWNERS_MAX */
	unsigned char *known, bit = 1 << index % 8;

	known = &writer->known[index / 8];
	/* Records that came before a change are of the one that was. */
	if ((*known & bit && writer->nrecords) || writer->nowners == GATHERED_MAX)
		if (write_gathered(writer, problem))
			return -1;
	*known |= bit;
	writer->owners[writer->nowners++] = (struct indexed_owner){ handle, *owner };
	return writer->failed ? write_gathered(writer, problem) : 0;
}

int capture_write_thread(struct capture_writer *writer, const struct capture_thread *thread,
			 struct problem *problem)
{
	if (writer->failed || writer->nthreads == GATHERED_MAX)
		if (write_gathered(writer, problem))
			return -1;
	writer->threads[writer->nthreads++] = *thread;
	return 0;
}

int capture_write_records(struct capture_writer *writer, const struct gmem_record *records,
			  size_t n, struct problem *problem)
{
	while (n) {
		size_t room = RECORDS_MAX - writer->nrecords;
		size_t some = n < room ? n : room;

		memcpy(writer->records + writer->nrecords, records, some * sizeof(*records));
		writer->nrecords += some;
		records += some;
		n -= some;
		if (writer->nrecords == RECORDS_MAX || writer->failed)
			if (write_gathered(writer, problem))
				return -1;
	}
	return 0;
}

int capture_flush(struct capture_writer *writer, struct problem *problem)
{
	return write_gathered(writer, problem);
}

/* ---- Snapshots, in parts ---- */

struct part_writer {
	struct capture_writer *writer;
	Cap__Snapshot part;
	size_t size;
	struct problem *problem;
};

static int write_part(struct part_writer *to)
{
	int err = write_block(to->writer, BLOCK_SNAPSHOT, &to->part.base, to->problem);

	cap__snapshot__init(&to->part);
	to->size = 0;
	return err;
}

/* One more element, to be @list[i], of a list of the part. */
static int add_to_part(struct part_writer *to, ProtobufCMessage **element, size_t *n, void *list)
{
	if (to->size > PART_SIZE && write_part(to))
		return -1;
	if (!*n)
		*(ProtobufCMessage ***)list = element;
	++*n;
	to->size += protobuf_c_message_get_packed_size(*element);
	return 0;
}

#define ADD_LIST(to, whole, list)                                                                  \
	({                                                                                         \
		int err_ = 0;                                                                      \
		for (size_t i = 0; i < (whole)->n_##list && !err_; i++)                            \
			err_ = add_to_part(to, (ProtobufCMessage **)&(whole)->list[i],             \
					   &(to)->part.n_##list, &(to)->part.list);                \
		err_;                                                                              \
	})

static int write_parts(struct part_writer *to, const Cap__Snapshot *whole)
{
	to->part = *whole;
	to->part.n_vms = to->part.n_slots = to->part.n_gmems = to->part.n_stacks = 0;
	to->part.n_past = 0;
	if (ADD_LIST(to, whole, vms) || ADD_LIST(to, whole, slots) || ADD_LIST(to, whole, gmems) ||
	    ADD_LIST(to, whole, past) || ADD_LIST(to, whole, stacks))
		return -1;
	to->part.final = true;
	return write_part(to);
}

int capture_write_snapshot(struct capture_writer *writer, const struct capture *capture,
			   struct problem *problem)
{
	struct part_writer to = { .writer = writer, .problem = problem };
	Cap__Snapshot *whole;
	int err;

	if (write_gathered(writer, problem))
		return -1;
	whole = pack_snapshot(&writer->arena, &writer->vms, capture);
	err = whole ? write_parts(&to, whole) : fail_memory(writer, problem);
	arena_free(&writer->arena);
	if (!err)
		writer->nsnapshots++;
	return err;
}

/* ---- Begin and end ---- */

static void free_writer(struct capture_writer *writer)
{
	capture_destination_leave(&writer->destination);
	arena_free(&writer->arena);
	ZSTD_freeCCtx(writer->zstd);
	free(writer->message);
	free(writer->packed);
	free(writer->records);
	free(writer->path);
	id_map_free(&writer->vms);
	free(writer);
}

static struct capture_writer *new_writer(const char *path)
{
	struct capture_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return NULL;
	writer->destination = (struct capture_destination){ .fd = -1, .at.dir = -1 };
	writer->arena.budget = ~(size_t)0;
	writer->path = strdup(path);
	writer->zstd = ZSTD_createCCtx();
	writer->message = malloc(BLOCK_MAX);
	writer->packed = malloc(BLOCK_HEAD_SIZE + ZSTD_compressBound(BLOCK_MAX));
	writer->records = calloc(RECORDS_MAX, sizeof(*writer->records));
	if (writer->path && writer->zstd && writer->message && writer->packed && writer->records)
		return writer;
	free_writer(writer);
	return NULL;
}

static int write_header(struct capture_writer *writer, const struct capture *capture,
			struct problem *problem)
{
	Cap__Header *header = pack_header(&writer->arena, capture);
	unsigned char head[FILE_HEAD_SIZE];

	file_head_pack(head);
	if (append(writer, head, sizeof(head), problem))
		return -1;
	if (header) {
		header->clock_realtime_ns = clock_ns(CLOCK_REALTIME);
		header->clock_monotonic_ns = clock_ns(CLOCK_MONOTONIC);
		if (!header->start_realtime_ns)
			header->start_realtime_ns = header->clock_realtime_ns;
	}
	return WRITE(writer, BLOCK_HEADER, header, problem);
}

/* The writer takes the destination over. */
static void take_destination(struct capture_writer *writer, struct capture_destination *destination)
{
	writer->destination = *destination;
	writer->destination.at.path = writer->path;
	destination->fd = destination->at.dir = -1;
}

struct capture_writer *capture_begin(struct capture_destination *destination,
				     const struct capture *capture, struct problem *problem)
{
	struct capture_writer *writer = new_writer(destination->at.path);
	int err;

	if (!writer) {
		problem_set(problem, EXIT_IMPOSSIBLE, "cannot write %s: %s. Free some memory",
			    destination->at.path, strerror(ENOMEM));
		capture_destination_leave(destination);
		return NULL;
	}
	take_destination(writer, destination);
	err = capture_destination_empty(&writer->destination);
	err = err ? fail_write(writer, problem, -err) : write_header(writer, capture, problem);
	writer->destination.kept = !err;
	if (!err)
		return writer;
	capture_abandon(writer);
	return NULL;
}

struct capture_writer *capture_create(const char *path, const struct capture *capture,
				      struct problem *problem)
{
	struct capture_destination destination;

	if (!capture_destination_claim(&destination, path, problem) &&
	    !capture_destination_make(&destination, problem))
		return capture_begin(&destination, capture, problem);
	capture_destination_leave(&destination);
	return NULL;
}

static int write_end(struct capture_writer *writer, const struct capture *capture,
		     const struct capture_drop *drops, size_t ndrops, struct problem *problem)
{
	Cap__End *end;

	if (write_gathered(writer, problem))
		return -1;
	end = pack_end(&writer->arena, capture, drops, ndrops);
	if (end) {
		end->blocks = writer->nblocks;
		end->records = writer->size.nrecords;
		end->snapshots = writer->nsnapshots;
		end->clock_realtime_ns = clock_ns(CLOCK_REALTIME);
		end->clock_monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	}
	return WRITE(writer, BLOCK_END, end, problem);
}

/* EINVAL, EROFS: it is no file of a disk. */
static int sync_file(struct capture_writer *writer, struct problem *problem)
{
	if (fsync(writer->destination.fd) && errno != EINVAL && errno != EROFS)
		return fail_write(writer, problem, errno);
	return check_destination(writer, problem);
}

int capture_finish(struct capture_writer *writer, const struct capture *capture,
		   const struct capture_drop *drops, size_t ndrops, struct problem *problem)
{
	int err = write_end(writer, capture, drops, ndrops, problem) ?: sync_file(writer, problem);

	if (close(writer->destination.fd) && !err)
		err = fail_write(writer, problem, errno);
	writer->destination.fd = -1;
	free_writer(writer);
	return err;
}

void capture_abandon(struct capture_writer *writer)
{
	if (!writer)
		return;
	free_writer(writer);
}

struct capture_size capture_size(const struct capture_writer *writer)
{
	return writer->size;
}
