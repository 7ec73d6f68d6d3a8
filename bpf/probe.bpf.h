/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Probes (kprobe.session): programs that the kernel calls with preemption off, so that no task is ever
 * preempted inside one and has it skipped for the others of its CPU. (It skips them where a task was
 * preempted in a system call on a BPF map; a trampoline's program it does not.) They cost several times what a
 * trampoline costs, and do not see the arguments at the end: those are saved at the begin. For the BPF
 * programs only.
 */
#ifndef PROBE_BPF_H
#define PROBE_BPF_H

#include <asm/ptrace.h>
#include <bpf/bpf_tracing.h>
#include "state.bpf.h"

#define SAVED_ARGS 5

/* A call that is under way: of each function one in a task. */
struct saved_call {
	__u64 arg[SAVED_ARGS];
	long ret; /* at the end */
};

#define SAVED_CALLS 32

struct saved_calls {
	struct saved_call call[SAVED_CALLS];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct saved_calls);
} saved_calls SEC(".maps");

static bool (*const bpf_session_is_return)(void *ctx) = (void *)CALL_SESSION_IS_RETURN;

/* Room for 8 bytes from the begin to the end: 0 at the begin, and at the end if that was missed. */
static __u64 *(*const bpf_session_cookie)(void *ctx) = (void *)CALL_SESSION_COOKIE;

/* The task's saved call of the function with this number; NULL: none, or no memory to make it. */
static __always_inline struct saved_call *call_saved(__u32 number, bool make)
{
	struct saved_calls *calls =
		bpf_task_storage_get(&saved_calls, bpf_get_current_task_btf(), 0,
				     make ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);

	return calls && number < SAVED_CALLS ? &calls->call[number] : NULL;
}

/* The call begins: its arguments, to be found again at its end if there is memory. */
static __always_inline void call_save(struct pt_regs *regs, __u32 number, struct saved_call *call)
{
	struct saved_call *saved = call_saved(number, true);

	call->arg[0] = PT_REGS_PARM1(regs);
	call->arg[1] = PT_REGS_PARM2(regs);
	call->arg[2] = PT_REGS_PARM3(regs);
	call->arg[3] = PT_REGS_PARM4(regs);
	call->arg[4] = PT_REGS_PARM5(regs);
	call->ret = 0;
	if (!saved)
		return;
	*saved = *call;
	*bpf_session_cookie(regs) = 1;
}

/* The call ends, with what it returns; NULL when its begin was not seen, or not saved. */
static __always_inline struct saved_call *call_ends(struct pt_regs *regs, __u32 number)
{
	struct saved_call *saved = *bpf_session_cookie(regs) ? call_saved(number, false) : NULL;

	if (saved)
		saved->ret = PT_REGS_RC(regs);
	return saved;
}

/* What a probe answers at the begin: is there anything to do at the end? */
#define PROBE_END 0
#define PROBE_NO_END 1

#endif
