/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keepers: they carry no event, but keep owners right, and see tracing switched off. For gmem.bpf.c
 * only.
 */
#ifndef KEEPERS_BPF_H
#define KEEPERS_BPF_H

#include "program.bpf.h"

/* kvm_arch_init_vm(kvm, type): whatever was at this address before is another VM. */
static __always_inline int vm_init_end(__u64 *ctx)
{
	struct owner_key key = { .id = arg(ctx, 0), .kind = OWNER_VM };

	bpf_map_delete_elem(&owner_index, &key);
	__sync_fetch_and_add(&generation, 1);
	return 0;
}

/* kvm_destroy_vm(kvm) unbinds what is bound. */
static __always_inline int vm_destroy_begin(__u64 *ctx)
{
	struct owner_key key = { .id = arg(ctx, 0), .kind = OWNER_VM };
	struct task_state *state;
	struct owner *owner;
	__u32 *known;

	state = state_make();
	if (state)
		state->kvm = key.id;
	__sync_fetch_and_add(&generation, 1);
	known = bpf_map_lookup_elem(&owner_index, &key);
	owner = known ? bpf_map_lookup_elem(&owners, known) : NULL;
	if (owner && owner->kind == OWNER_VM)
		owner->vm_info.ended_ns = bpf_ktime_get_ns();
	return 0;
}

/*
 * kvm_arch_commit_memory_region(kvm, old, new, change): a slot has come, gone or changed. On
 * deletion the kernel unbinds next, in this task.
 */
static __always_inline int slot_commit_begin(__u64 *ctx)
{
	struct kvm_memory_slot *slot = (void *)arg(ctx, 2);
	struct task_state *state;
	__u64 kvm = arg(ctx, 0);
	struct owner *owner;
	__u32 index;

	state = state_make();
	if (state)
		state->kvm = kvm;
	__sync_fetch_and_add(&generation, 1);
	if (!slot || !(BPF_CORE_READ(slot, flags) & KVM_MEM_GUEST_MEMFD))
		return 0;
	index = slot_owner_find(kvm, (__u64)slot);
	owner = bpf_map_lookup_elem(&owners, &index);
	if (!owner || owner->kind != OWNER_SLOT)
		return 0;
	slot_describe(owner, slot);
	if (heat)
		heat_change(index, owner->slot.base_gfn, owner->slot.npages);
	return 0;
}

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

static __always_inline int switched_off_end(__u64 *ctx)
{
	static const char name[] = "ftrace_enabled";
	struct kiocb *kiocb = (void *)arg(ctx, 0);
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
