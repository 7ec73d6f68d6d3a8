/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel types that the BPF programs read, and of each only the fields they read: CO-RE finds
 * the real offsets in the running kernel's BTF. Kept by hand; scripts/check-types compares it with
 * the BTF of every lab kernel, and its help says which comments it understands. A field without a
 * version is in all kernels from 6.8 on.
 */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct mm_struct {
	struct task_struct *owner; /* with CONFIG_MEMCG */
};

struct files_struct {
	struct fdtable *fdt;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1]; /* any size: there are level + 1 */
};

struct task_struct {
	int pid;
	struct pid *thread_pid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct files_struct *files;
	unsigned long nvcsw; /* context switches */
	unsigned long nivcsw;
	char comm[16];
};

struct super_block {
	unsigned long s_magic;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino; /* u64 from 7.1 */
	long long i_size;
	struct address_space *i_mapping;
	void *i_private; /* guest_memfd's flags until 6.18 */
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data; /* guest_memfd: struct kvm_gmem | gmem_file */
};

struct kiocb {
	struct file *ki_filp;
};

struct ctl_table {
	void *data;
};

struct proc_inode {
	struct ctl_table *sysctl_entry;
	struct inode vfs_inode;
};

struct vm_area_struct {
	struct file *vm_file;
};

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned long pgoff;
};

struct xarray {
	void *xa_head;
};

struct xa_node {
	unsigned char shift;
	unsigned char count; /* slots in use */
	unsigned char nr_values; /* of these, no pages */
	void *slots[64]; /* 16 with CONFIG_BASE_SMALL */
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct address_space {
	struct inode *host;
	struct xarray i_pages;
	const void *a_ops;
};

enum zone_type { __MAX_NR_ZONES };

struct zoneref {
	int zone_idx;
};

struct zonelist {
	struct zoneref _zonerefs[1]; /* for each zone of each NUMA node, and one more */
};

struct folio {
	struct address_space *mapping;
	unsigned long index;
};

struct mmu_notifier {
	void *ops;
};

struct kvm_arch {
	unsigned char vm_type; /* any size: unsigned long until 6.10 or so; x86 only */
};

struct kvm_memslots {
	__u64 generation;
	struct hlist_head id_hash[128];
	struct rb_root gfn_tree;
	int node_idx; /* which of a slot's two nodes this set uses */
};

struct mutex {
	struct {
		long counter;
	} owner; /* not with CONFIG_PREEMPT_RT */
};

struct kvm {
	struct mutex slots_lock;
	struct mm_struct *mm;
	struct kvm_memslots *memslots[2]; /* 1 on arm64 */
	struct {
		int counter;
	} online_vcpus;
	struct xarray mem_attr_array; /* with CONFIG_KVM_GENERIC_MEMORY_ATTRIBUTES or its like */
	int userspace_pid;
	struct mmu_notifier mmu_notifier;
	struct kvm_arch arch;
};

struct kvm_run {
	__u32 exit_reason;
	union {
		struct {
			__u64 flags;
			__u64 gpa;
			__u64 size;
		} memory_fault;
	};
};

struct kvm_vcpu {
	struct kvm *kvm;
	struct kvm_run *run;
};

struct kvm_pre_fault_memory { /* since 6.11; x86 only, until now */
	__u64 gpa;
};

struct kvm_memory_slot {
	struct hlist_node id_node[2];
	struct rb_node gfn_node[2];
	__u64 base_gfn;
	unsigned long npages;
	__u32 flags;
	short id;
	unsigned short as_id;
	struct {
		struct file *file;
		unsigned long pgoff;
	} gmem;
};

/* What a range is of. */
enum kvm_gfn_range_filter {
	KVM_FILTER_SHARED = 1,
	KVM_FILTER_PRIVATE = 2,
};

struct kvm_gfn_range {
	struct kvm_memory_slot *slot;
	__u64 start;
	__u64 end;
	enum kvm_gfn_range_filter attr_filter; /* not in 6.8 yet */
};

/* One VM's view of a guest_memfd ... */
struct kvm_gmem { /* until 6.18 */
	struct kvm *kvm;
	struct xarray bindings;
};

/* ... which was renamed. */
struct gmem_file { /* since 6.19 */
	struct kvm *kvm;
	struct xarray bindings;
};

/* guest_memfd's own inode. */
struct gmem_inode { /* since 6.19 */
	struct inode vfs_inode;
	__u64 flags;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

#endif
