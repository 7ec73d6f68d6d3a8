/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each operation means in events: the one place that knows how KVM behaves, checked against
 * the sources of 6.12 to 7.3 and against ftrace's function profiler. Each function is called when
 * the operation it describes has been done, or is bound to happen (the end of the process), and
 * brings the accounts and what is known of the pages up to date.
 */
#ifndef GMEMLOAD_MODEL_H
#define GMEMLOAD_MODEL_H

#include "machine.h"

/* The slot whose binding covers this page of the gmem, or NULL. */
struct slot *model_slot_at(const struct gmem *gmem, uint64_t pgoff);

/*
 * The account an event on these pages of the gmem belongs to: the one slot that covers all of them,
 * or the gmem.
 */
struct account *model_account_of(struct gmem *gmem, uint64_t pgoff, uint64_t npages);

/* Faults on this page of the slot are for its gmem, not for ordinary memory. */
bool model_from_gmem(const struct slot *slot, uint64_t page);

void model_bind(struct machine *machine, struct slot *slot, int err);
void model_unbind(struct machine *machine, struct slot *slot);

/* The memslot goes with its VM, not by itself. */
void model_unbind_at_end(struct slot *slot);

/* The guest touched pages [first, first + npages) of the slot. */
void model_guest_touch(struct machine *machine, struct slot *slot, uint64_t first, uint64_t npages);

/*
 * A vCPU went no further than this page of the slot: KVM_RUN answered err (negative), with or
 * without KVM_EXIT_MEMORY_FAULT.
 */
void model_guest_error(struct slot *slot, uint64_t page, int err, bool memory_fault);

/* KVM_PRE_FAULT_MEMORY on a page of the slot: err is a positive errno or 0. */
void model_prefault(struct machine *machine, struct slot *slot, uint64_t page, int err);

/* KVM_SET_MEMORY_ATTRIBUTES on pages of the slot. */
void model_convert(struct machine *machine, struct slot *slot, uint64_t first, uint64_t npages,
		   bool to_private, int err);

/* The page failed, by MADV_HWPOISON. */
void model_poison(struct machine *machine, struct gmem *gmem, uint64_t pgoff);

/* This process touched a page of the gmem, and page tables had no entry for it. */
void model_host_fault(struct machine *machine, struct gmem *gmem, uint64_t pgoff);

void model_allocate(struct gmem *gmem, uint64_t pgoff, uint64_t npages, int err);
void model_punch_hole(struct machine *machine, struct gmem *gmem, uint64_t pgoff, uint64_t npages,
		      int err);

/* Both the file descriptor and the mapping are gone. */
void model_release(struct machine *machine, struct gmem *gmem);

/* The page tables of this process changed in [start, end). */
void model_notifier(struct machine *machine, uint64_t start, uint64_t end);

/* The process ends, or is killed, with everything as it is. */
void model_exit(struct machine *machine);

#endif
