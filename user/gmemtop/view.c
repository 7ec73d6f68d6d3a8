// SPDX-License-Identifier: GPL-2.0-only
/*
 * From one refresh to the next: which VM is which. A VM is known by its number, since addresses are
 * used again.
 */
#include "view.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/since.h"
#include "view_delta.h"
#include "view_heat.h"

struct moment {
	struct snapshot snap;
	struct event_totals all; /* of the snapshot */
	unsigned int holders;
};

static struct moment *moment_hold(struct moment *moment)
{
	if (moment)
		moment->holders++;
	return moment;
}

static void moment_drop(struct moment *moment)
{
	if (!moment || --moment->holders)
		return;
	snapshot_free(&moment->snap);
	event_totals_free(&moment->all);
	free(moment);
}

static struct moment *moment_new(struct snapshot *snap)
{
	struct moment *moment = malloc(sizeof(*moment));

	if (!moment) {
		snapshot_free(snap);
		return NULL;
	}
	*moment = (struct moment){ .snap = *snap, .holders = 1 };
	memset(snap, 0, sizeof(*snap));
	if (!event_totals_add_all(&moment->all, &moment->snap))
		return moment;
	moment_drop(moment);
	return NULL;
}

void view_init(struct view *view, const char *arch, __u64 start_ns)
{
	*view = (struct view){
		.arch = arch,
		.start_ns = start_ns,
		.base_ns = start_ns,
		.now_ns = start_ns,
		.total = { .counts = &row_no_counts },
	};
}

static void vm_track_free(struct vm_track *track)
{
	free(track->slots);
	free(track);
}

void view_free(struct view *view)
{
	for (size_t i = 0; i < view->nrows; i++)
		row_free_counts(&view->rows[i]);
	row_free_counts(&view->total);
	free(view->spare);
	free(view->rows);
	for (size_t i = 0; i < view->ntracks; i++)
		vm_track_free(view->tracks[i]);
	free(view->tracks);
	moment_drop(view->now);
	moment_drop(view->before);
	moment_drop(view->base);
}

/* ---- Who is who ---- */

static struct vm_track *track_new(struct view *view, const struct vm *vm)
{
	struct vm_track *track = calloc(1, sizeof(*track));
	struct vm_track **tracks =
		reallocarray(view->tracks, view->ntracks + 1, sizeof(*view->tracks));

	if (tracks)
		view->tracks = tracks;
	if (!tracks || !track) {
		free(track);
		return NULL;
	}
	track->number = vm->number;
	view->tracks[view->ntracks++] = track;
	return track;
}

/* Mostly the VMs are those of the last time, in the same order. */
static struct vm_track *track_vm(struct view *view, const struct snapshot *snap, size_t at)
{
	const struct vm *vm = &snap->vms[at];

	if (at < view->ntracks && view->tracks[at]->number == vm->number)
		return view->tracks[at];
	for (size_t i = 0; i < view->ntracks; i++)
		if (view->tracks[i]->number == vm->number)
			return view->tracks[i];
	return track_new(view, vm);
}

static int compare_slot(const struct slot_track *track, const struct slot *slot)
{
	if (track->as_id != slot->info.as_id)
		return track->as_id < slot->info.as_id ? -1 : 1;
	return (track->id > slot->info.id) - (track->id < slot->info.id);
}

/* Where @slot is among the tracks, or would be. */
static size_t slot_place(const struct vm_track *vm, const struct slot *slot)
{
	size_t low = 0, high = vm->nslots;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_slot(&vm->slots[middle], slot) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct slot_track *track_slot(struct vm_track *vm, const struct slot *slot)
{
	size_t at = slot_place(vm, slot);
	struct slot_track *slots;

	if (at < vm->nslots && !compare_slot(&vm->slots[at], slot))
		return &vm->slots[at];
	slots = reallocarray(vm->slots, vm->nslots + 1, sizeof(*slots));
	if (!slots)
		return NULL;
	vm->slots = slots;
	memmove(slots + at + 1, slots + at, (vm->nslots++ - at) * sizeof(*slots));
	slots[at] = (struct slot_track){ .as_id = slot->info.as_id, .id = slot->info.id };
	return &slots[at];
}

static __u64 count_events(const struct slot *slot)
{
	__u64 n = 0;

	for (size_t i = 0; slot && i < slot->events.n; i++)
		n += slot->events.v[i].count;
	return n;
}

/*
 * A slot has ended when the inventory no longer has it, unless events say otherwise: those are
 * newer. One that no inventory has had yet lives.
 */
static void slot_ended(struct view *view, struct slot_track *track)
{
	if (track->now &&
	    (track->now->exists || count_events(track->now) != count_events(track->before)))
		track->existed = track->now->exists;
	if (track->now && track->existed == track->now->exists)
		track->ended_in = 0;
	else if (!track->ended_in)
		track->ended_in = view->refresh;
}

static int update_slots(struct view *view, struct vm_track *vm)
{
	for (size_t i = 0; i < vm->nslots; i++) {
		vm->slots[i].before = vm->slots[i].now;
		vm->slots[i].now = NULL;
	}
	for (size_t i = 0; vm->now && i < vm->now->nslots; i++) {
		struct slot_track *track = track_slot(vm, &vm->now->slots[i]);

		if (!track)
			return -ENOMEM;
		track->now = &vm->now->slots[i];
	}
	for (size_t i = 0; i < vm->nslots; i++)
		slot_ended(view, &vm->slots[i]);
	return 0;
}

static int update_vm(struct view *view, struct vm_track *track)
{
	bool gone = !track->now || track->now->info.ended_ns;

	if (gone && !track->ended_in)
		track->ended_in = view->refresh;
	return update_slots(view, track);
}

/* Forget what was not there the last time either: nothing can be shown of it. */
static void drop_tracks(struct view *view)
{
	size_t n = 0;

	for (size_t i = 0; i < view->ntracks; i++) {
		struct vm_track *track = view->tracks[i];

		if (track->now || track->before)
			view->tracks[n++] = track;
		else
			vm_track_free(track);
	}
	view->ntracks = n;
}

static int update_tracks(struct view *view)
{
	const struct snapshot *snap = &view->now->snap;
	int err = 0;

	for (size_t i = 0; i < view->ntracks; i++) {
		view->tracks[i]->before = view->tracks[i]->now;
		view->tracks[i]->now = NULL;
	}
	for (size_t i = 0; i < snap->nvms; i++) {
		struct vm_track *track = track_vm(view, snap, i);

		if (!track)
			return -ENOMEM;
		track->now = &snap->vms[i];
		track->at = i;
	}
	for (size_t i = 0; i < view->ntracks && !err; i++)
		err = update_vm(view, view->tracks[i]);
	drop_tracks(view);
	return err;
}

/* ---- Counts ---- */

/* What a guest_memfd had counted in the snapshot that @vm is from; they keep their order. */
static const struct event_counts *gmem_before(const struct moment *moment, size_t at, __u64 ino)
{
	const struct snapshot *snap = &moment->snap;

	if (at < snap->ngmems && snap->gmems[at].info.ino == ino)
		return &snap->gmems[at].events;
	for (size_t i = 0; i < snap->ngmems; i++)
		if (snap->gmems[i].info.ino == ino)
			return &snap->gmems[i].events;
	return NULL;
}

static int count_gmems(const struct view *view, size_t vm, bool totals, struct event_totals *counts)
{
	const struct moment *from = totals ? view->base : view->before;
	const struct snapshot *snap = view->snap;
	int err = 0;

	for (size_t i = 0; i < snap->ngmems && !err; i++) {
		const struct gmem *gmem = &snap->gmems[i];

		if (gmem->vm == vm && gmem->events.n)
			err = event_totals_add_since(counts, &gmem->events,
						     from ? gmem_before(from, i, gmem->info.ino)
							  : NULL);
	}
	return err;
}

static int count_slot(const struct slot_track *track, bool totals, struct event_totals *counts)
{
	const struct slot *from = totals ? track->base : track->before;

	return track->now ? event_totals_add_since(counts, &track->now->events,
						   from ? &from->events : NULL)
			  : 0;
}

/* The VM itself and its guest_memfds. */
static int count_vm(const struct view *view, const struct vm_track *track, bool totals,
		    struct event_totals *counts)
{
	const struct vm *from = totals ? track->base : track->before;

	if (!track->now)
		return 0;
	return event_totals_add_since(counts, &track->now->events, from ? &from->events : NULL)
		       ?: count_gmems(view, track->at, totals, counts);
}

int view_own_counts(const struct view *view, const struct row *row, bool totals,
		    struct event_totals *counts)
{
	const struct moment *from = totals ? view->base : view->before;

	if (row->kind == ROW_SLOT)
		return count_slot(row->slot_track, totals, counts);
	if (row->kind == ROW_VM)
		return count_vm(view, row->vm_track, totals, counts);
	/* Everything, whether it is still there or in the past by now. */
	return event_totals_since(counts, &view->now->all, from ? &from->all : NULL);
}

int view_counts(const struct view *view, const struct row *row, bool totals,
		struct event_totals *counts)
{
	const struct vm_track *vm = row->vm_track;
	int err = view_own_counts(view, row, totals, counts);

	for (size_t i = 0; row->kind == ROW_VM && i < vm->nslots && !err; i++)
		err = count_slot(&vm->slots[i], totals, counts);
	return err;
}

bool view_heat(const struct view *view, const struct row *row, bool totals, struct heat_map *heat)
{
	const struct slot_track *track = row->slot_track;
	const struct slot *from;

	if (row->kind != ROW_SLOT || !track->now || !track->now->heat ||
	    !view_has(view, EV_GUEST_FAULT))
		return false;
	from = totals ? track->base : track->before;
	*heat = *track->now->heat;
	if (from && from->heat)
		heat_since(heat, track->now->heat, from->heat);
	return true;
}

__u64 view_span_ns(const struct view *view, bool totals)
{
	return view->now_ns - (totals ? view->base_ns : view->before_ns);
}

bool view_has(const struct view *view, enum gmem_event event)
{
	return view->hooks[event].wanted && view->hooks[event].attached;
}

/* ---- What has found no room ---- */

bool view_lost_owners(const struct view *view)
{
	for (int event = 0; event < NR_EVENTS; event++)
		if (view->snap->loss[event][LOSS_OWNER])
			return true;
	return false;
}

/* Has the VM, with all that belongs to it, found room? */
static bool vm_has_room(const struct view *view, const struct row *row)
{
	const struct snapshot *snap = view->snap;

	if (!row->vm->owner)
		return false;
	for (size_t i = 0; i < row->vm->nslots; i++)
		if (!row->vm->slots[i].owner)
			return false;
	for (size_t i = 0; i < snap->ngmems; i++)
		if (&snap->vms[snap->gmems[i].vm] == row->vm && !snap->gmems[i].owner)
			return false;
	return true;
}

bool view_is_partial(const struct view *view, const struct row *row, enum gmem_event event)
{
	if (!view->snap->loss[event][LOSS_OWNER])
		return false;
	if (row->kind == ROW_SLOT)
		return !row->slot->owner;
	return row->kind == ROW_TOTAL || !vm_has_room(view, row);
}

/* ---- What the inventory does not have yet ---- */

static bool slot_is_pending(const struct slot_track *track)
{
	return track->now && !track->ended_in && !track->now->exists;
}

static size_t count_pending(const struct vm_track *vm)
{
	size_t n = 0;

	for (size_t i = 0; !vm->ended_in && i < vm->nslots; i++)
		n += slot_is_pending(&vm->slots[i]);
	return n;
}

bool view_is_pending(const struct view *view, const struct row *row)
{
	const struct vm_track *vm = row->vm_track;

	if (view->no_inventory || row->ended || row->kind == ROW_TOTAL)
		return false;
	if (row->kind == ROW_SLOT)
		return slot_is_pending(row->slot_track);
	return !vm->now->exists || count_pending(vm);
}

size_t view_npending(const struct view *view)
{
	size_t n = 0;

	for (size_t i = 0; i < view->ntracks && !view->no_inventory; i++)
		n += count_pending(view->tracks[i]);
	return n;
}

/* ---- Histories ---- */

static __u64 faults(const struct event_counts *counts)
{
	const struct event_count *count = counts ? event_counts_find(counts, EV_GUEST_FAULT) : NULL;

	return count ? count->count : 0;
}

static __u64 slot_faults(const struct view *view, struct slot_track *slot)
{
	__u64 now = faults(slot->now ? &slot->now->events : NULL);
	__u64 before = faults(slot->before ? &slot->before->events : NULL);
	__u64 more = count_since(now, before);

	history_add(&slot->history, view->before_ns, view->now_ns, more);
	return more;
}

static void update_histories(struct view *view)
{
	__u64 all = 0;

	for (size_t i = 0; i < view->ntracks; i++) {
		struct vm_track *vm = view->tracks[i];
		__u64 sum = 0;

		for (size_t j = 0; j < vm->nslots; j++)
			sum += slot_faults(view, &vm->slots[j]);
		history_add(&vm->history, view->before_ns, view->now_ns, sum);
		all += sum;
	}
	history_add(&view->history, view->before_ns, view->now_ns, all);
}

int view_update(struct view *view, struct snapshot *snap, const struct hook_state hooks[NR_EVENTS],
		__u64 now_ns)
{
	struct moment *moment = moment_new(snap);
	int err;

	if (!moment)
		return -ENOMEM;
	view->newly_lost = count_since(moment->snap.lost, view->now ? view->now->snap.lost : 0);
	moment_drop(view->before);
	view->before = view->now;
	view->now = moment;
	view->snap = &moment->snap;
	view->before_ns = view->now_ns;
	view->now_ns = now_ns;
	view->refresh++;
	memcpy(view->hooks, hooks, sizeof(view->hooks));
	err = update_tracks(view);
	if (!err)
		update_histories(view);
	return err;
}

void view_zero(struct view *view)
{
	moment_drop(view->base);
	view->base = moment_hold(view->now);
	view->base_ns = view->now_ns;
	for (size_t i = 0; i < view->ntracks; i++) {
		struct vm_track *vm = view->tracks[i];

		vm->base = vm->now;
		for (size_t j = 0; j < vm->nslots; j++)
			vm->slots[j].base = vm->slots[j].now;
	}
}
