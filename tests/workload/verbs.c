// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each step does. A step names VMs and slots (or guest_memfds); a verb is one short function
 * that is called for each of these targets, does the operation and accounts for it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <time.h>

#include "hostmap.h"
#include "load.h"
#include "model.h"

struct target {
	struct vm *vm;
	struct slot *slot; /* NULL when the step names a gmem */
	struct gmem *gmem; /* NULL for the plain slot */
	uint64_t first; /* page of gmem; of slot when there is no gmem */
	uint64_t npages;
};

typedef int (*target_fn)(struct load *load, struct step *step, const struct target *target);

/* Marks the step as one that this kernel cannot do. Returns 0: it is no error of the step. */
static int cannot(struct load *load, struct step *step, const char *reason)
{
	step->unavailable = true;
	load_unavailable(load, step->text, "%s", reason);
	return 0;
}

static int cannot_without_binding(struct load *load, struct step *step)
{
	return cannot(load, step, "no memslot of this VM type can be bound to a guest_memfd here");
}

static int on_slot(struct load *load, struct step *step, struct slot *slot, target_fn fn)
{
	struct target target = { .vm = slot->vm, .slot = slot, .gmem = slot->gmem };
	uint64_t first = step_key(step, KEY_FIRST, 0);

	if (first >= slot->npages)
		return -ERANGE;
	target.first = first + (slot->gmem ? slot->pgoff : 0);
	target.npages = step_key(step, KEY_PAGES, slot->npages - first);
	return fn(load, step, &target);
}

static int on_gmem(struct load *load, struct step *step, struct vm *vm, target_fn fn)
{
	uint64_t index = step->key[KEY_GMEM];
	struct target target = { .vm = vm, .first = step_key(step, KEY_FIRST, 0) };

	if (!vm->ngmems)
		return cannot(load, step, "this kernel makes no guest_memfd here");
	if (index >= vm->ngmems || !vm->gmems[index].page)
		return -ENODEV;
	target.gmem = &vm->gmems[index];
	if (target.first >= target.gmem->npages)
		return -ERANGE;
	target.npages = step_key(step, KEY_PAGES, target.gmem->npages - target.first);
	return fn(load, step, &target);
}

static int on_slots(struct load *load, struct step *step, struct vm *vm, target_fn fn)
{
	int64_t id = step->key[KEY_SLOT];
	int err = 0, ret;

	if (id == KEY_PLAIN)
		return load->machine.shape.plain_pages ? on_slot(load, step, plain_slot(vm), fn)
						       : -ENODEV;
	if (id != KEY_ALL && id >= vm->nslots)
		return -ENODEV;
	for (unsigned int i = 0; !step->unavailable && i < vm->nslots; i++) {
		if (id != KEY_ALL && id != i)
			continue;
		if (!vm->slots[i].gmem)
			return cannot(load, step, "this kernel makes no guest_memfd here");
		ret = on_slot(load, step, &vm->slots[i], fn);
		err = err ? err : ret;
	}
	return err;
}

/* Calls fn for each slot or gmem that the step names, errors or not. Returns its first error. */
static int each_target(struct load *load, struct step *step, target_fn fn)
{
	struct machine *machine = &load->machine;
	int64_t index = step->key[KEY_VM];
	int err = 0, ret;

	if (index != KEY_ALL && (index >= machine->nvms || machine->vms[index].fd < 0))
		return -ENODEV;
	for (unsigned int i = 0; !step->unavailable && i < machine->nvms; i++) {
		struct vm *vm = &machine->vms[i];

		if ((index != KEY_ALL && index != i) || vm->fd < 0)
			continue;
		ret = step->key[KEY_GMEM] == KEY_ALL ? on_slots(load, step, vm, fn)
						     : on_gmem(load, step, vm, fn);
		err = err ? err : ret;
	}
	return err;
}

/*
 * All VMs touch their slot of the same position at the same time, each with as many vCPUs as told.
 */
#define MAX_ORDERS 1024

struct orders {
	unsigned int count;
	struct order order[MAX_ORDERS];
};

static struct orders orders;

static int collect_order(struct load *load, struct step *step, const struct target *target)
{
	struct slot *slot = target->slot;
	uint64_t first = target->first - (slot && slot->gmem ? slot->pgoff : 0);
	unsigned int nvcpus = step->key[KEY_VCPUS] == KEY_ALL ? 1 : step->key[KEY_VCPUS];

	if (!slot || first + target->npages > slot->npages)
		return -ERANGE;
	if (slot->gmem && !target->vm->can_bind)
		return cannot_without_binding(load, step);
	if (!slot->live)
		return -ENXIO;
	if (orders.count == MAX_ORDERS)
		return -ENOSPC;
	if (nvcpus > target->vm->nvcpus || !nvcpus)
		nvcpus = target->vm->nvcpus;
	orders.order[orders.count++] = (struct order){
		.slot = slot,
		.first = first,
		.npages = target->npages,
		.passes = step_key(step, KEY_REPEAT, 1),
		.write = step_key(step, KEY_WRITE, 0),
		.nvcpus = nvcpus,
	};
	return 0;
}

/*
 * Waits for the guest. If told to answer, converts each page that it cannot have as it is, and
 * sends it on from there; only one vCPU can be answered.
 */
static int finish_order(struct machine *machine, struct order *order, bool answer)
{
	for (;;) {
		uint64_t ndone, page;
		int err = order_end(machine, order, &ndone);

		if (err != -EFAULT || !answer || order->nvcpus > 1 || !order->slot->private)
			return err;
		page = order->first + ndone;
		err = slot_convert(machine, order->slot, page, 1, !order->slot->private[page]);
		if (err)
			return err;
		order->first += ndone;
		order->npages -= ndone;
		order_begin(machine, order);
	}
}

static int touch_position(struct load *load, struct step *step)
{
	int err;

	orders.count = 0;
	err = each_target(load, step, collect_order);
	if (err || step->unavailable)
		return err;
	for (unsigned int i = 0; i < orders.count; i++)
		order_begin(&load->machine, &orders.order[i]);
	for (unsigned int i = 0; i < orders.count; i++) {
		int ret = finish_order(&load->machine, &orders.order[i],
				       step_key(step, KEY_ANSWER, 0));

		err = err ? err : ret;
	}
	return err;
}

static int touch(struct load *load, struct step *step)
{
	struct step one = *step;
	int err = 0;

	if (step->key[KEY_SLOT] != KEY_ALL)
		return touch_position(load, step);
	for (unsigned int i = 0; !err && !step->unavailable && i < load->machine.shape.slots; i++) {
		one.key[KEY_SLOT] = i;
		err = touch_position(load, &one);
		step->unavailable = one.unavailable;
	}
	return err;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

static int spin(struct load *load, struct step *step)
{
	uint64_t end = now_ms() + step_key(step, KEY_MS, 100);
	int err;

	do {
		err = touch(load, step);
	} while (!err && !step->unavailable && now_ms() < end);
	return err;
}

static int sleep_ms(struct load *load, struct step *step)
{
	uint64_t ms = step_key(step, KEY_MS, 100);
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)load;
	return nanosleep(&time, NULL) && errno != EINTR ? -errno : 0;
}

static int host_target(struct load *load, struct step *step, const struct target *target)
{
	uint64_t passes = step_key(step, KEY_REPEAT, 1);
	bool write = step_key(step, KEY_WRITE, 0);
	struct machine *machine = &load->machine;
	int err = 0;

	if (!target->gmem || !target->gmem->hva)
		return cannot(load, step, "mmap() of guest_memfd needs Linux 6.18");
	if (step_key(step, KEY_BEYOND, 0))
		return host_touch(machine, target->gmem, target->gmem->npages, 1, write);
	while (!err && passes--)
		err = host_touch(machine, target->gmem, target->first, target->npages, write);
	return err;
}

static int call_fallocate(const struct target *target, int mode)
{
	if (!target->gmem || target->gmem->fd < 0)
		return -EBADF;
	return fallocate(target->gmem->fd, mode | FALLOC_FL_KEEP_SIZE,
			 target->first * GUEST_PAGE_SIZE, target->npages * GUEST_PAGE_SIZE)
		       ? -errno
		       : 0;
}

static int allocate_target(struct load *load, struct step *step, const struct target *target)
{
	struct target asked = *target;
	int err;

	(void)load;
	if (step_key(step, KEY_BEYOND, 0))
		asked.npages = target->gmem->npages - target->first + 1;
	err = call_fallocate(&asked, 0);
	if (err != -EBADF)
		model_allocate(asked.gmem, asked.first, asked.npages, -err);
	return err;
}

static int punch_target(struct load *load, struct step *step, const struct target *target)
{
	int err = call_fallocate(target, FALLOC_FL_PUNCH_HOLE);

	(void)step;
	if (err != -EBADF)
		model_punch_hole(&load->machine, target->gmem, target->first, target->npages, -err);
	return err;
}

static int mprotect_target(struct load *load, struct step *step, const struct target *target)
{
	int prot = step_key(step, KEY_PROT, PROT_READ);

	if (target->slot && target->slot->shared_hva)
		return ordinary_protect(&load->machine, target->slot, prot);
	if (!target->gmem->hva)
		return cannot(load, step, "mmap() of guest_memfd needs Linux 6.18");
	return host_protect(&load->machine, target->gmem, target->first, target->npages, prot);
}

/* The page beyond the end of the file comes and goes with the last page of the file. */
static uint64_t with_page_beyond(const struct target *target)
{
	bool to_end = target->first + target->npages == target->gmem->npages;

	return target->npages + to_end;
}

static int mmap_target(struct load *load, struct step *step, const struct target *target)
{
	if (!target->gmem || !target->gmem->hva)
		return cannot(load, step, "mmap() of guest_memfd needs Linux 6.18");
	return host_map(target->gmem, target->first, with_page_beyond(target));
}

static int munmap_target(struct load *load, struct step *step, const struct target *target)
{
	if (!target->gmem || !target->gmem->hva)
		return cannot(load, step, "mmap() of guest_memfd needs Linux 6.18");
	return host_unmap(&load->machine, target->gmem, target->first, with_page_beyond(target));
}

static int madvise_target(struct load *load, struct step *step, const struct target *target)
{
	int advice = step_key(step, KEY_ADVICE, MADV_DONTNEED);

	if (!target->gmem || !target->gmem->hva)
		return cannot(load, step, "mmap() of guest_memfd needs Linux 6.18");
	return host_advise(&load->machine, target->gmem, target->first, target->npages, advice);
}

static int poison_target(struct load *load, struct step *step, const struct target *target)
{
	if (!target->gmem || !target->gmem->hva)
		return cannot(load, step, "mmap() of guest_memfd needs Linux 6.18");
	return host_poison(&load->machine, target->gmem, target->first, target->npages);
}

static int mbind_target(struct load *load, struct step *step, const struct target *target)
{
	if (!target->gmem || !target->gmem->hva)
		return cannot(load, step, "mmap() of guest_memfd needs Linux 6.18");
	return host_set_policy(target->gmem, step_key(step, KEY_NODE, 0),
			       step_key(step, KEY_BALANCING, 0));
}

/* The guest asks by KVM_HC_MAP_GPA_RANGE, and gets what it asked for. */
static int convert_by_guest(struct machine *machine, struct slot *slot, uint64_t first,
			    uint64_t npages, bool to_private)
{
	struct vcpu *vcpu = &slot->vm->vcpus[0];
	uint64_t gpa = (slot->base_gfn + first) * GUEST_PAGE_SIZE;
	int err = arch_ask_convert(slot->vm->fd, vcpu->fd, vcpu->run, gpa, npages, to_private);

	if (!err)
		err = slot_convert(machine, slot, first, npages, to_private);
	return err ? err : arch_answer_convert(vcpu->fd, vcpu->run);
}

static int convert_target(struct load *load, struct step *step, const struct target *target)
{
	struct slot *slot = target->slot;
	uint64_t first = target->first - (slot && slot->gmem ? slot->pgoff : 0);
	bool to_private = step_key(step, KEY_TO, 1);

	if (!target->vm->has_private)
		return cannot(load, step, "this VM type has no private memory");
	if (!slot || first + target->npages > slot->npages)
		return -ERANGE;
	if (step_key(step, KEY_BY, 0))
		return convert_by_guest(&load->machine, slot, first, target->npages, to_private);
	return slot_convert(&load->machine, slot, first, target->npages, to_private);
}

static int prefault_target(struct load *load, struct step *step, const struct target *target)
{
	struct slot *slot = target->slot;
	uint64_t first = target->first - (slot && slot->gmem ? slot->pgoff : 0);
	int err;

	if (!slot || first + target->npages > slot->npages)
		return -ERANGE;
	if (slot->gmem && !target->vm->can_bind)
		return cannot_without_binding(load, step);
	if (!slot->live)
		return -ENXIO;
	err = slot_prefault(&load->machine, slot, first, target->npages);
	return err == -ENOTTY ? cannot(load, step, "KVM_PRE_FAULT_MEMORY needs Linux 6.11 on x86")
			      : err;
}

static int create_gmem(struct load *load, struct step *step)
{
	struct machine *machine = &load->machine;
	uint64_t size_bytes = step_key(step, KEY_SIZE, machine->shape.pages * GUEST_PAGE_SIZE);
	unsigned int index = step_key(step, KEY_VM, 0);
	struct gmem *gmem;
	struct vm *vm;
	int err;

	if (index >= machine->nvms || machine->vms[index].fd < 0)
		return -ENODEV;
	vm = &machine->vms[index];
	err = gmem_create(machine, vm, size_bytes,
			  step_key(step, KEY_FLAGS, gmem_best_flags(machine, vm)), &gmem);
	return err == -ENOTTY ? cannot(load, step, "this KVM has no guest_memfd (6.8 brought it)")
			      : err;
}

static int close_target(struct load *load, struct step *step, const struct target *target)
{
	(void)step;
	/* Several slots may share it. */
	if (!target->gmem || target->gmem->fd < 0)
		return 0;
	return gmem_close(&load->machine, target->gmem);
}

/* Tries to bind the spare slot to the gmem of the target, at a place where it must not be. */
static int bind_spare(struct load *load, const struct target *target, uint64_t pgoff)
{
	struct slot *spare = spare_slot(target->vm);

	if (spare->live)
		return -EBUSY;
	spare->gmem = target->gmem;
	spare->pgoff = pgoff;
	return slot_create(&load->machine, spare);
}

static int bind_target(struct load *load, struct step *step, const struct target *target)
{
	if (!target->slot || !target->gmem)
		return -ENODEV;
	if (!target->vm->can_bind)
		return cannot_without_binding(load, step);
	if (step_key(step, KEY_OVERLAP, 0))
		return bind_spare(load, target, target->slot->pgoff);
	if (step_key(step, KEY_BEYOND, 0))
		return bind_spare(load, target,
				  target->gmem->npages - spare_slot(target->vm)->npages + 1);
	return target->slot->live ? -EBUSY : slot_create(&load->machine, target->slot);
}

static int unbind_target(struct load *load, struct step *step, const struct target *target)
{
	if (!target->vm->can_bind)
		return cannot_without_binding(load, step);
	if (!target->slot || !target->slot->live)
		return -ENXIO;
	return slot_delete(&load->machine, target->slot);
}

/* With as many pages as the step says; never more than it was made with. */
static int recreate_target(struct load *load, struct step *step, const struct target *target)
{
	const struct shape *shape = &load->machine.shape;
	struct slot *slot = target->slot;
	int err;

	if (target->npages > (slot && slot->gmem ? shape->pages : shape->plain_pages))
		return -ERANGE;
	err = unbind_target(load, step, target);
	if (err || step->unavailable)
		return err;
	slot->npages = target->npages;
	return slot_create(&load->machine, slot);
}

static int destroy_vm(struct load *load, struct step *step)
{
	struct machine *machine = &load->machine;
	int64_t index = step->key[KEY_VM];
	int err = 0;

	if (index != KEY_ALL && (index >= machine->nvms || machine->vms[index].fd < 0))
		return -ENODEV;
	for (unsigned int i = 0; !err && i < machine->nvms; i++)
		if ((index == KEY_ALL || index == i) && machine->vms[i].fd >= 0)
			err = vm_destroy(machine, &machine->vms[i]);
	return err;
}

static int make_vm(struct load *load, struct step *step)
{
	(void)step;
	return load_vm(load);
}

#define EACH(name)                                                                                 \
	static int name##_each(struct load *load, struct step *step)                               \
	{                                                                                          \
		return each_target(load, step, name##_target);                                     \
	}

EACH(host)
EACH(allocate)
EACH(punch)
EACH(mprotect)
EACH(mmap)
EACH(munmap)
EACH(madvise)
EACH(close)
EACH(poison)
EACH(mbind)
EACH(convert)
EACH(prefault)
EACH(bind)
EACH(unbind)
EACH(recreate)

#define K(key) (1U << KEY_##key)
#define ON_VM (K(VM) | K(EXPECT))
#define ON_SLOT (ON_VM | K(SLOT))
#define ON_PAGES (ON_SLOT | K(GMEM) | K(FIRST) | K(PAGES))
#define BY_GUEST (ON_SLOT | K(FIRST) | K(PAGES) | K(REPEAT) | K(WRITE) | K(VCPUS) | K(ANSWER))

const struct verb verbs[] = {
	{ "touch", BY_GUEST, touch, "the guest touches each page (several VMs at the same time)" },
	{ "spin", BY_GUEST | K(MS), spin, "the guest goes on touching for a time" },
	{ "host", ON_PAGES | K(REPEAT) | K(WRITE) | K(BEYOND), host_each,
	  "this process touches the pages through its mapping" },
	{ "allocate", ON_PAGES | K(BEYOND), allocate_each, "fallocate()" },
	{ "punch", ON_PAGES, punch_each, "fallocate(FALLOC_FL_PUNCH_HOLE)" },
	{ "mprotect", ON_PAGES | K(PROT), mprotect_each, "mprotect() on the mapping" },
	{ "munmap", ON_PAGES, munmap_each, "munmap() of the mapping" },
	{ "mmap", ON_PAGES, mmap_each, "mmap() of what is not mapped" },
	{ "madvise", ON_PAGES | K(ADVICE), madvise_each, "madvise() on the mapping" },
	{ "bind", ON_SLOT | K(OVERLAP) | K(BEYOND), bind_each,
	  "binds a slot again after unbind, or tries what must be refused" },
	{ "unbind", ON_SLOT, unbind_each, "deletes the memslot" },
	{ "recreate", ON_SLOT | K(PAGES), recreate_each,
	  "deletes the memslot and makes it again, of so many pages" },
	{ "convert", ON_SLOT | K(FIRST) | K(PAGES) | K(TO) | K(BY), convert_each,
	  "makes pages private or shared" },
	{ "prefault", ON_SLOT | K(FIRST) | K(PAGES), prefault_each, "KVM_PRE_FAULT_MEMORY" },
	{ "poison", ON_PAGES, poison_each,
	  "madvise(MADV_HWPOISON): the pages are lost to the host" },
	{ "mbind", ON_SLOT | K(GMEM) | K(NODE) | K(BALANCING), mbind_each,
	  "binds the whole mapping to a NUMA node" },
	{ "create", ON_VM | K(SIZE) | K(FLAGS), create_gmem,
	  "makes one more guest_memfd, unbound" },
	{ "close", ON_SLOT | K(GMEM), close_each, "closes the guest_memfd" },
	{ "vm", K(EXPECT), make_vm, "makes one more VM like the others" },
	{ "destroy", ON_VM, destroy_vm, "ends the VM" },
	{ "sleep", K(MS) | K(EXPECT), sleep_ms, "waits" },
	{},
};
