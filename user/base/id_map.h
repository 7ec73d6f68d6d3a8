/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small numbers for large ones: the first that is asked for is 1, the second 2, and so on.
 */
#ifndef ID_MAP_H
#define ID_MAP_H

#include <stddef.h>
#include <linux/types.h>

struct id_entry {
	__u64 id;
	__u32 number; /* 0: empty */
};

/* Zeroed: empty. Freed by its owner with id_map_free(). */
struct id_map {
	struct id_entry *entries; /* hashed; a power of two */
	size_t size;
	__u32 n;
};

/* The number of @id goes to @number. 1 when it is new, 0 when it is not, -ENOMEM. */
int id_map_number(struct id_map *map, __u64 id, __u32 *number);

/* The number of @id is @number, above 0, from now on. 0 or -ENOMEM. Not with id_map_number(). */
int id_map_set(struct id_map *map, __u64 id, __u32 number);

/* The number of @id; 0 for none. */
__u32 id_map_find(const struct id_map *map, __u64 id);

void id_map_free(struct id_map *map);

#endif
