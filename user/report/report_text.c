// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture as text for people: below the head a table per VM with its slots and guest_memfds,
 * sums, and bars for the events that were chosen.
 */
#include "report_text.h"
#include "base/number.h"
#include "base/text.h"
#include "kvm.h"
#include "model/events.h"
#include "model/page_size.h"
#include "model/percentile.h"
#include "report_bars.h"
#include "report_details.h"

#define COLUMNS_MIN 80

/* ---- VMs, slots, guest_memfds ---- */

static void put_row(const struct text_report *r, const struct event_count *count,
		    const __u64 counted[NR_EVENTS])
{
	table_row(&r->table, count);
	details_row(&r->table, count, counted);
}

static void put_rows(const struct text_report *r, const struct event_counts *counts)
{
	__u64 counted[NR_EVENTS] = { 0 };
	size_t i;

	for (i = 0; i < counts->n; i++)
		if (capture_shows(r->capture, counts->v[i].event))
			counted[counts->v[i].event] = counts->v[i].count;
	for (i = 0; i < counts->n; i++)
		if (counted[counts->v[i].event])
			put_row(r, &counts->v[i], counted);
}

static void put_total_rows(const struct text_report *r, const struct event_totals *totals)
{
	__u64 counted[NR_EVENTS] = { 0 };
	int event;

	for (event = 0; event < NR_EVENTS; event++)
		if (capture_shows(r->capture, event))
			counted[event] = totals->v[event].count;
	for (event = 0; event < NR_EVENTS; event++)
		if (counted[event])
			put_row(r, &totals->v[event], counted);
}

const char *text_pages(const struct text_report *r, __u64 npages, char bytes[NUMBER_LEN])
{
	return number_bytes(bytes, pages_bytes(npages, r->capture->page_bytes));
}

static void add_resident(const struct text_report *r, struct flow *flow,
			 const struct resident *resident)
{
	char text[64], bytes[NUMBER_LEN];

	snprintf(text, sizeof(text), "%s resident", text_pages(r, resident->npages, bytes));
	if (resident->known)
		flow_word(flow, 2, text);
}

static void put_slot_title(const struct text_report *r, const struct slot *shown)
{
	struct flow flow = { .out = r->out, .columns = r->columns, .indent = 2 };
	const struct slot_info *slot = &shown->info;
	char text[160], bytes[NUMBER_LEN];

	text_ink(r, INK_BOLD);
	if (slot->as_id)
		snprintf(text, sizeof(text), "slot %d of address space %u", slot->id, slot->as_id);
	else
		snprintf(text, sizeof(text), "slot %d", slot->id);
	flow_word(&flow, 0, text);
	flow.indent = TITLE_INDENT;
	text_ink(r, INK_PLAIN);
	snprintf(text, sizeof(text), "gfn 0x%llx-0x%llx", slot->base_gfn,
		 slot->base_gfn + slot->npages - (slot->npages != 0));
	flow_word(&flow, 2, text);
	flow_word(&flow, 2, text_pages(r, slot->npages, bytes));
	add_resident(r, &flow, &shown->resident);
	/* Every slot here has a guest_memfd, so that flag says nothing. */
	flags_describe(text, sizeof(text), slot->flags, slot_flag_names, KVM_MEM_GUEST_MEMFD);
	if (text[0])
		flow_word(&flow, 2, text);
	snprintf(text, sizeof(text), "gmem %llu+0x%llx", slot->ino, slot->pgoff);
	if (slot->ino)
		flow_word(&flow, 2, text);
	flow_end(&flow);
}

static void put_gmem_title(const struct text_report *r, const struct gmem *shown)
{
	struct flow flow = { .out = r->out, .columns = r->columns, .indent = 2 };
	const struct gmem_info *gmem = &shown->info;
	char text[160], bytes[NUMBER_LEN];

	text_ink(r, INK_BOLD);
	snprintf(text, sizeof(text), "gmem %llu", gmem->ino);
	flow_word(&flow, 0, text);
	flow.indent = TITLE_INDENT;
	text_ink(r, INK_PLAIN);
	flow_word(&flow, 2, number_bytes(bytes, gmem->size_bytes));
	add_resident(r, &flow, &shown->resident);
	flags_describe(text, sizeof(text), gmem->flags, gmem_flag_names, 0);
	if (text[0])
		flow_word(&flow, 2, text);
	flow_word(&flow, 2, gmem->released_ns ? "released" : "open");
	flow_end(&flow);
}

void text_vm_title(const struct text_report *r, size_t index)
{
	struct flow flow = { .out = r->out, .columns = r->columns };
	const struct vm *vm = &r->capture->snap->vms[index];
	const struct vm_info *info = &vm->info;
	const char *type = vm_type_name(r->capture->arch, info->type);
	char comm[4 * sizeof(info->comm) + 1], text[64];

	text_ink(r, INK_BOLD);
	snprintf(text, sizeof(text), "VM %zu", index);
	flow_word(&flow, 0, text);
	text_clean(comm, sizeof(comm), info->comm, sizeof(info->comm), r->style->utf8);
	flow_word(&flow, 2, comm);
	text_ink(r, INK_PLAIN);
	flow.indent = TITLE_INDENT;
	if (info->pid)
		snprintf(text, sizeof(text), "pid %u", info->pid);
	else
		snprintf(text, sizeof(text), "pid in another namespace");
	flow_word(&flow, 2, text);
	if (type)
		snprintf(text, sizeof(text), "type %s", type);
	else
		snprintf(text, sizeof(text), "type %u", info->type);
	flow_word(&flow, 2, text);
	flow_word(&flow, 2, info->ended_ns ? "ended" : "running");
	snprintf(text, sizeof(text), "%u %s", vm->vcpus, vm->vcpus == 1 ? "vCPU" : "vCPUs");
	if (vm->exists)
		flow_word(&flow, 2, text);
	flow_end(&flow);
}

/* The VM's slots that have something to show; how many they were. */
static size_t put_slots(const struct text_report *r, const struct vm *vm)
{
	size_t i, n = 0;

	for (i = 0; i < vm->nslots; i++) {
		if (!capture_shown(r->capture, &vm->slots[i].events))
			continue;
		put_slot_title(r, &vm->slots[i]);
		put_rows(r, &vm->slots[i].events);
		n++;
	}
	return n;
}

static void put_gmems(const struct text_report *r, size_t vm)
{
	const struct snapshot *snap = r->capture->snap;
	size_t i;

	for (i = snapshot_next_gmem(snap, vm, 0); i < snap->ngmems;
	     i = snapshot_next_gmem(snap, vm, i + 1)) {
		if (!capture_shown(r->capture, &snap->gmems[i].events))
			continue;
		put_gmem_title(r, &snap->gmems[i]);
		put_rows(r, &snap->gmems[i].events);
	}
}

static bool has_rows(const struct text_report *r, const struct event_totals *totals)
{
	int event;

	for (event = 0; event < NR_EVENTS; event++)
		if (capture_shows(r->capture, event) && totals->v[event].count)
			return true;
	return false;
}

/* What is there, although nothing happened to it. */
static void put_quiet(const struct text_report *r, const struct vm *vm)
{
	char bytes[NUMBER_LEN], line[96];
	__u64 npages;
	size_t n = capture_quiet_slots(r->capture, vm, &npages);

	if (!n || r->capture->events_chosen)
		return;
	snprintf(line, sizeof(line), "  %zu %s without events: %s resident", n,
		 n == 1 ? "slot" : "slots", text_pages(r, npages, bytes));
	text_line(r, INK_PLAIN, line);
}

static void put_vm(const struct text_report *r, size_t index, const struct event_totals *totals)
{
	const struct vm *vm = &r->capture->snap->vms[index];
	size_t nslots;

	fputc('\n', r->out);
	text_vm_title(r, index);
	if (has_rows(r, totals))
		table_header(&r->table);
	nslots = put_slots(r, vm);
	put_gmems(r, index);
	put_quiet(r, vm);
	if (capture_shown(r->capture, &vm->events)) {
		text_line(r, INK_BOLD, "  the VM itself");
		put_rows(r, &vm->events);
	}
	if (nslots > 1) {
		text_line(r, INK_BOLD, "  all of this VM");
		put_total_rows(r, totals);
	}
}

/* Whether it has a memslot with a guest_memfd now. */
static bool has_gmem(const struct vm *vm)
{
	for (size_t i = 0; i < vm->nslots; i++)
		if (vm->slots[i].exists)
			return true;
	return false;
}

/* Every VM that has something to show; how many of them have events, or -ENOMEM. */
static int put_vms(const struct text_report *r)
{
	const struct snapshot *snap = r->capture->snap;
	size_t i;
	int err = 0, n = 0;

	for (i = 0; i < snap->nvms && !err; i++) {
		struct event_totals totals = { 0 };

		err = event_totals_add_vm(&totals, snap, i);
		if (!err && (has_rows(r, &totals) ||
			     (has_gmem(&snap->vms[i]) && !r->capture->events_chosen)))
			put_vm(r, i, &totals);
		n += has_rows(r, &totals);
		event_totals_free(&totals);
	}
	return err ? err : n;
}

/* "Past: 12 VMs, 24 slots, 12 guest_memfds called qemu" */
static void put_past_title(const struct text_report *r, const struct past *past)
{
	char comm[4 * sizeof(past->comm) + 1], line[256];

	text_clean(comm, sizeof(comm), past->comm, sizeof(past->comm), r->style->utf8);
	snprintf(line, sizeof(line), "Past: %llu VM%s, %llu slot%s, %llu guest_memfd%s of %s",
		 past->nvms, past->nvms == 1 ? "" : "s", past->nslots, past->nslots == 1 ? "" : "s",
		 past->ngmems, past->ngmems == 1 ? "" : "s", comm);
	text_line(r, INK_BOLD, line);
}

/* What has ended and been given back; of how many names there is something to show. */
static unsigned int put_past(const struct text_report *r)
{
	const struct past_list *past = &r->capture->snap->past;
	unsigned int n = 0;

	for (size_t i = 0; i < past->n; i++) {
		if (!capture_shown(r->capture, &past->v[i].events))
			continue;
		fputc('\n', r->out);
		put_past_title(r, &past->v[i]);
		table_header(&r->table);
		put_rows(r, &past->v[i].events);
		n++;
	}
	return n;
}

/* What belongs to no VM, and the sum of everything if that is more than one part. */
static void put_rest(const struct text_report *r, unsigned int parts)
{
	const struct snapshot *snap = r->capture->snap;
	size_t i;

	parts += put_past(r);
	if (capture_shown(r->capture, &snap->host)) {
		fputc('\n', r->out);
		text_line(r, INK_BOLD, "Host: what belongs to no VM that is known");
		table_header(&r->table);
		put_rows(r, &snap->host);
		parts++;
	}
	for (i = 0; i < snap->ngmems; i++) {
		if (snap->gmems[i].vm < snap->nvms ||
		    !capture_shown(r->capture, &snap->gmems[i].events))
			continue;
		fputc('\n', r->out);
		put_gmem_title(r, &snap->gmems[i]);
		table_header(&r->table);
		put_rows(r, &snap->gmems[i].events);
		parts++;
	}
	if (parts > 1) {
		fputc('\n', r->out);
		text_line(r, INK_BOLD, "Everything");
		table_header(&r->table);
		put_total_rows(r, &r->totals);
	}
}

/* ---- Histograms ---- */

static void put_histogram(const struct text_report *r, const struct event_count *count)
{
	static const struct {
		const char *name;
		unsigned int per_mille;
	} marks[] = { { "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "p99.9", 999 } };
	char ns[NUMBER_LEN];
	size_t i;

	fputc('\n', r->out);
	text_ink(r, INK_BOLD);
	fprintf(r->out, "%s", event_descs[count->event].name);
	text_ink(r, INK_PLAIN);
	fprintf(r->out, "  %llu", count->count);
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		fprintf(r->out, "  %s %s", marks[i].name,
			number_latency(ns, percentile_ns(count, marks[i].per_mille),
				       r->style->utf8));
	fprintf(r->out, "  max %s\n", number_latency(ns, count->max_ns, r->style->utf8));
	bars_write(r->out, count, r->style, r->columns);
}

static void put_histograms(const struct text_report *r)
{
	int event;

	if (!r->capture->events_chosen)
		return;
	for (event = 0; event < NR_EVENTS; event++)
		if (capture_shows(r->capture, event) && r->totals.v[event].latency.n)
			put_histogram(r, &r->totals.v[event]);
}

/* ---- The whole ---- */

struct text_report text_report(FILE *out, const struct capture *capture,
			       const struct text_style *style)
{
	unsigned int columns = style->columns > COLUMNS_MIN ? style->columns : COLUMNS_MIN;
	struct text_report r = {
		.out = out,
		.capture = capture,
		.style = style,
		.columns = columns,
		.table = { .out = out, .capture = capture, .style = style, .columns = columns },
	};

	return r;
}

static int put_body(struct text_report *r)
{
	int parts;

	table_layout(&r->table, &r->totals);
	parts = put_vms(r);
	if (parts < 0)
		return parts;
	put_rest(r, parts);
	put_histograms(r);
	report_text_stacks(r->out, r->capture, r->style);
	if (!has_rows(r, &r->totals))
		fputs("\nNo event was seen: no VM used guest_memfd while this ran.\n", r->out);
	/* The head is far up by now. */
	if (capture_is_lossy(r->capture)) {
		fputc('\n', r->out);
		text_line(r, INK_WARN, "*** Events were lost: see the head of this report ***");
	}
	if (r->capture->incomplete) {
		fputc('\n', r->out);
		text_line(r, INK_WARN, "*** Incomplete: see the head of this report ***");
	}
	return 0;
}

int report_text_capture(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct text_report r = text_report(out, capture, style);
	int err;

	err = event_totals_add_all(&r.totals, capture->snap);
	if (!err) {
		text_capture_head(&r);
		err = put_body(&r);
	}
	event_totals_free(&r.totals);
	return err;
}
