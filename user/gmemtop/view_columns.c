// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of columns, and how each gets its value and its text.
 */
#include "view_columns.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/number.h"
#include "base/text.h"
#include "kvm.h"
#include "model/events.h"
#include "model/kvm_names.h"
#include "model/page_size.h"
#include "model/percentile.h"

/* ---- Values ---- */

static const struct event_count *counted(const struct row *row, __u64 event)
{
	return &row->counts->v[event];
}

static double per_second(const struct view *view, const struct row *row, __u64 n)
{
	if (view->totals)
		return (double)n;
	return row->span_ns ? (double)n * 1e9 / (double)row->span_ns : NAN;
}

static double value_event(const struct view *view, const struct row *row, __u64 event)
{
	return per_second(view, row, counted(row, event)->count);
}

static double value_pages(const struct view *view, const struct row *row, __u64 event)
{
	return per_second(view, row, counted(row, event)->npages);
}

static __u64 count_details(const struct row *row, __u64 details)
{
	const struct event_count *count;
	__u64 n = 0;

	for (int event = 0; event < NR_EVENTS; event++) {
		count = counted(row, event);
		for (size_t i = 0; i < count->ndetails; i++)
			if (details & 1ULL << count->details[i].detail)
				n += count->details[i].count;
	}
	return n;
}

static double value_details(const struct view *view, const struct row *row, __u64 details)
{
	return per_second(view, row, count_details(row, details));
}

static double value_errors(const struct view *view, const struct row *row, __u64 arg)
{
	__u64 n = 0;

	(void)arg;
	for (int event = 0; event < NR_EVENTS; event++)
		n += event_count_errors(counted(row, event));
	return per_second(view, row, n);
}

/* A percentile and its event in one number. */
#define PERCENTILE(event, per_mille) ((__u64)(event) << 32 | (per_mille))

static double value_percentile(const struct view *view, const struct row *row, __u64 arg)
{
	const struct event_count *count = counted(row, arg >> 32);

	(void)view;
	return count->count && count->latency.n ? (double)percentile_ns(count, (__u32)arg) : NAN;
}

static double value_max(const struct view *view, const struct row *row, __u64 event)
{
	(void)view;
	return counted(row, event)->count ? (double)counted(row, event)->max_ns : NAN;
}

static double value_mean(const struct view *view, const struct row *row, __u64 event)
{
	const struct event_count *count = counted(row, event);

	(void)view;
	return count->count ? (double)count->sum_ns / (double)count->count : NAN;
}

static double value_prepares(const struct view *view, const struct row *row, __u64 arg)
{
	__u64 faults = counted(row, EV_GUEST_FAULT)->count;

	(void)view;
	(void)arg;
	return faults ? (double)counted(row, EV_PREPARE)->count / (double)faults : NAN;
}

/* VMs by their numbers, the slots of each by address space and number. */
static double value_order(const struct view *view, const struct row *row, __u64 arg)
{
	(void)view;
	(void)arg;
	return row->kind == ROW_VM ? row->vm->number : (double)row->order;
}

/* Where a number is in vm_info or slot_info, and its size, in one number. */
#define FIELD(info, member)                                                                        \
	(offsetof(struct info, member) << 8 | sizeof(((struct info *)0)->member))

static double field(const void *info, __u64 arg)
{
	__u64 value = 0;

	memcpy(&value, (const char *)info + (arg >> 8),
	       arg & 0xff); /* x86-64 and arm64: little-endian */
	return (double)value;
}

static double value_vm(const struct view *view, const struct row *row, __u64 arg)
{
	(void)view;
	return row->vm ? field(&row->vm->info, arg) : NAN;
}

static double value_slot(const struct view *view, const struct row *row, __u64 arg)
{
	(void)view;
	return row->slot ? field(&row->slot->info, arg) : NAN;
}

/* As many of its letters as fit a double exactly, to sort by. */
static double value_comm(const struct view *view, const struct row *row, __u64 arg)
{
	double value = 0;

	(void)view;
	(void)arg;
	for (int i = 0; i < 6; i++)
		value = value * 256 + (row->vm ? (unsigned char)row->vm->info.comm[i] : 0);
	return value;
}

static double value_history(const struct view *view, const struct row *row, __u64 arg)
{
	double sum = 0;

	(void)view;
	(void)arg;
	for (int i = 0; i < HISTORY_SECONDS; i++)
		sum += row->history->count[i];
	return sum;
}

static double value_gmem(const struct view *view, const struct row *row, __u64 arg)
{
	(void)view;
	(void)arg;
	return row->slot && row->slot->info.ino ? (double)row->slot->info.ino : NAN;
}

static double size_of(const struct slot *slot)
{
	return slot->info.npages;
}

static double resident_of(const struct slot *slot)
{
	return slot->resident.known ? slot->resident.npages : NAN;
}

static double private_of(const struct slot *slot)
{
	return slot->has_private ? slot->nprivate : NAN;
}

enum memory { MEMORY_SIZE, MEMORY_RESIDENT, MEMORY_PRIVATE };

/* In bytes, of a slot, or the sum over those of a VM; NAN when it is not known of any. */
static double value_memory(const struct view *view, const struct row *row, __u64 arg)
{
	static double (*const of[])(const struct slot *) = {
		[MEMORY_SIZE] = size_of,
		[MEMORY_RESIDENT] = resident_of,
		[MEMORY_PRIVATE] = private_of,
	};
	const double page_bytes = pages_bytes(1, view->page_bytes);
	double sum = NAN;

	if (row->slot)
		return of[arg](row->slot) * page_bytes;
	for (size_t i = 0; row->vm && i < row->vm->nslots; i++) {
		double value = of[arg](&row->vm->slots[i]) * page_bytes;

		if (!isnan(value))
			sum = isnan(sum) ? value : sum + value;
	}
	return sum;
}

static double value_resident_share(const struct view *view, const struct row *row, __u64 arg)
{
	double size = value_memory(view, row, MEMORY_SIZE);

	(void)arg;
	return size > 0 ? value_memory(view, row, MEMORY_RESIDENT) / size : NAN;
}

static double value_vcpus(const struct view *view, const struct row *row, __u64 arg)
{
	(void)view;
	(void)arg;
	return row->vm && row->vm->exists ? row->vm->vcpus : NAN;
}

/* ---- Texts ---- */

static const char *blank(char cell[CELL_LEN])
{
	cell[0] = 0;
	return cell;
}

static void clean_comm(const struct row *row, bool utf8, char *text, size_t size)
{
	const struct vm_info *info = &row->vm->info;

	text_clean(text, size, info->comm, sizeof(info->comm), utf8);
}

static void name_vm(const struct row *row, bool utf8, char cell[CELL_LEN])
{
	static const char *const marks[][2] = { { "-", "+" }, { "\u25be", "\u25b8" } };
	char comm[4 * GMEM_COMM_LEN + 1];

	clean_comm(row, utf8, comm, sizeof(comm));
	snprintf(cell, CELL_LEN, "%s VM %u  %u %s", marks[utf8][row->folded], row->vm->number,
		 row->vm->info.pid, comm);
}

static void text_name(const struct view *view, const struct row *row, bool utf8, unsigned int width,
		      char cell[CELL_LEN])
{
	(void)view;
	(void)width;
	if (row->kind == ROW_VM)
		name_vm(row, utf8, cell);
	else if (row->slot->info.as_id)
		snprintf(cell, CELL_LEN, "    slot %d of as %u", row->slot->info.id,
			 row->slot->info.as_id);
	else
		snprintf(cell, CELL_LEN, "    slot %d", row->slot->info.id);
}

static void text_comm(const struct view *view, const struct row *row, bool utf8, unsigned int width,
		      char cell[CELL_LEN])
{
	(void)view;
	(void)width;
	clean_comm(row, utf8, cell, CELL_LEN);
}

static void text_type(const struct view *view, const struct row *row, bool utf8, unsigned int width,
		      char cell[CELL_LEN])
{
	const char *name = vm_type_name(view->arch, row->vm->info.type);

	(void)utf8;
	(void)width;
	if (name)
		snprintf(cell, CELL_LEN, "%s", name);
	else
		snprintf(cell, CELL_LEN, "type %u", row->vm->info.type);
}

void column_range(const struct view *view, const struct slot_info *slot, char cell[CELL_LEN])
{
	snprintf(cell, CELL_LEN, "0x%llx-0x%llx", pages_bytes(slot->base_gfn, view->page_bytes),
		 pages_bytes(slot->base_gfn + slot->npages, view->page_bytes) -
			 (slot->npages != 0));
}

/* The same place says of a VM what it is. */
static void text_gpa(const struct view *view, const struct row *row, bool utf8, unsigned int width,
		     char cell[CELL_LEN])
{
	size_t len;

	if (row->kind == ROW_VM) {
		text_type(view, row, utf8, width, cell);
		len = strlen(cell);
		if (row->vm->exists)
			snprintf(cell + len, CELL_LEN - len, ", %u vCPU%s", row->vm->vcpus,
				 row->vm->vcpus == 1 ? "" : "s");
		return;
	}
	column_range(view, &row->slot->info, cell);
}

static void text_flags(const struct view *view, const struct row *row, bool utf8,
		       unsigned int width, char cell[CELL_LEN])
{
	(void)view;
	(void)utf8;
	(void)width;
	blank(cell);
	if (row->kind == ROW_SLOT) /* every one has a guest_memfd */
		flags_describe(cell, CELL_LEN, row->slot->info.flags, slot_flag_names,
			       KVM_MEM_GUEST_MEMFD);
}

static void text_history(const struct view *view, const struct row *row, bool utf8,
			 unsigned int width, char cell[CELL_LEN])
{
	(void)view;
	history_spark(row->history, width < HISTORY_SECONDS ? width : HISTORY_SECONDS, utf8, cell);
}

static void text_bar(const struct view *view, const struct row *row, bool utf8, unsigned int width,
		     char cell[CELL_LEN])
{
	double share = value_resident_share(view, row, 0);

	if (isnan(share))
		strcpy(cell, "-");
	else
		text_share(cell, share, width, utf8);
}

/* ---- The table ---- */

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
	  value_order, text_name, 0, 0 },
	{ "gpa", "GUEST ADDRESSES", COLUMN_TEXT, 13, 21, true, "guest physical addresses; of a VM its type, vCPUs",
	  value_slot, text_gpa, FIELD(slot_info, base_gfn), 0 },
	{ "size", "SIZE", COLUMN_BYTES, 9, 7, true, "of the memslot, or of all those of the VM",
	  value_memory, NULL, MEMORY_SIZE, 0 },
	{ "resident", "RESID", COLUMN_BYTES, 10, 7, true, "memory in the guest_memfd: a little old, as exact as it was",
	  value_memory, NULL, MEMORY_RESIDENT, NEEDS_INVENTORY },
	{ "bar", "RES/SIZE", COLUMN_DRAWING, 16, 8, true, "how much of the memslot that is",
	  value_resident_share, text_bar, 0, NEEDS_INVENTORY },
	{ "private", "PRIVATE", COLUMN_BYTES, 18, 7, true, "of the memslot, what is private (- where KVM keeps no account)",
	  value_memory, NULL, MEMORY_PRIVATE, NEEDS_INVENTORY },
	{ "flags", "FLAGS", COLUMN_TEXT, 19, 9, true, "of the memslot, as KVM has them",
	  value_slot, text_flags, FIELD(slot_info, flags), 0 },
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
	{ "comm", "COMMAND", COLUMN_TEXT, 41, 15, false, "name of the VMM", value_comm, text_comm, 0, 0 },
	{ "type", "TYPE", COLUMN_TEXT, 42, 12, false, "type of the VM", value_vm, text_type, FIELD(vm_info, type), 0 },
	{ "vcpus", "VCPUS", COLUMN_NUMBER, 43, 5, false, "vCPUs of the VM", value_vcpus, NULL, 0, NEEDS_INVENTORY },
	{ "slot", "SLOT", COLUMN_NUMBER, 44, 5, false, "number of the memslot", value_slot, NULL, FIELD(slot_info, id), 0 },
	{ "as_id", "AS", COLUMN_NUMBER, 45, 2, false, "address space of the memslot", value_slot, NULL, FIELD(slot_info, as_id), 0 },
	{ "gmem", "GMEM", COLUMN_NUMBER, 46, 7, false, "inode of the guest_memfd", value_gmem, NULL, 0, 0 },
	{ "history", "LAST MINUTE", COLUMN_DRAWING, 6, 12, true, "guest faults of the last minute, as high as its most",
	  value_history, text_history, 0, 1ULL << EV_GUEST_FAULT },
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

/* ---- Layout ---- */

/* Digits of the highest address make its column as wide as it needs to be. */
static unsigned int gpa_width(const struct view *view)
{
	unsigned int digits = 1;
	__u64 last = 0;

	for (size_t i = 0; i < view->nrows; i++)
		if (view->rows[i].slot &&
		    view->rows[i].slot->info.base_gfn + view->rows[i].slot->info.npages > last)
			last = view->rows[i].slot->info.base_gfn + view->rows[i].slot->info.npages;
	for (last <<= 12; last >>= 4;)
		digits++;
	return 2 * (digits + 2) + 1;
}

static unsigned int width_wanted(const struct view *view, unsigned int column)
{
	unsigned int width = columns[column].width;

	if (columns[column].text == text_gpa && gpa_width(view) > width)
		width = gpa_width(view);
	return width;
}

static int column_of_rank(unsigned int rank)
{
	for (unsigned int i = 0; i < NR_COLUMNS; i++)
		if (columns[i].rank == rank)
			return i;
	return -1;
}

/* @chosen without @skip columns after the first. */
static __u64 skipped(__u64 chosen, unsigned int skip)
{
	__u64 rest = chosen & (chosen - 1);

	while (skip-- && rest & (rest - 1))
		rest &= rest - 1;
	return rest | (chosen & -chosen);
}

static void add_column(struct layout *layout, unsigned int column, unsigned int width)
{
	layout->v[layout->n].column = column;
	layout->v[layout->n++].width = width;
}

/* What is left over goes to the drawings, evenly, up to what a minute has to show. */
static void widen_drawings(struct layout *layout, unsigned int left)
{
	for (unsigned int i = 0; i < layout->n; i++)
		if (columns[layout->v[i].column].text == text_history) {
			layout->v[i].width += left;
			if (layout->v[i].width > HISTORY_SECONDS)
				layout->v[i].width = HISTORY_SECONDS;
		}
}

void layout_make(struct layout *layout, const struct view *view, __u64 chosen, unsigned int room,
		 unsigned int skip)
{
	__u64 fit = 0, left = skipped(chosen, skip);
	unsigned int used = 0;
	int column;

	*layout = (struct layout){ .ndropped = __builtin_popcountll(chosen) };
	for (unsigned int rank = 1; (column = column_of_rank(rank)) >= 0; rank++) {
		unsigned int width = width_wanted(view, column) + (fit != 0);

		if (!(left & 1ULL << column))
			continue;
		if (used + width > room)
			break;
		used += width;
		fit |= 1ULL << column;
	}
	for (unsigned int i = 0; i < NR_COLUMNS; i++)
		if (fit & 1ULL << i)
			add_column(layout, i, width_wanted(view, i));
	layout->ndropped -= layout->n;
	widen_drawings(layout, room - used);
}

void layout_all(struct layout *layout, const struct view *view, __u64 chosen, bool utf8)
{
	char cell[CELL_LEN];

	*layout = (struct layout){ 0 };
	for (unsigned int column = 0; column < NR_COLUMNS; column++) {
		unsigned int width = columns[column].width, needed;

		if (!(chosen & 1ULL << column))
			continue;
		for (size_t i = 0; i < view->nrows; i++) {
			needed = text_width(
				column_cell(view, &view->rows[i], column, utf8, width, cell));
			width = needed > width ? needed : width;
		}
		add_column(layout, column, width);
	}
}
