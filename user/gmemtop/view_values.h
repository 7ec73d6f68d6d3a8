/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the columns of the live view have their values and texts from. Private to view_columns.c,
 * whose table names these functions, and to view_layout.c.
 */
#ifndef VIEW_VALUES_H
#define VIEW_VALUES_H

#include "view_columns.h"

/* @arg: an event. */
column_value_of value_event, value_pages, value_max, value_mean;

/* @arg: 1 << detail, any number of them. */
column_value_of value_details;

/* A percentile and its event in one number. */
#define PERCENTILE(event, per_mille) ((__u64)(event) << 32 | (per_mille))
column_value_of value_percentile;

/* Where a number is in vm_info or slot_info, and its size, in one number. */
#define FIELD(info, member)                                                                        \
	(offsetof(struct info, member) << 8 | sizeof(((struct info *)0)->member))
column_value_of value_vm, value_slot;

enum memory { MEMORY_SIZE, MEMORY_RESIDENT, MEMORY_PRIVATE };
column_value_of value_memory;

/* No @arg. */
column_value_of value_errors, value_prepares, value_order, value_comm, value_history, value_gmem;
column_value_of value_resident_share, value_vcpus;

column_text_of cell_name, cell_comm, cell_type, cell_gpa, cell_flags, cell_history, cell_bar;

#endif
