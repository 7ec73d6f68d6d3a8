/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host fault: the VMM touches a page that it has mapped. For gmem.bpf.c only.
 */
#ifndef HOST_FAULT_BPF_H
#define HOST_FAULT_BPF_H

#include "program.bpf.h"
#include "tally.bpf.h"

/* HOST_TALLIES for each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, __u32);
	__type(value, struct fault_tally);
} host_tallies SEC(".maps");

/* This CPU's, of the owner from now on. */
static __always_inline struct fault_tally *host_tally(__u32 owner)
{
	__u32 at = bpf_get_smp_processor_id() * HOST_TALLIES + (owner & (HOST_TALLIES - 1));
	struct fault_tally *tally = bpf_map_lookup_elem(&host_tallies, &at);

	if (tally) {
		tally->event = EV_HOST_FAULT;
		tally_take(tally, owner);
	}
	return tally;
}

/* kvm_gmem_fault_user_mapping(vmf) */

static __always_inline int host_fault_begin(struct call call)
{
	struct vm_fault *vmf = (void *)raw_arg(call, 0);
	struct file *file = kread(call, vmf, vma, vm_file);
	struct task_state *state;

	state = file_event_enter(EV_HOST_FAULT, (__u64)kread(call, file, private_data),
				 (__u64)kread(call, file, f_inode));
	if (state)
		state->asked = !sample && pages_ask(&state->file_cache.leaf.pages) &&
			       page_look(&state->file_cache.leaf.pages, state->inode,
					 kread(call, vmf, pgoff));
	return 0;
}

static __always_inline void host_fault_cause(struct task_state *state, struct fault_tally *tally,
					     struct gmem_record *event)
{
	struct file_cache *cache = &state->file_cache;
	__u32 before = page_touch(&cache->leaf, event->page, PAGE_NEVER, state->asked,
				  state->since_ns, is_noisy(state->since_ns));

	if (before == PAGE_LOST)
		lose(EV_HOST_FAULT, LOSS_CAUSE);
	else if (before & PAGE_PRESENT)
		tally_detail(tally, event, DETAIL_HOST_RESIDENT);
	else
		tally_detail(tally, event, DETAIL_HOST_FIRST_TOUCH);
}

/* The error bits of a vm_fault_t as an error of its own kind; 0 for success. */
#define X(bit, name) | bit
static __always_inline __u32 fault_error(__u32 fault)
{
	__u32 error = fault & (0 VM_FAULT_ERRORS(X));

	return error ? ERROR_IS_FAULT | error : 0;
}
#undef X

static __always_inline void host_fault_count(void *ctx, struct task_state *state, int owner,
					     struct gmem_record *event)
{
	struct fault_tally *tally = host_tally(owner);

	if (!tally) /* never; the verifier cannot know */
		return;
	event->owner = owner;
	tally_latency(tally, event->latency_ns, min_latency_ns);
	if (event->err)
		error_count(owner, EV_HOST_FAULT, event->err);
	else if (!sample) /* what guest faults do is not known */
		host_fault_cause(state, tally, event);
	if (stack_events >> EV_HOST_FAULT & 1 && event->latency_ns >= min_latency_ns)
		stack_count(ctx, owner, EV_HOST_FAULT, 0);
	if (record_events >> EV_HOST_FAULT & 1)
		record_put(event);
}

static __always_inline int host_fault_end(struct call call)
{
	struct gmem_record event = EVENT(HOST_FAULT);
	struct vm_fault *vmf = (void *)raw_arg(call, 0);
	struct task_state *state;
	int owner;

	state = event_leave(&event);
	if (!state)
		return 0;
	event_at_pgoff(&event, kread(call, vmf, pgoff));
	owner = file_range_owner(state, event.page, event.page + 1);
	state->inode = 0;
	event.err = fault_error(returned(call));
	if (owner < 0)
		lose(EV_HOST_FAULT, LOSS_OWNER);
	else if (owner)
		host_fault_count(call.ctx, state, owner, &event);
	return 0;
}

BOTH_ENDS(host_fault, host_fault_begin, host_fault_end)

#endif
