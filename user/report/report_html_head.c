// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a page's numbers rest on: what was captured, what was lost, and what became of the hooks.
 */
#include <string.h>
#include "base/number.h"
#include "base/text.h"
#include "model/events.h"
#include "report_hooks.h"
#include "report_html.h"

/* ---- The head ---- */

static void put_drops(const struct html_report *r)
{
	const struct capture *capture = r->capture;
	__u64 total = 0;

	for (size_t i = 0; i < capture->ndrops; i++)
		total += capture->drops[i].count;
	if (total)
		html_element(r->out, "p class=\"warn\"",
			     "Dropped: of the single events %llu have no record.", total);
}

static void put_warnings(const struct html_report *r)
{
	const struct capture *capture = r->capture;

	if (capture->incomplete)
		html_element(r->out, "p class=\"warn\"", "Incomplete: %s", capture->incomplete);
	put_drops(r);
	if (capture->note)
		html_element(r->out, "p class=\"warn\"", "Note: %s", capture->note);
	if (capture->snap->switched_off)
		html_element(r->out, "p class=\"warn\"",
			     "Lost an unknown number of events: kernel.ftrace_enabled was set to 0 "
			     "%llu times. What follows is not complete.",
			     capture->snap->switched_off);
	else if (capture->snap->lost)
		html_element(r->out, "p class=\"warn\"",
			     "Lost %llu events: what follows is not complete.",
			     capture->snap->lost);
}

static void put_time(const struct html_report *r)
{
	char begin[TEXT_TIME_SIZE];

	text_time(begin, r->capture->start_realtime_ns);
	html_element(r->out, "dt", "captured");
	html_element(r->out, "dd", "%.3f s from %.19s UTC", (double)r->capture->duration_ns / 1e9,
		     begin);
}

static void put_command(const struct html_report *r)
{
	char end[CAPTURE_END_LEN];
	const char *blank = "";

	if (!r->capture->command)
		return;
	html_element(r->out, "dt", "command");
	fputs("<dd><code>", r->out);
	for (char *const *arg = r->capture->command; *arg; arg++, blank = " ") {
		fputs(blank, r->out);
		html_text(r->out, *arg);
	}
	fprintf(r->out, "</code>: %s</dd>\n", capture_command_end(end, r->capture));
}

/* A line of the head; nothing if @words is NULL or empty. */
static void put_words(const struct html_report *r, const char *term, const char *words)
{
	if (!words || !*words)
		return;
	html_element(r->out, "dt", "%s", term);
	html_element(r->out, "dd", "%s", words);
}

static void put_options(const struct html_report *r)
{
	char words[REPORT_WORDS_LEN];

	put_words(r, "latency", report_threshold(words, r->capture, true));
	put_words(r, "sample", report_sample(words, r->capture));
	put_words(r, "machine", r->capture->machine);
}

static void put_trust(const struct html_report *r)
{
	unsigned int attached = capture_count_hooks(r->capture, HOOK_ATTACHED);
	unsigned int missing = capture_count_hooks(r->capture, HOOK_UNAVAILABLE);

	html_element(r->out, "dt", "hooks");
	if (r->capture->rebuilt)
		html_element(r->out, "dd class=\"warn\"", "not known: they are in a snapshot");
	else
		html_element(r->out, "dd", "%u of %u events attached", attached,
			     attached + missing);
	html_element(r->out, "dt", "lost");
	if (capture_is_lossy(r->capture))
		html_element(r->out, "dd class=\"warn\"", "see below");
	else if (r->capture->rebuilt)
		html_element(r->out, "dd class=\"warn\"", "not known: that is in a snapshot");
	else
		html_element(r->out, "dd class=\"good\"", "nothing");
}

static void put_timeline(const struct html_report *r)
{
	const struct timeline *t = r->timeline;

	if (!t && !r->no_timeline)
		return;
	html_element(r->out, "dt", "timeline");
	if (t)
		html_element(r->out, "dd", "%zu intervals of %.3g s, from %s", t->ncells,
			     t->ncells ? (double)timeline_cell_ns(t, 0) / 1e9 : 0,
			     t->from_records ? "records of single events" : "snapshots");
	else
		html_element(r->out, "dd", "none. %s", r->no_timeline);
}

void html_head(const struct html_report *r)
{
	const struct capture *capture = r->capture;

	html_element(r->out, "h1", "guest_memfd on Linux %s %s", capture->kernel, capture->arch);
	put_warnings(r);
	fputs("<dl>\n", r->out);
	html_element(r->out, "dt", "tool");
	html_element(r->out, "dd", "%s %s", capture->tool, capture->version);
	put_time(r);
	put_command(r);
	put_options(r);
	put_trust(r);
	put_timeline(r);
	fputs("</dl>\n", r->out);
}

/* ---- Losses ---- */

static void put_loss(const struct html_report *r, int event, int loss)
{
	__u64 count = r->capture->snap->loss[event][loss];

	if (count)
		fprintf(r->out, "<tr><td>%s</td><td>%llu</td><td>%s: ", event_descs[event].name,
			count, loss_descs[loss].name);
	else
		return;
	html_text(r->out, loss_descs[loss].what);
	fputs("</td></tr>\n", r->out);
}

static void put_dropped(const struct html_report *r)
{
	for (size_t i = 0; i < r->capture->ndrops; i++) {
		const struct capture_drop *drop = &r->capture->drops[i];

		fprintf(r->out, "<tr><td>%s</td><td>%llu</td><td>dropped on CPU %u</td></tr>\n",
			event_descs[drop->event].name, drop->count, drop->cpu);
	}
}

void html_losses(const struct html_report *r)
{
	if (!capture_is_lossy(r->capture) && !r->capture->ndrops)
		return;
	fputs("<h2 id=\"lost\">What was lost</h2>\n<table class=\"w\"><thead><tr><th>event</th>"
	      "<th>count</th><th>why</th></tr></thead><tbody>\n",
	      r->out);
	for (int event = 0; event < NR_EVENTS; event++)
		for (int loss = 0; loss < NR_LOSSES; loss++)
			put_loss(r, event, loss);
	put_dropped(r);
	fputs("</tbody></table>\n", r->out);
}

/* ---- Hooks ---- */

static void put_functions(const struct html_report *r, enum gmem_event event)
{
	const struct rung *rung = capture_rung(r->capture, event);
	const char *function;

	fputs("<td><code>", r->out);
	for (unsigned int i = 0; rung && (function = rung_function(rung, i)); i++) {
		fputs(i ? ", " : "", r->out);
		html_text(r->out, function);
	}
	fputs("</code></td>", r->out);
}

static void put_hook(const struct html_report *r, enum gmem_event event)
{
	const struct hook_state *hook = &r->capture->hooks[event];
	char reason[HOOKS_REASON_SIZE];

	fprintf(r->out, "<tr><td>%s</td>", event_descs[event].name);
	if (hook_outcome(hook) == HOOK_UNAVAILABLE) {
		fputs("<td class=\"warn\">", r->out);
		html_text(r->out, hooks_reason(reason, r->capture, event, true));
		fputs("</td><td></td>", r->out);
	} else {
		put_functions(r, event);
		fprintf(r->out, "<td>%s</td>", event_descs[event].what);
	}
	fputs("</tr>\n", r->out);
}

void html_hooks(const struct html_report *r)
{
	if (r->capture->rebuilt)
		return;
	fputs("<h2 id=\"hooks\">Hooks</h2>\n<table class=\"w\"><thead><tr><th>event</th>"
	      "<th>kernel functions</th><th></th></tr></thead><tbody>\n",
	      r->out);
	for (int event = 0; event < NR_EVENTS; event++)
		if (capture_shows(r->capture, event) &&
		    hook_outcome(&r->capture->hooks[event]) != HOOK_NOT_WANTED)
			put_hook(r, event);
	fputs("</tbody></table>\n", r->out);
}
