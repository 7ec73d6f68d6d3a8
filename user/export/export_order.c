// SPDX-License-Identifier: GPL-2.0-only
/*
 * A heap of what is in the window, whose top is handed on when something comes and it is full.
 * What comes later than the window reaches is still handed on, but out of order.
 */
#include "export_order.h"

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

static int hand_on(struct export_order *order, const struct ordered_event *from)
{
	struct export_place place = from->place, vm = from->vm;
	struct export_event event = {
		.record = &from->record,
		.place = &place,
		.thread = from->has_thread ? &from->thread : NULL,
	};

	if (place.vm)
		place.vm = place.owner.kind == OWNER_VM ? &place : &vm;
	return order->fn(order->ctx, &event);
}

static void keep(struct ordered_event *to, const struct export_event *event)
{
	to->record = *event->record;
	to->place = *event->place;
	if (event->place->vm)
		to->vm = *event->place->vm;
	to->has_thread = event->thread;
	if (event->thread)
		to->thread = *event->thread;
}

int export_order_add(void *ctx, const struct export_event *event)
{
	const struct gmem_record *record = event->record;
	struct export_order *order = ctx;
	struct order_key key = {
		.begin_ns = export_begin_ns(record),
		.end_ns = record->end_ns,
		.arrival = order->arrivals++,
		.at = order->n,
	};
	int err = 0;

	if (order->n < ORDER_WINDOW) {
		sift_up(order->heap, order->n++, key);
	} else {
		key.at = order->heap[0].at;
		err = hand_on(order, &order->events[key.at]);
		sift_down(order->heap, order->n, key);
	}
	keep(&order->events[key.at], event);
	return err;
}

int export_order_end(struct export_order *order)
{
	int err = 0;

	while (order->n && !err) {
		err = hand_on(order, &order->events[order->heap[0].at]);
		order->n--;
		sift_down(order->heap, order->n, order->heap[order->n]);
	}
	return err;
}
