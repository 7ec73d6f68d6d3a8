/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A capture on disk, docs/capture-format.md: what a capture was, snapshots of what had been counted
 * by some moments, and, if wanted, every event. Written in whole blocks from begin to end, so that
 * what a killed writer or a full disk leaves behind can be read; read from begin to end in memory
 * that does not grow with the number of events. Readers trust nothing in it.
 */
#ifndef CAPTURE_FILE_H
#define CAPTURE_FILE_H

#include <stdio.h>
#include "base/problem.h"
#include "gmem.h"
#include "model/capture.h"

/* Who an event is counted at, for those who read events; kept by its owner index. */
struct capture_owner {
	enum owner_kind kind;
	__u32 vm; /* owner index of its VM; 0: the host */
	union {
		struct vm_info vm_info;
		struct slot_info slot;
		struct gmem_info gmem;
	};
};

struct capture_thread {
	__u32 tid;
	__u32 pid;
	char comm[GMEM_COMM_LEN]; /* "CPU 0/KVM" */
};

/*
 * Writing. Each function but the first two returns 0, or -1 with @problem filled (a full disk, an
 * I/O error, a file that was removed, replaced or written to by others); the file then is readable
 * up to its last whole block, and later calls fail too.
 */
struct capture_writer;
struct capture_destination;

/*
 * Empty the file at @destination, which has been made, and say in it what @capture is; the clocks are
 * taken now. What the destination holds is the writer's from then on, also when it fails. NULL with
 * @problem filled.
 */
struct capture_writer *capture_begin(struct capture_destination *destination,
				     const struct capture *capture, struct problem *problem);

/* Likewise at @path, whatever is there (EXIT_USAGE when it cannot be written to). */
struct capture_writer *capture_create(const char *path, const struct capture *capture,
				      struct problem *problem);

/* @capture->snap as it is now, @capture->duration_ns after the start. */
int capture_write_snapshot(struct capture_writer *writer, const struct capture *capture,
			   struct problem *problem);

/* An owner or a thread that records after this one may name; again when it has changed. */
int capture_write_owner(struct capture_writer *writer, __u32 handle,
			const struct capture_owner *owner, struct problem *problem);
int capture_write_thread(struct capture_writer *writer, const struct capture_thread *thread,
			 struct problem *problem);

/* Records, in about the order of their time; gathered until they fill a block. */
int capture_write_records(struct capture_writer *writer, const struct gmem_record *records,
			  size_t n, struct problem *problem);

/* Everything given so far goes to the kernel, as a block that is not full if need be. */
int capture_flush(struct capture_writer *writer, struct problem *problem);

/* The last words: how @capture ended, and its drops. Written, synced and closed; frees the writer,
 * also when it fails. */
int capture_finish(struct capture_writer *writer, const struct capture *capture,
		   const struct capture_drop *drops, size_t ndrops, struct problem *problem);

/* Bytes and records that are in the file by now. */
struct capture_size {
	__u64 nbytes;
	__u64 nrecords;
};

struct capture_size capture_size(const struct capture_writer *writer);

/* Close without last words: the file says of itself that it is incomplete. Frees; NULL is fine. */
void capture_abandon(struct capture_writer *writer);

/* Reading. */
struct capture_file;

/* NULL with @problem filled (EXIT_USAGE) when it is no capture that we can read. */
struct capture_file *capture_open(const char *path, struct problem *problem);

/* Likewise what @stream has, called @name in messages; takes the stream over, whatever comes. A
 * snapshot may take @budget bytes. */
struct capture_file *capture_open_stream(FILE *stream, const char *name, size_t budget,
					 struct problem *problem);
void capture_close(struct capture_file *file);

/* Read it however much it unpacks to; without, a file that does not fit its own size is refused. */
void capture_force(struct capture_file *file);

enum capture_item_kind {
	CAPTURE_END, /* no more; capture_meta() now knows how it ended */
	CAPTURE_SNAPSHOT,
	CAPTURE_RECORDS,
};

/* The next thing in the file; what it points at is valid until the next call. */
struct capture_item {
	enum capture_item_kind kind;
	const struct capture *capture; /* CAPTURE_SNAPSHOT: as it stood then */
	const struct gmem_record *records; /* CAPTURE_RECORDS */
	size_t nrecords;
};

/*
 * What the reader is after: records are not even unpacked for those who do not want them, nor are
 * snapshots for who wants the last only, which is not handed on, but in capture_meta() at the end.
 */
#define CAPTURE_WANT_SNAPSHOTS 1
#define CAPTURE_WANT_RECORDS 2
#define CAPTURE_WANT_LAST 4

/* 0, or -1 with @problem filled (EXIT_USAGE: damaged, and where). An end without last words is no
 * problem, but capture_incomplete(). */
int capture_next(struct capture_file *file, unsigned int wants, struct capture_item *item,
		 struct problem *problem);

/*
 * Who will take a while over the records asks that a thread unpacks the next ones meanwhile; until
 * capture_rewind() or the end. What capture_next() says is the same.
 */
void capture_read_ahead(struct capture_file *file);

/* Back to the begin, for those who read twice. 0 or -1 with @problem filled. */
int capture_rewind(struct capture_file *file, struct problem *problem);

/* What is known of the capture as a whole so far; .snap is the last snapshot met, or NULL; .drops,
 * .note and .incomplete are known at the end. */
const struct capture *capture_meta(const struct capture_file *file);

/* CLOCK_MONOTONIC at the start, and what to add to it for CLOCK_REALTIME. */
__u64 capture_start_ns(const struct capture_file *file);
__s64 capture_realtime_offset_ns(const struct capture_file *file);

/* Why the file is not all of the capture; NULL when it is, or not known before the end. As
 * capture_meta()->incomplete. */
const char *capture_incomplete(const struct capture_file *file);

/*
 * For those who keep many: its end has been read, and all that reading took is given back. Of @file only
 * capture_meta() and capture_incomplete() may be asked any more, and capture_close() is still due.
 * Its last snapshot, of which the caller may leave out what he does not need; NULL: there is none.
 */
struct snapshot *capture_settle(struct capture_file *file);

/* NULL for an index or a thread not met yet. */
const struct capture_owner *capture_owner(const struct capture_file *file, __u32 index);
const struct capture_thread *capture_thread(const struct capture_file *file, __u32 tid);

/* A number above the indexes of all owners met so far. */
__u32 capture_owners(const struct capture_file *file);

/* Of the whole capture, known at its end; NULL, 0: none. As capture_meta()->drops. */
const struct capture_drop *capture_drops(const struct capture_file *file, size_t *n);

/* How far the reader is, 0 to 1: for those who show progress. */
double capture_progress(const struct capture_file *file);

#endif
