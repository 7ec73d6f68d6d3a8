// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histograms of which only a part is kept.
 */
#include "buckets.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/since.h"

__u64 buckets_total(const struct buckets *buckets)
{
	__u64 total = 0;

	for (unsigned int i = 0; i < buckets->n; i++)
		total += buckets->v[i];
	return total;
}

__u64 *buckets_widen(struct buckets *buckets, unsigned int first, unsigned int n)
{
	unsigned int end = first + n, had_end = buckets->first + buckets->n;
	unsigned int had = buckets->first;
	__u64 *v;

	if (buckets->n && first >= had && end <= had_end)
		return buckets->v + first - had;
	if (buckets->n) {
		had = had < first ? had : first;
		end = end > had_end ? end : had_end;
	} else {
		had = first;
	}
	v = calloc(end - had, sizeof(*v));
	if (!v)
		return NULL;
	if (buckets->n)
		memcpy(v + buckets->first - had, buckets->v, buckets->n * sizeof(*v));
	free(buckets->v);
	*buckets = (struct buckets){ v, had, end - had };
	return v + first - had;
}

static int add_part(struct buckets *to, const __u64 *from, unsigned int first, unsigned int n)
{
	__u64 *v = n ? buckets_widen(to, first, n) : NULL;

	if (!v)
		return n ? -ENOMEM : 0;
	for (unsigned int i = 0; i < n; i++)
		v[i] += from[i];
	return 0;
}

int buckets_add(struct buckets *to, const struct buckets *from)
{
	return add_part(to, from->v, from->first, from->n);
}

#define OCTAVE HIST_SUB

/* Nothing in the octave from @v on. There are many of these, hence no loop that ends early. */
static bool octave_is_empty(const __u64 *v)
{
	__u64 any = 0;

	for (int i = 0; i < OCTAVE; i++)
		any |= v[i];
	return !any;
}

int buckets_add_all(struct buckets *to, const __u64 from[HIST_BUCKETS])
{
	unsigned int first = 0, end = HIST_BUCKETS;

	while (first + OCTAVE <= end && octave_is_empty(from + first))
		first += OCTAVE;
	while (end >= first + OCTAVE && octave_is_empty(from + end - OCTAVE))
		end -= OCTAVE;
	while (first < end && !from[first])
		first++;
	while (end > first && !from[end - 1])
		end--;
	return add_part(to, from + first, first, end - first);
}

int buckets_since(struct buckets *to, const struct buckets *now, const struct buckets *before)
{
	__u64 *v = now->n ? buckets_widen(to, now->first, now->n) : NULL;

	if (!v)
		return now->n ? -ENOMEM : 0;
	for (unsigned int i = 0; i < now->n; i++) {
		__u64 old = buckets_at(before, now->first + i);

		v[i] = count_since(now->v[i], old);
	}
	return 0;
}

void buckets_free(struct buckets *buckets)
{
	free(buckets->v);
	*buckets = (struct buckets){ 0 };
}
