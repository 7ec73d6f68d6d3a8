/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decimal digits, for files of millions of lines, where printf() takes most of the time.
 */
#ifndef DIGITS_H
#define DIGITS_H

#include <linux/types.h>

#define DIGITS_MAX 20 /* of any number */

/* Those of @number go to @at, without a NUL. Returns what comes after the last. */
char *digits_put(char *at, __u64 number);

/* Likewise exactly @n of them, with zeros before; @number has no more. */
char *digits_put_exactly(char *at, __u64 number, unsigned int n);

#endif
