// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two objects of the same file: what finds files is small and always needed, the rest only where there
 * is a VM.
 */
#include "inventory_programs.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "base/process.h"
#include "core_types.h"
#include "inventory.skel.h"
#include "kernel.h"

struct programs {
	const struct kernel *kernel;
	struct inventory_bpf *finder; /* find_files */
	struct inventory_bpf *skel; /* the other programs; NULL until they are needed */
};

/* libbpf gives its callbacks no context of the caller's. */
static const struct kernel *loading;

/* As object.c: what is found by hand here libbpf would search all of the kernel's BTF for. */
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

/* What only VMs need, if it is not there yet. */
static int load_rest(struct programs *programs)
{
	return programs->skel ? 0 : load(&programs->skel, programs->kernel, false);
}

int programs_open(struct programs **programs, const struct kernel *kernel, bool all)
{
	int err;

	*programs = calloc(1, sizeof(**programs));
	if (!*programs)
		return -ENOMEM;
	(*programs)->kernel = kernel;
	err = register_section() ?: load(&(*programs)->finder, kernel, true);
	return err ?: (all ? load_rest(*programs) : 0);
}

void programs_close(struct programs *programs)
{
	if (!programs)
		return;
	inventory_bpf__destroy(programs->finder);
	inventory_bpf__destroy(programs->skel);
	free(programs);
}

static int read_records(int fd, size_t size, record_fn fn, void *ctx)
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
			err = fn(ctx, buffer + at);
			if (err)
				return err;
		}
	}
}

/* Run @prog over all files, and @fn over the records of @size bytes that it writes. */
static int run(const struct bpf_program *prog, size_t size, record_fn fn, void *ctx)
{
	struct bpf_link *link = bpf_program__attach_iter(prog, NULL);
	int err, fd;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	err = fd < 0 ? -errno : read_records(fd, size, fn, ctx);
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
static int set_positions(const struct programs *programs, const struct work *work, size_t n,
			 bool there)
{
	const struct bpf_map *map = programs->skel->maps.positions;
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

int programs_work(struct programs *programs, struct work *work, size_t n, batch_fn fn, void *ctx)
{
	int err = load_rest(programs);
	struct inventory_job *jobs;

	for (size_t first = 0, size; first < n && !err; first += size) {
		struct work *batch = work + first;

		jobs = programs->skel->bss->jobs;
		size = n - first < INVENTORY_JOBS ? n - first : INVENTORY_JOBS;
		for (size_t i = 0; i < size; i++)
			jobs[i] = batch[i].job;
		err = set_positions(programs, batch, size, true) ?: fn(ctx, jobs, first, size) ?:
		      set_positions(programs, batch, size, false);
		for (size_t i = 0; i < size; i++)
			batch[i].job = jobs[i];
	}
	return err;
}

int programs_find(struct programs *programs, record_fn fn, void *ctx)
{
	return run(programs->finder->progs.find_files, sizeof(struct inventory_file), fn, ctx);
}

int programs_list(struct programs *programs, record_fn fn, void *ctx)
{
	return run(programs->skel->progs.list_slots, sizeof(struct inventory_slot), fn, ctx);
}

int programs_count(struct programs *programs, bool *progress)
{
	int err;

	programs->skel->bss->progress = 0;
	err = run(programs->skel->progs.count_pages, 0, NULL, NULL);
	*progress = programs->skel->bss->progress;
	return err;
}
