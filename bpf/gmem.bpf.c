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
RARE_HOOKS(BOTH_ENDS, FIRST_END, LAST_END)

/* One program for all of them, where such a one can be (fsession_multi). */
SEC("?fsession.multi")
int rare_session(__u64 *ctx)
{
	bool end = bpf_session_is_return(ctx);

	switch (bpf_get_attach_cookie(ctx)) {
#define BOTH(hook, begin_fn, end_fn)                                                               \
	case RARE_##hook:                                                                          \
		return end ? end_fn(ctx) : begin_fn(ctx);
#define FIRST(hook, fn)                                                                            \
	case RARE_##hook:                                                                          \
		return end ? 0 : fn(ctx);
#define LAST(hook, fn)                                                                             \
	case RARE_##hook:                                                                          \
		return end ? fn(ctx) : 0;
		RARE_HOOKS(BOTH, FIRST, LAST)
	}
	return 0;
}
