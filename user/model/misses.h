/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What events the kernel has missed, from how often it has skipped which program: each is told once, of
 * its event where that is known.
 */
#ifndef MISSES_H
#define MISSES_H

#include <stdbool.h>
#include <stddef.h>
#include "gmem.h"

/* A program that is attached. */
struct used_program {
	__u64 events; /* 1 << event: all that it serves; 0: a keeper's */
	bool ends; /* it is called for the ends of functions whether it was skipped at their begins or not */
	__u64 skipped; /* how often, since the start: it was active already on that CPU */
};

/*
 * What was missed, into @loss: LOSS_MISSED is, on entry, how many ends without a begin the programs of an
 * event have seen. Of a program that serves several events it may not be known which were missed:
 * LOSS_SHARED, of its first one. LOSS_KEEPER: of @first, an event that is attached. @unended: [NR_EVENTS], those
 * that have begun and not ended, once nothing is counted any more; until then 0, since most are under way.
 */
void misses_tell(const struct used_program *programs, size_t n, const __u64 *unended,
		 enum gmem_event first, __u64 (*loss)[NR_LOSSES]);

#endif
