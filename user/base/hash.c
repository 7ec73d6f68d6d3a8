// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multiplication carries low bits up, shifts bring high ones down.
 */
#include "hash.h"
#include <sys/random.h>

static __u64 seed(void)
{
	static __u64 number;

	/* Without randomness, as early at boot, tables still work. */
	if (!number && getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = 1;
	return number;
}

static __u64 mix(__u64 hash)
{
	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL;
	hash = (hash ^ hash >> 29) * 0xc2b2ae3d27d4eb4fULL;
	return hash ^ hash >> 32;
}

__u64 hash_id(__u64 id)
{
	return mix(id ^ seed());
}

__u64 hash_bytes(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	__u64 hash = seed();

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * 1099511628211ULL;
	return mix(hash);
}
