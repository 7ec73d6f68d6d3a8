// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the file twice: how long it is decides how long a cell is.
 */
#include "base/arrays.h"
#include "timeline.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "model/events.h"

#define CELLS_MAX 1000
#define SERIES_MAX 65536
#define NUMBERED_MAX 4096 /* VMs that are called by their numbers */

/* Fewer do not say what happened when. */
#define SNAPSHOTS_MIN 3

/* What the first reading finds out. */
struct extent {
	__u64 *snapshots_ns; /* when each was taken, from the start */
	size_t nsnapshots;
	bool records;
	__u64 end_ns;
	struct timeline_place *vms; /* by their numbers in the last snapshot */
	size_t nvms;
};

static int no_memory(struct problem *problem)
{
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot make a timeline: %s. Free some memory, or choose fewer events "
			   "with -e",
			   strerror(ENOMEM));
}

/* ---- Series ---- */

static __u32 *find_index(const struct timeline *t, const struct timeline_place *place)
{
	size_t at = hash_bytes(place, sizeof(*place)) & (t->index_size - 1);

	while (t->index[at] && memcmp(&t->series[t->index[at] - 1].place, place, sizeof(*place)))
		at = (at + 1) & (t->index_size - 1);
	return &t->index[at];
}

static struct timeline_series *find_series(struct timeline *t, const struct timeline_place *place,
					   const char *comm)
{
	__u32 *at = find_index(t, place);
	struct timeline_series *series;

	if (*at)
		return &t->series[*at - 1];
	if (t->nseries == SERIES_MAX)
		return NULL;
	series = array_append(&t->series, &t->nseries, sizeof(*series));
	if (!series)
		return NULL;
	*at = t->nseries;
	series->place = *place;
	memcpy(series->comm, comm, sizeof(series->comm));
	series->total.event = place->event;
	series->cells = calloc(t->ncells, sizeof(*series->cells));
	return series->cells ? series : NULL;
}

static struct event_count *find_cell(struct timeline_series *series, size_t cell)
{
	if (!series->cells[cell])
		series->cells[cell] = calloc(1, sizeof(**series->cells));
	return series->cells[cell];
}

static int compare_series(const void *a, const void *b)
{
	const struct timeline_series *s = a, *t = b;
	const struct timeline_place *x = &s->place, *y = &t->place;

	if (s->vm != t->vm)
		return s->vm < t->vm ? -1 : 1;

#define ORDER(field)                                                                               \
	if (x->field != y->field)                                                                  \
	return x->field < y->field ? -1 : 1
	ORDER(pid);
	ORDER(kvm);
	ORDER(kind);
	ORDER(as_id);
	ORDER(id);
	ORDER(ino);
	ORDER(event);
#undef ORDER
	return 0;
}

static struct timeline_place place_of_vm(const struct vm_info *info)
{
	return (struct timeline_place){ .kvm = info->kvm, .pid = info->pid, .kind = OWNER_VM };
}

/* ---- From snapshots ---- */

/* Where the reading of one snapshot is. */
struct walk {
	struct timeline *timeline;
	size_t cell;
	__u64 events;
	const char *comm;
};

/* What @now has more than before goes to the cell. Its shortest and longest are not known. */
static int add_difference(struct timeline_series *series, size_t at, const struct event_count *now)
{
	__u64 count = now->count - series->before.count;
	struct event_count *cell;
	int err;

	if (now->count <= series->before.count)
		return 0;
	cell = find_cell(series, at);
	if (!cell)
		return -ENOMEM;
	cell->count = count;
	cell->max_ns = now->max_ns;
	err = buckets_since(&cell->latency, &now->latency, &series->before.latency);
	event_count_free(&series->before);
	event_count_free(&series->total);
	return err ?: event_count_add(&series->before, now) ?: event_count_add(&series->total, now);
}

static int walk_counts(struct walk *walk, struct timeline_place place,
		       const struct event_counts *counts)
{
	int err = 0;

	for (size_t i = 0; i < counts->n && !err; i++) {
		struct timeline_series *series;

		if (!(walk->events & 1ULL << counts->v[i].event))
			continue;
		place.event = counts->v[i].event;
		series = find_series(walk->timeline, &place, walk->comm);
		err = series ? add_difference(series, walk->cell, &counts->v[i]) : -ENOMEM;
	}
	return err;
}

static int walk_vm(struct walk *walk, const struct vm *vm)
{
	struct timeline_place place = place_of_vm(&vm->info);
	int err;

	walk->comm = vm->info.comm;
	err = walk_counts(walk, place, &vm->events);
	place.kind = OWNER_SLOT;
	for (size_t i = 0; i < vm->nslots && !err; i++) {
		place.as_id = vm->slots[i].info.as_id;
		place.id = vm->slots[i].info.id;
		err = walk_counts(walk, place, &vm->slots[i].events);
	}
	return err;
}

static int walk_snapshot(struct walk *walk, const struct snapshot *snap)
{
	int err = 0;

	for (size_t i = 0; i < snap->nvms && !err; i++)
		err = walk_vm(walk, &snap->vms[i]);
	for (size_t i = 0; i < snap->ngmems && !err; i++) {
		const struct vm *vm = &snap->vms[snap->gmems[i].vm];
		struct timeline_place place = place_of_vm(&vm->info);

		walk->comm = vm->info.comm;
		place.kind = OWNER_GMEM;
		place.ino = snap->gmems[i].info.ino;
		err = walk_counts(walk, place, &snap->gmems[i].events);
	}
	walk->comm = "host\0-----------";
	if (!err)
		err = walk_counts(walk, (struct timeline_place){ .kind = OWNER_HOST }, &snap->host);
	return err;
}

/* Which snapshots end a cell: those at least @step_ns after the one before, and the last. */
static int choose_snapshots(struct timeline *t, const struct extent *extent, __u64 step_ns,
			    struct problem *problem)
{
	__u64 last = 0;

	t->end_ns = calloc(extent->nsnapshots, sizeof(*t->end_ns));
	if (!t->end_ns)
		return no_memory(problem);
	for (size_t i = 0; i < extent->nsnapshots; i++) {
		__u64 ns = extent->snapshots_ns[i];

		/* They are taken a little late, and not always equally so. */
		if (ns > last &&
		    (ns - last >= step_ns - step_ns / 8 || i + 1 == extent->nsnapshots))
			t->end_ns[t->ncells++] = last = ns;
	}
	return 0;
}

static int read_snapshots(struct timeline *t, struct capture_file *file, __u64 events,
			  struct problem *problem)
{
	struct walk walk = { .timeline = t, .events = events };
	struct capture_item item;

	for (;;) {
		if (capture_next(file, CAPTURE_WANT_SNAPSHOTS, &item, problem))
			return -1;
		if (!item.kind)
			return 0;
		if (walk.cell == t->ncells || item.capture->duration_ns != t->end_ns[walk.cell])
			continue;
		if (walk_snapshot(&walk, item.capture->snap))
			return no_memory(problem);
		walk.cell++;
	}
}

/* ---- From records ---- */

static struct timeline_series *series_of(struct timeline *t, const struct capture_file *file,
					 const struct gmem_record *record)
{
	const struct capture_owner *owner = capture_owner(file, record->owner), *vm = owner;
	struct timeline_place place = { .kind = OWNER_HOST };
	const char *comm = "host\0-----------";

	if (owner && owner->kind != OWNER_VM)
		vm = capture_owner(file, owner->vm);
	if (vm && vm->kind == OWNER_VM) {
		place = place_of_vm(&vm->vm_info);
		comm = vm->vm_info.comm;
	}
	place.kind = owner ? owner->kind : OWNER_NONE;
	place.event = record->event;
	if (place.kind == OWNER_SLOT) {
		place.as_id = owner->slot.as_id;
		place.id = owner->slot.id;
	} else if (place.kind == OWNER_GMEM) {
		place.ino = owner->gmem.ino;
	}
	return find_series(t, &place, comm);
}

static int count_record(struct event_count *count, const struct gmem_record *record)
{
	__u64 *bucket;

	count->event = record->event;
	count->count++;
	if (!(event_descs[record->event].carries & EVENT_LATENCY))
		return 0;
	if (record->latency_ns > count->max_ns)
		count->max_ns = record->latency_ns;
	bucket = buckets_widen(&count->latency, hist_bucket(record->latency_ns), 1);
	if (!bucket)
		return -ENOMEM;
	++*bucket;
	return 0;
}

static int add_record(struct timeline *t, const struct capture_file *file,
		      const struct gmem_record *record, __u64 step_ns)
{
	struct timeline_series *series = series_of(t, file, record);
	__u64 start_ns = capture_start_ns(file);
	__u64 at = record->end_ns > start_ns ? (record->end_ns - start_ns) / step_ns : 0;
	struct event_count *cell;

	if (!series)
		return -ENOMEM;
	cell = find_cell(series, at < t->ncells ? at : t->ncells - 1);
	if (!cell)
		return -ENOMEM;
	return count_record(cell, record) ?: count_record(&series->total, record);
}

static int read_records(struct timeline *t, struct capture_file *file, __u64 events, __u64 step_ns,
			struct problem *problem)
{
	struct capture_item item;
	int err = 0;

	do {
		if (capture_next(file, CAPTURE_WANT_RECORDS, &item, problem))
			return -1;
		for (size_t i = 0; i < item.nrecords && !err; i++)
			if (events & 1ULL << item.records[i].event)
				err = add_record(t, file, &item.records[i], step_ns);
	} while (item.kind && !err);
	return err ? no_memory(problem) : 0;
}

/* The shortest of 1, 2, 5, 10, 20 ... ns of which @ncells are not shorter than @ns. */
static __u64 round_step(__u64 ns, size_t ncells)
{
	static const unsigned int factors[] = { 1, 2, 5 };
	__u64 unit = 1;

	for (;; unit *= 10)
		for (int i = 0; i < 3; i++)
			if (unit * factors[i] >= ns / ncells + 1 || unit > ns)
				return unit * factors[i];
}

static int cut_evenly(struct timeline *t, __u64 end_ns, __u64 step_ns, struct problem *problem)
{
	t->ncells = (end_ns + step_ns - 1) / step_ns ?: 1;
	t->end_ns = calloc(t->ncells, sizeof(*t->end_ns));
	if (!t->end_ns)
		return no_memory(problem);
	for (size_t i = 0; i < t->ncells; i++)
		t->end_ns[i] = (i + 1) * step_ns;
	t->end_ns[t->ncells - 1] = end_ns;
	return 0;
}

/* ---- The whole ---- */

static int note_snapshot(struct extent *extent, const struct capture_item *item)
{
	__u64 *ns = array_append(&extent->snapshots_ns, &extent->nsnapshots, sizeof(*ns));

	if (!ns)
		return -ENOMEM;
	*ns = item->capture->duration_ns;
	return 0;
}

static void note_records(struct extent *extent, const struct capture_file *file,
			 const struct capture_item *item)
{
	__u64 start_ns = capture_start_ns(file);

	for (size_t i = 0; i < item->nrecords; i++)
		if (item->records[i].end_ns > start_ns + extent->end_ns)
			extent->end_ns = item->records[i].end_ns - start_ns;
}

static int measure_by(struct extent *extent, struct capture_file *file, unsigned int wants,
		      struct problem *problem)
{
	struct capture_item item;
	int err = 0;

	do {
		if (capture_next(file, wants, &item, problem))
			return -1;
		if (item.kind == CAPTURE_SNAPSHOT)
			err = note_snapshot(extent, &item);
		note_records(extent, file, &item);
	} while (item.kind && !err);
	if (capture_meta(file)->duration_ns > extent->end_ns)
		extent->end_ns = capture_meta(file)->duration_ns;
	return err ? no_memory(problem) : 0;
}

static int note_vms(struct extent *extent, const struct capture_file *file, struct problem *problem)
{
	const struct snapshot *snap = capture_meta(file)->snap;

	for (size_t i = 0; snap && i < snap->nvms && i < NUMBERED_MAX; i++) {
		struct timeline_place *vm = array_append(&extent->vms, &extent->nvms, sizeof(*vm));

		if (!vm)
			return no_memory(problem);
		*vm = place_of_vm(&snap->vms[i].info);
	}
	return 0;
}

/* The VMs are few, and so is who looks for them: once for each series. */
static void number_vms(struct timeline *t, const struct extent *extent)
{
	for (size_t i = 0; i < t->nseries; i++) {
		const struct timeline_place *place = &t->series[i].place;
		__u32 vm = 0;

		while (vm < extent->nvms &&
		       (extent->vms[vm].kvm != place->kvm || extent->vms[vm].pid != place->pid))
			vm++;
		t->series[i].vm = vm < extent->nvms ? vm : NO_VM;
	}
}

/* Only a file without last words has to be asked for its last record. */
static int measure(struct extent *extent, struct capture_file *file, struct problem *problem)
{
	int err = measure_by(extent, file, CAPTURE_WANT_SNAPSHOTS, problem)
			  ?: note_vms(extent, file, problem);

	extent->records = capture_meta(file)->records_kept;
	if (!err && capture_incomplete(file) && extent->records)
		err = capture_rewind(file, problem)
			      ?: measure_by(extent, file, CAPTURE_WANT_RECORDS, problem);
	return err ?: capture_rewind(file, problem);
}

static int check_interval(const struct extent *extent, __u64 interval_ns, struct problem *problem)
{
	if (interval_ns && extent->end_ns / interval_ns >= CELLS_MAX)
		return problem_set(problem, EXIT_USAGE,
				   "-i %g: too short for a capture of %.0f s. Make it %.3g or more",
				   interval_ns / 1e9, extent->end_ns / 1e9,
				   extent->end_ns / 1e9 / (CELLS_MAX - 1));
	return 0;
}

static int read_timeline(struct timeline *t, struct capture_file *file, const struct extent *extent,
			 __u64 events, __u64 interval_ns, size_t ncells, struct problem *problem)
{
	__u64 step_ns = interval_ns;

	if (check_interval(extent, interval_ns, problem))
		return -1;
	t->from_records = extent->records && (interval_ns || extent->nsnapshots < SNAPSHOTS_MIN);
	if (!t->from_records && extent->nsnapshots < SNAPSHOTS_MIN - 1)
		return problem_set(problem, EXIT_USAGE,
				   "--timeline: the file has no records and one snapshot at most. "
				   "Record it with -i or --events");
	if (!t->from_records)
		return choose_snapshots(t, extent, step_ns ?: extent->end_ns / ncells, problem)
			       ?: read_snapshots(t, file, events, problem);
	step_ns = step_ns ?: round_step(extent->end_ns, ncells);
	return cut_evenly(t, extent->end_ns, step_ns, problem)
		       ?: read_records(t, file, events, step_ns, problem);
}

int timeline_read(struct timeline *t, struct capture_file *file, __u64 events, __u64 interval_ns,
		  size_t ncells, struct problem *problem)
{
	struct extent extent = {};
	int err;

	*t = (struct timeline){ .index_size = 2 * SERIES_MAX };
	t->index = calloc(t->index_size, sizeof(*t->index));
	if (!t->index)
		return no_memory(problem);
	err = measure(&extent, file, problem);
	if (!err)
		err = read_timeline(t, file, &extent, events, interval_ns, ncells, problem);
	number_vms(t, &extent);
	free(extent.snapshots_ns);
	free(extent.vms);
	if (t->nseries)
		qsort(t->series, t->nseries, sizeof(*t->series), compare_series);
	return err;
}

__u64 timeline_cell_ns(const struct timeline *t, size_t cell)
{
	return t->end_ns[cell] - (cell ? t->end_ns[cell - 1] : 0);
}

void timeline_free(struct timeline *t)
{
	for (size_t i = 0; i < t->nseries; i++) {
		struct timeline_series *series = &t->series[i];

		for (size_t cell = 0; series->cells && cell < t->ncells; cell++)
			if (series->cells[cell]) {
				event_count_free(series->cells[cell]);
				free(series->cells[cell]);
			}
		free(series->cells);
		event_count_free(&series->total);
		event_count_free(&series->before);
	}
	free(t->series);
	free(t->index);
	free(t->end_ns);
	memset(t, 0, sizeof(*t));
}
