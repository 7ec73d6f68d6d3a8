// SPDX-License-Identifier: GPL-2.0-only
/*
 * See mayhem_phases.h.
 */
#include "mayhem_phases.h"
#include <pthread.h>
#include <sched.h>
#include <time.h>

#define BUSY_MS 400
#define QUIET_STEPS 12

uint64_t seed;
bool calm;
struct shared *shared;

/* ---- Chance ---- */

struct dice dice_of(unsigned int process, unsigned int thread)
{
	struct dice dice = { seed * 0x9e3779b97f4a7c15ULL + shared->phase * 0x100000001b3ULL +
			     process * 0x10001ULL + thread + 1 };

	return dice;
}

unsigned int roll(struct dice *dice, unsigned int n)
{
	uint64_t x = dice->state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return (x ^ x >> 31) % n;
}

static struct range range_by_chance(struct dice *dice, struct mayhem_vm *vm, unsigned int region)
{
	struct range range = { .vm = vm, .region = region };

	range.first = roll(dice, REGION_PAGES);
	range.npages = 1 + roll(dice, REGION_PAGES - range.first);
	return range;
}

/* ---- Steps, each on a range ---- */

static void step_touch(const struct range *range, struct dice *dice)
{
	range_touch(range, range->racing ? range->region - 1 : roll(dice, NVCPUS), false);
}

static void step_punch(const struct range *range, struct dice *dice)
{
	(void)dice;
	range_punch(range);
}

static void step_allocate(const struct range *range, struct dice *dice)
{
	(void)dice;
	range_allocate(range);
}

static void step_host_touch(const struct range *range, struct dice *dice)
{
	(void)dice;
	range_host_touch(range);
}

static void step_protect(const struct range *range, struct dice *dice)
{
	range_protect(range, roll(dice, 2));
}

static void step_convert(const struct range *range, struct dice *dice)
{
	range_convert(range, roll(dice, 3));
}

typedef void step_fn(const struct range *range, struct dice *dice);

static step_fn *const steps[] = { step_touch,	 step_touch,	  step_touch,	step_punch,
				  step_allocate, step_host_touch, step_protect, step_convert };
#define NSTEPS (sizeof(steps) / sizeof(*steps))
#define NTOUCHES 3 /* of them, the first ones */

static void step_by_chance(struct dice *dice, const struct range *range, unsigned int first)
{
	steps[first + roll(dice, NSTEPS - first)](range, dice);
}

/* ---- Busy ---- */

struct worker {
	pthread_t thread;
	struct mayhem_vm *vm;
	unsigned int process;
	unsigned int region; /* its own */
};

void step_begin(void)
{
	if (calm)
		sem_wait(&shared->cpus);
}

void step_end(void)
{
	if (calm)
		sem_post(&shared->cpus);
	sched_yield();
}

/* On its own region all, on region 0 touches only. */
static void *work_as_guest(void *arg)
{
	struct worker *worker = arg;
	struct mayhem_vm *vm = worker->vm;
	struct dice dice = dice_of(worker->process, worker->region);
	struct range range;

	while (shared->busy) {
		range = range_by_chance(&dice, vm, roll(&dice, 3) ? worker->region : 0);
		range.racing = vm->flaps;
		step_begin();
		if (!range.region)
			range_touch(&range, worker->region - 1, true);
		else if (roll(&dice, NSTEPS) < NTOUCHES)
			range_touch(&range, worker->region - 1, false);
		else
			step_by_chance(&dice, &range, NTOUCHES);
		step_end();
	}
	return NULL;
}

/* On region 0 all but touches, and its slot goes and comes. */
static void *work_as_vmm(void *arg)
{
	struct worker *worker = arg;
	struct mayhem_vm *vm = worker->vm;
	struct dice dice = dice_of(worker->process, 0);
	struct range range;

	while (shared->busy) {
		range = range_by_chance(&dice, vm, 0);
		range.racing = true;
		step_begin();
		if (vm->flaps && !roll(&dice, 3))
			region_move(vm, 0, 1);
		else if (!roll(&dice, 4))
			gap_punch(vm);
		else
			step_by_chance(&dice, &range, NTOUCHES);
		step_end();
	}
	return NULL;
}

/* What nobody can know after racing: region 0, and what a slot that went may have taken. */
static void forget_raced(struct mayhem_vm *vm)
{
	pages_forget(vm->pages, REGION_PAGES);
	for (unsigned int i = 0; i < VM_PAGES; i++)
		if (vm->flaps && vm->pages[i].mapped)
			vm->pages[i].known = false;
	vm->flaps = false;
}

void vm_busy(struct mayhem_vm *vm, unsigned int process)
{
	struct dice dice = dice_of(process, 100);
	struct timespec time = { 0, BUSY_MS * 1000000 };
	struct worker workers[NREGIONS];

	/*
	 * Where the guest has touched a page while there was no slot, KVM goes on to take it for MMIO,
	 * and so for shared, and refuses it when it is private (seen on 7.3).
	 */
	vm->flaps = roll(&dice, 2) && !vm->vmm.has_private;
	for (unsigned int i = 0; i < NREGIONS; i++) {
		workers[i] = (struct worker){ .vm = vm, .process = process, .region = i };
		pthread_create(&workers[i].thread, NULL, i ? work_as_guest : work_as_vmm,
			       &workers[i]);
	}
	if (!process) { /* which leads */
		nanosleep(&time, NULL);
		shared->busy = false;
	}
	for (unsigned int i = 0; i < NREGIONS; i++)
		pthread_join(workers[i].thread, NULL);
	forget_raced(vm);
}

/* ---- Quiet ---- */

/* Pages as the racing left them; those that nobody can know stay alone. */
static void quiet_carried(struct mayhem_vm *vm, unsigned int region)
{
	struct page *pages = vm->pages + region * REGION_PAGES;

	region_move_quiet(vm, region, shared->phase, true);
	for (unsigned int i = 0; i < REGION_PAGES; i++) {
		struct range range = { .vm = vm, .region = region, .first = i, .npages = 1 };

		if (pages[i].known)
			range_touch(&range, 0, false);
		else
			vm->left_out++;
	}
}

/* All of a region becomes known: new, and then touched. */
static void quiet_settle(struct mayhem_vm *vm, unsigned int region)
{
	struct range range = range_whole(vm, region);

	region_move(vm, region, region + 1);
	range_convert(&range, true);
	range_punch(&range);
	range_touch(&range, 0, false);
	pages_know(vm->pages + region * REGION_PAGES, REGION_PAGES, true);
}

/* Without a hole or a new slot: what holes under way have left behind must not matter any more. */
static void quiet_in_holes(struct mayhem_vm *vm)
{
	struct range range = range_whole(vm, 0);

	range_touch(&range, 0, false);
	pages_know(vm->pages, REGION_PAGES, true);
	range_protect(&range, !vm->pages[0].read_only);
}

static void quiet_step(struct mayhem_vm *vm, struct dice *dice)
{
	unsigned int region = roll(dice, NREGIONS);
	struct range range = range_by_chance(dice, vm, region);
	unsigned int what = roll(dice, 12);

	if (!what)
		region_move_quiet(vm, region, shared->phase, false);
	else if (what == 1)
		region_bind_badly(vm, region);
	else
		step_by_chance(dice, &range, 0);
}

/* Two regions take each other's place in the guest. */
static void quiet_swap(struct mayhem_vm *vm)
{
	unsigned int place = vm->regions[1].place;

	if (vm->vmm.has_private) /* private is what is at a place, not what is in a guest_memfd */
		return;
	for (unsigned int i = 0; i < 2; i++)
		region_unbind(vm, i);
	vm->regions[1].place = vm->regions[0].place;
	vm->regions[0].place = place;
	for (unsigned int i = 0; i < 2; i++)
		region_bind(vm, i, vm->regions[i].slot);
}

void vm_quiet(struct mayhem_vm *vm, struct dice *dice)
{
	if (!vm->vmm.has_private)
		quiet_in_holes(vm);
	for (unsigned int i = 0; i < NREGIONS; i++)
		quiet_carried(vm, i);
	for (unsigned int i = 0; i < NREGIONS; i++)
		quiet_settle(vm, i);
	for (unsigned int i = 0; i < NREGIONS; i++)
		region_move_quiet(vm, i, shared->phase, false);
	if (!roll(dice, 3))
		quiet_swap(vm);
	for (unsigned int i = 0; i < QUIET_STEPS; i++)
		quiet_step(vm, dice);
	for (unsigned int i = 0; i < NREGIONS; i++)
		region_move(vm, i, i + 1);
	for (unsigned int i = 0; i < QUIET_STEPS / 2; i++)
		quiet_step(vm, dice);
	for (unsigned int i = 0; i < NREGIONS; i++)
		if (vm->regions[i].slot != i + 1)
			region_move(vm, i, i + 1);
}
