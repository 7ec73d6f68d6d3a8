/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest fault: kvm_gmem_get_pfn(kvm, slot, gfn, ...). It happens so often that its instructions
 * are counted (tests/bench): no look-up in a hash and no call but of the clock, where nothing is
 * new. For gmem.bpf.c only.
 */
#ifndef GUEST_FAULT_BPF_H
#define GUEST_FAULT_BPF_H

#include "program.bpf.h"
#include "tally.bpf.h"

/* A slot that was met on a CPU: what is known of it, and its faults. */
struct cpu_slot {
	struct fault_tally tally; /* first, for user space */
	struct slot_cache cache;
};

/*
 * FAULT_TALLIES for each CPU. No atomic operations: the kernel does not let a program in on a CPU
 * where it is already, and only the program for the end of a fault, or the one for both, comes here.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set when loaded */
	__type(key, __u32);
	__type(value, struct cpu_slot);
} cpu_slots SEC(".maps");

struct fault_cpu fault_cpus[BEGUN_CPUS];

static __always_inline struct fault_cpu *fault_cpu(void)
{
	return &fault_cpus[bpf_get_smp_processor_id() & (BEGUN_CPUS - 1)];
}

/* What is asked for. The verifier leaves out what is not reached then, all of its checks in one. */
const volatile __u32 fault_kind; /* enum fault_kind */
/* kvm_gmem_get_pfn() has FAULT_ARGUMENTS. Of no interest to FAULT_ANY, and so to all others but FAULT_SAMPLED. */
const volatile bool fault_has_arguments;

/*
 * What this CPU has for the fault's slot, or for another one that hashes alike: see fault_owner().
 * What pointers are apart is a number to the verifier, the pointers are not.
 */
static __always_inline struct cpu_slot *cpu_slot(const __u64 *ctx)
{
	__u32 at = bpf_get_smp_processor_id() * FAULT_TALLIES +
		   ((ctx[1] - ctx[0]) >> 8 & (FAULT_TALLIES - 1));

	return bpf_map_lookup_elem(&cpu_slots, &at);
}

/* As fault_owner(), for a slot that is not in the cache or may have changed. */
__noinline int fault_meet(struct cpu_slot *slot)
{
	int owner;

	if (!slot)
		return -1;
	owner = slot_meet(&slot->cache);
	if (owner > 0)
		tally_take(&slot->tally, owner);
	return owner;
}

/*
 * Where the fault is counted, from now on in @slot: the owner of its memslot. OWNER_IGNORED when the
 * filter leaves its VM out, negative when the table of owners is full.
 */
static __always_inline int fault_owner(struct cpu_slot *slot, const __u64 *ctx)
{
	if (slot_is_cached(&slot->cache, ctx[1]))
		return slot->cache.owner;
	slot->cache.kvm = ctx[0];
	slot->cache.slot = ctx[1];
	return fault_meet(slot);
}

/* As page_look(), of the slot in the cache. */
__noinline int guest_fault_look(struct slot_cache *cache, __u64 gfn)
{
	struct kvm_memory_slot *slot;

	if (!cache)
		return 0;
	slot = (void *)cache->slot;
	return page_look(&cache->leaf.pages, (__u64)BPF_CORE_READ(slot, gmem.file, f_inode),
			 gfn + cache->pgoff_of_gfn);
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
	owner = owner_at(event.owner);
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
 * instead of a table in memory. A page that was mapped and is not there had a hole punched. 0: it is
 * not known (PAGE_LOST).
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
static __always_inline void guest_fault_cause(struct cpu_slot *slot, struct gmem_record *event,
					      __u64 gfn, bool asked, __u64 since_ns, bool noisy)
{
	__u64 index = gfn + slot->cache.pgoff_of_gfn;
	__u32 before = page_touch(&slot->cache.leaf, index, PAGE_MAPPED, asked, since_ns, noisy);
	__u32 cause = FAULT_CAUSES >> before * 4 & 7;

	if (cause)
		tally_detail(&slot->tally, event, cause);
	else
		lose(EV_GUEST_FAULT, LOSS_CAUSE);
}

/* What must be looked up in the task's state. */
static __always_inline void guest_fault_context(struct fault_tally *tally,
						struct gmem_record *event, __u32 err)
{
	struct task_state *state = state_get();

	if (!state)
		return;
	if (event_inside(state, EV_PREFAULT))
		tally_detail(tally, event, DETAIL_FAULT_PREFETCH);
	if (state->direct_map.err)
		direct_map_ends(state, err);
}

/* The arguments, one after another. */
static __always_inline const __u64 *fault_args(struct call call)
{
	return call.saved ? call.saved->arg : call.ctx;
}

/* What was asked for besides counts. */
static __always_inline void guest_fault_more(void *ctx, const struct cpu_slot *slot,
					     const struct gmem_record *event)
{
	if (heat)
		heat_count(&slot->cache, event->page);
	if (stack_events >> EV_GUEST_FAULT & 1 && event->latency_ns >= min_latency_ns)
		stack_count(ctx, event->owner, EV_GUEST_FAULT, 0);
	if (record_events >> EV_GUEST_FAULT & 1) /* event_record(), in fewer steps */
		record_put(event);
}

static __always_inline int fault_returned(struct call call, enum fault_kind kind)
{
	bool has_arguments = kind == FAULT_SAMPLED ? fault_has_arguments : kind != FAULT_ANY;

	return has_arguments ? raw_arg(call, FAULT_ARGUMENTS) : returned(call);
}

/* A fault of another VM than those chosen, or of one for which there is no room. */
static __always_inline void fault_uncounted(struct cpu_slot *slot, int owner)
{
	slot->tally.ended++;
	if (owner < 0)
		lose(EV_GUEST_FAULT, LOSS_OWNER);
}

/* @event, which began at @since_ns, has ended; @kind: as fault_kind. */
static __always_inline void guest_fault_count(struct call call, struct cpu_slot *slot,
					      struct gmem_record *event, __u64 since_ns, bool asked,
					      enum fault_kind kind)
{
	const __u64 *args = fault_args(call);
	int owner = fault_owner(slot, args), ret;
	bool noisy;

	if (owner <= 0) {
		fault_uncounted(slot, owner);
		return;
	}
	ret = fault_returned(call, kind);
	event->owner = owner;
	event->page = args[2];
	tally_latency(&slot->tally, event->latency_ns, kind != FAULT_ANY ? 0 : min_latency_ns);
	noisy = is_noisy(since_ns);
	if (noisy || (kind == FAULT_ANY && fault_context))
		guest_fault_context(&slot->tally, event, errno_of(ret));
	if (ret < 0) {
		event->err = -ret;
		error_count(owner, EV_GUEST_FAULT, -ret);
	} else if (kind != FAULT_SAMPLED) {
		guest_fault_cause(slot, event, args[2], asked, since_ns, noisy);
	}
	if (kind == FAULT_HEAT)
		heat_count(&slot->cache, args[2]);
	else if (kind == FAULT_ANY)
		guest_fault_more(call.ctx, slot, event);
}

/*
 * Of FAULT_SAMPLED, one in so many faults is timed: at random, since what is slow may come as regularly as a
 * counter. The others are counted, and no more: neither is it known of any why it came.
 */

#define FAULT_UNTIMED                                                                              \
	2 /* a cookie, or a start: what begins while nothing is counted yet has another */
#define FAULT_EARLY 4

static __always_inline bool fault_is_timed(struct fault_cpu *cpu)
{
	if (cpu->untimed-- > 0)
		return false;
	cpu->untimed = bpf_get_prandom_u32() % (2 * sample - 1);
	return true;
}

static __always_inline __u64 fault_untimed(void)
{
	return active_since_ns == ~0ULL ? FAULT_EARLY : FAULT_UNTIMED;
}

static __always_inline int guest_fault_untimed_end(struct call call)
{
	struct gmem_record event = EVENT(GUEST_FAULT);
	struct cpu_slot *slot = cpu_slot(fault_args(call));
	int owner, ret;

	if (!slot) /* never; the verifier cannot know */
		return 0;
	owner = active_since_ns == ~0ULL ? OWNER_IGNORED : fault_owner(slot, fault_args(call));
	if (owner <= 0) {
		fault_uncounted(slot, owner);
		return 0;
	}
	slot->tally.count++;
	ret = fault_returned(call, FAULT_SAMPLED);
	if (ret < 0)
		error_count(owner, EV_GUEST_FAULT, -ret);
	if (asking.within)
		guest_fault_context(&slot->tally, &event, errno_of(ret));
	return 0;
}

/*
 * Whose fault it is must be known at its begin: where the page cache is to be asked whether the page
 * is there, and where most faults may be of VMs that the filter leaves out. A VM is filtered by its
 * address space, not by who runs a vCPU of it, which may be another process.
 */
static __always_inline bool fault_asks_owner(enum fault_kind kind)
{
	return kind != FAULT_SAMPLED &&
	       (is_asking() || (kind == FAULT_ANY && filter == FILTER_PIDS)) &&
	       active_since_ns != ~0ULL;
}

/* Two programs: what the end has to know is in the task's state. */

static __always_inline int guest_fault_begin(__u64 *ctx, enum fault_kind kind)
{
	struct task_state *state = state_make();

	if (!state) {
		lose(EV_GUEST_FAULT, LOSS_STATE);
		return 0;
	}
	if (kind == FAULT_SAMPLED && !fault_is_timed(fault_cpu())) {
		state->start_ns[EV_GUEST_FAULT] = fault_untimed();
		return 0;
	}
	if (fault_asks_owner(kind)) {
		if (slot_owner(state, ctx[0], ctx[1]) == OWNER_IGNORED) {
			state->start_ns[EV_GUEST_FAULT] = EVENT_IGNORED;
			return 0;
		}
		state->asked = pages_ask(&state->cache.leaf.pages) &&
			       guest_fault_look(&state->cache, ctx[2]);
	} else {
		state->asked = false;
	}
	if (kind == FAULT_ANY && fault_context)
		guest_fault_tell(state, ctx);
	event_begin(state, EV_GUEST_FAULT);
	return 0;
}

static __always_inline int guest_fault_end(__u64 *ctx, enum fault_kind kind)
{
	struct gmem_record event = EVENT(GUEST_FAULT);
	struct task_state *state;
	struct cpu_slot *slot;

	if (kind == FAULT_SAMPLED) {
		state = state_make();
		if (state && state->start_ns[EV_GUEST_FAULT] == FAULT_UNTIMED) {
			state->start_ns[EV_GUEST_FAULT] = 0;
			return guest_fault_untimed_end(BY_TRAMPOLINE(ctx));
		}
	}
	state = event_leave(&event);
	if (!state)
		return 0;
	slot = cpu_slot(ctx);
	if (slot)
		guest_fault_count(BY_TRAMPOLINE(ctx), slot, &event, state->since_ns, state->asked,
				  kind);
	return 0;
}

/*
 * One program: it is the session's cookie, twice the start and one more if page_look() has asked. A
 * begin whose end was missed shows as a fault too many that has begun.
 */

#define FAULT_IGNORED 1 /* a cookie */

static __always_inline int guest_fault_session_begin(const __u64 *args, __u64 *cookie,
						     enum fault_kind kind)
{
	bool asked = false;
	struct fault_cpu *cpu;
	struct cpu_slot *slot;
	struct task_state *state;

	if (fault_asks_owner(kind)) {
		slot = cpu_slot(args);
		if (!slot) /* never; the verifier cannot know */
			return 0;
		if (fault_owner(slot, args) == OWNER_IGNORED) {
			*cookie = FAULT_IGNORED;
			return 0;
		}
		asked = pages_ask(&slot->cache.leaf.pages) &&
			guest_fault_look(&slot->cache, args[2]);
	}
	state = kind == FAULT_ANY && fault_context ? state_make() : NULL;
	if (state) {
		guest_fault_tell(state, args);
		state->start_ns[EV_GUEST_FAULT] = EVENT_IGNORED;
	}
	cpu = fault_cpu();
	__sync_fetch_and_add(&cpu->begun, 1);
	if (kind == FAULT_SAMPLED && !fault_is_timed(cpu))
		*cookie = fault_untimed();
	else
		*cookie = bpf_ktime_get_ns() << 1 | asked;
	return 0;
}

static __always_inline int guest_fault_session_end(struct call call, __u64 begun,
						   enum fault_kind kind)
{
	struct gmem_record event = EVENT(GUEST_FAULT);
	struct cpu_slot *slot;
	struct task_state *state;

	if (begun == FAULT_IGNORED)
		return 0;
	if (kind == FAULT_SAMPLED && begun == FAULT_UNTIMED)
		return guest_fault_untimed_end(call);
	event.end_ns = bpf_ktime_get_ns();
	event.latency_ns = event.end_ns - (begun >> 1);
	if (kind != FAULT_ANY)
		barrier_var(event.latency_ns); /* now: both times need not be kept then */
	slot = cpu_slot(fault_args(call));
	if (!slot) /* never; the verifier cannot know */
		return 0;
	if (begun >= active_since_ns << 1)
		guest_fault_count(call, slot, &event, begun >> 1, begun & 1, kind);
	else
		slot->tally.ended++;
	state = kind == FAULT_ANY && fault_context ? state_get() : NULL;
	if (state)
		state->start_ns[EV_GUEST_FAULT] = 0;
	return 0;
}

/* At the end the begin was missed. */
static __always_inline int guest_fault_session_missed(const __u64 *args)
{
	struct cpu_slot *slot = cpu_slot(args);

	if (active_since_ns != ~0ULL && slot && fault_owner(slot, args) != OWNER_IGNORED)
		lose(EV_GUEST_FAULT, LOSS_MISSED);
	return 0;
}

#define FAULT_OF_KIND(fn, ...)                                                                     \
	({                                                                                         \
		__u32 kind = fault_kind;                                                           \
		kind == FAULT_PLAIN	? fn(__VA_ARGS__, FAULT_PLAIN)                             \
		: kind == FAULT_HEAT	? fn(__VA_ARGS__, FAULT_HEAT)                              \
		: kind == FAULT_SAMPLED ? fn(__VA_ARGS__, FAULT_SAMPLED)                           \
					: fn(__VA_ARGS__, FAULT_ANY);                              \
	})

SEC("?fentry")
int guest_fault_entry(__u64 *ctx)
{
	return FAULT_OF_KIND(guest_fault_begin, ctx);
}

SEC("?fexit")
int guest_fault_exit(__u64 *ctx)
{
	return FAULT_OF_KIND(guest_fault_end, ctx);
}

/* A cookie tells where it is, so that the end need not ask. */
SEC("?fsession")
int guest_fault_session(__u64 *ctx)
{
	__u64 *cookie = bpf_session_cookie(ctx), begun = *cookie;

	if (begun)
		return FAULT_OF_KIND(guest_fault_session_end, BY_TRAMPOLINE(ctx), begun);
	if (bpf_session_is_return(ctx))
		return guest_fault_session_missed(ctx);
	return FAULT_OF_KIND(guest_fault_session_begin, ctx, cookie);
}

/* The same as a probe: its arguments are saved meanwhile. */
SEC("?kprobe.session")
int guest_fault_probe(struct pt_regs *regs)
{
	enum { NUMBER = PROBE_NUMBER };
	__u64 *cookie = bpf_session_cookie(regs), begun = *cookie;
	struct saved_call call, *saved;

	if (!bpf_session_is_return(regs)) {
		call_save(regs, NUMBER, &call);
		if (!*cookie) {
			lose(EV_GUEST_FAULT, LOSS_STATE);
			return PROBE_NO_END;
		}
		guest_fault_session_begin(call.arg, cookie, FAULT_ANY);
		return PROBE_END;
	}
	saved = call_ends(regs, NUMBER);
	if (saved)
		guest_fault_session_end(BY_PROBE(regs, saved), begun, FAULT_ANY);
	return 0;
}

#endif
