// SPDX-License-Identifier: GPL-2.0-only
/*
 * The head of the live view.
 */
#include "view_head.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "base/version.h"
#include "model/events.h"
#include "view_columns.h"

/* A line in the making, parts with two blanks between them. */
static void __attribute__((format(printf, 2, 3))) add(char *text, const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	if (len && len + 2 < HEAD_LEN)
		len += snprintf(text + len, HEAD_LEN - len, "  ");
	va_start(args, format);
	if (len < HEAD_LEN)
		vsnprintf(text + len, HEAD_LEN - len, format, args);
	va_end(args);
}

/* "0:12", "3:04:05" */
static void write_duration(char *text, size_t size, __u64 ns)
{
	__u64 s = ns / NS_PER_S;

	if (s >= 3600)
		snprintf(text, size, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(text, size, "%llu:%02llu", s / 60, s % 60);
}

void head_title(const struct view *view, const struct view_settings *settings,
		const struct view_machine *machine, bool utf8, char *text)
{
	char host[256], clock[16], up[32];
	time_t now = time(NULL);
	struct tm tm;

	text[0] = 0;
	text_clean(host, sizeof(host), machine->host, strlen(machine->host), utf8);
	write_duration(up, sizeof(up), clock_ns(CLOCK_MONOTONIC) - view->start_ns);
	add(text, "gmemtop " GMEM_VERSION);
	add(text, "%s", host);
	add(text, "Linux %s", machine->kernel);
	if (localtime_r(&now, &tm) && strftime(clock, sizeof(clock), "%H:%M:%S", &tm))
		add(text, "%s", clock);
	add(text, "counting for %s", up);
	add(text, "every %gs", (double)settings->interval_ns / 1e9);
	if (view->sample)
		add(text, "1 of %u timed", view->sample);
}

static size_t count_slots(const struct view *view)
{
	size_t n = 0;

	for (size_t i = 0; i < view->ntracks; i++)
		for (size_t j = 0; !view->tracks[i]->ended_in && j < view->tracks[i]->nslots; j++)
			n += !view->tracks[i]->slots[j].ended_in;
	return n;
}

static size_t count_vms(const struct view *view)
{
	size_t n = 0;

	for (size_t i = 0; i < view->ntracks; i++)
		n += !view->tracks[i]->ended_in;
	return n;
}

/* "p50 4.1µs", "zaps 3/s": the name of a column's value in words, and the value. */
static const struct part {
	const char *words, *column;
} parts[] = {
	{ "errors", "errors" },
	{ "guest faults", "guest_fault" },
	{ "p50", "p50" },
	{ "p99", "p99" },
	{ "zaps", "zap" },
	{ "notifier hits", "notifier_hit" },
	{ "conversions", "convert" },
	{ "host faults", "host_fault" },
};

/* Where something has found no room among the owners, there may be more than are known. */
static void add_number(const struct view *view, char *text, size_t n, const char *what)
{
	char number[NUMBER_LEN];

	snprintf(number, sizeof(number), "%zu", n);
	add(text, "%s %s%s", view_lost_owners(view) ? "n/a" : number, what, n == 1 ? "" : "s");
}

/* How many VMs have ended and been given back: only totals tell of them. */
static void add_past(const struct view *view, char *text)
{
	const struct past_list *past = &view->snap->past;
	__u64 n = 0;

	for (size_t i = 0; i < past->n; i++)
		n += past->v[i].nvms;
	if (n)
		add(text, "%llu past VM%s", n, n == 1 ? "" : "s");
}

static void add_part(const struct view *view, const struct part *part, bool utf8, char *text)
{
	int column = column_by_key(part->column, strlen(part->column));
	bool rate = columns[column].kind == COLUMN_COUNT && !view->totals;
	char cell[CELL_LEN];

	column_cell(view, &view->total, column, utf8, CELL_LEN, cell);
	add(text, "%s %s%s", part->words, cell, rate && strcmp(cell, "n/a") ? "/s" : "");
}

void head_totals(const struct view *view, bool utf8, unsigned int room, char *text)
{
	size_t fits = 0;

	text[0] = 0;
	add_number(view, text, count_vms(view), "VM");
	add_number(view, text, count_slots(view), "slot");
	add_past(view, text);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		/* Dots for the others need room, too. */
		if (text_width(text) + strlen("  ...") <= room)
			fits = strlen(text);
		add_part(view, &parts[i], utf8, text);
	}
	if (text_width(text) > room)
		strcpy(text + fits, "  ...");
}

static void add_losses(const struct view *view, char *text)
{
	for (int event = 0; event < NR_EVENTS; event++)
		for (int loss = 0; loss < NR_LOSSES; loss++)
			if (view->snap->loss[event][loss])
				add(text, "%s: %llu %s", event_descs[event].name,
				    view->snap->loss[event][loss], loss_descs[loss].name);
}

const char *head_inventory(const struct view *view, char *text)
{
	size_t npending = view_npending(view);

	text[0] = 0;
	if (view->no_inventory)
		add(text, "no inventory: %s", view->no_inventory);
	else if (view->inventory_lacks)
		add(text, "not listed: %s", view->inventory_lacks);
	if (!view->no_inventory && npending)
		add(text, "counting the pages of %zu slot%s", npending, npending == 1 ? "" : "s");
	return text;
}

bool head_loss(const struct view *view, char *text)
{
	text[0] = 0;
	if (!view->snap->lost && !view->snap->switched_off) {
		add(text, "lost nothing");
		return false;
	}
	add(text, "*** LOST %llu (%llu now): not complete ***", view->snap->lost, view->newly_lost);
	if (view->snap->switched_off)
		add(text, "kernel.ftrace_enabled was 0: unknown what happened then");
	add_losses(view, text);
	return true;
}
