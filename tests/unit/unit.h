/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmocka with what it wants included first, and what several tests need.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The same pseudo-random numbers in each run (xorshift64). */
static inline unsigned long long unit_random(unsigned long long *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
