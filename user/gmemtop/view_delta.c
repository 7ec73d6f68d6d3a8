// SPDX-License-Identifier: GPL-2.0-only
/*
 * Differences of counts. The programs go on counting while a snapshot is read, so a part may be an
 * event ahead of another; no difference is ever negative for that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/since.h"
#include "view_delta.h"

static const struct event_count none;

static int errs_since(struct event_count *delta, const struct event_count *now,
		      const struct event_count *before)
{
	size_t j = 0;

	if (!now->nerrs)
		return 0;
	delta->errs = calloc(now->nerrs, sizeof(*delta->errs));
	if (!delta->errs)
		return -ENOMEM;
	for (size_t i = 0; i < now->nerrs; i++) {
		__u64 old = 0, n;

		while (j < before->nerrs && before->errs[j].err < now->errs[i].err)
			j++;
		if (j < before->nerrs && before->errs[j].err == now->errs[i].err)
			old = before->errs[j].count;
		n = count_since(now->errs[i].count, old);
		if (n)
			delta->errs[delta->nerrs++] = (struct errno_count){ now->errs[i].err, n };
	}
	return 0;
}

static int details_since(struct event_count *delta, const struct event_count *now,
			 const struct event_count *before)
{
	__u64 old[NR_DETAILS] = { 0 };

	if (!now->ndetails)
		return 0;
	delta->details = calloc(now->ndetails, sizeof(*delta->details));
	if (!delta->details)
		return -ENOMEM;
	for (size_t i = 0; i < before->ndetails; i++)
		old[before->details[i].detail] = before->details[i].count;
	for (size_t i = 0; i < now->ndetails; i++) {
		enum gmem_detail detail = now->details[i].detail;
		__u64 n = count_since(now->details[i].count, old[detail]);

		if (n)
			delta->details[delta->ndetails++] = (struct detail_count){ detail, n };
	}
	return 0;
}

static void extremes_since(struct event_count *delta, const struct event_count *now,
			   const struct event_count *before)
{
	const struct buckets *latency = &delta->latency;
	unsigned int first = latency->first, last = first + latency->n - 1;

	delta->min_ns = now->min_ns;
	delta->max_ns = now->max_ns;
	if (!event_count_timed(before) || !buckets_total(latency)) /* or without a histogram */
		return;
	while (!buckets_at(latency, first))
		first++;
	while (!buckets_at(latency, last))
		last--;
	if (now->min_ns == before->min_ns && hist_low_ns(first) > now->min_ns)
		delta->min_ns = hist_low_ns(first);
	if (now->max_ns == before->max_ns && hist_high_ns(last) &&
	    hist_high_ns(last) - 1 < now->max_ns)
		delta->max_ns = hist_high_ns(last) - 1;
}

static int add_since(struct event_count *to, const struct event_count *now,
		     const struct event_count *before)
{
	struct event_count delta = {
		.event = now->event,
		.count = count_since(now->count, before->count),
		.untimed = count_since(now->untimed, before->untimed),
		.sum_ns = count_since(now->sum_ns, before->sum_ns),
		.npages = count_since(now->npages, before->npages),
	};
	int err;

	if (!delta.count)
		return 0;
	err = buckets_since(&delta.latency, &now->latency, &before->latency) ?: errs_since(&delta, now, before) ?:
	      details_since(&delta, now, before);
	extremes_since(&delta, now, before);
	if (!err && !to->count) { /* nothing to merge with */
		*to = delta;
		return 0;
	}
	err = err ?: event_count_add(to, &delta);
	event_count_free(&delta);
	return err;
}

int event_totals_add_since(struct event_totals *to, const struct event_counts *now,
			   const struct event_counts *before)
{
	size_t j = 0;
	int err = 0;

	for (size_t i = 0; i < now->n && !err; i++) {
		enum gmem_event event = now->v[i].event;
		const struct event_count *old = &none;

		while (before && j < before->n && before->v[j].event < event)
			j++;
		if (before && j < before->n && before->v[j].event == event)
			old = &before->v[j];
		err = add_since(&to->v[event], &now->v[i], old);
	}
	return err;
}

int event_totals_since(struct event_totals *to, const struct event_totals *now,
		       const struct event_totals *before)
{
	int err = 0;

	for (int event = 0; event < NR_EVENTS && !err; event++)
		err = add_since(&to->v[event], &now->v[event], before ? &before->v[event] : &none);
	return err;
}
