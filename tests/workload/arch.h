/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a port of gmemload to another architecture has to provide, and all it has to provide: where
 * guest memory may lie, the guest program that touches pages, and how a vCPU is made to run it. The
 * guest program lives in ordinary memory and walks no page tables, so the guest_memfd faults of a
 * guest are exactly the pages it was told to touch. Included by machine.c, crew.c and the arch_*.c
 * files.
 */
#ifndef GMEMLOAD_ARCH_H
#define GMEMLOAD_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "kvm_uapi.h"

/* The host's: KVM maps no less than one of its pages to a guest. */
#define GUEST_PAGE_SIZE ((uint64_t)getpagesize())

/*
 * One page table, of the guest's or of this process's, maps this many bytes, and one of the tables
 * above so many: 2 MiB and 1 GiB with pages of 4 KiB. See crew.c and hostmap.c for why that matters.
 */
#define TABLE_ENTRIES (GUEST_PAGE_SIZE / sizeof(uint64_t))
#define GUEST_TABLE_SPAN (TABLE_ENTRIES * GUEST_PAGE_SIZE)
#define UPPER_TABLE_SPAN (TABLE_ENTRIES * GUEST_TABLE_SPAN)

struct arch_layout {
	uint64_t code_gpa; /* where the guest program must lie */
	uint64_t plain_gpa; /* ordinary memory of the guest, if asked for */
	uint64_t plain_limit;
	uint64_t slots_gpa; /* guest_memfd memslots, from here ... */
	uint64_t slots_limit; /* ... up to here */
	uint64_t spare_gpa; /* for memslots that are meant to be refused */
	/*
	 * A memslot that goes takes the guest's pages of its own memory, and of no other slot, in a
	 * way that is this architecture's only.
	 */
	bool deletes_alone;
};

extern const struct arch_layout arch_layout;

struct arch_touch {
	uint64_t gpa;
	uint64_t npages;
	uint64_t passes;
	bool write;
};

/* The VM type that `name` ("default", "swprot") means; negative when this architecture has none. */
long arch_vm_type(const char *name);

/* Copies the guest program to `code`, a page of ordinary memory. */
void arch_load_code(void *code);

/* Makes a new vCPU ready to run the guest program. Returns 0 or a negative errno. */
int arch_init_vcpu(int vcpu_fd);

/*
 * Runs the guest program until it has touched everything, or cannot go on. Returns 0 or the
 * negative errno of KVM_RUN (-EIO: an exit that the program never causes); *done is the number of
 * pages touched in the last pass.
 */
int arch_touch(int vcpu_fd, struct kvm_run *run, const struct arch_touch *touch, uint64_t *done);

/*
 * Lets the guest ask for a conversion by hypercall and stops it there; then answers it with
 * success. Return 0 or a negative errno.
 */
int arch_ask_convert(int vm_fd, int vcpu_fd, struct kvm_run *run, uint64_t gpa, uint64_t npages,
		     bool to_private);
int arch_answer_convert(int vcpu_fd, struct kvm_run *run);

/* Lets KVM itself read guest memory at gpa, by kvm_read_guest(). Returns 0 or a negative errno. */
int arch_read_guest(int vcpu_fd, uint64_t gpa);

#endif
