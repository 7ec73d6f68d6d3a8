/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The past: what has ended and been given back, added up by the name of its VM. Nothing is known of
 * each VM any more, but sums over everything stay exact.
 */
#ifndef PAST_H
#define PAST_H

#include "model.h"

#define PAST_NAMES 256
#define PAST_OTHERS "(others)" /* the name of all that come when there are so many */

/*
 * Add what was counted at a VM, or at something of a VM, called @comm (GMEM_COMM_LEN bytes), and count
 * it as one of @kind. 0 or -ENOMEM.
 */
int past_add(struct past_list *past, const char *comm, enum owner_kind kind,
	     const struct event_counts *events);

/* Make of the empty @to a copy. 0 or -ENOMEM: @to is only to be freed then. */
int past_copy(struct past_list *to, const struct past_list *from);

/* Add all of it to @total: how many VMs, slots and guest_memfds, and what they counted. 0 or -ENOMEM. */
int past_total(const struct past_list *past, struct past *total);

void past_free(struct past_list *past);

#endif
