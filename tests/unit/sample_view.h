/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A live view of models made by hand.
 */
#ifndef SAMPLE_VIEW_H
#define SAMPLE_VIEW_H

#include "gmemtop/view_columns.h"
#include "gmemtop/view_settings.h"
#include "gmemtop/view.h"
#include "sample.h"

#define SECOND 1000000000ULL
#define SAMPLE_START (1000 * SECOND)

struct sample_view {
	struct view view;
	struct view_settings settings;
	struct sample sample; /* of the next refresh */
	unsigned int seconds; /* since the start */
};

/* A view without any refresh, and an empty sample for the first. */
void sample_view_init(struct sample_view *sv);
void sample_view_free(struct sample_view *sv);

/* A second later: the sample into the view, the rows made, and an empty sample again. */
void sample_view_refresh(struct sample_view *sv);
void sample_view_rows(struct sample_view *sv);

/* A VM with @kvm as its address, in the process @pid. */
struct vm *sample_view_vm(struct sample_view *sv, __u64 kvm, __u32 pid);

/* A slot of it of 256 pages that has seen @faults of @ns each. */
struct slot *sample_view_slot(struct vm *vm, int id, __u64 faults, __u64 ns);

/* The rows as "vm 7; 7/0; 7/1": process ids, slots behind a slash, ! behind what has ended. */
const char *sample_view_order(const struct sample_view *sv);

/* The cell of the column called @key, in a static buffer. */
const char *sample_view_cell(const struct sample_view *sv, size_t row, const char *key);

#endif
