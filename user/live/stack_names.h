/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of a stack's frames, looked up once, when the stack is first seen: the kernel's list of
 * symbols is long, and those of a stack do not change while the session lasts.
 */
#ifndef STACK_NAMES_H
#define STACK_NAMES_H

#include <stddef.h>
#include <linux/types.h>

struct stack_names;

/* Names come from @kallsyms, a path such as /proc/kallsyms. NULL when out of memory. */
struct stack_names *stack_names_new(const char *kallsyms);
void stack_names_free(struct stack_names *names); /* NULL is fine */

/*
 * Copy the names of the stack @id, of which @addresses[STACK_DEPTH] are the frames up to the first 0,
 * to *@frames, an array of @n that the caller frees, with each of its names. 0, -ENOMEM, or the
 * negative errno of reading kallsyms.
 */
int stack_names_get(struct stack_names *names, __u32 id, const __u64 *addresses, char ***frames,
		    size_t *n);

/* All stacks that there are now have been asked for: what was read for the new ones is dropped. */
void stack_names_done(struct stack_names *names);

#endif
