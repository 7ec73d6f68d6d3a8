/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that is freed all at once, up to a budget: what one message of a capture file takes.
 * Private to capture_*.c.
 */
#ifndef CAPTURE_ARENA_H
#define CAPTURE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <protobuf-c/protobuf-c.h>

struct arena_chunk;

/* Starts zeroed but for the budget. */
struct arena {
	struct arena_chunk *chunks;
	size_t used; /* bytes */
	size_t budget;
	bool failed; /* an allocation was refused since the last arena_free() */
};

/* @n elements of @size bytes, zeroed; NULL beyond the budget or when out of memory. */
void *arena_alloc(struct arena *arena, size_t n, size_t size);

/* A copy with a NUL behind it, or NULL. */
char *arena_copy(struct arena *arena, const char *s, size_t len);

/* Everything; the arena can be used again. */
void arena_free(struct arena *arena);

/* For protobuf-c: what it frees stays until arena_free(). */
ProtobufCAllocator arena_allocator(struct arena *arena);

#endif
