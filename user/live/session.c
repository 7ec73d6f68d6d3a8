// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a session: what object.c and attach.c have loaded and attached, the arrays that its
 * programs write, what became of its hooks, and what they have missed.
 */
#include "session.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "attach.h"
#include "base/clock.h"
#include "base/open_files.h"
#include "base/since.h"
#include "gmem.skel.h"
#include "kernel.h"
#include "model/events.h"
#include "object.h"
#include "programs.h"
#include "recycle.h"
#include "rings.h"
#include "stack_names.h"
#include "supply.h"

#define DEFAULT_OWNERS 8192

/* Pages are freed after the release: so long what frees them is told of the guest_memfd. */
#define FREE_NS NS_PER_S

/* An array that the programs write; at NULL: none. */
struct mapped {
	void *at;
	size_t size;
};

struct session {
	struct session_options options;
	struct kernel *kernel;
	struct choice choice;
	struct object object;
	struct programs *programs;
	__u64 unended_before[NR_EVENTS]; /* at the start: no losses of the capture */
	int stats_fd; /* the kernel counts runs while it is open; 0: not open */
	struct mapped owners, histograms, heats; /* heats: if options.heat */
	struct mapped tallies[TALLIED_EVENTS];
	struct supply *supply; /* of memory for pages */
	struct rings *rings; /* NULL: nothing is recorded */
	int fence_fd, fenced_fd; /* a map of maps, and the one that is put into it; 0: none yet */
	bool counting; /* between start and stop */
	bool strangers; /* guest_memfds that are older than the start may not have been met */
	struct stack_names *stack_names; /* if options.stack_events */
	struct recycle *recycle;
};

static void array_unmap(struct mapped *mapped)
{
	if (mapped->at)
		munmap(mapped->at, mapped->size);
}

/* Map it. 0 or a negative errno. */
static int array_map(struct mapped *mapped, const struct bpf_map *map, int prot)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *at;

	mapped->size = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	mapped->size = (mapped->size + page - 1) & ~(page - 1);
	at = mmap(NULL, mapped->size, prot, MAP_SHARED, bpf_map__fd(map), 0);
	if (at == MAP_FAILED)
		return -errno;
	mapped->at = at;
	return 0;
}

static int map_arrays(struct session *session)
{
	const struct gmem_bpf *skel = session->object.skel;
	int write = PROT_READ | PROT_WRITE; /* what recycle.c empties */
	int err = array_map(&session->owners, skel->maps.owners, write) ?:
		  array_map(&session->histograms, skel->maps.histograms, write) ?:
		  array_map(&session->tallies[EV_GUEST_FAULT], skel->maps.cpu_slots, PROT_READ) ?:
		  array_map(&session->tallies[EV_HOST_FAULT], skel->maps.host_tallies, PROT_READ);

	if (!err && session->options.heat)
		err = array_map(&session->heats, skel->maps.heats, write);
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

int session_fence(const struct session *session)
{
	__u32 first = 0;

	return bpf_map_update_elem(session->fence_fd, &first, &session->fenced_fd, BPF_ANY);
}

static int make_supply(struct session *session)
{
	session->supply = supply_start(session->object.skel, session->object.exact);
	return session->supply ? 0 : -errno;
}

static int make_rings(struct session *session)
{
	const struct session_options *options = &session->options;

	if (!options->record_events)
		return 0;
	session->rings =
		rings_open(bpf_map__fd(session->object.skel->maps.rings),
			   bpf_map__fd(session->object.skel->maps.drops), options->buffer_bytes);
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

	if (!options->record_events)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot trace: no memory for tables of %u VMs, slots and "
				   "guest_memfds. Make them smaller with --owners",
				   options->max_owners);
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot trace: no memory for tables of %u VMs, slots and guest_memfds, "
			   "or for a ring buffer of %zu KiB for each CPU. Make them smaller with "
			   "--owners and --buffer",
			   options->max_owners, rings_size(options->buffer_bytes) / 1024);
}

/* Without it VMs and slots cannot be told apart. */
static int no_keeper(const struct session *session, int keeper, struct problem *problem)
{
	return problem_set(
		problem, EXIT_IMPOSSIBLE,
		"cannot trace: no way to see when this kernel %s: %s. Use a newer version, "
		"which may know one",
		ladders[keeper].keeps, session->choice.states[keeper].reason);
}

/* Programs are loaded again by libbpf when a signal was in the way: it is a thread that was refused. */
static int no_thread(struct problem *problem, int err)
{
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot trace: no thread for memory of pages: %s. End something and try "
			   "again",
			   strerror(-err));
}

static int session_problem(const struct session *session, struct problem *problem, int err)
{
	int keeper = choice_missing_keeper(&session->choice);

	if (err == -EPERM)
		return kernel_refused(problem);
	if (open_files_spent(err))
		return open_files_problem(problem);
	if (err == -ENOMEM)
		return no_room(session, problem);
	if (err == -EAGAIN)
		return no_thread(problem, err);
	if (err == -E2BIG)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot trace: other tracers hold all places for programs on a "
				   "function of KVM. End one of them and try again");
	if (keeper >= 0 && (err == -ENOENT || err == -ESRCH))
		return no_keeper(session, keeper, problem);
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
	session->recycle = recycle_new();
	if (!session->recycle) {
		problem_memory(problem, "trace");
		session_close(session);
		return NULL;
	}
	session->options.max_owners = options->max_owners ?: DEFAULT_OWNERS;
	open_files_raise();
	session->kernel = kernel_open(options->verbose, problem);
	if (!session->kernel || kernel_check_attach(session->kernel, problem)) {
		session_close(session);
		return NULL;
	}
	choice_make(&session->choice, options->events, kernel_has_hook, session->kernel);
	err = object_init(&session->object, &session->options, session->kernel);
	if (options->exact && !session->object.exact) {
		problem_set(problem, EXIT_IMPOSSIBLE,
			    "cannot trace exactly: this kernel has no probes that miss nothing, "
			    "which came with Linux 6.14. Leave --exact out, and see what is said "
			    "to be lost");
		session_close(session);
		return NULL;
	}
	err = err ?: attach_all(&session->object, &session->choice)
		      ?: map_arrays(session) ?: make_supply(session) ?: make_rings(session)
		      ?: make_fence(session) ?: make_stack_names(session);
	session->programs = err ? NULL : programs_new(&session->object, &session->choice);
	if (!session->programs)
		session_problem(session, problem, err ?: -ENOMEM);
	err = session->programs ? 0 : -1;
	/* Now that a program sees when it is switched off. */
	if (err || kernel_check_tracing(problem)) {
		session_close(session);
		return NULL;
	}
	session->strangers = session->object.skel->bss->asking.unsure;
	for (int event = 0; event < NR_EVENTS; event++) {
		struct hook_state *state = &session->choice.states[event];

		state->attached = state->rung >= 0;
		if (state->attached)
			state->reason[0] = 0;
	}
	return session;
}

const char *session_programs(const struct session *session)
{
	if (session->object.exact)
		return "probes";
	if (!session->object.fsession)
		return "pairs";
	return session->object.multi ? "fsession.multi" : "fsession";
}

const struct kernel *session_kernel(const struct session *session)
{
	return session->kernel;
}

/* Of an fsession, whose begins and ends of guest faults are counted. */
static __u64 faults_under_way(struct session *session)
{
	const struct fault_tallies tallies = session_arrays(session).tallies[EV_GUEST_FAULT];
	__u64 begun = 0, ended = 0;

	if (!session->object.fsession)
		return 0;
	/* In this order, so that what ends meanwhile has not: never more ends than begins. */
	for (__u32 i = 0; i < tallies.n; i++) {
		const struct fault_tally *tally = fault_tally_at(&tallies, i);

		ended += __atomic_load_n(&tally->ended, __ATOMIC_ACQUIRE) +
			 __atomic_load_n(&tally->count, __ATOMIC_ACQUIRE);
	}
	for (size_t cpu = 0; cpu < BEGUN_CPUS; cpu++)
		begun += session->object.skel->bss->fault_cpus[cpu].begun;
	return count_since(begun, ended);
}

/* An event can end on another CPU than it has begun on. */
static __u64 events_under_way(struct session *session, int event)
{
	__s64 sum = 0;

	for (size_t cpu = 0; cpu < BEGUN_CPUS; cpu++)
		sum += session->object.skel->bss->under_way[cpu].n[event];
	return sum < 0 ? 0 : sum;
}

/*
 * Events that have begun and not ended since the start, if ends were missed: then those of some were, and
 * others are under way. Their sum.
 */
static __u64 find_unended(struct session *session, __u64 *unended)
{
	__u64 sum = 0;

	for (int event = 0; event < NR_EVENTS; event++) {
		unended[event] = 0;
		if (!programs_miss_ends(session->programs, event))
			continue;
		unended[event] =
			count_since(event == EV_GUEST_FAULT ? faults_under_way(session)
							    : events_under_way(session, event),
				    session->unended_before[event]);
		sum += unended[event];
	}
	return sum;
}

void session_start(struct session *session)
{
	programs_refresh(session->programs);
	find_unended(session, session->unended_before);
	programs_start(session->programs);
	session->counting = true;
	__atomic_store_n(&session->object.skel->data->active_since_ns, clock_ns(CLOCK_MONOTONIC),
			 __ATOMIC_SEQ_CST);
}

void session_all_met(struct session *session, __u64 at_ns)
{
	if (!session->strangers || at_ns < session->object.skel->data->active_since_ns)
		return;
	session->strangers = false;
	__atomic_fetch_sub(&session->object.skel->bss->asking.unsure, 1, __ATOMIC_RELAXED);
}

#define IN_FLIGHT_MS 100

int session_stop(struct session *session, struct problem *problem)
{
	__u64 unended[NR_EVENTS];
	int err;

	__atomic_store_n(&session->object.skel->data->active_since_ns, ~0ULL, __ATOMIC_SEQ_CST);
	session->counting = false;
	/* What is read from now on does not change: counts agree with histograms to the last event. */
	err = session_fence(session);
	if (err)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot read the counts: what still counts cannot be waited for "
				   "(%s). Try again",
				   strerror(-err));
	/* An event under way looks like one whose end was missed. */
	programs_refresh(session->programs);
	for (int ms = 0; find_unended(session, unended) && ms < IN_FLIGHT_MS; ms++)
		usleep(1000);
	return 0;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	session_count_runs(session, false);
	programs_free(session->programs);
	supply_stop(session->supply);
	rings_close(session->rings);
	if (session->fence_fd)
		close(session->fence_fd);
	if (session->fenced_fd)
		close(session->fenced_fd);
	stack_names_free(session->stack_names);
	recycle_free(session->recycle);
	array_unmap(&session->owners);
	array_unmap(&session->histograms);
	for (int event = 0; event < TALLIED_EVENTS; event++)
		array_unmap(&session->tallies[event]);
	array_unmap(&session->heats);
	object_close(&session->object);
	kernel_close(session->kernel);
	free(session);
}

const struct hook_state *session_hooks(struct session *session)
{
	programs_refresh(session->programs);
	return session->choice.states;
}

void session_misses(struct session *session, __u64 (*loss)[NR_LOSSES])
{
	__u64 unended[NR_EVENTS] = {};

	programs_refresh(session->programs);
	if (!session->counting) /* until then, most of those are under way and will end */
		find_unended(session, unended);
	programs_tell_misses(session->programs, unended, loss);
}

int session_check(struct session *session, struct problem *problem)
{
	const char *name = "", *reason = "";

	for (int event = 0; event < NR_EVENTS; event++) {
		const struct hook_state *hook = &session->choice.states[event];

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
	__u64 times = __atomic_load_n(&session->object.skel->bss->times_off, __ATOMIC_RELAXED);
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

static struct fault_tallies tallies_of(const struct mapped *mapped, const struct bpf_map *map)
{
	return (struct fault_tallies){ .at = mapped->at,
				       .size = bpf_map__value_size(map),
				       .n = bpf_map__max_entries(map) };
}

struct session_arrays session_arrays(struct session *session)
{
	const struct gmem_bpf *skel = session->object.skel;

	return (struct session_arrays){
		.owners = session->owners.at,
		.nowners = at_most(skel->data->next_owner, skel->maps.owners),
		.histograms = session->histograms.at,
		.max_histograms = bpf_map__max_entries(skel->maps.histograms),
		.tallies = { tallies_of(&session->tallies[EV_GUEST_FAULT], skel->maps.cpu_slots),
			     tallies_of(&session->tallies[EV_HOST_FAULT],
					skel->maps.host_tallies) },
		.heats = session->heats.at,
		.firsts = !session->options.min_latency_ns,
		.sampled = session->options.sample,
		.errors_fd = bpf_map__fd(skel->maps.errors),
		.stacks_fd = bpf_map__fd(skel->maps.stacks),
		.stack_stats_fd =
			session->options.stack_events ? bpf_map__fd(skel->maps.stack_stats) : -1,
		.stack_names = session->stack_names,
		.losses = skel->bss->losses,
		.rings = session->rings,
	};
}

static bool is_attached(const struct session *session, enum gmem_event event)
{
	return session->choice.states[event].attached;
}

struct session_tables session_tables(struct session *session)
{
	const struct gmem_bpf *skel = session->object.skel;

	return (struct session_tables){
		.owners = session->owners.at,
		.histograms = session->histograms.at,
		.heats = session->heats.at,
		.owner_index_fd = bpf_map__fd(skel->maps.owner_index),
		.free_owners_fd = bpf_map__fd(skel->maps.free_owners),
		.free_histograms_fd = bpf_map__fd(skel->maps.free_histograms),
		.stack_stats_fd = session_arrays(session).stack_stats_fd,
		.generations = skel->bss->generations,
		.owners_used = &skel->bss->owners_used,
		.histograms_used = &skel->bss->histograms_used,
		.max_histograms = bpf_map__max_entries(skel->maps.histograms),
		.max_owners = session->options.max_owners,
		.sees_release = is_attached(session, EV_RELEASE),
		.free_ns = is_attached(session, EV_FREE) ? FREE_NS : 0,
		.recycle = session->recycle,
	};
}
