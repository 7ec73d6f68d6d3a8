// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open addressing; half of the table stays empty.
 */
#include "id_map.h"
#include <errno.h>
#include <stdlib.h>
#include "hash.h"

/* Where @id is, or would be. */
static struct id_entry *find(struct id_entry *entries, size_t size, __u64 id)
{
	size_t at = hash_id(id) & (size - 1);

	while (entries[at].number && entries[at].id != id)
		at = (at + 1) & (size - 1);
	return &entries[at];
}

static int grow(struct id_map *map)
{
	size_t size = map->size * 2 ?: 64;
	struct id_entry *entries = calloc(size, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < map->size; i++)
		if (map->entries[i].number)
			*find(entries, size, map->entries[i].id) = map->entries[i];
	free(map->entries);
	map->entries = entries;
	map->size = size;
	return 0;
}

/* Where @id is or goes; NULL when out of memory. */
static struct id_entry *make(struct id_map *map, __u64 id)
{
	if (map->n * 2UL >= map->size && grow(map))
		return NULL;
	return find(map->entries, map->size, id);
}

int id_map_set(struct id_map *map, __u64 id, __u32 number)
{
	struct id_entry *entry = make(map, id);

	if (!entry)
		return -ENOMEM;
	map->n += !entry->number;
	*entry = (struct id_entry){ id, number };
	return 0;
}

__u32 id_map_find(const struct id_map *map, __u64 id)
{
	return map->n ? find(map->entries, map->size, id)->number : 0;
}

int id_map_number(struct id_map *map, __u64 id, __u32 *number)
{
	struct id_entry *entry = make(map, id);
	int is_new;

	if (!entry)
		return -ENOMEM;
	is_new = !entry->number;
	if (is_new)
		*entry = (struct id_entry){ id, ++map->n };
	*number = entry->number;
	return is_new;
}

void id_map_free(struct id_map *map)
{
	free(map->entries);
	*map = (struct id_map){ 0 };
}
