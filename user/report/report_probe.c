// SPDX-License-Identifier: GPL-2.0-only
/*
 * The probe as text: each event with the kernel functions that carry it here, or why none does.
 */
#include <string.h>
#include "base/text.h"
#include "model/events.h"
#include "report_hooks.h"
#include "report_text.h"

#define SINCE_WIDTH 11 /* "in flight" and two blanks */

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
