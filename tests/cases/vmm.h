/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The smallest VMM that situations need: a VM, guest_memfds that can be mapped, memslots, vCPUs. What
 * fails ends the program. Included by the programs of this folder.
 */
#ifndef CASES_VMM_H
#define CASES_VMM_H

#include <stdbool.h>
#include <stdint.h>

#include "arch.h"

struct vmm {
	int kvm_fd;
	int fd; /* of the VM */
	bool has_private; /* memory that is not the VMM's; else guest_memfds can be mapped */
	void *code; /* the guest program */
};

struct vmm_vcpu {
	struct vmm *vmm;
	int fd;
	struct kvm_run *run;
};

/* Ends the program with status 1 and what errno means. */
void __attribute__((noreturn)) vmm_die(const char *what);

void vmm_open(struct vmm *vmm);

/* A VM of a type; KVM_X86_SW_PROTECTED_VM has private memory. */
void vmm_open_type(struct vmm *vmm, long type);

/* Can this kernel have VMs of the type with a guest_memfd? */
bool vmm_can(long type);

void vmm_close(struct vmm *vmm);

/* The descriptor of a guest_memfd; its mapping, from a byte offset on. */
int vmm_gmem(struct vmm *vmm, uint64_t size_bytes);
void *vmm_map(int gmem, uint64_t size_bytes, uint64_t offset);

/* Bind a slot to a guest_memfd, or (size_bytes 0) delete it. 0 or a negative errno. */
int vmm_bind(struct vmm *vmm, uint32_t slot, uint64_t gpa, uint64_t size_bytes, void *hva, int gmem,
	     uint64_t offset);

void vmm_vcpu_open(struct vmm *vmm, int index, struct vmm_vcpu *vcpu);
void vmm_vcpu_close(struct vmm_vcpu *vcpu);

/* A VM with a slot, number 1, which is all of a guest_memfd that is mapped, and a vCPU. */
struct vmm_guest {
	struct vmm vmm;
	struct vmm_vcpu vcpu;
	int gmem;
	void *mapping;
	uint64_t gpa;
	uint64_t size_bytes;
};

void vmm_guest_open(struct vmm_guest *guest, uint64_t gpa, uint64_t size_bytes);
void vmm_guest_close(struct vmm_guest *guest);

/* Its guest writes to all of its pages once; what fails ends the program. */
void vmm_guest_touch(struct vmm_guest *guest);

/* Make pages private or shared. 0 or a negative errno. */
int vmm_convert(struct vmm *vmm, uint64_t gpa, uint64_t size_bytes, bool to_private);

/* The guest writes to each page, @passes times. 0 or a negative errno (-EIO: an exit for MMIO). */
int vmm_touch(struct vmm_vcpu *vcpu, uint64_t gpa, uint64_t size_bytes, unsigned int passes);

void vmm_punch(int gmem, uint64_t offset, uint64_t size_bytes);

#endif
