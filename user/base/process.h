/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes by their numbers. Ours are those of our PID namespace, in which kill() and -p take them;
 * the /proc that is mounted may be that of another namespace and have other numbers.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <linux/types.h>
#include <sys/types.h>

/* The inode number of our PID namespace; 0 for the first one, or when /proc does not tell. */
__u32 process_namespace(void);

/* What process or thread @pid is called in /proc; 0 when there is none such, or it cannot be told. */
pid_t process_in_proc(pid_t pid);

/* The process that process or thread @pid belongs to; 0 as above. */
pid_t process_group(pid_t pid);

/*
 * The first process of those that share @pid's memory, as clone(CLONE_VM) makes them, as far as
 * parents lead to it; else @pid. To whom the memory belongs, to the kernel.
 */
pid_t process_of_memory(pid_t pid);

#endif
