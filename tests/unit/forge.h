/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capture files made block by block in memory, with heads and checksums that are right whatever the
 * blocks say: for tests of what the reader makes of lies.
 */
#ifndef FORGE_H
#define FORGE_H

#include "capture/capture_block.h"
#include "capture/capture_file.h"
#include "capture/capture.pb-c.h"

/* Starts zeroed; freed with forge_free(). */
struct forge {
	unsigned char *bytes;
	size_t size;
	__u64 nblocks;
};

/* What every file begins with. */
void forge_head(struct forge *forge);

/* @message of @size bytes, packed. */
void forge_block(struct forge *forge, __u32 type, __u32 flags, const void *message, size_t size);

/* @payload as it is, under a head that says that it unpacks to @claimed bytes. */
void forge_raw(struct forge *forge, __u32 type, const void *payload, size_t size, __u32 claimed);

/* A message of capture.proto. */
void forge_message(struct forge *forge, __u32 type, const ProtobufCMessage *message);

void forge_bytes(struct forge *forge, const void *bytes, size_t size);
void forge_free(struct forge *forge);

/* The reader of the first @size bytes, or NULL with @problem filled. */
struct capture_file *forge_open(const unsigned char *bytes, size_t size, struct problem *problem);

#endif
