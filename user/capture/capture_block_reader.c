// SPDX-License-Identifier: GPL-2.0-only
/*
 * From bytes to messages: heads, checksums, zstd, protobuf.
 */
#include "capture_block_reader.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "capture_ahead.h"

/*
 * Of what blocks unpack to, in bytes of memory: so much whatever the file's size, and so much for each
 * byte of it. Recordings of hosts take 30, of machines that are emulated by the instruction, where
 * all events are alike, 200.
 */
#define WORK_FREE (16UL << 20)
#define WORK_RATIO 1000

/* The stream is ours again. */
static void stop_ahead(struct block_reader *blocks)
{
	ahead_stop(blocks->ahead);
	blocks->ahead = NULL;
}

int blocks_open(struct block_reader *blocks, FILE *stream, const char *name)
{
	blocks->stream = stream;
	blocks->arena.budget = MESSAGE_BUDGET;
	blocks->name = strdup(name);
	blocks->zstd = ZSTD_createDCtx();
	return blocks->name && blocks->zstd ? 0 : -ENOMEM;
}

void blocks_close(struct block_reader *blocks)
{
	stop_ahead(blocks);
	ZSTD_freeDCtx(blocks->zstd);
	if (blocks->stream)
		fclose(blocks->stream);
	free(blocks->packed.bytes);
	free(blocks->message.bytes);
	free(blocks->name);
	arena_free(&blocks->arena);
}

void blocks_restart(struct block_reader *blocks, struct block_position at)
{
	stop_ahead(blocks);
	arena_free(&blocks->arena);
	memset(&blocks->head, 0, sizeof(blocks->head));
	blocks->work = 0;
	blocks->at = at;
}

int blocks_seek(struct block_reader *blocks, struct block_position to)
{
	stop_ahead(blocks);
	if (fseeko(blocks->stream, to.offset, SEEK_SET))
		return -1;
	blocks->at = to;
	return 0;
}

int blocks_damaged(const struct block_reader *blocks, const char *what, struct problem *problem)
{
	return problem_set(
		problem, EXIT_USAGE,
		"%s: block %llu at byte %llu: %s. The file is damaged: copy it anew from "
		"where it was recorded",
		blocks->name, blocks->at.nblocks, blocks->at.offset, what);
}

int blocks_no_memory(const struct block_reader *blocks, struct problem *problem)
{
	return problem_set(problem, EXIT_IMPOSSIBLE, "%s: %s. Free some memory and try again",
			   blocks->name, strerror(ENOMEM));
}

int blocks_cannot_read(const struct block_reader *blocks, struct problem *problem)
{
	return problem_set(problem, EXIT_USAGE, "cannot read %s: %s. Choose another file",
			   blocks->name, strerror(errno));
}

static enum got read_bytes(struct block_reader *blocks, void *to, size_t size,
			   struct problem *problem)
{
	if (fread(to, 1, size, blocks->stream) == size)
		return GOT_ALL;
	if (!ferror(blocks->stream))
		return GOT_END;
	blocks_cannot_read(blocks, problem);
	return GOT_ERROR;
}

void blocks_read_ahead(struct block_reader *blocks)
{
	if (!blocks->ahead)
		blocks->ahead = ahead_start(blocks);
}

enum got blocks_read_bytes(struct block_reader *blocks, void *to, size_t size,
			   struct problem *problem)
{
	stop_ahead(blocks);
	return read_bytes(blocks, to, size, problem);
}

static bool make_room(struct block_buffer *buffer, size_t size)
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

enum got blocks_read(struct block_reader *blocks, struct problem *problem)
{
	unsigned char bytes[BLOCK_HEAD_SIZE];
	const char *wrong;
	enum got got;

	if (blocks->ahead)
		return ahead_take(blocks->ahead, blocks, problem);
	blocks->decompressed = false;
	blocks->unpacked = NULL;
	got = read_bytes(blocks, bytes, sizeof(bytes), problem);
	if (got != GOT_ALL)
		return got;
	wrong = block_head_parse(&blocks->head, bytes);
	if (wrong) {
		blocks_damaged(blocks, wrong, problem);
		return GOT_ERROR;
	}
	if (!make_room(&blocks->packed, blocks->head.packed + 1) ||
	    !make_room(&blocks->message, blocks->head.size + 1)) {
		blocks_no_memory(blocks, problem);
		return GOT_ERROR;
	}
	got = read_bytes(blocks, blocks->packed.bytes, blocks->head.packed, problem);
	if (got != GOT_ALL)
		return got;
	if (block_crc(blocks->packed.bytes, blocks->head.packed) != blocks->head.payload_crc) {
		blocks_damaged(blocks, "its checksum is wrong", problem);
		return GOT_ERROR;
	}
	return GOT_ALL;
}

void blocks_pass(struct block_reader *blocks)
{
	blocks->at.offset += BLOCK_HEAD_SIZE + blocks->head.packed;
	blocks->at.nblocks++;
}

int blocks_work(struct block_reader *blocks, __u64 bytes, struct problem *problem)
{
	__u64 read = blocks->at.offset + BLOCK_HEAD_SIZE + blocks->head.packed;

	blocks->work += bytes;
	if (blocks->forced || blocks->work <= WORK_FREE + WORK_RATIO * read)
		return 0;
	return problem_set(
		problem, EXIT_USAGE,
		"%s: block %llu at byte %llu: it unpacks to more than %d times the "
		"file's size, as no recording does. Read it with --force if you trust it",
		blocks->name, blocks->at.nblocks, blocks->at.offset, WORK_RATIO);
}

bool blocks_try_decompress(struct block_reader *blocks)
{
	size_t size = ZSTD_decompressDCtx(blocks->zstd, blocks->message.bytes, blocks->head.size,
					  blocks->packed.bytes, blocks->head.packed);

	blocks->decompressed = !ZSTD_isError(size) && size == blocks->head.size;
	return blocks->decompressed;
}

int blocks_decompress(struct block_reader *blocks, struct problem *problem)
{
	if (!blocks->decompressed && !blocks_try_decompress(blocks))
		return blocks_damaged(blocks, "it cannot be unpacked", problem);
	return blocks_work(blocks, blocks->head.size, problem);
}

bool blocks_try_unpack(struct block_reader *blocks, const ProtobufCMessageDescriptor *type)
{
	ProtobufCAllocator allocator = arena_allocator(&blocks->arena);

	arena_free(&blocks->arena);
	blocks->unpacked = protobuf_c_message_unpack(type, &allocator, blocks->head.size,
						     blocks->message.bytes);
	return blocks->unpacked;
}

void *blocks_unpack(struct block_reader *blocks, const ProtobufCMessageDescriptor *type,
		    struct problem *problem)
{
	if (blocks_decompress(blocks, problem))
		return NULL;
	if (!blocks->unpacked && !blocks_try_unpack(blocks, type)) {
		blocks_damaged(blocks,
			       blocks->arena.failed
				       ? "its message takes more memory than any should"
				       : "its message is malformed",
			       problem);
		return NULL;
	}
	/* Columns are the records', which are counted as such. */
	if (type != &cap__records__descriptor && blocks_work(blocks, blocks->arena.used, problem))
		return NULL;
	return blocks->unpacked;
}
