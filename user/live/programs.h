/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs that are attached: what they serve, how often they ran, and how often the kernel skipped
 * them.
 */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include "gmem.h"
#include "model/ladder.h"

struct object;
struct programs;

/* All that @choice has of @object, which both must outlive it. NULL when there is no memory. */
struct programs *programs_new(const struct object *object, struct choice *choice);
void programs_free(struct programs *programs);

/* What was skipped until now is no loss of the capture. */
void programs_start(struct programs *programs);

/* Run counts and skips of the choice's states, as they are now. */
void programs_refresh(struct programs *programs);

/* Does the kernel say that it has skipped ends of @event? As of the last programs_refresh(). */
bool programs_miss_ends(const struct programs *programs, enum gmem_event event);

/* As misses_tell(), as of the last programs_refresh(). */
void programs_tell_misses(const struct programs *programs, const __u64 *unended,
			  __u64 (*loss)[NR_LOSSES]);

#endif
