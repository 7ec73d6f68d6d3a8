// SPDX-License-Identifier: GPL-2.0-only
/*
 * Setting a VM up as the command line describes it, and noting what the kernel does not offer: see
 * load.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hostmap.h"
#include "load.h"

void load_unavailable(struct load *load, const char *step, const char *reason, ...)
{
	va_list args;

	for (unsigned int i = 0; i < load->nunavailable; i++)
		if (strcmp(load->unavailable[i].step, step) == 0)
			return;
	if (load->nunavailable == MAX_UNAVAILABLE)
		return;

	load->unavailable[load->nunavailable].step = step;
	va_start(args, reason);
	vsnprintf(load->unavailable[load->nunavailable].reason, REASON_BYTES, reason, args);
	va_end(args);
	load->nunavailable++;
}

static const char *why_no_gmem(const struct shape *shape, const struct vm *vm)
{
	if (!vm->can_bind)
		return ": this KVM has no guest_memfd (6.8 brought it)";
	return shape->no_direct_map ? ": the direct map can be left on the lab's swprot-7.3 only"
				    : "";
}

/* The gmem of the next slot, made if it has to be. NULL when there is none to be had. */
static struct gmem *gmem_for(struct load *load, struct vm *vm, struct slot *slot)
{
	struct machine *machine = &load->machine;
	const struct shape *shape = &machine->shape;
	uint64_t nslots = shape->shared_gmem ? vm->nslots : 1;
	struct gmem *gmem = NULL;
	int err;

	if (shape->shared_gmem && vm->ngmems)
		return &vm->gmems[0];
	err = gmem_create(machine, vm, nslots * slot->npages * GUEST_PAGE_SIZE,
			  gmem_best_flags(machine, vm), &gmem);
	if (err) {
		load_unavailable(load, "create", "KVM_CREATE_GUEST_MEMFD: %s%s", error_name(-err),
				 why_no_gmem(shape, vm));
		return NULL;
	}
	if (!shape->map)
		return gmem;
	if (slot->shared_hva)
		return gmem;
	err = host_map(gmem, 0, gmem->npages + 1);
	if (err)
		load_unavailable(load, "mmap", "%s: mmap() of guest_memfd needs Linux 6.18",
				 error_name(-err));
	return gmem;
}

static void bind_slot(struct load *load, struct slot *slot, struct gmem *gmem, uint64_t pgoff)
{
	int err;

	slot->gmem = gmem;
	slot->pgoff = pgoff;
	slot->hva = gmem->hva ? gmem->hva + pgoff * GUEST_PAGE_SIZE : slot->shared_hva;
	err = slot_create(&load->machine, slot);
	if (err)
		load_unavailable(load, "bind", "%s: %s", error_name(-err),
				 slot->vm->can_bind
					 ? "KVM_SET_USER_MEMORY_REGION2 failed"
					 : "this VM type cannot bind guest_memfd before 6.18");
}

int load_vm(struct load *load)
{
	struct vm *vm;
	int err = vm_create(&load->machine, &vm);

	if (err)
		return err;
	crew_join(&load->crew, vm);
	for (unsigned int i = 0; i < vm->nslots; i++) {
		struct gmem *gmem = gmem_for(load, vm, &vm->slots[i]);

		if (!gmem)
			break;
		bind_slot(load, &vm->slots[i], gmem,
			  load->machine.shape.shared_gmem ? i * vm->slots[i].npages : 0);
	}
	return 0;
}
