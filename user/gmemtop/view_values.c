// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a column is of a row: its value, and its text where that is not the value's.
 */
#include "view_values.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "kvm.h"
#include "model/kvm_names.h"
#include "model/page_size.h"
#include "model/percentile.h"

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

double value_event(const struct view *view, const struct row *row, __u64 event)
{
	return per_second(view, row, counted(row, event)->count);
}

double value_pages(const struct view *view, const struct row *row, __u64 event)
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

double value_details(const struct view *view, const struct row *row, __u64 details)
{
	/* Causes of guest faults, all that there are columns of. */
	return view->sample ? NAN : per_second(view, row, count_details(row, details));
}

double value_errors(const struct view *view, const struct row *row, __u64 arg)
{
	__u64 n = 0;

	(void)arg;
	for (int event = 0; event < NR_EVENTS; event++)
		n += event_count_errors(counted(row, event));
	return per_second(view, row, n);
}

double value_percentile(const struct view *view, const struct row *row, __u64 arg)
{
	const struct event_count *count = counted(row, arg >> 32);

	(void)view;
	return count->count && count->latency.n ? (double)percentile_ns(count, (__u32)arg) : NAN;
}

double value_max(const struct view *view, const struct row *row, __u64 event)
{
	(void)view;
	return event_count_timed(counted(row, event)) ? (double)counted(row, event)->max_ns : NAN;
}

double value_mean(const struct view *view, const struct row *row, __u64 event)
{
	const struct event_count *count = counted(row, event);

	(void)view;
	return event_count_timed(count) ? event_count_mean_ns(count) : NAN;
}

double value_prepares(const struct view *view, const struct row *row, __u64 arg)
{
	__u64 faults = counted(row, EV_GUEST_FAULT)->count;

	(void)view;
	(void)arg;
	return faults ? (double)counted(row, EV_PREPARE)->count / (double)faults : NAN;
}

/* VMs by their numbers, the slots of each by address space and number. */
double value_order(const struct view *view, const struct row *row, __u64 arg)
{
	(void)view;
	(void)arg;
	return row->kind == ROW_VM ? row->vm->number : (double)row->order;
}

static double field(const void *info, __u64 arg)
{
	__u64 value = 0;

	memcpy(&value, (const char *)info + (arg >> 8),
	       arg & 0xff); /* x86-64 and arm64: little-endian */
	return (double)value;
}

double value_vm(const struct view *view, const struct row *row, __u64 arg)
{
	(void)view;
	return row->vm ? field(&row->vm->info, arg) : NAN;
}

double value_slot(const struct view *view, const struct row *row, __u64 arg)
{
	(void)view;
	return row->slot ? field(&row->slot->info, arg) : NAN;
}

/* As many of its letters as fit a double exactly, to sort by. */
double value_comm(const struct view *view, const struct row *row, __u64 arg)
{
	double value = 0;

	(void)view;
	(void)arg;
	for (int i = 0; i < 6; i++)
		value = value * 256 + (row->vm ? (unsigned char)row->vm->info.comm[i] : 0);
	return value;
}

double value_history(const struct view *view, const struct row *row, __u64 arg)
{
	double sum = 0;

	(void)view;
	(void)arg;
	for (int i = 0; i < HISTORY_SECONDS; i++)
		sum += row->history->count[i];
	return sum;
}

double value_gmem(const struct view *view, const struct row *row, __u64 arg)
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

/* In bytes, of a slot, or the sum over those of a VM; NAN when it is not known of any. */
double value_memory(const struct view *view, const struct row *row, __u64 arg)
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

double value_resident_share(const struct view *view, const struct row *row, __u64 arg)
{
	double size = value_memory(view, row, MEMORY_SIZE);

	(void)arg;
	return size > 0 ? value_memory(view, row, MEMORY_RESIDENT) / size : NAN;
}

double value_vcpus(const struct view *view, const struct row *row, __u64 arg)
{
	(void)view;
	(void)arg;
	return row->vm && row->vm->exists ? row->vm->vcpus : NAN;
}

/* ---- What is no number ---- */

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

void cell_name(const struct view *view, const struct row *row, bool utf8, unsigned int width,
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

void cell_comm(const struct view *view, const struct row *row, bool utf8, unsigned int width,
	       char cell[CELL_LEN])
{
	(void)view;
	(void)width;
	clean_comm(row, utf8, cell, CELL_LEN);
}

void cell_type(const struct view *view, const struct row *row, bool utf8, unsigned int width,
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

/* The same cell says of a VM what it is. */
void cell_gpa(const struct view *view, const struct row *row, bool utf8, unsigned int width,
	      char cell[CELL_LEN])
{
	size_t len;

	if (row->kind == ROW_VM) {
		cell_type(view, row, utf8, width, cell);
		len = strlen(cell);
		if (row->vm->exists)
			snprintf(cell + len, CELL_LEN - len, ", %u vCPU%s", row->vm->vcpus,
				 row->vm->vcpus == 1 ? "" : "s");
		return;
	}
	column_range(view, &row->slot->info, cell);
}

void cell_flags(const struct view *view, const struct row *row, bool utf8, unsigned int width,
		char cell[CELL_LEN])
{
	(void)view;
	(void)utf8;
	(void)width;
	blank(cell);
	if (row->kind == ROW_SLOT) /* every one has a guest_memfd */
		flags_describe(cell, CELL_LEN, row->slot->info.flags, slot_flag_names,
			       KVM_MEM_GUEST_MEMFD);
}

void cell_history(const struct view *view, const struct row *row, bool utf8, unsigned int width,
		  char cell[CELL_LEN])
{
	(void)view;
	history_spark(row->history, width < HISTORY_SECONDS ? width : HISTORY_SECONDS, utf8, cell);
}

void cell_bar(const struct view *view, const struct row *row, bool utf8, unsigned int width,
	      char cell[CELL_LEN])
{
	double share = value_resident_share(view, row, 0);

	if (isnan(share))
		strcpy(cell, "-");
	else
		text_share(cell, share, width, utf8);
}
