/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes as whoever runs us knows them: by their numbers in his PID namespace, and whether they
 * descend from us. For the BPF programs only.
 */
#ifndef PROCESS_BPF_H
#define PROCESS_BPF_H

#include "kernel.bpf.h"

const volatile __u32 pid_namespace; /* our one's inode number; 0: the first namespace */
const volatile __u32 root_tgid; /* our process, in it */

#define PID_NAMESPACES 33 /* at the most, one in the other: MAX_PID_NS_LEVEL and the first */

struct pid_walk {
	struct pid *pid;
	int found;
};

/* Is the number that @pid has at @level the one in our namespace? */
static long pid_step(__u32 level, struct pid_walk *walk)
{
	struct pid *pid = walk->pid;
	struct upid *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			    level * bpf_core_type_size(struct upid);

	if (level > BPF_CORE_READ(pid, level))
		return 1;
	if (BPF_CORE_READ(upid, ns, ns.inum) != pid_namespace)
		return 0;
	walk->found = BPF_CORE_READ(upid, nr);
	return 1;
}

/* The number of @task in our namespace; 0 when it is not to be seen from there. */
static __always_inline __u32 task_pid(struct task_struct *task)
{
	struct pid_walk walk = {};

	if (!pid_namespace)
		return BPF_CORE_READ(task, pid);
	walk.pid = BPF_CORE_READ(task, thread_pid);
	bpf_loop(PID_NAMESPACES, pid_step, &walk, 0);
	return walk.found;
}

/* The same of its process. */
static __always_inline __u32 task_tgid(struct task_struct *task)
{
	return task_pid(BPF_CORE_READ(task, group_leader));
}

/* The task that runs now: its process in the upper half, itself in the lower. */
static __always_inline __u64 current_pid_tgid(void)
{
	struct task_struct *task;

	if (!pid_namespace)
		return bpf_get_current_pid_tgid();
	task = (void *)bpf_get_current_task();
	return (__u64)task_tgid(task) << 32 | task_pid(task);
}

#define TREE_DEPTH 64

struct tree_walk {
	struct task_struct *task;
	bool found;
};

/* One generation up; 1 at the root, or where there is no more. */
static long tree_step(__u32 depth, struct tree_walk *walk)
{
	struct task_struct *task = walk->task;
	__u32 tgid = task_tgid(task);

	walk->found = depth && tgid == root_tgid;
	walk->task = BPF_CORE_READ(task, group_leader, real_parent);
	return tgid == root_tgid || tgid <= 1;
}

/* Is @task a descendant of our process? Orphans count, since the tool adopts them. */
static __always_inline bool task_in_tree(struct task_struct *task)
{
	struct tree_walk walk = { .task = task };

	bpf_loop(TREE_DEPTH, tree_step, &walk, 0);
	return walk.found;
}

#endif
