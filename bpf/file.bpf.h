/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a guest_memfd: it is made, bound to memslots and let go of by them, and closed. For
 * gmem.bpf.c only.
 */
#ifndef FILE_BPF_H
#define FILE_BPF_H

#include "program.bpf.h"

/* kvm_gmem_create(kvm, args): the file descriptor, or an error, which belongs to the VM. */

BEGIN(create, EV_CREATE)

/* The guest_memfd that this task has just been given as @fd, if another has not yet closed it. */
static __always_inline struct file *created_file(__u64 kvm, int fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < 0 || (unsigned int)fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	if (!file || (__u64)gmem_file_kvm(BPF_CORE_READ(file, private_data)) != kvm)
		return NULL;
	return file;
}

static __always_inline int create_end(struct call call)
{
	struct gmem_record event = EVENT(CREATE);
	__u64 kvm = arg(call, 0);
	struct owner *owner;
	struct file *file;
	long ret;

	if (!event_leave(&event))
		return 0;
	ret = returned_int(call);
	file = created_file(kvm, ret);
	if (file)
		event.owner = gmem_owner_find(kvm, (__u64)BPF_CORE_READ(file, f_inode));
	else
		event.owner = vm_owner(kvm);
	event.err = errno_of(ret);
	rare_count(call.ctx, &event);
	owner = owner_at(event.owner);
	if (!owner || owner->kind != OWNER_GMEM)
		return 0;
	owner->gmem.met_late = 0;
	gmem_asks_no_more(owner);
	return 0;
}

/*
 * kvm_gmem_bind(kvm, slot, fd, offset); 7.3 split it in two: kvm_gmem_prepare_memory_region() with
 * the same arguments, which finds bad ones, and kvm_gmem_commit_memory_region(kvm, slot), which
 * finds overlaps. There, bind_prepare ends the event when it has failed already. Between the two KVM
 * may refuse the slot for reasons of its own: then kvm_set_memslot(kvm, old, slot, change), within
 * which the commit is, has the error.
 */

BEGIN(bind, EV_BIND)

static __always_inline int bind_ends(struct call call, __u64 slot)
{
	struct gmem_record event = EVENT(BIND);

	if (!event_leave(&event))
		return 0;
	event.owner = slot_owner_find(arg(call, 0), slot);
	event.err = errno_of(returned_int(call));
	rare_count(call.ctx, &event);
	return 0;
}

static __always_inline int bind_end(struct call call)
{
	return bind_ends(call, arg(call, 1));
}

static __always_inline int bind_prepare_end(struct call call)
{
	return returned_int(call) < 0 ? bind_end(call) : 0;
}

static __always_inline int bind_refused_end(struct call call)
{
	struct task_state *state = state_get();

	if (!state || !state->start_ns[EV_BIND]) /* it has ended, or no slot is bound here */
		return 0;
	if (returned_int(call) < 0)
		return bind_ends(call, arg(call, 2));
	event_unended(state, EV_BIND);
	return 0;
}

/*
 * kvm_gmem_unbind(slot) is not told its VM, and the slot forgets it when its guest_memfd has been
 * closed before: slot_commit and vm_destroy leave it in the task.
 */

static __always_inline int unbind_begin(struct call call)
{
	struct kvm_memory_slot *slot = (void *)arg(call, 0);
	struct task_state *state = event_enter(EV_UNBIND);
	struct file *file = BPF_CORE_READ(slot, gmem.file);

	if (state && file)
		state->kvm = (__u64)gmem_file_kvm(BPF_CORE_READ(file, private_data));
	return 0;
}

static __always_inline int unbind_end(struct call call)
{
	struct gmem_record event = EVENT(UNBIND);
	struct task_state *state = state_get();
	bool counts;

	if (!state)
		return 0;
	/* In this order: after an atomic operation the verifier no longer knows which event it is. */
	counts = event_end(state, &event);
	generation_move(state->kvm); /* files have nothing at the slot any more */
	if (!counts)
		return 0;
	event.owner = slot_owner_find(state->kvm, arg(call, 0));
	rare_count(call.ctx, &event);
	return 0;
}

/* kvm_gmem_release(inode, file) frees the file's private data: its VM must be found before. */

static __always_inline int release_begin(struct call call)
{
	struct task_state *state = event_enter(EV_RELEASE);
	struct file *file = (void *)arg(call, 1);
	struct kvm *kvm = gmem_file_kvm(BPF_CORE_READ(file, private_data));

	generation_move((__u64)kvm); /* another file may have its private data soon */
	if (!state)
		return 0;
	state->inode = arg(call, 0);
	state->release_owner = gmem_owner_find((__u64)kvm, state->inode);
	return 0;
}

static __always_inline int release_end(struct call call)
{
	struct gmem_record event = EVENT(RELEASE);
	struct task_state *state;
	struct owner *owner;

	state = event_leave(&event);
	if (!state)
		return 0;
	state->inode = 0;
	event.owner = state->release_owner;
	rare_count(call.ctx, &event);
	owner = owner_at(event.owner);
	if (!owner || owner->kind != OWNER_GMEM)
		return 0;
	owner->gmem.released_ns = bpf_ktime_get_ns();
	gmem_asks_no_more(owner);
	vm_generation_move(owner->vm); /* where its pages are kept others may be soon */
	pages_return(&owner->gmem);
	return 0;
}

#endif
