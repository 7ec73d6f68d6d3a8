/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whom the records of events name, by numbers only: owners and threads. Says who they are before
 * they are named, and again when they have changed.
 */
#ifndef RECORD_NAMES_H
#define RECORD_NAMES_H

#include "capture/capture_file.h"
#include "live/session.h"

struct record_names;

/* For what @session records. NULL when out of memory. */
struct record_names *record_names_new(struct session *session);
void record_names_free(struct record_names *names); /* NULL is fine */

/* Write to @writer who is named by the @n records that come next. 0, or -1 with @problem filled. */
int record_names_write(struct record_names *names, const struct gmem_record *records, size_t n,
		       struct capture_writer *writer, struct problem *problem);

#endif
