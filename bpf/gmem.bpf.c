// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs, a header for each family of events and one for those that carry none. Each program
 * is for a hook, but none names its function: user space chooses it from the ladder
 * (user/model/hooks.c) and loads only the programs of the events that are wanted. The arguments are
 * read from the raw context, since the functions' prototypes differ by kernel.
 */
#include "convert.bpf.h"
#include "fallocate.bpf.h"
#include "file.bpf.h"
#include "guest_fault.bpf.h"
#include "host_fault.bpf.h"
#include "keepers.bpf.h"
#include "page_cache.bpf.h"
#include "populate.bpf.h"
#include "rare_hooks.h"
#include "zap.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Each of RARE_HOOKS has programs of its own. */
RARE_HOOKS(BOTH_TRAMPOLINES, LAST_TRAMPOLINE)

/* Or one serves all of them: the hook is the attachment's cookie. */

static __always_inline void rare_ends(__u64 hook, struct call call)
{
	switch (hook) {
#define BOTH(hook, begin, end)                                                                     \
	case RARE_##hook:                                                                          \
		end(call);                                                                         \
		break;
#define LAST(hook, fn) BOTH(hook, nothing, fn)
		RARE_HOOKS(BOTH, LAST)
#undef BOTH
#undef LAST
	}
}

static __always_inline void rare_begins(__u64 hook, struct call call)
{
	switch (hook) {
#define BOTH(hook, begin, end)                                                                     \
	case RARE_##hook:                                                                          \
		begin(call);                                                                       \
		break;
#define LAST(hook, fn)
		RARE_HOOKS(BOTH, LAST)
	}
}

/* Where such a one can be (fsession_multi). */
SEC("?fsession.multi")
int rare_session(__u64 *ctx)
{
	__u64 hook = bpf_get_attach_cookie(ctx);

	if (bpf_session_is_return(ctx))
		rare_ends(hook, BY_TRAMPOLINE(ctx));
	else
		rare_begins(hook, BY_TRAMPOLINE(ctx));
	return 0;
}

/* The same as a probe, for --exact. */
SEC("?kprobe.session")
int rare_probe(struct pt_regs *regs)
{
	__u64 hook = bpf_get_attach_cookie(regs);
	struct saved_call begun, *saved;

	if (bpf_session_is_return(regs)) {
		saved = call_ends(regs, hook);
		if (saved)
			rare_ends(hook, BY_PROBE(regs, saved));
		return 0;
	}
	call_save(regs, hook, &begun);
	rare_begins(hook, BY_PROBE(regs, &begun));
	return PROBE_END;
}
