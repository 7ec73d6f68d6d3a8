/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keepers: they carry no event, but keep owners right, and see tracing switched off. For gmem.bpf.c
 * only.
 */
#ifndef KEEPERS_BPF_H
#define KEEPERS_BPF_H

#include "program.bpf.h"

/*
 * A VM's address is another one's as soon as it is freed. Two keepers see to it that no VM is taken for
 * the one before: the birth of a VM ends what was known at its address, and so does the end of the one
 * before. Each is a short program of its own, so that hardly a task is ever preempted in one, and never in
 * both.
 */

/* The owner with this handle is a VM, and is no more. */
static __always_inline void vm_goes(__u32 handle)
{
	struct owner *owner = owner_at(handle);

	if (!owner || owner->kind != OWNER_VM)
		return;
	owner->gone = OWNER_GONE;
	if (!owner->vm_info.ended_ns)
		owner->vm_info.ended_ns = bpf_ktime_get_ns();
}

/* kvm_arch_init_vm(kvm, type) */
static __always_inline int vm_init_end(struct call call)
{
	struct owner_key key = { .id = arg(call, 0), .kind = OWNER_VM };
	struct known known;

	vm_goes(owner_known(&key, &known));
	generation_move(key.id);
	return 0;
}

LAST_END(vm_init, vm_init_end)

/* kvm_destroy_vm(kvm) unbinds what is bound: until its end, events of the VM can come. */
static __always_inline int vm_destroy_begin(struct call call)
{
	struct owner_key key = { .id = arg(call, 0), .kind = OWNER_VM };
	struct task_state *state = state_make();
	struct known known;
	__u32 handle = owner_known(&key, &known);
	struct owner *owner = owner_at(handle);

	if (owner && owner->kind == OWNER_VM)
		owner->vm_info.ended_ns = bpf_ktime_get_ns();
	generation_move(key.id);
	if (!state)
		return 0;
	state->kvm = key.id;
	state->ending = handle;
	return 0;
}

static __always_inline int vm_destroy_end(struct call call)
{
	struct task_state *state = state_get();

	if (!state)
		return 0;
	vm_goes(state->ending);
	state->ending = 0;
	generation_move(arg(call, 0));
	return 0;
}

BOTH_ENDS(vm_destroy, vm_destroy_begin, vm_destroy_end)

/*
 * kvm_arch_commit_memory_region(kvm, old, new, change): a slot has come, gone or changed. On
 * deletion the kernel unbinds next, in this task.
 */
static __always_inline int slot_commit_begin(struct call call)
{
	struct kvm_memory_slot *slot = (void *)arg(call, 2);
	struct task_state *state;
	__u64 kvm = arg(call, 0);
	struct owner *owner;
	__u32 handle;

	state = state_make();
	if (state)
		state->kvm = kvm;
	generation_move(kvm);
	if (!slot || !(BPF_CORE_READ(slot, flags) & KVM_MEM_GUEST_MEMFD))
		return 0;
	handle = slot_owner_find(kvm, (__u64)slot);
	owner = owner_at(handle);
	if (!owner || owner->kind != OWNER_SLOT)
		return 0;
	slot_describe(owner, slot);
	if (heat)
		heat_change(OWNER_INDEX(handle), owner->slot.base_gfn, owner->slot.npages);
	return 0;
}

FIRST_END(slot_commit, slot_commit_begin)

/*
 * proc_sys_write(kiocb, iter): a sysctl is written. When kernel.ftrace_enabled becomes 0, this is the
 * last program to run until it is 1 again.
 */

__u64 times_off; /* how often */

static __always_inline bool is_named(const struct file *file, const char *name, int size)
{
	char found[16] = "";

	bpf_probe_read_kernel_str(found, sizeof(found),
				  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	return !bpf_strncmp(found, size, name);
}

static __always_inline int switched_off_end(struct call call)
{
	static const char name[] = "ftrace_enabled";
	struct kiocb *kiocb = (void *)arg(call, 0);
	struct file *file = BPF_CORE_READ(kiocb, ki_filp);
	struct proc_inode *inode;
	int value = 1;

	if (!is_named(file, name, sizeof(name)))
		return 0;
	inode = (void *)BPF_CORE_READ(file, f_inode) -
		bpf_core_field_offset(struct proc_inode, vfs_inode);
	bpf_probe_read_kernel(&value, sizeof(value), BPF_CORE_READ(inode, sysctl_entry, data));
	if (!value)
		__sync_fetch_and_add(&times_off, 1);
	return 0;
}

LAST_END(switched_off, switched_off_end)

#endif
