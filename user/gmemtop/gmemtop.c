// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemtop: the live view of what guest_memfd does. Knows options and the order of things; what is
 * shown is the view's business, how is the screen's or the batch writer's.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/destination.h"
#include "base/open_files.h"
#include "base/privilege.h"
#include "base/version.h"
#include "live/inventory.h"
#include "live/recycle.h"
#include "live/session.h"
#include "live/snapshot.h"
#include "live/watch.h"
#include "model/vm_order.h"
#include "options/option_values.h"
#include "report/report.h"
#include "screen.h"
#include "top_options.h"
#include "view_batch.h"
#include "view_settings.h"

/* How long the first inventory is waited for: a screen soon has it, a table would lack it. */
#define SCREEN_PATIENCE_NS NS_PER_S
#define BATCH_PATIENCE_NS (60 * NS_PER_S)

struct top {
	struct top_options options;
	struct view_settings settings;
	struct session *session;
	const struct hook_state *hooks;
	struct watch *watch; /* NULL: no inventory */
	struct vm_order order;
	const char *no_inventory; /* why; NULL: there is one */
	struct utsname name;
	__u64 start_realtime_ns;
	struct view view;
};

static int out_of_memory(struct problem *problem)
{
	return problem_memory(problem, "read the counts");
}

/* Read what was counted so far into the view. 0, or -1 with @problem filled. */
static int refresh(struct top *top, struct problem *problem)
{
	struct snapshot snap;
	/* What the last refresh has shown as ended is shown no more. */
	int err = session_recycle(top->session, 0) ?: snapshot_read(top->session, &snap);

	if (err)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot read the counts: %s. Free some memory and try again",
				   strerror(-err));
	top->no_inventory = "out of memory";
	if (top->watch && watch_merge(top->watch, &snap, &top->no_inventory)) {
		snapshot_free(&snap);
		return out_of_memory(problem);
	}
	if (top->watch)
		session_all_met(top->session, watch_all_met(top->watch));
	top->view.no_inventory = top->no_inventory == watch_pending ? NULL : top->no_inventory;
	if (vm_order_apply(&top->order, &snap)) {
		snapshot_free(&snap);
		return out_of_memory(problem);
	}
	if (view_update(&top->view, &snap, top->hooks, clock_ns(CLOCK_MONOTONIC)))
		return out_of_memory(problem);
	return 0;
}

/* ---- Batch ---- */

static int write_json(const struct top *top)
{
	struct text_style style = text_style_of(stdout);
	struct capture capture = {
		.tool = "gmemtop",
		.version = GMEM_VERSION,
		.kernel = top->name.release,
		.arch = top->name.machine,
		.page_bytes = top->view.page_bytes,
		.start_realtime_ns = top->start_realtime_ns,
		.duration_ns = top->view.now_ns - top->view.start_ns,
		.shown = top->options.events,
		.stack_events = top->options.stack_events,
		.sample = top->options.sample,
		.hooks = top->view.hooks,
		.no_inventory = top->no_inventory,
		.inventory_lacks = top->view.inventory_lacks,
		.snap = top->view.snap,
	};

	return report_write(stdout, "json", &capture, &style);
}

static int write_table(struct top *top)
{
	struct view_machine machine = { top->name.nodename, top->name.release };

	if (view_rows(&top->view, &top->settings))
		return -ENOMEM;
	errno = 0;
	batch_write(stdout, &top->view, &top->settings, &machine, text_style_of(stdout).utf8);
	return fflush(stdout) || ferror(stdout) ? -(errno ?: EIO) : 0;
}

static int write_batch(struct top *top, struct problem *problem)
{
	int err = top->options.json ? write_json(top) : write_table(top);

	if (err == -EPIPE)
		return destination_problem(NULL, EPIPE, problem);
	if (err)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot write standard output: %s. Send it elsewhere",
				   strerror(-err));
	return 0;
}

/* True when a signal has come before @until_ns. */
static bool wait_until(__u64 until_ns, const sigset_t *signals)
{
	for (;;) {
		__u64 now_ns = clock_ns(CLOCK_MONOTONIC);
		__u64 left = until_ns > now_ns ? until_ns - now_ns : 0;
		struct timespec timeout = { left / NS_PER_S, left % NS_PER_S };

		if (sigtimedwait(signals, NULL, &timeout) > 0)
			return true;
		if (errno == EAGAIN)
			return false;
	}
}

static sigset_t block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return set;
}

static int run_batch(struct top *top, struct problem *problem)
{
	sigset_t signals = block_signals();
	__u64 next_ns = clock_ns(CLOCK_MONOTONIC), left = top->options.count;

	do {
		next_ns += top->settings.interval_ns;
		if (wait_until(next_ns, &signals))
			return 0;
		if (refresh(top, problem) || write_batch(top, problem))
			return -1;
	} while (!left || --left);
	return 0;
}

/* ---- The screen ---- */

static int refresh_screen(void *ctx, struct problem *problem)
{
	return refresh(ctx, problem);
}

static void count_runs(void *ctx, bool on)
{
	struct top *top = ctx;

	session_count_runs(top->session, on);
}

static int run_screen(struct top *top, struct problem *problem)
{
	char *config = settings_path();
	const struct screen_source source = {
		.view = &top->view,
		.settings = &top->settings,
		.machine = { top->name.nodename, top->name.release },
		.stack_events = top->options.stack_events,
		.count = top->options.count,
		.config = config,
		.refresh = refresh_screen,
		.count_runs = count_runs,
		.ctx = top,
	};
	int err = refresh(top, problem) ?: screen_run(&source, problem);

	free(config);
	return err;
}

static void read_settings(struct top *top)
{
	char *path = settings_path();

	settings_init(&top->settings);
	/* Scripts are to get the same on everybody's machine. */
	if (path && !top->options.batch)
		settings_read(&top->settings, path, stderr);
	free(path);
	top_options_apply(&top->options, &top->settings);
}

/* ---- The order of things ---- */

static enum gmem_filter filter_of(const struct top *top)
{
	return top->options.npids ? FILTER_PIDS : FILTER_NONE;
}

static int open_session(struct top *top, struct problem *problem)
{
	const struct session_options options = {
		.events = top->options.events,
		.filter = filter_of(top),
		.pids = top->options.pids,
		.npids = top->options.npids,
		.stack_events = top->options.stack_events,
		.sample = top->options.sample,
		.heat = top->options.events >> EV_GUEST_FAULT & 1 && !top->options.sample,
		.max_owners = top->options.owners,
		.max_page_bytes = top->options.page_bytes,
		.exact = top->options.exact,
		.verbose = top->options.verbose,
	};

	top->session = session_open(&options, problem);
	if (!top->session || session_check(top->session, problem))
		return -1;
	top->hooks = session_hooks(top->session);
	return 0;
}

static struct inventory_options inventory_options(const struct top *top)
{
	return (struct inventory_options){
		.kernel = session_kernel(top->session),
		.filter = filter_of(top),
		.pids = top->options.pids,
		.npids = top->options.npids,
		.verbose = top->options.verbose,
	};
}

/* Which VMs there are at the start, to number them; if that cannot be had, the watch will say why. */
static void meet_vms(struct top *top)
{
	const struct inventory_options options = inventory_options(top);
	struct problem problem;
	struct inventory *inventory = inventory_open(&options, &problem);

	if (inventory)
		inventory_list(inventory, &top->order, &problem);
	inventory_close(inventory);
}

static void start_watch(struct top *top)
{
	const struct inventory_options options = inventory_options(top);

	top->watch = watch_start(&options);
	if (top->watch)
		watch_wait(top->watch, top->options.batch ? BATCH_PATIENCE_NS : SCREEN_PATIENCE_NS);
}

/* For those who look at a terminal: until something is shown, seconds may pass. */
static void say_wait(const struct top *top, bool over)
{
	static const char words[] = "gmemtop: attaching to the kernel's functions ...";

	if (!isatty(STDERR_FILENO) || top->options.verbose) /* libbpf speaks */
		return;
	if (over)
		fprintf(stderr, "\r%*s\r", (int)strlen(words), "");
	else
		fputs(words, stderr);
}

/* All is attached, and the watch, a thread with rights of its own, is on its way. */
static void drop_privileges(const struct top_options *options)
{
	__u64 keep = 0;

	if (options->stack_events)
		keep |= CAPABILITY(SYSLOG); /* /proc/kallsyms */
	if (!options->batch) /* the hooks page lets runs be counted; the settings can be kept */
		keep |= CAPABILITY(SYS_ADMIN) | CAPABILITIES_OF_FILES;
	privilege_keep(keep);
}

static int start(struct top *top, struct problem *problem)
{
	if (open_session(top, problem))
		return -1;
	top->start_realtime_ns = clock_ns(CLOCK_REALTIME);
	view_init(&top->view, top->name.machine, clock_ns(CLOCK_MONOTONIC));
	top->view.page_bytes = sysconf(_SC_PAGESIZE);
	top->view.sample = top->options.sample;
	top->view.inventory_lacks = inventory_leaves_out();
	meet_vms(top);
	session_start(top->session);
	start_watch(top);
	drop_privileges(&top->options);
	return 0;
}

static int run(struct top *top, struct problem *problem)
{
	int err;

	read_settings(top);
	if (option_check_pids(top->options.pids, top->options.npids, problem))
		return -1;
	if (!top->options.batch && screen_check(problem))
		return -1;
	uname(&top->name);
	say_wait(top, false);
	err = start(top, problem);
	say_wait(top, true);
	if (!err)
		err = (top->options.batch ? run_batch : run_screen)(top, problem);
	session_close(top->session);
	view_free(&top->view);
	vm_order_free(&top->order);
	return err;
}

int main(int argc, char **argv)
{
	static struct top top;
	struct problem problem;
	int status;

	open_files_begin();
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* 0.5 is a half everywhere */
	status = top_options_parse(argc, argv, &top.options, &problem);
	if (!status)
		status = run(&top, &problem);
	top_options_free(&top.options);
	return status < 0 ? problem_tell(&problem, "gmemtop") : status;
}
