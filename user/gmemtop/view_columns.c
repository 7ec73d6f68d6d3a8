// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of columns, and how values are written. Events have theirs from the list in gmem.h; only
 * where some of them stand, and how important they are, is said here.
 */
#include "view_columns.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/number.h"
#include "model/events.h"
#include "view_values.h"

#define EVENT_WIDTH 8

#define REFAULTS                                                                                   \
	(1ULL << DETAIL_FAULT_PUNCHED | 1ULL << DETAIL_FAULT_NOTIFIED |                            \
	 1ULL << DETAIL_FAULT_CONVERTED | 1ULL << DETAIL_FAULT_SLOT_CHANGED |                      \
	 1ULL << DETAIL_FAULT_FAILED)

/* clang-format off */
/* Where an event's column is; those of all other events, in the order of reports. */
#define EVENT_COLUMN(id, importance) { .rank = importance, .value = value_event, .arg = EV_##id }
#define OTHER_EVENTS { .value = NULL }

/* In the order of the screen. Without a rank: not shown, and less important the later it comes. */
static const struct column table[] = {
	{ "vm", "VM / SLOT", COLUMN_TEXT, 1, 25, "the VM's number, the VMM's pid and name; slots below it",
	  value_order, cell_name, 0, 0 },
	{ "gpa", "GUEST ADDRESSES", COLUMN_TEXT, 13, 21, "guest physical addresses; of a VM its type, vCPUs",
	  value_slot, cell_gpa, FIELD(slot_info, base_gfn), 0 },
	{ "size", "SIZE", COLUMN_BYTES, 9, 7, "of the memslot, or of all those of the VM",
	  value_memory, NULL, MEMORY_SIZE, 0 },
	{ "resident", "RESID", COLUMN_BYTES, 10, 7, "memory in the guest_memfd: a little old, as exact as it was",
	  value_memory, NULL, MEMORY_RESIDENT, NEEDS_INVENTORY },
	{ "bar", "RES/SIZE", COLUMN_DRAWING, 16, 8, "how much of the memslot that is",
	  value_resident_share, cell_bar, 0, NEEDS_INVENTORY },
	{ "private", "PRIVATE", COLUMN_BYTES, 18, 7, "of the memslot, what is private (- where KVM keeps no account)",
	  value_memory, NULL, MEMORY_PRIVATE, NEEDS_INVENTORY },
	{ "flags", "FLAGS", COLUMN_TEXT, 19, 9, "of the memslot, as KVM has them",
	  value_slot, cell_flags, FIELD(slot_info, flags), 0 },
	EVENT_COLUMN(GUEST_FAULT, 2),
	EVENT_COLUMN(HOST_FAULT, 7),
	{ "p50", "P50", COLUMN_LATENCY, 4, 6, "latency of guest faults: half took no longer",
	  value_percentile, NULL, PERCENTILE(EV_GUEST_FAULT, 500), 1ULL << EV_GUEST_FAULT },
	{ "p90", "P90", COLUMN_LATENCY, 0, 6, "latency of guest faults: 90 % took no longer",
	  value_percentile, NULL, PERCENTILE(EV_GUEST_FAULT, 900), 1ULL << EV_GUEST_FAULT },
	{ "p99", "P99", COLUMN_LATENCY, 3, 6, "latency of guest faults: 99 % took no longer",
	  value_percentile, NULL, PERCENTILE(EV_GUEST_FAULT, 990), 1ULL << EV_GUEST_FAULT },
	{ "max", "MAX", COLUMN_LATENCY, 0, 6, "latency of the longest guest fault",
	  value_max, NULL, EV_GUEST_FAULT, 1ULL << EV_GUEST_FAULT },
	{ "mean", "MEAN", COLUMN_LATENCY, 0, 6, "latency of guest faults: the mean",
	  value_mean, NULL, EV_GUEST_FAULT, 1ULL << EV_GUEST_FAULT },
	{ "first_touch", "FIRST", COLUMN_COUNT, 11, 8, "guest faults of pages that were not there yet",
	  value_details, NULL, 1ULL << DETAIL_FAULT_FIRST_TOUCH, 1ULL << EV_GUEST_FAULT },
	{ "refault", "REFLT", COLUMN_COUNT, 8, 8, "guest faults of pages that had been zapped",
	  value_details, NULL, REFAULTS, 1ULL << EV_GUEST_FAULT },
	{ "prepares", "PREP/FLT", COLUMN_RATIO, 17, 8, "preparations for each guest fault",
	  value_prepares, NULL, 0, 1ULL << EV_GUEST_FAULT | 1ULL << EV_PREPARE },
	EVENT_COLUMN(ZAP, 12),
	{ "zap_pages", "ZAPPED", COLUMN_COUNT, 0, 8, "pages that were zapped",
	  value_pages, NULL, EV_ZAP, 1ULL << EV_ZAP },
	EVENT_COLUMN(NOTIFIER_HIT, 14),
	EVENT_COLUMN(NOTIFIER, 0),
	EVENT_COLUMN(CONVERT, 15),
	{ "errors", "ERRORS", COLUMN_COUNT, 5, 8, "events of any kind that failed",
	  value_errors, NULL, 0, 0 },
	OTHER_EVENTS,
	{ "pid", "PID", COLUMN_NUMBER, 0, 7, "process id of the VMM", value_vm, NULL, FIELD(vm_info, pid), 0 },
	{ "comm", "COMMAND", COLUMN_TEXT, 0, 15, "name of the VMM", value_comm, cell_comm, 0, 0 },
	{ "type", "TYPE", COLUMN_TEXT, 0, 12, "type of the VM", value_vm, cell_type, FIELD(vm_info, type), 0 },
	{ "vcpus", "VCPUS", COLUMN_NUMBER, 0, 5, "vCPUs of the VM", value_vcpus, NULL, 0, NEEDS_INVENTORY },
	{ "slot", "SLOT", COLUMN_NUMBER, 0, 5, "number of the memslot", value_slot, NULL, FIELD(slot_info, id), 0 },
	{ "as_id", "AS", COLUMN_NUMBER, 0, 2, "address space of the memslot", value_slot, NULL, FIELD(slot_info, as_id), 0 },
	{ "gmem", "GMEM", COLUMN_NUMBER, 0, 7, "inode of the guest_memfd", value_gmem, NULL, 0, 0 },
	{ "history", "LAST MINUTE", COLUMN_DRAWING, 6, 12, "guest faults of the last minute, as high as its most",
	  value_history, cell_history, 0, 1ULL << EV_GUEST_FAULT },
};
/* clang-format on */

#define NR_ROWS (sizeof(table) / sizeof(table[0]))

_Static_assert(NR_ROWS + NR_EVENTS <= COLUMNS_MAX, "a bit for each column");

static struct column made[COLUMNS_MAX];

const struct column *const columns = made;
unsigned int nr_columns;
static unsigned int nshown; /* by default: ranks up to this one */

static void add_event(enum gmem_event event, unsigned int rank)
{
	made[nr_columns++] = (struct column){
		.key = event_descs[event].name,
		.title = event_descs[event].heading,
		.kind = COLUMN_COUNT,
		.rank = rank,
		.width = EVENT_WIDTH,
		.what = event_descs[event].many,
		.value = value_event,
		.arg = event,
		.needs = 1ULL << event,
	};
}

static bool has_row(enum gmem_event event)
{
	for (size_t i = 0; i < NR_ROWS; i++)
		if (table[i].value == value_event && table[i].arg == event)
			return true;
	return false;
}

static void add_row(const struct column *row)
{
	if (row->value == value_event)
		add_event(row->arg, row->rank);
	else if (row->value)
		made[nr_columns++] = *row;
	else
		for (int event = 0; event < NR_EVENTS; event++)
			if (!has_row(event))
				add_event(event, 0);
}

/* Before main(), so that nobody sees anything else. */
__attribute__((constructor)) static void make_columns(void)
{
	unsigned int last;

	for (size_t i = 0; i < NR_ROWS; i++)
		add_row(&table[i]);
	for (unsigned int i = 0; i < nr_columns; i++)
		nshown += made[i].rank > 0;
	last = nshown;
	for (unsigned int i = 0; i < nr_columns; i++)
		if (!made[i].rank)
			made[i].rank = ++last;
}

__u64 columns_default(void)
{
	__u64 chosen = 0;

	for (unsigned int i = 0; i < nr_columns; i++)
		chosen |= (__u64)(columns[i].rank <= nshown) << i;
	return chosen;
}

unsigned int columns_default_sort(void)
{
	return column_by_key("guest_fault", strlen("guest_fault"));
}

int column_by_key(const char *key, size_t len)
{
	for (unsigned int i = 0; i < nr_columns; i++)
		if (strlen(columns[i].key) == len && !memcmp(columns[i].key, key, len))
			return i;
	return -1;
}

/* Something that the column needs is not counted here, or not all of it. */
static bool is_unavailable(const struct view *view, const struct row *row, unsigned int column)
{
	__u64 needs = columns[column].needs;

	for (int event = 0; event < NR_EVENTS; event++)
		if (needs & 1ULL << event && !view_has(view, event))
			return true;
	if (columns[column].value == value_errors) /* of whatever events there are */
		needs = ~NEEDS_INVENTORY;
	for (int event = 0; event < NR_EVENTS; event++)
		if (needs & 1ULL << event && view_is_partial(view, row, event))
			return true;
	return needs & NEEDS_INVENTORY && view->no_inventory;
}

static bool is_pending(const struct view *view, const struct row *row, unsigned int column)
{
	return columns[column].needs & NEEDS_INVENTORY && view_is_pending(view, row);
}

double column_value(const struct view *view, const struct row *row, unsigned int column)
{
	if (is_unavailable(view, row, column) || is_pending(view, row, column))
		return NAN;
	return columns[column].value(view, row, columns[column].arg);
}

/* How a value of each kind is written. */
static void write_number(double value, bool utf8, char *cell)
{
	(void)utf8;
	snprintf(cell, CELL_LEN, "%.0f", value);
}

static void write_ratio(double value, bool utf8, char *cell)
{
	(void)utf8;
	snprintf(cell, CELL_LEN, value > 0 && value < 0.005 ? "<0.01" : "%.2f", value);
}

static void write_latency(double value, bool utf8, char *cell)
{
	number_latency(cell, (__u64)value, utf8);
}

static void write_bytes(double value, bool utf8, char *cell)
{
	(void)utf8;
	number_bytes(cell, (__u64)value);
}

static void write_value(const struct view *view, enum column_kind kind, double value, bool utf8,
			char *cell)
{
	static void (*const write[])(double, bool, char *) = {
		[COLUMN_TEXT] = write_number, [COLUMN_NUMBER] = write_number,
		[COLUMN_RATIO] = write_ratio, [COLUMN_LATENCY] = write_latency,
		[COLUMN_BYTES] = write_bytes, [COLUMN_DRAWING] = write_number,
	};

	if (kind == COLUMN_COUNT && view->totals)
		number_short(cell, (__u64)value);
	else if (kind == COLUMN_COUNT)
		number_per_second(cell, value);
	else
		write[kind](value, utf8, cell);
}

const char *column_cell(const struct view *view, const struct row *row, unsigned int column,
			bool utf8, unsigned int width, char cell[CELL_LEN])
{
	const struct column *found = &columns[column];
	double value;

	if (is_unavailable(view, row, column)) {
		strcpy(cell, "n/a");
		return cell;
	}
	if (is_pending(view, row, column)) {
		strcpy(cell, utf8 ? "…" : "...");
		return cell;
	}
	if (found->text) {
		found->text(view, row, utf8, width, cell);
		return cell;
	}
	value = found->value(view, row, found->arg);
	if (isnan(value))
		strcpy(cell, "-");
	else
		write_value(view, found->kind, value, utf8, cell);
	return cell;
}

const char *column_title(unsigned int column, bool totals, char title[CELL_LEN])
{
	bool rate = columns[column].kind == COLUMN_COUNT && !totals;

	snprintf(title, CELL_LEN, "%s%s", columns[column].title, rate ? "/s" : "");
	return title;
}

bool column_descends(unsigned int column)
{
	return !column_is_left(column) && columns[column].kind != COLUMN_NUMBER;
}

bool column_is_left(unsigned int column)
{
	return columns[column].kind == COLUMN_TEXT || columns[column].kind == COLUMN_DRAWING;
}
