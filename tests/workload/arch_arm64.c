// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemload on arm64: the guest runs at EL1 with its MMU off, which needs no page tables and no
 * firmware. All requests to it go through registers. It has no instruction that stops it for good,
 * so it ends with a write to where no memory is, an exit that nobody answers.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arch.h"

/* Low memory as on x86, in multiples of a page of any size; a guest's addresses have 40 bits. */
const struct arch_layout arch_layout = {
	.code_gpa = 0x10000,
	.plain_gpa = 0x100000,
	.plain_limit = 0x1000000,
	.slots_gpa = 0x1000000,
	.slots_limit = 0x4000000000,
	.spare_gpa = 0x4000000000,
	.deletes_alone = true,
};

/* Where no slot is. */
#define END_GPA 0x8000ULL

/*
 * x0 first address, x1 passes, x2 pages, x3 stride, x4 not zero to write, x5 END_GPA. x6 counts the
 * pages left in this pass, which is how arch_touch() knows how far the guest came; x7 is where it
 * is.
 */
#define LEFT 6

asm(".pushsection .rodata\n"
    "	.balign 4\n"
    "guest_program:\n"
    "1:	mov x7, x0\n"
    "	mov x6, x2\n"
    "2:	cbz x4, 3f\n"
    "	str w1, [x7]\n"
    "	b 4f\n"
    "3:	ldr w8, [x7]\n"
    "4:	add x7, x7, x3\n"
    "	subs x6, x6, #1\n"
    "	b.ne 2b\n"
    "	subs x1, x1, #1\n"
    "	b.ne 1b\n"
    "	str wzr, [x5]\n"
    "	b .\n"
    "guest_program_end:\n"
    ".popsection\n");

#define OF_PROGRAM extern const char __attribute__((visibility("hidden")))

OF_PROGRAM guest_program[];
OF_PROGRAM guest_program_end[];

long arch_vm_type(const char *name)
{
	return strcmp(name, "default") == 0 ? KVM_DEFAULT_VM : -EINVAL;
}

void arch_load_code(void *code)
{
	size_t size = guest_program_end - guest_program;

	memcpy(code, guest_program, size);
	__builtin___clear_cache((char *)code, (char *)code + size);
}

int arch_init_vcpu(int vcpu_fd)
{
	struct kvm_vcpu_init init = { .target = KVM_ARM_TARGET_GENERIC_V8 };

	return ioctl(vcpu_fd, KVM_ARM_VCPU_INIT, &init) ? -errno : 0;
}

#define CORE_REG(field)                                                                            \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |                                     \
	 offsetof(struct kvm_regs, field) / sizeof(__u32))

static int reg_set(int vcpu_fd, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	return ioctl(vcpu_fd, KVM_SET_ONE_REG, &reg) ? -errno : 0;
}

static int reg_get(int vcpu_fd, uint64_t id, uint64_t *value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)value };

	return ioctl(vcpu_fd, KVM_GET_ONE_REG, &reg) ? -errno : 0;
}

static int set_up_touch(int vcpu_fd, const struct arch_touch *touch)
{
	const uint64_t regs[] = {
		touch->gpa,   touch->passes, touch->npages, GUEST_PAGE_SIZE,
		touch->write, END_GPA,	     touch->npages,
	};
	int err = reg_set(vcpu_fd, CORE_REG(regs.pc), arch_layout.code_gpa);

	for (size_t i = 0; i < sizeof(regs) / sizeof(*regs) && !err; i++)
		err = reg_set(vcpu_fd, CORE_REG(regs.regs[i]), regs[i]);
	return err;
}

/* Returns 0 when the guest has come to its end. */
static int run_to_end(int vcpu_fd, struct kvm_run *run)
{
	do {
		run->exit_reason = KVM_EXIT_UNKNOWN;
		if (ioctl(vcpu_fd, KVM_RUN, 0) && errno != EINTR)
			return -errno;
	} while (run->exit_reason == KVM_EXIT_INTR || run->exit_reason == KVM_EXIT_UNKNOWN);

	return run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == END_GPA ? 0 : -EIO;
}

/* The write that ended it is still open; let it end before the registers are set anew. */
static void finish_exit(int vcpu_fd, struct kvm_run *run)
{
	run->immediate_exit = 1;
	ioctl(vcpu_fd, KVM_RUN, 0);
	run->immediate_exit = 0;
}

int arch_touch(int vcpu_fd, struct kvm_run *run, const struct arch_touch *touch, uint64_t *done)
{
	uint64_t left = touch->npages;
	int err = set_up_touch(vcpu_fd, touch), err_left;

	*done = 0;
	if (err)
		return err;
	err = run_to_end(vcpu_fd, run);
	err_left = reg_get(vcpu_fd, CORE_REG(regs.regs[LEFT]), &left);
	if (err_left)
		return err_left;
	if (!err || err == -EIO)
		finish_exit(vcpu_fd, run);
	*done = touch->npages - left;
	return err;
}

/* Before CCA, no arm64 guest has private memory. */
int arch_ask_convert(int vm_fd, int vcpu_fd, struct kvm_run *run, uint64_t gpa, uint64_t npages,
		     bool to_private)
{
	(void)vm_fd;
	(void)vcpu_fd;
	(void)run;
	(void)gpa;
	(void)npages;
	(void)to_private;
	return -EOPNOTSUPP;
}

int arch_answer_convert(int vcpu_fd, struct kvm_run *run)
{
	(void)vcpu_fd;
	(void)run;
	return -EOPNOTSUPP;
}

/* What KVM reads so here is an interrupt controller's, which these guests do not have. */
int arch_read_guest(int vcpu_fd, uint64_t gpa)
{
	(void)vcpu_fd;
	(void)gpa;
	return -EOPNOTSUPP;
}
