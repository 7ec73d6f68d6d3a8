/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pairing: what a task is in the middle of. The functions traced sleep and migrate, so the state
 * hangs from the task, with one place for each event, since events nest (a zap within a punch
 * hole, a notifier within a fault). For the BPF programs only.
 */
#ifndef STATE_BPF_H
#define STATE_BPF_H

#include "page.bpf.h"

/* A VM's generation when something of it was cached, and where that is, in bytes: a look takes few steps. */
struct vm_generation {
	__u32 number;
	__u32 place;
};

/*
 * The slot that the task met last, so that the next event there needs no look-up. Its address
 * is as good as its number: before the kernel frees a slot, slot_commit or vm_destroy has moved
 * its VM's generation on.
 */
struct slot_cache {
	__u64 kvm;
	__u64 slot;
	struct vm_generation generation;
	int owner;
	int vm; /* its VM's owner */
	__u64 pgoff_of_gfn; /* what to add to a gfn for its page offset in the guest_memfd */
	/* A fault on gfn is counted at heats[heat_at].count[(gfn + heat_bias) >> heat_shift], if that is asked for. */
	__u64 heat_bias;
	__u32 heat_shift;
	__u32 heat_at;
	struct leaf_cache leaf;
};

/* The same for guest_memfd files, by the address of a file's private data. */
struct file_cache {
	__u64 gmem_file;
	__u64 kvm;
	__u64 inode;
	struct vm_generation generation;
	int owner; /* of the guest_memfd */
	struct leaf_cache leaf;
	/* Where events of the pages [start, end) are counted, which belong to one slot; end 0: none. */
	int slot_owner;
	__u64 start;
	__u64 end;
};

/* The range of the fallocate() under way, in page offsets, end excluded. */
struct fallocate_range {
	__u64 start;
	__u64 end;
	__u64 hole; /* as its guest_memfd has it while its pages go; 0: not yet */
};

/* What the page cache has said at the begin of the fault under way. */
struct page_look {
	__u64 inode;
	__u64 folio; /* 0: none */
	__u64 switches; /* task_switches() then */
	bool hole; /* while one was under way there */
};

/* The slots that an operation under way has met. */
struct slots_met {
	int owner; /* of the last one */
	__u32 n;
	__u64 npages;
};

/* The conversion under way: its range and attributes, from the first look at them. */
struct conversion {
	__u64 start;
	__u64 end;
	__u64 attributes;
	__u32 looked; /* 1 while the first look lasts, 2 after it */
	__u32 noop;
};

#define EVENT_IGNORED 1 /* a start: before any capture */

struct task_state {
	__u64 start_ns[NR_EVENTS]; /* 0: not inside */
	__u64 since_ns; /* when the event began that has ended last */
	struct slot_cache cache;
	struct file_cache file_cache;
	struct fallocate_range fallocate;
	struct slots_met zap;
	int zapped_owner; /* where the last zap was counted; for poison */
	int release_owner; /* of the last release, found before the file forgets its VM */
	__u64 kvm; /* whose memslots the task is changing; for unbind, which is not told */
	__u32 ending; /* the handle of the VM that the task destroys; 0: none */
	__u64 slot; /* of the guest fault under way, for what happens within */
	__u64 inode; /* the guest_memfd that the task works on; for what is not told */
	__u64 gmem_file; /* and its file's private data */
	struct page_look look;
	bool asked; /* the fault under way has done so */
	struct gmem_record direct_map; /* that failed within the guest fault under way, if .err */
	struct conversion conversion;
	struct pages_range range; /* that changes now */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_state);
} states SEC(".maps");

/* A variable on cache lines of its own: what is written does not share one with what each fault reads. */
#define OWN_LINES __attribute__((aligned(64)))

/* Only what begins at or after this moment is counted: ~0 before the start and after the end. */
volatile __u64 active_since_ns OWN_LINES = ~0ULL;

/* A hook within the guest fault asks for its slot. */
const volatile bool fault_context;

/* LOSS_MISSED here: one end of the event was seen, the other not. */
__u64 losses[NR_EVENTS][NR_LOSSES] OWN_LINES;

/*
 * Of each event, how many more have begun on a CPU than ended there. Of all CPUs together: what is under way, and
 * what nobody has noticed to lack its end. Guest faults have a count of their own, or none.
 */
struct {
	__u64 n[UNDER_WAY_EVENTS];
} under_way[BEGUN_CPUS] OWN_LINES;

/* Relaxed: what the compiler knows of other memory stays so, which the verifier would not find out again. */
static __always_inline void under_way_add(enum gmem_event event, __u64 n)
{
	__u32 cpu;

	if (event == EV_GUEST_FAULT)
		return;
	cpu = bpf_get_smp_processor_id() & (BEGUN_CPUS - 1);
	__atomic_fetch_add(&under_way[cpu].n[event], n, __ATOMIC_RELAXED);
}

static __always_inline void lose(enum gmem_event event, enum gmem_loss loss)
{
	if (active_since_ns != ~0ULL)
		__sync_fetch_and_add(&losses[event][loss], 1);
}

/* The task's state if it has any. */
static __always_inline struct task_state *state_get(void)
{
	return bpf_task_storage_get(&states, bpf_get_current_task_btf(), 0, 0);
}

/* The task's state, made if need be; NULL when there is no memory. */
static __always_inline struct task_state *state_make(void)
{
	return bpf_task_storage_get(&states, bpf_get_current_task_btf(), 0,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* It has begun here at @start_ns, and is over. */
static __always_inline void event_not_under_way(enum gmem_event event, __u64 start_ns)
{
	if (start_ns > EVENT_IGNORED)
		under_way_add(event, -1);
}

/* The event is over in this task, and its end was missed. */
static __always_inline void event_unended(struct task_state *state, enum gmem_event event)
{
	if (state->start_ns[event] >= active_since_ns)
		lose(event, LOSS_MISSED);
	event_not_under_way(event, state->start_ns[event]);
	state->start_ns[event] = 0;
}

static __always_inline void event_begin(struct task_state *state, enum gmem_event event)
{
	if (state->start_ns[event] >= active_since_ns)
		lose(event, LOSS_MISSED);
	/* Else it takes the place of one whose end was missed. */
	if (state->start_ns[event] <= EVENT_IGNORED)
		under_way_add(event, 1);
	state->start_ns[event] = bpf_ktime_get_ns();
}

/* The event begins, but is not to be counted. */
static __always_inline void event_ignore(struct task_state *state, enum gmem_event event)
{
	event_not_under_way(event, state->start_ns[event]);
	state->start_ns[event] = EVENT_IGNORED;
}

/* The state for an event that begins. NULL, and counted as lost, when there is no memory. */
static __always_inline struct task_state *event_state(enum gmem_event event)
{
	struct task_state *state = state_make();

	if (!state)
		lose(event, LOSS_STATE);
	return state;
}

/* The event begins in this task. As event_state(). */
static __always_inline struct task_state *event_enter(enum gmem_event event)
{
	struct task_state *state = event_state(event);

	if (state)
		event_begin(state, event);
	return state;
}

/* The task is in the middle of an event that counts. */
static __always_inline bool event_inside(const struct task_state *state, enum gmem_event event)
{
	return state->start_ns[event] >= active_since_ns;
}

/* An event that is to be counted. */
#define EVENT(id)                                                                                  \
	{                                                                                          \
		.event = EV_##id, .page = RECORD_NO_PAGE                                           \
	}

/*
 * @event ends: now, and how long it took. False when it does not count: it began before the
 * capture, or (counted as lost) its begin was missed.
 */
static __always_inline bool event_end(struct task_state *state, struct gmem_record *event)
{
	__u64 start_ns = state->start_ns[event->event];

	state->start_ns[event->event] = 0;
	state->since_ns = start_ns;
	event_not_under_way(event->event, start_ns);
	if (!start_ns)
		lose(event->event, LOSS_MISSED);
	if (start_ns < active_since_ns)
		return false;
	event->end_ns = bpf_ktime_get_ns();
	event->latency_ns = event->end_ns - start_ns;
	return true;
}

/*
 * The same in this task: its state, or NULL. An event that begins makes a state: without one, the begin was
 * missed. So are many of a new thread as long as another task is preempted inside the program.
 */
static __always_inline struct task_state *event_leave(struct gmem_record *event)
{
	struct task_state *state = state_make();

	return state && event_end(state, event) ? state : NULL;
}

#endif
