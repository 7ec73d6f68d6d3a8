// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows: each VM with its slots, those that the user wants to see in the order that the user wants.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/arrays.h"
#include "view_columns.h"
#include "view.h"

struct event_totals row_no_counts;

static bool is_empty(const struct event_totals *counts)
{
	for (int event = 0; event < NR_EVENTS; event++)
		if (counts->v[event].count)
			return false;
	return true;
}

bool row_is_idle(const struct row *row)
{
	return is_empty(row->counts);
}

void row_free_counts(struct row *row)
{
	if (!row->counts || row->counts == &row_no_counts)
		return;
	event_totals_free(row->counts);
	free(row->counts);
	row->counts = &row_no_counts;
}

/* Most rows are idle, and the counts of a row are large. */
typedef int counts_fn(const struct view *view, const struct row *row, bool totals,
		      struct event_totals *counts);

static int row_count(struct view *view, struct row *row, counts_fn *counts)
{
	int err;

	if (!view->spare)
		view->spare = calloc(1, sizeof(*view->spare));
	if (!view->spare)
		return -ENOMEM;
	err = counts(view, row, view->totals, view->spare);
	if (is_empty(view->spare))
		return err;
	row->counts = view->spare;
	view->spare = NULL;
	return err;
}

/* What @row has belongs to @to as well. */
static int row_add(struct row *to, const struct row *row)
{
	if (row_is_idle(row))
		return 0;
	if (to->counts == &row_no_counts)
		to->counts = calloc(1, sizeof(*to->counts));
	if (!to->counts) {
		to->counts = &row_no_counts;
		return -ENOMEM;
	}
	return event_totals_merge(to->counts, row->counts);
}

static struct row *row_new(struct view *view)
{
	struct row *row = array_append(&view->rows, &view->nrows, sizeof(*row));

	if (row) {
		row->span_ns = view->total.span_ns;
		row->order = view->nrows;
		row->counts = &row_no_counts;
	}
	return row;
}

static void row_drop(struct view *view)
{
	row_free_counts(&view->rows[--view->nrows]);
}

/* What has ended is shown once more. */
static bool is_over(const struct view *view, unsigned int ended_in)
{
	return ended_in && ended_in != view->refresh;
}

static bool is_wanted(const struct view *view, const struct view_settings *settings,
		      const struct row *row)
{
	if (settings->hide_idle && !row->ended && row_is_idle(row))
		return false;
	return filter_matches(&settings->filter, view, row);
}

static void row_sort_key(const struct view *view, const struct view_settings *settings,
			 struct row *row)
{
	double value = column_value(view, row, settings->sort);

	/* What is not known comes last. */
	row->descending = settings->descending;
	row->key = isnan(value) ? (settings->descending ? -INFINITY : INFINITY) : value;
}

/* A slot that has ended may be known from the last refresh only. */
static const struct slot *slot_shown(const struct slot_track *track)
{
	return track->now ?: track->before;
}

/* @at: the row of its VM. */
static int add_slot(struct view *view, const struct view_settings *settings, size_t at,
		    struct slot_track *track)
{
	bool over = is_over(view, track->ended_in);
	struct vm_track *vm = view->rows[at].vm_track;
	struct row *row;
	int err;

	if (!slot_shown(track))
		return 0;
	row = row_new(view);
	if (!row)
		return -ENOMEM;
	row->kind = ROW_SLOT;
	row->vm = view->rows[at].vm;
	row->slot = slot_shown(track);
	row->vm_track = vm;
	row->slot_track = track;
	row->history = &track->history;
	row->ended = vm->ended_in || track->ended_in;
	err = row_count(view, row, view_own_counts) ?: row_add(&view->rows[at], row);
	if (err)
		return err;
	row_sort_key(view, settings, row);
	if (over || !is_wanted(view, settings, row)) {
		view->nhidden += !over;
		row_drop(view);
	}
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->key != y->key)
		return (x->key < y->key) == x->descending ? 1 : -1;
	return (x->order > y->order) - (x->order < y->order);
}

/* Slots @first and after it are those of one VM. */
static void finish_slots(struct view *view, size_t first, bool folded)
{
	if (folded)
		while (view->nrows > first)
			row_drop(view);
	else if (view->nrows > first)
		qsort(view->rows + first, view->nrows - first, sizeof(*view->rows), compare_rows);
}

static int add_slots(struct view *view, const struct view_settings *settings, size_t at)
{
	struct vm_track *vm = view->rows[at].vm_track;
	int err = 0;

	for (size_t i = 0; i < vm->nslots && !err; i++)
		err = add_slot(view, settings, at, &vm->slots[i]);
	return err;
}

static int add_vm(struct view *view, const struct view_settings *settings, struct vm_track *track)
{
	const struct vm *vm = track->now ?: track->before;
	size_t at = view->nrows;
	struct row *row;
	int err;

	if (is_over(view, track->ended_in) || !vm)
		return 0;
	row = row_new(view);
	if (!row)
		return -ENOMEM;
	row->kind = ROW_VM;
	row->vm = vm;
	row->vm_track = track;
	row->history = &track->history;
	row->ended = track->ended_in;
	row->folded = track->folded;
	err = row_count(view, row, view_own_counts) ?: add_slots(view, settings, at);
	if (err)
		return err;
	row = &view->rows[at]; /* it may have moved */
	row_sort_key(view, settings, row);
	if (view->nrows == at + 1 && !is_wanted(view, settings, row)) {
		view->nhidden++;
		row_drop(view);
		return 0;
	}
	finish_slots(view, at + 1, track->folded);
	return 0;
}

/* Where a group of a VM and its slots begins. */
struct group {
	const struct row *vm;
	size_t n;
};

static int compare_groups(const void *a, const void *b)
{
	return compare_rows(((const struct group *)a)->vm, ((const struct group *)b)->vm);
}

static size_t find_groups(const struct view *view, struct group *groups)
{
	size_t n = 0;

	for (size_t i = 0; i < view->nrows; i++) {
		if (view->rows[i].kind == ROW_VM)
			groups[n++] = (struct group){ &view->rows[i], 0 };
		groups[n - 1].n++;
	}
	return n;
}

/* VMs in their order, each with its slots behind it. */
static int sort_vms(struct view *view)
{
	struct group *groups = calloc(view->nrows, sizeof(*groups));
	struct row *rows = calloc(view->nrows, sizeof(*rows)), *to = rows;
	size_t n;

	if (!groups || !rows) {
		free(groups);
		free(rows);
		return -ENOMEM;
	}
	n = find_groups(view, groups);
	qsort(groups, n, sizeof(*groups), compare_groups);
	for (size_t i = 0; i < n; i++) {
		memcpy(to, groups[i].vm, groups[i].n * sizeof(*to));
		to += groups[i].n;
	}
	memcpy(view->rows, rows, view->nrows * sizeof(*rows));
	free(groups);
	free(rows);
	return 0;
}

static void begin_rows(struct view *view, const struct view_settings *settings)
{
	while (view->nrows)
		row_drop(view);
	free(view->rows);
	view->rows = NULL;
	view->nhidden = 0;
	view->totals = settings->totals;
	row_free_counts(&view->total);
	view->total = (struct row){
		.kind = ROW_TOTAL,
		.counts = &row_no_counts,
		.history = &view->history,
		.span_ns = view_span_ns(view, settings->totals),
	};
}

int view_rows(struct view *view, const struct view_settings *settings)
{
	int err;

	begin_rows(view, settings);
	err = row_count(view, &view->total, view_own_counts);
	for (size_t i = 0; i < view->ntracks && !err; i++)
		err = add_vm(view, settings, view->tracks[i]);
	return err ?: view->nrows ? sort_vms(view) : 0;
}
