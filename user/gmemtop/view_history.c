// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring of seconds. Seconds that are partly over hold what was counted in that part.
 */
#include <string.h>
#include "base/clock.h"
#include "view_history.h"

static float *second(struct history *history, __u64 n)
{
	return &history->count[n % HISTORY_SECONDS];
}

/* Seconds after the last one filled, up to that of @to_ns, begin empty. */
static void begin_seconds(struct history *history, __u64 to_ns)
{
	__u64 n = history->end_ns / NS_PER_S, last = to_ns / NS_PER_S;

	if (!history->end_ns || last - n >= HISTORY_SECONDS) {
		memset(history->count, 0, sizeof(history->count));
		return;
	}
	while (++n <= last)
		*second(history, n) = 0;
}

void history_add(struct history *history, __u64 from_ns, __u64 to_ns, __u64 count)
{
	__u64 span_ns = to_ns - from_ns, minute_ns = (HISTORY_SECONDS - 1) * NS_PER_S;

	if (to_ns <= from_ns || to_ns <= history->end_ns)
		return;
	begin_seconds(history, to_ns);
	history->end_ns = to_ns;
	if (span_ns > minute_ns)
		from_ns = to_ns - minute_ns;
	while (count && from_ns < to_ns) {
		__u64 next_ns = (from_ns / NS_PER_S + 1) * NS_PER_S;

		if (next_ns > to_ns)
			next_ns = to_ns;
		*second(history, from_ns / NS_PER_S) +=
			(float)((double)count * (double)(next_ns - from_ns) / (double)span_ns);
		from_ns = next_ns;
	}
}

/* Of column @i of @columns, the newest last: the mean of its seconds. */
static float column_mean(const struct history *history, unsigned int i, unsigned int columns)
{
	__u64 end = history->end_ns / NS_PER_S + HISTORY_SECONDS; /* never below 0 */
	unsigned int newest = (columns - 1 - i) * HISTORY_SECONDS / columns;
	unsigned int oldest = (columns - i) * HISTORY_SECONDS / columns;
	float sum = 0;

	for (unsigned int ago = newest; ago < oldest; ago++)
		sum += history->count[(end - ago) % HISTORY_SECONDS];
	return sum / (float)(oldest - newest);
}

void history_spark(const struct history *history, unsigned int columns, bool utf8, char *text)
{
	static const char *const levels[][9] = {
		{ " ", ".", ":", "-", "=", "+", "*", "%", "#" },
		{ " ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587",
		  "\u2588" },
	};
	float mean[HISTORY_SECONDS], most = 0;

	for (unsigned int i = 0; i < columns; i++) {
		mean[i] = column_mean(history, i, columns);
		most = mean[i] > most ? mean[i] : most;
	}
	*text = 0;
	for (unsigned int i = 0; i < columns; i++) {
		/* What happened is not shown as nothing. */
		int level = mean[i] > 0 ? 1 + (int)(mean[i] / most * 7.99F) : 0;

		level = level > 8 ? 8 : level;
		text = stpcpy(text, levels[utf8][level]);
	}
}
