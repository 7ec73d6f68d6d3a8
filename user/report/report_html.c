// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture as a page for people: the same in the same order as the text, with figures.
 */
#include <errno.h>
#include "base/number.h"
#include "base/text.h"
#include "html/html_event.h"
#include "model/events.h"
#include "model/kvm_names.h"
#include "model/page_size.h"
#include "report_html.h"
#include "report_page.h"

#define TITLE_LEN 200

/* ---- What places are called ---- */

static void vm_title(const struct html_report *r, size_t index, char title[TITLE_LEN])
{
	const struct vm *vm = &r->capture->snap->vms[index];
	char comm[TEXT_PLAIN_SIZE(GMEM_COMM_LEN)];

	text_plain(comm, sizeof(comm), vm->info.comm, GMEM_COMM_LEN);
	snprintf(title, TITLE_LEN, "VM %zu %s", index, comm);
}

static void vm_subtitle(const struct html_report *r, size_t index, char subtitle[TITLE_LEN])
{
	const struct vm *vm = &r->capture->snap->vms[index];
	const char *type = vm_type_name(r->capture->arch, vm->info.type);
	char number[16];

	snprintf(number, sizeof(number), "%u", vm->info.type);
	if (vm->info.pid)
		snprintf(subtitle, TITLE_LEN, "pid %u, type %s, %s", vm->info.pid, type ?: number,
			 vm->info.ended_ns ? "ended" : "running");
	else
		snprintf(subtitle, TITLE_LEN, "pid in another namespace, type %s, %s",
			 type ?: number, vm->info.ended_ns ? "ended" : "running");
}

static const char *size_of(const struct html_report *r, __u64 npages, char bytes[NUMBER_LEN])
{
	return number_bytes(bytes, pages_bytes(npages, r->capture->page_bytes));
}

/* How much of it is there. */
static void resident(const struct html_report *r, const struct resident *resident, char text[48])
{
	char bytes[NUMBER_LEN];

	text[0] = 0;
	if (resident->known)
		snprintf(text, 48, ", %s resident", size_of(r, resident->npages, bytes));
}

static void slot_title(const struct html_report *r, const struct slot *slot, char title[TITLE_LEN],
		       char subtitle[TITLE_LEN])
{
	const struct slot_info *info = &slot->info;
	char bytes[NUMBER_LEN], there[48], gmem[64] = "";

	if (info->as_id)
		snprintf(title, TITLE_LEN, "slot %d of address space %u", info->id, info->as_id);
	else
		snprintf(title, TITLE_LEN, "slot %d", info->id);
	resident(r, &slot->resident, there);
	if (info->ino)
		snprintf(gmem, sizeof(gmem), ", gmem %llu+0x%llx", info->ino, info->pgoff);
	snprintf(subtitle, TITLE_LEN, "gfn 0x%llx-0x%llx, %s%s%s", info->base_gfn,
		 info->base_gfn + info->npages - (info->npages != 0),
		 size_of(r, info->npages, bytes), there, gmem);
}

static void gmem_title(const struct html_report *r, const struct gmem *gmem, char title[TITLE_LEN],
		       char subtitle[TITLE_LEN])
{
	char bytes[NUMBER_LEN], there[48];

	resident(r, &gmem->resident, there);
	snprintf(title, TITLE_LEN, "gmem %llu", gmem->info.ino);
	snprintf(subtitle, TITLE_LEN, "%s%s, %s", number_bytes(bytes, gmem->info.size_bytes), there,
		 gmem->info.released_ns ? "released" : "open");
}

/* ---- VMs ---- */

static void put_slot(struct html_report *r, const struct vm *vm, const struct slot *slot)
{
	char title[TITLE_LEN], subtitle[TITLE_LEN];

	if (!capture_shown(r->capture, &slot->events))
		return;
	slot_title(r, slot, title, subtitle);
	html_place(r, &(struct html_place){ .title = title,
					    .subtitle = subtitle,
					    .events = &slot->events,
					    .vm = vm,
					    .slot = slot });
}

static void put_gmem(struct html_report *r, const struct vm *vm, const struct gmem *gmem)
{
	char title[TITLE_LEN], subtitle[TITLE_LEN];

	if (!capture_shown(r->capture, &gmem->events))
		return;
	gmem_title(r, gmem, title, subtitle);
	html_place(r, &(struct html_place){ .title = title,
					    .subtitle = subtitle,
					    .events = &gmem->events,
					    .vm = vm,
					    .gmem = gmem });
}

static void put_quiet(struct html_report *r, const struct vm *vm)
{
	char bytes[NUMBER_LEN];
	__u64 npages;
	size_t n = capture_quiet_slots(r->capture, vm, &npages);

	if (n && !r->capture->events_chosen)
		html_element(r->out, "p", "%zu %s without events: %s resident", n,
			     n == 1 ? "slot" : "slots", size_of(r, npages, bytes));
}

static void put_parts(struct html_report *r, size_t index)
{
	const struct snapshot *snap = r->capture->snap;
	const struct vm *vm = &snap->vms[index];

	for (size_t i = 0; i < vm->nslots; i++)
		put_slot(r, vm, &vm->slots[i]);
	for (size_t i = snapshot_next_gmem(snap, index, 0); i < snap->ngmems;
	     i = snapshot_next_gmem(snap, index, i + 1))
		put_gmem(r, vm, &snap->gmems[i]);
	if (capture_shown(r->capture, &vm->events))
		html_place(r, &(struct html_place){ .title = "the VM itself",
						    .subtitle = "what belongs to no slot of it",
						    .events = &vm->events,
						    .vm = vm });
	put_quiet(r, vm);
}

/* Whether there is something to be shown of it; places with events are added to @nplaces. */
static bool vm_has_any(const struct html_report *r, size_t index, size_t *nplaces)
{
	const struct snapshot *snap = r->capture->snap;
	const struct vm *vm = &snap->vms[index];
	size_t n = capture_shown(r->capture, &vm->events) != 0;
	bool exists = false;

	for (size_t i = 0; i < vm->nslots; i++) {
		n += capture_shown(r->capture, &vm->slots[i].events) != 0;
		exists |= vm->slots[i].exists;
	}
	for (size_t i = snapshot_next_gmem(snap, index, 0); i < snap->ngmems;
	     i = snapshot_next_gmem(snap, index, i + 1))
		n += capture_shown(r->capture, &snap->gmems[i].events) != 0;
	*nplaces += n;
	return n || (exists && !r->capture->events_chosen);
}

static void put_vms(struct html_report *r)
{
	char title[TITLE_LEN], subtitle[TITLE_LEN];
	size_t n = 0;

	for (size_t i = 0; i < r->capture->snap->nvms; i++) {
		if (!vm_has_any(r, i, &n))
			continue;
		vm_title(r, i, title);
		vm_subtitle(r, i, subtitle);
		fprintf(r->out, "<h2 id=\"vm%zu\">", i);
		html_text(r->out, title);
		fputs(" <small>", r->out);
		html_text(r->out, subtitle);
		fputs("</small></h2>\n", r->out);
		put_parts(r, i);
	}
}

/* ---- What belongs to no VM ---- */

static void put_past(struct html_report *r)
{
	const struct past_list *list = &r->capture->snap->past;
	char subtitle[TITLE_LEN], comm[TEXT_PLAIN_SIZE(GMEM_COMM_LEN)];

	for (size_t i = 0; i < list->n; i++) {
		const struct past *past = &list->v[i];

		if (!capture_shown(r->capture, &past->events))
			continue;
		text_plain(comm, sizeof(comm), past->comm, GMEM_COMM_LEN);
		snprintf(subtitle, sizeof(subtitle),
			 "%llu VMs, %llu slots, %llu guest_memfds of %s, which have ended",
			 past->nvms, past->nslots, past->ngmems, comm);
		html_place(r, &(struct html_place){ .title = "Past",
						    .subtitle = subtitle,
						    .events = &past->events });
	}
}

static void put_rest(struct html_report *r)
{
	const struct snapshot *snap = r->capture->snap;

	html_element(r->out, "h2 id=\"host\"", "Of no VM");
	put_past(r);
	if (capture_shown(r->capture, &snap->host))
		html_place(r,
			   &(struct html_place){ .title = "Host",
						 .subtitle = "what belongs to no VM that is known",
						 .events = &snap->host });
	for (size_t i = 0; i < snap->ngmems; i++)
		if (snap->gmems[i].vm >= snap->nvms)
			put_gmem(r, NULL, &snap->gmems[i]);
}

static bool has_rest(const struct html_report *r)
{
	const struct snapshot *snap = r->capture->snap;
	size_t n = capture_shown(r->capture, &snap->host);

	for (size_t i = 0; i < snap->past.n; i++)
		n += capture_shown(r->capture, &snap->past.v[i].events);
	for (size_t i = 0; i < snap->ngmems; i++)
		if (snap->gmems[i].vm >= snap->nvms)
			n += capture_shown(r->capture, &snap->gmems[i].events);
	return n;
}

/* ---- The whole ---- */

static void put_link(const struct html_report *r, const char *id, const char *text)
{
	fprintf(r->out, "<a href=\"#%s\">", id);
	html_text(r->out, text);
	fputs("</a>\n", r->out);
}

static void put_links(const struct html_report *r)
{
	char id[24], title[TITLE_LEN];
	size_t n = 0;

	fputs("<nav>\n", r->out);
	for (size_t i = 0; i < r->capture->snap->nvms; i++) {
		if (!vm_has_any(r, i, &n))
			continue;
		snprintf(id, sizeof(id), "vm%zu", i);
		vm_title(r, i, title);
		put_link(r, id, title);
	}
	if (has_rest(r))
		put_link(r, "host", "Of no VM");
	if (r->capture->stack_events)
		put_link(r, "stacks", "Stacks");
	if (capture_is_lossy(r->capture) || r->capture->ndrops)
		put_link(r, "lost", "What was lost");
	if (!r->capture->rebuilt)
		put_link(r, "hooks", "Hooks");
	fputs("</nav>\n", r->out);
}

static int put_body(struct html_report *r)
{
	bool any = false;
	int err;

	for (size_t i = 0; i < r->capture->snap->nvms; i++)
		vm_has_any(r, i, &r->places);
	for (int event = 0; event < NR_EVENTS; event++)
		any |= capture_shows(r->capture, event) && r->totals.v[event].count;
	html_head(r);
	put_links(r);
	if (!any)
		html_element(r->out, "p",
			     "No event was seen: no VM used guest_memfd while this ran.");
	if (r->places > HTML_CHARTED_PLACES)
		html_element(r->out, "p",
			     "Figures are of the first %d of %zu places; tables are of all.",
			     HTML_CHARTED_PLACES, r->places);
	if (any)
		html_totals(r, "Everything", &r->totals);
	put_vms(r);
	if (has_rest(r))
		put_rest(r);
	err = html_stacks(r);
	html_losses(r);
	html_hooks(r);
	return err;
}

static int put_page(FILE *out, const struct capture *capture, const struct timeline *timeline,
		    const char *no_timeline)
{
	struct html_report r = { .out = out,
				 .capture = capture,
				 .timeline = timeline,
				 .no_timeline = no_timeline,
				 .charts_left = HTML_CHARTED_PLACES };
	char title[TITLE_LEN];
	int err = event_totals_add_all(&r.totals, capture->snap);

	if (!err) {
		snprintf(title, sizeof(title), "guest_memfd on Linux %s: gmemtrace",
			 capture->kernel);
		html_begin(out, title);
		err = put_body(&r);
		html_end(out);
	}
	event_totals_free(&r.totals);
	return err;
}

int report_html_capture(FILE *out, const struct capture *capture, const struct text_style *style)
{
	(void)style;
	return put_page(out, capture, NULL, NULL);
}

int report_page(FILE *out, const struct capture *capture, const struct timeline *timeline,
		const char *no_timeline)
{
	int err;

	errno = 0;
	err = put_page(out, capture, timeline, no_timeline);
	if (!err && (fflush(out) || ferror(out)))
		err = -(errno ?: EIO);
	return err;
}
