/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clocks in nanoseconds.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <time.h>
#include <linux/types.h>

#define NS_PER_S 1000000000ULL

static inline __u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

#endif
