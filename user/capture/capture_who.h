/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who it was: the owners and threads that a capture file has told of so far, and that its records
 * name. Private to capture_reader.c.
 */
#ifndef CAPTURE_WHO_H
#define CAPTURE_WHO_H

#include "capture_block_reader.h"
#include "capture_file.h"

struct thread_entry;

/* Starts zeroed. */
struct capture_who {
	struct capture_owner *owners; /* by index */
	__u32 nowners; /* above all indexes */
	struct thread_entry *threads; /* hashed; a power of two */
	size_t threads_size, nthreads;
};

/* What the block that was read tells of. 0, or -1 with @problem filled. */
int who_read_owners(struct capture_who *who, struct block_reader *blocks, struct problem *problem);
int who_read_threads(struct capture_who *who, struct block_reader *blocks, struct problem *problem);

/* NULL for an index or a thread not met yet. */
const struct capture_owner *who_owner(const struct capture_who *who, __u32 index);
const struct capture_thread *who_thread(const struct capture_who *who, __u32 tid);

void who_free(struct capture_who *who);

#endif
