// SPDX-License-Identifier: GPL-2.0-only
/*
 * The head of a text report: what it is of, and what can be trusted: hooks, and the ledger of what
 * was lost.
 */
#include "report_text.h"
#include <string.h>
#include <time.h>
#include "base/number.h"
#include "base/text.h"
#include "model/events.h"
#include "report_hooks.h"

#define HEAD_INDENT 10 /* where the values in the head begin */

void text_ink(const struct text_report *r, enum ink ink)
{
	static const char *const codes[] = { "\033[0m", "\033[1m", "\033[1;31m", "\033[32m" };

	if (r->style->color)
		fputs(codes[ink], r->out);
}

void text_line(const struct text_report *r, enum ink color, const char *line)
{
	text_ink(r, color);
	fputs(line, r->out);
	text_ink(r, INK_PLAIN);
	fputc('\n', r->out);
}

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

/* A line of the head; nothing if @words is NULL. */
static void put_words(const struct text_report *r, const char *label, const char *words)
{
	struct flow flow;

	if (!words)
		return;
	flow = head_line(r, label);
	flow_text(&flow, 0, words);
	flow_end(&flow);
}

static void put_command(const struct text_report *r)
{
	const struct capture *capture = r->capture;
	char command[1024], end[CAPTURE_END_LEN];
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
	capture_command_end(end, capture);
	text_clip(command, r->columns - HEAD_INDENT - 2 - text_width(end));
	head_line(r, "command");
	fputs(command, r->out);
	fputs(": ", r->out);
	text_line(r, capture->command_ended && capture->command_status ? INK_WARN : INK_PLAIN, end);
}

static void put_hooks(const struct text_report *r)
{
	unsigned int attached = capture_count_hooks(r->capture, HOOK_ATTACHED);
	unsigned int missing = capture_count_hooks(r->capture, HOOK_UNAVAILABLE);

	head_line(r, "hooks");
	if (r->capture->rebuilt) {
		text_line(r, INK_WARN, "not known: they are in a snapshot");
		return;
	}
	fprintf(r->out, "%u of %u events attached", attached, attached + missing);
	if (!missing) {
		fputc('\n', r->out);
		return;
	}
	text_line(r, INK_WARN, "; unavailable here:");
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

static void put_loss(const struct text_report *r)
{
	__u64 lost = r->capture->snap->lost;
	char line[96];

	if (!capture_is_lossy(r->capture)) {
		head_line(r, "lost");
		if (r->capture->rebuilt)
			text_line(r, INK_WARN, "not known: that is in a snapshot");
		else
			text_line(r, INK_GOOD, "nothing");
		return;
	}
	if (r->capture->snap->switched_off)
		snprintf(line, sizeof(line),
			 "*** LOST an unknown number: what follows is not complete ***");
	else
		snprintf(line, sizeof(line), "*** LOST %llu: what follows is not complete ***",
			 lost);
	text_line(r, INK_WARN, line);
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

void text_capture_head(const struct text_report *r)
{
	char words[REPORT_WORDS_LEN];

	text_head(r);
	put_words(r, "latency", report_threshold(words, r->capture, r->style->utf8));
	put_words(r, "sample", report_sample(words, r->capture));
	put_command(r);
	put_hooks(r);
	put_loss(r);
}
