// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemload on x86-64: the guest runs in flat 32-bit protected mode with paging off, which reaches 4
 * GiB and needs no page tables, no firmware and no CPUID. All requests to it go through registers,
 * so it writes no memory but the pages it was told to write.
 */
#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arch.h"

/*
 * Below 16 MiB: the program and ordinary memory. From 3 GiB up KVM may want addresses for itself.
 */
const struct arch_layout arch_layout = {
	.code_gpa = 0x1000,
	.plain_gpa = 0x100000,
	.plain_limit = 0x1000000,
	.slots_gpa = 0x1000000,
	.slots_limit = 0xb0000000,
	.spare_gpa = 0xb0000000,
};

/*
 * eax first address, ebx passes, ecx pages, edx stride, edi not zero to write. ebp counts the pages
 * left in this pass, which is how arch_touch() knows how far the guest came.
 */
asm(".pushsection .rodata\n"
    ".code32\n"
    "guest_program:\n"
    "1:	mov %eax, %esi\n"
    "	mov %ecx, %ebp\n"
    "2:	test %edi, %edi\n"
    "	jz 3f\n"
    "	mov %ebx, (%esi)\n"
    "	jmp 4f\n"
    "3:	cmpl $0, (%esi)\n"
    "4:	add %edx, %esi\n"
    "	dec %ebp\n"
    "	jnz 2b\n"
    "	dec %ebx\n"
    "	jnz 1b\n"
    "	hlt\n"
    /* A hypercall with all registers as they are, in Intel's way and in AMD's. */
    "guest_vmcall:\n"
    "	vmcall\n"
    "	hlt\n"
    "guest_vmmcall:\n"
    "	vmmcall\n"
    "	hlt\n"
    "guest_program_end:\n"
    ".code64\n"
    ".popsection\n");

extern const char guest_program[], guest_vmcall[], guest_vmmcall[], guest_program_end[];

/* linux/kvm_para.h */
#define KVM_HC_MAP_GPA_RANGE 12
#define MAP_GPA_RANGE_ENCRYPTED (1 << 4)

long arch_vm_type(const char *name)
{
	if (strcmp(name, "default") == 0)
		return KVM_DEFAULT_VM;
	if (strcmp(name, "swprot") == 0)
		return KVM_X86_SW_PROTECTED_VM;
	return -EINVAL;
}

void arch_load_code(void *code)
{
	memcpy(code, guest_program, guest_program_end - guest_program);
}

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
}

int arch_init_vcpu(int vcpu_fd)
{
	struct kvm_segment code = flat_segment(8, 11), data = flat_segment(16, 3);
	struct kvm_sregs sregs;

	if (ioctl(vcpu_fd, KVM_GET_SREGS, &sregs))
		return -errno;

	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = 0x31; /* PE, ET, NE: protected mode, caches on, paging off */
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs))
		return -errno;
	return 0;
}

/* Returns 0 when the guest stopped as wanted. */
static int run_to_exit(int vcpu_fd, struct kvm_run *run, uint32_t wanted)
{
	do {
		run->exit_reason = KVM_EXIT_UNKNOWN;
		if (ioctl(vcpu_fd, KVM_RUN, 0) && errno != EINTR)
			return -errno;
	} while (run->exit_reason == KVM_EXIT_INTR || run->exit_reason == KVM_EXIT_UNKNOWN);

	return run->exit_reason == wanted ? 0 : -EIO;
}

/* Without an in-kernel interrupt controller HLT comes back to us. */
static int run_to_halt(int vcpu_fd, struct kvm_run *run)
{
	return run_to_exit(vcpu_fd, run, KVM_EXIT_HLT);
}

/* An access that KVM took for MMIO is still open; let it end before the registers are set anew. */
static void finish_exit(int vcpu_fd, struct kvm_run *run)
{
	run->immediate_exit = 1;
	ioctl(vcpu_fd, KVM_RUN, 0);
	run->immediate_exit = 0;
}

int arch_touch(int vcpu_fd, struct kvm_run *run, const struct arch_touch *touch, uint64_t *done)
{
	struct kvm_regs regs = {
		.rip = arch_layout.code_gpa,
		.rflags = 2,
		.rax = touch->gpa,
		.rbx = touch->passes,
		.rcx = touch->npages,
		.rdx = GUEST_PAGE_SIZE,
		.rdi = touch->write,
	};
	int err;

	*done = 0;
	if (ioctl(vcpu_fd, KVM_SET_REGS, &regs))
		return -errno;
	err = run_to_halt(vcpu_fd, run);
	if (ioctl(vcpu_fd, KVM_GET_REGS, &regs))
		return -errno;
	if (err == -EIO)
		finish_exit(vcpu_fd, run);
	*done = touch->npages - regs.rbp;
	return err;
}

static bool is_amd(void)
{
	unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;

	/* "Auth", of AuthenticAMD. */
	return __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx == 0x68747541;
}

int arch_ask_convert(int vm_fd, int vcpu_fd, struct kvm_run *run, uint64_t gpa, uint64_t npages,
		     bool to_private)
{
	const char *entry = is_amd() ? guest_vmmcall : guest_vmcall;
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_EXIT_HYPERCALL,
		.args = { 1 << KVM_HC_MAP_GPA_RANGE },
	};
	struct kvm_regs regs = {
		.rip = arch_layout.code_gpa + (entry - guest_program),
		.rflags = 2,
		.rax = KVM_HC_MAP_GPA_RANGE,
		.rbx = gpa,
		.rcx = npages,
		.rdx = to_private ? MAP_GPA_RANGE_ENCRYPTED : 0,
	};

	if (ioctl(vm_fd, KVM_ENABLE_CAP, &cap) || ioctl(vcpu_fd, KVM_SET_REGS, &regs))
		return -errno;
	return run_to_exit(vcpu_fd, run, KVM_EXIT_HYPERCALL);
}

#define MSR_KVM_WALL_CLOCK_NEW 0x4b564d00

int arch_read_guest(int vcpu_fd, uint64_t gpa)
{
	struct { /* struct kvm_msrs, of one entry */
		__u32 nmsrs, pad;
		struct kvm_msr_entry entry;
	} msrs = { 1, 0, { .index = MSR_KVM_WALL_CLOCK_NEW, .data = gpa } };
	int done = ioctl(vcpu_fd, KVM_SET_MSRS, &msrs);

	if (done < 0)
		return -errno;
	return done == 1 ? 0 : -EINVAL;
}

int arch_answer_convert(int vcpu_fd, struct kvm_run *run)
{
	run->hypercall.ret = 0;
	return run_to_halt(vcpu_fd, run);
}
