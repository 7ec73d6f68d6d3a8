// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the ladder to attached programs. A rung counts as usable only when all of its programs
 * really load and attach; when one does not, its event goes down a rung (or becomes unavailable)
 * and everything is tried again, so that what remains is one object in one piece.
 */
#include "session.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "base/open_files.h"
#include "base/process.h"
#include "base/since.h"
#include "core_types.h"
#include "gmem.skel.h"
#include "kernel.h"
#include "model/events.h"
#include "rings.h"
#include "stack_names.h"

#define DEFAULT_OWNERS 8192
#define OWNERS_PER_HISTOGRAM 2 /* and per row of errors */
#define STACKS 16384

/*
 * Leaves for all of the machine's memory if it were guest_memfd; directories for this many times
 * that, since guest_memfds can be sparse, and for 1 TiB at least. Of both one more for each owner,
 * which may be a small guest_memfd.
 */
#define SPARSE 4
#define MIN_PAGE_DIRS (1U << (40 - 12 - PAGES_LEAF_BITS - PAGES_DIR_BITS))

/* Both ends of every hook of every event and of the keepers. */
#define MAX_TARGETS ((NR_EVENTS + 1) * RUNG_HOOKS * 2)

/* A program, the function it is for, and its link once it is attached. */
struct target {
	struct bpf_program *prog;
	const struct hook *hook;
	struct bpf_link *link;
};

/* An array that the programs write; at NULL: none. */
struct mapped {
	const void *at;
	size_t size;
};

struct session {
	struct session_options options;
	struct kernel *kernel;
	struct gmem_bpf *skel;
	struct hook_state hooks[NR_EVENTS];
	struct {
		__u64 end_misses, recursion_misses, unended;
	} before[NR_EVENTS]; /* the start: no losses of the capture */
	int stats_fd; /* the kernel counts runs while it is open; 0: not open */
	bool fsession; /* one program for both ends, not two: see kernel_fsession() */
	struct session_calls calls;
	bool multi; /* one program for all of RARE_HOOKS: see kernel_fsession_multi() */
	int multi_link; /* its descriptor; 0: none */
	struct target targets[MAX_TARGETS];
	size_t ntargets;
	struct mapped owners, histograms, cells, heats; /* heats: if options.heat */
	struct rings *rings; /* NULL: nothing is recorded */
	int fence_fd, fenced_fd; /* a map of maps, and the one that is put into it; 0: none yet */
	bool counting; /* between start and stop */
	struct stack_names *stack_names; /* if options.stack_events */
};

static const struct rung *rung_of(const struct session *session, int event)
{
	return &ladders[event].rungs[session->hooks[event].rung];
}

/* Call @fn with each hook of @rung; stop at the first negative answer. */
typedef int (*hook_fn)(struct session *session, const struct hook *hook);

static int rung_each(struct session *session, const struct rung *rung, hook_fn fn)
{
	int err;

	for (int i = 0; i < RUNG_HOOKS && rung->hooks[i].program; i++) {
		err = fn(session, &rung->hooks[i]);
		if (err)
			return err;
	}
	return 0;
}

static void event_unavailable(struct hook_state *state, const char *reason)
{
	state->rung = -1;
	state->attached = false;
	snprintf(state->reason, sizeof(state->reason), "%s", reason);
}

/* The function for want of which the rung is not there. */
static const char *rung_wants(const struct session *session, const struct rung *rung)
{
	const struct hook *hook = rung->hooks;

	while (hook < rung->hooks + RUNG_HOOKS - 1 && hook[1].program &&
	       kernel_has_hook(hook, session->kernel))
		hook++;
	return hook->function;
}

/* "not in this kernel: kvm_gmem_prepare_memory_region, kvm_gmem_bind (since 6.8)" */
static void event_missing(const struct session *session, struct hook_state *state,
			  const struct ladder *ladder)
{
	const char *since = "in flight", *last = "";
	char names[120] = "";
	size_t len = 0;

	for (int i = 0; i < EVENT_RUNGS && ladder->rungs[i].since && len < sizeof(names); i++) {
		const char *function = rung_wants(session, &ladder->rungs[i]);
		const struct rung *next = &ladder->rungs[i + 1];

		since = ladder->rungs[i].since;
		/* Nobody misses what is in flight where a released kernel has something. */
		if (!strcmp(since, "in flight") && i + 1 < EVENT_RUNGS && next->since)
			continue;
		if (strcmp(last, function))
			len += snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
					function);
		last = function;
	}
	event_unavailable(state, "");
	if (strcmp(since, "in flight"))
		snprintf(state->reason, sizeof(state->reason), "not in this kernel: %s (since %s)",
			 names, since);
	else
		snprintf(state->reason, sizeof(state->reason),
			 "not in this kernel: %s (in no released one)", names);
}

/* Take the event down to its next present rung, from @from on. */
static void event_choose(struct session *session, int event, int from)
{
	struct hook_state *state = &session->hooks[event];
	int rung = ladder_choose(&ladders[event], from, kernel_has_hook, session->kernel);

	if (rung >= 0)
		state->rung = rung;
	else if (from == 0)
		event_missing(session, state, &ladders[event]);
	else
		state->rung = -1; /* the reason is that of the last rung tried */
}

/* An event whose context is unavailable is unavailable too. */
static void choose_dependents(struct session *session)
{
	for (int event = 0; event < NR_EVENTS; event++)
		for (int need = 0; need < NR_EVENTS; need++)
			if (ladders[event].needs & 1ULL << need &&
			    session->hooks[event].rung >= 0 && session->hooks[need].rung < 0) {
				event_unavailable(&session->hooks[event], "");
				snprintf(session->hooks[event].reason,
					 sizeof(session->hooks[event].reason),
					 "needs %s, which is unavailable", event_descs[need].name);
			}
}

static void choose_rungs(struct session *session)
{
	__u64 needed = events_needed(session->options.events);

	for (int event = 0; event < NR_EVENTS; event++) {
		session->hooks[event].wanted = session->options.events & 1ULL << event;
		session->hooks[event].rung = -1;
		if (needed & 1ULL << event)
			event_choose(session, event, 0);
	}
	choose_dependents(session);
}

/* The number of a hook that shares a program with others; -1 when it has its own. */
static int rare_hook(const struct session *session, const struct hook *hook)
{
	static const char *const names[] = {
#define X(name) #name,
		RARE_HOOKS(X)
#undef X
	};

	for (int i = 0; i < NR_RARE_HOOKS && session->multi; i++)
		if (!strcmp(hook->program, names[i]))
			return i;
	return -1;
}

/* The @n-th program of a hook, in the order in which they are attached; NULL after the last. */
static struct bpf_program *hook_program(const struct session *session, const struct hook *hook,
					int n)
{
	static const char *const ends[] = { "_entry", "_exit" };
	const char *suffix = "";
	char name[64];

	if (rare_hook(session, hook) >= 0)
		return n ? NULL : session->skel->progs.rare_session;
	if (n >= (hook->kind == HOOK_BOTH_ENDS && !session->fsession ? 2 : 1))
		return NULL;
	if (hook->kind == HOOK_BOTH_ENDS)
		suffix = session->fsession ? "_session" : ends[n];
	snprintf(name, sizeof(name), "%s%s", hook->program, suffix);
	return bpf_object__find_program_by_name(session->skel->obj, name);
}

/* Two events can share a hook. */
static bool hook_enabled(const struct session *session, const struct hook *hook)
{
	for (size_t i = 0; i < session->ntargets; i++)
		if (!strcmp(session->targets[i].hook->program, hook->program))
			return true;
	return false;
}

static int hook_enable(struct session *session, const struct hook *hook)
{
	struct bpf_program *prog;

	if (hook_enabled(session, hook))
		return 0;
	for (int n = 0; (prog = hook_program(session, hook, n)); n++) {
		bpf_program__set_autoload(prog, true);
		session->targets[session->ntargets++] = (struct target){ prog, hook, NULL };
	}
	return 0;
}

/* libbpf gives its callbacks no context of the caller's. */
static const struct session *loading;

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
		enum bpf_attach_type type;
	} sections[] = {
		{ "fentry", BPF_TRACE_FENTRY },
		{ "fexit", BPF_TRACE_FEXIT },
		{ "fsession", BPF_TRACE_FSESSION },
		{ "tp_btf", BPF_TRACE_RAW_TP },
		{ "fsession.multi", BPF_TRACE_FSESSION_MULTI },
	};
	LIBBPF_OPTS(libbpf_prog_handler_opts, options, .prog_prepare_load_fn = set_target);
	static bool done;
	int id = 0;

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections) && !done && id >= 0; i++)
		id = libbpf_register_prog_handler(sections[i].section, KERNEL_NOT_YET_TRACING,
						  sections[i].type, &options);
	done = id >= 0;
	return id < 0 ? id : 0;
}

static int pages_configure(struct gmem_bpf *skel, __u32 owners)
{
	__u32 leaves = sysconf(_SC_PHYS_PAGES) >> PAGES_LEAF_BITS;
	__u32 dirs = SPARSE * (leaves >> PAGES_DIR_BITS);

	leaves += owners;
	dirs = owners + (dirs > MIN_PAGE_DIRS ? dirs : MIN_PAGE_DIRS);
	skel->rodata->max_page_leaves = leaves;
	skel->rodata->max_page_dirs = dirs;
	return bpf_map__set_max_entries(skel->maps.page_leaves, leaves)
		       ?: bpf_map__set_max_entries(skel->maps.page_dirs, dirs);
}

/* Where nothing is recorded, the maps are there, but small. */
static int rings_configure(const struct session_options *options, struct gmem_bpf *skel)
{
	skel->rodata->record_events = options->record_events;
	skel->rodata->wake_bytes = rings_wake_bytes(options->buffer_bytes);
	return options->record_events
		       ? bpf_map__set_max_entries(skel->maps.rings, libbpf_num_possible_cpus())
		       : 0;
}

static int object_configure(struct session *session)
{
	const struct session_options *options = &session->options;
	__u32 owners = options->max_owners ?: DEFAULT_OWNERS;
	__u32 histograms = owners / OWNERS_PER_HISTOGRAM;
	struct gmem_bpf *skel = session->skel;

	skel->rodata->max_owners = owners;
	skel->rodata->max_histograms = histograms;
	skel->rodata->stack_events = options->stack_events;
	skel->rodata->min_latency_ns = options->min_latency_ns;
	skel->rodata->heat = options->heat;
	skel->rodata->filter = options->filter;
	skel->rodata->root_tgid = getpid();
	skel->rodata->pid_namespace = process_namespace();
	/* What belongs to a process that is still to be started is not older than we. */
	skel->bss->late_gmems = options->filter != FILTER_TREE;
	return pages_configure(skel, owners) ?: rings_configure(options, skel) ?:
	       bpf_map__set_max_entries(skel->maps.owners, owners) ?:
	       bpf_map__set_max_entries(skel->maps.histograms, histograms) ?:
	       bpf_map__set_max_entries(skel->maps.errors, histograms) ?:
	       bpf_map__set_max_entries(skel->maps.fault_places,
					FAULT_CELLS * libbpf_num_possible_cpus()) ?:
	       bpf_map__set_max_entries(skel->maps.heats, options->heat ? owners : 1) ?:
	       /* VMs that the filter leaves out have a key, too. */
	       bpf_map__set_max_entries(skel->maps.owner_index, owners * 2) ?:
	       bpf_map__set_max_entries(skel->maps.stacks, options->stack_events ? STACKS : 1) ?:
	       bpf_map__set_max_entries(skel->maps.stack_stats, STACKS) ?:
	       bpf_map__set_max_entries(skel->maps.pids, options->npids ?: 1);
}

/* Open the object, and write into @types (the file @path) what of the kernel's types it is to be loaded with. */
static int object_open(struct session *session, int types, const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = path);

	session->skel = gmem_bpf__open_opts(&options);
	if (!session->skel)
		return -errno;
	return core_types_write(types, kernel_btf(session->kernel),
				bpf_object__btf(session->skel->obj));
}

/* What the programs of the guest fault, whose instructions count, need not ask themselves. */
static void fault_configure(const struct session *session)
{
	const struct session_options *options = &session->options;
	const struct hook *fault =
		ladder_first_hook(&ladders[EV_GUEST_FAULT], session->hooks[EV_GUEST_FAULT].rung);
	struct gmem_bpf *skel = session->skel;

	if (fault)
		skel->rodata->fault_arguments = kernel_arguments(session->kernel, fault);
	for (size_t i = 0; i < session->ntargets; i++)
		if (session->targets[i].hook->in_fault)
			skel->rodata->fault_context = true;
	skel->rodata->fault_plain = !skel->rodata->fault_context && !options->heat &&
				    !options->record_events && !options->stack_events &&
				    !options->min_latency_ns && options->filter != FILTER_PIDS;
}

/* Load the keepers and the chosen rungs of @events. 0 or a negative errno. */
static int object_load(struct session *session, __u64 events)
{
	int err;

	err = object_configure(session) ?: rung_each(session, &keeper_rung, hook_enable);
	for (const struct hook *hook = optional_keepers; hook->program && !err; hook++)
		if (kernel_has_hook(hook, session->kernel))
			err = hook_enable(session, hook);
	for (int event = 0; event < NR_EVENTS && !err; event++)
		if (events & 1ULL << event && session->hooks[event].rung >= 0)
			err = rung_each(session, rung_of(session, event), hook_enable);
	fault_configure(session);
	loading = session;
	return err ?: gmem_bpf__load(session->skel);
}

static int object_open_and_load(struct session *session, __u64 events)
{
	char path[32];
	int types = core_types_file(path), err;

	if (types < 0)
		return types;
	err = object_open(session, types, path) ?: object_load(session, events);
	close(types);
	return err;
}

static void array_unmap(struct mapped *mapped)
{
	if (mapped->at)
		munmap((void *)mapped->at, mapped->size);
	mapped->at = NULL;
}

static void object_close(struct session *session)
{
	array_unmap(&session->owners);
	array_unmap(&session->histograms);
	array_unmap(&session->cells);
	array_unmap(&session->heats);
	while (session->ntargets)
		bpf_link__destroy(session->targets[--session->ntargets].link);
	if (session->multi_link)
		close(session->multi_link);
	session->multi_link = 0;
	gmem_bpf__destroy(session->skel);
	session->skel = NULL;
}

/* What has nothing to do with which program it was: to do without one does not help. */
static bool is_everywhere(int err)
{
	return open_files_spent(err) || err == -ENOMEM || err == -EFBIG;
}

static void event_failed(struct session *session, int event, const char *function, int err,
			 bool loaded)
{
	struct hook_state *state = &session->hooks[event];
	int rung = state->rung;

	if (err == -ENOENT || err == -ESRCH)
		snprintf(state->reason, sizeof(state->reason),
			 "%s is in BTF but not a function of its own (inlined)", function);
	else if (loaded && err == -E2BIG) /* BPF_MAX_TRAMP_LINKS */
		snprintf(state->reason, sizeof(state->reason),
			 "%s has no place for a program: other tracers hold all of them", function);
	else
		snprintf(state->reason, sizeof(state->reason), "%s cannot be attached to: %s",
			 function, strerror(-err));
	event_choose(session, event, rung + 1);
}

/* Loading has failed: find out which events are to blame by loading each alone. */
static int blame_load(struct session *session, int err)
{
	bool found = false;

	if (session->multi) {
		session->multi = false; /* alone, each says what is wrong with it */
		return 0;
	}
	for (int event = 0; event < NR_EVENTS; event++) {
		if (session->hooks[event].rung < 0)
			continue;
		object_close(session);
		err = object_open_and_load(session, 1ULL << event);
		if (!err)
			continue;
		event_failed(session, event, rung_of(session, event)->hooks[0].function, err,
			     false);
		found = true;
	}
	choose_dependents(session);
	return found ? 0 : err;
}

/* The event @hook belongs to in this session cannot have it. Keepers cannot be done without. */
static int blame_attach(struct session *session, const struct hook *hook, int err)
{
	bool found = false;

	if (is_everywhere(err))
		return err;
	for (int event = 0; event < NR_EVENTS; event++) {
		const struct rung *rung;

		if (session->hooks[event].rung < 0)
			continue;
		rung = rung_of(session, event);
		for (int i = 0; i < RUNG_HOOKS && rung->hooks[i].program; i++)
			if (!strcmp(rung->hooks[i].program, hook->program)) {
				event_failed(session, event, hook->function, err, true);
				found = true;
				break;
			}
	}
	choose_dependents(session);
	return found ? 0 : err;
}

/* All functions of the one program at once. 0 or a negative errno. */
static int attach_rare(struct session *session)
{
	__u64 cookies[NR_RARE_HOOKS];
	__u32 ids[NR_RARE_HOOKS], n = 0;
	int fd, btf_fd;

	for (size_t i = 0; i < session->ntargets; i++) {
		const struct hook *hook = session->targets[i].hook;
		int rare = rare_hook(session, hook);

		if (rare < 0)
			continue;
		ids[n] = kernel_target(session->kernel, hook, &btf_fd);
		cookies[n++] = rare;
	}
	fd = kernel_link_multi(bpf_program__fd(session->skel->progs.rare_session), ids, cookies, n);
	if (fd < 0)
		return fd;
	session->multi_link = fd;
	return 0;
}

/*
 * Attach in the order of the rungs, and the begin before the end, so that no end is ever seen
 * whose begin could not be. -EAGAIN when an event went down a rung.
 */
static int object_attach(struct session *session)
{
	if (session->multi && attach_rare(session)) {
		session->multi = false;
		return -EAGAIN;
	}
	for (size_t i = 0; i < session->ntargets; i++) {
		struct target *target = &session->targets[i];

		if (rare_hook(session, target->hook) >= 0)
			continue;
		target->link = bpf_program__attach_trace(target->prog);
		if (!target->link)
			return blame_attach(session, target->hook, -errno) ?: -EAGAIN;
	}
	return 0;
}

static int set_pids(struct session *session)
{
	__u8 wanted = 1;
	int err = 0;

	for (size_t i = 0; i < session->options.npids && !err; i++) {
		__u32 tgid = session->options.pids[i];

		err = bpf_map__update_elem(session->skel->maps.pids, &tgid, sizeof(tgid), &wanted,
					   sizeof(wanted), BPF_ANY);
	}
	return err;
}

static int load_and_attach(struct session *session)
{
	int err;

	do {
		object_close(session);
		err = object_open_and_load(session, ~0ULL);
		if (err == -EPERM || is_everywhere(err))
			return err;
		if (err)
			err = blame_load(session, err) ?: -EAGAIN;
		else
			/* Before any program asks whether a VM is wanted. */
			err = set_pids(session) ?: object_attach(session);
	} while (err == -EAGAIN);
	return err;
}

/* Map it, read-only. 0 or a negative errno. */
static int array_map(struct mapped *mapped, const struct bpf_map *map)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *at;

	mapped->size = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	mapped->size = (mapped->size + page - 1) & ~(page - 1);
	at = mmap(NULL, mapped->size, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);
	if (at == MAP_FAILED)
		return -errno;
	mapped->at = at;
	return 0;
}

static int map_arrays(struct session *session)
{
	int err = array_map(&session->owners, session->skel->maps.owners)
			  ?: array_map(&session->histograms, session->skel->maps.histograms)
			  ?: array_map(&session->cells, session->skel->maps.fault_places);

	if (!err && session->options.heat)
		err = array_map(&session->heats, session->skel->maps.heats);
	return err;
}

/*
 * When a map of maps changes, the kernel waits until no program runs any more that may have seen it as
 * it was (maybe_wait_bpf_programs(), 5.0). MEMBARRIER_CMD_GLOBAL would wait, too, but not with
 * nohz_full nor on one CPU.
 */
static int make_fence(struct session *session)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fenced", 4, 4, 1, NULL), fence;

	if (inner < 0)
		return inner;
	session->fenced_fd = inner;
	options.inner_map_fd = inner;
	fence = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "fence", 4, 4, 1, &options);
	if (fence < 0)
		return fence;
	session->fence_fd = fence;
	return 0;
}

/* Wait for all programs that run now. 0 or a negative errno. */
static int wait_for_programs(const struct session *session)
{
	__u32 first = 0;

	return bpf_map_update_elem(session->fence_fd, &first, &session->fenced_fd, BPF_ANY);
}

static int make_rings(struct session *session)
{
	const struct session_options *options = &session->options;

	if (!options->record_events)
		return 0;
	session->rings = rings_open(bpf_map__fd(session->skel->maps.rings),
				    bpf_map__fd(session->skel->maps.drops), options->buffer_bytes);
	return session->rings ? 0 : -errno;
}

static int make_stack_names(struct session *session)
{
	if (session->options.stack_events)
		session->stack_names = stack_names_new("/proc/kallsyms");
	return session->options.stack_events && !session->stack_names ? -ENOMEM : 0;
}

static int no_room(const struct session *session, struct problem *problem)
{
	const struct session_options *options = &session->options;
	__u32 owners = options->max_owners ?: DEFAULT_OWNERS;

	if (!options->record_events)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot trace: no memory for tables of %u VMs, slots and "
				   "guest_memfds. Make them smaller with --owners",
				   owners);
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot trace: no memory for tables of %u VMs, slots and guest_memfds, "
			   "or for a ring buffer of %zu KiB for each CPU. Make them smaller with "
			   "--owners and --buffer",
			   owners, rings_size(options->buffer_bytes) / 1024);
}

static int session_problem(const struct session *session, struct problem *problem, int err)
{
	if (err == -EPERM)
		return kernel_refused(problem);
	if (open_files_spent(err))
		return open_files_problem(problem);
	if (err == -ENOMEM)
		return no_room(session, problem);
	if (err == -E2BIG)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot trace: other tracers hold all places for programs on a "
				   "function of KVM. End one of them and try again");
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot trace: the kernel does not take the BPF programs (%s). See what "
			   "libbpf says with -v",
			   strerror(-err));
}

struct session *session_open(const struct session_options *options, struct problem *problem)
{
	struct session *session = calloc(1, sizeof(*session));
	int err;

	if (!session) {
		problem_memory(problem, "trace");
		return NULL;
	}
	session->options = *options;
	open_files_raise();
	session->kernel = kernel_open(options->verbose, problem);
	if (!session->kernel || kernel_check_attach(session->kernel, problem)) {
		session_close(session);
		return NULL;
	}
	session->fsession =
		!options->no_fsession && kernel_fsession(session->kernel, &session->calls);
	session->multi = session->fsession && kernel_fsession_multi(session->kernel);
	choose_rungs(session);
	err = register_sections() ?: load_and_attach(session) ?: map_arrays(session) ?:
	      make_rings(session) ?: make_fence(session) ?: make_stack_names(session);
	if (err)
		session_problem(session, problem, err);
	/* Now that a program sees when it is switched off. */
	if (err || kernel_check_tracing(problem)) {
		session_close(session);
		return NULL;
	}
	for (int event = 0; event < NR_EVENTS; event++) {
		session->hooks[event].attached = session->hooks[event].rung >= 0;
		if (session->hooks[event].attached)
			session->hooks[event].reason[0] = 0;
	}
	return session;
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

const char *session_programs(const struct session *session)
{
	if (!session->fsession)
		return "pairs";
	return session->multi ? "fsession.multi" : "fsession";
}

const struct kernel *session_kernel(const struct session *session)
{
	return session->kernel;
}

void session_start(struct session *session)
{
	const struct hook_state *hooks = session_hooks(session);

	for (int event = 0; event < NR_EVENTS; event++) {
		session->before[event].end_misses += hooks[event].end_misses;
		session->before[event].recursion_misses += hooks[event].recursion_misses;
		session->before[event].unended += hooks[event].unended;
	}
	session->counting = true;
	__atomic_store_n(&session->skel->data->active_since_ns, now_ns(), __ATOMIC_SEQ_CST);
}

#define IN_FLIGHT_MS 100

int session_stop(struct session *session, struct problem *problem)
{
	int err;

	__atomic_store_n(&session->skel->data->active_since_ns, ~0ULL, __ATOMIC_SEQ_CST);
	session->counting = false;
	/* What is read from now on does not change: counts agree with histograms to the last event. */
	err = wait_for_programs(session);
	if (err)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot read the counts: what still counts cannot be waited for "
				   "(%s). Try again",
				   strerror(-err));
	/* A fault under way looks like one whose end was missed. */
	for (int ms = 0; session_hooks(session)[EV_GUEST_FAULT].unended && ms < IN_FLIGHT_MS; ms++)
		usleep(1000);
	return 0;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	session_count_runs(session, false);
	rings_close(session->rings);
	if (session->fence_fd)
		close(session->fence_fd);
	if (session->fenced_fd)
		close(session->fenced_fd);
	stack_names_free(session->stack_names);
	object_close(session);
	kernel_close(session->kernel);
	free(session);
}

static void prog_refresh(struct hook_state *state, const struct bpf_program *prog,
			 enum hook_kind kind)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size))
		return;
	state->run_count += info.run_cnt;
	state->run_time_ns += info.run_time_ns;
	state->recursion_misses += info.recursion_misses;
	if (kind != HOOK_WHOLE)
		state->end_misses += info.recursion_misses;
}

static void hooks_refresh(struct session *session, struct hook_state *state,
			  const struct rung *rung)
{
	const struct bpf_program *prog, *last = NULL;
	const struct hook *hook = rung->hooks;

	state->run_count = 0;
	state->run_time_ns = 0;
	state->end_misses = 0;
	state->recursion_misses = 0;
	for (; hook < rung->hooks + RUNG_HOOKS && hook->program; hook++)
		for (int n = 0; (prog = hook_program(session, hook, n)); n++) {
			if (prog != last) /* RARE_HOOKS share theirs */
				prog_refresh(state, prog, hook->kind);
			last = prog;
		}
}

/*
 * An fsession's guest faults that have begun and not ended, if there were misses: then their ends
 * may have been missed. Those under way are among them.
 */
static __u64 faults_unended(struct session *session, const struct hook_state *state)
{
	const struct fault_cells cells = session_arrays(session).cells;
	__u64 begun = 0, ended = session->before[EV_GUEST_FAULT].unended;

	if (!session->fsession || !state->end_misses)
		return 0;
	/* In this order, so that what ends meanwhile has not: never more ends than begins. */
	for (__u32 i = 0; i < cells.n; i++)
		ended += __atomic_load_n(&fault_cell_at(&cells, i)->ended, __ATOMIC_ACQUIRE);
	for (size_t cpu = 0; cpu < BEGUN_CPUS; cpu++)
		begun += session->skel->bss->fault_cpus[cpu].begun;
	return count_since(begun, ended);
}

const struct hook_state *session_hooks(struct session *session)
{
	for (int event = 0; event < NR_EVENTS; event++) {
		struct hook_state *state = &session->hooks[event];

		if (!state->attached)
			continue;
		hooks_refresh(session, state, rung_of(session, event));
		/* While it goes on, most of those are under way and will end: they are not lost. */
		if (event == EV_GUEST_FAULT)
			state->unended = session->counting ? 0 : faults_unended(session, state);
		state->end_misses =
			count_since(state->end_misses, session->before[event].end_misses);
		state->recursion_misses = count_since(state->recursion_misses,
						      session->before[event].recursion_misses);
	}
	return session->hooks;
}

int session_check(struct session *session, struct problem *problem)
{
	const char *name = "", *reason = "";

	for (int event = 0; event < NR_EVENTS; event++) {
		const struct hook_state *hook = &session->hooks[event];

		if (!hook->wanted)
			continue;
		if (hook->attached)
			return 0;
		name = event_descs[event].name;
		reason = hook->reason;
	}
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot trace %s here: %s. `gmemtrace probe` says what can be traced",
			   name, reason);
}

__u64 session_switched_off(const struct session *session)
{
	__u64 times = __atomic_load_n(&session->skel->bss->times_off, __ATOMIC_RELAXED);
	struct problem problem;

	/* Where no program sees it, it is seen as long as it lasts. */
	return times ?: kernel_check_tracing(&problem) != 0;
}

struct rings *session_rings(struct session *session)
{
	return session->rings;
}

void session_count_runs(struct session *session, bool on)
{
	if (on && session->stats_fd <= 0)
		session->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (on || session->stats_fd <= 0)
		return;
	close(session->stats_fd);
	session->stats_fd = 0;
}

static __u32 at_most(__u32 n, const struct bpf_map *map)
{
	__u32 max = bpf_map__max_entries(map);

	return n < max ? n : max;
}

struct session_arrays session_arrays(struct session *session)
{
	const struct gmem_bpf *skel = session->skel;

	return (struct session_arrays){
		.owners = session->owners.at,
		.nowners = at_most(skel->data->next_owner, skel->maps.owners),
		.histograms = session->histograms.at,
		.nhistograms = at_most(skel->data->next_histogram, skel->maps.histograms),
		.cells = { .at = session->cells.at,
			   .size = bpf_map__value_size(skel->maps.fault_places),
			   .n = bpf_map__max_entries(skel->maps.fault_places) },
		.heats = session->heats.at,
		.firsts = !session->options.min_latency_ns,
		.errors_fd = bpf_map__fd(skel->maps.errors),
		.stacks_fd = bpf_map__fd(skel->maps.stacks),
		.stack_stats_fd =
			session->options.stack_events ? bpf_map__fd(skel->maps.stack_stats) : -1,
		.stack_names = session->stack_names,
		.losses = skel->bss->losses,
		.rings = session->rings,
	};
}
