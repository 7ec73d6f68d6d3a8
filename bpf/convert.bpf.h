/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Conversion: pages are made private or shared, and exits to the VMM for a guest that wants them so.
 * For gmem.bpf.c only.
 */
#ifndef CONVERT_BPF_H
#define CONVERT_BPF_H

#include <linux/errno.h>
#include "program.bpf.h"

/*
 * kvm_vm_ioctl(file, command, argument) with KVM_SET_MEMORY_ATTRIBUTES. What it is to set shows at
 * the first kvm_range_has_memory_attributes() within; when that says yes, nothing changes.
 */

static __always_inline bool is_conversion(struct call call)
{
	return (__u32)raw_arg(call, 1) == KVM_SET_MEMORY_ATTRIBUTES;
}

static __always_inline int convert_begin(struct call call)
{
	struct task_state *state;

	if (!is_conversion(call))
		return 0;
	state = event_enter(EV_CONVERT);
	if (state)
		state->conversion.looked = 0;
	return 0;
}

static __always_inline void convert_details(const struct conversion *conversion,
					    struct owner *owner, struct gmem_record *event)
{
	if (conversion->attributes & KVM_MEMORY_ATTRIBUTE_PRIVATE)
		detail_count(owner, event, DETAIL_CONVERT_PRIVATE);
	else
		detail_count(owner, event, DETAIL_CONVERT_SHARED);
	if (conversion->noop)
		detail_count(owner, event, DETAIL_CONVERT_NOOP);
}

/*
 * Remember that the range of guest frame numbers was converted, where one slot has them all; whether a
 * page had been before.
 */
static __always_inline bool gfns_convert(struct task_state *state, __u64 kvm)
{
	const struct conversion *conversion = &state->conversion;
	const struct slot_cache *cache = &state->cache;
	__u64 slot = (__u64)range_slot(kvm, conversion->start, conversion->end);

	if (!slot || slot_owner(state, kvm, slot) <= 0)
		return false;
	return pages_change(state, &cache->leaf.pages, CHANGE_CONVERT,
			    conversion->start + cache->pgoff_of_gfn,
			    conversion->end + cache->pgoff_of_gfn);
}

static __always_inline int convert_end(struct call call)
{
	struct file *file = (void *)arg(call, 0);
	struct gmem_record event = EVENT(CONVERT);
	struct conversion *conversion;
	struct task_state *state;
	struct owner *owner;
	__u64 kvm;

	if (!is_conversion(call))
		return 0;
	state = event_leave(&event);
	if (!state)
		return 0;
	event.err = errno_of(returned(call));
	conversion = &state->conversion;
	kvm = (__u64)BPF_CORE_READ(file, private_data);
	if (conversion->looked) {
		event.page = conversion->start;
		event.owner = gfn_owner_find(kvm, conversion->start, conversion->end);
	} else { /* refused before: its range was never seen */
		event.owner = vm_owner(kvm);
	}
	if (conversion->looked && !event.err && !conversion->noop)
		event.npages = conversion->end - conversion->start;
	owner = event_count(call.ctx, &event);
	if (conversion->looked)
		convert_details(conversion, owner, &event);
	if (event.npages && gfns_convert(state, kvm))
		detail_count(owner, &event, DETAIL_CONVERT_AGAIN);
	event_record(owner, &event);
	return 0;
}

BOTH_ENDS(convert, convert_begin, convert_end)

/*
 * Series that convert in place: __kvm_gmem_set_attributes(inode, start, npages, attributes, ...), by
 * page offset.
 */

BEGIN(convert_in_place, EV_CONVERT)

static __always_inline int convert_in_place_end(struct call call)
{
	struct gmem_record event = EVENT(CONVERT);
	__u64 npages = raw_arg(call, 2), attributes = raw_arg(call, 3);
	struct task_state *state;
	struct owner *owner;
	struct pages pages;

	state = event_leave(&event);
	if (!state)
		return 0;
	event_at_pgoff(&event, raw_arg(call, 1));
	event.err = errno_of(returned(call));
	event.npages = event.err ? 0 : npages;
	event.owner = gmem_owner_known(arg(call, 0));
	owner = event_count(call.ctx, &event);
	detail_count(owner, &event,
		     attributes & KVM_MEMORY_ATTRIBUTE_PRIVATE ? DETAIL_CONVERT_PRIVATE
							       : DETAIL_CONVERT_SHARED);
	pages_of(&pages, event.owner);
	if (event.npages &&
	    pages_change(state, &pages, CHANGE_CONVERT, event.page, event.page + event.npages))
		detail_count(owner, &event, DETAIL_CONVERT_AGAIN);
	event_record(owner, &event);
	return 0;
}

BOTH_ENDS(convert_in_place, convert_in_place_begin, convert_in_place_end)

/* kvm_range_has_memory_attributes(kvm, start, end, [mask, from 6.12 or before] attributes) */

/* Which of its arguments the attributes are: the last one. */
const volatile __u32 attributes_at;

static __always_inline int attributes_begin(struct call call)
{
	struct task_state *state = state_get();
	struct conversion *conversion;

	if (!state || !state->start_ns[EV_CONVERT] || state->conversion.looked)
		return 0;
	conversion = &state->conversion;
	conversion->looked = 1;
	conversion->noop = 0;
	conversion->start = raw_arg(call, 1);
	conversion->end = raw_arg(call, 2);
	conversion->attributes = arg(call, attributes_at);
	return 0;
}

static __always_inline int attributes_end(struct call call)
{
	struct task_state *state = state_get();

	if (!state || state->conversion.looked != 1)
		return 0;
	state->conversion.looked = 2;
	state->conversion.noop = (__u8)returned(call);
	return 0;
}

BOTH_ENDS(attributes, attributes_begin, attributes_end)

/* kvm_arch_vcpu_ioctl_run(vcpu): the page that the guest may not touch as it did. */
static __always_inline int memory_fault_end(struct call call)
{
	struct kvm_vcpu *vcpu = (void *)raw_arg(call, 0);
	struct gmem_record event = EVENT(MEMORY_FAULT);
	struct kvm_run *run = kread(call, vcpu, run);
	long ret = returned_int(call);
	struct owner *owner;
	__u64 kvm;

	/* An exit reason is good for these errors only, by the API of KVM_EXIT_MEMORY_FAULT. */
	if ((ret != -EFAULT && ret != -EHWPOISON) ||
	    kread(call, run, exit_reason) != KVM_EXIT_MEMORY_FAULT || active_since_ns == ~0ULL)
		return 0;
	event.page = kread(call, run, memory_fault.gpa) >> page_bits;
	kvm = (__u64)BPF_CORE_READ(vcpu, kvm);
	event.owner = gfn_owner_find(kvm, event.page, event.page + 1);
	owner = event_count(call.ctx, &event);
	if (kread(call, run, memory_fault.flags) & KVM_MEMORY_EXIT_FLAG_PRIVATE)
		detail_count(owner, &event, DETAIL_MEMORY_FAULT_PRIVATE);
	else
		detail_count(owner, &event, DETAIL_MEMORY_FAULT_SHARED);
	event_record(owner, &event);
	return 0;
}

LAST_END(memory_fault, memory_fault_end)

#endif
