/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread that reads the next block, and unpacks it if it has records, while what the last one had is
 * written somewhere. One block ahead, so that it takes the memory of one more. It judges nothing:
 * what it could not unpack, its reader tries again, and says. Private to capture_block_reader.c.
 */
#ifndef CAPTURE_AHEAD_H
#define CAPTURE_AHEAD_H

#include "capture_block_reader.h"

/*
 * Begin at the block that @blocks would read next; its stream is the thread's until ahead_stop(). NULL
 * when there is no memory, or no thread: it is not needed.
 */
struct block_ahead *ahead_start(const struct block_reader *blocks);

/* As blocks_read(). The block, and what of it was unpacked, becomes that of @blocks. */
enum got ahead_take(struct block_ahead *ahead, struct block_reader *blocks,
		    struct problem *problem);

/* Wait for the thread, and free it; NULL is fine. Blocks that it had read are gone. */
void ahead_stop(struct block_ahead *ahead);

#endif
