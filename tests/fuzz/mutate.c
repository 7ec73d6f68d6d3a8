// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mutations that know what a file is made of: whole blocks go, come twice or change places, and
 * numbers in messages become those of others. Bytes are changed by libFuzzer's own all the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "capture/capture_block.h"
#include "capture/capture.pb-c.h"

#define BLOCK_BEGIN 4 /* type and size */
#define BLOCKS_MAX 64

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* A part of the input. */
struct block {
	uint8_t *at;
	size_t size; /* with its begin */
};

struct input {
	uint8_t *data;
	size_t size, max_size;
	struct block blocks[BLOCKS_MAX];
	size_t nblocks;
	unsigned int seed;
};

static size_t choose(struct input *input, size_t n)
{
	return n ? rand_r(&input->seed) % n : 0;
}

static void find_blocks(struct input *input)
{
	uint8_t *at = input->data + 1, *end = input->data + input->size;

	while (end - at >= BLOCK_BEGIN && input->nblocks < BLOCKS_MAX) {
		size_t size = BLOCK_BEGIN + (at[1] | at[2] << 8 | (size_t)at[3] << 16);

		if (size > (size_t)(end - at))
			size = end - at;
		input->blocks[input->nblocks++] = (struct block){ at, size };
		at += size;
	}
}

/* @size bytes at @with take the place of @block. */
static void replace(struct input *input, struct block block, const uint8_t *with, size_t size)
{
	size_t before = block.at - input->data, after = input->size - before - block.size;

	if (before + size + after > input->max_size)
		return;
	memmove(block.at + size, block.at + block.size, after);
	if (size)
		memcpy(block.at, with, size);
	input->size = before + size + after;
}

/* Not the header, without which nothing follows. */
static struct block *any_block(struct input *input)
{
	return &input->blocks[1 + choose(input, input->nblocks - 1)];
}

static void drop(struct input *input)
{
	replace(input, *any_block(input), NULL, 0);
}

/* A block of any kind; that none of it is left is what matters. */
static void drop_kind(struct input *input)
{
	uint8_t type = any_block(input)->at[0] & 0x7f;

	for (size_t i = input->nblocks; i-- > 1;)
		if ((input->blocks[i].at[0] & 0x7f) == type)
			replace(input, input->blocks[i], NULL, 0);
}

/* A copy of one goes before another, which may be itself. */
static void copy(struct input *input)
{
	const struct block *from = any_block(input), *to = any_block(input);
	uint8_t *bytes = malloc(from->size);

	if (!bytes)
		return;
	memcpy(bytes, from->at, from->size);
	replace(input, (struct block){ to->at, 0 }, bytes, from->size);
	free(bytes);
}

/* Few numbers, so that they meet; the edges of what is allowed; and any. */
static uint32_t any_number(struct input *input)
{
	static const uint32_t edges[] = { OWNERS_MAX - 1, OWNERS_MAX, ~0U, 65535, 900000 };

	switch (choose(input, 4)) {
	case 0:
		return edges[choose(input, sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return rand_r(&input->seed);
	default:
		return choose(input, 12);
	}
}

static void renumber_owners(struct input *input, Cap__Owners *owners)
{
	Cap__Owner *owner;

	if (!owners->n_owners)
		return;
	owner = owners->owners[choose(input, owners->n_owners)];
	*(choose(input, 2) ? &owner->vm : &owner->index) = any_number(input);
}

static void renumber_records(struct input *input, Cap__Records *records)
{
	uint32_t from, to = any_number(input);

	if (!records->n_owner)
		return;
	from = records->owner[choose(input, records->n_owner)];
	for (size_t i = 0; i < records->n_owner; i++)
		if (records->owner[i] == from)
			records->owner[i] = to;
}

static Cap__EventCount *any_count(struct input *input, Cap__Snapshot *snapshot)
{
	const Cap__Slot *slot =
		snapshot->n_slots ? snapshot->slots[choose(input, snapshot->n_slots)] : NULL;

	if (slot && slot->n_events)
		return slot->events[choose(input, slot->n_events)];
	return snapshot->n_host ? snapshot->host[choose(input, snapshot->n_host)] : NULL;
}

static void renumber_snapshot(struct input *input, Cap__Snapshot *snapshot)
{
	Cap__EventCount *count = any_count(input, snapshot);
	uint64_t large = 1ULL << (32 + choose(input, 32));

	switch (choose(input, 5)) {
	case 0:
		if (snapshot->n_slots)
			snapshot->slots[choose(input, snapshot->n_slots)]->vm = any_number(input);
		break;
	case 1:
		if (snapshot->n_gmems)
			snapshot->gmems[choose(input, snapshot->n_gmems)]->vm = any_number(input);
		break;
	case 2:
		if (count && count->n_bucket_count)
			count->bucket_count[choose(input, count->n_bucket_count)] = large;
		break;
	case 3:
		if (count)
			*(choose(input, 2) ? &count->count : &count->npages) = large;
		break;
	default:
		snapshot->final = !snapshot->final;
	}
}

/* The message in @block is changed by @fn and takes its own place. */
static void change(struct input *input, const struct block *block,
		   const ProtobufCMessageDescriptor *type, void (*fn)(struct input *, void *))
{
	ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, block->size - BLOCK_BEGIN,
							      block->at + BLOCK_BEGIN);
	uint8_t *bytes;
	size_t size;

	if (!message)
		return;
	fn(input, message);
	size = protobuf_c_message_get_packed_size(message);
	bytes = malloc(BLOCK_BEGIN + size);
	if (bytes && size < BLOCK_MAX) {
		protobuf_c_message_pack(message, bytes + BLOCK_BEGIN);
		bytes[0] = block->at[0];
		bytes[1] = size;
		bytes[2] = size >> 8;
		bytes[3] = size >> 16;
		replace(input, *block, bytes, BLOCK_BEGIN + size);
	}
	free(bytes);
	protobuf_c_message_free_unpacked(message, NULL);
}

#define AS(name, type)                                                                             \
	static void name##_any(struct input *input, void *message)                                 \
	{                                                                                          \
		name(input, (type *)message);                                                      \
	}
AS(renumber_owners, Cap__Owners)
AS(renumber_records, Cap__Records)
AS(renumber_snapshot, Cap__Snapshot)
#undef AS

static void renumber(struct input *input)
{
	const struct block *block = any_block(input);

	if (block->size < BLOCK_BEGIN)
		return;
	switch (block->at[0] & 0x7f) {
	case BLOCK_OWNERS:
		change(input, block, &cap__owners__descriptor, renumber_owners_any);
		break;
	case BLOCK_RECORDS:
		change(input, block, &cap__records__descriptor, renumber_records_any);
		break;
	case BLOCK_SNAPSHOT:
		change(input, block, &cap__snapshot__descriptor, renumber_snapshot_any);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static void (*const mutations[])(struct input *) = { drop,     drop_kind, copy,
							     renumber, renumber,  renumber };
	struct input input = { .data = data, .size = size, .max_size = max_size, .seed = seed };

	if (size > 1 && data[0])
		find_blocks(&input);
	if (input.nblocks < 2 || choose(&input, 2))
		return LLVMFuzzerMutate(data, size, max_size);
	mutations[choose(&input, sizeof(mutations) / sizeof(mutations[0]))](&input);
	return input.size;
}
