// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is to blame is found out by loading each ladder's programs alone; an attachment says so itself.
 */
#include "attach.h"
#include <errno.h>
#include <bpf/libbpf.h>
#include "base/open_files.h"
#include "kernel.h"

/* What has nothing to do with which program it was: to do without one does not help. */
static bool is_everywhere(int err)
{
	return open_files_spent(err) || err == -ENOMEM || err == -EFBIG;
}

/* Is a refusal worth another try, further down? */
static int try_again(const struct choice *choice, bool refused, int err)
{
	return refused && choice_missing_keeper(choice) < 0 ? -EAGAIN : err;
}

/* The kernel does not take all at once: which does it not take alone? */
static int blame_load(struct object *object, struct choice *choice, int err)
{
	bool refused = false;

	if (object->multi) {
		object->multi = false; /* alone, each says what is wrong with it */
		return -EAGAIN;
	}
	for (int ladder = 0; ladder < NR_LADDERS; ladder++) {
		const struct rung *rung = choice_rung(choice, ladder);
		int own = rung ? object_load(object, choice, 1ULL << ladder) : 0;

		if (!own)
			continue;
		choice_refuse(choice, ladder, rung->hooks, FAILED_TO_LOAD, own);
		refused = true;
	}
	return try_again(choice, refused, err);
}

static int blame_attach(struct choice *choice, const struct hook *hook, int err)
{
	if (is_everywhere(err))
		return err;
	return try_again(choice, choice_refuse_hook(choice, hook, err), err);
}

/* All functions of the one program at once. 0 or a negative errno. */
static int attach_rare(struct object *object)
{
	const char *functions[NR_RARE_HOOKS];
	__u64 cookies[NR_RARE_HOOKS];
	__u32 ids[NR_RARE_HOOKS], n = 0;
	int fd, btf_fd, prog_fd = -1;

	for (size_t i = 0; i < object->ntargets; i++) {
		const struct hook *hook = object->targets[i].hook;
		int rare = object_rare_hook(object, hook);

		if (rare < 0)
			continue;
		prog_fd = bpf_program__fd(object->targets[i].prog);
		functions[n] = hook->function;
		ids[n] = kernel_target(object->kernel, hook, &btf_fd);
		cookies[n++] = rare;
	}
	fd = object->exact ? kernel_link_probe(prog_fd, functions, cookies, n)
			   : kernel_link_multi(prog_fd, ids, cookies, n);
	if (fd < 0)
		return fd;
	object->rare_link = fd;
	return 0;
}

/* 0 or a negative errno. */
static int attach_target(const struct object *object, struct target *target)
{
	if (!object_is_probe(object, target->hook)) {
		target->link = bpf_program__attach_trace(target->prog);
		return target->link ? 0 : -errno;
	}
	target->probe_link =
		kernel_link_probe(bpf_program__fd(target->prog), &target->hook->function, NULL, 1);
	return target->probe_link < 0 ? target->probe_link : 0;
}

/*
 * Attach in the order of the targets, and the begin before the end, so that no end is ever seen
 * whose begin could not be. -EAGAIN when a ladder went down a rung.
 */
static int attach_targets(struct object *object, struct choice *choice)
{
	int err = 0;

	if (object->exact)
		err = attach_rare(object);
	else if (object->multi && attach_rare(object)) {
		object->multi = false;
		return -EAGAIN;
	}
	if (err)
		return err;
	for (size_t i = 0; i < object->ntargets; i++) {
		struct target *target = &object->targets[i];

		if (object_rare_hook(object, target->hook) >= 0)
			continue;
		err = attach_target(object, target);
		if (err)
			return blame_attach(choice, target->hook, err);
	}
	return 0;
}

int attach_all(struct object *object, struct choice *choice)
{
	int err;

	if (choice_missing_keeper(choice) >= 0)
		return -ENOENT;
	do {
		err = object_load(object, choice, ~0ULL);
		if (err == -EPERM || is_everywhere(err))
			return err;
		if (err)
			err = blame_load(object, choice, err);
		else
			err = object_set_pids(object) ?: attach_targets(object, choice);
		choice_settle(choice);
	} while (err == -EAGAIN);
	return err;
}
