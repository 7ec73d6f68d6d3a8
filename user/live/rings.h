/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring buffers through which the BPF programs send each event, one for each CPU: made, read, and
 * what did not fit into them. One thread reads.
 */
#ifndef RINGS_H
#define RINGS_H

#include <stddef.h>
#include "gmem.h"

struct rings;

/* How big each is for @size_bytes asked for (0: the default): a power of two, whole pages. */
size_t rings_size(size_t size_bytes);

/* How full one is, in bytes, when its reader is to be woken. */
size_t rings_wake_bytes(size_t size_bytes);

/*
 * Make them, each of rings_size(@size_bytes), and put them into the map of maps @rings_fd, by CPU.
 * What does not fit is counted in the map @drops_fd. Both stay the caller's. NULL with errno set.
 */
struct rings *rings_open(int rings_fd, int drops_fd, size_t size_bytes);
void rings_close(struct rings *rings); /* NULL is fine */

/* Wait for one to be filled as far as rings_wake_bytes() says, at most @timeout_ms. */
void rings_wait(const struct rings *rings, int timeout_ms);

/*
 * Take records that are there, at most @max, in the order of each CPU. Fewer than @max: no more were
 * there when their rings were looked at.
 */
size_t rings_read(struct rings *rings, struct gmem_record *records, size_t max);

/* How often all of them were found empty, so that what had been sent before the time before was read. */
__u64 rings_drains(const struct rings *rings);

/* One more than the highest number of a CPU that there can be. */
unsigned int rings_cpus(const struct rings *rings);

/* How many records of @event did not fit, by the CPU's number: @counts[rings_cpus()]. 0 or a negative errno. */
int rings_dropped(const struct rings *rings, enum gmem_event event, __u64 *counts);

#endif
