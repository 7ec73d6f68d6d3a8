// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ladders as data. A new kernel that moves a function gets a row here, above the old one, with
 * the version that made it necessary, and the commit; nothing else changes.
 *
 * A rung of 6.8 that names no commit is as old as guest_memfd itself, a7800aa80ea4 ("KVM: Add
 * KVM_CREATE_GUEST_MEMFD ioctl() for guest-specific backing memory"), or older. What is in flight has
 * no commit yet, but a series.
 */
#include "hooks.h"
#include <stddef.h>
#include <string.h>

/* clang-format off */

/* The begin and the end of an event that has a duration. */
#define HOOK(name, fn, hook_kind, ...)                                                             \
	{ .program = name, .function = fn, .kind = hook_kind, __VA_ARGS__ }
#define BOTH(program, function, ...) HOOK(program, function, HOOK_BOTH_ENDS, __VA_ARGS__)
#define END(program, function) HOOK(program, function, HOOK_END)
#define ONE(program, function) HOOK(program, function, HOOK_WHOLE)
#define TRACEPOINT(program, name, ...) HOOK(program, name, HOOK_TRACEPOINT, __VA_ARGS__)

#define ON(struct_name) .arg0 = struct_name
#define IN_KERNEL .in_kernel = true
#define IN_FAULT .in_fault = true
#define UNMAP ONE("unmap", "kvm_unmap_gfn_range")

#define EVENT(id) (1ULL << EV_##id)

/* What changes which pages of a guest_memfd are there, or mapped in the guest. */
#define PAGE_EVENTS                                                                                \
	(EVENT(GUEST_FAULT) | EVENT(HOST_FAULT) | EVENT(PREFAULT) | EVENT(POPULATE) |              \
	 EVENT(CREATE) | EVENT(RELEASE) | EVENT(ALLOCATE) | EVENT(PUNCH_HOLE) | EVENT(ZAP) |       \
	 EVENT(NOTIFIER) | EVENT(CONVERT) | EVENT(POISON))

const struct ladder ladders[NR_LADDERS] = {
	/* Its causes take all that adds, zaps and removes pages. */
	[EV_GUEST_FAULT] = { .with = PAGE_EVENTS, .rungs = {
		{ "6.8", { BOTH("guest_fault", "kvm_gmem_get_pfn") } },
	} },
	[EV_HOST_FAULT] = { .with = PAGE_EVENTS, .rungs = {
		/* mmap(): a12578e1477c ("KVM: guest_memfd: Add plumbing to host to map guest_memfd pages") */
		{ "6.18", { BOTH("host_fault", "kvm_gmem_fault_user_mapping") } },
	} },
	[EV_ALLOC] = { .needs = EVENT(GUEST_FAULT) | EVENT(ALLOCATE),
		       .with = EVENT(HOST_FAULT) | EVENT(POPULATE), .rungs = {
		{ "6.8", { TRACEPOINT("page_added", "mm_filemap_add_to_page_cache", IN_FAULT) } },
	} },
	/* The last close makes every guest_memfd known before its pages go. */
	[EV_FREE] = { .needs = EVENT(PUNCH_HOLE) | EVENT(RELEASE), .rungs = {
		{ "6.8", { TRACEPOINT("page_deleted", "mm_filemap_delete_from_page_cache") } },
	} },
	[EV_PREPARE] = { .with = EVENT(GUEST_FAULT), .rungs = {
		/*
		 * 2131c4f763d2 ("KVM: guest_memfd: Rename prepare() hook and Kconfig to make_private() /
		 * CONVERT"), with a number of pages instead of an order since fb50ca77b672.
		 */
		{ "7.3", { BOTH("prepare", "kvm_arch_gmem_make_private") } },
		/*
		 * 3bb2531e20bf ("KVM: guest_memfd: Add hook for initializing memory"); 7.0 calls it at
		 * every fault, until then only for a folio not up to date.
		 */
		{ "6.11", { BOTH("prepare", "kvm_arch_gmem_prepare", IN_FAULT) } },
	} },
	[EV_POPULATE] = { .rungs = {
		/*
		 * By write(), beside the ioctls of SNP and TDX, or alone: "KVM: guest_memfd: add generic
		 * population via write", Nikita Kalyazin, v7 of November 2025.
		 */
		{ "in flight", { BOTH("populate", "kvm_gmem_populate"),
				 BOTH("write_begin", "kvm_gmem_write_begin"),
				 END("write_end", "kvm_gmem_write_end") } },
		{ "in flight", { BOTH("write_begin", "kvm_gmem_write_begin"),
				 END("write_end", "kvm_gmem_write_end") } },
		/* 1f6c06b17751 ("KVM: guest_memfd: Add interface for populating gmem pages with user data") */
		{ "6.11", { BOTH("populate", "kvm_gmem_populate") } },
	} },
	[EV_PREFAULT] = { .rungs = {
		/* 6e01b7601dfe ("KVM: x86: Implement kvm_arch_vcpu_pre_fault_memory()") */
		{ "6.11", { BOTH("prefault", "kvm_arch_vcpu_pre_fault_memory") } },
	} },
	[EV_CREATE] = { .rungs = {
		{ "6.8", { BOTH("create", "kvm_gmem_create") } },
	} },
	[EV_BIND] = { .rungs = {
		/*
		 * 83411f32b8ad ("KVM: guest_memfd: Split bind() into prepare()+commit() phases"): bad
		 * arguments fail in prepare, overlaps in commit; KVM may refuse the slot between them.
		 */
		{ "7.3", { BOTH("bind_prepare", "kvm_gmem_prepare_memory_region"),
			   END("bind_commit", "kvm_gmem_commit_memory_region"),
			   END("bind_refused", "kvm_set_memslot") } },
		{ "6.8", { BOTH("bind", "kvm_gmem_bind") } },
	} },
	[EV_UNBIND] = { .rungs = {
		{ "6.8", { BOTH("unbind", "kvm_gmem_unbind") } },
	} },
	[EV_RELEASE] = { .rungs = {
		{ "6.8", { BOTH("release", "kvm_gmem_release") } },
	} },
	/* Where pages belong to a slot is kept until a slot is unbound. */
	[EV_ALLOCATE] = { .with = EVENT(UNBIND), .rungs = {
		{ "6.8", { BOTH("fallocate", "kvm_gmem_fallocate") } },
	} },
	[EV_PUNCH_HOLE] = { .with = EVENT(UNBIND), .rungs = {
		{ "6.8", { BOTH("fallocate", "kvm_gmem_fallocate") } },
	} },
	[EV_ZAP] = { .needs = EVENT(PUNCH_HOLE) | EVENT(RELEASE), .with = EVENT(POISON), .rungs = {
		/* 190cc5370a8b ("KVM: Rename invalidate_begin to invalidate_start for consistency") */
		{ "7.2", { BOTH("zap", "__kvm_gmem_invalidate_start", ON("gmem_file")), UNMAP } },
		/* 497b1dfbcacf ("KVM: guest_memfd: Rename "struct kvm_gmem" to "struct gmem_file"") */
		{ "6.19", { BOTH("zap", "__kvm_gmem_invalidate_begin", ON("gmem_file")), UNMAP } },
		/* 5d3341d684be ("KVM: guest_memfd: Invalidate SHARED GPAs if gmem supports INIT_SHARED") */
		{ "6.18", { BOTH("zap", "__kvm_gmem_invalidate_begin", ON("kvm_gmem")), UNMAP } },
		/* The argument tells it from the later function of this name, on inodes. */
		{ "6.8", { BOTH("zap", "kvm_gmem_invalidate_begin", ON("kvm_gmem")), UNMAP } },
	} },
	[EV_NOTIFIER] = { .rungs = {
		{ "6.8", { BOTH("notifier", "kvm_mmu_notifier_invalidate_range_start") } },
	} },
	[EV_NOTIFIER_HIT] = { .needs = EVENT(NOTIFIER), .rungs = {
		{ "6.8", { UNMAP } },
	} },
	[EV_CONVERT] = { .rungs = {
		/*
		 * By an ioctl of guest_memfd; the VM's is still there for others. "guest_memfd: In-place
		 * conversion support", Ackerley Tng, v13 of September 2026.
		 */
		{ "in flight", { BOTH("convert_in_place", "__kvm_gmem_set_attributes"),
				 BOTH("convert", "kvm_vm_ioctl"),
				 BOTH("attributes", "kvm_range_has_memory_attributes") } },
		{ "in flight", { BOTH("convert_in_place", "__kvm_gmem_set_attributes") } },
		/* 5a475554db1e ("KVM: Introduce per-page memory attributes") */
		{ "6.8", { BOTH("convert", "kvm_vm_ioctl"),
			   BOTH("attributes", "kvm_range_has_memory_attributes") } },
	} },
	/* "Direct Map Removal Support for guest_memfd", Nikita Kalyazin, v12 of April 2026. */
	[EV_DIRECT_MAP_ZAP] = { .needs = EVENT(GUEST_FAULT), .with = EVENT(HOST_FAULT), .rungs = {
		{ "in flight", { BOTH("direct_map_zap", "kvm_gmem_folio_zap_direct_map", IN_FAULT) } },
		{ "in flight", { BOTH("direct_map_zap", "folio_zap_direct_map", IN_KERNEL, IN_FAULT) } },
	} },
	/* The same series. */
	[EV_DIRECT_MAP_RESTORE] = { .needs = EVENT(PUNCH_HOLE) | EVENT(RELEASE), .rungs = {
		{ "in flight",
		  { BOTH("direct_map_restore", "kvm_gmem_folio_restore_direct_map") } },
		{ "in flight",
		  { BOTH("direct_map_restore", "folio_restore_direct_map", IN_KERNEL) } },
	} },
	[EV_MEMORY_FAULT] = { .rungs = {
		{ "6.8", { ONE("memory_fault", "kvm_arch_vcpu_ioctl_run") } },
	} },
	[EV_POISON] = { .needs = EVENT(ZAP), .rungs = {
		{ "6.8", { BOTH("poison", "kvm_gmem_error_folio") } },
	} },
	/* Older than guest_memfd. */
	[KEEPER_VM_INIT] = { .keeps = "makes a VM", .rungs = {
		{ "6.8", { ONE("vm_init", "kvm_arch_init_vm") } },
	} },
	[KEEPER_VM_DESTROY] = { .keeps = "destroys a VM", .rungs = {
		{ "6.8", { BOTH("vm_destroy", "kvm_destroy_vm") } },
	} },
	[KEEPER_SLOT_COMMIT] = { .keeps = "changes a memslot", .rungs = {
		{ "6.8", { ONE("slot_commit", "kvm_arch_commit_memory_region") } },
	} },
	/* A memslot that goes or moves takes the guest's pages with it. */
	[KEEPER_SLOT_ZAP] = { .rungs = {
		/* x86: those of all slots, of a default VM; where it is the slot alone, as others are unmapped. */
		{ "6.8", { TRACEPOINT("zap_all", "kvm_mmu_zap_all_fast") } },
		/* Elsewhere, those of the slot. x86 has it, too, and is done with above. */
		{ "6.8", { ONE("slot_flush", "kvm_arch_flush_shadow_memslot") } },
	} },
	/* From 7.3 on tracing cannot be switched off. */
	[KEEPER_SWITCHED_OFF] = { .rungs = {
		{ "6.8", { HOOK("switched_off", "proc_sys_write", HOOK_END, IN_KERNEL) } },
	} },
};
/* clang-format on */

static bool function_is_new(const struct rung *rung, int hook)
{
	int i;

	for (i = 0; i < hook; i++)
		if (!strcmp(rung->hooks[i].function, rung->hooks[hook].function))
			return false;
	return true;
}

const char *rung_function(const struct rung *rung, unsigned int n)
{
	int i;

	for (i = 0; i < RUNG_HOOKS && rung->hooks[i].function; i++)
		if (function_is_new(rung, i) && !n--)
			return rung->hooks[i].function;
	return NULL;
}
