/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the kernel's VMs, memslots and guest_memfds to what is said of them. For the BPF programs
 * only.
 */
#ifndef DESCRIBE_BPF_H
#define DESCRIBE_BPF_H

#include "process.bpf.h"
#include "gmem.h"

/* @task: one of the process that the VM belongs to. */
static __always_inline void vm_info_read(struct vm_info *info, struct kvm *kvm,
					 struct task_struct *task)
{
	info->kvm = (__u64)kvm;
	info->pid = task_tgid(task);
	info->type = kvm_type(kvm);
	BPF_CORE_READ_INTO(&info->comm, task, group_leader, comm);
}

/* Returns the inode of its guest_memfd; NULL when that is closed: what was known of it stays. */
static __always_inline struct inode *slot_info_read(struct slot_info *info,
						    struct kvm_memory_slot *slot)
{
	struct file *file = BPF_CORE_READ(slot, gmem.file);
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	info->base_gfn = BPF_CORE_READ(slot, base_gfn);
	info->npages = BPF_CORE_READ(slot, npages);
	info->flags = BPF_CORE_READ(slot, flags);
	info->as_id = BPF_CORE_READ(slot, as_id);
	info->id = BPF_CORE_READ(slot, id);
	if (!file)
		return NULL;
	info->pgoff = BPF_CORE_READ(slot, gmem.pgoff);
	info->ino = BPF_CORE_READ(inode, i_ino);
	return inode;
}

static __always_inline void gmem_info_read(struct gmem_info *info, struct inode *inode)
{
	info->ino = BPF_CORE_READ(inode, i_ino);
	info->size_bytes = BPF_CORE_READ(inode, i_size);
	info->flags = gmem_flags(inode);
}

#endif
