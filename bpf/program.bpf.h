/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What programs are made of: the arguments and the answer of the traced function, and how one piece
 * of code becomes programs for its two ends. For the BPF programs only.
 */
#ifndef PROGRAM_BPF_H
#define PROGRAM_BPF_H

#include "cache.bpf.h"
#include "stat.bpf.h"

/* Argument @n of the traced function, as a pointer that the verifier knows the type of. */
#define ARG(ctx, n) ((void *)(ctx)[n])

/*
 * The same as a number: what functions that are verified by themselves can be given. Not for
 * tracepoints. The kernel puts a few instructions in the place of the call.
 */
static __always_inline __u64 arg(__u64 *ctx, int n)
{
	__u64 value = 0;

	bpf_get_func_arg(ctx, n, &value);
	return value;
}

static __always_inline long returned(void *ctx)
{
	__u64 value = 0;

	/* Not ctx[number of arguments]: that number differs by kernel. */
	bpf_get_func_ret(ctx, &value);
	return value;
}

/* For functions that return int: the upper half of the register is not theirs. */
static __always_inline long returned_int(void *ctx)
{
	return (int)returned(ctx);
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

static bool (*const bpf_session_is_return)(void *ctx) = (void *)CALL_SESSION_IS_RETURN;

/* Room for 8 bytes from the begin to the end: 0 at the begin, and at the end if that was missed. */
static __u64 *(*const bpf_session_cookie)(void *ctx) = (void *)CALL_SESSION_COOKIE;

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

/*
 * What runs at both ends of a function: two programs, or one from 7.0 on, which has fsession. Where
 * it is rare, a row of rare_hooks.h makes the programs.
 */
#define BOTH_ENDS(hook, begin, end)                                                                \
	SEC("?fentry") int hook##_entry(__u64 *ctx)                                                \
	{                                                                                          \
		return begin(ctx);                                                                 \
	}                                                                                          \
	SEC("?fexit") int hook##_exit(__u64 *ctx)                                                  \
	{                                                                                          \
		return end(ctx);                                                                   \
	}                                                                                          \
	SEC("?fsession") int hook##_session(__u64 *ctx)                                            \
	{                                                                                          \
		return bpf_session_is_return(ctx) ? end(ctx) : begin(ctx);                         \
	}

#define FIRST_END(hook, fn)                                                                        \
	SEC("?fentry") int hook(__u64 *ctx)                                                        \
	{                                                                                          \
		return fn(ctx);                                                                    \
	}

#define LAST_END(hook, fn)                                                                         \
	SEC("?fexit") int hook(__u64 *ctx)                                                         \
	{                                                                                          \
		return fn(ctx);                                                                    \
	}

/* The begin of an event of which nothing but the time matters. */
#define BEGIN(hook, event)                                                                         \
	static __always_inline int hook##_begin(__u64 *ctx)                                        \
	{                                                                                          \
		event_enter(event);                                                                \
		return 0;                                                                          \
	}

#endif
