/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The numbers of the CPUs that there can be. They need not be without gaps: what has a place for each
 * number takes more than there are CPUs.
 */
#ifndef CPUS_H
#define CPUS_H

#include <stddef.h>
#include <linux/types.h>

struct cpus {
	__u32 *numbers; /* ascending; owned */
	size_t n;
};

/* Those that can ever be on this host. 0 or a negative errno; freed by cpus_free() in any case. */
int cpus_possible(struct cpus *cpus);

/* The same by a list as the kernel writes it, "0-3,8". -EINVAL when it is none, or empty. */
int cpus_parse(struct cpus *cpus, const char *list);

/* One more than the highest number. */
__u32 cpus_end(const struct cpus *cpus);

void cpus_free(struct cpus *cpus);

#endif
