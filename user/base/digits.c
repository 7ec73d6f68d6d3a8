// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two digits at a time, the last ones first: half the divisions.
 */
#include "digits.h"
#include <string.h>

/* clang-format off */
static const char pairs[] =
	"00010203040506070809" "10111213141516171819" "20212223242526272829"
	"30313233343536373839" "40414243444546474849" "50515253545556575859"
	"60616263646566676869" "70717273747576777879" "80818283848586878889"
	"90919293949596979899";
/* The first with more digits than the index: 0 has one. */
static const __u64 powers[] = {
	0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000,
	100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000,
	10000000000000000, 100000000000000000, 1000000000000000000, 10000000000000000000ULL,
};
/* clang-format on */

/* By its bits, each of which is 0.30103 of a digit. */
static unsigned int count(__u64 number)
{
	unsigned int n = (64 - __builtin_clzll(number | 1)) * 1233 >> 12;

	return n + (number >= powers[n]);
}

char *digits_put_exactly(char *at, __u64 number, unsigned int n)
{
	char *end = at + n, *to = end;

	for (; n > 1; n -= 2, number /= 100)
		memcpy(to -= 2, &pairs[number % 100 * 2], 2);
	if (n)
		to[-1] = '0' + number;
	return end;
}

char *digits_put(char *at, __u64 number)
{
	return digits_put_exactly(at, number, count(number));
}
