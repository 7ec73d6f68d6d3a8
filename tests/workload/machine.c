// SPDX-License-Identifier: GPL-2.0-only
/*
 * How VMs, vCPUs, memslots and guest_memfds come and go: see machine.h. MMU notifiers run for every
 * change to this process's memory while a VM exists, so all of that memory is allocated, written to
 * and locked before the first one: then only what the steps ask for changes it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "hostmap.h"
#include "machine.h"
#include "model.h"

/* The first of the addresses where gmems are mapped, far from everything else. */
#define FIRST_HVA 0x200000000000ULL
#define LAST_HVA 0x500000000000ULL

/* As large as the slot that it stands in for, if there is room. */
#define SPARE_PAGES 65536

/* Heap for one slot with its account and for what the report says of it. */
#define HEAP_PER_SLOT 16384
#define HEAP_SPARE (2UL << 20)

/* Addresses for something to be mapped, under no page table that anything else is under. */
static uint64_t take_addresses(struct machine *machine, uint64_t size_bytes)
{
	uint64_t hva = machine->next_hva;

	/*
	 * Start anew at the end of what a process has: the first ones are long free, and mmap()
	 * would tell.
	 */
	if (hva + size_bytes > LAST_HVA)
		hva = machine->next_hva = FIRST_HVA;
	machine->next_hva += (size_bytes / UPPER_TABLE_SPAN + 2) * UPPER_TABLE_SPAN;
	return hva;
}

static int ordinary_memory_init(struct machine *machine, struct slot *slot, uint64_t npages)
{
	size_t size_bytes = npages * GUEST_PAGE_SIZE;
	void *hva = (void *)(uintptr_t)take_addresses(machine, size_bytes), *memory;

	if (!size_bytes)
		return 0;

	/* In a VMA of its own, so that mprotect() need not cut one up. */
	memory = mmap(hva, size_bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (memory == MAP_FAILED)
		return -errno;
	memset(memory, 1, size_bytes);
	slot->shared_hva = (uintptr_t)memory;
	return 0;
}

static int vm_init(struct machine *machine, struct vm *vm)
{
	const struct shape *shape = &machine->shape;
	int err = 0;

	vm->fd = -1;
	vm->nvcpus = shape->vcpus;
	vm->nslots = shape->slots;
	vm->gmem_room = (shape->shared_gmem ? 1 : shape->slots) + machine->extra_gmems;
	vm->vcpus = calloc(vm->nvcpus, sizeof(*vm->vcpus));
	vm->slots = calloc(vm->nslots + EXTRA_SLOTS, sizeof(*vm->slots));
	vm->gmems = calloc(vm->gmem_room, sizeof(*vm->gmems));
	if (!vm->vcpus || !vm->slots || !vm->gmems)
		return -ENOMEM;
	if (shape->type != KVM_DEFAULT_VM)
		for (unsigned int i = 0; !err && i < vm->nslots; i++)
			err = ordinary_memory_init(machine, &vm->slots[i], shape->pages);
	return err ? err : ordinary_memory_init(machine, plain_slot(vm), shape->plain_pages);
}

/* Makes the heap as large as it will ever be, with every page of it present. */
static int grow_heap(const struct machine *machine)
{
	const struct shape *shape = &machine->shape;
	size_t per_slot = HEAP_PER_SLOT + 4 * shape->pages;
	size_t size = HEAP_SPARE + machine->vm_room * (shape->slots + EXTRA_SLOTS) * per_slot;
	void *heap = malloc(size);

	if (!heap)
		return -ENOMEM;
	memset(heap, 1, size);
	/* Or the compiler may leave out the memset() of memory that is freed unread. */
	asm volatile("" ::"r"(heap) : "memory");
	free(heap);
	return 0;
}

static enum prepares kernel_prepares(void)
{
	struct utsname uts;
	int major, minor;

	uname(&uts);
	if (sscanf(uts.release, "%d.%d", &major, &minor) != 2 || major < 7)
		return PREPARES_FIRST_USE;
	return major == 7 && minor < 3 ? PREPARES_EVERY : PREPARES_PRIVATE;
}

int machine_init(struct machine *machine, const struct shape *shape, unsigned int vm_room,
		 unsigned int extra_gmems)
{
	int run_size, err = 0;

	machine->shape = *shape;
	machine->vm_room = vm_room;
	machine->extra_gmems = extra_gmems;
	machine->next_hva = FIRST_HVA;
	machine->prepares = kernel_prepares();
	machine->has_thp = access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0;
	machine->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (machine->kvm_fd < 0)
		return -errno;
	run_size = ioctl(machine->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_size < 0)
		return -errno;
	machine->run_size = run_size;

	machine->vms = calloc(vm_room, sizeof(*machine->vms));
	machine->code = aligned_alloc(GUEST_PAGE_SIZE, GUEST_PAGE_SIZE);
	if (!machine->vms || !machine->code)
		return -ENOMEM;
	for (unsigned int i = 0; !err && i < vm_room; i++)
		err = vm_init(machine, &machine->vms[i]);

	arch_load_code(machine->code);
	if (!err)
		err = grow_heap(machine);
	if (err)
		return err;
	return mlockall(MCL_CURRENT) ? -errno : 0;
}

static bool vm_has(const struct vm *vm, int capability)
{
	return ioctl(vm->fd, KVM_CHECK_EXTENSION, capability) > 0;
}

static int slot_set(struct slot *slot, uint64_t size_bytes)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = slot->id,
		.guest_phys_addr = slot->base_gfn * GUEST_PAGE_SIZE,
		.memory_size = size_bytes,
		.userspace_addr = slot->hva,
	};

	if (slot->gmem) {
		region.flags = KVM_MEM_GUEST_MEMFD;
		region.guest_memfd = slot->gmem->fd;
		region.guest_memfd_offset = slot->pgoff * GUEST_PAGE_SIZE;
	}
	return ioctl(slot->vm->fd, KVM_SET_USER_MEMORY_REGION2, &region) ? -errno : 0;
}

/* Ordinary memory goes by the old call, which every kernel has. */
static int slot_set_plain(struct slot *slot, uint64_t size_bytes)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot->id,
		.guest_phys_addr = slot->base_gfn * GUEST_PAGE_SIZE,
		.memory_size = size_bytes,
		.userspace_addr = slot->hva,
	};

	return ioctl(slot->vm->fd, KVM_SET_USER_MEMORY_REGION, &region) ? -errno : 0;
}

int slot_create(struct machine *machine, struct slot *slot)
{
	uint64_t size_bytes = slot->npages * GUEST_PAGE_SIZE;
	int err = slot->gmem ? slot_set(slot, size_bytes) : slot_set_plain(slot, size_bytes);

	/* Where KVM refuses the flag it never gets as far as binding. */
	if (slot->gmem && slot->vm->can_bind)
		model_bind(machine, slot, -err);
	slot->live = !err;
	return err;
}

int slot_delete(struct machine *machine, struct slot *slot)
{
	int err = slot->gmem ? slot_set(slot, 0) : slot_set_plain(slot, 0);

	if (!err)
		model_unbind(machine, slot);
	return err;
}

int slot_convert(struct machine *machine, struct slot *slot, uint64_t first, uint64_t npages,
		 bool to_private)
{
	struct kvm_memory_attributes attributes = {
		.address = (slot->base_gfn + first) * GUEST_PAGE_SIZE,
		.size = npages * GUEST_PAGE_SIZE,
		.attributes = to_private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};
	int err = 0;

	if (!slot->private)
		return -ENOTTY;
	if (ioctl(slot->vm->fd, KVM_SET_MEMORY_ATTRIBUTES, &attributes))
		err = errno;
	model_convert(machine, slot, first, npages, to_private, err);
	return -err;
}

int slot_prefault(struct machine *machine, struct slot *slot, uint64_t first, uint64_t npages)
{
	struct kvm_pre_fault_memory range = {
		.gpa = (slot->base_gfn + first) * GUEST_PAGE_SIZE,
		.size = npages * GUEST_PAGE_SIZE,
	};
	int err = 0;

	if (!vm_has(slot->vm, KVM_CAP_PRE_FAULT_MEMORY))
		return -ENOTTY;
	/* KVM moves the range past what is done, and reports an error only when nothing was. */
	while (!err && range.size) {
		uint64_t gpa = range.gpa;

		if (ioctl(slot->vm->vcpus[0].fd, KVM_PRE_FAULT_MEMORY, &range) && errno != EINTR)
			err = errno;
		for (; gpa < range.gpa; gpa += GUEST_PAGE_SIZE)
			model_prefault(machine, slot, gpa / GUEST_PAGE_SIZE - slot->base_gfn, 0);
	}
	if (err)
		model_prefault(machine, slot, range.gpa / GUEST_PAGE_SIZE - slot->base_gfn, err);
	return -err;
}

static bool slot_init(struct vm *vm, uint32_t id, uint64_t base_gpa, uint64_t npages)
{
	struct slot *slot = &vm->slots[id];

	slot->vm = vm;
	slot->id = id;
	slot->base_gfn = base_gpa / GUEST_PAGE_SIZE;
	slot->npages = npages;
	slot->prot = PROT_READ | PROT_WRITE;
	slot->gmem = NULL;
	if (!slot->guest_mapped)
		slot->guest_mapped = calloc(npages + 1, sizeof(*slot->guest_mapped));
	if (vm->has_private && !slot->private)
		slot->private = malloc(npages + 1);
	if (slot->private)
		memset(slot->private, 0, npages + 1);
	return slot->guest_mapped && (slot->private || !vm->has_private);
}

static int plain_slots_create(struct machine *machine, struct vm *vm)
{
	uint64_t plain_pages = machine->shape.plain_pages;
	uint64_t spare_pages =
		machine->shape.pages < SPARE_PAGES ? machine->shape.pages : SPARE_PAGES;
	struct slot *plain = plain_slot(vm), *code = code_slot(vm), *spare = spare_slot(vm);
	int err = 0;

	if (!slot_init(vm, plain - vm->slots, arch_layout.plain_gpa, plain_pages) ||
	    !slot_init(vm, code - vm->slots, arch_layout.code_gpa, 1) ||
	    !slot_init(vm, spare - vm->slots, arch_layout.spare_gpa, spare_pages))
		return -ENOMEM;

	code->hva = (uintptr_t)machine->code;
	plain->hva = plain->shared_hva;
	if (plain_pages)
		err = slot_create(machine, plain);
	return err ? err : slot_create(machine, code);
}

static int vcpu_create(struct machine *machine, struct vm *vm, unsigned int index)
{
	struct vcpu *vcpu = &vm->vcpus[index];

	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, index);
	if (vcpu->fd < 0)
		return -errno;
	vcpu->run = mmap(NULL, machine->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		return -errno;
	return arch_init_vcpu(vcpu->fd);
}

/* An entry for a new VM: a fresh one while there are any, else the first whose VM is gone. */
static struct vm *free_vm(struct machine *machine)
{
	if (machine->nvms < machine->vm_room) {
		machine->vms[machine->nvms].index = machine->nvms;
		return &machine->vms[machine->nvms++];
	}
	for (unsigned int i = 0; i < machine->nvms; i++)
		if (machine->vms[i].fd < 0)
			return &machine->vms[i];
	return NULL;
}

int vm_create(struct machine *machine, struct vm **created)
{
	uint64_t gpa = arch_layout.slots_gpa, pages = machine->shape.pages;
	struct vm *vm = free_vm(machine);
	int err;

	if (!vm)
		return -ENOSPC;
	vm->fd = ioctl(machine->kvm_fd, KVM_CREATE_VM, machine->shape.type);
	if (vm->fd < 0)
		return -errno;
	vm->lives++;
	vm->ngmems = 0;
	vm->alive = true;
	vm->zaps_all = machine->shape.type == KVM_DEFAULT_VM && !arch_layout.deletes_alone;
	vm->can_bind = vm_has(vm, KVM_CAP_GUEST_MEMFD);
	vm->has_private = vm_has(vm, KVM_CAP_MEMORY_ATTRIBUTES);
	*created = vm;

	for (unsigned int i = 0; i < vm->nslots; i++, gpa += pages * GUEST_PAGE_SIZE)
		if (!slot_init(vm, i, gpa, pages))
			return -ENOMEM;
	err = plain_slots_create(machine, vm);
	for (unsigned int i = 0; !err && i < vm->nvcpus; i++)
		err = vcpu_create(machine, vm, i);
	return err;
}

uint64_t gmem_best_flags(const struct machine *machine, const struct vm *vm)
{
	int flags = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD_FLAGS);
	uint64_t asked = machine->shape.no_direct_map ? GUEST_MEMFD_FLAG_NO_DIRECT_MAP : 0;

	/* Mappable but private would be of no use to anyone. */
	if (flags > 0 && flags & GUEST_MEMFD_FLAG_INIT_SHARED)
		asked |= flags & (GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED);
	return asked;
}

static int gmem_init(struct machine *machine, struct gmem *gmem, uint64_t size_bytes)
{
	struct stat stat;

	gmem->npages = size_bytes / GUEST_PAGE_SIZE;
	gmem->page = calloc(gmem->npages, sizeof(*gmem->page));
	gmem->guest = calloc(gmem->npages, sizeof(*gmem->guest));
	gmem->converted = calloc(gmem->npages, sizeof(*gmem->converted));
	gmem->prot = malloc(gmem->npages + 1);
	gmem->table = calloc(size_bytes / UPPER_TABLE_SPAN + 1, sizeof(*gmem->table));
	if (!gmem->page || !gmem->guest || !gmem->converted || !gmem->prot || !gmem->table)
		return -ENOMEM;
	memset(gmem->prot, HOST_UNMAPPED, gmem->npages + 1);
	if (fstat(gmem->fd, &stat))
		return -errno;
	gmem->inode = stat.st_ino;
	gmem->device = (uint64_t)major(stat.st_dev) << 20 | minor(stat.st_dev);

	if (gmem->flags & GUEST_MEMFD_FLAG_MMAP)
		gmem->hva = take_addresses(machine, size_bytes);
	return 0;
}

/* An entry for a new gmem, as free_vm(): of those of the slots none is used again. */
static struct gmem *free_gmem(const struct machine *machine, struct vm *vm)
{
	unsigned int first_extra = vm->gmem_room - machine->extra_gmems;

	if (vm->ngmems < vm->gmem_room)
		return &vm->gmems[vm->ngmems];
	for (unsigned int i = first_extra; i < vm->gmem_room; i++)
		if (vm->gmems[i].released)
			return &vm->gmems[i];
	return NULL;
}

/* What is known of its pages is of no use when it is gone. */
static void gmem_forget(struct gmem *gmem)
{
	free(gmem->page);
	free(gmem->guest);
	free(gmem->converted);
	free(gmem->prot);
	free(gmem->table);
	gmem->page = gmem->guest = gmem->prot = NULL;
	gmem->converted = gmem->table = NULL;
}

static void gmem_reset(struct vm *vm, struct gmem *gmem, int fd, uint64_t flags)
{
	struct gmem fresh = { .vm = vm, .index = gmem - vm->gmems, .fd = fd, .flags = flags };

	gmem_forget(gmem);
	fresh.account = gmem->account;
	fresh.lives = gmem->lives + 1;
	*gmem = fresh;
	if (gmem->index == vm->ngmems)
		vm->ngmems++;
}

int gmem_create(struct machine *machine, struct vm *vm, uint64_t size_bytes, uint64_t flags,
		struct gmem **created)
{
	struct kvm_create_guest_memfd args = { .size = size_bytes, .flags = flags };
	struct gmem *gmem = free_gmem(machine, vm);
	int fd;

	if (!gmem)
		return -ENOSPC;
	fd = ioctl(vm->fd, KVM_CREATE_GUEST_MEMFD, &args);
	if (fd < 0) {
		/* A kernel without guest_memfd does not know the request. */
		if (errno != ENOTTY)
			account_error(&vm->account, EV_CREATE, errno);
		return -errno;
	}
	gmem_reset(vm, gmem, fd, flags);
	account_add(&gmem->account, EV_CREATE, 1, 0);
	*created = gmem;
	return gmem_init(machine, gmem, size_bytes);
}

int gmem_close(struct machine *machine, struct gmem *gmem)
{
	if (gmem->fd < 0)
		return -EBADF;
	if (close(gmem->fd))
		return -errno;
	gmem->fd = -1;
	if (!gmem->nmapped)
		model_release(machine, gmem);
	return 0;
}

static int vcpu_destroy(struct machine *machine, struct vcpu *vcpu)
{
	uint64_t start = (uintptr_t)vcpu->run;

	/* A change of this process's memory like any other, so every VM is notified. */
	if (munmap(vcpu->run, machine->run_size))
		return -errno;
	model_notifier(machine, start, start + machine->run_size);
	return close(vcpu->fd) ? -errno : 0;
}

int vm_destroy(struct machine *machine, struct vm *vm)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < vm->ngmems; i++)
		err = host_unmap(machine, &vm->gmems[i], 0, vm->gmems[i].npages + 1);
	for (unsigned int i = 0; !err && i < vm->nvcpus; i++)
		err = vcpu_destroy(machine, &vm->vcpus[i]);
	for (unsigned int i = 0; !err && i < vm->ngmems; i++)
		if (vm->gmems[i].fd >= 0)
			err = gmem_close(machine, &vm->gmems[i]);
	if (err)
		return err;

	if (close(vm->fd))
		return -errno;
	vm->fd = -1;
	vm->alive = false;
	for (unsigned int i = 0; i < vm->nslots + EXTRA_SLOTS; i++)
		if (vm->slots[i].live)
			model_unbind_at_end(&vm->slots[i]);
	for (unsigned int i = 0; i < vm->ngmems; i++)
		gmem_forget(&vm->gmems[i]);
	return 0;
}
