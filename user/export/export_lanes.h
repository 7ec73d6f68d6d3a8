/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which slices of a thread can be on one track: those that nest. All of a thread do, on its lane 0;
 * but a capture can hold anything. Private to export*.c.
 */
#ifndef EXPORT_LANES_H
#define EXPORT_LANES_H

#include "base/id_map.h"

#define LANES_MAX 16

/* Zeroed: empty. Freed by its owner with export_lanes_free(). */
struct export_lanes {
	struct id_map numbers; /* of lanes, by thread and lane */
	struct lane *lanes; /* by number */
	size_t n;
};

/*
 * The lane of @tid for what takes from @begin_ns to @end_ns: 0, or a higher one where it would cut
 * another in two, or came too late to say. LANES_MAX when none is left; -ENOMEM.
 */
int export_lane(struct export_lanes *lanes, __u32 tid, __u64 begin_ns, __u64 end_ns);

void export_lanes_free(struct export_lanes *lanes);

#endif
