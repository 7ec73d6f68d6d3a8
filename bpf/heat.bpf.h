/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where in its slot a guest fault falls, for those who ask for it. A slot that the VMM deletes and
 * makes anew may have another range: the first fault there takes counters that are free, and when
 * the kernel has committed the slot, those of the range before are added up and freed. No fault
 * can be counted there any more: the kernel has waited for all of them before it gave the slot up.
 * For the BPF programs only.
 */
#ifndef HEAT_BPF_H
#define HEAT_BPF_H

#include "state.bpf.h"

const volatile bool heat; /* is it asked for? */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set when loaded: by owner index */
	__type(key, __u32);
	__type(value, struct heat);
} heats SEC(".maps");

#define HEAT_ELSEWHERE_SHIFT 56 /* above all gfns, which have 52 bits */

/* Let the cache say where faults of the slot are counted. */
static __always_inline void heat_meet(struct slot_cache *cache, __u64 base_gfn, __u64 npages)
{
	__u64 range = heat_range(base_gfn, npages);
	struct heat *map;

	cache->heat_at = OWNER_INDEX(cache->owner);
	map = bpf_map_lookup_elem(&heats, &cache->heat_at);
	cache->heat_shift = HEAT_ELSEWHERE_SHIFT;
	cache->heat_bias = (__u64)HEAT_ELSEWHERE << HEAT_ELSEWHERE_SHIFT;
	for (int i = 0; map && i < 2 * HEAT_RANGES; i++) {
		__u64 *taken = &map->range[i % HEAT_RANGES];

		if (i >= HEAT_RANGES) /* none has it: take the first that is free */
			__sync_val_compare_and_swap(taken, 0, range);
		if (*taken != range)
			continue;
		cache->heat_shift = heat_shift(npages);
		cache->heat_bias =
			((__u64)(i % HEAT_RANGES * HEAT_CELLS) << cache->heat_shift) - base_gfn;
		return;
	}
}

/* A fault on @gfn of the slot in @cache is counted. */
static __always_inline void heat_count(const struct slot_cache *cache, __u64 gfn)
{
	__u64 i = (gfn + cache->heat_bias) >> cache->heat_shift;
	struct heat *map = bpf_map_lookup_elem(&heats, &cache->heat_at);

	if (map && i <= HEAT_ELSEWHERE)
		__sync_fetch_and_add(&map->count[i], 1);
}

static __always_inline void heat_fold(struct heat *map, int range)
{
	__u64 *cell = &map->count[range * HEAT_CELLS], sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < HEAT_CELLS; i++) {
		sum += cell[i];
		cell[i] = 0;
	}
	__sync_fetch_and_add(&map->count[HEAT_ELSEWHERE], sum);
	map->folds++;
	map->range[range] = 0;
}

/* The slot that is counted at owner @index has this range from now on. One at a time in a VM. */
__noinline int heat_change(__u32 index, __u64 base_gfn, __u64 npages)
{
	struct heat *map = bpf_map_lookup_elem(&heats, &index);

	if (!map)
		return 0;
	for (int i = 0; i < HEAT_RANGES; i++)
		if (map->range[i] && map->range[i] != heat_range(base_gfn, npages))
			heat_fold(map, i);
	return 0;
}

#endif
