// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live view of models made by hand.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "sample_view.h"

void sample_view_init(struct sample_view *sv)
{
	memset(sv, 0, sizeof(*sv));
	settings_init(&sv->settings);
	settings_sort(&sv->settings, 0);
	view_init(&sv->view, "x86_64", SAMPLE_START);
	sample_empty(&sv->sample);
}

void sample_view_free(struct sample_view *sv)
{
	view_free(&sv->view);
	sample_free(&sv->sample);
}

void sample_view_rows(struct sample_view *sv)
{
	assert(!view_rows(&sv->view, &sv->settings));
}

void sample_view_refresh(struct sample_view *sv)
{
	sv->seconds++;
	assert(!view_update(&sv->view, &sv->sample.snap, sv->sample.hooks,
			    SAMPLE_START + sv->seconds * SECOND));
	sample_view_rows(sv);
	sample_empty(&sv->sample);
}

struct vm *sample_view_vm(struct sample_view *sv, __u64 kvm, __u32 pid)
{
	struct vm *vm = sample_add_vm(&sv->sample, "qemu", pid);

	vm->info.kvm = kvm;
	return vm;
}

struct slot *sample_view_slot(struct vm *vm, int id, __u64 faults, __u64 ns)
{
	struct slot *slot = sample_add_slot(vm, id, 0x1000 * (id + 1), 256);

	if (faults)
		sample_count(&slot->events, EV_GUEST_FAULT, ns, faults);
	return slot;
}

const char *sample_view_order(const struct sample_view *sv)
{
	static char order[1024];
	size_t len = 0;

	order[0] = 0;
	for (size_t i = 0; i < sv->view.nrows && len < sizeof(order); i++) {
		const struct row *row = &sv->view.rows[i];
		unsigned int pid = row->vm->info.pid;

		len += snprintf(order + len, sizeof(order) - len, "%s", i ? "; " : "");
		if (row->kind == ROW_VM)
			len += snprintf(order + len, sizeof(order) - len, "vm %u", pid);
		else
			len += snprintf(order + len, sizeof(order) - len, "%u/%d", pid,
					row->slot->info.id);
		len += snprintf(order + len, sizeof(order) - len, "%s", row->ended ? "!" : "");
	}
	return order;
}

const char *sample_view_cell(const struct sample_view *sv, size_t row, const char *key)
{
	static char cell[CELL_LEN];
	int column = column_by_key(key, strlen(key));

	assert(column >= 0 && row < sv->view.nrows);
	return column_cell(&sv->view, &sv->view.rows[row], column, true, columns[column].width,
			   cell);
}
