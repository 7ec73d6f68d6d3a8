// SPDX-License-Identifier: GPL-2.0-only
/*
 * attach_loop pair|session|multi|probe SECONDS: loads a program that counts, attaches it to the guest
 * fault, lets a guest fault a known number of times, and ends it, again and again: is a program ever
 * attached and not run? Attached by one CPU, the guest on another in every second round. Prints a line
 * for each wrong round, with what the kernel says of the program, and at last how many there were.
 * Exit status: 1 if one was wrong; 3 the kernel does not have it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "live/fsession.h"
#include "live/kernel.h"
#include "vmm.h"

#define FUNCTION "kvm_gmem_get_pfn"
#define GPA 0x10000000ULL
#define PAGES 64
#define SIZE (PAGES * GUEST_PAGE_SIZE)

static struct kernel *kernel;
static struct vmm_guest guest;

/* A program and its link. */
struct attached {
	int prog_fd;
	int link_fd;
};

static void fail(const char *what, int err)
{
	fprintf(stderr, "attach_loop: %s: %s\n", what, strerror(-err));
	exit(EXIT_IMPOSSIBLE);
}

static int load(int map_fd, enum bpf_prog_type type, int attach_type, int id, int btf_fd)
{
	const struct bpf_insn count[] = {
		{ BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_VALUE, 0, map_fd },
		{ 0, 0, 0, 0, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 1 },
		{ BPF_STX | BPF_DW | BPF_ATOMIC, 2, 1, 0, BPF_ADD },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach_type,
		    .attach_btf_id = id, .attach_btf_obj_fd = btf_fd);
	int fd = bpf_prog_load(type, "counts", "GPL", count, sizeof(count) / sizeof(*count),
			       &options);

	if (fd < 0)
		fail("load", fd);
	return fd;
}

static int link_by_trampoline(int prog_fd, int attach_type, int id)
{
	(void)id;
	return bpf_link_create(prog_fd, 0, attach_type, NULL);
}

static int link_by_multi(int prog_fd, int attach_type, int id)
{
	__u32 ids = id;
	__u64 cookies = 1;

	(void)attach_type;
	return kernel_link_multi(prog_fd, &ids, &cookies, 1);
}

static int link_by_probe(int prog_fd, int attach_type, int id)
{
	static const char *const functions[] = { FUNCTION };

	(void)attach_type;
	(void)id;
	return kernel_link_probe(prog_fd, functions, NULL, 1);
}

/* The ways to attach: their programs, each of which runs @runs times for a fault. */
static const struct kind {
	const char *name;
	int (*link)(int prog_fd, int attach_type, int id);
	enum bpf_prog_type type;
	int attach_types[2];
	int runs;
	int targets; /* that the program is loaded for: one, any of BTF (2), or any (0) */
} kinds[] = {
	{ "pair",
	  link_by_trampoline,
	  BPF_PROG_TYPE_TRACING,
	  { BPF_TRACE_FENTRY, BPF_TRACE_FEXIT },
	  1,
	  1 },
	{ "session", link_by_trampoline, BPF_PROG_TYPE_TRACING, { BPF_TRACE_FSESSION }, 2, 1 },
	{ "multi", link_by_multi, BPF_PROG_TYPE_TRACING, { BPF_TRACE_FSESSION_MULTI }, 2, 2 },
	{ "probe", link_by_probe, BPF_PROG_TYPE_KPROBE, { BPF_TRACE_KPROBE_SESSION }, 2, 0 },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static void attach(const struct kind *kind, int attach_type, int map_fd, struct attached *attached)
{
	const struct hook hook = { .function = FUNCTION };
	int btf_fd = 0, id = kernel_target(kernel, &hook, &btf_fd);

	if (id < 0)
		fail(FUNCTION, id);
	attached->prog_fd = load(map_fd, kind->type, attach_type, kind->targets == 1 ? id : 0,
				 kind->targets ? btf_fd : 0);
	attached->link_fd = kind->link(attached->prog_fd, attach_type, id);
	if (attached->link_fd < 0)
		fail("attach", attached->link_fd);
}

/* What the kernel says of a program: how often it has run and been skipped. */
static void say(const struct attached *attached, uint64_t counted)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	bpf_obj_get_info_by_fd(attached->prog_fd, &info, &size);
	printf("    counted %lu, run_cnt %llu, recursion_misses %llu\n", (unsigned long)counted,
	       info.run_cnt, info.recursion_misses);
}

static void on_cpu(unsigned long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* False if a program has counted otherwise than it should. */
static bool round_is_right(const struct kind *kind, unsigned long round)
{
	int nprograms = kind->attach_types[1] ? 2 : 1;
	struct attached attached[2];
	uint64_t counted[2] = {};
	bool right = true;
	__u32 zero = 0;
	int map_fd[2];

	vmm_punch(guest.gmem, 0, SIZE);
	on_cpu(0);
	for (int i = 0; i < nprograms; i++) {
		map_fd[i] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "counts", 4, 8, 1, NULL);
		attach(kind, kind->attach_types[i], map_fd[i], &attached[i]);
	}
	on_cpu(round);
	vmm_guest_touch(&guest);
	for (int i = 0; i < nprograms; i++) {
		bpf_map_lookup_elem(map_fd[i], &zero, &counted[i]);
		right &= counted[i] == (uint64_t)kind->runs * PAGES;
	}
	if (!right)
		printf("round %lu:\n", round);
	for (int i = 0; i < nprograms; i++) {
		if (!right)
			say(&attached[i], counted[i]);
		close(attached[i].link_fd);
		close(attached[i].prog_fd);
		close(map_fd[i]);
	}
	return right;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 2 ? atol(argv[2]) : 10);
	unsigned long rounds = 0, wrong = 0;
	const struct kind *kind = kinds;
	struct problem problem;

	while (kind < kinds + KINDS && (argc < 2 || strcmp(kind->name, argv[1])))
		kind++;
	if (kind == kinds + KINDS) {
		fprintf(stderr, "attach_loop: pair|session|multi|probe SECONDS\n");
		return EXIT_USAGE;
	}
	kernel = kernel_open(false, &problem);
	if (!kernel) {
		fprintf(stderr, "attach_loop: %s\n", problem.text);
		return EXIT_IMPOSSIBLE;
	}
	vmm_guest_open(&guest, GPA, SIZE);
	vmm_guest_touch(&guest);
	bpf_enable_stats(BPF_STATS_RUN_TIME); /* until this process ends */
	for (; time(NULL) < end; rounds++)
		wrong += !round_is_right(kind, rounds);
	printf("%lu rounds, %lu wrong\n", rounds, wrong);
	return wrong ? 1 : 0;
}
