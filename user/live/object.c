// SPDX-License-Identifier: GPL-2.0-only
/*
 * libbpf is told as little as it needs: what it would look up for itself, in all of the kernel's BTF
 * and once for each program, kernel.c and core_types.c have found already.
 */
#include "object.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "base/cpus.h"
#include "base/process.h"
#include "core_types.h"
#include "gmem.skel.h"
#include "kernel.h"
#include "rings.h"

#define OWNERS_PER_HISTOGRAM 2 /* and per row of errors */
#define STACKS 16384

/*
 * What is known of pages takes at most this part of the machine's memory. There is room to say where it
 * is for this many times as much as the machine has, since guest_memfds can be sparse, and for 1 TiB at
 * least; and for so many small ones besides.
 */
#define PAGES_SHARE 64
#define SPARSE 4
#define MIN_BYTES (1ULL << 40)
#define MIN_GROUPS 2048

int object_rare_hook(const struct object *object, const struct hook *hook)
{
	static const char *const names[] = {
#define X(name, ...) #name,
		RARE_HOOKS(X, X)
#undef X
	};

	for (int i = 0; i < NR_RARE_HOOKS && (object->multi || object->exact); i++)
		if (!strcmp(hook->program, names[i]))
			return i;
	return -1;
}

bool object_is_probe(const struct object *object, const struct hook *hook)
{
	return object->exact && hook->kind != HOOK_TRACEPOINT && object_rare_hook(object, hook) < 0;
}

struct bpf_program *object_program(const struct object *object, const struct hook *hook, int n)
{
	static const char *const ends[] = { "_entry", "_exit" };
	const char *suffix = "";
	char name[64];

	if (object_rare_hook(object, hook) >= 0)
		return n	       ? NULL
		       : object->exact ? object->skel->progs.rare_probe
				       : object->skel->progs.rare_session;
	if (n >= (hook->kind == HOOK_BOTH_ENDS && !object->fsession && !object->exact ? 2 : 1))
		return NULL;
	if (object_is_probe(object, hook))
		suffix = "_probe";
	else if (hook->kind == HOOK_BOTH_ENDS)
		suffix = object->fsession ? "_session" : ends[n];
	snprintf(name, sizeof(name), "%s%s", hook->program, suffix);
	return bpf_object__find_program_by_name(object->skel->obj, name);
}

/* Two events can share a hook. */
static bool hook_enabled(const struct object *object, const struct hook *hook)
{
	for (size_t i = 0; i < object->ntargets; i++)
		if (!strcmp(object->targets[i].hook->program, hook->program))
			return true;
	return false;
}

static void hook_enable(struct object *object, const struct hook *hook)
{
	struct bpf_program *prog;

	if (hook_enabled(object, hook))
		return;
	for (int n = 0; (prog = object_program(object, hook, n)); n++) {
		bpf_program__set_autoload(prog, true);
		object->targets[object->ntargets++] = (struct target){ prog, hook, NULL, 0 };
	}
}

static void ladders_enable(struct object *object, const struct choice *choice, int from, int to,
			   __u64 wanted)
{
	for (int ladder = from; ladder < to; ladder++) {
		const struct rung *rung = choice_rung(choice, ladder);

		for (int i = 0; rung && wanted & 1ULL << ladder && i < RUNG_HOOKS; i++)
			if (rung->hooks[i].program)
				hook_enable(object, &rung->hooks[i]);
	}
}

/* libbpf gives its callbacks no context of the caller's. */
static const struct object *loading;

/* The kernel function for which @imm stands; 0 if it is none. */
static int session_call(const struct session_calls *calls, int imm)
{
	if (imm == CALL_SESSION_IS_RETURN)
		return calls->is_return;
	return imm == CALL_SESSION_COOKIE ? calls->cookie : 0;
}

/* Put the kernel functions where their stand-ins are called. 0 or a negative errno. */
static int set_session_calls(struct bpf_program *prog, const struct session_calls *calls)
{
	size_t n = bpf_program__insn_cnt(prog), size = n * sizeof(struct bpf_insn);
	struct bpf_insn *insns = malloc(size);
	int err;

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), size);
	for (size_t i = 0; i < n; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) && !insns[i].src_reg &&
		    session_call(calls, insns[i].imm)) {
			insns[i].src_reg = BPF_PSEUDO_KFUNC_CALL;
			insns[i].imm = session_call(calls, insns[i].imm);
		}
	err = bpf_program__set_insns(prog, insns, n);
	free(insns);
	return err;
}

/*
 * Tell the kernel the function as a BTF id. bpf_program__set_attach_target() would search the
 * whole kernel's BTF for its name, once for each program: seconds under emulation.
 */
static int set_target(struct bpf_program *prog, struct bpf_prog_load_opts *options, long cookie)
{
	const struct target *target = loading->targets;
	int btf_fd;

	(void)cookie;
	while (target->prog != prog)
		target++;
	if (options->expected_attach_type == BPF_TRACE_KPROBE_SESSION)
		return set_session_calls(prog,
					 &loading->calls); /* the link says to which functions */
	bpf_program__set_type(prog, BPF_PROG_TYPE_TRACING);
	options->attach_btf_id = kernel_target(loading->kernel, target->hook, &btf_fd);
	options->attach_btf_obj_fd = btf_fd;
	if (options->expected_attach_type == BPF_TRACE_FSESSION_MULTI)
		options->attach_btf_id = 0; /* the link says to which functions */
	return loading->fsession ? set_session_calls(prog, &loading->calls) : 0;
}

static int register_sections(void)
{
	static const struct {
		const char *section;
		enum bpf_prog_type prog;
		enum bpf_attach_type type;
	} sections[] = {
		{ "fentry", KERNEL_NOT_YET_TRACING, BPF_TRACE_FENTRY },
		{ "fexit", KERNEL_NOT_YET_TRACING, BPF_TRACE_FEXIT },
		{ "fsession", KERNEL_NOT_YET_TRACING, BPF_TRACE_FSESSION },
		{ "tp_btf", KERNEL_NOT_YET_TRACING, BPF_TRACE_RAW_TP },
		{ "fsession.multi", KERNEL_NOT_YET_TRACING, BPF_TRACE_FSESSION_MULTI },
		{ "kprobe.session", BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_SESSION },
	};
	LIBBPF_OPTS(libbpf_prog_handler_opts, options, .prog_prepare_load_fn = set_target);
	static bool done;
	int id = 0;

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections) && !done && id >= 0; i++)
		id = libbpf_register_prog_handler(sections[i].section, sections[i].prog,
						  sections[i].type, &options);
	done = id >= 0;
	return id < 0 ? id : 0;
}

static int pages_configure(struct gmem_bpf *skel, __u64 max_bytes)
{
	__u64 page_bytes = sysconf(_SC_PAGESIZE), bytes = sysconf(_SC_PHYS_PAGES) * page_bytes;
	__u32 page_bits = ffs(page_bytes) - 1, groups;
	__u32 chunks = (max_bytes ?: bytes / PAGES_SHARE) /
		       (sizeof(struct pages_leaf) << PAGES_CHUNK_BITS);

	bytes *= SPARSE;
	groups = (bytes > MIN_BYTES ? bytes : MIN_BYTES) >> (page_bits + GROUP_PAGE_BITS);
	groups += MIN_GROUPS;
	skel->rodata->page_bits = page_bits;
	skel->rodata->max_page_groups = groups;
	/* One is there in any case. */
	return bpf_map__set_max_entries(skel->maps.page_leaves, chunks ?: 1)
		       ?: bpf_map__set_max_entries(skel->maps.page_groups, groups)
		       ?: bpf_map__set_max_entries(skel->maps.supply_wakes, page_bytes);
}

/* Where nothing is recorded, the maps are there, but small. */
static int rings_configure(const struct session_options *options, struct gmem_bpf *skel,
			   __u32 ncpus)
{
	skel->rodata->record_events = options->record_events;
	skel->rodata->wake_bytes = rings_wake_bytes(options->buffer_bytes);
	return options->record_events ? bpf_map__set_max_entries(skel->maps.rings, ncpus) : 0;
}

static int object_configure(struct object *object)
{
	const struct session_options *options = object->options;
	/* One less than there can be: -1 has no index. */
	__u32 owners =
		options->max_owners < OWNER_INDEX_MASK ? options->max_owners : OWNER_INDEX_MASK;
	__u32 histograms = owners / OWNERS_PER_HISTOGRAM;
	struct gmem_bpf *skel = object->skel;

	skel->rodata->max_owners = owners;
	skel->rodata->max_histograms = histograms;
	skel->rodata->stack_events = options->stack_events;
	skel->rodata->min_latency_ns = options->min_latency_ns;
	skel->rodata->sample = options->sample;
	skel->rodata->heat = options->heat;
	skel->rodata->filter = options->filter;
	skel->rodata->root_tgid = getpid();
	skel->rodata->pid_namespace = process_namespace();
	/* What belongs to a process that is still to be started is not older than we. */
	skel->bss->asking.unsure = options->filter != FILTER_TREE;
	return pages_configure(skel, options->max_page_bytes) ?: rings_configure(options, skel, object->ncpus) ?:
	       bpf_map__set_max_entries(skel->maps.owners, owners) ?:
	       bpf_map__set_max_entries(skel->maps.histograms, histograms) ?:
	       bpf_map__set_max_entries(skel->maps.errors, histograms) ?:
	       bpf_map__set_max_entries(skel->maps.cpu_slots,
					FAULT_TALLIES * object->ncpus) ?:
	       bpf_map__set_max_entries(skel->maps.host_tallies, HOST_TALLIES * object->ncpus) ?:
	       bpf_map__set_max_entries(skel->maps.heats, options->heat ? owners : 1) ?:
	       bpf_map__set_max_entries(skel->maps.owner_index, owners) ?:
	       bpf_map__set_max_entries(skel->maps.free_owners, owners) ?:
	       bpf_map__set_max_entries(skel->maps.free_histograms, histograms) ?:
	       bpf_map__set_max_entries(skel->maps.stacks, options->stack_events ? STACKS : 1) ?:
	       bpf_map__set_max_entries(skel->maps.stack_stats, STACKS) ?:
	       bpf_map__set_max_entries(skel->maps.pids, options->npids ?: 1);
}

/* Open the object, and write into @types (the file @path) what of the kernel's types it is to be loaded with. */
static int object_open(struct object *object, int types, const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = path);

	object->skel = gmem_bpf__open_opts(&options);
	if (!object->skel)
		return -errno;
	return core_types_write(types, kernel_btf(object->kernel),
				bpf_object__btf(object->skel->obj));
}

/* Where in its interval each CPU is, is as much chance as all that follows. */
static void sample_configure(struct gmem_bpf *skel, __u32 sample)
{
	for (size_t cpu = 0; cpu < BEGUN_CPUS; cpu++)
		skel->bss->fault_cpus[cpu].untimed = arc4random_uniform(2 * sample - 1);
	skel->rodata->fault_kind = FAULT_SAMPLED;
	skel->rodata->fault_context = false;
}

/* What the programs of the guest fault, whose instructions count, need not ask themselves. */
static void fault_configure(const struct object *object, const struct choice *choice)
{
	const struct session_options *options = object->options;
	const struct rung *fault = choice_rung(choice, EV_GUEST_FAULT);
	struct gmem_bpf *skel = object->skel;

	for (size_t i = 0; i < object->ntargets; i++)
		if (!strcmp(object->targets[i].hook->program, "attributes"))
			skel->rodata->attributes_at =
				kernel_arguments(object->kernel, object->targets[i].hook) - 1;
	for (size_t i = 0; i < object->ntargets; i++)
		if (object->targets[i].hook->in_fault)
			skel->rodata->fault_context = true;
	skel->rodata->fault_has_arguments =
		fault && kernel_arguments(object->kernel, fault->hooks) == FAULT_ARGUMENTS;
	if (options->sample)
		sample_configure(skel, options->sample);
	else if (skel->rodata->fault_has_arguments && !skel->rodata->fault_context &&
		 !options->record_events && !options->stack_events && !options->min_latency_ns &&
		 options->filter != FILTER_PIDS)
		skel->rodata->fault_kind = options->heat ? FAULT_HEAT : FAULT_PLAIN;
}

static int object_fill(struct object *object, const struct choice *choice, __u64 wanted)
{
	int err = object_configure(object);

	/* VMs and slots are kept apart before there are events of them. */
	ladders_enable(object, choice, NR_EVENTS, NR_LADDERS, wanted);
	ladders_enable(object, choice, 0, NR_EVENTS, wanted);
	fault_configure(object, choice);
	loading = object;
	return err ?: gmem_bpf__load(object->skel);
}

int object_load(struct object *object, const struct choice *choice, __u64 wanted)
{
	char path[32];
	int types, err;

	object_close(object);
	types = core_types_file(path);
	if (types < 0)
		return types;
	err = object_open(object, types, path) ?: object_fill(object, choice, wanted);
	close(types);
	return err;
}

int object_set_pids(const struct object *object)
{
	__u8 wanted = 1;
	int err = 0;

	for (size_t i = 0; i < object->options->npids && !err; i++) {
		__u32 tgid = object->options->pids[i];

		err = bpf_map__update_elem(object->skel->maps.pids, &tgid, sizeof(tgid), &wanted,
					   sizeof(wanted), BPF_ANY);
	}
	return err;
}

/* The programs find what is a CPU's by its number. */
static int read_cpus(struct object *object)
{
	struct cpus cpus;
	int err = cpus_possible(&cpus);

	object->ncpus = cpus_end(&cpus);
	cpus_free(&cpus);
	return err;
}

int object_init(struct object *object, const struct session_options *options,
		const struct kernel *kernel)
{
	object->options = options;
	object->kernel = kernel;
	object->fsession = !options->no_fsession && kernel_fsession(kernel, &object->calls);
	object->exact = options->exact && kernel_probes(kernel, &object->calls);
	object->multi = !object->exact && object->fsession && kernel_fsession_multi();
	return read_cpus(object) ?: register_sections();
}

void object_close(struct object *object)
{
	while (object->ntargets) {
		struct target *target = &object->targets[--object->ntargets];

		bpf_link__destroy(target->link);
		if (target->probe_link > 0)
			close(target->probe_link);
	}
	if (object->rare_link)
		close(object->rare_link);
	object->rare_link = 0;
	gmem_bpf__destroy(object->skel);
	object->skel = NULL;
}
