/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers for people: short, rounded to what matters, never wider than a column. Machines get
 * exact numbers and need none of this.
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <linux/types.h>

#define NUMBER_LEN 24

/* How many ns the unit is: "ns", "us", "µs", "ms", "s"; 0 for any other word. */
double number_ns_of(const char *unit);

/* Each writes to @buf of NUMBER_LEN bytes and returns it; rounded half up. */

/* "850ns", "4.1µs", "41ms", "68s"; "us" unless @utf8. At most 5 columns below 1,000 s. */
const char *number_latency(char *buf, __u64 ns, bool utf8);

/* "999", "12.3k", "123k", "1.2M" ... "18.4E". At most 5 columns. */
const char *number_short(char *buf, __u64 n);

/* "512B", "4KiB", "1.5GiB"; whole multiples without a fraction. */
const char *number_bytes(char *buf, __u64 bytes);

/* "0.25", "12.5", "12.3k"; what is above 0 is never "0". */
const char *number_per_second(char *buf, double rate);

/* @count per second over @duration_ns: "0.25", "12.5", "12.3k"; "-" when no time has passed. */
const char *number_rate(char *buf, __u64 count, __u64 duration_ns);

#endif
