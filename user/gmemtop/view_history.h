/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last minute of one counter, second by second, and how it looks in a line of text.
 */
#ifndef VIEW_HISTORY_H
#define VIEW_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define HISTORY_SECONDS 60

struct history {
	__u64 end_ns; /* up to which it is filled; 0: not begun */
	float count[HISTORY_SECONDS]; /* second n of the clock is at n % HISTORY_SECONDS */
};

/* @count more between @from_ns and @to_ns, spread evenly. Times go up from call to call. */
void history_add(struct history *history, __u64 from_ns, __u64 to_ns, __u64 count);

/*
 * The minute before the end as @columns characters (1..HISTORY_SECONDS), the newest last, as high
 * as the most of them allows; blanks where nothing was. Writes at most 3 bytes a column and a NUL.
 */
void history_spark(const struct history *history, unsigned int columns, bool utf8, char *text);

#endif
