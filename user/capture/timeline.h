/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened when: the events of a capture file at each slot, guest_memfd and VM, interval by
 * interval. From its snapshots or its records.
 */
#ifndef TIMELINE_H
#define TIMELINE_H

#include "capture_file.h"

/* Where: what tells one owner from another in all of the file. Without padding. */
struct timeline_place {
	__u64 kvm;
	__u64 ino; /* of a guest_memfd */
	__u32 pid;
	__u16 kind; /* enum owner_kind */
	__u16 event;
	__u32 as_id;
	__s32 id;
};

struct timeline_series {
	struct timeline_place place;
	char comm[GMEM_COMM_LEN]; /* of the VM */
	__u32 vm; /* its number in reports; NO_VM: not known, or no VM */
	struct event_count total;
	struct event_count **cells; /* [ncells]; NULL: nothing happened */
	struct event_count before; /* what there was at the end of the last cell */
};

struct timeline {
	__u64 *end_ns; /* [ncells] ascending: where each cell ends, from the start of the capture */
	size_t ncells;
	struct timeline_series *series; /* by place */
	size_t nseries;
	bool from_records;
	__u32 *index; /* series by the hash of their place, + 1 */
	size_t index_size;
};

/*
 * Read @events (1 << event) of @file from its begin to its end, in cells of @interval_ns, or, if
 * that is 0, in no more than @ncells. 0, or -1 with @problem filled. timeline_free() in any case.
 */
int timeline_read(struct timeline *timeline, struct capture_file *file, __u64 events,
		  __u64 interval_ns, size_t ncells, struct problem *problem);
void timeline_free(struct timeline *timeline);

/* How long @cell is. */
__u64 timeline_cell_ns(const struct timeline *timeline, size_t cell);

#endif
