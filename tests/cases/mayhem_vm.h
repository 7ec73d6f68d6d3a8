/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM of mayhem: a guest_memfd in regions, each with a memslot; what can be done with them, which is
 * noted: in the model of each page, and in an account of calls. Region 0 is everybody's, region n that
 * of vCPU n - 1 alone. Included by mayhem's files only.
 */
#ifndef CASES_MAYHEM_VM_H
#define CASES_MAYHEM_VM_H

#include "page_model.h"
#include "vmm.h"

#define NVCPUS 2
#define NREGIONS (1 + NVCPUS)
#define REGION_PAGES 61 /* so that regions share the words in which pages are kept */
#define VM_PAGES (NREGIONS * REGION_PAGES)

/* What KVM was asked for, and so what must have been counted. */
enum call {
	CALL_CREATE,
	CALL_BIND,
	CALL_UNBIND,
	CALL_RELEASE,
	CALL_ALLOCATE,
	CALL_PUNCH_HOLE,
	CALL_CONVERT,
	NR_CALLS,
};

extern const char *const call_names[NR_CALLS];

/* Calls of this process, and pages that they were for. */
extern unsigned long calls[NR_CALLS], call_pages[NR_CALLS];

void call_add(enum call call, unsigned long npages);

/* A slot that a region has had while nothing else went on: why the guest faulted there. */
struct quiet_slot {
	unsigned int id;
	unsigned int phase;
	bool carried; /* the pages are as the racing left them */
	unsigned long causes[NR_CAUSES];
};

struct region {
	unsigned int slot;
	unsigned int place; /* where the guest has it */
	bool bound;
	struct quiet_slot *quiet; /* NULL: nobody can know the causes */
};

struct mayhem_vm {
	struct vmm vmm;
	struct vmm_vcpu vcpus[NVCPUS];
	int gmem;
	void *reserved;
	char *mapping; /* of all regions */
	bool flaps; /* region 0's slot goes and comes */
	bool ended;
	struct region regions[NREGIONS];
	struct page pages[VM_PAGES];
	struct quiet_slot *quiet;
	unsigned int nquiet;
	unsigned long left_out; /* pages that nobody could know */
	struct mayhem_vm *next;
};

/* Part of a region. */
struct range {
	struct mayhem_vm *vm;
	unsigned int region;
	unsigned int first;
	unsigned int npages;
	bool racing;
};

struct range range_whole(struct mayhem_vm *vm, unsigned int region);

void vm_make(struct mayhem_vm *vm, bool has_private);
/* @closes_first: the guest_memfd before the VM. */
void vm_end(struct mayhem_vm *vm, bool closes_first);

void region_bind(struct mayhem_vm *vm, unsigned int region, unsigned int slot);
void region_unbind(struct mayhem_vm *vm, unsigned int region);
/* KVM refuses this one. */
void region_bind_badly(struct mayhem_vm *vm, unsigned int region);
/* Give it to another slot, one after whose faults nobody asks, or a new one of @phase. */
void region_move(struct mayhem_vm *vm, unsigned int region, unsigned int slot);
void region_move_quiet(struct mayhem_vm *vm, unsigned int region, unsigned int phase, bool carried);

/* The guest touches them, by one of the vCPUs. With @may_fail, nobody minds if there is no slot. */
void range_touch(const struct range *range, unsigned int vcpu, bool may_fail);
void range_punch(const struct range *range);
/* Region 0, and all that is before it and not there. */
void gap_punch(struct mayhem_vm *vm);
void range_allocate(const struct range *range);
void range_host_touch(const struct range *range);
/* The VMM's mapping becomes read-only or writable, which takes pages from the guest. */
void range_protect(const struct range *range, bool read_only);
void range_convert(const struct range *range, bool to_private);

#endif
