// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks as a tree: from the function where an event is counted to its callers, branching where these
 * differ, the most frequent first; at the ends the threads. What has one caller is one line below
 * another without a level of its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/events.h"
#include "report_html.h"

#define STACKS_SHOWN 100 /* of an event; JSON has all */

struct branch {
	const struct stack_count *
		*v; /* stacks that are alike so far, in the order of their frames */
	size_t n;
	__u64 count;
};

static const char *frame_at(const struct stack_count *stack, size_t depth)
{
	return depth < stack->nframes ? report_frame(stack->frames[depth]) : NULL;
}

static int compare_frames(const char *a, const char *b)
{
	if (!a || !b)
		return !b - !a;
	return strcmp(a, b);
}

static int compare_stacks(const void *x, const void *y)
{
	const struct stack_count *const *a = x, *const *b = y;

	for (size_t i = 0; i < (*a)->nframes || i < (*b)->nframes; i++) {
		int order = compare_frames(frame_at(*a, i), frame_at(*b, i));

		if (order)
			return order;
	}
	return 0;
}

static int most_first(const void *x, const void *y)
{
	const struct branch *a = x, *b = y;

	return a->count < b->count ? 1 : a->count > b->count ? -1 : 0;
}

/* What goes on differently at @depth; at most one for each stack. */
static size_t branches_of(const struct branch *all, size_t depth, struct branch *branches)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		const char *frame = frame_at(all->v[i], depth);

		if (!n || compare_frames(frame, frame_at(branches[n - 1].v[0], depth)))
			branches[n++] = (struct branch){ .v = &all->v[i] };
		branches[n - 1].n++;
		branches[n - 1].count += all->v[i]->count;
	}
	qsort(branches, n, sizeof(*branches), most_first);
	return n;
}

static void put_thread(FILE *out, const struct stack_count *stack)
{
	fprintf(out, "<div>%llu\u00d7 by <b>", stack->count);
	html_foreign(out, stack->comm, GMEM_COMM_LEN);
	fprintf(out, "</b> (pid %u)", stack->pid);
	if (stack->vm != NO_VM)
		fprintf(out, ", VM %u", stack->vm);
	if (stack->vm != NO_VM && stack->at_slot && stack->as_id)
		fprintf(out, " slot %u:%d", stack->as_id, stack->slot_id);
	else if (stack->vm != NO_VM && stack->at_slot)
		fprintf(out, " slot %d", stack->slot_id);
	if (event_descs[stack->event].carries & EVENT_PAGES)
		fprintf(out, ", %llu pages", stack->npages);
	fputs("</div>\n", out);
}

static void put_threads(FILE *out, const struct branch *branch)
{
	for (size_t i = 0; i < branch->n; i++)
		put_thread(out, branch->v[i]);
}

static void put_frame(FILE *out, const char *frame, const char *class)
{
	fprintf(out, "<%s>", class);
	html_text(out, frame);
	fprintf(out, "</%s>\n", class);
}

static void put_branches(FILE *out, const struct branch *all, size_t depth);

/* From @depth on: what all have, then what they do not. */
static void put_branch(FILE *out, const struct branch *branch, size_t depth)
{
	const char *frame = frame_at(branch->v[0], depth);
	struct branch next[STACKS_SHOWN];

	if (!frame) {
		put_threads(out, branch);
		return;
	}
	fprintf(out, "<details open=\"open\"><summary><b>%llu</b> ", branch->count);
	html_text(out, frame);
	fputs("</summary>\n", out);
	for (depth++; branches_of(branch, depth, next) == 1; depth++) {
		frame = frame_at(branch->v[0], depth);
		if (!frame)
			break;
		put_frame(out, frame, "div");
	}
	put_branches(out, branch, depth);
	fputs("</details>\n", out);
}

static void put_branches(FILE *out, const struct branch *all, size_t depth)
{
	struct branch branches[STACKS_SHOWN];
	size_t n = branches_of(all, depth, branches);

	for (size_t i = 0; i < n; i++)
		put_branch(out, &branches[i], depth);
}

static int put_event(const struct html_report *r, enum gmem_event event)
{
	const struct snapshot *snap = r->capture->snap;
	const struct stack_count **v = calloc(STACKS_SHOWN, sizeof(*v));
	struct branch all = { .v = v };
	size_t more = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < snap->nstacks; i++) {
		if (snap->stacks[i].event != event)
			continue;
		if (all.n < STACKS_SHOWN)
			v[all.n++] = &snap->stacks[i];
		else
			more++;
	}
	qsort(v, all.n, sizeof(*v), compare_stacks);
	html_element(r->out, "h3", "%s", event_descs[event].name);
	fputs("<div class=\"f\">\n", r->out);
	if (!all.n)
		html_element(r->out, "p", "none");
	put_branches(r->out, &all, 0);
	fputs("</div>\n", r->out);
	if (more)
		html_element(r->out, "p", "And %zu more, less frequent: -f json has them all.",
			     more);
	free(v);
	return 0;
}

int html_stacks(const struct html_report *r)
{
	const char *no_names = report_no_names(r->capture->snap);
	int err = 0;

	if (!r->capture->stack_events)
		return 0;
	html_element(r->out, "h2 id=\"stacks\"", "Stacks");
	for (int event = 0; event < NR_EVENTS && !err; event++)
		if (r->capture->stack_events & 1ULL << event)
			err = put_event(r, event);
	if (no_names)
		html_element(r->out, "p", "%s.", no_names);
	return err;
}
