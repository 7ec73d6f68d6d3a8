/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF object: opened, configured, and loaded with the programs of the rungs that were chosen. Its
 * targets are what there is to attach, and what is attached: attach.c makes their links.
 */
#ifndef OBJECT_H
#define OBJECT_H

#include "fsession.h"
#include "model/ladder.h"
#include "rare_hooks.h"
#include "session_options.h"

struct bpf_link;
struct bpf_program;
struct gmem_bpf;

/* A program, the function it is for, and its link once it is attached. */
struct target {
	struct bpf_program *prog;
	const struct hook *hook;
	struct bpf_link *link;
	int probe_link; /* a probe has this descriptor instead; 0: none */
};

/* Both ends of every hook. */
#define MAX_TARGETS (NR_LADDERS * RUNG_HOOKS * 2)

struct object {
	const struct session_options *options; /* the caller's */
	const struct kernel *kernel; /* the caller's */
	bool fsession; /* one program for both ends, not two: see kernel_fsession() */
	bool multi; /* one program for all of RARE_HOOKS: see kernel_fsession_multi() */
	bool exact; /* probes for all functions, one for all of RARE_HOOKS: see kernel_probes() */
	struct session_calls calls; /* if any of these */
	struct gmem_bpf *skel; /* NULL until it is loaded */
	struct target targets[MAX_TARGETS]; /* in the order in which they are to be attached */
	size_t ntargets;
	__u32 ncpus; /* one more than the highest number of a CPU */
	int rare_link; /* the descriptor of the link of RARE_HOOKS; 0: none */
};

/*
 * Get ready to load what @options want. Both stay the caller's until object_close(). 0 or a negative
 * errno.
 */
int object_init(struct object *object, const struct session_options *options,
		const struct kernel *kernel);

/*
 * Load the rungs that are chosen of what is @wanted (1 << event or keeper), in place of what was loaded.
 * Nothing is attached. 0 or a negative errno.
 */
int object_load(struct object *object, const struct choice *choice, __u64 wanted);

/* Tell the programs which processes are wanted, before any asks. 0 or a negative errno. */
int object_set_pids(const struct object *object);

/* Detach and free all of it; nothing if it is not loaded. */
void object_close(struct object *object);

/* The @n-th program of a hook, in the order in which they are attached; NULL after the last. */
struct bpf_program *object_program(const struct object *object, const struct hook *hook, int n);

/* The number of a hook that shares a program with others; -1 when it has its own. */
int object_rare_hook(const struct object *object, const struct hook *hook);

/* Is the hook's program a probe of its own? */
bool object_is_probe(const struct object *object, const struct hook *hook);

#endif
