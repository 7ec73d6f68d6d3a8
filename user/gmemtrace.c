// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemtrace: capture what guest_memfd does for a while, then report it. Knows options and the
 * order of things; everything else is in the library.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check_command.h"
#include "child.h"
#include "clock.h"
#include "commands.h"
#include "events.h"
#include "export.h"
#include "inventory.h"
#include "kernel.h"
#include "option_values.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "version.h"

#define ALL_EVENTS ((1ULL << NR_EVENTS) - 1)
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

static int check_pids(const struct options *options, struct problem *problem)
{
	if (option_check_pids(options->pids, options->npids, problem))
		return -1;
	if (options->npids && options->child)
		return problem_set(problem, EXIT_USAGE,
				   "-p with a COMMAND: they exclude each other. Give one of them");
	return 0;
}

/* Wait for the child to end, the time to be up, or a signal to end the capture. */
static void wait_for_end(struct child *child, const sigset_t *signals, __u64 duration_ns)
{
	__u64 end_ns = duration_ns ? clock_ns(CLOCK_MONOTONIC) + duration_ns : ~0ULL;
	int signal;

	for (;;) {
		__u64 now = clock_ns(CLOCK_MONOTONIC);
		__u64 left = end_ns > now ? end_ns - now : 0;
		struct timespec timeout = { left / NS_PER_S, left % NS_PER_S };

		signal = sigtimedwait(signals, NULL, duration_ns ? &timeout : NULL);
		if (signal == SIGCHLD ? child_reap(child) : signal > 0)
			return;
		if (signal < 0 && errno == EAGAIN)
			return;
	}
}

static enum gmem_filter filter_of(const struct options *options)
{
	if (options->child)
		return FILTER_TREE;
	return options->npids ? FILTER_PIDS : FILTER_NONE;
}

static struct inventory_options inventory_options(const struct options *options,
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

static struct session *open_session(const struct options *options, struct problem *problem)
{
	struct session_options session = {
		.events = options->command == COMMAND_PROBE ? ALL_EVENTS : options->events,
		.filter = filter_of(options),
		.pids = options->pids,
		.npids = options->npids,
		.stack_events = options->stack_events,
		.min_latency_ns = options->min_latency_ns,
		.no_fsession = options->no_fsession,
		.verbose = options->verbose,
	};

	return session_open(&session, problem);
}

/* What exists at the end. A capture without it is still one, and says why. */
static void take_inventory(const struct options *options, const struct kernel *kernel,
			   struct capture *capture, struct snapshot *snap)
{
	struct inventory_options wanted = inventory_options(options, kernel);
	static struct problem problem;
	struct inventory *inventory = inventory_open(&wanted, &problem);

	if (!inventory || inventory_read(inventory, snap, &problem))
		capture->no_inventory = problem.text;
	inventory_close(inventory);
}

/* Trace, and leave in @capture and @snap what was seen. 0, or -1 with @problem filled. */
static int trace(const struct options *options, struct session *session, struct child *child,
		 struct capture *capture, struct snapshot *snap, struct problem *problem)
{
	sigset_t old, signals = block_signals(&old);
	__u64 start_ns;
	int err;

	if (options->child && child_make(child, options->child, &old, problem))
		return -1;
	capture->start_realtime_ns = clock_ns(CLOCK_REALTIME);
	start_ns = clock_ns(CLOCK_MONOTONIC);
	session_start(session);
	if (options->child && child_go(child, options->child[0], problem))
		return -1;
	wait_for_end(child, &signals, options->duration_ns);
	session_stop(session);
	capture->duration_ns = clock_ns(CLOCK_MONOTONIC) - start_ns;
	capture->command_ended = child->ended;
	capture->command_status = child->status;
	err = snapshot_read(session, snap);
	if (!err) /* which ends with COMMAND */
		take_inventory(options, session_kernel(session), capture, snap);
	child_end(child);
	if (err)
		return problem_set(problem, EXIT_IMPOSSIBLE, "cannot read the counts: %s",
				   strerror(-err));
	return 0;
}

static int child_status(const struct child *child)
{
	if (WIFEXITED(child->status))
		return WEXITSTATUS(child->status);
	return 128 + WTERMSIG(child->status);
}

static struct capture new_capture(const struct options *options, const struct snapshot *snap)
{
	static struct utsname name;

	uname(&name);
	return (struct capture){
		.tool = "gmemtrace",
		.version = GMEM_VERSION,
		.kernel = name.release,
		.arch = name.machine,
		.command = options->child,
		.shown = options->command == COMMAND_PROBE ? ALL_EVENTS : options->events,
		.events_chosen = options->events_chosen,
		.stack_events = options->stack_events,
		.min_latency_ns = options->min_latency_ns,
		.snap = snap,
	};
}

static int run_inventory(const struct options *options, struct problem *problem)
{
	struct kernel *kernel = kernel_open(options->verbose, problem);
	struct inventory_options wanted = inventory_options(options, kernel);
	struct snapshot snap = {};
	struct capture capture = new_capture(options, &snap);
	struct inventory *inventory;
	int err;

	if (!kernel)
		return -1;
	inventory = inventory_open(&wanted, problem);
	err = inventory ? inventory_read(inventory, &snap, problem) : -1;
	if (!err)
		err = command_output(options, &capture, problem);
	inventory_close(inventory);
	kernel_close(kernel);
	snapshot_free(&snap);
	return err;
}

static int run_session(const struct options *options, struct problem *problem)
{
	struct session *session = open_session(options, problem);
	struct snapshot snap = {};
	struct capture capture = new_capture(options, &snap);
	struct child child = {};
	int err = 0;

	if (!session)
		return -1;
	if (options->command == COMMAND_TRACE)
		err = session_check(session, problem)
			      ?: trace(options, session, &child, &capture, &snap, problem);
	capture.hooks = session_hooks(session);
	if (!err)
		err = command_output(options, &capture, problem);
	snapshot_free(&snap);
	session_close(session);
	if (!err && options->exit_status && child.ended)
		return child_status(&child);
	return err;
}

static int run_export(const struct options *options, struct problem *problem)
{
	struct export_options export = { options->file, options->to, options->output };

	return export_run(&export, problem);
}

static int run(struct options *options, struct problem *problem)
{
	if (check_pids(options, problem))
		return -1;
	if (options->child && child_check(options->child[0], problem))
		return -1;
	if (output_check(options->output, problem))
		return -1;
	if (options->command == COMMAND_SCHEMA || options->command == COMMAND_EXPORT_SCHEMA)
		return command_output(options, NULL, problem);
	if (options->command == COMMAND_EXPORT)
		return run_export(options, problem);
	if (options->command == COMMAND_INVENTORY)
		return run_inventory(options, problem);
	if (options->command == COMMAND_REPORT)
		return command_report(options, problem);
	return run_session(options, problem);
}

static int trace_command(int argc, char **argv, struct problem *problem)
{
	struct options options;
	int status = options_parse(argc, argv, &options, problem);

	if (!status)
		status = run(&options, problem);
	options_free(&options);
	return status;
}

int main(int argc, char **argv)
{
	struct problem problem;
	int status;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* 0.5 is a half everywhere */
	if (argc > 1 && !strcmp(argv[1], "check"))
		status = check_command(argc - 1, argv + 1, &problem);
	else
		status = trace_command(argc, argv, &problem);
	if (status < 0) {
		fprintf(stderr, "gmemtrace: %s.\n", problem.text);
		return problem.status;
	}
	return status;
}
