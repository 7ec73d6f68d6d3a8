// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ladder as data. A new kernel that moves a function gets a row here, above the old one, with
 * the version that made it necessary; nothing else changes.
 */
#include "hooks.h"
#include <stddef.h>

/* The begin and the end of an event that has a duration. */
#define BOTH(program, function) { program, function, NULL, HOOK_BOTH_ENDS }
#define BOTH_ON(program, function, arg0) { program, function, arg0, HOOK_BOTH_ENDS }

#define END(program, function) { program, function, NULL, HOOK_END }
#define ONE(program, function) { program, function, NULL, HOOK_WHOLE }
#define UNMAP ONE("unmap", "kvm_unmap_gfn_range")

#define EVENT(id) (1ULL << EV_##id)

/* clang-format off */
const struct ladder ladders[NR_EVENTS] = {
	[EV_GUEST_FAULT] = { .rungs = {
		{ "6.8", { BOTH("guest_fault", "kvm_gmem_get_pfn") } },
	} },
	[EV_HOST_FAULT] = { .rungs = {
		/* 6.18 brought mmap() of a guest_memfd. */
		{ "6.18", { BOTH("host_fault", "kvm_gmem_fault_user_mapping") } },
	} },
	[EV_CREATE] = { .rungs = {
		{ "6.8", { BOTH("create", "kvm_gmem_create") } },
	} },
	[EV_BIND] = { .rungs = {
		/* 7.3 split bind in two: bad arguments fail in prepare, overlaps in commit. */
		{ "7.3", { BOTH("bind_prepare", "kvm_gmem_prepare_memory_region"),
			   END("bind_commit", "kvm_gmem_commit_memory_region") } },
		{ "6.8", { BOTH("bind", "kvm_gmem_bind") } },
	} },
	[EV_UNBIND] = { .rungs = {
		{ "6.8", { BOTH("unbind", "kvm_gmem_unbind") } },
	} },
	[EV_RELEASE] = { .rungs = {
		{ "6.8", { BOTH("release", "kvm_gmem_release") } },
	} },
	[EV_ALLOCATE] = { .rungs = {
		{ "6.8", { BOTH("fallocate", "kvm_gmem_fallocate") } },
	} },
	[EV_PUNCH_HOLE] = { .rungs = {
		{ "6.8", { BOTH("fallocate", "kvm_gmem_fallocate") } },
	} },
	[EV_ZAP] = { .needs = EVENT(PUNCH_HOLE) | EVENT(RELEASE), .rungs = {
		/* 7.2 or before: begin became start. */
		{ "7.2", { BOTH_ON("zap", "__kvm_gmem_invalidate_start", "gmem_file"), UNMAP } },
		/* 6.19 renamed struct kvm_gmem. */
		{ "6.19", { BOTH_ON("zap", "__kvm_gmem_invalidate_begin", "gmem_file"), UNMAP } },
		{ "6.18", { BOTH_ON("zap", "__kvm_gmem_invalidate_begin", "kvm_gmem"), UNMAP } },
		/* The argument tells it from the later function of this name, on inodes. */
		{ "6.8", { BOTH_ON("zap", "kvm_gmem_invalidate_begin", "kvm_gmem"), UNMAP } },
	} },
	[EV_NOTIFIER] = { .rungs = {
		{ "6.8", { BOTH("notifier", "kvm_mmu_notifier_invalidate_range_start") } },
	} },
	[EV_NOTIFIER_HIT] = { .needs = EVENT(NOTIFIER), .rungs = {
		{ "6.8", { UNMAP } },
	} },
};

const struct rung keeper_rung = { "6.8", {
	ONE("vm_init", "kvm_arch_init_vm"),
	ONE("vm_destroy", "kvm_destroy_vm"),
	ONE("slot_commit", "kvm_arch_commit_memory_region"),
} };
/* clang-format on */

__u64 events_needed(__u64 events)
{
	__u64 before;

	do {
		before = events;
		for (int event = 0; event < NR_EVENTS; event++)
			if (before & 1ULL << event)
				events |= ladders[event].needs;
	} while (events != before);
	return events;
}

int ladder_choose(const struct ladder *ladder, int from, hook_present_fn present, void *ctx)
{
	for (int i = from; i < EVENT_RUNGS && ladder->rungs[i].since; i++) {
		const struct hook *hook = ladder->rungs[i].hooks;
		const struct hook *end = hook + RUNG_HOOKS;

		while (hook < end && hook->program && present(hook, ctx))
			hook++;
		if (hook == end || !hook->program)
			return i;
	}
	return -1;
}
