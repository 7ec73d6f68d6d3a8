/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events in the order in which they began, an outer one before what is inside it: captures have
 * them about in the order in which they ended, in batches of one CPU after the other. As far as a
 * window reaches. Private to export*.c.
 */
#ifndef EXPORT_ORDER_H
#define EXPORT_ORDER_H

#include "export_event.h"

#define ORDER_WINDOW 32768 /* events: two batches of gmemtrace record */
#define ORDER_RUNS 4096 /* events of one kind and CPU mostly are a run; others may share one */

struct order_key {
	__u64 begin_ns;
	__u64 end_ns;
	__u64 arrival; /* the inner one of two comes first */
	__u32 at; /* into the events */
};

/* Who events name, as it was when they came. */
struct ordered_place {
	struct export_place place, vm;
	__u32 nevents; /* that are in the window and name it */
	__u32 next; /* if there are none: the next that is free */
};

/* An event that outlives what its pointers lead to. */
struct ordered_event {
	struct gmem_record record;
	struct capture_thread thread;
	bool has_thread;
	__u32 place;
	__u32 next; /* of its run; ORDER_NONE: it is the last */
	__u64 arrival;
};

#define ORDER_NONE (~0U)

/* Zeroed but for fn and ctx; export_order_begin(). */
struct export_order {
	struct order_key heap[ORDER_WINDOW]; /* of the first event of each run */
	size_t nruns;
	__u32 last[ORDER_RUNS]; /* events that the next of its kind may follow; ORDER_NONE */
	struct ordered_event events[ORDER_WINDOW];
	size_t n;
	struct ordered_place places[ORDER_WINDOW + 1];
	__u32 nplaces; /* that have been in use */
	__u32 free_place; /* the first of them that is not; ORDER_NONE */
	const struct export_place *recent; /* the last event's, kept in places[recent_at] */
	unsigned int recent_version;
	__u32 recent_at;
	__u64 arrivals;
	export_event_fn *fn;
	void *ctx;
};

void export_order_begin(struct export_order *order);

/*
 * As an export_event_fn, with a struct export_order as its context: hands on to @fn. Places are the
 * same as long as their versions are.
 */
int export_order_add(void *order, const struct export_event *event);

/* Hand on the rest. */
int export_order_end(struct export_order *order);

#endif
