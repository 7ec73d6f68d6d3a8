// SPDX-License-Identifier: GPL-2.0-only
/*
 * mayhem SEED SECONDS [--calm]: VMMs at random, several processes. In busy phases all do everything
 * at once; between them each in turn goes over its pages alone, on memslots of their own, where it knows
 * why the guest must fault. Prints what it did as JSON, for tests/lab/mayhem.py. --calm: no
 * more threads at once than there are CPUs.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mayhem_phases.h"

#define NVMMS 3 /* and one that makes and ends small VMs */
#define NPROCESSES (NVMMS + 1)
#define NLIVERS 2 /* its threads */
#define LIVES 3 /* at most, of each in each phase */
#define LIFE_PAGES 16

/* ---- Processes ---- */

/* The types of VM that can have a guest_memfd here. */
static bool has_default, has_swprot;

static struct mayhem_vm *vm_new(struct mayhem_vm *next, bool has_private)
{
	struct mayhem_vm *vm = malloc(sizeof(*vm));

	if (!vm)
		vmm_die("memory");
	vm_make(vm, has_private);
	vm->next = next;
	return vm;
}

static void quiet_slot_print(FILE *out, const struct quiet_slot *slot)
{
	fprintf(out, "{\"id\":%u,\"phase\":%u,\"carried\":%s,\"causes\":{", slot->id, slot->phase,
		slot->carried ? "true" : "false");
	for (int i = 0, n = 0; i < NR_CAUSES; i++)
		if (slot->causes[i])
			fprintf(out, "%s\"%s\":%lu", n++ ? "," : "", cause_names[i],
				slot->causes[i]);
	fprintf(out, "}}");
}

/* The last one first, but printed in the order in which they were made. */
static void vms_print(FILE *out, const struct mayhem_vm *vm)
{
	if (vm->next) {
		vms_print(out, vm->next);
		fprintf(out, ",\n");
	}
	fprintf(out, "{\"left_out\":%lu,\"slots\":[", vm->left_out);
	for (unsigned int i = 0; i < vm->nquiet; i++) {
		fprintf(out, "%s", i ? ",\n" : "");
		quiet_slot_print(out, &vm->quiet[i]);
	}
	fprintf(out, "]}");
}

static void calls_print(FILE *out)
{
	fprintf(out, "\"pid\":%d,\"calls\":{", getpid());
	for (int i = 0; i < NR_CALLS; i++)
		fprintf(out, "%s\"%s\":[%lu,%lu]", i ? "," : "", call_names[i], calls[i],
			call_pages[i]);
	fprintf(out, "}");
}

/* All begin together, until it is over. The first process leads. */
static bool phase_begins(unsigned int process, time_t end)
{
	if (!process) {
		shared->over = time(NULL) >= end;
		shared->busy = true;
		shared->phase++;
	}
	pthread_barrier_wait(&shared->barrier);
	return !shared->over;
}

static void vmm_run(unsigned int process, time_t end, FILE *out)
{
	bool has_private = has_swprot && (process == 1 || !has_default);
	struct mayhem_vm *vm = vm_new(NULL, has_private);

	while (phase_begins(process, end)) {
		struct dice dice = dice_of(process, 101);

		vm_busy(vm, process);
		pthread_barrier_wait(&shared->barrier);
		pthread_mutex_lock(&shared->turn);
		vm_quiet(vm, &dice);
		if (!roll(&dice, 4)) {
			vm_end(vm, roll(&dice, 2));
			vm = vm_new(vm, has_private);
		}
		pthread_mutex_unlock(&shared->turn);
	}
	vm_end(vm, true);
	fprintf(out, "{\"vms\":[");
	vms_print(out, vm);
	fprintf(out, "],");
	calls_print(out);
	fprintf(out, "}");
}

/* ---- Small VMs ---- */

static unsigned long nlives;

/* A guest touches all of its pages, and half of them once more. */
static void live(void)
{
	struct vmm_guest guest;

	vmm_guest_open(&guest, 0x10000000, LIFE_PAGES * GUEST_PAGE_SIZE);
	vmm_guest_touch(&guest);
	vmm_punch(guest.gmem, 0, guest.size_bytes / 2);
	vmm_guest_touch(&guest);
	vmm_guest_close(&guest);
	__sync_fetch_and_add(&nlives, 1);
}

static void *work_as_liver(void *unused)
{
	for (int i = 0; i < LIVES && shared->busy; i++) {
		step_begin();
		live();
		step_end();
	}
	return unused;
}

static void live_call(enum call call, unsigned long npages)
{
	for (unsigned long i = 0; i < nlives; i++)
		call_add(call, npages);
}

static void lives_run(unsigned int process, time_t end, FILE *out)
{
	int nlivers = has_default ? NLIVERS : 0;
	pthread_t threads[NLIVERS];

	while (phase_begins(process, end)) {
		for (int i = 0; i < nlivers; i++)
			pthread_create(&threads[i], NULL, work_as_liver, NULL);
		for (int i = 0; i < nlivers; i++)
			pthread_join(threads[i], NULL);
		pthread_barrier_wait(&shared->barrier);
	}
	live_call(CALL_CREATE, 0);
	live_call(CALL_BIND, 0);
	live_call(CALL_UNBIND, 0);
	live_call(CALL_RELEASE, 0);
	live_call(CALL_PUNCH_HOLE, LIFE_PAGES / 2);
	fprintf(out, "{\"lives\":%lu,\"faults\":%d,", nlives, LIFE_PAGES * 3 / 2);
	calls_print(out);
	fprintf(out, "}");
}

/* ---- All ---- */

static pid_t children[NPROCESSES];
static FILE *outputs[NPROCESSES];

static void process_start(unsigned int process, time_t end)
{
	outputs[process] = tmpfile();
	children[process] = outputs[process] ? fork() : -1;
	if (children[process] < 0)
		vmm_die("a process");
	if (children[process])
		return;
	if (process < NVMMS)
		vmm_run(process, end, outputs[process]);
	else
		lives_run(process, end, outputs[process]);
	fflush(outputs[process]);
	_exit(0);
}

/* One that fails leaves the others waiting for it. */
static void processes_wait(void)
{
	int status;

	for (int i = 0; i < NPROCESSES; i++) {
		if (wait(&status) > 0 && !status)
			continue;
		for (int k = 0; k < NPROCESSES; k++)
			kill(children[k], SIGKILL);
		fprintf(stderr, "mayhem: a process has failed in phase %u of seed %llu\n",
			shared->phase, (unsigned long long)seed);
		exit(1);
	}
}

static void outputs_print(void)
{
	char text[4096];
	size_t n;

	printf("{\"seed\":%llu,\"phases\":%u,\"processes\":[", (unsigned long long)seed,
	       shared->phase - 1);
	for (int i = 0; i < NPROCESSES; i++) {
		printf("%s", i ? ",\n" : "");
		rewind(outputs[i]);
		while ((n = fread(text, 1, sizeof(text), outputs[i])) > 0)
			fwrite(text, 1, n, stdout);
	}
	printf("]}\n");
}

static void share(void)
{
	pthread_barrierattr_t barrier;
	pthread_mutexattr_t mutex;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		vmm_die("mmap");
	pthread_barrierattr_init(&barrier);
	pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->barrier, &barrier, NPROCESSES);
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->turn, &mutex);
	sem_init(&shared->cpus, true, sysconf(_SC_NPROCESSORS_ONLN));
}

int main(int argc, char **argv)
{
	time_t end;

	if (argc < 3) {
		fprintf(stderr, "mayhem: SEED SECONDS [--calm]\n");
		return 2;
	}
	seed = strtoull(argv[1], NULL, 10);
	end = time(NULL) + atol(argv[2]);
	for (int i = 3; i < argc; i++)
		calm |= !strcmp(argv[i], "--calm");
	has_default = vmm_can(KVM_DEFAULT_VM);
	has_swprot = vmm_can(KVM_X86_SW_PROTECTED_VM);
	share();
	for (unsigned int i = 0; i < NPROCESSES; i++)
		process_start(i, end);
	processes_wait();
	outputs_print();
	return 0;
}
