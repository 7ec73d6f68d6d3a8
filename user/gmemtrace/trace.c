// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of things in a capture.
 */
#include "live/snapshot.h"
#include "trace.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/machine.h"
#include "base/privilege.h"
#include "base/version.h"
#include "live/kernel.h"
#include "live/recycle.h"
#include "options/option_values.h"

static bool is_ignored(int signal)
{
	struct sigaction action;

	return !sigaction(signal, NULL, &action) && action.sa_handler == SIG_IGN;
}

/*
 * The signals that end a capture or say that the child may have ended are waited for, not taken.
 * Until then, while the programs are loaded, they end the tracer at once. The mask that was before
 * goes to @old.
 */
static sigset_t block_signals(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	if (!is_ignored(SIGHUP)) /* nohup */
		sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, old);
	return set;
}

static int read_counts(struct trace *trace, struct problem *problem)
{
	int err;

	trace->capture.duration_ns = clock_ns(CLOCK_MONOTONIC) - trace->start_ns;
	snapshot_free(&trace->snap);
	err = snapshot_read(trace->session, &trace->snap)
		      ?: vm_order_apply(&trace->order, &trace->snap);
	if (err)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot read the counts: %s. Free some memory and try again",
				   strerror(-err));
	return 0;
}

static __u64 earliest(__u64 a_ns, __u64 b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

/* Wait for a signal until @until_ns. The signal; 0 when it is time. */
static int wait_for_signal(const sigset_t *signals, __u64 until_ns)
{
	__u64 now = clock_ns(CLOCK_MONOTONIC);
	__u64 left = until_ns > now ? until_ns - now : 0;
	struct timespec timeout = { left / NS_PER_S, left % NS_PER_S };
	int signal;

	do
		signal = sigtimedwait(signals, NULL, until_ns == ~0ULL ? NULL : &timeout);
	while (signal < 0 && errno == EINTR);
	return signal > 0 ? signal : 0;
}

/* How often to look whether there is room for more VMs. */
#define ROOM_NS (NS_PER_S / 4)

static int recycle_problem(int err, struct problem *problem)
{
	return err ? problem_set(
			     problem, EXIT_IMPOSSIBLE,
			     "cannot make room for more VMs: %s. Free some memory and try again",
			     strerror(-err))
		   : 0;
}

/*
 * What has ended stays as it is while there is room. What a listener has not had yet it gets before, so
 * that each snapshot goes on from the one before.
 */
static int keep_room(struct trace *trace, struct trace_listener *listener, struct problem *problem)
{
	if (session_is_tight(trace->session)) {
		if (listener &&
		    (read_counts(trace, problem) || listener->tick(listener, trace, problem)))
			return -1;
		return recycle_problem(session_make_room(trace->session), problem);
	}
	if (!session_recycles(trace->session))
		return 0;
	return recycle_problem(session_recycle(trace->session, ~0U), problem);
}

/* Wait for the child to end, the time to be up, a signal, or a listener that ends the capture. */
static int wait_for_end(struct trace *trace, const sigset_t *signals,
			struct trace_listener *listener, struct problem *problem)
{
	__u64 duration_ns = trace->options->duration_ns;
	__u64 end_ns = duration_ns ? trace->start_ns + duration_ns : ~0ULL;
	__u64 tick_ns = listener ? trace->start_ns + listener->interval_ns : ~0ULL;
	int signal;

	for (;;) {
		__u64 room_ns = clock_ns(CLOCK_MONOTONIC) + ROOM_NS;

		signal = wait_for_signal(signals, earliest(earliest(tick_ns, end_ns), room_ns));
		if (signal == SIGCHLD ? child_reap(&trace->child) : signal > 0)
			return 0;
		if (signal)
			continue;
		if (clock_ns(CLOCK_MONOTONIC) >= end_ns)
			return 0;
		if (keep_room(trace, listener, problem))
			return -1;
		if (clock_ns(CLOCK_MONOTONIC) < tick_ns)
			continue;
		if (read_counts(trace, problem) || listener->tick(listener, trace, problem))
			return -1;
		/* One that was late is not made up for. */
		while (tick_ns <= clock_ns(CLOCK_MONOTONIC))
			tick_ns += listener->interval_ns;
	}
}

static enum gmem_filter filter_of(const struct options *options)
{
	if (options->child)
		return FILTER_TREE;
	return options->npids ? FILTER_PIDS : FILTER_NONE;
}

struct inventory_options trace_inventory_options(const struct options *options,
						 const struct kernel *kernel)
{
	return (struct inventory_options){
		.kernel = kernel,
		.filter = filter_of(options),
		.pids = options->pids,
		.npids = options->npids,
		.by_node = options->command == COMMAND_INVENTORY,
		.verbose = options->verbose,
	};
}

/* Once, while there are the rights for it. */
static void open_inventory(struct trace *trace)
{
	struct inventory_options wanted =
		trace_inventory_options(trace->options, session_kernel(trace->session));

	wanted.at_once = true;
	trace->inventory = inventory_open(&wanted, &trace->no_inventory);
}

/* Which VMs there are at the start, to number them. What COMMAND will make is not there yet. */
static void meet_vms(struct trace *trace)
{
	if (!trace->options->child && trace->inventory)
		inventory_list(trace->inventory, &trace->order, &trace->no_inventory);
}

/* What exists at the end. A capture without it is still one, and says why. */
static int take_inventory(struct trace *trace, struct problem *problem)
{
	if (!trace->inventory ||
	    inventory_read(trace->inventory, &trace->snap, &trace->no_inventory))
		trace->capture.no_inventory = trace->no_inventory.text;
	if (vm_order_apply(&trace->order, &trace->snap))
		return problem_memory(problem, "number the VMs");
	return 0;
}

/* All is loaded and attached; what is left to do is to write, to name and to end things. */
static void drop_privileges(const struct options *options)
{
	__u64 keep = 0;

	if (options->output)
		keep |= CAPABILITIES_OF_FILES;
	if (options->child)
		keep |= CAPABILITY(KILL); /* it may be another user's */
	if (options->child || options->record_events)
		keep |= privilege_of_proc();
	if (options->stack_events)
		keep |= CAPABILITY(SYSLOG); /* /proc/kallsyms */
	privilege_keep(keep);
}

static __u64 events_wanted(const struct options *options)
{
	return options->command == COMMAND_PROBE ? (1ULL << NR_EVENTS) - 1 : options->events;
}

struct capture trace_capture(const struct options *options, const struct snapshot *snap)
{
	static struct utsname name;

	uname(&name);
	return (struct capture){
		.tool = "gmemtrace",
		.version = GMEM_VERSION,
		.kernel = name.release,
		.arch = name.machine,
		.command = options->child,
		.shown = events_wanted(options),
		.events_chosen = options->events_chosen,
		.stack_events = options->stack_events,
		.min_latency_ns = options->min_latency_ns,
		.sample = options->sample,
		.programs = "",
		.npids = options->npids,
		.limit_ns = options->duration_ns,
		.buffer_bytes = options->buffer_bytes,
		.ncpus = sysconf(_SC_NPROCESSORS_ONLN),
		.machine = machine_name(),
		.boot = machine_boot(),
		.page_bytes = sysconf(_SC_PAGESIZE),
		.inventory_lacks = inventory_leaves_out(),
		.snap = snap,
	};
}

int trace_open(struct trace *trace, struct problem *problem)
{
	const struct options *options = trace->options;
	struct session_options session = {
		.events = events_wanted(options),
		.filter = filter_of(options),
		.pids = options->pids,
		.npids = options->npids,
		.stack_events = options->stack_events,
		.min_latency_ns = options->min_latency_ns,
		.sample = options->sample,
		.record_events = options->record_events ? options->events : 0,
		.buffer_bytes = options->buffer_bytes,
		.max_owners = options->owners,
		.max_page_bytes = options->page_bytes,
		.no_fsession = options->no_fsession,
		.exact = options->exact,
		.verbose = options->verbose,
	};

	trace->capture = trace_capture(options, &trace->snap);
	trace->session = session_open(&session, problem);
	if (!trace->session)
		return -1;
	trace->capture.hooks = session_hooks(trace->session);
	trace->capture.programs = session_programs(trace->session);
	return 0;
}

static int trace_begin(struct trace *trace, const sigset_t *mask, struct trace_listener *listener,
		       struct problem *problem)
{
	char **child = trace->options->child;

	if (child && child_make(&trace->child, child, trace->options->user, mask, problem))
		return -1;
	drop_privileges(trace->options);
	trace->capture.start_realtime_ns = clock_ns(CLOCK_REALTIME);
	trace->start_ns = clock_ns(CLOCK_MONOTONIC);
	if (listener && listener->begin(listener, trace, problem))
		return -1;
	meet_vms(trace);
	session_start(trace->session);
	if (child && child_go(&trace->child, child[0], trace->options->user, problem))
		return -1;
	return listener ? listener->started(listener, trace, problem) : 0;
}

int trace_run(struct trace *trace, struct trace_listener *listener, struct problem *problem)
{
	sigset_t old, signals = block_signals(&old);
	int err = session_check(trace->session, problem);

	if (!err)
		open_inventory(trace);
	err = err ?: trace_begin(trace, &old, listener, problem) ?:
	      wait_for_end(trace, &signals, listener, problem) ?:
	      session_stop(trace->session, problem);
	trace->capture.command_ended = trace->child.ended;
	trace->capture.command_status = trace->child.status;
	if (!err)
		err = read_counts(trace, problem);
	if (!err) /* which ends with COMMAND */
		err = take_inventory(trace, problem);
	child_end(&trace->child);
	return err;
}

void trace_close(struct trace *trace)
{
	snapshot_free(&trace->snap);
	vm_order_free(&trace->order);
	inventory_close(trace->inventory);
	session_close(trace->session);
}

int trace_status(const struct trace *trace)
{
	const struct child *child = &trace->child;

	if (!trace->options->exit_status || !child->ended)
		return 0;
	return WIFEXITED(child->status) ? WEXITSTATUS(child->status)
					: 128 + WTERMSIG(child->status);
}
