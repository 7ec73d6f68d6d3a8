// SPDX-License-Identifier: GPL-2.0-only
/*
 * situations NAME [NUMBER [NUMBER]]: what VMMs and their processes can do that gmemload, which does
 * one thing after the other in one process, does not. Each is known by name; what is right for it is
 * in tests/lab/cases.py. PAGES= sets the size of the guest_memfd.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm.h"

#define GPA 0x10000000ULL
#define PAGE GUEST_PAGE_SIZE

/* The VM and the guest_memfd of most situations. */
static struct vmm vm;
static int gmem;
static uint64_t size_bytes;
static void *mapping;

static volatile bool stop;

static void sleep_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* Until standard input ends, if whoever has started us wants that. */
static void wait_for_tracer(void)
{
	printf("%d\n", getpid());
	fflush(stdout);
	while (getenv("WAIT") && getchar() != EOF)
		;
}

static void say_bind(const char *where, int err)
{
	printf("%s: %s\n", where, err ? strerror(-err) : "ok");
}

/* Slot 1 has all of the guest_memfd. */
static void bind_whole(void)
{
	mapping = vmm_map(gmem, size_bytes, 0);
	if (vmm_bind(&vm, 1, GPA, size_bytes, mapping, gmem, 0))
		vmm_die("bind");
}

static void touch_whole(struct vmm_vcpu *vcpu, unsigned int passes)
{
	int err = vmm_touch(vcpu, GPA, size_bytes, passes);

	if (err) {
		errno = -err;
		vmm_die("touch");
	}
}

static void first_vcpu(struct vmm_vcpu *vcpu)
{
	vmm_vcpu_open(&vm, 0, vcpu);
}

/* ---- Calls that are refused, or do next to nothing ---- */

/* fallocate() of ranges that are no whole pages, the n-th n times. */
static int holes(long a, long b)
{
	const struct {
		off_t offset, len;
	} ranges[] = { { 0, 1 },	   { 0, PAGE - 1 },   { 0, PAGE + 1 }, { 1, 1 },
		       { 1, PAGE - 1 },	   { 1, PAGE },	      { 1, PAGE + 1 }, { PAGE, 1 },
		       { PAGE, PAGE - 1 }, { PAGE, PAGE + 1 } };

	(void)a;
	(void)b;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		int fd = vmm_gmem(&vm, (4 + i) * PAGE);

		for (size_t k = 0; k <= i; k++)
			fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, ranges[i].offset,
				  ranges[i].len);
	}
	return 0;
}

/* One hole in the guest_memfd of slot 1, and eight of no page in another one. */
static int hole_of_another(long a, long b)
{
	int other = vmm_gmem(&vm, size_bytes);

	(void)a;
	(void)b;
	bind_whole();
	vmm_punch(gmem, 0, PAGE);
	for (int i = 0; i < 8; i++)
		fallocate(other, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, i < 5 ? 0 : PAGE, 1);
	return 0;
}

/* Binds where no guest can have memory: KVM refuses them after guest_memfd has agreed. Then a good one. */
static int beyond(long n, long b)
{
	(void)b;
	mapping = vmm_map(gmem, size_bytes, 0);
	for (long i = 0; i < n; i++)
		say_bind("beyond", vmm_bind(&vm, i, 1ULL << 50, size_bytes, mapping, gmem, 0));
	say_bind("in reach", vmm_bind(&vm, 9, GPA, size_bytes, mapping, gmem, 0));
	return 0;
}

/* ---- Processes ---- */

static char stack[65536];

static int touch_and_exit(void *vcpu)
{
	_exit(vmm_touch(vcpu, GPA, size_bytes, 1) ? 1 : 0);
}

/* A vCPU is run by another process, which shares the VMM's memory. */
static int clonevm(long a, long b)
{
	struct vmm_vcpu vcpu;
	int status;
	pid_t pid;

	(void)a;
	(void)b;
	bind_whole();
	first_vcpu(&vcpu);
	wait_for_tracer();
	pid = clone(touch_and_exit, stack + sizeof(stack), CLONE_VM | SIGCHLD, &vcpu);
	waitpid(pid, &status, 0);
	return status != 0;
}

/* The VMM forks with mapping and descriptors; the children touch and punch. */
static int forks(long a, long b)
{
	struct vmm_vcpu vcpu;

	(void)a;
	(void)b;
	bind_whole();
	first_vcpu(&vcpu);
	touch_whole(&vcpu, 1);
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (!pid) {
			for (int page = 0; page < 64; page++)
				((char *)mapping)[page * PAGE] = 1;
			vmm_punch(gmem, 0, 32 * PAGE);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		touch_whole(&vcpu, 1);
	}
	return 0;
}

/* ---- At the same time ---- */

static void *touch_until_stopped(void *index)
{
	struct vmm_vcpu vcpu;

	vmm_vcpu_open(&vm, (long)index, &vcpu);
	while (!stop)
		touch_whole(&vcpu, 1);
	return NULL;
}

/* @nvcpus touch one slot for @ms while all of it is punched again and again. */
static int hole_race(long nvcpus, long ms)
{
	pthread_t threads[16];
	time_t end = time(NULL) + ms / 1000;

	bind_whole();
	for (long i = 0; i < nvcpus; i++)
		pthread_create(&threads[i], NULL, touch_until_stopped, (void *)i);
	while (time(NULL) < end)
		vmm_punch(gmem, 0, size_bytes);
	stop = true;
	for (long i = 0; i < nvcpus; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static void *punch_once(void *unused)
{
	vmm_punch(gmem, 0, size_bytes);
	stop = true;
	return unused;
}

/* Holes of all of @gib, whose last pages a vCPU touches; then all is quiet, and mprotect() takes those once. */
static int hole_big(long rounds, long gib)
{
	const uint64_t bytes = 256 * PAGE, at = ((uint64_t)gib << 30) - bytes;
	struct vmm_vcpu vcpu;
	pthread_t thread;

	size_bytes = at + bytes;
	gmem = vmm_gmem(&vm, size_bytes);
	mapping = vmm_map(gmem, bytes, at);
	if (vmm_bind(&vm, 1, GPA, bytes, mapping, gmem, at))
		vmm_die("bind");
	first_vcpu(&vcpu);
	*(volatile char *)mapping = 1; /* else mprotect() tells nobody */
	vmm_touch(&vcpu, GPA, bytes, 1);
	for (long i = 0; i < rounds; i++) {
		stop = false;
		pthread_create(&thread, NULL, punch_once, NULL);
		while (!stop)
			vmm_touch(&vcpu, GPA, bytes, 1);
		pthread_join(thread, NULL);
	}
	vmm_touch(&vcpu, GPA, bytes, 1);
	mprotect(mapping, bytes, PROT_READ);
	vmm_touch(&vcpu, GPA, bytes, 1);
	return 0;
}

static unsigned long nlives;

/* A VM with 16 pages that its guest touches. */
static void live_once(void)
{
	struct vmm_guest guest;

	vmm_guest_open(&guest, GPA, 16 * PAGE);
	vmm_guest_touch(&guest);
	vmm_guest_close(&guest);
}

static void *live_and_let_go(void *unused)
{
	while (!stop) {
		live_once();
		__sync_fetch_and_add(&nlives, 1);
	}
	return unused;
}

/* @nthreads make and end such VMs, while all of a TiB is punched for @ms. */
static int lives(long nthreads, long ms)
{
	const uint64_t tib = 1ULL << 40;
	int sparse = vmm_gmem(&vm, tib);
	time_t end = time(NULL) + ms / 1000;
	pthread_t threads[16];

	for (long i = 0; i < nthreads; i++)
		pthread_create(&threads[i], NULL, live_and_let_go, NULL);
	while (time(NULL) < end)
		vmm_punch(sparse, 0, tib);
	stop = true;
	for (long i = 0; i < nthreads; i++)
		pthread_join(threads[i], NULL);
	printf("%lu\n", nlives);
	return 0;
}

static long generations_left;

static void *live_in_turn(void *unused)
{
	while (__sync_fetch_and_sub(&generations_left, 1) > 0)
		live_once();
	return unused;
}

/* @n lives like these by @nthreads, and nothing else. */
static int generations(long n, long nthreads)
{
	pthread_t threads[16];

	generations_left = n;
	for (long i = 0; i < nthreads; i++)
		pthread_create(&threads[i], NULL, live_in_turn, NULL);
	for (long i = 0; i < nthreads; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/*
 * One VM that makes @n guest_memfds of @mib MiB one after the other, each of which its guest, at the same
 * slot, touches 16 pages of, and a hole is punched in.
 */
static int files(long n, long mib)
{
	const uint64_t bytes = (uint64_t)mib << 20;
	struct vmm_vcpu vcpu;

	vmm_vcpu_open(&vm, 0, &vcpu);
	for (long i = 0; i < n; i++) {
		int fd = vmm_gmem(&vm, bytes);
		void *map = vmm_map(fd, bytes, 0);

		if (vmm_bind(&vm, 1, GPA, bytes, map, fd, 0) || vmm_touch(&vcpu, GPA, 16 * PAGE, 1))
			vmm_die("bind and touch");
		vmm_punch(fd, 0, bytes);
		if (vmm_bind(&vm, 1, GPA, 0, map, fd, 0))
			vmm_die("delete");
		munmap(map, bytes);
		close(fd);
	}
	return 0;
}

/* @n VMs that each have a notifier a second, for @seconds. */
static int hold(long n, long seconds)
{
	struct vmm vmms[100];
	void *maps[100];

	for (long i = 0; i < n; i++) {
		int fd;

		vmm_open(&vmms[i]);
		fd = vmm_gmem(&vmms[i], 16 * PAGE);
		maps[i] = vmm_map(fd, 16 * PAGE, 0);
		vmm_bind(&vmms[i], 1, GPA, 16 * PAGE, maps[i], fd, 0);
	}
	printf("%d\n", getpid());
	fflush(stdout);
	for (long s = 0; s < seconds; s++) {
		for (long i = 0; i < n; i++)
			mprotect(maps[i], 16 * PAGE, s & 1 ? PROT_READ : PROT_READ | PROT_WRITE);
		sleep_ms(1000);
	}
	return 0;
}

/* A guest that touches its pages when the tracer is there. */
static int late(long a, long b)
{
	struct vmm_vcpu vcpu;

	(void)a;
	(void)b;
	bind_whole();
	first_vcpu(&vcpu);
	wait_for_tracer();
	touch_whole(&vcpu, 1);
	return 0;
}

/* @n VMMs, each killed in the middle of faults and holes. */
static int killer(long n, long b)
{
	(void)b;
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid) {
			vmm_open(&vm);
			gmem = vmm_gmem(&vm, size_bytes);
			_exit(hole_race(2, 100000));
		}
		sleep_ms(150 + 7 * (i % 5));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return 0;
}

/* Slot 1 goes and comes for @ms, at two places of the guest_memfd in turn, while a vCPU touches it. */
static void *flap(void *ms)
{
	time_t end = time(NULL) + (long)ms / 1000;

	for (unsigned int n = 0; time(NULL) < end; n++) {
		if (vmm_bind(&vm, 1, GPA, size_bytes / 2, mapping, gmem,
			     n & 1 ? size_bytes / 2 : 0))
			vmm_die("bind");
		sleep_ms(1);
		vmm_bind(&vm, 1, 0, 0, NULL, gmem, 0);
	}
	stop = true;
	return NULL;
}

static int slot_flap(long a, long ms)
{
	struct vmm_vcpu vcpu;
	pthread_t thread;

	(void)a;
	mapping = vmm_map(gmem, size_bytes, 0);
	first_vcpu(&vcpu);
	pthread_create(&thread, NULL, flap, (void *)ms);
	while (!stop) /* without a slot it is MMIO, and ends */
		vmm_touch(&vcpu, GPA, size_bytes / 2, 1);
	pthread_join(thread, NULL);
	return 0;
}

static void *allocate(void *unused)
{
	if (fallocate(gmem, FALLOC_FL_KEEP_SIZE, 0, size_bytes))
		vmm_die("fallocate");
	return unused;
}

/* All is allocated while a vCPU touches it. */
static int alloc_race(long rounds, long b)
{
	struct vmm_vcpu vcpu;
	pthread_t thread;

	(void)b;
	bind_whole();
	first_vcpu(&vcpu);
	for (long i = 0; i < rounds; i++) {
		pthread_create(&thread, NULL, allocate, NULL);
		touch_whole(&vcpu, 1);
		pthread_join(thread, NULL);
		vmm_punch(gmem, 0, size_bytes);
	}
	return 0;
}

/* How much CPU time a munmap() of all takes, of which the VMM has touched a page in each @apart: ns. */
static int unmap_big(long apart, long rounds)
{
	struct timespec begin, end;
	struct vmm_vcpu vcpu;

	bind_whole();
	first_vcpu(&vcpu);
	for (long i = 0; i < rounds; i++) {
		for (uint64_t at = 0; at < size_bytes; at += apart * PAGE)
			((char *)mapping)[at] = 1;
		vmm_touch(&vcpu, GPA, PAGE, 1);
		usleep(i * 370); /* elsewhere between two ticks, which can only add to it */
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
		munmap(mapping, size_bytes);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
		if (mmap(mapping, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, gmem,
			 0) == MAP_FAILED)
			vmm_die("mmap");
		printf("%ld\n",
		       (end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec);
	}
	return 0;
}

/* ---- Many, and one after the other ---- */

/* @n slots in both address spaces, all of one guest_memfd. */
static int many_slots(long n, long b)
{
	uint64_t slot_bytes = 4 * PAGE;
	struct vmm_vcpu vcpu;

	(void)b;
	size_bytes = 2 * n * slot_bytes;
	gmem = vmm_gmem(&vm, size_bytes);
	mapping = vmm_map(gmem, size_bytes, 0);
	for (long i = 0; i < 2 * n; i++)
		if (vmm_bind(&vm, (i / n) << 16 | (i % n < 500 ? i % n : i % n + 1),
			     GPA + i % n * slot_bytes, slot_bytes, mapping + i * slot_bytes, gmem,
			     i * slot_bytes))
			vmm_die("bind");
	first_vcpu(&vcpu);
	*(volatile char *)mapping = 1; /* else mprotect() tells nobody */
	vmm_touch(&vcpu, GPA, n * slot_bytes, 2);
	mprotect(mapping, size_bytes, PROT_READ);
	vmm_touch(&vcpu, GPA, n * slot_bytes, 1);
	vmm_punch(gmem, 0, size_bytes);
	vmm_touch(&vcpu, GPA, n * slot_bytes, 1);
	return 0;
}

/* @n guest_memfds one after the other, of each a page in 2 MiB is touched by the VMM. */
static int leaf_churn(long n, long b)
{
	const uint64_t bytes = 512ULL << 20;

	(void)b;
	for (long i = 0; i < n; i++) {
		int fd = vmm_gmem(&vm, bytes);
		char *map = vmm_map(fd, bytes, 0);

		for (uint64_t at = 0; at < bytes; at += GUEST_TABLE_SPAN)
			map[at] = 1;
		munmap(map, bytes);
		close(fd);
	}
	return 0;
}

/* VMs one after the other, all at the addresses of those before. */
static int churn(long n, long b)
{
	(void)b;
	for (long i = 0; i < n; i++) {
		struct vmm_guest guest;

		vmm_guest_open(&guest, GPA, size_bytes);
		vmm_guest_touch(&guest);
		vmm_guest_close(&guest);
	}
	return 0;
}

/* ---- What VMMs do with mappings ---- */

#ifndef KVM_CAP_DISABLE_QUIRKS2
#define KVM_CAP_DISABLE_QUIRKS2 213
#endif
#define KVM_X86_QUIRK_SLOT_ZAP_ALL (1 << 7)

/* Without the quirk the deletion of slot 2 takes no pages of slot 1. */
static int quirk(long a, long b)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DISABLE_QUIRKS2,
				      .args = { KVM_X86_QUIRK_SLOT_ZAP_ALL } };
	uint64_t half = size_bytes / 2;
	struct vmm_vcpu vcpu;

	(void)a;
	(void)b;
	if (ioctl(vm.fd, KVM_ENABLE_CAP, &cap))
		vmm_die("KVM_CAP_DISABLE_QUIRKS2");
	mapping = vmm_map(gmem, size_bytes, 0);
	vmm_bind(&vm, 1, GPA, half, mapping, gmem, 0);
	vmm_bind(&vm, 2, GPA + half, half, mapping + half, gmem, half);
	first_vcpu(&vcpu);
	touch_whole(&vcpu, 1);
	vmm_bind(&vm, 2, 0, 0, NULL, gmem, 0);
	vmm_bind(&vm, 2, GPA + half, half, mapping + half, gmem, half);
	touch_whole(&vcpu, 1);
	return 0;
}

static int maps(long a, long b)
{
	static const int advice[] = { MADV_MERGEABLE, MADV_HUGEPAGE, MADV_REMOVE, MADV_COLD,
				      MADV_PAGEOUT };
	struct vmm_vcpu vcpu;
	void *other;

	(void)a;
	(void)b;
	bind_whole();
	first_vcpu(&vcpu);
	touch_whole(&vcpu, 1);
	madvise(mapping, size_bytes, MADV_POPULATE_WRITE);
	madvise(mapping, size_bytes, MADV_DONTNEED);
	touch_whole(&vcpu, 1);
	for (size_t i = 0; i < sizeof(advice) / sizeof(*advice); i++)
		madvise(mapping, size_bytes, advice[i]);
	touch_whole(&vcpu, 1);
	other = mmap(NULL, size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	other = mremap(mapping, size_bytes, size_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, other);
	touch_whole(&vcpu, 1);
	for (uint64_t at = 0; other != MAP_FAILED && at < size_bytes; at += PAGE)
		((char *)other)[at] = 2;
	vmm_punch(gmem, 5 * PAGE, PAGE);
	touch_whole(&vcpu, 1);
	return 0;
}

/* ---- A stand-in ---- */

#define CLOCK_GPA 0x20000000ULL

/*
 * KVM reads guest memory that is a file, of which nothing is in the page cache: kvm_read_guest(kvm,
 * address, ...) adds its pages. Stands for kvm_gmem_populate(), which takes hardware, and copies what
 * may be a file in the same way.
 */
static int read_file(long a, long b)
{
	int fd = open("LICENSE", O_RDONLY | O_CLOEXEC);
	struct kvm_userspace_memory_region region = { .slot = 7,
						      .guest_phys_addr = CLOCK_GPA,
						      .memory_size = PAGE };
	struct vmm_vcpu vcpu;
	void *memory;

	(void)a;
	(void)b;
	bind_whole();
	first_vcpu(&vcpu);
	touch_whole(&vcpu, 1);
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	region.userspace_addr = (uintptr_t)memory;
	if (memory == MAP_FAILED || ioctl(vm.fd, KVM_SET_USER_MEMORY_REGION, &region))
		vmm_die("memory that is a file");
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	errno = -arch_read_guest(vcpu.fd, CLOCK_GPA);
	if (errno)
		vmm_die("what makes KVM read guest memory");
	return 0;
}

static const struct situation {
	const char *name;
	int (*run)(long a, long b);
} situations[] = {
	{ "holes", holes },
	{ "hole_of_another", hole_of_another },
	{ "beyond", beyond },
	{ "clonevm", clonevm },
	{ "forks", forks },
	{ "hole_race", hole_race },
	{ "killer", killer },
	{ "lives", lives },
	{ "generations", generations },
	{ "files", files },
	{ "hold", hold },
	{ "late", late },
	{ "slot_flap", slot_flap },
	{ "alloc_race", alloc_race },
	{ "unmap_big", unmap_big },
	{ "many_slots", many_slots },
	{ "churn", churn },
	{ "leaf_churn", leaf_churn },
	{ "hole_big", hole_big },
	{ "quirk", quirk },
	{ "maps", maps },
	{ "read_file", read_file },
};

int main(int argc, char **argv)
{
	long a = argc > 2 ? atol(argv[2]) : 1, b = argc > 3 ? atol(argv[3]) : 2000;

	size_bytes = (getenv("PAGES") ? atoll(getenv("PAGES")) : 256) * PAGE;
	for (size_t i = 0; argc > 1 && i < sizeof(situations) / sizeof(*situations); i++)
		if (!strcmp(argv[1], situations[i].name)) {
			vmm_open(&vm);
			gmem = vmm_gmem(&vm, size_bytes);
			return situations[i].run(a, b);
		}
	fprintf(stderr, "situations: NAME [NUMBER [NUMBER]]\n");
	return 2;
}
