/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory in which the programs keep what is known of the pages of guest_memfds, as much as is needed:
 * a thread adds some before it runs out, and takes back what a guest_memfd had that was released.
 */
#ifndef SUPPLY_H
#define SUPPLY_H

#include "gmem.h"

#include <stdbool.h>

struct gmem_bpf;
struct supply;

/*
 * Begin: the first memory is there on return, and a thread looks after the rest. @skel stays the
 * caller's, until supply_stop(). @exact: its programs are probes. NULL and errno when that is not
 * possible.
 */
struct supply *supply_start(const struct gmem_bpf *skel, bool exact);

/* Wait for the thread to end, and free what it had. Nothing if @supply is NULL. */
void supply_stop(struct supply *supply);

#endif
