// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a capture that have their like in other captures, and what was counted there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/arrays.h"
#include "base/text.h"
#include "check_metrics.h"

const char *const place_kinds[] = {
	[PLACE_ALL] = "all", [PLACE_SLOT] = "slot", [PLACE_VM] = "vm", [PLACE_HOST] = "host", NULL
};

/* How many VMs of that name come before. */
static unsigned int nth_of_name(const struct snapshot *snap, size_t vm)
{
	unsigned int nth = 0;

	for (size_t i = 0; i < vm; i++)
		nth += !strncmp(snap->vms[i].info.comm, snap->vms[vm].info.comm, GMEM_COMM_LEN);
	return nth;
}

static struct place place_of(enum place_kind kind, const struct snapshot *snap, size_t vm,
			     const struct slot *slot)
{
	struct place place = { .kind = kind };

	memcpy(place.comm, snap->vms[vm].info.comm, GMEM_COMM_LEN);
	place.nth = nth_of_name(snap, vm);
	if (slot) {
		place.as_id = slot->info.as_id;
		place.id = slot->info.id;
		place.npages = slot->info.npages;
	}
	return place;
}

bool place_is_same(const struct place *a, const struct place *b)
{
	return a->kind == b->kind && a->nth == b->nth && a->as_id == b->as_id && a->id == b->id &&
	       !strcmp(a->comm, b->comm);
}

static int add_place(struct place **places, size_t *n, struct place place)
{
	struct place *at;

	for (size_t i = 0; i < *n; i++)
		if (place_is_same(&(*places)[i], &place))
			return 0;
	at = array_append(places, n, sizeof(*at));
	if (!at)
		return -ENOMEM;
	*at = place;
	return 0;
}

int places_add(struct place **places, size_t *nplaces, const struct capture *capture)
{
	const struct snapshot *snap = capture->snap;
	int err = 0;

	for (size_t i = 0; i < snap->nvms && !err; i++) {
		const struct vm *vm = &snap->vms[i];

		for (size_t j = 0; j < vm->nslots && !err; j++)
			err = add_place(places, nplaces,
					place_of(PLACE_SLOT, snap, i, &vm->slots[j]));
		if (!err)
			err = add_place(places, nplaces, place_of(PLACE_VM, snap, i, NULL));
	}
	return err ?: add_place(places, nplaces, (struct place){ .kind = PLACE_HOST });
}

char *place_name(char *buf, const struct place *place, bool utf8)
{
	char comm[4 * GMEM_COMM_LEN + 1], number[16] = "", in[16] = "";

	text_clean(comm, sizeof(comm), place->comm, GMEM_COMM_LEN, utf8);
	if (place->nth)
		snprintf(number, sizeof(number), "#%u", place->nth + 1);
	if (place->as_id)
		snprintf(in, sizeof(in), "%u/", place->as_id);
	if (place->kind == PLACE_ALL)
		snprintf(buf, PLACE_LEN, "all");
	else if (place->kind == PLACE_HOST)
		snprintf(buf, PLACE_LEN, "host");
	else if (place->kind == PLACE_VM)
		snprintf(buf, PLACE_LEN, "%s%s", comm, number);
	else
		snprintf(buf, PLACE_LEN, "%s%s slot %s%d", comm, number, in, place->id);
	return buf;
}

static int read_vm(struct place_counts *counts, const struct snapshot *snap, size_t vm)
{
	int err = event_totals_add(&counts->totals, &snap->vms[vm].events);

	for (size_t i = snapshot_next_gmem(snap, vm, 0); i < snap->ngmems && !err;
	     i = snapshot_next_gmem(snap, vm, i + 1))
		err = event_totals_add(&counts->totals, &snap->gmems[i].events);
	return err;
}

static bool has_namesake(const struct snapshot *snap, size_t vm)
{
	for (size_t i = 0; i < snap->nvms; i++)
		if (i != vm &&
		    !strncmp(snap->vms[i].info.comm, snap->vms[vm].info.comm, GMEM_COMM_LEN))
			return true;
	return false;
}

static int read_in_vm(struct place_counts *counts, const struct place *place, size_t vm)
{
	const struct snapshot *snap = counts->capture->snap;
	const struct vm *in = &snap->vms[vm];

	counts->exists = place->kind == PLACE_VM;
	if (counts->exists)
		return read_vm(counts, snap, vm);
	for (size_t i = 0; i < in->nslots; i++)
		if (in->slots[i].info.id == place->id && in->slots[i].info.as_id == place->as_id) {
			counts->exists = true;
			counts->is_other =
				in->slots[i].info.npages != place->npages && has_namesake(snap, vm);
			return event_totals_add(&counts->totals, &in->slots[i].events);
		}
	return 0;
}

int place_counts_read(struct place_counts *counts, const struct place *place,
		      const struct capture *capture)
{
	const struct snapshot *snap = capture->snap;
	unsigned int nth = 0;

	*counts = (struct place_counts){ .capture = capture };
	counts->exists = place->kind == PLACE_ALL || place->kind == PLACE_HOST;
	if (place->kind == PLACE_ALL)
		return event_totals_add_all(&counts->totals, snap);
	if (place->kind == PLACE_HOST)
		return event_totals_add(&counts->totals, &snap->host);
	for (size_t i = 0; i < snap->nvms; i++)
		if (!strncmp(snap->vms[i].info.comm, place->comm, GMEM_COMM_LEN) &&
		    nth++ == place->nth)
			return read_in_vm(counts, place, i);
	return 0;
}

void place_counts_free(struct place_counts *counts)
{
	event_totals_free(&counts->totals);
}
