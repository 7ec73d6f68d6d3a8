// SPDX-License-Identifier: GPL-2.0-only
/*
 * A list of chunks, the newest first; each at least as large as what made it necessary.
 */
#include "capture_arena.h"
#include <stdlib.h>
#include <string.h>

/* Most have a few strings; those of large messages grow to where more chunks cost nothing. */
#define CHUNK_SIZE_MIN (2 << 10)
#define CHUNK_SIZE_MAX (64 << 10)
#define ALIGN 16

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used;
	_Alignas(ALIGN) char data[];
};

static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
	size_t usual = arena->chunks ? 4 * arena->chunks->size : CHUNK_SIZE_MIN;
	struct arena_chunk *chunk;

	if (usual > CHUNK_SIZE_MAX)
		usual = CHUNK_SIZE_MAX;
	if (size < usual)
		size = usual;
	chunk = calloc(1, sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t n, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > arena->budget - arena->used) {
		arena->failed = true;
		return NULL;
	}
	bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!chunk || bytes > chunk->size - chunk->used)
		chunk = add_chunk(arena, bytes);
	if (!chunk) {
		arena->failed = true;
		return NULL;
	}
	arena->used += bytes < arena->budget - arena->used ? bytes : arena->budget - arena->used;
	chunk->used += bytes;
	return chunk->data + chunk->used - bytes;
}

char *arena_copy(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_alloc(arena, len + 1, 1);

	return copy ? memcpy(copy, s, len) : NULL;
}

void arena_free(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
	arena->used = 0;
	arena->failed = false;
}

static void *alloc_for_protobuf(void *arena, size_t size)
{
	return arena_alloc(arena, 1, size);
}

static void free_for_protobuf(void *arena, void *pointer)
{
	(void)arena;
	(void)pointer;
}

ProtobufCAllocator arena_allocator(struct arena *arena)
{
	return (ProtobufCAllocator){ alloc_for_protobuf, free_for_protobuf, arena };
}
