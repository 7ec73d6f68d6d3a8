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
#include "zap.bpf.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int nothing(__u64 *ctx)
{
	return 0;
}

/* One program for all of RARE_HOOKS, where a program can be (fsession_multi). */
SEC("?fsession.multi")
int rare_session(__u64 *ctx)
{
	bool end = bpf_session_is_return(ctx);

	switch (bpf_get_attach_cookie(ctx)) {
#define RARE(hook, begin_fn, end_fn)                                                               \
	case RARE_##hook:                                                                          \
		return end ? end_fn(ctx) : begin_fn(ctx);
		RARE(create, create_begin, create_end)
		RARE(bind, bind_begin, bind_end)
		RARE(bind_prepare, bind_begin, bind_prepare_end)
		RARE(bind_commit, nothing, bind_end)
		RARE(bind_refused, nothing, bind_refused_end)
		RARE(unbind, unbind_begin, unbind_end)
		RARE(release, release_begin, release_end)
		RARE(fallocate, fallocate_begin, fallocate_end)
		RARE(populate, populate_begin, populate_end)
		RARE(prefault, prefault_begin, prefault_end)
		RARE(poison, poison_begin, poison_end)
		RARE(vm_init, nothing, vm_init_end)
		RARE(vm_destroy, vm_destroy_begin, nothing)
		RARE(slot_commit, slot_commit_begin, nothing)
	}
	return 0;
}
