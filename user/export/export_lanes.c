// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lane is a stack of what has not ended yet, at the time of the last that began.
 */
#include "base/arrays.h"
#include "export_lanes.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include "model/model.h"

#define DEPTH 16 /* events inside each other; the kernel has some four */

struct lane {
	__u64 begin_ns;
	__u64 end_ns[DEPTH]; /* the outermost first */
	unsigned int depth;
};

static bool fits(struct lane *lane, __u64 begin_ns, __u64 end_ns)
{
	if (begin_ns < lane->begin_ns)
		return false;
	while (lane->depth && lane->end_ns[lane->depth - 1] <= begin_ns)
		lane->depth--;
	if (lane->depth == DEPTH || (lane->depth && lane->end_ns[lane->depth - 1] < end_ns))
		return false;
	lane->begin_ns = begin_ns;
	lane->end_ns[lane->depth++] = end_ns;
	return true;
}

static struct lane *find_lane(struct export_lanes *lanes, __u32 tid, int lane)
{
	__u32 number;

	if (id_map_number(&lanes->numbers, (__u64)lane << 32 | tid, &number) < 0)
		return NULL;
	while (lanes->n <= number)
		if (!array_append(&lanes->lanes, &lanes->n, sizeof(*lanes->lanes)))
			return NULL;
	return &lanes->lanes[number];
}

int export_lane(struct export_lanes *lanes, __u32 tid, __u64 begin_ns, __u64 end_ns)
{
	for (int i = 0; i < LANES_MAX; i++) {
		struct lane *lane = find_lane(lanes, tid, i);

		if (!lane)
			return -ENOMEM;
		if (fits(lane, begin_ns, end_ns))
			return i;
	}
	return LANES_MAX;
}

void export_lanes_free(struct export_lanes *lanes)
{
	id_map_free(&lanes->numbers);
	free(lanes->lanes);
}
