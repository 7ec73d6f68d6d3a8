// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture as text for people: a head that says what can be trusted, a table per VM with its
 * slots and guest_memfds, sums, and bars for the events that were chosen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include "base/number.h"
#include "base/text.h"
#include "kvm.h"
#include "model/events.h"
#include "model/page_size.h"
#include "model/percentile.h"
#include "report_bars.h"
#include "report_details.h"
#include "report_hooks.h"
#include "report_text.h"

#define COLUMNS_MIN 80
#define HEAD_INDENT 10 /* where the values in the head begin */
#define SINCE_WIDTH 11 /* "in flight" and two blanks */

void text_ink(const struct text_report *r, enum ink ink)
{
	static const char *const codes[] = { "\033[0m", "\033[1m", "\033[1;31m", "\033[32m" };

	if (r->style->color)
		fputs(codes[ink], r->out);
}

static void put_line(const struct text_report *r, enum ink color, const char *line)
{
	text_ink(r, color);
	fputs(line, r->out);
	text_ink(r, INK_PLAIN);
	fputc('\n', r->out);
}

/* ---- The head ---- */

static struct flow head_line(const struct text_report *r, const char *label)
{
	struct flow flow = { .out = r->out, .columns = r->columns };

	fprintf(r->out, "%-*s", HEAD_INDENT, label);
	flow.indent = flow.at = HEAD_INDENT;
	return flow;
}

void text_title(const struct text_report *r)
{
	const struct capture *capture = r->capture;

	text_ink(r, INK_BOLD);
	fprintf(r->out, "gmemtrace %s", capture->version);
	text_ink(r, INK_PLAIN);
	fprintf(r->out, " on Linux %s %s\n", capture->kernel, capture->arch);
}

static void put_time(const struct text_report *r)
{
	time_t seconds = r->capture->start_realtime_ns / 1000000000;
	struct flow flow = head_line(r, "captured");
	char date[64] = "?", text[128];
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S %z", &tm);
	snprintf(text, sizeof(text), "%.3f s from %s", r->capture->duration_ns / 1e9, date);
	flow_text(&flow, 0, text);
	flow_end(&flow);
}

static void put_threshold(const struct text_report *r)
{
	struct flow flow;
	char time[NUMBER_LEN], text[128];

	if (!r->capture->min_latency_ns)
		return;
	flow = head_line(r, "latency");
	snprintf(text, sizeof(text), "percentiles and stacks only of what took %s or more",
		 number_latency(time, r->capture->min_latency_ns, r->style->utf8));
	flow_text(&flow, 0, text);
	flow_end(&flow);
}

static void describe_end(const struct capture *capture, char *text, size_t size)
{
	int status = capture->command_status;

	if (!capture->command_ended)
		snprintf(text, size, "still running");
	else if (WIFEXITED(status))
		snprintf(text, size, "exited with %d", WEXITSTATUS(status));
	else
		snprintf(text, size, "killed by %s", capture_signal(status));
}

static void put_command(const struct text_report *r)
{
	const struct capture *capture = r->capture;
	char command[1024], end[64];
	char *const *arg;
	size_t at = 0;

	if (!capture->command)
		return;
	for (arg = capture->command; *arg && at + 8 < sizeof(command); arg++) {
		if (at)
			command[at++] = ' ';
		text_clean(command + at, sizeof(command) - at, *arg, strlen(*arg), r->style->utf8);
		at += strlen(command + at);
	}
	command[at] = 0;
	describe_end(capture, end, sizeof(end));
	text_clip(command, r->columns - HEAD_INDENT - 2 - text_width(end));
	head_line(r, "command");
	fputs(command, r->out);
	fputs(": ", r->out);
	put_line(r, capture->command_ended && capture->command_status ? INK_WARN : INK_PLAIN, end);
}

static unsigned int count_hooks(const struct capture *capture, enum hook_outcome outcome)
{
	unsigned int n = 0;
	int event;

	for (event = 0; event < NR_EVENTS; event++)
		if (capture_shows(capture, event) &&
		    hook_outcome(&capture->hooks[event]) == outcome)
			n++;
	return n;
}

static void put_hooks(const struct text_report *r)
{
	unsigned int attached = count_hooks(r->capture, HOOK_ATTACHED);
	unsigned int missing = count_hooks(r->capture, HOOK_UNAVAILABLE);

	head_line(r, "hooks");
	if (r->capture->rebuilt) {
		put_line(r, INK_WARN, "not known: they are in a snapshot");
		return;
	}
	fprintf(r->out, "%u of %u events attached", attached, attached + missing);
	if (!missing) {
		fputc('\n', r->out);
		return;
	}
	put_line(r, INK_WARN, "; unavailable here:");
	hooks_unavailable(r->out, r->capture, r->style, r->columns, HEAD_INDENT);
}

static void put_loss_line(const struct text_report *r, int event, __u64 count, const char *what)
{
	struct flow flow = { .out = r->out, .columns = r->columns, .indent = HEAD_INDENT };
	char number[64];

	if (!count)
		return;
	snprintf(number, sizeof(number), "%llu %s:", count, event_descs[event].name);
	flow_word(&flow, 0, number);
	flow_text(&flow, 1, what);
	flow_end(&flow);
}

static void put_losses(const struct text_report *r)
{
	int event, loss;

	for (event = 0; event < NR_EVENTS; event++)
		for (loss = 0; loss < NR_LOSSES; loss++)
			put_loss_line(r, event, r->capture->snap->loss[event][loss],
				      loss_descs[loss].what);
}

static void put_switched_off(const struct text_report *r)
{
	struct flow flow = { .out = r->out, .columns = r->columns, .indent = HEAD_INDENT };
	__u64 times = r->capture->snap->switched_off;
	char number[64];

	if (!times)
		return;
	snprintf(number, sizeof(number), "%llu time%s", times, times == 1 ? "" : "s");
	flow_word(&flow, 0, number);
	flow_text(&flow, 1,
		  "kernel.ftrace_enabled was set to 0: of what happened then nothing is known");
	flow_end(&flow);
}

static bool is_lossy(const struct text_report *r)
{
	return r->capture->snap->lost || r->capture->snap->switched_off;
}

static void put_loss(const struct text_report *r)
{
	__u64 lost = r->capture->snap->lost;
	char line[96];

	if (!is_lossy(r)) {
		head_line(r, "lost");
		if (r->capture->rebuilt)
			put_line(r, INK_WARN, "not known: that is in a snapshot");
		else
			put_line(r, INK_GOOD, "nothing");
		return;
	}
	if (r->capture->snap->switched_off)
		snprintf(line, sizeof(line),
			 "*** LOST an unknown number: what follows is not complete ***");
	else
		snprintf(line, sizeof(line), "*** LOST %llu: what follows is not complete ***",
			 lost);
	put_line(r, INK_WARN, line);
	put_switched_off(r);
	put_losses(r);
}

/* ---- What a file says of itself ---- */

void text_warning(const struct text_report *r, const char *head, const char *sentence)
{
	struct flow flow = { .out = r->out, .columns = r->columns, .indent = HEAD_INDENT };

	text_ink(r, INK_WARN);
	fputs(head, r->out);
	flow.at = strlen(head);
	flow.has_word = true;
	flow_text(&flow, 1, sentence);
	text_ink(r, INK_PLAIN);
	flow_end(&flow);
}

static void put_drops(const struct text_report *r)
{
	const struct capture *capture = r->capture;
	struct flow flow = { .out = r->out, .columns = r->columns, .indent = HEAD_INDENT };
	__u64 total = 0;
	char text[96];

	for (size_t i = 0; i < capture->ndrops; i++)
		total += capture->drops[i].count;
	if (!total)
		return;
	snprintf(text, sizeof(text), "of the single events %llu have no record:", total);
	text_warning(r, "*** DROPPED:", text);
	for (size_t i = 0; i < capture->ndrops; i++) {
		const struct capture_drop *drop = &capture->drops[i];

		snprintf(text, sizeof(text), "%s on CPU %u: %llu%s", event_descs[drop->event].name,
			 drop->cpu, drop->count, i + 1 < capture->ndrops ? "," : "");
		flow_word(&flow, i ? 1 : HEAD_INDENT, text);
	}
	flow_end(&flow);
}

/* Before anything else: what makes the rest less than it seems. */
static void put_file(const struct text_report *r)
{
	if (r->capture->incomplete)
		text_warning(r, "*** INCOMPLETE:", r->capture->incomplete);
	put_drops(r);
	if (r->capture->note)
		text_warning(r, "*** NOTE:", r->capture->note);
}

void text_head(const struct text_report *r)
{
	put_file(r);
	text_title(r);
	put_time(r);
}

/* ---- VMs, slots, guest_memfds ---- */

static bool shows_any(const struct text_report *r, const struct event_counts *counts)
{
	size_t i;

	for (i = 0; i < counts->n; i++)
		if (capture_shows(r->capture, counts->v[i].event))
			return true;
	return false;
}

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
		if (!shows_any(r, &vm->slots[i].events))
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
		if (!shows_any(r, &snap->gmems[i].events))
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
	__u64 npages = 0;
	size_t n = 0;

	for (size_t i = 0; i < vm->nslots; i++) {
		if (!vm->slots[i].exists || shows_any(r, &vm->slots[i].events))
			continue;
		npages += vm->slots[i].resident.npages;
		n++;
	}
	if (!n || r->capture->events_chosen)
		return;
	snprintf(line, sizeof(line), "  %zu %s without events: %s resident", n,
		 n == 1 ? "slot" : "slots", text_pages(r, npages, bytes));
	put_line(r, INK_PLAIN, line);
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
	if (shows_any(r, &vm->events)) {
		put_line(r, INK_BOLD, "  the VM itself");
		put_rows(r, &vm->events);
	}
	if (nslots > 1) {
		put_line(r, INK_BOLD, "  all of this VM");
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

/* What belongs to no VM, and the sum of everything if that is more than one part. */
static void put_rest(const struct text_report *r, unsigned int parts)
{
	const struct snapshot *snap = r->capture->snap;
	size_t i;

	if (shows_any(r, &snap->host)) {
		fputc('\n', r->out);
		put_line(r, INK_BOLD, "Host: what belongs to no VM that is known");
		table_header(&r->table);
		put_rows(r, &snap->host);
		parts++;
	}
	for (i = 0; i < snap->ngmems; i++) {
		if (snap->gmems[i].vm < snap->nvms || !shows_any(r, &snap->gmems[i].events))
			continue;
		fputc('\n', r->out);
		put_gmem_title(r, &snap->gmems[i]);
		table_header(&r->table);
		put_rows(r, &snap->gmems[i].events);
		parts++;
	}
	if (parts > 1) {
		fputc('\n', r->out);
		put_line(r, INK_BOLD, "Everything");
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
	if (is_lossy(r)) {
		fputc('\n', r->out);
		put_line(r, INK_WARN, "*** Events were lost: see the head of this report ***");
	}
	if (r->capture->incomplete) {
		fputc('\n', r->out);
		put_line(r, INK_WARN, "*** Incomplete: see the head of this report ***");
	}
	return 0;
}

int report_text_capture(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct text_report r = text_report(out, capture, style);
	int err;

	err = event_totals_add_all(&r.totals, capture->snap);
	if (!err) {
		text_head(&r);
		put_threshold(&r);
		put_command(&r);
		put_hooks(&r);
		put_loss(&r);
		err = put_body(&r);
	}
	event_totals_free(&r.totals);
	return err;
}

/* ---- The probe ---- */

static unsigned int widest_event(void)
{
	unsigned int width = 0;
	int event;

	for (event = 0; event < NR_EVENTS; event++)
		if (strlen(event_descs[event].name) > width)
			width = strlen(event_descs[event].name);
	return width;
}

static void put_functions(struct flow *flow, const struct rung *rung)
{
	const char *function = rung_function(rung, 0), *next;
	char word[128];
	unsigned int i;

	for (i = 1; function; function = next, i++) {
		next = rung_function(rung, i);
		snprintf(word, sizeof(word), "%s%s", function, next ? "," : "");
		flow_word(flow, 1, word);
	}
}

static void put_probe_reason(const struct text_report *r, struct flow *flow, int event)
{
	char reason[HOOKS_REASON_SIZE];

	text_ink(r, INK_WARN);
	flow_word(flow, 0, "unavailable:");
	text_ink(r, INK_PLAIN);
	flow_text(flow, 1, hooks_reason(reason, r->capture, event, r->style->utf8));
}

static void put_probe_row(const struct text_report *r, int event, unsigned int width)
{
	const struct hook_state *hook = &r->capture->hooks[event];
	struct flow flow = { .out = r->out, .columns = r->columns };
	const struct rung *rung = capture_rung(r->capture, event);
	bool available = hook_outcome(hook) == HOOK_ATTACHED && rung;
	char word[64];

	fprintf(r->out, "%-*s  %-*s", (int)width, event_descs[event].name, SINCE_WIDTH,
		available ? rung->since : "-");
	flow.indent = flow.at = width + 2 + SINCE_WIDTH;
	if (available)
		put_functions(&flow, rung);
	else
		put_probe_reason(r, &flow, event);
	if (event_descs[event].carries & EVENT_OPT_IN) {
		snprintf(word, sizeof(word), "(opt-in: -e %s)", event_descs[event].name);
		flow_word(&flow, 1, word);
	}
	flow_end(&flow);
}

int report_text_probe(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct text_report r = text_report(out, capture, style);
	unsigned int width = widest_event();
	unsigned int attached = 0;
	int event;

	for (event = 0; event < NR_EVENTS; event++)
		attached += hook_outcome(&capture->hooks[event]) == HOOK_ATTACHED;
	text_title(&r);
	fprintf(out, "%u of %u events are available\n\n", attached, NR_EVENTS);
	text_ink(&r, INK_BOLD);
	fprintf(out, "%-*s  %-*s%s", (int)width, "event", SINCE_WIDTH, "since", "kernel functions");
	text_ink(&r, INK_PLAIN);
	fputc('\n', out);
	for (event = 0; event < NR_EVENTS; event++)
		put_probe_row(&r, event, width);
	return 0;
}
