/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading the kernel: one small accessor for each thing that kernels keep in different places,
 * with the version that made it necessary. For the BPF programs only.
 */
#ifndef KERNEL_BPF_H
#define KERNEL_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "kernel_types.h"
#include "kvm.h"

/* A guest_memfd file's private data: struct kvm_gmem, renamed to gmem_file in 6.19. */
static __always_inline struct kvm *gmem_file_kvm(void *gmem_file)
{
	if (bpf_core_type_exists(struct gmem_file))
		return BPF_CORE_READ((struct gmem_file *)gmem_file, kvm);
	return BPF_CORE_READ((struct kvm_gmem *)gmem_file, kvm);
}

static __always_inline void *gmem_file_bindings(void *gmem_file)
{
	if (bpf_core_type_exists(struct gmem_file))
		return BPF_CORE_READ((struct gmem_file *)gmem_file, bindings.xa_head);
	return BPF_CORE_READ((struct kvm_gmem *)gmem_file, bindings.xa_head);
}

/* GUEST_MEMFD_FLAG_*: in i_private until 6.18, in an inode of guest_memfd's own from 6.19. */
static __always_inline __u64 gmem_flags(struct inode *inode)
{
	if (bpf_core_type_exists(struct gmem_inode)) {
		void *gi = (void *)inode - bpf_core_field_offset(struct gmem_inode, vfs_inode);

		return BPF_CORE_READ((struct gmem_inode *)gi, flags);
	}
	return (__u64)BPF_CORE_READ(inode, i_private);
}

static __always_inline __u64 notifier_kvm(__u64 mn)
{
	return mn - bpf_core_field_offset(struct kvm, mmu_notifier);
}

/* x86 only; its width has changed. */
static __always_inline __u32 kvm_type(struct kvm *kvm)
{
	__u64 type = 0;

	if (bpf_core_field_exists(kvm->arch.vm_type))
		bpf_probe_read_kernel(&type, bpf_core_field_size(kvm->arch.vm_type),
				      &kvm->arch.vm_type);
	return type;
}

#define MUTEX_FLAGS 7L /* in the pointer to its owner */

/* Does the task change the VM's memslots, or attributes? Where it cannot be seen, perhaps. */
static __always_inline bool kvm_locks_slots(struct kvm *kvm)
{
	if (!bpf_core_field_exists(kvm->slots_lock.owner))
		return true;
	return (BPF_CORE_READ(kvm, slots_lock.owner.counter) & ~MUTEX_FLAGS) ==
	       (long)bpf_get_current_task();
}

/* A TDX VM maps private memory by page tables that are spared where the range is of shared memory only. */
static __always_inline bool gfns_spare_private(struct kvm *kvm, const struct kvm_gfn_range *gfns)
{
	return bpf_core_field_exists(gfns->attr_filter) && kvm_type(kvm) == KVM_X86_TDX_VM &&
	       !(BPF_CORE_READ(gfns, attr_filter) & KVM_FILTER_PRIVATE);
}

/*
 * The process a VM belongs to: the owner of its address space. userspace_pid is no help: it is
 * the thread that made the VM, and 0 until it is made. @otherwise where that is not known.
 */
static __always_inline struct task_struct *kvm_task(struct kvm *kvm, struct task_struct *otherwise)
{
	struct task_struct *task = NULL;

	if (bpf_core_field_exists(struct mm_struct, owner))
		task = BPF_CORE_READ(kvm, mm, owner);
	return task ?: otherwise;
}

#define XA_NODE_SLOTS (bpf_core_field_size(struct xa_node, slots) / sizeof(void *))
#define XA_DEPTH 11 /* 64 bits, 6 a level */

/* Nodes are tagged with binary 10, as are small numbers with a meaning of their own. */
static __always_inline bool xa_is_node(__u64 entry)
{
	return (entry & 3) == 2 && entry > 4096;
}

static __always_inline struct xa_node *xa_to_node(__u64 entry)
{
	return (void *)(entry - 2);
}

/* What is in one slot of a node; for a sibling, in the slot that it refers to. */
static __always_inline __u64 xa_slot(struct xa_node *node, __u64 slot)
{
	__u64 entry = 0;

	bpf_core_read(&entry, sizeof(entry), &node->slots[slot % XA_NODE_SLOTS]);
	if ((entry & 3) == 2 && entry >> 2 < XA_NODE_SLOTS)
		bpf_core_read(&entry, sizeof(entry), &node->slots[entry >> 2]);
	return entry;
}

struct xa_walk {
	__u64 entry;
	__u64 index;
};

/* One level down; 1 when there is none. */
static long xa_step(__u32 depth, struct xa_walk *walk)
{
	struct xa_node *node = xa_to_node(walk->entry);
	__u64 slot = walk->index >> BPF_CORE_READ(node, shift);

	walk->entry = depth || slot < XA_NODE_SLOTS ? xa_slot(node, slot) : 0;
	return !xa_is_node(walk->entry);
}

/*
 * xa_load() by hand: what is stored at @index below @head. Walks nodes under the RCU protection
 * that a program has anyway; an entry that is being changed reads as absent. A loop by helper,
 * since the verifier would walk through every level otherwise.
 * Source of the encoding: include/linux/xarray.h (xa_is_node(), xa_is_sibling()).
 */
static __always_inline void *xa_entry(void *head, __u64 index)
{
	struct xa_walk walk = { .entry = (__u64)head, .index = index };

	if (!xa_is_node(walk.entry))
		return index ? NULL : head;
	bpf_loop(XA_DEPTH, xa_step, &walk, 0);
	return walk.entry & 3 ? NULL : (void *)walk.entry;
}

/*
 * The memslot whose binding covers page @index of the guest_memfd; NULL for none, and when it is being
 * unbound, since we hold no lock and its memory may be another's soon.
 */
static __always_inline struct kvm_memory_slot *gmem_file_slot_at(void *gmem_file, __u64 index)
{
	struct kvm_memory_slot *slot = xa_entry(gmem_file_bindings(gmem_file), index);

	return slot && BPF_CORE_READ(slot, gmem.file, private_data) == gmem_file ? slot : NULL;
}

/* The folio that the page cache has for page @index of the file, as a number; 0: none. */
static __always_inline __u64 inode_page(struct inode *inode, __u64 index)
{
	return (__u64)xa_entry(BPF_CORE_READ(inode, i_mapping, i_pages.xa_head), index);
}

/* How often the task has left its CPU to another. */
static __always_inline __u64 task_switches(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return task->nvcsw + task->nivcsw;
}

/*
 * The node of a page is in the top bits of its flags, the first word of every struct page and
 * folio; in how many of them is known from how many nodes there can be.
 */
static __always_inline __u32 node_shift(void)
{
	__u64 zonerefs = bpf_core_field_size(struct zonelist, _zonerefs) /
			 bpf_core_type_size(struct zoneref);
	__u64 nodes = zonerefs / bpf_core_enum_value(enum zone_type, __MAX_NR_ZONES);
	__u32 shift = 0;

	for (int i = 1; i < 16; i++)
		shift += nodes >> i != 0;
	return shift;
}

/* The NUMA node of a page or folio. */
static __always_inline __u32 page_node(const void *page, __u32 shift)
{
	unsigned long flags = 0;

	bpf_probe_read_kernel(&flags, sizeof(flags), page);
	return shift ? flags >> (64 - shift) : 0;
}

#define MEMSLOTS_DEPTH 32 /* of the tree of at most 32,767 slots of a VM */

struct slot_walk {
	struct rb_node *node;
	struct kvm_memory_slot *found; /* the last one that begins at or below gfn */
	__u64 gfn;
	int tree; /* which of a slot's two nodes is in use */
};

static long slot_step(__u32 depth, struct slot_walk *walk)
{
	__u64 offset = bpf_core_field_offset(struct kvm_memory_slot, gfn_node) +
		       walk->tree * sizeof(struct rb_node);
	struct rb_node *node = walk->node;
	struct kvm_memory_slot *slot = (void *)node - offset;

	if (!node)
		return 1;
	if (BPF_CORE_READ(slot, base_gfn) <= walk->gfn) {
		walk->found = slot;
		walk->node = BPF_CORE_READ(node, rb_right);
	} else {
		walk->node = BPF_CORE_READ(node, rb_left);
	}
	return 0;
}

/*
 * The memslot of address space 0 that has @gfn; NULL for none. As the kernel's search_memslots(), without
 * its SRCU: the tree of the active slots does not change, and when others have become the active ones
 * meanwhile, NULL.
 */
static __always_inline struct kvm_memory_slot *kvm_slot_at(struct kvm *kvm, __u64 gfn)
{
	struct kvm_memslots *slots = BPF_CORE_READ(kvm, memslots[0]);
	struct slot_walk walk = { .gfn = gfn };
	struct kvm_memory_slot *found;

	walk.node = BPF_CORE_READ(slots, gfn_tree.rb_node);
	walk.tree = BPF_CORE_READ(slots, node_idx) & 1;
	bpf_loop(MEMSLOTS_DEPTH, slot_step, &walk, 0);
	found = walk.found;
	if (!found || gfn >= BPF_CORE_READ(found, base_gfn) + BPF_CORE_READ(found, npages) ||
	    slots != BPF_CORE_READ(kvm, memslots[0]))
		return NULL;
	return found;
}

#endif
