/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Block by block through a capture file: read, checked and unpacked, in no more memory and work than
 * a file of its size may take. What goes wrong is said with the block that it is about. Private to
 * capture_reader.c and capture_who.c.
 */
#ifndef CAPTURE_BLOCK_READER_H
#define CAPTURE_BLOCK_READER_H

#include <stdio.h>
#include <zstd.h>
#include "base/problem.h"
#include "capture_arena.h"
#include "capture_block.h"
#include "capture/capture.pb-c.h"

#define MESSAGE_BUDGET (64 << 20) /* what an unpacked message may take, 16 times BLOCK_MAX */

/* As large as the largest block so far. */
struct block_buffer {
	unsigned char *bytes;
	size_t size;
};

/* Where a block begins. */
struct block_position {
	__u64 offset; /* bytes; 0: nowhere */
	__u64 nblocks; /* before it */
};

struct block_ahead;

struct block_reader {
	FILE *stream; /* not to be touched while there is .ahead */
	struct block_ahead *ahead; /* NULL: nobody reads ahead */
	char *name; /* in messages */
	bool forced; /* any amount of work is fine */
	ZSTD_DCtx *zstd;
	struct block_buffer packed, message; /* of the block being read */
	struct arena arena; /* of the message being read */
	struct block_position at; /* the block being read, then the next */
	struct block_head head;
	bool decompressed; /* message has it */
	void *unpacked; /* from it; NULL: not yet */
	__u64 work; /* what was unpacked, bytes */
};

/* Of @stream, called @name in messages. 0 or -ENOMEM; blocks_close() in any case. @blocks is zeroed. */
int blocks_open(struct block_reader *blocks, FILE *stream, const char *name);

/* Closes the stream, too, unless it is NULL by now. */
void blocks_close(struct block_reader *blocks);

/*
 * From here on a thread reads the blocks that blocks_read() has next, and unpacks records. Until the next
 * is read by other means, or another is sought. Nothing else changes, but for the time.
 */
void blocks_read_ahead(struct block_reader *blocks);

/* Forget all that was read, as if the block at @at were the first. */
void blocks_restart(struct block_reader *blocks, struct block_position at);

/* The next block is the one at @to. 0, or -1 with errno. */
int blocks_seek(struct block_reader *blocks, struct block_position to);

/* Each returns -1, with @problem filled. */
int blocks_damaged(const struct block_reader *blocks, const char *what, struct problem *problem);
int blocks_no_memory(const struct block_reader *blocks, struct problem *problem);
int blocks_cannot_read(const struct block_reader *blocks, struct problem *problem); /* errno */

enum got {
	GOT_ALL,
	GOT_END, /* of the file, before it was all */
	GOT_ERROR, /* problem filled */
};

/* The next @size bytes, whatever they are. */
enum got blocks_read_bytes(struct block_reader *blocks, void *to, size_t size,
			   struct problem *problem);

/* The next block, as it is in the file, with its checksums right. */
enum got blocks_read(struct block_reader *blocks, struct problem *problem);

/* Done with the block that was read. */
void blocks_pass(struct block_reader *blocks);

/* Its message as bytes, head.size of them in message.bytes. 0, or -1 with @problem filled. */
int blocks_decompress(struct block_reader *blocks, struct problem *problem);

/* Whether that goes well; nothing is said, nor counted as work. The message is in .unpacked. */
bool blocks_try_decompress(struct block_reader *blocks);
bool blocks_try_unpack(struct block_reader *blocks, const ProtobufCMessageDescriptor *type);

/* Its message, valid until the next one; NULL with @problem filled. */
void *blocks_unpack(struct block_reader *blocks, const ProtobufCMessageDescriptor *type,
		    struct problem *problem);

#define BLOCKS_UNPACK(blocks, type, problem)                                                       \
	blocks_unpack(blocks, &cap__##type##__descriptor, problem)

/* So much was unpacked. -1 with @problem filled when a file of this size should not have it. */
int blocks_work(struct block_reader *blocks, __u64 bytes, struct problem *problem);

#endif
