/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a live view shows: snapshots go in, one a refresh, rows come out, for the screen and for
 * batch output. Remembers from one refresh to the next which VM and slot is which, what the
 * counters were, and what the last minute was like. Knows neither terminals nor the kernel's maps.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include "model/hooks.h"
#include "model/model.h"
#include "view_filter.h"
#include "view_history.h"

/* A snapshot, when it was taken, and how many of now, before and base are it. */
struct moment;

struct slot_track {
	__u16 as_id;
	__s16 id;
	bool existed; /* an inventory has had it */
	unsigned int ended_in; /* refresh; 0: it lives */
	const struct slot *now, *before, *base; /* NULL: not there then */
	struct history history; /* guest faults */
};

struct vm_track {
	__u32 number; /* of the VM */
	bool folded;
	unsigned int ended_in;
	const struct vm *now, *before, *base;
	size_t at; /* index into the VMs of now */
	struct slot_track *slots; /* ascending by as_id, id */
	size_t nslots;
	struct history history;
};

enum row_kind { ROW_VM, ROW_SLOT, ROW_TOTAL };

struct row {
	enum row_kind kind;
	const struct vm *vm; /* NULL: ROW_TOTAL */
	const struct slot *slot; /* ROW_SLOT */
	struct vm_track *vm_track;
	struct slot_track *slot_track;
	const struct history *history;
	bool ended; /* no longer there: shown once more */
	bool folded; /* ROW_VM: its slots are not shown */
	struct event_totals *counts; /* of the last interval, or in all */
	__u64 span_ns; /* over which they were counted */
	double key; /* sorted by */
	bool descending;
	size_t order; /* among equals */
};

/* What a user has chosen. */
struct view_settings {
	__u64 columns; /* 1 << column: see view_columns.h */
	unsigned int sort; /* column */
	bool descending;
	bool totals; /* counts since the start rather than rates of the last interval */
	bool hide_idle;
	struct filter filter;
	__u64 interval_ns;
};

struct view {
	const char *arch; /* as uname -m says */
	__u32 page_bytes; /* of the host; 0: not known */
	__u32 sample; /* of so many guest faults one is timed, and none has a cause; 0: each is */
	struct moment *now, *before, *base; /* before, base: NULL until there is one */
	__u64 start_ns; /* when counting began; CLOCK_MONOTONIC, as all times here */
	__u64 now_ns;
	__u64 before_ns; /* start_ns in the first refresh */
	__u64 base_ns; /* start_ns unless view_zero() */
	unsigned int refresh; /* 1 in the first */
	const struct snapshot *snap; /* of now */
	__u64 newly_lost; /* in the last interval */
	const char *no_inventory; /* why there will be none; NULL: there is, or it is being taken */
	const char *inventory_lacks; /* what cannot be in it; NULL: nothing */
	struct hook_state hooks[NR_EVENTS];
	struct vm_track **tracks; /* in the order they were first seen */
	size_t ntracks;
	struct history history; /* of everything */
	struct row *rows;
	size_t nrows;
	struct row total; /* everything, whatever the rows are */
	struct event_totals *spare; /* empty, for the next row that is not */
	bool totals; /* what the rows were made with */
	size_t nhidden; /* rows that filter and hide_idle have left out */
};

void view_init(struct view *view, const char *arch, __u64 start_ns);
void view_free(struct view *view); /* one that is all zero is free already */

/*
 * Take over @snap, read at @now_ns, which becomes the view's whatever happens. 0 or -ENOMEM, with
 * which the view is only to be freed. The rows are void until view_rows().
 */
int view_update(struct view *view, struct snapshot *snap, const struct hook_state hooks[NR_EVENTS],
		__u64 now_ns);

/* Let totals begin now. */
void view_zero(struct view *view);

/* Make the rows: filtered, folded, sorted. 0 or -ENOMEM, likewise. */
int view_rows(struct view *view, const struct view_settings *settings);

/*
 * Add the counts of @row, of the last interval or (@totals) in all, to @counts, which the caller
 * frees. 0 or -ENOMEM. view_own_counts(): of a VM without those of its slots.
 */
int view_own_counts(const struct view *view, const struct row *row, bool totals,
		    struct event_totals *counts);
int view_counts(const struct view *view, const struct row *row, bool totals,
		struct event_totals *counts);

/* Likewise where they fell in the slot; false when that is not counted, or @row is no slot. */
bool view_heat(const struct view *view, const struct row *row, bool totals, struct heat_map *heat);

/* How long @totals or rates are counted over. */
__u64 view_span_ns(const struct view *view, bool totals);

/* The counts of rows where nothing happened: they need none of their own. */
extern struct event_totals row_no_counts;
void row_free_counts(struct row *row);

/* Nothing happened here in what the row shows. */
bool row_is_idle(const struct row *row);

/* Whether the inventory, being a little old, does not have the VM or slot, or a slot of the VM, yet. */
bool view_is_pending(const struct view *view, const struct row *row);

/* How many slots that is true of. */
size_t view_npending(const struct view *view);

/*
 * Whether VMs, slots or guest_memfds have found no room among the owners; and whether events
 * of @row may be missing for that. What has found room has all of its events.
 */
bool view_lost_owners(const struct view *view);
bool view_is_partial(const struct view *view, const struct row *row, enum gmem_event event);

/* Whether @event is counted here at all. */
bool view_has(const struct view *view, enum gmem_event event);

#endif
