// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one owner has counted: its statistics, what CPUs have of it in tallies, and its errors.
 */
#include "counts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "base/arrays.h"
#include "model/events.h"

struct error_count {
	struct error_key key;
	__u64 count;
};

static int compare_errors(const void *a, const void *b)
{
	const struct error_key *x = a, *y = b;

	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	if (x->event != y->event)
		return x->event < y->event ? -1 : 1;
	return (x->err > y->err) - (x->err < y->err);
}

static int add_errors(struct counts_reader *reader, const struct error_key *keys,
		      const __u64 *counts, size_t n)
{
	struct error_count *error;

	for (size_t i = 0; i < n; i++) {
		error = array_append(&reader->errors, &reader->nerrors, sizeof(*error));
		if (!error)
			return -ENOMEM;
		*error = (struct error_count){ keys[i], counts[i] };
	}
	return 0;
}

#define BATCH 512 /* more than the longest chain of the kernel's hash will ever be */

static int read_errors(struct counts_reader *reader)
{
	struct error_key keys[BATCH];
	__u64 counts[BATCH];
	__u32 n, at, *from = NULL; /* a place in the kernel's hash */
	int err;

	do {
		n = BATCH;
		err = bpf_map_lookup_batch(reader->arrays.errors_fd, from, &at, keys, counts, &n,
					   NULL);
		if (err && err != -ENOENT) /* which says that this was the last */
			return err;
		if (add_errors(reader, keys, counts, n))
			return -ENOMEM;
		from = &at;
	} while (!err);
	if (reader->nerrors)
		qsort(reader->errors, reader->nerrors, sizeof(*reader->errors), compare_errors);
	return 0;
}

/* The first error at or after @key. */
static size_t errors_from(const struct counts_reader *reader, const struct error_key *key)
{
	size_t low = 0, high = reader->nerrors;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_errors(&reader->errors[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int read_event_errors(const struct counts_reader *reader, __u32 owner,
			     struct event_count *count)
{
	struct error_key from = { .owner = owner, .event = count->event };
	struct error_key to = { .owner = owner, .event = count->event + 1 };
	size_t first = errors_from(reader, &from), end = errors_from(reader, &to);

	if (first == end)
		return 0;
	count->errs = calloc(end - first, sizeof(*count->errs));
	if (!count->errs)
		return -ENOMEM;
	for (size_t i = first; i < end; i++)
		count->errs[count->nerrs++] =
			(struct errno_count){ reader->errors[i].key.err, reader->errors[i].count };
	return 0;
}

/* What is known of one event at one owner, besides its errors. */
struct stat_sum {
	struct event_stat stat;
	__u64 detail[NR_DETAILS];
	struct buckets latency;
};

/* An event is counted first: read in the other order, no histogram has more than the count. */
static int read_latency(const struct session_arrays *arrays, const struct event_stat *stat,
			bool has_first, struct stat_sum *sum)
{
	__u32 hist = __atomic_load_n(&stat->hist, __ATOMIC_ACQUIRE);
	__u64 *first;
	int err = 0;

	if (hist && hist < arrays->max_histograms)
		err = buckets_add_all(&sum->latency, arrays->histograms[hist].bucket);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	sum->stat = *stat;
	stat = &sum->stat;
	if (err || !has_first || !stat->count)
		return err;
	/* The first one is kept outside of the histogram. */
	first = buckets_widen(&sum->latency, hist_bucket(stat->first_ns), 1);
	if (!first)
		return -ENOMEM;
	(*first)++;
	return 0;
}

static bool is_sampled(const struct counts_reader *reader, enum gmem_event event)
{
	return reader->arrays.sampled && event == EV_GUEST_FAULT;
}

static int read_sum(const struct counts_reader *reader, __u32 handle, enum gmem_event event,
		    struct stat_sum *sum)
{
	const struct owner *owner = &reader->arrays.owners[OWNER_INDEX(handle)];
	int err = 0;

	if (event_descs[event].carries & EVENT_LATENCY)
		err = read_latency(&reader->arrays, &owner->stat[event],
				   reader->arrays.firsts && !is_sampled(reader, event), sum);
	else
		sum->stat = owner->stat[event];
	memcpy(sum->detail, owner->detail, sizeof(sum->detail));
	if (event < TALLIED_EVENTS && !err)
		err = fault_tallies_add(&reader->tallies[event], handle, &sum->stat,
					&sum->detail[events_first_detail(event)], &sum->latency);
	return err;
}

/* While events are counted; after the end none is folded any more. */
#define FOLD_TRIES 10000
#define FOLD_SPINS 10 /* then the one who folds has been preempted, and is let run */
#define FOLD_WAIT_US 1000

/* The same, but not while tallies are folded into the owner: counts would be read twice, or not at all. */
static int read_sum_whole(const struct counts_reader *reader, __u32 handle, enum gmem_event event,
			  struct stat_sum *sum)
{
	const struct owner *owner = &reader->arrays.owners[OWNER_INDEX(handle)];
	const struct event_stat *stat = &owner->stat[event];
	__u32 done;
	int err;

	for (int i = 0; i < FOLD_TRIES; i++) {
		done = __atomic_load_n(&stat->folds_done, __ATOMIC_ACQUIRE);
		*sum = (struct stat_sum){};
		err = read_sum(reader, handle, event, sum);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (err || __atomic_load_n(&stat->folds_begun, __ATOMIC_RELAXED) == done)
			return err;
		buckets_free(&sum->latency);
		if (i >= FOLD_SPINS)
			usleep(FOLD_WAIT_US);
	}
	return -EAGAIN;
}

static int read_event_details(const struct stat_sum *sum, struct event_count *count)
{
	struct detail_count details[NR_DETAILS];
	size_t n = 0;

	for (int detail = 0; detail < NR_DETAILS; detail++)
		if (detail_descs[detail].event == count->event && sum->detail[detail])
			details[n++] = (struct detail_count){ detail, sum->detail[detail] };
	if (!n)
		return 0;
	count->details = malloc(n * sizeof(*details));
	if (!count->details)
		return -ENOMEM;
	count->ndetails = n;
	memcpy(count->details, details, n * sizeof(*details));
	return 0;
}

static int read_event(const struct counts_reader *reader, __u32 owner, enum gmem_event event,
		      struct event_count *count)
{
	struct stat_sum sum;
	int err = read_sum_whole(reader, owner, event, &sum);

	*count = (struct event_count){
		.event = event,
		.count = sum.stat.count,
		.sum_ns = sum.stat.sum_ns,
		.min_ns = ~sum.stat.not_min_ns,
		.max_ns = sum.stat.max_ns,
		.npages = sum.stat.npages,
		.latency = sum.latency,
	};
	/* Those that have found no histogram count as untimed, too: LOSS_HISTOGRAM says how many. */
	if (is_sampled(reader, event)) {
		count->untimed = sum.stat.count - buckets_total(&sum.latency);
		if (!sum.stat.not_min_ns)
			count->min_ns = 0;
	}
	return err ?: read_event_errors(reader, owner, count) ?: read_event_details(&sum, count);
}

int counts_read(const struct counts_reader *reader, __u32 owner, struct event_counts *counts)
{
	const struct event_stat *stat = reader->arrays.owners[OWNER_INDEX(owner)].stat;
	enum gmem_event events[NR_EVENTS]; /* those seen so far: another may begin while we read */
	size_t n = 0;
	int err = 0;

	for (int event = 0; event < NR_EVENTS; event++)
		if (stat[event].count ||
		    (event < TALLIED_EVENTS && fault_tallies_any(&reader->tallies[event], owner)))
			events[n++] = event;
	if (!n)
		return 0;
	counts->v = malloc(n * sizeof(*counts->v));
	if (!counts->v)
		return -ENOMEM;
	for (size_t i = 0; i < n && !err; i++)
		err = read_event(reader, owner, events[i], &counts->v[counts->n++]);
	return err;
}

int counts_open(struct counts_reader *reader, const struct session_arrays *arrays)
{
	int err = 0;

	*reader = (struct counts_reader){ .arrays = *arrays };
	for (int event = 0; event < TALLIED_EVENTS && !err; event++) {
		reader->tallies[event] = arrays->tallies[event];
		reader->tallies[event].nowners = arrays->nowners;
		err = fault_tallies_index(&reader->tallies[event]);
	}
	return err ?: read_errors(reader);
}

void counts_forget_errors(const struct counts_reader *reader, __u32 owner)
{
	const struct error_key from = { .owner = owner }, to = { .owner = owner + 1 };
	size_t end = errors_from(reader, &to);

	for (size_t i = errors_from(reader, &from); i < end; i++)
		bpf_map_delete_elem(reader->arrays.errors_fd, &reader->errors[i].key);
}

void counts_close(struct counts_reader *reader)
{
	for (int event = 0; event < TALLIED_EVENTS; event++)
		fault_tallies_free(&reader->tallies[event]);
	free(reader->errors);
}
