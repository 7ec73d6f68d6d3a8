/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frame of a capture file: what it begins with, and the heads of its blocks. For the writer
 * and the reader, capture_*.c, and for tests that make damaged files.
 */
#ifndef CAPTURE_BLOCK_H
#define CAPTURE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include "gmem.h"

#define CAPTURE_MAGIC "gmemcap\n"
#define CAPTURE_FORMAT 1

/* Magic, format, and 4 bytes that are 0. */
#define FILE_HEAD_SIZE 16

/* Six numbers of 32 bits: see struct block_head. */
#define BLOCK_HEAD_SIZE 24

/* Limits of the format. */
#define BLOCK_MAX (4 << 20) /* bytes of an unpacked message */
#define PACKED_MAX (BLOCK_MAX + (BLOCK_MAX >> 7)) /* zstd may not gain anything */
#define RECORDS_MAX 65536 /* in a block */
#define EVENT_KINDS_MAX 256 /* in the Header's tables */
#define LOSS_KINDS_MAX 256
#define ERRORS_MAX 128 /* different ones of an event at an owner */
#define OWNERS_MAX (1 << 20) /* above all owner indexes */
#define THREADS_MAX (1 << 20)
#define DROPS_MAX 65536

/* What an event carries in the file: what its hook costs is no matter there. */
#define KIND_CARRIES (EVENT_LATENCY | EVENT_PAGES | EVENT_ERRNO)

enum block_type {
	BLOCK_HEADER = 1,
	BLOCK_SNAPSHOT,
	BLOCK_OWNERS,
	BLOCK_THREADS,
	BLOCK_RECORDS,
	BLOCK_END,
};

/* A reader that does not know the type cannot go on without it. */
#define BLOCK_REQUIRED 1

/* In records: the page has no meaning. The other flags are those of struct gmem_record. */
#define FILE_NO_PAGE 0x80

/* How many lanes of tids have a previous page of their own. */
#define PAGE_LANES 256

struct block_head {
	__u32 type;
	__u32 flags;
	__u32 packed; /* bytes that follow */
	__u32 size; /* bytes unpacked */
	__u32 payload_crc; /* CRC-32 of what follows */
	__u32 crc; /* of the head up to here; kept by the functions below */
};

void file_head_pack(unsigned char bytes[FILE_HEAD_SIZE]);

/* The format's number, or 0 if it is no capture file. */
__u32 file_head_parse(const unsigned char bytes[FILE_HEAD_SIZE]);

void block_head_pack(unsigned char bytes[BLOCK_HEAD_SIZE], const struct block_head *head);

/* NULL, or what is wrong with the head. */
const char *block_head_parse(struct block_head *head, const unsigned char bytes[BLOCK_HEAD_SIZE]);

__u32 block_crc(const void *data, size_t size);

#endif
