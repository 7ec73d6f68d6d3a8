/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What programs are made of: the arguments and the answer of the traced function, and how one piece
 * of code becomes programs for its two ends. For the BPF programs only.
 */
#ifndef PROGRAM_BPF_H
#define PROGRAM_BPF_H

#include "cache.bpf.h"
#include "probe.bpf.h"
#include "rare_hooks.h"
#include "stat.bpf.h"

/* Argument @n of a tracepoint, as a pointer that the verifier knows the type of. */
#define ARG(ctx, n) ((void *)(ctx)[n])

/*
 * The call of a traced function, as the programs at its ends see it: through a trampoline (fentry,
 * fexit, fsession), where @ctx has the arguments, or through a probe, where they have been saved at
 * the begin. Which one it is is known when it is compiled: no instruction asks.
 */
struct call {
	void *ctx;
	const struct saved_call *saved; /* NULL: a trampoline's */
};

/*
 * Argument @n: of a trampoline as the verifier sees it, a pointer whose type it knows or a number; else
 * a number. kread() reads through either.
 */
static __always_inline __u64 raw_arg(struct call call, int n)
{
	return call.saved ? call.saved->arg[n] : ((__u64 *)call.ctx)[n];
}

#define kread(call, pointer, ...)                                                                  \
	((call).saved ? BPF_CORE_READ(pointer, __VA_ARGS__) : ___arrow(pointer, __VA_ARGS__))

/*
 * The same as a number in any case: what functions that are verified by themselves can be given. The
 * kernel puts a few instructions in the place of the call.
 */
static __always_inline __u64 arg(struct call call, int n)
{
	__u64 value = 0;

	if (call.saved)
		return call.saved->arg[n];
	bpf_get_func_arg(call.ctx, n, &value);
	return value;
}

static __always_inline long returned(struct call call)
{
	__u64 value = 0;

	if (call.saved)
		return call.saved->ret;
	/* Not ctx[number of arguments]: that number differs by kernel. */
	bpf_get_func_ret(call.ctx, &value);
	return value;
}

/* For functions that return int: the upper half of the register is not theirs. */
static __always_inline long returned_int(struct call call)
{
	return (int)returned(call);
}

/* Of what a function returned: its errno, 0 for none. */
static __always_inline __u32 errno_of(int ret)
{
	return ret < 0 ? -ret : 0;
}

static __always_inline void event_at_pgoff(struct gmem_record *event, __u64 pgoff)
{
	event->page = pgoff;
	event->flags = RECORD_PGOFF;
}

/* Of what returns how many pages were done, or an error. */
static __always_inline void event_pages(struct gmem_record *event, long ret)
{
	event->npages = ret > 0 ? ret : 0;
	event->err = ret < 0 ? -ret : 0;
}

/* The same in bytes. */
static __always_inline void event_bytes(struct gmem_record *event, long ret)
{
	event_pages(event, ret);
	event->npages >>= page_bits;
}

/*
 * An event begins in a guest_memfd file, which is in the task's state then. NULL when it is not to be
 * counted, or when there is no memory for a state, which is counted as lost.
 */
static __always_inline struct task_state *file_event_enter(enum gmem_event event, __u64 gmem_file,
							   __u64 inode)
{
	struct task_state *state = event_state(event);

	if (!state)
		return NULL;
	if (active_since_ns == ~0ULL || file_enter(state, gmem_file, inode) == OWNER_IGNORED) {
		event_ignore(state, event);
		state->inode = 0;
		return NULL;
	}
	event_begin(state, event);
	return state;
}

/* What a program sees of a call. */
#define BY_TRAMPOLINE(ctx) ((struct call){ (ctx), NULL })
#define BY_PROBE(regs, saved) ((struct call){ (regs), (saved) })

/* What runs at both ends of a function: two programs, or one from 7.0 on, which has fsession. */
#define BOTH_TRAMPOLINES(hook, begin, end)                                                         \
	SEC("?fentry") int hook##_entry(__u64 *ctx)                                                \
	{                                                                                          \
		return begin(BY_TRAMPOLINE(ctx));                                                  \
	}                                                                                          \
	SEC("?fexit") int hook##_exit(__u64 *ctx)                                                  \
	{                                                                                          \
		return end(BY_TRAMPOLINE(ctx));                                                    \
	}                                                                                          \
	SEC("?fsession") int hook##_session(__u64 *ctx)                                            \
	{                                                                                          \
		return bpf_session_is_return(ctx) ? end(BY_TRAMPOLINE(ctx))                        \
						  : begin(BY_TRAMPOLINE(ctx));                     \
	}

#define FIRST_TRAMPOLINE(hook, fn)                                                                 \
	SEC("?fentry") int hook(__u64 *ctx)                                                        \
	{                                                                                          \
		return fn(BY_TRAMPOLINE(ctx));                                                     \
	}

#define LAST_TRAMPOLINE(hook, fn)                                                                  \
	SEC("?fexit") int hook(__u64 *ctx)                                                         \
	{                                                                                          \
		return fn(BY_TRAMPOLINE(ctx));                                                     \
	}

/* The number of a hook's saved calls: those of rare_hooks.h have theirs, the others follow. */
#define PROBE_NUMBER (NR_RARE_HOOKS + __COUNTER__)

/* The same as a probe, for --exact. */
#define PROBE(hook, begin, end, answer)                                                            \
	enum { NUMBER_OF_##hook = PROBE_NUMBER };                                                  \
	SEC("?kprobe.session") int hook##_probe(struct pt_regs *regs)                              \
	{                                                                                          \
		struct saved_call call, *saved;                                                    \
                                                                                                   \
		if (bpf_session_is_return(regs)) {                                                 \
			saved = call_ends(regs, NUMBER_OF_##hook);                                 \
			if (saved)                                                                 \
				end(BY_PROBE(regs, saved));                                        \
			return 0;                                                                  \
		}                                                                                  \
		call_save(regs, NUMBER_OF_##hook, &call);                                          \
		begin(BY_PROBE(regs, &call));                                                      \
		return answer;                                                                     \
	}

static __always_inline int nothing(struct call call)
{
	return 0;
}

/* Both. Where a function is rare, a row of rare_hooks.h makes the programs. */
#define BOTH_ENDS(hook, begin, end)                                                                \
	BOTH_TRAMPOLINES(hook, begin, end)                                                         \
	PROBE(hook, begin, end, PROBE_END)
#define FIRST_END(hook, fn)                                                                        \
	FIRST_TRAMPOLINE(hook, fn)                                                                 \
	PROBE(hook, fn, nothing, PROBE_NO_END)
#define LAST_END(hook, fn)                                                                         \
	LAST_TRAMPOLINE(hook, fn)                                                                  \
	PROBE(hook, nothing, fn, PROBE_END)

/* The begin of an event of which nothing but the time matters. */
#define BEGIN(hook, event)                                                                         \
	static __always_inline int hook##_begin(struct call call)                                  \
	{                                                                                          \
		event_enter(event);                                                                \
		return 0;                                                                          \
	}

#endif
