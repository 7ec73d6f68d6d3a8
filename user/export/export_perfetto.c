// SPDX-License-Identifier: GPL-2.0-only
/*
 * A trace for Perfetto. Each VM is a track of its VMM's process, each memslot and guest_memfd one
 * below it. What takes time is a slice of its thread's track, where slices nest, as they would not
 * on a slot's, which several vCPUs fault at once; what takes none is an instant of the track where
 * it is counted. Snapshots are counters: events a second until then, and memory.
 */
#include <stdlib.h>
#include "base/arrays.h"
#include "base/clock.h"
#include "base/id_map.h"
#include "base/text.h"
#include "export_counts.h"
#include "export_lanes.h"
#include "export_order.h"
#include "model/capture.h"
#include "model/events.h"
#include "model/page_size.h"
#include "perfetto_trace.h"

struct perfetto {
	struct export *export;
	FILE *out;
	struct id_map tracks; /* by id_of() */
	struct id_map errors;
	struct export_lanes lanes;
	struct export_order *order;
	__u64 *counted; /* what a counter was last, by its track */
	size_t ncounted;
	const struct capture *capture; /* the snapshot at hand, ... */
	__u64 from_ns, until_ns; /* ... since the one before */
	bool no_memory;
};

enum track_kind {
	TRACK_HOST,
	TRACK_PROCESS,
	TRACK_VM,
	TRACK_SLOT,
	TRACK_GMEM,
	TRACK_THREAD,
	TRACK_OVERLAPPING, /* slices of a thread that do not nest */
	TRACK_COUNTER,
};

/* Where something is counted; what is NULL it is not. */
struct spot {
	__u32 number; /* of the VM */
	const struct vm_info *vm;
	const struct slot_info *slot;
	const struct gmem_info *gmem;
};

/* Memory as a counter; numbered after the events. */
enum { COUNTER_RESIDENT = NR_EVENTS, COUNTER_PRIVATE };

/* A track's number goes to @track. Whether it is to be described: it is new. */
static bool is_new_track(struct perfetto *p, enum track_kind kind, __u64 id, __u32 *track)
{
	int is_new = id_map_number(&p->tracks, (__u64)kind << 60 | (id & ~0ULL >> 4), track);

	if (is_new < 0) {
		p->no_memory = true;
		*track = 0;
	}
	return is_new > 0;
}

static const char *clean(char buf[TEXT_UTF8_SIZE(GMEM_COMM_LEN)], const char comm[GMEM_COMM_LEN])
{
	return text_utf8(buf, TEXT_UTF8_SIZE(GMEM_COMM_LEN), comm, GMEM_COMM_LEN);
}

static __u32 process_track(struct perfetto *p, const struct vm_info *vm)
{
	char name[TEXT_UTF8_SIZE(GMEM_COMM_LEN)];
	__u32 track;

	if (is_new_track(p, TRACK_PROCESS, vm->pid, &track))
		perfetto_process(p->out, track, vm->pid, clean(name, vm->comm));
	return track;
}

static __u32 vm_track(struct perfetto *p, const struct spot *spot)
{
	char name[32];
	__u32 track;

	if (!is_new_track(p, TRACK_VM, spot->number, &track))
		return track;
	snprintf(name, sizeof(name), "VM %u", spot->number);
	perfetto_track(p->out, track, process_track(p, spot->vm), name);
	return track;
}

static __u32 slot_track(struct perfetto *p, const struct spot *spot)
{
	const struct slot_info *slot = spot->slot;
	__u64 id = (__u64)spot->number << 32 | (__u32)slot->as_id << 16 | (__u16)slot->id;
	char name[48];
	__u32 track;

	if (!is_new_track(p, TRACK_SLOT, id, &track))
		return track;
	snprintf(name, sizeof(name), slot->as_id ? "slot %d/%u" : "slot %d", slot->id, slot->as_id);
	perfetto_track(p->out, track, spot->vm ? vm_track(p, spot) : 0, name);
	return track;
}

static __u32 gmem_track(struct perfetto *p, const struct spot *spot)
{
	char name[48];
	__u32 track;

	if (!is_new_track(p, TRACK_GMEM, spot->gmem->ino, &track))
		return track;
	snprintf(name, sizeof(name), "gmem %llu", spot->gmem->ino);
	perfetto_track(p->out, track, spot->vm ? vm_track(p, spot) : 0, name);
	return track;
}

static __u32 spot_track(struct perfetto *p, const struct spot *spot)
{
	__u32 track;

	if (spot->slot)
		return slot_track(p, spot);
	if (spot->gmem)
		return gmem_track(p, spot);
	if (spot->vm)
		return vm_track(p, spot);
	if (is_new_track(p, TRACK_HOST, 0, &track))
		perfetto_track(p->out, track, 0, "host");
	return track;
}

/* The idle task has one thread id on all CPUs, and is no thread to Perfetto. */
static __u32 thread_track(struct perfetto *p, __u32 tid, const struct capture_thread *thread)
{
	char name[TEXT_UTF8_SIZE(GMEM_COMM_LEN)];
	__u32 track;

	if (!is_new_track(p, TRACK_THREAD, tid, &track))
		return track;
	if (thread && tid) {
		perfetto_thread(p->out, track, thread->pid, tid, clean(name, thread->comm));
		return track;
	}
	snprintf(name, sizeof(name), "thread %u", tid);
	perfetto_track(p->out, track, 0, name);
	return track;
}

/* Where @event is a slice among others of its thread. */
static __u32 slice_track(struct perfetto *p, const struct export_event *event)
{
	const struct gmem_record *record = event->record;
	int lane = export_lane(&p->lanes, record->tid, export_begin_ns(record), record->end_ns);
	__u32 thread = thread_track(p, record->tid, event->thread), track;

	if (lane < 0)
		p->no_memory = true;
	if (lane <= 0)
		return thread;
	if (is_new_track(p, TRACK_OVERLAPPING, (__u64)lane << 32 | record->tid, &track))
		perfetto_track(p->out, track, thread, "overlapping");
	return track;
}

/* ---- Events ---- */

static struct spot spot_of_event(const struct export_event *event)
{
	const struct export_place *place = event->place;
	const struct capture_owner *owner = &place->owner;

	return (struct spot){
		.number = place->vm ? place->vm->number : NO_VM,
		.vm = place->vm ? &place->vm->owner.vm_info : NULL,
		.slot = owner->kind == OWNER_SLOT ? &owner->slot : NULL,
		.gmem = owner->kind == OWNER_GMEM ? &owner->gmem : NULL,
	};
}

/* Numbers of texts that are values: details first, then errors as they come. */
static __u32 error_value(struct perfetto *p, int err)
{
	__u32 number;
	int is_new = id_map_number(&p->errors, err, &number);

	if (is_new < 0)
		p->no_memory = true;
	if (is_new > 0)
		perfetto_name(p->out, PERFETTO_VALUES, NR_DETAILS + number, errno_name(err));
	return NR_DETAILS + number;
}

static void add_details(struct perfetto_event *said, const struct gmem_record *record,
			const char *text)
{
	unsigned int bits = record->details;

	if (bits & (bits - 1))
		perfetto_add_text(said, 1 + FIELD_DETAILS, text);
	else
		perfetto_add_value(said, 1 + FIELD_DETAILS,
				   1 + events_first_detail(record->event) + __builtin_ctz(bits));
}

/* @text has room for the details while @said is in use. */
static void describe(struct perfetto *p, const struct export_event *event,
		     struct perfetto_event *said, struct export_value *text)
{
	static const enum export_field_id numbers[] = {
		FIELD_VM,    FIELD_AS_ID, FIELD_SLOT, FIELD_GMEM, FIELD_GFN,
		FIELD_PGOFF, FIELD_PAGES, FIELD_CPU,  FIELD_TID,
	};
	struct export_value value;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		export_get(event, numbers[i], &value);
		if (value.known)
			perfetto_add_number(said, 1 + numbers[i], value.number);
	}
	if (event->record->err)
		perfetto_add_value(said, 1 + FIELD_ERROR, error_value(p, event->record->err));
	export_get(event, FIELD_DETAILS, text);
	if (text->known)
		add_details(said, event->record, text->text);
}

static int put_event(void *ctx, const struct export_event *event)
{
	const struct gmem_record *record = event->record;
	struct spot spot = spot_of_event(event);
	struct perfetto_event said;
	struct perfetto *p = ctx;
	struct export_value text;

	said.size = 0;
	describe(p, event, &said, &text);
	if (event_descs[record->event].carries & EVENT_LATENCY) {
		if (spot.vm)
			process_track(p, spot.vm);
		perfetto_slice(p->out, slice_track(p, event), 1 + record->event,
			       export_begin_ns(record), record->end_ns, &said);
	} else {
		perfetto_instant(p->out, spot_track(p, &spot), 1 + record->event, record->end_ns,
				 &said);
	}
	return p->no_memory ? export_no_memory(p->export) : 0;
}

/* ---- Snapshots ---- */

static __u32 counter_track(struct perfetto *p, __u32 parent, int counter, const char *name)
{
	enum perfetto_unit unit = counter < NR_EVENTS ? PERFETTO_COUNT : PERFETTO_BYTES;
	__u32 track;

	if (is_new_track(p, TRACK_COUNTER, (__u64)parent << 8 | counter, &track))
		perfetto_counter(p->out, track, parent, name, unit);
	return track;
}

/* How often a counter had counted at the snapshot before. NULL when out of memory. */
static __u64 *counted_before(struct perfetto *p, __u32 track)
{
	while (p->ncounted <= track)
		if (!array_append(&p->counted, &p->ncounted, sizeof(*p->counted))) {
			p->no_memory = true;
			return NULL;
		}
	return &p->counted[track];
}

static void put_rate(struct perfetto *p, __u32 parent, const struct event_count *count)
{
	double seconds = (p->until_ns - p->from_ns) / 1e9;
	char name[48];
	__u64 *before;
	__u32 track;

	snprintf(name, sizeof(name), "%s/s", event_descs[count->event].name);
	track = counter_track(p, parent, count->event, name);
	before = counted_before(p, track);
	if (!before)
		return;
	if (*before > count->count) /* another owner under this name */
		*before = 0;
	perfetto_rate(p->out, track, p->from_ns, (count->count - *before) / seconds);
	*before = count->count;
}

static void put_memory(struct perfetto *p, __u32 parent, int counter, const char *name,
		       __u64 npages)
{
	perfetto_value(p->out, counter_track(p, parent, counter, name), p->until_ns,
		       pages_bytes(npages, p->capture->page_bytes));
}

static int put_counted_place(void *ctx, const struct counted_place *place)
{
	const struct resident *resident = export_resident(place);
	struct spot spot = {
		.number = export_vm_number(place),
		.vm = place->vm ? &place->vm->info : NULL,
		.slot = place->slot ? &place->slot->info : NULL,
		.gmem = place->gmem ? &place->gmem->info : NULL,
	};
	struct perfetto *p = ctx;
	__u32 track;

	/* What VMs of the past did is in their own rates. */
	if (place->past || (!place->events->n && !resident))
		return 0;
	track = spot_track(p, &spot);
	for (size_t i = 0; i < place->events->n && p->until_ns > p->from_ns; i++)
		if (capture_shows(p->capture, place->events->v[i].event))
			put_rate(p, track, &place->events->v[i]);
	if (resident && resident->known)
		put_memory(p, track, COUNTER_RESIDENT, "resident", resident->npages);
	if (place->slot && place->slot->has_private)
		put_memory(p, track, COUNTER_PRIVATE, "private", place->slot->nprivate);
	return p->no_memory ? export_no_memory(p->export) : 0;
}

static int put_snapshots(struct perfetto *p)
{
	struct capture_item item;
	int more;

	p->until_ns = capture_start_ns(p->export->file);
	while ((more = export_next(p->export, CAPTURE_WANT_SNAPSHOTS, &item)) > 0) {
		p->capture = item.capture;
		p->from_ns = p->until_ns;
		p->until_ns = capture_start_ns(p->export->file) + item.capture->duration_ns;
		if (export_counted_places(&p->export->places, item.capture->snap, put_counted_place,
					  p))
			return -1;
	}
	return more ?: capture_rewind(p->export->file, p->export->problem);
}

/* Only slices have an order: what takes no time would but fill the window. */
static int take_event(void *ctx, const struct export_event *event)
{
	struct perfetto *p = ctx;

	if (event_descs[event->record->event].carries & EVENT_LATENCY)
		return export_order_add(p->order, event);
	return put_event(p, event);
}

static int put_events(struct perfetto *p)
{
	int err;

	p->order = calloc(1, sizeof(*p->order));
	if (!p->order)
		return export_no_memory(p->export);
	export_order_begin(p->order);
	p->order->fn = put_event;
	p->order->ctx = p;
	err = export_events(p->export, take_event, p) ?: export_order_end(p->order);
	free(p->order);
	return err;
}

static void put_names(FILE *out)
{
	for (int i = 0; i < NR_EVENTS; i++)
		perfetto_name(out, PERFETTO_EVENT_NAMES, 1 + i, event_descs[i].name);
	for (int i = 0; i < NR_FIELDS; i++)
		perfetto_name(out, PERFETTO_ANNOTATION_NAMES, 1 + i, export_fields[i].name);
	for (int i = 0; i < NR_DETAILS; i++)
		perfetto_name(out, PERFETTO_VALUES, 1 + i, detail_descs[i].name);
}

int export_perfetto(struct export *export)
{
	struct perfetto p = { .export = export, .out = export->out };
	__u64 start_ns = capture_start_ns(export->file);
	int err;

	perfetto_begin(p.out, start_ns, start_ns + capture_realtime_offset_ns(export->file));
	put_names(p.out);
	err = put_snapshots(&p);
	if (!err && export->has_records)
		err = put_events(&p);
	id_map_free(&p.tracks);
	id_map_free(&p.errors);
	export_lanes_free(&p.lanes);
	free(p.counted);
	return err;
}
