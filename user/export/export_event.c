// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of an event's values, and where each of them comes from.
 */
#include "export_event.h"
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "base/digits.h"
#include "base/text.h"
#include "model/events.h"

static void set(struct export_value *value, __u64 number)
{
	value->known = true;
	value->number = number;
}

/* @text stays. */
static void set_text(struct export_value *value, const char *text)
{
	value->known = true;
	value->text = text;
}

/* A name that anybody may have made up. */
static void set_comm(struct export_value *value, const char comm[GMEM_COMM_LEN])
{
	set_text(value, text_utf8(value->room, sizeof(value->room), comm, GMEM_COMM_LEN));
}

static bool carries(const struct export_event *event, unsigned int what)
{
	return event_descs[event->record->event].carries & what;
}

static const struct slot_info *slot_of(const struct export_event *event)
{
	const struct capture_owner *owner = &event->place->owner;

	return owner->kind == OWNER_SLOT ? &owner->slot : NULL;
}

static void get_event(const struct export_event *event, struct export_value *value)
{
	set_text(value, event_descs[event->record->event].name);
}

const char *export_time(char buf[EXPORT_TIME_SIZE], __u64 realtime_ns)
{
	/* Formatting a date takes longer than all the rest of an event, which has that of its neighbour. */
	static char date[EXPORT_TIME_SIZE - 11];
	static time_t dated = -1;
	time_t seconds = realtime_ns / NS_PER_S;
	struct tm tm;
	char *end;

	if (seconds != dated && gmtime_r(&seconds, &tm)) {
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		dated = seconds;
	}
	end = stpcpy(buf, date);
	*end++ = '.';
	end = digits_put_exactly(end, realtime_ns % NS_PER_S, 9);
	strcpy(end, "Z");
	return buf;
}

static void get_time(const struct export_event *event, struct export_value *value)
{
	set_text(value,
		 export_time(value->room, event->record->end_ns + event->realtime_offset_ns));
}

static void get_end(const struct export_event *event, struct export_value *value)
{
	set(value, event->record->end_ns);
}

static void get_latency(const struct export_event *event, struct export_value *value)
{
	if (carries(event, EVENT_LATENCY))
		set(value, event->record->latency_ns);
}

static void get_vm(const struct export_event *event, struct export_value *value)
{
	if (event->place->vm)
		set(value, event->place->vm->number);
}

static void get_pid(const struct export_event *event, struct export_value *value)
{
	if (event->place->vm)
		set(value, event->place->vm->owner.vm_info.pid);
}

static void get_comm(const struct export_event *event, struct export_value *value)
{
	if (event->place->vm)
		set_comm(value, event->place->vm->owner.vm_info.comm);
}

static void get_as_id(const struct export_event *event, struct export_value *value)
{
	if (slot_of(event))
		set(value, slot_of(event)->as_id);
}

static void get_slot(const struct export_event *event, struct export_value *value)
{
	if (slot_of(event) && slot_of(event)->id >= 0)
		set(value, slot_of(event)->id);
}

static void get_gmem(const struct export_event *event, struct export_value *value)
{
	const struct capture_owner *owner = &event->place->owner;

	if (owner->kind == OWNER_GMEM && owner->gmem.ino)
		set(value, owner->gmem.ino);
	if (owner->kind == OWNER_SLOT && owner->slot.ino)
		set(value, owner->slot.ino);
}

static void get_page(const struct export_event *event, struct export_value *value, bool pgoff)
{
	const struct gmem_record *record = event->record;

	if (record->page != RECORD_NO_PAGE && !!(record->flags & RECORD_PGOFF) == pgoff)
		set(value, record->page);
}

static void get_gfn(const struct export_event *event, struct export_value *value)
{
	get_page(event, value, false);
}

static void get_pgoff(const struct export_event *event, struct export_value *value)
{
	get_page(event, value, true);
}

static void get_pages(const struct export_event *event, struct export_value *value)
{
	if (carries(event, EVENT_PAGES))
		set(value, event->record->npages);
}

static void get_error(const struct export_event *event, struct export_value *value)
{
	if (!event->record->err)
		return;
	snprintf(value->room, sizeof(value->room), "%s", errno_name(event->record->err));
	set_text(value, value->room);
}

static void get_details(const struct export_event *event, struct export_value *value)
{
	const struct detail_desc *first = &detail_descs[events_first_detail(event->record->event)];
	unsigned int bits = event->record->details;
	size_t at = 0;

	if (!bits)
		return;
	if (!(bits & (bits - 1))) {
		set_text(value, first[__builtin_ctz(bits)].name);
		return;
	}
	for (; bits; bits &= bits - 1)
		at += snprintf(value->room + at, sizeof(value->room) - at, "%s%s", at ? " " : "",
			       first[__builtin_ctz(bits)].name);
	set_text(value, value->room);
}

static void get_cpu(const struct export_event *event, struct export_value *value)
{
	set(value, event->record->cpu);
}

static void get_tid(const struct export_event *event, struct export_value *value)
{
	set(value, event->record->tid);
}

static void get_thread(const struct export_event *event, struct export_value *value)
{
	if (event->thread)
		set_comm(value, event->thread->comm);
}

const struct export_field export_fields[NR_FIELDS] = {
	[FIELD_EVENT] = { "event", FIELD_WORD, get_event },
	[FIELD_TIME] = { "time", FIELD_WORD, get_time },
	[FIELD_END] = { "end_ns", FIELD_NUMBER, get_end },
	[FIELD_LATENCY] = { "latency_ns", FIELD_NUMBER, get_latency },
	[FIELD_VM] = { "vm", FIELD_NUMBER, get_vm },
	[FIELD_PID] = { "pid", FIELD_NUMBER, get_pid },
	[FIELD_COMM] = { "comm", FIELD_TEXT, get_comm },
	[FIELD_AS_ID] = { "as_id", FIELD_NUMBER, get_as_id },
	[FIELD_SLOT] = { "slot", FIELD_NUMBER, get_slot },
	[FIELD_GMEM] = { "gmem_ino", FIELD_NUMBER, get_gmem },
	[FIELD_GFN] = { "gfn", FIELD_NUMBER, get_gfn },
	[FIELD_PGOFF] = { "gmem_pgoff", FIELD_NUMBER, get_pgoff },
	[FIELD_PAGES] = { "pages", FIELD_NUMBER, get_pages },
	[FIELD_ERROR] = { "error", FIELD_WORD, get_error },
	[FIELD_DETAILS] = { "details", FIELD_WORDS, get_details },
	[FIELD_CPU] = { "cpu", FIELD_NUMBER, get_cpu },
	[FIELD_TID] = { "tid", FIELD_NUMBER, get_tid },
	[FIELD_THREAD] = { "thread", FIELD_TEXT, get_thread },
};

/* Nothing is told of owners and threads between these records, so that who one names the next may, too. */
static int hand_on(struct export *export, const struct capture_item *item, export_event_fn *fn,
		   void *ctx)
{
	struct export_event event = {
		.realtime_offset_ns = capture_realtime_offset_ns(export->file),
	};
	int err = 0;

	for (size_t i = 0; i < item->nrecords && !err; i++) {
		const struct gmem_record *record = &item->records[i], *before = event.record;

		event.record = record;
		if (!before || before->owner != record->owner)
			event.place =
				export_places_find(&export->places, export->file, record->owner);
		if (!before || before->tid != record->tid)
			event.thread = capture_thread(export->file, record->tid);
		err = event.place ? fn(ctx, &event) : export_no_memory(export);
	}
	return err;
}

int export_events(struct export *export, export_event_fn *fn, void *ctx)
{
	struct capture_item item;
	int more;

	capture_read_ahead(export->file);
	while ((more = export_next(export, CAPTURE_WANT_RECORDS, &item)) > 0)
		if (hand_on(export, &item, fn, ctx))
			return -1;
	return more;
}

void export_get(const struct export_event *event, enum export_field_id field,
		struct export_value *value)
{
	value->known = false;
	export_fields[field].get(event, value);
}
