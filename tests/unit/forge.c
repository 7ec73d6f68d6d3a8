// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture files made block by block. What fails aborts: this is a test.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "forge.h"

#define BUDGET (64 << 20) /* of a snapshot: no test has more */

void forge_bytes(struct forge *forge, const void *bytes, size_t size)
{
	forge->bytes = realloc(forge->bytes, forge->size + size + 1);
	assert(forge->bytes);
	memcpy(forge->bytes + forge->size, bytes, size);
	forge->size += size;
}

void forge_head(struct forge *forge)
{
	unsigned char head[FILE_HEAD_SIZE];

	file_head_pack(head);
	forge_bytes(forge, head, sizeof(head));
}

static void add_block(struct forge *forge, struct block_head head, const void *payload)
{
	unsigned char bytes[BLOCK_HEAD_SIZE];

	head.payload_crc = block_crc(payload, head.packed);
	block_head_pack(bytes, &head);
	forge_bytes(forge, bytes, sizeof(bytes));
	forge_bytes(forge, payload, head.packed);
	forge->nblocks++;
}

void forge_raw(struct forge *forge, __u32 type, const void *payload, size_t size, __u32 claimed)
{
	add_block(forge, (struct block_head){ .type = type, .packed = size, .size = claimed },
		  payload);
}

void forge_block(struct forge *forge, __u32 type, __u32 flags, const void *message, size_t size)
{
	static ZSTD_CCtx *zstd; /* as long as the test */
	size_t room = ZSTD_compressBound(size);
	void *packed = malloc(room);
	size_t n;

	zstd = zstd ?: ZSTD_createCCtx();
	assert(packed && zstd);
	n = ZSTD_compressCCtx(zstd, packed, room, message, size, 1);
	assert(!ZSTD_isError(n));
	add_block(forge, (struct block_head){ type, flags, n, size, 0, 0 }, packed);
	free(packed);
}

void forge_message(struct forge *forge, __u32 type, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	void *bytes = malloc(size + 1);

	assert(bytes);
	protobuf_c_message_pack(message, bytes);
	forge_block(forge, type, BLOCK_REQUIRED, bytes, size);
	free(bytes);
}

void forge_free(struct forge *forge)
{
	free(forge->bytes);
	memset(forge, 0, sizeof(*forge));
}

struct capture_file *forge_open(const unsigned char *bytes, size_t size, struct problem *problem)
{
	FILE *stream = fmemopen((void *)bytes, size ?: 1, "r");

	assert(stream);
	if (!size)
		fgetc(stream);
	return capture_open_stream(stream, "forged", BUDGET, problem);
}
