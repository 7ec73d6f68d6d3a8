/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much a counter has moved on. The programs go on counting while it is read, and what it is made
 * of is not read at one moment, so it can seem to go back a little; a difference never does.
 */
#ifndef SINCE_H
#define SINCE_H

#include <linux/types.h>

static inline __u64 count_since(__u64 now, __u64 before)
{
	return now > before ? now - before : 0;
}

#endif
