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

struct order_key {
	__u64 begin_ns;
	__u64 end_ns;
	__u64 arrival; /* the inner one of two comes first */
	size_t at; /* into the events */
};

/* An event that outlives what its pointers lead to. */
struct ordered_event {
	struct gmem_record record;
	struct export_place place, vm;
	struct capture_thread thread;
	bool has_thread;
};

struct export_order {
	struct order_key heap[ORDER_WINDOW];
	struct ordered_event events[ORDER_WINDOW];
	size_t n;
	__u64 arrivals;
	export_event_fn *fn;
	void *ctx;
};

/* As an export_event_fn, with a struct export_order as its context: hands on to @fn. */
int export_order_add(void *order, const struct export_event *event);

/* Hand on the rest. */
int export_order_end(struct export_order *order);

#endif
