/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest fault: kvm_gmem_get_pfn(kvm, slot, gfn, ...). It happens so often that its instructions
 * are counted (tests/bench): no look-up in a hash and no call but of the clock, where nothing is
 * new. For the BPF programs only.
 */
#ifndef FAULT_BPF_H
#define FAULT_BPF_H

#include "page.bpf.h"
#include "program.bpf.h"

/*
 * What the one program for both ends knows of the slots that it has met on this CPU. The kernel
 * does not let it in there a second time while it runs, so all is as in a single task.
 */
#define FAULT_SLOTS 128

struct fault_slot {
	__u64 begun; /* faults, here; user space adds them up */
	__u64 ended;
	struct slot_cache cache;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FAULT_SLOTS);
	__type(key, __u32);
	__type(value, struct fault_slot);
} fault_slots SEC(".maps");

/* A hook within the fault asks for it: guest_fault_tell(). */
const volatile bool fault_context;

/*
 * Nothing that was asked for makes a fault more than its count, latency and cause: no record, no
 * filter by pid and so on. The verifier leaves out what is not reached then, all of its checks in
 * one.
 */
const volatile bool fault_plain;

/* How many arguments kvm_gmem_get_pfn() has. 6.12 brought the sixth. */
const volatile __u32 fault_arguments;

/* Tasks in KVM_PRE_FAULT_MEMORY. */
__u32 prefaults;

/*
 * The place of the fault's slot, which may still have another one's. What pointers are apart is a
 * number to the verifier, the pointers are not.
 */
static __always_inline struct fault_slot *fault_slot(const __u64 *ctx)
{
	__u32 at = (ctx[1] - ctx[0]) >> 8 & (FAULT_SLOTS - 1);

	return bpf_map_lookup_elem(&fault_slots, &at);
}

/* The slot that is in the cache is new to it, or its guest_memfd was there before us. */
__noinline int guest_fault_look(struct slot_cache *cache, __u64 gfn)
{
	struct kvm_memory_slot *slot;

	if (!cache)
		return 0;
	slot = (void *)cache->slot;
	return fault_look(&cache->pages, BPF_CORE_READ(slot, gmem.file, f_inode),
			  gfn + cache->pgoff_of_gfn);
}

/*
 * Was the page there before? Only said where nothing but the page cache can tell. The slot is in
 * the cache then, unless nothing is counted now.
 */
static __always_inline bool guest_fault_present(struct slot_cache *cache, const __u64 *ctx)
{
	bool cached = slot_is_cached(cache, ctx[1]);

	if (cached && !cache->pages.late_mask)
		return false;
	if (active_since_ns == ~0ULL)
		return false;
	if (!cached) {
		cache->kvm = ctx[0];
		cache->slot = ctx[1];
		slot_meet(cache);
	}
	return guest_fault_look(cache, ctx[2]);
}

/* What failed to leave the direct map within a guest fault: dropped, if that has no error. */
__noinline int direct_map_ends(struct task_state *state, __u32 err)
{
	struct gmem_record event;
	struct owner *owner;

	if (!state)
		return 0;
	event = state->direct_map;
	event.event = EV_DIRECT_MAP_ZAP; /* as it is; the verifier cannot know */
	state->direct_map.err = 0;
	owner = bpf_map_lookup_elem(&owners, &event.owner);
	if (!err)
		detail_count(owner, &event, DETAIL_DIRECT_MAP_DROPPED);
	event_record(owner, &event);
	return 0;
}

/* For hooks within the fault that are not told its slot. */
static __always_inline void guest_fault_tell(struct task_state *state, const __u64 *ctx)
{
	state->kvm = ctx[0];
	state->slot = ctx[1];
	if (state->direct_map.err) /* of a fault whose end was missed */
		direct_map_ends(state, 1);
}

/*
 * The cause of a fault by what was known of the page before, four bits for each of 16: a number
 * instead of a table in memory. A page that was mapped and is not there had a hole punched.
 */
#define CAUSE(page, detail) ((__u64)DETAIL_FAULT_##detail << (page)*4)
#define FAULT_CAUSES                                                                               \
	(CAUSE(PAGE_NEVER, FIRST_TOUCH) | CAUSE(PAGE_MAPPED, PUNCHED) |                            \
	 CAUSE(PAGE_PUNCHED, PUNCHED) | CAUSE(PAGE_NOTIFIED, FIRST_TOUCH) |                        \
	 CAUSE(PAGE_CONVERTED, FIRST_TOUCH) | CAUSE(PAGE_SLOT_CHANGED, FIRST_TOUCH) |              \
	 CAUSE(PAGE_FAILED, FIRST_TOUCH) | CAUSE(PAGE_PRESENT | PAGE_NEVER, RESIDENT) |            \
	 CAUSE(PAGE_PRESENT | PAGE_MAPPED, RESIDENT) |                                             \
	 CAUSE(PAGE_PRESENT | PAGE_PUNCHED, PUNCHED) |                                             \
	 CAUSE(PAGE_PRESENT | PAGE_NOTIFIED, NOTIFIED) |                                           \
	 CAUSE(PAGE_PRESENT | PAGE_CONVERTED, CONVERTED) |                                         \
	 CAUSE(PAGE_PRESENT | PAGE_SLOT_CHANGED, SLOT_CHANGED) |                                   \
	 CAUSE(PAGE_PRESENT | PAGE_FAILED, FAILED))

/* Each guest fault that succeeds has one cause. */
static __always_inline void guest_fault_cause(struct slot_cache *cache, struct owner *owner,
					      struct gmem_record *event, __u64 gfn,
					      bool was_present)
{
	int before = cache_touch(cache, gfn + cache->pgoff_of_gfn);

	if (before < 0) {
		lose(EV_GUEST_FAULT, LOSS_CAUSE);
		return;
	}
	if (was_present)
		before |= PAGE_PRESENT;
	detail_count(owner, event, FAULT_CAUSES >> before * 4 & 7);
}

/* What must be looked up in the task's state. */
static __always_inline void guest_fault_context(struct owner *owner, struct gmem_record *event)
{
	struct task_state *state = state_get();

	if (!state)
		return;
	if (event_inside(state, EV_PREFAULT))
		detail_count(owner, event, DETAIL_FAULT_PREFETCH);
	if (state->direct_map.err)
		direct_map_ends(state, event->err);
}

/* As returned(), in fewer steps where it is known which word it is. */
static __always_inline int guest_fault_returned(__u64 *ctx)
{
	if (fault_arguments == 6)
		return ctx[6];
	if (fault_arguments == 5)
		return ctx[5];
	return returned(ctx);
}

/* @event has ended; @plain: as fault_plain. */
static __always_inline void guest_fault_count(__u64 *ctx, struct slot_cache *cache,
					      struct gmem_record *event, bool was_present,
					      bool plain)
{
	struct owner *owner;

	event->err = errno_of(guest_fault_returned(ctx));
	event->owner = cache_owner(cache, ctx[0], ctx[1]);
	if (plain)
		owner = stat_count(event, event_carries(EV_GUEST_FAULT), 0);
	else
		owner = event_count(ctx, event);
	if (!owner)
		return;
	if (!plain && heat)
		heat_count(cache, ctx[2]);
	if (prefaults || (!plain && fault_context))
		guest_fault_context(owner, event);
	if (!event->err)
		guest_fault_cause(cache, owner, event, ctx[2], was_present);
	if (plain)
		return;
	event->page = ctx[2];
	if (record_events >> EV_GUEST_FAULT & 1) /* event_record(), in fewer steps */
		record_put(event);
}

/* Two programs: what the end has to know is in the task's state. */

static __always_inline int guest_fault_begin(__u64 *ctx, bool plain)
{
	struct task_state *state;

	if (!plain && process_filtered())
		return 0;
	state = state_make();
	if (!state) {
		lose(EV_GUEST_FAULT, LOSS_STATE);
		return 0;
	}
	state->was_present = guest_fault_present(&state->cache, ctx);
	if (state->cache.owner == OWNER_IGNORED) {
		state->start_ns[EV_GUEST_FAULT] = 1; /* before any capture */
		return 0;
	}
	if (!plain && fault_context)
		guest_fault_tell(state, ctx);
	event_begin(state, EV_GUEST_FAULT);
	return 0;
}

static __always_inline int guest_fault_end(__u64 *ctx, bool plain)
{
	struct task_state *state = !plain && process_filtered() ? NULL : state_get();
	struct gmem_record event = EVENT(GUEST_FAULT);

	if (state && event_end(state, &event))
		guest_fault_count(ctx, &state->cache, &event, state->was_present, plain);
	return 0;
}

/*
 * One program: it is the session's cookie, twice the start and one more if the page was there. A
 * begin whose end was missed shows as a fault too many that has begun.
 */

#define FAULT_IGNORED 1 /* a cookie */

static __always_inline int guest_fault_session_begin(__u64 *ctx, __u64 *cookie, bool plain)
{
	struct task_state *state;
	struct fault_slot *met;
	bool was_present;

	if (!plain && process_filtered())
		return 0;
	met = fault_slot(ctx);
	if (!met) /* never; the verifier cannot know */
		return 0;
	was_present = guest_fault_present(&met->cache, ctx);
	if (met->cache.owner == OWNER_IGNORED) {
		*cookie = FAULT_IGNORED;
		return 0;
	}
	state = !plain && fault_context ? state_make() : NULL;
	if (state) {
		guest_fault_tell(state, ctx);
		state->start_ns[EV_GUEST_FAULT] = 1;
	}
	met->begun++;
	*cookie = bpf_ktime_get_ns() << 1 | was_present;
	return 0;
}

static __always_inline int guest_fault_session_end(__u64 *ctx, __u64 begun, bool plain)
{
	struct gmem_record event = EVENT(GUEST_FAULT);
	struct task_state *state;
	struct fault_slot *met;

	if (begun == FAULT_IGNORED)
		return 0;
	event.end_ns = bpf_ktime_get_ns();
	event.latency_ns = event.end_ns - (begun >> 1);
	met = fault_slot(ctx);
	if (!met) /* never; the verifier cannot know */
		return 0;
	met->ended++;
	if (begun >> 1 >= active_since_ns)
		guest_fault_count(ctx, &met->cache, &event, begun & 1, plain);
	state = !plain && fault_context ? state_get() : NULL;
	if (state)
		state->start_ns[EV_GUEST_FAULT] = 0;
	return 0;
}

/* At the end the begin was missed, unless the filter has left it out. */
static __always_inline int guest_fault_session_missed(void)
{
	if (!process_filtered())
		lose(EV_GUEST_FAULT, LOSS_MISSED);
	return 0;
}

SEC("?fentry")
int guest_fault_entry(__u64 *ctx)
{
	return fault_plain ? guest_fault_begin(ctx, true) : guest_fault_begin(ctx, false);
}

SEC("?fexit")
int guest_fault_exit(__u64 *ctx)
{
	return fault_plain ? guest_fault_end(ctx, true) : guest_fault_end(ctx, false);
}

/* A cookie tells where it is, so that the end need not ask. */
SEC("?fsession")
int guest_fault_session(__u64 *ctx)
{
	__u64 *cookie = bpf_session_cookie(ctx), begun = *cookie;

	if (begun)
		return fault_plain ? guest_fault_session_end(ctx, begun, true)
				   : guest_fault_session_end(ctx, begun, false);
	if (bpf_session_is_return(ctx))
		return guest_fault_session_missed();
	return fault_plain ? guest_fault_session_begin(ctx, cookie, true)
			   : guest_fault_session_begin(ctx, cookie, false);
}

#endif
