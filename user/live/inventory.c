// SPDX-License-Identifier: GPL-2.0-only
/*
 * First finds files that keep VMs and guest_memfds, then lists the memslots of each VM, then counts
 * the pages of each slot and of what is between them.
 */
#include "inventory.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/arrays.h"
#include "base/id_map.h"
#include "base/open_files.h"
#include "base/process.h"
#include "inventory_programs.h"
#include "kernel.h"
#include "kvm.h"
#include "model/page_size.h"
#include "model/snapshot_find.h"
#include "model/vm_order.h"

#define GONE (~0ULL)
#define RETRIES 16 /* of listing memslots that change all the time */

/* A VM that was found, and how to get at it. */
struct found_vm {
	struct inventory_file file;
	size_t vm; /* index into snapshot.vms */
	__u64 generation;
	__u64 nplain;
	unsigned int retries;
	bool listed;
};

struct found_gmem {
	struct inventory_file file;
	size_t gmem; /* index into snapshot.gmems */
	__u64 counted_to; /* page up to which there are jobs */
};

struct found_slot {
	struct inventory_slot slot; /* its job is the index of its found_vm */
	size_t at; /* index into the VM's slots */
};

struct inventory {
	struct inventory_options options;
	struct snapshot *snap;
	struct programs *programs;
	struct found_vm *vms;
	size_t nvms;
	struct found_gmem *gmems;
	size_t ngmems;
	/* By struct kvm, by inode, and of those in snap when it began by inode number: index + 1. */
	struct id_map vm_at, gmem_at, known_at;
	struct found_slot *slots;
	size_t nslots;
	struct work *work;
	size_t nwork;
	size_t first; /* of the VMs, in the programs' jobs */
};

/* ---- Jobs ---- */

static struct work *add_work(struct inventory *inv, const struct inventory_position *position)
{
	struct work *work = array_append(&inv->work, &inv->nwork, sizeof(*work));

	if (work) {
		work->position = *position;
		work->slot = work->gmem = NO_INDEX;
	}
	return work;
}

static void drop_work(struct inventory *inv)
{
	free(inv->work);
	inv->work = NULL;
	inv->nwork = 0;
}

/* ---- Files ---- */

static bool is_wanted(const struct inventory_options *options, const struct inventory_file *file)
{
	if (options->filter == FILTER_NONE)
		return true;
	if (options->filter == FILTER_TREE)
		return file->in_tree;
	for (size_t i = 0; i < options->npids; i++)
		if ((__u32)options->pids[i] == file->vm.pid)
			return true;
	return false;
}

static struct found_vm *find_vm(struct inventory *inv, __u64 kvm)
{
	__u32 at = id_map_find(&inv->vm_at, kvm);

	return at ? &inv->vms[at - 1] : NULL;
}

static struct found_gmem *find_gmem(struct inventory *inv, __u64 inode)
{
	__u32 at = id_map_find(&inv->gmem_at, inode);

	return at ? &inv->gmems[at - 1] : NULL;
}

static int on_file(void *ctx, const void *record)
{
	struct inventory *inv = ctx;
	const struct inventory_file *file = record;
	struct found_gmem *gmem;
	struct found_vm *vm = find_vm(inv, file->vm.kvm);

	if (!vm) {
		if (!is_wanted(&inv->options, file))
			return 0;
		vm = array_append(&inv->vms, &inv->nvms, sizeof(*vm));
		if (!vm || id_map_set(&inv->vm_at, file->vm.kvm, inv->nvms))
			return -ENOMEM;
		vm->file = *file;
	}
	if (!file->inode || find_gmem(inv, file->inode))
		return 0;
	gmem = array_append(&inv->gmems, &inv->ngmems, sizeof(*gmem));
	if (!gmem || id_map_set(&inv->gmem_at, file->inode, inv->ngmems))
		return -ENOMEM;
	gmem->file = *file;
	return 0;
}

/* ---- Memslots ---- */

static int on_slot(void *ctx, const void *record)
{
	struct inventory *inv = ctx;
	struct found_slot *slot = array_append(&inv->slots, &inv->nslots, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	slot->slot = *(const struct inventory_slot *)record;
	slot->slot.job += inv->first;
	return 0;
}

static void drop_slots(struct inventory *inv, __u32 vm)
{
	size_t n = 0;

	for (size_t i = 0; i < inv->nslots; i++)
		if (inv->slots[i].slot.job != vm)
			inv->slots[n++] = inv->slots[i];
	inv->nslots = n;
}

/* What a pass has listed of a VM that is @i-th of the batch; is there more to do? */
static bool list_more(struct inventory *inv, struct inventory_job *job, size_t i)
{
	struct found_vm *vm = &inv->vms[inv->first + i];
	bool gone = job->next == GONE;

	if (gone || job->torn || (job->from && job->generation != vm->generation)) {
		drop_slots(inv, inv->first + i);
		vm->nplain = 0;
		job->from = 0;
		return !gone && ++vm->retries < RETRIES;
	}
	vm->generation = job->generation;
	vm->nplain += job->nplain;
	job->from = job->next;
	vm->listed = job->from >= job->to;
	return !vm->listed;
}

static int list_batch(void *ctx, struct inventory_job *jobs, size_t first, size_t n)
{
	struct inventory *inv = ctx;
	size_t left = n;
	int err = 0;

	inv->first = first;
	while (left && !err) {
		for (size_t i = 0; i < n; i++)
			jobs[i].next = GONE;
		err = programs_list(inv->programs, on_slot, inv);
		for (size_t i = 0; i < n && !err; i++)
			if (jobs[i].object && !list_more(inv, &jobs[i], i)) {
				jobs[i].object = 0;
				left--;
			}
	}
	return err;
}

static int list_slots(struct inventory *inv)
{
	for (size_t i = 0; i < inv->nvms; i++) {
		struct work *work = add_work(inv, &inv->vms[i].file.position);

		if (!work)
			return -ENOMEM;
		work->job.task = INVENTORY_LIST;
		work->job.object = inv->vms[i].file.vm.kvm;
	}
	return programs_work(inv->programs, inv->work, inv->nwork, list_batch, inv);
}

/* ---- Into the snapshot ---- */

static int merge_slots(struct inventory *inv, size_t index)
{
	struct vm *vm = &inv->snap->vms[inv->vms[index].vm];
	size_t known = vm->nslots;

	for (size_t i = 0; i < inv->nslots; i++) {
		struct found_slot *slot = &inv->slots[i];

		if (slot->slot.job != index)
			continue;
		slot->at = snapshot_find_slot(vm, &slot->slot.info, known);
		if (slot->at == NO_INDEX)
			return -ENOMEM;
		vm->slots[slot->at].exists = true;
	}
	return 0;
}

static int merge_vms(struct inventory *inv)
{
	int err = 0;

	for (size_t i = 0; i < inv->nvms && !err; i++) {
		struct found_vm *found = &inv->vms[i];
		struct vm *vm;

		if (!found->listed)
			continue;
		found->vm = snapshot_find_vm(inv->snap, &found->file.vm);
		if (found->vm == NO_INDEX)
			return -ENOMEM;
		vm = &inv->snap->vms[found->vm];
		vm->exists = true;
		vm->vcpus = found->file.vcpus;
		vm->nplain = found->nplain;
		err = merge_slots(inv, i);
	}
	return err;
}

static int merge_gmems(struct inventory *inv)
{
	if (snapshot_known_gmems(inv->snap, &inv->known_at))
		return -ENOMEM;
	for (size_t i = 0; i < inv->ngmems; i++) {
		struct found_gmem *found = &inv->gmems[i];
		struct found_vm *vm = find_vm(inv, found->file.vm.kvm);

		found->gmem = NO_INDEX;
		if (!vm->listed)
			continue;
		found->gmem =
			snapshot_find_gmem(inv->snap, &inv->known_at, &found->file.gmem, vm->vm);
		if (found->gmem == NO_INDEX)
			return -ENOMEM;
		inv->snap->gmems[found->gmem].exists = true;
		inv->snap->gmems[found->gmem].resident.known = true;
	}
	return 0;
}

/* ---- Pages ---- */

static struct slot *model_slot(const struct inventory *inv, const struct found_slot *slot)
{
	return &inv->snap->vms[inv->vms[slot->slot.job].vm].slots[slot->at];
}

/* By guest_memfd, and in it by position. */
static int compare_found(const void *a, const void *b)
{
	const struct inventory_slot *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return (x->info.pgoff > y->info.pgoff) - (x->info.pgoff < y->info.pgoff);
}

static int add_range(struct inventory *inv, struct found_gmem *gmem, size_t slot, __u64 from,
		     __u64 to)
{
	struct work *work = add_work(inv, &gmem->file.position);

	if (!work)
		return -ENOMEM;
	work->job.task = inv->options.by_node ? INVENTORY_BY_NODE : INVENTORY_RESIDENT;
	work->job.object = gmem->file.inode;
	work->job.from = from;
	work->job.to = to;
	work->slot = slot;
	work->gmem = gmem - inv->gmems;
	gmem->counted_to = to;
	return 0;
}

/* What no slot is bound to, up to @to. */
static int add_gap(struct inventory *inv, struct found_gmem *gmem, __u64 to)
{
	return gmem->counted_to < to ? add_range(inv, gmem, NO_INDEX, gmem->counted_to, to) : 0;
}

static int add_resident(struct inventory *inv, size_t index)
{
	const struct inventory_slot *slot = &inv->slots[index].slot;
	struct found_gmem *gmem = find_gmem(inv, slot->inode);

	/* Not kept by a file of a task: then its pages cannot be got at. */
	if (!gmem || gmem->gmem == NO_INDEX)
		return 0;
	model_slot(inv, &inv->slots[index])->resident.known = true;
	/* Bindings do not overlap, unless they changed while they were looked at. */
	if (slot->info.pgoff < gmem->counted_to)
		inv->snap->gmems[gmem->gmem].resident.known = false;
	return add_gap(inv, gmem, slot->info.pgoff)
		       ?: add_range(inv, gmem, index, slot->info.pgoff,
				    slot->info.pgoff + slot->info.npages);
}

static int add_private(struct inventory *inv, size_t index)
{
	const struct slot_info *info = &inv->slots[index].slot.info;
	const struct found_vm *vm = &inv->vms[inv->slots[index].slot.job];
	struct work *work;

	if (!vm->file.has_attributes || info->flags & KVM_MEMSLOT_GMEM_ONLY)
		return 0;
	work = add_work(inv, &vm->file.position);
	if (!work)
		return -ENOMEM;
	work->job.task = INVENTORY_PRIVATE;
	work->job.object = vm->file.vm.kvm;
	work->job.from = info->base_gfn;
	work->job.to = info->base_gfn + info->npages;
	work->slot = index;
	model_slot(inv, &inv->slots[index])->has_private = true;
	return 0;
}

static int add_counting(struct inventory *inv)
{
	int err = 0;

	for (size_t i = 0; i < inv->nslots && !err; i++)
		err = add_resident(inv, i) ?: add_private(inv, i);
	for (size_t i = 0; i < inv->ngmems && !err; i++)
		if (inv->gmems[i].gmem != NO_INDEX)
			err = add_gap(inv, &inv->gmems[i],
				      bytes_pages(inv->gmems[i].file.gmem.size_bytes,
						  sysconf(_SC_PAGESIZE)));
	return err;
}

static int compare_positions(const void *a, const void *b)
{
	const struct work *x = a, *y = b;

	if (x->position.tid != y->position.tid)
		return x->position.tid < y->position.tid ? -1 : 1;
	return (x->position.fd > y->position.fd) - (x->position.fd < y->position.fd);
}

static int count_batch(void *ctx, struct inventory_job *jobs, size_t first, size_t n)
{
	struct inventory *inv = ctx;
	bool progress;
	size_t left;
	int err;

	(void)first;
	do {
		err = programs_count(inv->programs, &progress);
		left = 0;
		for (size_t i = 0; i < n; i++)
			left += jobs[i].from < jobs[i].to;
	} while (!err && left && progress);
	return err;
}

static int add_counts(struct resident *resident, const struct inventory_job *job)
{
	bool by_node = job->task == INVENTORY_BY_NODE;
	int err = 0;

	if (job->from < job->to || job->count[INVENTORY_COUNTS - 1])
		resident->known = false;
	resident->nodes_known = resident->known && by_node;
	if (!by_node)
		resident->npages += job->count[0];
	for (__u32 node = 0; by_node && node < INVENTORY_COUNTS && !err; node++)
		err = resident_add(resident, node, job->count[node]);
	return err;
}

static int add_work_done(struct inventory *inv, const struct work *work)
{
	struct slot *slot =
		work->slot == NO_INDEX ? NULL : model_slot(inv, &inv->slots[work->slot]);
	int err = 0;

	if (work->job.task == INVENTORY_PRIVATE) {
		slot->nprivate = work->job.count[0];
		slot->has_private = work->job.from >= work->job.to;
		return 0;
	}
	if (slot)
		err = add_counts(&slot->resident, &work->job);
	return err
		       ?: add_counts(&inv->snap->gmems[inv->gmems[work->gmem].gmem].resident,
				     &work->job);
}

static int count_pages(struct inventory *inv)
{
	int err;

	drop_work(inv);
	if (inv->nslots)
		qsort(inv->slots, inv->nslots, sizeof(*inv->slots), compare_found);
	err = add_counting(inv);
	if (inv->nwork)
		qsort(inv->work, inv->nwork, sizeof(*inv->work), compare_positions);
	err = err ?: programs_work(inv->programs, inv->work, inv->nwork, count_batch, inv);
	for (size_t i = 0; i < inv->nwork && !err; i++)
		err = add_work_done(inv, &inv->work[i]);
	return err;
}

/* ---- The whole ---- */

static int inventory_problem(struct problem *problem, int err)
{
	if (err == -EPERM)
		return kernel_refused(problem);
	if (open_files_spent(err))
		return open_files_problem(problem);
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot take the inventory: %s. See what libbpf says with -v",
			   strerror(-err));
}

const char *inventory_leaves_out(void)
{
	return process_namespace() ? "VMs of processes outside of this PID namespace" : NULL;
}

struct inventory *inventory_open(const struct inventory_options *options, struct problem *problem)
{
	struct inventory *inv = calloc(1, sizeof(*inv));
	int err = -ENOMEM;

	if (inv) {
		inv->options = *options;
		err = programs_open(&inv->programs, options->kernel, options->at_once);
	}
	if (!err)
		return inv;
	inventory_close(inv);
	inventory_problem(problem, err);
	return NULL;
}

void inventory_close(struct inventory *inv)
{
	if (!inv)
		return;
	programs_close(inv->programs);
	free(inv);
}

/* What needs more than the files. */
static int look_closer(struct inventory *inv)
{
	if (!inv->nvms)
		return 0;
	return list_slots(inv) ?: merge_vms(inv) ?: merge_gmems(inv) ?: count_pages(inv);
}

/* Forget what was found: the next time it may be other things. */
static void forget(struct inventory *inv)
{
	free(inv->vms);
	free(inv->gmems);
	free(inv->slots);
	id_map_free(&inv->vm_at);
	id_map_free(&inv->gmem_at);
	id_map_free(&inv->known_at);
	drop_work(inv);
	*inv = (struct inventory){
		.options = inv->options,
		.programs = inv->programs,
	};
}

int inventory_read(struct inventory *inv, struct snapshot *snap, struct problem *problem)
{
	int err;

	inv->snap = snap;
	err = programs_find(inv->programs, on_file, inv) ?: look_closer(inv);
	snapshot_sort(snap);
	forget(inv);
	return err ? inventory_problem(problem, err) : 0;
}

int inventory_list(struct inventory *inv, struct vm_order *order, struct problem *problem)
{
	int err = programs_find(inv->programs, on_file, inv);

	for (size_t i = 0; i < inv->nvms && !err; i++)
		err = vm_order_add(order, inv->vms[i].file.vm.kvm);
	forget(inv);
	return err ? inventory_problem(problem, err) : 0;
}
