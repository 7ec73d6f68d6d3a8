/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hooks whose functions are so rare that one program may serve all of them: the kernel skips a
 * program on a CPU where another task, preempted, is inside it. None may loop long, and what keeps VMs
 * apart is not among them.
 * For both sides: the BPF programs are made from it, user space knows by it which hooks share one.
 */
#ifndef RARE_HOOKS_H
#define RARE_HOOKS_H

/* By their names in the ladder, with what runs at both ends of the function, or at its last. */
#define RARE_HOOKS(BOTH, LAST)                                                                     \
	BOTH(create, create_begin, create_end)                                                     \
	BOTH(bind, bind_begin, bind_end)                                                           \
	BOTH(bind_prepare, bind_begin, bind_prepare_end)                                           \
	LAST(bind_commit, bind_end)                                                                \
	LAST(bind_refused, bind_refused_end)                                                       \
	BOTH(unbind, unbind_begin, unbind_end)                                                     \
	BOTH(release, release_begin, release_end)                                                  \
	BOTH(populate, populate_begin, populate_end)                                               \
	BOTH(prefault, prefault_begin, prefault_end)                                               \
	BOTH(poison, poison_begin, poison_end)

/* The cookie of the hook's attachment. */
enum rare_hook {
#define X(hook, ...) RARE_##hook,
	RARE_HOOKS(X, X)
#undef X
		NR_RARE_HOOKS
};

#endif
