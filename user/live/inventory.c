// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the iterators of inventory.bpf.c: first finds files that keep VMs and guest_memfds, then
 * lists the memslots of each VM, then counts the pages of each slot and of what is between them.
 */
#include "base/arrays.h"
#include "inventory.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "base/id_map.h"
#include "base/open_files.h"
#include "base/process.h"
#include "core_types.h"
#include "inventory_jobs.h"
#include "inventory.skel.h"
#include "kernel.h"
#include "kvm.h"
#include "model/hooks.h"
#include "model/page_size.h"
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

#define NONE (~(size_t)0)

/* A job, and for whom it counts. */
struct work {
	struct inventory_position position;
	struct inventory_job job;
	size_t slot; /* found_slot, or NONE */
	size_t gmem; /* found_gmem, or NONE */
};

struct inventory {
	struct inventory_options options;
	struct snapshot *snap;
	struct inventory_bpf *finder; /* find_files */
	struct inventory_bpf *skel; /* the other programs; NULL until there is a VM */
	struct found_vm *vms;
	size_t nvms;
	struct found_gmem *gmems;
	size_t ngmems;
	/* By struct kvm, by inode, and of those in snap when it began by inode number: position + 1. */
	struct id_map vm_at, gmem_at, known_at;
	struct found_slot *slots;
	size_t nslots;
	struct work *work;
	size_t nwork;
	size_t first; /* of work, in the programs' jobs */
};

/* ---- Running the programs ---- */

typedef int (*record_fn)(struct inventory *inv, const void *record);

static int read_records(struct inventory *inv, int fd, size_t size, record_fn fn)
{
	static char buffer[64 << 10]; /* more than the kernel's: never a part of a record */
	ssize_t n;
	int err;

	for (;;) {
		n = read(fd, buffer, sizeof(buffer));
		if (!n)
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		for (ssize_t at = 0; at + (ssize_t)size <= n; at += size) {
			err = fn(inv, buffer + at);
			if (err)
				return err;
		}
	}
}

/* Run @prog over all files, and @fn over the records of @size bytes that it writes. */
static int run(struct inventory *inv, const struct bpf_program *prog, size_t size, record_fn fn)
{
	struct bpf_link *link = bpf_program__attach_iter(prog, NULL);
	int err, fd;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	err = fd < 0 ? -errno : read_records(inv, fd, size, fn);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return err;
}

static bool same_position(const struct inventory_position *a, const struct inventory_position *b)
{
	return a->tid == b->tid && a->fd == b->fd;
}

/* Tell the program of jobs [0, n), of which those of a position are side by side, or take them back. */
static int set_positions(const struct inventory *inv, const struct work *work, size_t n, bool there)
{
	const struct bpf_map *map = inv->skel->maps.positions;
	struct inventory_jobs jobs;
	int err = 0;

	for (size_t i = 0; i < n && !err; i += jobs.n) {
		jobs = (struct inventory_jobs){ .first = i };
		while (i + jobs.n < n &&
		       same_position(&work[i].position, &work[i + jobs.n].position))
			jobs.n++;
		if (there)
			err = bpf_map__update_elem(map, &work[i].position, sizeof(work->position),
						   &jobs, sizeof(jobs), BPF_ANY);
		else
			err = bpf_map__delete_elem(map, &work[i].position, sizeof(work->position),
						   0);
	}
	return err;
}

/* Have the jobs done by @fn, as many at a time as the programs take. */
static int in_batches(struct inventory *inv, int (*fn)(struct inventory *inv, size_t n))
{
	struct inventory_job *jobs = inv->skel->bss->jobs;
	int err = 0;

	for (size_t n; inv->first < inv->nwork && !err; inv->first += n) {
		struct work *work = inv->work + inv->first;

		n = inv->nwork - inv->first;
		if (n > INVENTORY_JOBS)
			n = INVENTORY_JOBS;
		for (size_t i = 0; i < n; i++)
			jobs[i] = work[i].job;
		err = set_positions(inv, work, n, true) ?: fn(inv, n) ?:
		      set_positions(inv, work, n, false);
		for (size_t i = 0; i < n; i++)
			work[i].job = jobs[i];
	}
	return err;
}

static struct work *add_work(struct inventory *inv, const struct inventory_position *position)
{
	struct work *work = array_append(&inv->work, &inv->nwork, sizeof(*work));

	if (work) {
		work->position = *position;
		work->slot = work->gmem = NONE;
	}
	return work;
}

static void drop_work(struct inventory *inv)
{
	free(inv->work);
	inv->work = NULL;
	inv->nwork = inv->first = 0;
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

static int on_file(struct inventory *inv, const void *record)
{
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

static int on_slot(struct inventory *inv, const void *record)
{
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
static bool list_more(struct inventory *inv, size_t i)
{
	struct inventory_job *job = &inv->skel->bss->jobs[i];
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

static int list_batch(struct inventory *inv, size_t n)
{
	struct inventory_job *jobs = inv->skel->bss->jobs;
	size_t left = n;
	int err = 0;

	while (left && !err) {
		for (size_t i = 0; i < n; i++)
			jobs[i].next = GONE;
		err = run(inv, inv->skel->progs.list_slots, sizeof(struct inventory_slot), on_slot);
		for (size_t i = 0; i < n && !err; i++)
			if (jobs[i].object && !list_more(inv, i)) {
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
	return in_batches(inv, list_batch);
}

/* ---- Into the snapshot ---- */

static size_t snapshot_vm(struct snapshot *snap, const struct inventory_file *file)
{
	struct vm *vm;

	for (size_t i = 0; i < snap->nvms; i++)
		if (snap->vms[i].info.kvm == file->vm.kvm && !snap->vms[i].info.ended_ns)
			return i;
	vm = array_append(&snap->vms, &snap->nvms, sizeof(*vm));
	if (!vm)
		return NONE;
	vm->info = file->vm;
	return snap->nvms - 1;
}

static int know_gmems(struct inventory *inv)
{
	const struct snapshot *snap = inv->snap;
	int err = 0;

	for (size_t i = 0; i < snap->ngmems && !err; i++)
		if (!snap->gmems[i].info.released_ns)
			err = id_map_set(&inv->known_at, snap->gmems[i].info.ino, i + 1);
	return err;
}

static size_t snapshot_gmem(struct inventory *inv, const struct inventory_file *file, size_t vm)
{
	__u32 known = id_map_find(&inv->known_at, file->gmem.ino);
	struct snapshot *snap = inv->snap;
	struct gmem *gmem;

	if (known && snap->gmems[known - 1].vm == vm)
		return known - 1;
	gmem = array_append(&snap->gmems, &snap->ngmems, sizeof(*gmem));
	if (!gmem)
		return NONE;
	gmem->info = file->gmem;
	gmem->vm = vm;
	return snap->ngmems - 1;
}

/* What was known of a guest_memfd that is closed by now stays. */
static void slot_update(struct slot_info *info, const struct slot_info *now)
{
	__u64 ino = info->ino, pgoff = info->pgoff;

	*info = *now;
	if (info->ino)
		return;
	info->ino = ino;
	info->pgoff = pgoff;
}

/* @known: how many slots of @vm are from before, and in order. */
static size_t snapshot_slot(struct vm *vm, const struct slot_info *info, size_t known)
{
	size_t low = 0, high = known;
	struct slot *slot;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct slot_info *at = &vm->slots[middle].info;

		if (at->as_id < info->as_id || (at->as_id == info->as_id && at->id < info->id))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < known && vm->slots[low].info.as_id == info->as_id &&
	    vm->slots[low].info.id == info->id) {
		slot_update(&vm->slots[low].info, info);
		return low;
	}
	slot = array_append(&vm->slots, &vm->nslots, sizeof(*slot));
	if (!slot)
		return NONE;
	slot->info = *info;
	return vm->nslots - 1;
}

static int merge_slots(struct inventory *inv, size_t index)
{
	struct vm *vm = &inv->snap->vms[inv->vms[index].vm];
	size_t known = vm->nslots;

	for (size_t i = 0; i < inv->nslots; i++) {
		struct found_slot *slot = &inv->slots[i];

		if (slot->slot.job != index)
			continue;
		slot->at = snapshot_slot(vm, &slot->slot.info, known);
		if (slot->at == NONE)
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
		found->vm = snapshot_vm(inv->snap, &found->file);
		if (found->vm == NONE)
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
	if (know_gmems(inv))
		return -ENOMEM;
	for (size_t i = 0; i < inv->ngmems; i++) {
		struct found_gmem *found = &inv->gmems[i];
		struct found_vm *vm = find_vm(inv, found->file.vm.kvm);

		found->gmem = NONE;
		if (!vm->listed)
			continue;
		found->gmem = snapshot_gmem(inv, &found->file, vm->vm);
		if (found->gmem == NONE)
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
	return gmem->counted_to < to ? add_range(inv, gmem, NONE, gmem->counted_to, to) : 0;
}

static int add_resident(struct inventory *inv, size_t index)
{
	const struct inventory_slot *slot = &inv->slots[index].slot;
	struct found_gmem *gmem = find_gmem(inv, slot->inode);

	/* Not kept by a file of a task: then its pages cannot be got at. */
	if (!gmem || gmem->gmem == NONE)
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
		if (inv->gmems[i].gmem != NONE)
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

static int count_batch(struct inventory *inv, size_t n)
{
	struct inventory_bpf__bss *bss = inv->skel->bss;
	size_t left;
	int err;

	do {
		bss->progress = 0;
		err = run(inv, inv->skel->progs.count_pages, 0, NULL);
		left = 0;
		for (size_t i = 0; i < n; i++)
			left += bss->jobs[i].from < bss->jobs[i].to;
	} while (!err && left && bss->progress);
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
	struct slot *slot = work->slot == NONE ? NULL : model_slot(inv, &inv->slots[work->slot]);
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
	err = err ?: in_batches(inv, count_batch);
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

/* libbpf gives its callbacks no context of the caller's. */
static const struct kernel *loading;

/* As session.c: what is found by hand here libbpf would search all of the kernel's BTF for. */
static int set_iterator(struct bpf_program *prog, struct bpf_prog_load_opts *options, long cookie)
{
	static const struct hook task_file = {
		.function = "bpf_iter_task_file",
		.in_kernel = true,
	};
	int btf_fd;

	(void)cookie;
	bpf_program__set_type(prog, BPF_PROG_TYPE_TRACING);
	options->attach_btf_id = kernel_target(loading, &task_file, &btf_fd);
	return 0;
}

static int register_section(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, options, .prog_prepare_load_fn = set_iterator);
	static bool done;
	int id = 0;

	if (!done)
		id = libbpf_register_prog_handler("task_file", KERNEL_NOT_YET_TRACING,
						  BPF_TRACE_ITER, &options);
	done = id >= 0;
	return id < 0 ? id : 0;
}

/* Open and load the programs that @find files, or those for all else, into @skel. */
static int load(struct inventory_bpf **skel, const struct kernel *kernel, bool find)
{
	LIBBPF_OPTS(bpf_object_open_opts, options);
	char path[32];
	int types = core_types_file(path), err;

	if (types < 0)
		return types;
	options.btf_custom_path = path;
	*skel = inventory_bpf__open_opts(&options);
	err = *skel ? core_types_write(types, kernel_btf(kernel), bpf_object__btf((*skel)->obj))
		    : -errno;
	if (!err) {
		(*skel)->rodata->root_tgid = getpid();
		(*skel)->rodata->pid_namespace = process_namespace();
		bpf_program__set_autoload((*skel)->progs.find_files, find);
		bpf_program__set_autoload((*skel)->progs.list_slots, !find);
		bpf_program__set_autoload((*skel)->progs.count_pages, !find);
		loading = kernel;
		err = inventory_bpf__load(*skel);
	}
	close(types);
	return err;
}

const char *inventory_leaves_out(void)
{
	return process_namespace() ? "VMs of processes outside of this PID namespace" : NULL;
}

/* What only VMs need, if it is not there yet. */
static int load_closer(struct inventory *inv)
{
	return inv->skel ? 0 : load(&inv->skel, inv->options.kernel, false);
}

struct inventory *inventory_open(const struct inventory_options *options, struct problem *problem)
{
	struct inventory *inv = calloc(1, sizeof(*inv));
	int err = -ENOMEM;

	if (inv) {
		inv->options = *options;
		err = register_section() ?: load(&inv->finder, options->kernel, true);
		if (!err && options->at_once)
			err = load_closer(inv);
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
	inventory_bpf__destroy(inv->finder);
	inventory_bpf__destroy(inv->skel);
	free(inv);
}

/* What needs more than the files. */
static int look_closer(struct inventory *inv)
{
	if (!inv->nvms)
		return 0;
	return load_closer(inv) ?: list_slots(inv) ?: merge_vms(inv) ?: merge_gmems(inv) ?:
	       count_pages(inv);
}

static int find_files(struct inventory *inv)
{
	return run(inv, inv->finder->progs.find_files, sizeof(struct inventory_file), on_file);
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
		.finder = inv->finder,
		.skel = inv->skel,
	};
}

int inventory_read(struct inventory *inv, struct snapshot *snap, struct problem *problem)
{
	int err;

	inv->snap = snap;
	err = find_files(inv) ?: look_closer(inv);
	snapshot_sort(snap);
	forget(inv);
	return err ? inventory_problem(problem, err) : 0;
}

int inventory_list(struct inventory *inv, struct vm_order *order, struct problem *problem)
{
	int err = find_files(inv);

	for (size_t i = 0; i < inv->nvms && !err; i++)
		err = vm_order_add(order, inv->vms[i].file.vm.kvm);
	forget(inv);
	return err ? inventory_problem(problem, err) : 0;
}
