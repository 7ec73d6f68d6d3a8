// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture as an SQLite database: every event a row, and what was counted by each snapshot.
 * Written without a journal to a file that is thrown away unless it is whole. What a cell has is
 * exact: where SQLite's integers end, at 2^63, it is NULL.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>
#include "base/arrays.h"
#include "base/destination.h"
#include "base/id_map.h"
#include "export_counts.h"
#include "export_event.h"
#include "model/capture.h"
#include "model/events.h"
#include "model/kvm_names.h"
#include "sqlite_rows.h"
#include "sqlite_schema.h"

/* After its number, and that of its hook. */
static const enum export_field_id event_columns[] = {
	FIELD_END,   FIELD_LATENCY, FIELD_VM,	 FIELD_AS_ID,	FIELD_SLOT, FIELD_GMEM, FIELD_GFN,
	FIELD_PGOFF, FIELD_PAGES,   FIELD_ERROR, FIELD_DETAILS, FIELD_CPU,  FIELD_TID,
};

#define NR_EVENT_COLUMNS (sizeof(event_columns) / sizeof(event_columns[0]))

struct event_row {
	enum gmem_event event;
	struct export_value values[NR_EVENT_COLUMNS];
};

struct database {
	struct sqlite_rows rows;
	struct event_row events[EVENTS_AT_ONCE]; /* that have not been put yet */
	size_t nevents;
	struct id_map threads; /* that events name */
	__u32 *tids; /* theirs, as they came */
	size_t ntids;
	__u32 last_tid;
	struct export *export;
	const struct capture *capture; /* the snapshot at hand */
	__u64 nsnapshots;
};

static void put_event_row(struct sqlite_rows *rows, const struct event_row *row)
{
	sqlite_row_number(rows, row->event);
	for (size_t i = 0; i < NR_EVENT_COLUMNS; i++) {
		const struct export_value *value = &row->values[i];

		if (export_fields[event_columns[i]].kind == FIELD_NUMBER)
			sqlite_row_number_if(rows, value->known, value->number);
		else
			sqlite_row_word(rows, value->known ? value->text : NULL);
	}
}

/* Those that are waiting. */
static void put_event_rows(struct database *db)
{
	bool at_once = db->nevents == EVENTS_AT_ONCE;

	if (at_once)
		sqlite_row_begin(&db->rows, INSERT_EVENTS);
	for (size_t i = 0; i < db->nevents; i++) {
		if (!at_once)
			sqlite_row_begin(&db->rows, INSERT_EVENT);
		put_event_row(&db->rows, &db->events[i]);
		if (!at_once)
			sqlite_row_end(&db->rows);
	}
	if (at_once)
		sqlite_row_end(&db->rows);
	db->nevents = 0;
}

static void put_vm(struct database *db, __u32 number, const struct vm_info *info)
{
	const char *arch = capture_meta(db->export->file)->arch;
	struct sqlite_rows *rows = &db->rows;

	sqlite_row_begin(rows, INSERT_VM);
	sqlite_row_number(rows, number);
	sqlite_row_number(rows, info->pid);
	sqlite_row_text(rows, info->comm, sizeof(info->comm));
	sqlite_row_number(rows, info->type);
	sqlite_row_string(rows, vm_type_name(arch, info->type));
	sqlite_row_number_if(rows, info->ended_ns, info->ended_ns);
	sqlite_row_end(rows);
}

static void put_gmem(struct database *db, __u32 vm, const struct gmem_info *info)
{
	struct sqlite_rows *rows = &db->rows;

	sqlite_row_begin(rows, INSERT_GMEM);
	sqlite_row_number(rows, info->ino);
	sqlite_row_number_if(rows, vm != NO_VM, vm);
	sqlite_row_number(rows, info->size_bytes);
	sqlite_row_number(rows, info->flags);
	sqlite_row_number_if(rows, info->released_ns, info->released_ns);
	sqlite_row_end(rows);
}

/* A guest_memfd that so far only its slot has told of. */
static void put_gmem_of_slot(struct database *db, __u32 vm, __u64 ino)
{
	struct sqlite_rows *rows = &db->rows;

	sqlite_row_begin(rows, INSERT_GMEM);
	sqlite_row_number(rows, ino);
	sqlite_row_number_if(rows, vm != NO_VM, vm);
	for (int i = 0; i < 3; i++)
		sqlite_row_null(rows);
	sqlite_row_end(rows);
}

static void put_slot(struct database *db, __u32 vm, const struct slot_info *info)
{
	struct sqlite_rows *rows = &db->rows;

	if (info->ino)
		put_gmem_of_slot(db, vm, info->ino);
	sqlite_row_begin(rows, INSERT_SLOT);
	sqlite_row_number(rows, vm);
	sqlite_row_number(rows, info->as_id);
	sqlite_row_signed(rows, info->id);
	sqlite_row_number(rows, info->base_gfn);
	sqlite_row_number(rows, info->npages);
	sqlite_row_number(rows, info->flags);
	sqlite_row_number_if(rows, info->ino, info->ino);
	sqlite_row_number_if(rows, info->ino, info->pgoff);
	sqlite_row_end(rows);
}

/* Who an event names, once, and again when it has changed: after the events before. */
static void put_place(struct database *db, struct export_place *place)
{
	__u32 vm = place->vm ? place->vm->number : NO_VM;

	if (place->vm && place->vm != place)
		put_place(db, place->vm);
	if (place->told == place->version)
		return;
	put_event_rows(db);
	place->told = place->version;
	if (place->owner.kind == OWNER_VM)
		put_vm(db, vm, &place->owner.vm_info);
	if (place->owner.kind == OWNER_SLOT && place->vm)
		put_slot(db, vm, &place->owner.slot);
	else if (place->owner.kind == OWNER_SLOT && place->owner.slot.ino)
		put_gmem_of_slot(db, vm, place->owner.slot.ino);
	if (place->owner.kind == OWNER_GMEM)
		put_gmem(db, vm, &place->owner.gmem);
}

/* To ask the database which there are would be to read all of it. */
static int note_thread(struct database *db, __u32 tid)
{
	__u32 number, *at;
	int is_new;

	if (db->ntids && db->last_tid == tid)
		return 0;
	db->last_tid = tid;
	is_new = id_map_number(&db->threads, tid, &number);
	if (is_new <= 0)
		return is_new;
	at = array_append(&db->tids, &db->ntids, sizeof(*at));
	if (at)
		*at = tid;
	return at ? 0 : -ENOMEM;
}

static int put_event(void *ctx, const struct export_event *event)
{
	struct database *db = ctx;
	struct event_row *row;

	if (note_thread(db, event->record->tid))
		return export_no_memory(db->export);
	put_place(db, event->place);
	row = &db->events[db->nevents++];
	row->event = event->record->event;
	for (size_t i = 0; i < NR_EVENT_COLUMNS; i++)
		export_get(event, event_columns[i], &row->values[i]);
	if (db->nevents == EVENTS_AT_ONCE)
		put_event_rows(db);
	return db->rows.status ? -1 : 0;
}

static int put_events(struct database *db)
{
	int err = export_events(db->export, put_event, db);

	put_event_rows(db);
	return err ?: capture_rewind(db->export->file, db->export->problem);
}

/* The columns vm, as_id, slot and gmem_ino. */
static void put_place_columns(struct sqlite_rows *rows, const struct counted_place *place)
{
	__u64 ino = export_gmem_ino(place);

	sqlite_row_number_if(rows, place->vm, export_vm_number(place));
	if (place->slot) {
		sqlite_row_number(rows, place->slot->info.as_id);
		sqlite_row_signed(rows, place->slot->info.id);
	} else {
		sqlite_row_null(rows);
		sqlite_row_null(rows);
	}
	sqlite_row_number_if(rows, ino, ino);
}

static void put_histogram(struct sqlite_rows *rows, __s64 id, const struct event_count *count)
{
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		__u64 high = hist_high_ns(i);

		if (!buckets_at(&count->latency, i))
			continue;
		sqlite_row_begin(rows, INSERT_HISTOGRAM);
		sqlite_row_signed(rows, id);
		sqlite_row_number(rows, hist_low_ns(i));
		sqlite_row_number_if(rows, high, high);
		sqlite_row_number(rows, buckets_at(&count->latency, i));
		sqlite_row_end(rows);
	}
}

/* So many of a count are called so. */
static void put_named(struct sqlite_rows *rows, int statement, __s64 id, const char *name, __u64 n)
{
	sqlite_row_begin(rows, statement);
	sqlite_row_signed(rows, id);
	sqlite_row_string(rows, name);
	sqlite_row_number(rows, n);
	sqlite_row_end(rows);
}

static void put_count(struct database *db, const struct counted_place *place,
		      const struct event_count *count)
{
	unsigned int carries = event_descs[count->event].carries;
	struct sqlite_rows *rows = &db->rows;
	bool timed = carries & EVENT_LATENCY && event_count_timed(count);
	__s64 id;

	sqlite_row_begin(rows, INSERT_COUNT);
	sqlite_row_number(rows, db->nsnapshots);
	sqlite_row_number(rows, count->event);
	put_place_columns(rows, place);
	sqlite_row_number(rows, count->count);
	sqlite_row_number_if(rows, carries & EVENT_PAGES, count->npages);
	sqlite_row_number_if(rows, timed, count->sum_ns);
	sqlite_row_number_if(rows, timed, count->min_ns);
	sqlite_row_number_if(rows, timed, count->max_ns);
	sqlite_row_text(rows, place->past ? place->past->comm : NULL, GMEM_COMM_LEN);
	sqlite_row_number_if(rows, carries & EVENT_LATENCY, count->untimed);
	sqlite_row_end(rows);
	id = sqlite3_last_insert_rowid(rows->db);
	put_histogram(rows, id, count);
	for (size_t i = 0; i < count->nerrs; i++)
		if (event_errors_alike(count, i))
			put_named(rows, INSERT_ERROR, id, errno_name(count->errs[i].err),
				  event_errors_alike(count, i));
	for (size_t i = 0; i < count->ndetails; i++)
		put_named(rows, INSERT_DETAIL, id, detail_descs[count->details[i].detail].name,
			  count->details[i].count);
}

static void put_memory(struct database *db, const struct counted_place *place)
{
	const struct resident *resident = export_resident(place);
	bool has_private = place->slot && place->slot->has_private;
	struct sqlite_rows *rows = &db->rows;

	if (!resident || (!resident->known && !has_private))
		return;
	sqlite_row_begin(rows, INSERT_MEMORY);
	sqlite_row_number(rows, db->nsnapshots);
	put_place_columns(rows, place);
	sqlite_row_number_if(rows, resident->known, resident->npages);
	sqlite_row_number_if(rows, has_private, has_private ? place->slot->nprivate : 0);
	sqlite_row_end(rows);
}

static void put_past(struct database *db, const struct past *past)
{
	struct sqlite_rows *rows = &db->rows;

	sqlite_row_begin(rows, INSERT_PAST);
	sqlite_row_number(rows, db->nsnapshots);
	sqlite_row_text(rows, past->comm, GMEM_COMM_LEN);
	sqlite_row_number(rows, past->nvms);
	sqlite_row_number(rows, past->nslots);
	sqlite_row_number(rows, past->ngmems);
	sqlite_row_end(rows);
}

static int put_counted_place(void *ctx, const struct counted_place *place)
{
	struct database *db = ctx;

	if (place->past)
		put_past(db, place->past);
	if (place->slot)
		put_slot(db, export_vm_number(place), &place->slot->info);
	else if (place->gmem)
		put_gmem(db, export_vm_number(place), &place->gmem->info);
	else if (place->vm)
		put_vm(db, export_vm_number(place), &place->vm->info);
	for (size_t i = 0; i < place->events->n; i++)
		if (capture_shows(db->capture, place->events->v[i].event))
			put_count(db, place, &place->events->v[i]);
	put_memory(db, place);
	return db->rows.status ? -1 : 0;
}

static int put_snapshots(struct database *db)
{
	struct capture_item item;
	int more;

	while ((more = export_next(db->export, CAPTURE_WANT_SNAPSHOTS, &item)) > 0) {
		db->capture = item.capture;
		db->nsnapshots++;
		sqlite_row_begin(&db->rows, INSERT_SNAPSHOT);
		sqlite_row_number(&db->rows, db->nsnapshots);
		sqlite_row_number(&db->rows, item.capture->duration_ns);
		sqlite_row_end(&db->rows);
		if (export_counted_places(&db->export->places, item.capture->snap,
					  put_counted_place, db))
			return -1;
	}
	return more;
}

static void put_functions(struct sqlite_rows *rows, const struct rung *rung)
{
	char names[400] = "";
	const char *function;
	size_t at = 0;

	for (unsigned int i = 0; rung && (function = rung_function(rung, i)); i++)
		if (at < sizeof(names))
			at += snprintf(names + at, sizeof(names) - at, "%s%s", i ? " " : "",
				       function);
	sqlite_row_string(rows, rung ? names : NULL);
}

static void put_hook(struct database *db, const struct capture *capture, enum gmem_event event)
{
	const struct hook_state *hook = &capture->hooks[event];
	const struct rung *rung = capture_rung(capture, event);
	struct sqlite_rows *rows = &db->rows;

	sqlite_row_begin(rows, INSERT_HOOK);
	sqlite_row_number(rows, event);
	sqlite_row_string(rows, event_descs[event].name);
	sqlite_row_number(rows, capture_shows(capture, event));
	sqlite_row_number(rows, hook->wanted);
	sqlite_row_number(rows, hook->attached);
	sqlite_row_string(rows, rung ? rung->since : NULL);
	put_functions(rows, rung);
	sqlite_row_string(rows, hook->reason[0] ? hook->reason : NULL);
	sqlite_row_number(rows, hook->run_count);
	sqlite_row_number(rows, hook->run_time_ns);
	sqlite_row_number(rows, hook->recursion_misses);
	sqlite_row_end(rows);
}

static void put_losses(struct database *db, const struct capture *capture, enum gmem_event event)
{
	for (int i = 0; capture->snap && i < NR_LOSSES; i++)
		if (capture->snap->loss[event][i])
			put_named(&db->rows, INSERT_LOSS, event, loss_descs[i].name,
				  capture->snap->loss[event][i]);
}

static void put_dropped(struct database *db)
{
	const struct capture_drop *drops;
	size_t n;

	drops = capture_drops(db->export->file, &n);
	for (size_t i = 0; i < n; i++) {
		sqlite_row_begin(&db->rows, INSERT_DROPPED);
		sqlite_row_number(&db->rows, drops[i].event);
		sqlite_row_number(&db->rows, drops[i].cpu);
		sqlite_row_number(&db->rows, drops[i].count);
		sqlite_row_end(&db->rows);
	}
}

static void put_thread(struct database *db, __u32 tid)
{
	const struct capture_thread *thread = capture_thread(db->export->file, tid);

	sqlite_row_begin(&db->rows, INSERT_THREAD);
	sqlite_row_number(&db->rows, tid);
	sqlite_row_number_if(&db->rows, thread, thread ? thread->pid : 0);
	sqlite_row_text(&db->rows, thread ? thread->comm : NULL, GMEM_COMM_LEN);
	sqlite_row_end(&db->rows);
}

/* Its words with blanks between them. */
static void put_command(struct sqlite_rows *rows, char *const *command)
{
	char line[4096] = "";
	size_t at = 0;

	for (size_t i = 0; command && command[i] && at < sizeof(line); i++)
		at += snprintf(line + at, sizeof(line) - at, "%s%s", i ? " " : "", command[i]);
	sqlite_row_string(rows, command ? line : NULL);
}

static void put_capture(struct database *db, const struct capture *capture)
{
	bool ended = capture->command && capture->command_ended;
	const char *signal = ended ? capture_signal(capture->command_status) : NULL;
	struct sqlite_rows *rows = &db->rows;
	char start[EXPORT_TIME_SIZE];

	sqlite_row_begin(rows, INSERT_CAPTURE);
	sqlite_row_string(rows, capture->tool);
	sqlite_row_string(rows, capture->version);
	sqlite_row_string(rows, capture->kernel);
	sqlite_row_string(rows, capture->arch);
	sqlite_row_number_if(rows, capture->page_bytes, capture->page_bytes);
	sqlite_row_string(rows, export_time(start, capture->start_realtime_ns));
	sqlite_row_number(rows, capture_start_ns(db->export->file));
	sqlite_row_signed(rows, capture_realtime_offset_ns(db->export->file));
	sqlite_row_number(rows, capture->duration_ns);
	sqlite_row_number(rows, capture->min_latency_ns);
	sqlite_row_number(rows, capture->sample);
	put_command(rows, capture->command);
	sqlite_row_number_if(rows, capture->command, capture->command_ended);
	sqlite_row_number_if(rows, ended && !signal, WEXITSTATUS(capture->command_status));
	sqlite_row_string(rows, signal);
	sqlite_row_string(rows, capture->no_inventory);
	sqlite_row_string(rows, capture->inventory_lacks);
	sqlite_row_number_if(rows, capture->snap, capture->snap ? capture->snap->switched_off : 0);
	sqlite_row_string(rows, capture_incomplete(db->export->file));
	sqlite_row_end(rows);
}

/* Events first: of a place that both know, the snapshots have the last word. */
static int put_all(struct database *db)
{
	const struct capture *capture;
	int err = 0;

	sqlite_rows_prepare(&db->rows, sqlite_statements, NR_STATEMENTS);
	if (db->export->has_records)
		err = put_events(db);
	if (!err)
		err = put_snapshots(db);
	if (err)
		return -1;
	capture = capture_meta(db->export->file);
	put_capture(db, capture);
	for (int event = 0; capture->hooks && event < NR_EVENTS; event++) {
		put_hook(db, capture, event);
		put_losses(db, capture, event);
	}
	put_dropped(db);
	for (size_t i = 0; i < db->ntids; i++)
		put_thread(db, db->tids[i]);
	sqlite_rows_run(&db->rows, sqlite_indexes);
	sqlite_rows_run(&db->rows, "COMMIT");
	return 0;
}

/*
 * What SQLite sorts for an index it sorts in pieces of its cache's size, by lists: pieces that fit into
 * the processor's caches take half as long as large ones.
 */
#define CACHE_KIB "2048"

int export_sqlite(struct export *export)
{
	struct database db = { .export = export };
	char message[120];
	int err, status;

	sqlite_rows_open(&db.rows, export->path, "PRAGMA journal_mode = OFF");
	sqlite_rows_run(&db.rows, "PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
				  "PRAGMA cache_size = -" CACHE_KIB "; BEGIN");
	sqlite_rows_run(&db.rows, sqlite_schema);
	err = put_all(&db);
	id_map_free(&db.threads);
	free(db.tids);
	status = sqlite_rows_close(&db.rows, message, sizeof(message));
	if (status == SQLITE_FULL)
		return destination_problem(export->options->output, ENOSPC, export->problem);
	if (status)
		return problem_set(export->problem, EXIT_IMPOSSIBLE,
				   "cannot write %s: SQLite: %s. Choose another place with -o",
				   export->options->output, message);
	return err;
}
