/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Owners: which VM, slot or guest_memfd an event belongs to. An owner is found by its key in a
 * hash, made when it is first met, and from then on an index into an array that user space has
 * mapped. User space gives the indexes of what has ended back, each for another life, so that two VMs
 * at one address are two owners. What the filter leaves out has none: it is asked each time that no
 * cache knows. For the BPF programs only.
 */
#ifndef OWNER_BPF_H
#define OWNER_BPF_H

#include "describe.bpf.h"
#include "state.bpf.h"

const volatile __u32 max_owners;
const volatile __u32 filter; /* enum gmem_filter */

__u32 next_owner OWN_LINES = OWNER_INDEX_FIRST; /* of those that nobody has had yet */
__u32 owners_used OWN_LINES;

/* Of a VM: moves on when what was cached of its slots and files could mean something else. */
__u32 generations[GENERATIONS] OWN_LINES;

static __always_inline void generation_move(__u64 kvm)
{
	__sync_fetch_and_add(&generations[GENERATION_INDEX(kvm)], 1);
}

static __always_inline __u32 generation_at(__u32 place)
{
	return *(__u32 *)((void *)generations + (place & (sizeof(generations) - sizeof(__u32))));
}

/* What is cached from now on is of this VM. Before the look-up, so that a change since then shows. */
static __always_inline void generation_keep(struct vm_generation *cached, __u64 kvm)
{
	cached->place = GENERATION_INDEX(kvm) * sizeof(__u32);
	cached->number = generation_at(cached->place);
}

static __always_inline bool generation_is(const struct vm_generation *cached)
{
	return cached->number == generation_at(cached->place);
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, __u32);
	__type(value, struct owner);
} owners SEC(".maps");

/* Indexes that are free again: what is there is empty, and its life is the next one's. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1); /* set when loaded */
	__type(value, __u32);
} free_owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, struct owner_key);
	__type(value, __u32); /* its handle */
} owner_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u8);
} pids SEC(".maps");

static __always_inline bool task_wanted(struct task_struct *task)
{
	__u32 tgid;

	if (filter == FILTER_NONE)
		return true;
	if (filter == FILTER_TREE)
		return task_in_tree(task);
	tgid = task_tgid(task);
	return bpf_map_lookup_elem(&pids, &tgid);
}

/* The owner that the handle names; NULL when there is none, or when its life is over. */
static __always_inline struct owner *owner_at(__u32 handle)
{
	__u32 index = OWNER_INDEX(handle);
	struct owner *owner = bpf_map_lookup_elem(&owners, &index);

	return owner && owner->life == OWNER_LIFE(handle) ? owner : NULL;
}

/* A new owner and its handle; NULL when the table is full. */
static __always_inline struct owner *owner_new(__u32 *handle)
{
	struct owner *owner;
	__u32 at = 0;

	if (bpf_map_pop_elem(&free_owners, &at))
		at = next_owner < max_owners ? __sync_fetch_and_add(&next_owner, 1) : 0;
	owner = bpf_map_lookup_elem(&owners, &at);
	if (!at || !owner)
		return NULL;
	__sync_fetch_and_add(&owners_used, 1);
	*handle = OWNER_HANDLE(at, owner->life);
	return owner;
}

/* An owner that nobody has heard of is not needed. */
static __always_inline void owner_drop(struct owner *owner, __u32 handle)
{
	__u32 index = OWNER_INDEX(handle);

	owner->vm = 0;
	__builtin_memset(owner->size, 0, sizeof(owner->size));
	if (!bpf_map_push_elem(&free_owners, &index, 0))
		__sync_fetch_and_add(&owners_used, -1);
}

/* What is known under a key: where it is, NULL if nothing, and the handle that was found there. */
struct known {
	__u32 *at;
	__u32 handle;
};

/*
 * The owner that is known under this key, unless it has gone: then the key is free for another, which
 * takes the place of @known. 0 for none.
 */
static __always_inline __u32 owner_known(const struct owner_key *key, struct known *known)
{
	struct owner *owner;

	known->at = bpf_map_lookup_elem(&owner_index, key);
	if (!known->at)
		return 0;
	known->handle = *known->at;
	owner = owner_at(known->handle);
	return owner && !owner->gone ? known->handle : 0;
}

/*
 * Make the owner known under its key. Another CPU may have been first: then its handle is the one
 * that counts, and ours is dropped. Negative when the index has no room, or no memory just now.
 */
static __always_inline int owner_publish(struct owner *owner, __u32 handle, enum owner_kind kind,
					 const struct owner_key *key)
{
	__u32 *first;

	if (!bpf_map_update_elem(&owner_index, key, &handle, BPF_NOEXIST)) {
		owner->kind = kind;
		return handle;
	}
	owner_drop(owner, handle);
	first = bpf_map_lookup_elem(&owner_index, key);
	return first ? (int)*first : -1;
}

/*
 * The same under a key that another had, @known, who has gone: in place, since a hash that is busy can
 * refuse what it is to change. User space may have taken the key out just then.
 */
static __always_inline int owner_succeed(struct owner *owner, __u32 handle, enum owner_kind kind,
					 const struct owner_key *key, const struct known *known)
{
	__u32 first = __sync_val_compare_and_swap(known->at, known->handle, handle);

	if (first != known->handle) {
		owner_drop(owner, handle);
		return first;
	}
	if (bpf_map_lookup_elem(&owner_index, key) != known->at)
		return owner_publish(owner, handle, kind, key);
	owner->kind = kind;
	return handle;
}

/*
 * What follows are functions of their own and not static, so that the verifier looks at each once
 * and not at every call. They can be given numbers only, see arg().
 */

/*
 * Where events of the VM are counted: the handle of its owner, OWNER_IGNORED when the filter leaves it
 * out, negative when the table of owners is full.
 */
__noinline int vm_owner(__u64 kvm)
{
	struct owner_key key = { .id = kvm, .kind = OWNER_VM };
	struct task_struct *task;
	struct owner *owner;
	struct known known;
	__u32 handle;

	handle = owner_known(&key, &known);
	if (handle)
		return handle;
	task = kvm_task((struct kvm *)kvm, (struct task_struct *)bpf_get_current_task());
	if (!task_wanted(task))
		return OWNER_IGNORED;
	owner = owner_new(&handle);
	if (!owner)
		return -1;
	owner->vm = handle;
	vm_info_read(&owner->vm_info, (struct kvm *)kvm, task);
	return known.at ? owner_succeed(owner, handle, OWNER_VM, &key, &known)
			: owner_publish(owner, handle, OWNER_VM, &key);
}

static __always_inline void slot_describe(struct owner *owner, struct kvm_memory_slot *slot)
{
	slot_info_read(&owner->slot, slot);
}

static __always_inline __u32 slot_number(__u16 as_id, __s16 id)
{
	return (__u32)as_id << 16 | (__u16)id;
}

/* Where events of the slot are counted, as vm_owner(). */
__noinline int slot_owner_find(__u64 kvm, __u64 slot_address)
{
	struct kvm_memory_slot *slot = (void *)slot_address;
	struct owner_key key = { .kind = OWNER_SLOT };
	struct owner *owner;
	__u32 *known, handle;
	int vm;

	vm = vm_owner(kvm);
	if (vm <= 0)
		return vm;
	key.id = vm;
	key.sub = slot_number(BPF_CORE_READ(slot, as_id), BPF_CORE_READ(slot, id));
	known = bpf_map_lookup_elem(&owner_index, &key);
	if (known)
		return *known;
	owner = owner_new(&handle);
	if (!owner)
		return -1;
	owner->vm = vm;
	slot_describe(owner, slot);
	return owner_publish(owner, handle, OWNER_SLOT, &key);
}

/* Of the page caches of guest_memfds; 0: none was met yet. */
__u64 gmem_aops;

/* Where events of the guest_memfd as a whole are counted, as vm_owner(). */
__noinline int gmem_owner_find(__u64 kvm, __u64 inode_address)
{
	struct inode *inode = (void *)inode_address;
	struct owner_key key = { .id = inode_address, .kind = OWNER_GMEM };
	struct owner *owner;
	__u32 *known, handle;
	int vm, gmem;

	vm = vm_owner(kvm);
	if (vm <= 0)
		return vm;
	key.sub = BPF_CORE_READ(inode, i_ino);
	known = bpf_map_lookup_elem(&owner_index, &key);
	if (known)
		return *known;
	owner = owner_new(&handle);
	if (!owner)
		return -1;
	owner->vm = vm;
	gmem_info_read(&owner->gmem, inode);
	owner->gmem.inode = inode_address;
	gmem_aops = (__u64)BPF_CORE_READ(inode, i_mapping, a_ops);
	owner->gmem.met_late = 1;
	owner->gmem.asks = GMEM_UNSURE;
	pages_new(&owner->gmem);
	gmem = owner_publish(owner, handle, OWNER_GMEM, &key);
	if (gmem == (int)handle) /* not another CPU's */
		__sync_fetch_and_add(&asking.unsure, 1);
	return gmem;
}

/* The same where nothing leads to the VM: the host when the guest_memfd was not met before. */
__noinline int gmem_owner_known(__u64 inode_address)
{
	struct inode *inode = (void *)inode_address;
	struct owner_key key = { .id = inode_address, .kind = OWNER_GMEM };
	__u32 *known;

	key.sub = BPF_CORE_READ(inode, i_ino);
	known = bpf_map_lookup_elem(&owner_index, &key);
	return known ? (int)*known : OWNER_INDEX_HOST;
}

/* The slot that has all of [start, end); NULL for none. */
static __always_inline struct kvm_memory_slot *range_slot(__u64 kvm, __u64 start, __u64 end)
{
	struct kvm_memory_slot *slot = kvm_slot_at((struct kvm *)kvm, start);

	if (slot && end <= BPF_CORE_READ(slot, base_gfn) + BPF_CORE_READ(slot, npages))
		return slot;
	return NULL;
}

/* As vm_owner(), for what knows only guest addresses. */
__noinline int gfn_owner_find(__u64 kvm, __u64 start, __u64 end)
{
	struct kvm_memory_slot *slot = range_slot(kvm, start, end);

	return slot ? slot_owner_find(kvm, (__u64)slot) : vm_owner(kvm);
}

#endif
