/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From records to what the kernel would have counted: a snapshot of all events seen so far.
 */
#ifndef CAPTURE_REBUILD_H
#define CAPTURE_REBUILD_H

#include "capture_file.h"

struct rebuild;

/* NULL when out of memory. Latencies below @min_latency_ns stay out of histograms. */
struct rebuild *rebuild_new(__u64 min_latency_ns);

/* From here on records of @index are of @owner. 0 or -ENOMEM; so the others. */
int rebuild_owner(struct rebuild *rebuild, __u32 index, const struct capture_owner *owner);

int rebuild_records(struct rebuild *rebuild, const struct gmem_record *records, size_t n);

/* What @file has just handed on: records and the owners that they name; the end, and with it the
 * owners that nothing happened at. */
int rebuild_from(struct rebuild *rebuild, const struct capture_file *file,
		 const struct capture_item *item);

/* When the last of the events ended, CLOCK_MONOTONIC; 0: there was none. */
__u64 rebuild_end_ns(const struct rebuild *rebuild);

/* What was counted so far; the caller frees it. Events of an owner that nothing was said of are in
 * its losses. */
int rebuild_snapshot(const struct rebuild *rebuild, struct snapshot *snap);

void rebuild_free(struct rebuild *rebuild);

#endif
