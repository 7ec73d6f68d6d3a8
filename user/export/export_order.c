// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in the window is handed on when something comes and it is full: what began first. Events
 * of one kind on one CPU hardly ever begin in another order than they end in, so that most come
 * behind the last of a run; the runs are in a heap by their first. So a heap of a few dozen does what
 * one of all events would, which nothing of is in the CPU's caches. What fits behind no run is one
 * by itself. What comes later than the window reaches is still handed on, but out of order.
 */
#include "export_order.h"
#include <string.h>

static bool is_before(const struct order_key *a, const struct order_key *b)
{
	if (a->begin_ns != b->begin_ns)
		return a->begin_ns < b->begin_ns;
	if (a->end_ns != b->end_ns)
		return a->end_ns > b->end_ns;
	return a->arrival > b->arrival;
}

static void sift_up(struct order_key *heap, size_t i, struct order_key key)
{
	for (; i && is_before(&key, &heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = key;
}

/* Put @key in the place of the top of @n. */
static void sift_down(struct order_key *heap, size_t n, struct order_key key)
{
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && is_before(&heap[child + 1], &heap[child]))
			child++;
		if (!is_before(&heap[child], &key))
			break;
		heap[i] = heap[child];
	}
	heap[i] = key;
}

/* ---- Runs ---- */

static struct order_key key_of(const struct export_order *order, __u32 at)
{
	const struct ordered_event *event = &order->events[at];

	return (struct order_key){
		.begin_ns = export_begin_ns(&event->record),
		.end_ns = event->record.end_ns,
		.arrival = event->arrival,
		.at = at,
	};
}

/* Where the last of those that are like @event is. */
static __u32 *last_of(struct export_order *order, const struct ordered_event *event)
{
	return &order->last[(event->record.cpu * NR_EVENTS + event->record.event) % ORDER_RUNS];
}

static void add_to_run(struct export_order *order, __u32 at)
{
	struct order_key key = key_of(order, at), before;
	__u32 *last = last_of(order, &order->events[at]);

	order->events[at].next = ORDER_NONE;
	if (*last != ORDER_NONE) {
		before = key_of(order, *last);
		if (is_before(&key, &before)) {
			sift_up(order->heap, order->nruns++, key);
			return;
		}
		order->events[*last].next = at;
	} else {
		sift_up(order->heap, order->nruns++, key);
	}
	*last = at;
}

/* Each is far from the one before: fetched while others are handed on, it is there when its turn comes. */
static void prefetch(const struct export_order *order, __u32 at)
{
	if (at == ORDER_NONE)
		return;
	__builtin_prefetch(&order->events[at]);
	__builtin_prefetch((char *)(&order->events[at] + 1) - 1);
}

/* Take out what began first: where it is. */
static __u32 take_first(struct export_order *order)
{
	__u32 at = order->heap[0].at, *last = last_of(order, &order->events[at]);
	struct order_key key;

	if (order->events[at].next != ORDER_NONE) {
		key = key_of(order, order->events[at].next);
		prefetch(order, order->events[key.at].next);
	} else {
		if (*last == at)
			*last = ORDER_NONE;
		key = order->heap[--order->nruns];
	}
	sift_down(order->heap, order->nruns, key);
	return at;
}

/* ---- Places ---- */

static __u32 new_place(struct export_order *order)
{
	__u32 at = order->free_place;

	if (at == ORDER_NONE)
		return order->nplaces++;
	order->free_place = order->places[at].next;
	return at;
}

static void let_go(struct export_order *order, __u32 at)
{
	struct ordered_place *place = &order->places[at];

	if (--place->nevents)
		return;
	place->next = order->free_place;
	order->free_place = at;
	if (order->recent_at == at)
		order->recent = NULL;
}

static __u32 keep_place(struct export_order *order, const struct export_place *place)
{
	struct ordered_place *kept;

	if (order->recent != place || order->recent_version != place->version) {
		order->recent = place;
		order->recent_version = place->version;
		order->recent_at = new_place(order);
		kept = &order->places[order->recent_at];
		kept->place = *place;
		if (place->vm)
			kept->vm = *place->vm;
		if (place->vm)
			kept->place.vm = place->vm == place ? &kept->place : &kept->vm;
		kept->nevents = 0;
	}
	order->places[order->recent_at].nevents++;
	return order->recent_at;
}

/* ---- Events ---- */

static int hand_on(struct export_order *order, __u32 at)
{
	struct ordered_event *from = &order->events[at];
	struct export_event event = {
		.record = &from->record,
		.place = &order->places[from->place].place,
		.thread = from->has_thread ? &from->thread : NULL,
	};
	int err = order->fn(order->ctx, &event);

	let_go(order, from->place);
	return err;
}

void export_order_begin(struct export_order *order)
{
	memset(order->last, 0xff, sizeof(order->last));
	order->free_place = ORDER_NONE;
}

int export_order_add(void *ctx, const struct export_event *event)
{
	struct export_order *order = ctx;
	struct ordered_event *to;
	__u32 at = order->n;
	int err = 0;

	if (order->n < ORDER_WINDOW) {
		order->n++;
	} else {
		at = take_first(order);
		err = hand_on(order, at);
	}
	to = &order->events[at];
	to->record = *event->record;
	to->arrival = order->arrivals++;
	to->place = keep_place(order, event->place);
	to->has_thread = event->thread;
	if (event->thread)
		to->thread = *event->thread;
	add_to_run(order, at);
	return err;
}

int export_order_end(struct export_order *order)
{
	int err = 0;

	while (order->nruns && !err)
		err = hand_on(order, take_first(order));
	return err;
}
