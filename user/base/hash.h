/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hash of all tables in user space whose keys come from outside: of every bit of the key, and
 * of a number that nobody who makes a file can know, so that none can choose keys that all collide.
 */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <linux/types.h>

/* Any bits of it are as good as any others. The same within a process. */
__u64 hash_id(__u64 id);

/* Of @size bytes. */
__u64 hash_bytes(const void *bytes, size_t size);

#endif
