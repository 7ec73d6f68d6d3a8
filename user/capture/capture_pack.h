/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the model to the messages of a capture file. Memory comes from the arena; each returns NULL
 * when there is none. What a message points at may belong to the model. Private to capture_*.c.
 */
#ifndef CAPTURE_PACK_H
#define CAPTURE_PACK_H

#include "base/id_map.h"
#include "capture_arena.h"
#include "capture_file.h"
#include "capture/capture.pb-c.h"

/* But for the clocks. */
Cap__Header *pack_header(struct arena *arena, const struct capture *capture);

/*
 * All of @capture->snap, however large. VMs get numbers from @vms, which goes with the file: where
 * they are in the kernel is nobody's business.
 */
Cap__Snapshot *pack_snapshot(struct arena *arena, struct id_map *vms,
			     const struct capture *capture);

struct indexed_owner {
	__u32 handle;
	struct capture_owner owner;
};

Cap__Owners *pack_owners(struct arena *arena, struct id_map *vms,
			 const struct indexed_owner *owners, size_t n);
Cap__Threads *pack_threads(struct arena *arena, const struct capture_thread *threads, size_t n);

/* @n is at most RECORDS_MAX. */
Cap__Records *pack_records(struct arena *arena, const struct gmem_record *records, size_t n);

/* But for the clocks and the totals. */
Cap__End *pack_end(struct arena *arena, const struct capture *capture,
		   const struct capture_drop *drops, size_t ndrops);

#endif
