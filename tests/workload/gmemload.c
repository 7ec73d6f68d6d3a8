// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemload: a small VMM that makes guests backed by guest_memfd, does with them exactly what it is
 * told, and prints how often each event happened, so that a tracer can be checked against it. This
 * file: options and the course of a run.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hostmap.h"
#include "load.h"
#include "model.h"
#include "report.h"

/* Exit statuses, those of the whole toolkit. */
#define EXIT_UNEXPECTED 1
#define EXIT_USAGE 2
#define EXIT_IMPOSSIBLE 3

#define MAX_STEPS 256
#define MAX_THREADS 4096

enum abandon { ABANDON_NO, ABANDON_EXIT, ABANDON_KILL };

struct options {
	struct shape shape;
	uint64_t run_time;
	bool hold, probe;
	enum abandon abandon;
	const char *ready;
	unsigned int nsteps;
	struct step steps[MAX_STEPS];
};

/* Something of everything, in about a second; asks for no VM or slot but the first. */
static const char *const demonstration[] = {
	"touch:vcpus=all,write=1",
	"touch:repeat=4",
	"host:pages=32,write=1",
	"punch:first=16,pages=32",
	"touch:vcpus=all",
	"host:slot=0,beyond=1",
	"mprotect:slot=0,prot=r",
	"touch:slot=0,vcpus=all",
	"mprotect:slot=0,prot=rw",
	"madvise",
	"touch",
	"allocate:slot=0",
	"allocate:slot=0,beyond=1",
	"bind:vm=0,slot=0,overlap=1",
	"bind:vm=0,slot=0,beyond=1",
	"recreate:vm=0,slot=0",
	"touch",
	"sleep:ms=100",
};

enum {
	OPT_SHARED = 256,
	OPT_HOLD,
	OPT_ABANDON,
	OPT_PROBE,
	OPT_NO_MMAP,
	OPT_NO_DIRECT_MAP,
	OPT_DIRECT_MAP_ERRORS,
	OPT_PLAIN,
	OPT_READY,
	OPT_STEPS
};

static const struct argp_option option_table[] = {
	{ "vms", 'm', "N", 0, "VMs (2)", 0 },
	{ "vcpus", 'c', "N", 0, "vCPUs of each VM, a thread each (2)", 0 },
	{ "slots", 's', "N", 0, "memslots of each VM, bound to guest_memfd (3)", 0 },
	{ "pages", 'p', "N", 0, "pages of each of these memslots (128)", 0 },
	{ "shared-gmem", OPT_SHARED, NULL, 0,
	  "one guest_memfd for each VM with its memslots one after the other", 0 },
	{ "plain-pages", OPT_PLAIN, "N", 0,
	  "one more memslot with so many pages of ordinary memory (0)", 0 },
	{ "no-mmap", OPT_NO_MMAP, NULL, 0, "map no guest_memfd at the start", 0 },
	{ "no-direct-map", OPT_NO_DIRECT_MAP, NULL, 0,
	  "keep guest_memfd out of the kernel's direct map (swprot-7.3 of the lab only)", 0 },
	{ "direct-map-errors", OPT_DIRECT_MAP_ERRORS, "N", 0,
	  "--no-direct-map, and each N-th page of a guest_memfd fails to leave it", 0 },
	{ "type", 't', "default|swprot", 0, "type of the VMs (default)", 0 },
	{ "run-time", 'r', "SECONDS", 0, "repeat the steps for so long", 0 },
	{ "hold", OPT_HOLD, NULL, 0, "after the steps keep everything until SIGINT or SIGTERM", 0 },
	{ "ready", OPT_READY, "FILE", 0,
	  "create FILE when the steps are done, with the account up to then", 0 },
	{ "abandon", OPT_ABANDON, "exit|kill", OPTION_ARG_OPTIONAL,
	  "end, or be killed, without closing anything; the account says what follows", 0 },
	{ "probe", OPT_PROBE, NULL, 0, "print what KVM offers here, and end", 0 },
	{ "list-steps", OPT_STEPS, NULL, 0, "list steps and their keys, and end", 0 },
	{},
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static uint64_t parse_number(struct argp_state *state, const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 0);

	if (end == text || *end || value < min || value > max)
		argp_error(state, "%s is not a number from %llu to %llu.", text,
			   (unsigned long long)min, (unsigned long long)max);
	return value;
}

static void parse_type(struct argp_state *state, struct shape *shape, const char *arg)
{
	shape->type = arch_vm_type(arg);
	if (shape->type < 0)
		argp_error(state, "%s is no VM type: use default or swprot.", arg);
}

static void parse_abandon(struct argp_state *state, struct options *options, const char *arg)
{
	if (!arg || strcmp(arg, "exit") == 0)
		options->abandon = ABANDON_EXIT;
	else if (strcmp(arg, "kill") == 0)
		options->abandon = ABANDON_KILL;
	else
		argp_error(state, "--abandon=%s: use exit or kill.", arg);
}

static error_t add_step(struct argp_state *state, struct options *options, const char *text)
{
	if (options->nsteps == MAX_STEPS)
		argp_error(state, "more than %d steps.", MAX_STEPS);
	if (step_parse(&options->steps[options->nsteps++], text))
		exit(EXIT_USAGE);
	return 0;
}

static error_t parse_shape(int key, char *arg, struct argp_state *state, struct shape *shape)
{
	switch (key) {
	case 'm':
		shape->vms = parse_number(state, arg, 0, 1000);
		return 0;
	case 'c':
		shape->vcpus = parse_number(state, arg, 1, 64);
		return 0;
	case 's':
		shape->slots = parse_number(state, arg, 0, 32000);
		return 0;
	case 'p':
		shape->pages = parse_number(state, arg, 1, 1 << 20);
		return 0;
	case 't':
		parse_type(state, shape, arg);
		return 0;
	case OPT_SHARED:
		shape->shared_gmem = true;
		return 0;
	case OPT_PLAIN:
		shape->plain_pages = parse_number(state, arg, 0, 1024);
		return 0;
	case OPT_NO_MMAP:
		shape->map = false;
		return 0;
	case OPT_DIRECT_MAP_ERRORS:
		shape->direct_map_errors = parse_number(state, arg, 1, 1 << 20);
		/* fall through */
	case OPT_NO_DIRECT_MAP:
		shape->no_direct_map = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'r':
		options->run_time = parse_number(state, arg, 0, 86400);
		return 0;
	case OPT_HOLD:
		options->hold = true;
		return 0;
	case OPT_READY:
		options->ready = arg;
		return 0;
	case OPT_ABANDON:
		parse_abandon(state, options, arg);
		return 0;
	case OPT_PROBE:
		options->probe = true;
		return 0;
	case OPT_STEPS:
		steps_help(stdout);
		exit(0);
	case ARGP_KEY_ARG:
		return add_step(state, options, arg);
	default:
		return parse_shape(key, arg, state, &options->shape);
	}
}

static const struct argp argp = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = "[STEP...]",
	.doc = "Makes KVM guests backed by guest_memfd, does what the steps say and prints as JSON "
	       "how often each event happened.\v"
	       "A step is verb[:key=value,...], for example touch:vm=0,first=16,pages=32,write=1. "
	       "See --list-steps for all of them. Without steps a demonstration runs.\n\n"
	       "Exit status: 0 done, 1 a step ended with an unexpected error, 2 wrong usage, "
	       "3 something asked for is not possible here (see \"unavailable\").",
};

/* Keeps the kernel and the C library from changing this process's memory behind our back. */
static void quieten_memory(void)
{
	/* One heap, made of brk, that never shrinks. */
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_ARENA_MAX, 1);
	/* No huge page is made or split. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	/* Any policy of its own keeps NUMA balancing away. 4 is MPOL_LOCAL. */
	syscall(SYS_set_mempolicy, 4, NULL, 0);
}

/* Every VM, vCPU and guest_memfd is a file. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void catch_interrupts(void)
{
	struct sigaction action = { .sa_handler = on_interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int fail(int err, const char *what, const char *next)
{
	fprintf(stderr, "gmemload: %s: %s. %s\n", what, strerror(-err), next);
	return EXIT_IMPOSSIBLE;
}

static unsigned int count_steps(const struct options *options, const char *verb)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < options->nsteps; i++)
		count += strcmp(options->steps[i].verb->name, verb) == 0;
	return count;
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void run_steps(struct load *load, uint64_t run_time)
{
	time_t end = now() + run_time;

	do {
		for (unsigned int i = 0; i < load->nsteps && !interrupted; i++)
			step_run(load, &load->steps[i]);
	} while (!interrupted && now() < end);
}

/* The file appears when it is complete. */
static void write_ready(struct load *load, const char *path)
{
	char temporary[PATH_MAX];
	FILE *file;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	file = fopen(temporary, "we");
	if (!file)
		return;
	report_print(load, file);
	if (!fclose(file))
		rename(temporary, path);
}

static void wait_held(struct load *load, const struct options *options)
{
	sigset_t set, old;

	if (options->ready)
		write_ready(load, options->ready);
	if (!options->hold)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	while (!interrupted)
		sigsuspend(&old);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static int close_all(struct load *load)
{
	struct machine *machine = &load->machine;
	int err = 0;

	for (unsigned int i = 0; !err && i < machine->nvms; i++)
		if (machine->vms[i].fd >= 0)
			err = vm_destroy(machine, &machine->vms[i]);
	if (!err)
		crew_stop(&load->crew);
	return err;
}

static int exit_status(const struct load *load)
{
	for (unsigned int i = 0; i < load->nsteps; i++) {
		const struct step *step = &load->steps[i];

		if (!step->unexpected)
			continue;
		fprintf(stderr, "gmemload: step %s ended with %s. Use expect= if that is meant.\n",
			step->text, step->err ? error_name(step->err) : "no error");
		return EXIT_UNEXPECTED;
	}
	if (!load->nunavailable)
		return 0;
	fprintf(stderr, "gmemload: cannot do %s: %s. See \"unavailable\" in the output.\n",
		load->unavailable[0].step, load->unavailable[0].reason);
	return EXIT_IMPOSSIBLE;
}

static void abandon(struct load *load, enum abandon how)
{
	model_exit(&load->machine);
	report_print(load, stdout);
	if (how == ABANDON_KILL)
		kill(getpid(), SIGKILL);
	_exit(exit_status(load));
}

/* Of the whole system, so a run without errors says so too. */
static int set_direct_map_errors(uint64_t every)
{
	int fd = open("/sys/module/kvm/parameters/gmem_direct_map_errors", O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return every ? -errno : 0;
	ret = dprintf(fd, "%llu", (unsigned long long)every);
	close(fd);
	return ret < 0 ? -errno : 0;
}

static int set_up(struct load *load, struct options *options)
{
	unsigned int vms = options->shape.vms + count_steps(options, "vm");
	int err = crew_start(&load->crew, vms * options->shape.vcpus);

	if (err)
		return fail(err, "cannot start the vCPU threads", "Ask for fewer.");
	err = hostmap_init();
	if (!err)
		err = machine_init(&load->machine, &options->shape, vms,
				   count_steps(options, "create"));
	if (err)
		return fail(err, "cannot open /dev/kvm and lock memory",
			    "Load kvm and run as root.");
	err = set_direct_map_errors(options->shape.direct_map_errors);
	if (err)
		return fail(err, "cannot make pages fail to leave the direct map",
			    "Use the lab's kernel swprot-7.3.");
	for (unsigned int i = 0; !err && i < options->shape.vms; i++)
		err = load_vm(load);
	if (err)
		return fail(err, "cannot make a VM", "See gmemload --probe.");
	return 0;
}

static bool fits_guest(const struct shape *shape)
{
	uint64_t room = (arch_layout.slots_limit - arch_layout.slots_gpa) / GUEST_PAGE_SIZE;

	return shape->slots * shape->pages <= room && shape->vms * shape->vcpus <= MAX_THREADS;
}

int main(int argc, char **argv)
{
	static struct options options = {
		.shape = { .vms = 2, .vcpus = 2, .slots = 3, .pages = 128, .map = true },
	};
	static struct load load;
	int status;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (!fits_guest(&options.shape)) {
		fprintf(stderr,
			"gmemload: more memory or vCPUs than a guest can have. Ask for less.\n");
		return EXIT_USAGE;
	}
	if (options.probe) {
		status = probe_print(stdout);
		return status ? fail(status, "cannot open /dev/kvm", "Load kvm and run as root.")
			      : 0;
	}
	for (size_t i = 0; !options.nsteps && i < sizeof(demonstration) / sizeof(*demonstration);
	     i++)
		step_parse(&options.steps[i], demonstration[i]);
	if (!options.nsteps)
		options.nsteps = sizeof(demonstration) / sizeof(*demonstration);

	quieten_memory();
	allow_files();
	catch_interrupts();
	load.steps = options.steps;
	load.nsteps = options.nsteps;
	status = set_up(&load, &options);
	if (status)
		return status;
	run_steps(&load, options.run_time);
	wait_held(&load, &options);
	if (options.abandon)
		abandon(&load, options.abandon);
	status = close_all(&load);
	if (status)
		return fail(status, "cannot end a VM", "See the kernel log.");
	report_print(&load, stdout);
	return exit_status(&load);
}
