// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stacks of --stacks as text: of each event the most frequent ones.
 */
#include <string.h>
#include "base/text.h"
#include "model/events.h"
#include "report_formats.h"

#define STACKS_SHOWN 5 /* of an event; JSON has all */

const char *report_frame(const char *frame)
{
	return strncmp(frame, "0x", 2) ? frame : SYMBOL_UNKNOWN;
}

const char *report_no_names(const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->nstacks; i++)
		for (size_t j = 0; j < snap->stacks[i].nframes; j++)
			if (!strcmp(report_frame(snap->stacks[i].frames[j]), SYMBOL_UNKNOWN))
				return SYMBOL_UNKNOWN ": hidden by sysctl kernel.kptr_restrict. "
						      "Set it to 1; have CAP_SYSLOG";
	return NULL;
}

static void put_owner(FILE *out, const struct stack_count *stack)
{
	if (stack->vm == NO_VM)
		return;
	fprintf(out, ", VM %u", stack->vm);
	if (stack->at_slot && stack->as_id)
		fprintf(out, " slot %u:%d", stack->as_id, stack->slot_id);
	else if (stack->at_slot)
		fprintf(out, " slot %d", stack->slot_id);
}

/* Those without a name that follow each other are one: nothing tells them apart. */
static void put_frames(FILE *out, const struct stack_count *stack, const struct text_style *style)
{
	const char *name, *last = "";
	char frame[512];

	for (size_t i = 0; i < stack->nframes; i++, last = name) {
		name = report_frame(stack->frames[i]);
		if (strcmp(name, SYMBOL_UNKNOWN) || strcmp(last, name))
			fprintf(out, "    %s\n",
				text_clean(frame, sizeof(frame), name, strlen(name), style->utf8));
	}
}

static void put_stack(FILE *out, const struct stack_count *stack, const struct text_style *style)
{
	char comm[4 * GMEM_COMM_LEN + 1];

	fprintf(out, "  %llu time%s", stack->count, stack->count == 1 ? "" : "s");
	if (event_descs[stack->event].carries & EVENT_PAGES)
		fprintf(out, ", %llu pages", stack->npages);
	text_clean(comm, sizeof(comm), stack->comm, GMEM_COMM_LEN, style->utf8);
	fprintf(out, ": %s (pid %u)", comm, stack->pid);
	put_owner(out, stack);
	fputc('\n', out);
	put_frames(out, stack, style);
}

static void put_event(FILE *out, const struct snapshot *snap, enum gmem_event event,
		      const struct text_style *style)
{
	size_t shown = 0, more = 0;

	fprintf(out, "\n%sStacks of %s%s\n", style->color ? "\033[1m" : "", event_descs[event].name,
		style->color ? "\033[0m" : "");
	for (size_t i = 0; i < snap->nstacks; i++) {
		if (snap->stacks[i].event != event)
			continue;
		if (shown++ < STACKS_SHOWN)
			put_stack(out, &snap->stacks[i], style);
		else
			more++;
	}
	if (more)
		fprintf(out, "  and %zu more: -f json has them all\n", more);
	else if (!shown)
		fputs("  none\n", out);
}

void report_text_stacks(FILE *out, const struct capture *capture, const struct text_style *style)
{
	const char *no_names = report_no_names(capture->snap);

	for (int event = 0; event < NR_EVENTS; event++)
		if (capture->stack_events & 1ULL << event)
			put_event(out, capture->snap, event, style);
	if (no_names)
		fprintf(out, "\n%s.\n", no_names);
}
