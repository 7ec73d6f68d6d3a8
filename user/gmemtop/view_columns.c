// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of columns, and how values are written.
 */
#include "view_columns.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/number.h"
#include "view_values.h"

#define REFAULTS                                                                                   \
	(1ULL << DETAIL_FAULT_PUNCHED | 1ULL << DETAIL_FAULT_NOTIFIED |                            \
	 1ULL << DETAIL_FAULT_CONVERTED | 1ULL << DETAIL_FAULT_SLOT_CHANGED |                      \
	 1ULL << DETAIL_FAULT_FAILED)

#define EVENT_COLUMN(id, name, title, rank, shown, what)                                           \
	{                                                                                          \
#name, title, COLUMN_COUNT, rank, 8, shown, what, value_event, NULL, EV_##id,      \
			1ULL << EV_##id                                                            \
	}

/* clang-format off */
const struct column columns[] = {
	{ "vm", "VM / SLOT", COLUMN_TEXT, 1, 25, true, "the VM's number, the VMM's pid and name; slots below it",
	  value_order, cell_name, 0, 0 },
	{ "gpa", "GUEST ADDRESSES", COLUMN_TEXT, 13, 21, true, "guest physical addresses; of a VM its type, vCPUs",
	  value_slot, cell_gpa, FIELD(slot_info, base_gfn), 0 },
	{ "size", "SIZE", COLUMN_BYTES, 9, 7, true, "of the memslot, or of all those of the VM",
	  value_memory, NULL, MEMORY_SIZE, 0 },
	{ "resident", "RESID", COLUMN_BYTES, 10, 7, true, "memory in the guest_memfd: a little old, as exact as it was",
	  value_memory, NULL, MEMORY_RESIDENT, NEEDS_INVENTORY },
	{ "bar", "RES/SIZE", COLUMN_DRAWING, 16, 8, true, "how much of the memslot that is",
	  value_resident_share, cell_bar, 0, NEEDS_INVENTORY },
	{ "private", "PRIVATE", COLUMN_BYTES, 18, 7, true, "of the memslot, what is private (- where KVM keeps no account)",
	  value_memory, NULL, MEMORY_PRIVATE, NEEDS_INVENTORY },
	{ "flags", "FLAGS", COLUMN_TEXT, 19, 9, true, "of the memslot, as KVM has them",
	  value_slot, cell_flags, FIELD(slot_info, flags), 0 },
	EVENT_COLUMN(GUEST_FAULT, guest_fault, "FAULTS", 2, true, "guest faults"),
	EVENT_COLUMN(HOST_FAULT, host_fault, "HOST", 7, true, "host faults: the VMM touches a mapped page"),
	{ "p50", "P50", COLUMN_LATENCY, 4, 6, true, "latency of guest faults: half took no longer",
	  value_percentile, NULL, PERCENTILE(EV_GUEST_FAULT, 500), 1ULL << EV_GUEST_FAULT },
	{ "p90", "P90", COLUMN_LATENCY, 20, 6, false, "latency of guest faults: 90 % took no longer",
	  value_percentile, NULL, PERCENTILE(EV_GUEST_FAULT, 900), 1ULL << EV_GUEST_FAULT },
	{ "p99", "P99", COLUMN_LATENCY, 3, 6, true, "latency of guest faults: 99 % took no longer",
	  value_percentile, NULL, PERCENTILE(EV_GUEST_FAULT, 990), 1ULL << EV_GUEST_FAULT },
	{ "max", "MAX", COLUMN_LATENCY, 21, 6, false, "latency of the longest guest fault",
	  value_max, NULL, EV_GUEST_FAULT, 1ULL << EV_GUEST_FAULT },
	{ "mean", "MEAN", COLUMN_LATENCY, 22, 6, false, "latency of guest faults: the mean",
	  value_mean, NULL, EV_GUEST_FAULT, 1ULL << EV_GUEST_FAULT },
	{ "first_touch", "FIRST", COLUMN_COUNT, 11, 8, true, "guest faults of pages that were not there yet",
	  value_details, NULL, 1ULL << DETAIL_FAULT_FIRST_TOUCH, 1ULL << EV_GUEST_FAULT },
	{ "refault", "REFLT", COLUMN_COUNT, 8, 8, true, "guest faults of pages that had been zapped",
	  value_details, NULL, REFAULTS, 1ULL << EV_GUEST_FAULT },
	{ "prepares", "PREP/FLT", COLUMN_RATIO, 17, 8, true, "preparations for each guest fault",
	  value_prepares, NULL, 0, 1ULL << EV_GUEST_FAULT | 1ULL << EV_PREPARE },
	EVENT_COLUMN(ZAP, zap, "ZAPS", 12, true, "zaps: pages leave the guest's page tables"),
	{ "zap_pages", "ZAPPED", COLUMN_COUNT, 23, 8, false, "pages that were zapped",
	  value_pages, NULL, EV_ZAP, 1ULL << EV_ZAP },
	EVENT_COLUMN(NOTIFIER_HIT, notifier_hit, "NTFHIT", 14, true, "zaps of the slot by MMU notifiers"),
	EVENT_COLUMN(NOTIFIER, notifier, "NOTIF", 24, false, "MMU notifiers of the VM"),
	EVENT_COLUMN(CONVERT, convert, "CONV", 15, true, "conversions between private and shared"),
	{ "errors", "ERRORS", COLUMN_COUNT, 5, 8, true, "events of any kind that failed",
	  value_errors, NULL, 0, 0 },
	EVENT_COLUMN(ALLOC, alloc, "ALLOC", 25, false, "pages added to a guest_memfd"),
	EVENT_COLUMN(FREE, free, "FREE", 26, false, "pages of a guest_memfd freed"),
	EVENT_COLUMN(PREPARE, prepare, "PREP", 27, false, "pages made ready for the guest"),
	EVENT_COLUMN(POPULATE, populate, "POPUL", 28, false, "initial contents copied in"),
	EVENT_COLUMN(PREFAULT, prefault, "PREFLT", 29, false, "pages mapped ahead"),
	EVENT_COLUMN(CREATE, create, "CREATE", 30, false, "guest_memfds made"),
	EVENT_COLUMN(BIND, bind, "BIND", 31, false, "memslots bound"),
	EVENT_COLUMN(UNBIND, unbind, "UNBIND", 32, false, "memslots unbound"),
	EVENT_COLUMN(RELEASE, release, "RELEAS", 33, false, "guest_memfds released"),
	EVENT_COLUMN(ALLOCATE, allocate, "FALLOC", 34, false, "fallocate()"),
	EVENT_COLUMN(PUNCH_HOLE, punch_hole, "PUNCH", 35, false, "holes punched"),
	EVENT_COLUMN(DIRECT_MAP_ZAP, direct_map_zap, "DMZAP", 36, false, "folios that left the direct map"),
	EVENT_COLUMN(DIRECT_MAP_RESTORE, direct_map_restore, "DMREST", 37, false, "folios that came back to it"),
	EVENT_COLUMN(MEMORY_FAULT, memory_fault, "MEMFLT", 38, false, "exits to the VMM: KVM_EXIT_MEMORY_FAULT"),
	EVENT_COLUMN(POISON, poison, "POISON", 39, false, "pages lost to memory errors"),
	{ "pid", "PID", COLUMN_NUMBER, 40, 7, false, "process id of the VMM", value_vm, NULL, FIELD(vm_info, pid), 0 },
	{ "comm", "COMMAND", COLUMN_TEXT, 41, 15, false, "name of the VMM", value_comm, cell_comm, 0, 0 },
	{ "type", "TYPE", COLUMN_TEXT, 42, 12, false, "type of the VM", value_vm, cell_type, FIELD(vm_info, type), 0 },
	{ "vcpus", "VCPUS", COLUMN_NUMBER, 43, 5, false, "vCPUs of the VM", value_vcpus, NULL, 0, NEEDS_INVENTORY },
	{ "slot", "SLOT", COLUMN_NUMBER, 44, 5, false, "number of the memslot", value_slot, NULL, FIELD(slot_info, id), 0 },
	{ "as_id", "AS", COLUMN_NUMBER, 45, 2, false, "address space of the memslot", value_slot, NULL, FIELD(slot_info, as_id), 0 },
	{ "gmem", "GMEM", COLUMN_NUMBER, 46, 7, false, "inode of the guest_memfd", value_gmem, NULL, 0, 0 },
	{ "history", "LAST MINUTE", COLUMN_DRAWING, 6, 12, true, "guest faults of the last minute, as high as its most",
	  value_history, cell_history, 0, 1ULL << EV_GUEST_FAULT },
};
/* clang-format on */

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

_Static_assert(NR_COLUMNS <= 64, "a bit for each column");

const unsigned int nr_columns = NR_COLUMNS;

__u64 columns_default(void)
{
	__u64 chosen = 0;

	for (unsigned int i = 0; i < NR_COLUMNS; i++)
		chosen |= (__u64)columns[i].shown << i;
	return chosen;
}

unsigned int columns_default_sort(void)
{
	return column_by_key("guest_fault", strlen("guest_fault"));
}

int column_by_key(const char *key, size_t len)
{
	for (unsigned int i = 0; i < NR_COLUMNS; i++)
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
