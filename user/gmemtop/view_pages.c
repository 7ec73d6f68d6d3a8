// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of the live view, made of what reports are made of.
 */
#include "view_pages.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/number.h"
#include "base/text.h"
#include "kvm.h"
#include "model/events.h"
#include "model/kvm_names.h"
#include "model/page_size.h"
#include "report/report_bars.h"
#include "report/report_details.h"
#include "report/report_hooks.h"
#include "view_columns.h"
#include "view_heat.h"

#define MIN_COLUMNS 60 /* the narrowest that tables and bars are made for */

static unsigned int page_columns(const struct page_context *context)
{
	unsigned int width = context->style->columns;

	return width < MIN_COLUMNS ? MIN_COLUMNS : width;
}

static void put_bold(FILE *out, const struct page_context *context, const char *text)
{
	fprintf(out, "%s%s%s\n", context->style->color ? "\033[1m" : "", text,
		context->style->color ? "\033[0m" : "");
}

static const char *span_words(const struct page_context *context)
{
	return context->totals ? "since the start" : "the last interval";
}

/* ---- A slot or VM ---- */

static void put_slot(FILE *out, const struct page_context *context)
{
	const struct slot_info *info = &context->row->slot->info;
	char line[256], range[CELL_LEN], bytes[NUMBER_LEN], flags[96];

	flags_describe(flags, sizeof(flags), info->flags, slot_flag_names, KVM_MEM_GUEST_MEMFD);
	snprintf(line, sizeof(line), "slot %d  address space %u  of VM %u  pid %u  %s", info->id,
		 info->as_id, context->row->vm->number, context->row->vm->info.pid,
		 context->row->ended ? "(ended)" : "");
	put_bold(out, context, line);
	column_range(context->view, info, range);
	fprintf(out, "  %s  %s  %s", range,
		number_bytes(bytes, pages_bytes(info->npages, context->view->page_bytes)), flags);
	if (info->ino)
		fprintf(out, "  guest_memfd %llu from page 0x%llx", info->ino, info->pgoff);
	fputc('\n', out);
}

static void put_vm(FILE *out, const struct page_context *context)
{
	const struct vm_info *info = &context->row->vm->info;
	const char *type = vm_type_name(context->view->arch, info->type);
	char line[256], comm[4 * GMEM_COMM_LEN + 1];

	text_clean(comm, sizeof(comm), info->comm, sizeof(info->comm), context->style->utf8);
	snprintf(line, sizeof(line), "VM %u  %s  pid %u  %s", context->row->vm->number, comm,
		 info->pid, context->row->ended ? "(ended)" : "");
	put_bold(out, context, line);
	fprintf(out, "  type %s  %zu slots\n", type ?: "unknown", context->row->vm->nslots);
}

/* What the writers of reports want to know. */
static struct capture page_capture(const struct page_context *context)
{
	const struct view *view = context->view;
	struct capture capture = {
		.duration_ns = view_span_ns(view, context->totals),
		.stack_events = context->stack_events,
		.hooks = view->hooks,
		.snap = view->snap,
		.arch = view->arch,
		.page_bytes = view->page_bytes,
	};

	for (int event = 0; event < NR_EVENTS; event++)
		if (view->hooks[event].wanted)
			capture.shown |= 1ULL << event;
	return capture;
}

static void put_table(FILE *out, const struct page_context *context, const struct capture *capture,
		      const struct event_totals *totals)
{
	struct table table = {
		.out = out,
		.capture = capture,
		.style = context->style,
		.columns = page_columns(context),
	};
	__u64 counted[NR_EVENTS];
	bool any = false;

	for (int event = 0; event < NR_EVENTS; event++) {
		counted[event] = view_has(context->view, event) ? totals->v[event].count : 0;
		any |= counted[event] > 0;
	}
	if (!any) {
		fputs("    nothing has happened here\n", out);
		return;
	}
	table_layout(&table, totals);
	table_header(&table);
	for (int event = 0; event < NR_EVENTS; event++)
		if (counted[event]) {
			table_row(&table, &totals->v[event]);
			details_row(&table, &totals->v[event], counted);
		}
}

static int histogram_event(const struct event_totals *totals, int from, int step)
{
	for (int i = 1; i <= NR_EVENTS; i++) {
		int event = (from + step * i + 2 * NR_EVENTS) % NR_EVENTS;

		if (totals->v[event].count && totals->v[event].latency.n)
			return event;
	}
	return -1;
}

static void put_histogram(FILE *out, const struct page_context *context,
			  const struct event_totals *totals)
{
	const struct event_count *count;
	int event = context->event;
	char line[128];

	if (event < 0 || !totals->v[event].latency.n)
		event = histogram_event(totals, -1, 1);
	if (event < 0)
		return;
	count = &totals->v[event];
	snprintf(line, sizeof(line), "Latency of %s, %s", event_descs[event].name,
		 span_words(context));
	fputc('\n', out);
	put_bold(out, context, line);
	bars_write_marked(out, count, context->style, page_columns(context));
}

/* Only where there are guest faults. */
static void put_heat(FILE *out, const struct page_context *context,
		     const struct event_totals *totals)
{
	char line[128], bytes[NUMBER_LEN];
	struct heat_map heat;

	if (!totals->v[EV_GUEST_FAULT].count ||
	    !view_heat(context->view, context->row, context->totals, &heat))
		return;
	snprintf(line, sizeof(line), "Guest faults by gfn, %s: %llu page%s (%s) to a cell",
		 span_words(context), heat.npages, heat.npages == 1 ? "" : "s",
		 number_bytes(bytes, pages_bytes(heat.npages, context->view->page_bytes)));
	fputc('\n', out);
	put_bold(out, context, line);
	heat_write(out, &heat, context->style, page_columns(context));
}

static bool is_of_row(const struct page_context *context, const struct stack_count *stack)
{
	const struct row *row = context->row;

	if (stack->vm == NO_VM || stack->vm != row->vm_track->at)
		return false;
	return row->kind == ROW_VM || (stack->at_slot && stack->as_id == row->slot->info.as_id &&
				       stack->slot_id == row->slot->info.id);
}

/* Those of this slot or VM only, since the start: stacks have no intervals. */
static int put_stacks(FILE *out, const struct page_context *context, struct capture capture)
{
	const struct snapshot *snap = context->view->snap;
	struct snapshot ours = *snap;

	if (!context->stack_events || !context->row->vm_track->now)
		return 0;
	ours.stacks = calloc(snap->nstacks + 1, sizeof(*ours.stacks));
	if (!ours.stacks)
		return -ENOMEM;
	ours.nstacks = 0;
	for (size_t i = 0; i < snap->nstacks; i++) {
		if (!is_of_row(context, &snap->stacks[i]))
			continue;
		ours.stacks[ours.nstacks] = snap->stacks[i];
		ours.stacks[ours.nstacks++].vm = context->row->vm->number;
	}
	capture.snap = &ours;
	report_text_stacks(out, &capture, context->style);
	free(ours.stacks);
	return 0;
}

int page_slot(FILE *out, const struct page_context *context)
{
	struct capture capture = page_capture(context);
	struct event_totals totals = { 0 };
	int err = view_counts(context->view, context->row, context->totals, &totals);
	char line[64];

	if (!err) {
		(context->row->kind == ROW_SLOT ? put_slot : put_vm)(out, context);
		snprintf(line, sizeof(line), "Events, %s", span_words(context));
		fputc('\n', out);
		put_bold(out, context, line);
		put_table(out, context, &capture, &totals);
		put_heat(out, context, &totals);
		put_histogram(out, context, &totals);
		err = put_stacks(out, context, capture);
	}
	event_totals_free(&totals);
	return err;
}

int page_slot_event(const struct page_context *context, int step)
{
	struct event_totals totals = { 0 };
	int event = -1, from = context->event;

	if (!view_counts(context->view, context->row, context->totals, &totals)) {
		if (from < 0 || !totals.v[from].latency.n)
			from = histogram_event(&totals, -1, 1);
		if (from >= 0)
			event = histogram_event(&totals, from, step);
	}
	event_totals_free(&totals);
	return event;
}

/* ---- Hooks ---- */

static void put_functions(FILE *out, const struct rung *rung)
{
	const char *function, *comma = "";

	for (unsigned int i = 0; (function = rung_function(rung, i)); i++) {
		fprintf(out, "%s%s", comma, function);
		comma = ", ";
	}
	fprintf(out, " (since %s)\n", rung->since);
}

static void put_runs(FILE *out, const struct hook_state *hook)
{
	char runs[NUMBER_LEN] = "-", cost[NUMBER_LEN] = "-", misses[NUMBER_LEN];

	if (hook->run_count) {
		number_short(runs, hook->run_count);
		number_latency(cost, hook->run_time_ns / hook->run_count, false);
	}
	fprintf(out, "  %8s  %7s  %6s  ", runs, cost, number_short(misses, hook->recursion_misses));
}

static void put_hook(FILE *out, const struct page_context *context, const struct capture *capture,
		     enum gmem_event event)
{
	const struct hook_state *hook = &capture->hooks[event];
	const struct rung *rung = capture_rung(capture, event);
	char reason[HOOKS_REASON_SIZE];
	bool color = context->style->color;

	fprintf(out, "%-18s  ", event_descs[event].name);
	switch (hook_outcome(hook)) {
	case HOOK_ATTACHED:
		fprintf(out, "%sattached%s   ", color ? "\033[32m" : "", color ? "\033[0m" : "");
		put_runs(out, hook);
		put_functions(out, rung);
		break;
	case HOOK_NOT_WANTED:
		fputs("not asked for\n", out);
		break;
	case HOOK_UNAVAILABLE:
		fprintf(out, "%sunavailable%s  %s\n", color ? "\033[33m" : "",
			color ? "\033[0m" : "",
			hooks_reason(reason, capture, event, context->style->utf8));
		break;
	}
}

int page_hooks(FILE *out, const struct page_context *context)
{
	struct capture capture = page_capture(context);

	put_bold(out, context,
		 "EVENT               STATE             RUNS  AVERAGE  MISSES  KERNEL FUNCTIONS");
	for (int event = 0; event < NR_EVENTS; event++)
		put_hook(out, context, &capture, event);
	fputs("\nRuns and their average cost are of gmemtop's own programs; the kernel counts them "
	      "while this page is open.\nMisses are runs that the kernel skipped.\n",
	      out);
	return 0;
}

/* ---- Help ---- */

static const struct key_help {
	const char *keys, *what;
} keys[] = {
	{ "Up Down PgUp PgDn Home End", "choose a row" },
	{ "Left Right", "other columns; on the slot page another event's histogram" },
	{ "Enter", "all of a VM or slot; Esc goes back" },
	{ "Space", "pause: counting goes on, the screen stands still" },
	{ "+ -", "longer or shorter interval" },
	{ "s", "choose the column to sort by" },
	{ "< > r", "sort by the column to the left or right; in the other order" },
	{ "/ n", "search rows; again" },
	{ "f F4", "filter rows: pid=4711 comm~qemu slot=0 guest_fault>100/s p99>1ms" },
	{ "t T", "fold or unfold a VM; all of them" },
	{ "i", "hide or show what is idle" },
	{ "a", "rates of the last interval, or totals" },
	{ "z", "let totals begin now" },
	{ "c", "choose columns" },
	{ "H", "hooks: what carries each event here, and what that costs" },
	{ "w", "keep columns, order, filter and interval for the next time" },
	{ "h F1 ?", "this help" },
	{ "q F10 Ctrl-C", "quit" },
	{ "mouse", "choose a row, again for all of it; a header to sort by" },
};

int page_help(FILE *out, const struct page_context *context)
{
	put_bold(out, context, "Keys");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		fprintf(out, "  %-27s  %s\n", keys[i].keys, keys[i].what);
	fputc('\n', out);
	put_bold(out, context, "Columns, by their names in filters and options");
	for (unsigned int i = 0; i < nr_columns; i++)
		fprintf(out, "  %-18s  %-15s  %s\n", columns[i].key, columns[i].title,
			columns[i].what);
	fputs("\n- is not known, or nothing there to say; ... is still being counted; "
	      "n/a is not counted on this kernel (H).\n",
	      out);
	return 0;
}
