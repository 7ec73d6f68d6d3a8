// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU threads: see crew.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "crew.h"
#include "model.h"

/*
 * Locked into memory, once for each vCPU: small, but a signal frame with AVX-512 state must fit, and
 * what the architecture asks for at least, which on arm64 is twice that.
 */
#define STACK_BYTES (64UL << 10)

struct member {
	pthread_t thread;
	sem_t go, done;
	bool stop;
	struct vcpu *vcpu;
	struct arch_touch touch;
	uint64_t ndone; /* of touch.npages */
	int err;
	bool memory_fault; /* the way it ended */
};

static void run_guest(struct member *member)
{
	struct vcpu *vcpu = member->vcpu;

	member->err = arch_touch(vcpu->fd, vcpu->run, &member->touch, &member->ndone);
	member->memory_fault = vcpu->run->exit_reason == KVM_EXIT_MEMORY_FAULT;
}

static void *member_main(void *arg)
{
	struct member *member = arg;

	for (;;) {
		while (sem_wait(&member->go))
			;
		if (member->stop)
			return NULL;
		run_guest(member);
		sem_post(&member->done);
	}
}

int crew_start(struct crew *crew, unsigned int nthreads)
{
	size_t least = sysconf(_SC_THREAD_STACK_MIN);
	pthread_attr_t attr;
	int err;

	crew->members = calloc(nthreads, sizeof(*crew->members));
	if (!crew->members)
		return -ENOMEM;
	pthread_attr_init(&attr);
	err = pthread_attr_setstacksize(&attr, least > STACK_BYTES ? least : STACK_BYTES);

	while (!err && crew->nmembers < nthreads) {
		struct member *member = &crew->members[crew->nmembers];

		sem_init(&member->go, 0, 0);
		sem_init(&member->done, 0, 0);
		err = pthread_create(&member->thread, &attr, member_main, member);
		if (!err)
			crew->nmembers++;
	}
	pthread_attr_destroy(&attr);
	return -err;
}

void crew_stop(struct crew *crew)
{
	for (unsigned int i = 0; i < crew->nmembers; i++) {
		crew->members[i].stop = true;
		sem_post(&crew->members[i].go);
		pthread_join(crew->members[i].thread, NULL);
	}
	free(crew->members);
}

void crew_join(struct crew *crew, struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nvcpus; i++) {
		vm->vcpus[i].member = &crew->members[vm->index * vm->nvcpus + i];
		vm->vcpus[i].member->vcpu = &vm->vcpus[i];
	}
}

/* vCPU i's share of the order's pages. */
static void share_of(const struct order *order, unsigned int i, uint64_t *first, uint64_t *npages)
{
	uint64_t start = order->npages * i / order->nvcpus;
	uint64_t end = order->npages * (i + 1) / order->nvcpus;

	*first = order->first + start;
	*npages = end - start;
}

static void member_begin(struct member *member, const struct order *order, uint64_t first,
			 uint64_t npages, uint64_t passes)
{
	member->touch = (struct arch_touch){
		.gpa = (order->slot->base_gfn + first) * GUEST_PAGE_SIZE,
		.npages = npages,
		.passes = passes,
		.write = order->write,
	};
	sem_post(&member->go);
}

static int member_end(struct machine *machine, struct member *member, struct slot *slot)
{
	uint64_t first = member->touch.gpa / GUEST_PAGE_SIZE - slot->base_gfn;

	while (sem_wait(&member->done))
		;
	model_guest_touch(machine, slot, first, member->ndone);
	if (member->err)
		model_guest_error(slot, first + member->ndone, member->err, member->memory_fault);
	return member->err;
}

/*
 * When two vCPUs need the same missing table of the second dimension, KVM makes both make it and
 * sends the loser back to fault again, so that the number of faults would depend on luck. One vCPU
 * therefore goes ahead and touches one page under each table. Whatever error it meets its fellows
 * will meet again.
 */
static int make_tables(struct machine *machine, const struct order *order)
{
	struct slot *slot = order->slot;
	uint64_t gpa = (slot->base_gfn + order->first) * GUEST_PAGE_SIZE;
	uint64_t end = gpa + order->npages * GUEST_PAGE_SIZE;
	int err = 0;

	while (!err && gpa < end) {
		struct member *member = slot->vm->vcpus[0].member;

		member_begin(member, order, gpa / GUEST_PAGE_SIZE - slot->base_gfn, 1, 1);
		err = member_end(machine, member, slot);
		gpa = (gpa / GUEST_TABLE_SPAN + 1) * GUEST_TABLE_SPAN;
	}
	return err;
}

void order_begin(struct machine *machine, const struct order *order)
{
	if (order->nvcpus > 1)
		make_tables(machine, order);

	for (unsigned int i = 0; i < order->nvcpus; i++) {
		uint64_t first, npages;

		share_of(order, i, &first, &npages);
		if (npages)
			member_begin(order->slot->vm->vcpus[i].member, order, first, npages,
				     order->passes);
	}
}

int order_end(struct machine *machine, const struct order *order, uint64_t *ndone)
{
	int err = 0;

	*ndone = 0;
	for (unsigned int i = 0; i < order->nvcpus; i++) {
		struct member *member = order->slot->vm->vcpus[i].member;
		uint64_t first, npages;
		int ret;

		share_of(order, i, &first, &npages);
		if (!npages)
			continue;
		ret = member_end(machine, member, order->slot);
		*ndone += member->ndone;
		err = err ? err : ret;
	}
	return err;
}
