// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heads as bytes: little-endian whatever the machine.
 */
#include "capture_block.h"
#include <string.h>
#include <zlib.h>

static void put_u32(unsigned char *at, __u32 value)
{
	for (int i = 0; i < 4; i++)
		at[i] = value >> 8 * i;
}

static __u32 get_u32(const unsigned char *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (__u32)at[3] << 24;
}

void file_head_pack(unsigned char bytes[FILE_HEAD_SIZE])
{
	memcpy(bytes, CAPTURE_MAGIC, 8);
	put_u32(bytes + 8, CAPTURE_FORMAT);
	put_u32(bytes + 12, 0);
}

__u32 file_head_parse(const unsigned char bytes[FILE_HEAD_SIZE])
{
	if (memcmp(bytes, CAPTURE_MAGIC, 8) || get_u32(bytes + 12))
		return 0;
	return get_u32(bytes + 8);
}

__u32 block_crc(const void *data, size_t size)
{
	return crc32_z(0, data, size);
}

void block_head_pack(unsigned char bytes[BLOCK_HEAD_SIZE], const struct block_head *head)
{
	put_u32(bytes, head->type);
	put_u32(bytes + 4, head->flags);
	put_u32(bytes + 8, head->packed);
	put_u32(bytes + 12, head->size);
	put_u32(bytes + 16, head->payload_crc);
	put_u32(bytes + 20, block_crc(bytes, 20));
}

const char *block_head_parse(struct block_head *head, const unsigned char bytes[BLOCK_HEAD_SIZE])
{
	*head = (struct block_head){
		.type = get_u32(bytes),
		.flags = get_u32(bytes + 4),
		.packed = get_u32(bytes + 8),
		.size = get_u32(bytes + 12),
		.payload_crc = get_u32(bytes + 16),
		.crc = get_u32(bytes + 20),
	};
	if (head->crc != block_crc(bytes, 20))
		return "the checksum of its head is wrong";
	if (head->packed > PACKED_MAX || head->size > BLOCK_MAX)
		return "it is larger than the format allows";
	return NULL;
}
