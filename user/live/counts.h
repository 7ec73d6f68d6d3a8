/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each owner has counted, from the kernel's maps to event_counts. For snapshot.c and recycle.c.
 */
#ifndef COUNTS_H
#define COUNTS_H

#include "session.h"

struct error_count;

struct counts_reader {
	struct session_arrays arrays;
	struct fault_tallies tallies[TALLIED_EVENTS];
	struct error_count *errors; /* by owner, event, errno */
	size_t nerrors;
};

/* See which errors and tallies there are. 0 or a negative errno; counts_close() in any case. */
int counts_open(struct counts_reader *reader, const struct session_arrays *arrays);
void counts_close(struct counts_reader *reader);

/* What was counted at the owner with this handle, into the empty @counts. 0 or a negative errno. */
int counts_read(const struct counts_reader *reader, __u32 owner, struct event_counts *counts);

/* Delete its errors from the kernel's table. */
void counts_forget_errors(const struct counts_reader *reader, __u32 owner);

#endif
