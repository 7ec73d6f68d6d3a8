/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capabilities: which there are, and giving up those that have done their work. Knows nothing of what
 * they are for; each caller says what it still needs.
 */
#ifndef PRIVILEGE_H
#define PRIVILEGE_H

#include <stdbool.h>
#include <linux/capability.h>
#include <linux/types.h>

#define CAPABILITY(name) (1ULL << CAP_##name)

/* To write where the user could, and to leave files to whom they belong. */
#define CAPABILITIES_OF_FILES                                                                      \
	(CAPABILITY(DAC_OVERRIDE) | CAPABILITY(DAC_READ_SEARCH) | CAPABILITY(CHOWN) |              \
	 CAPABILITY(FOWNER))

/* Is CAP_... @capability in effect? */
bool privilege_has(unsigned int capability);

/*
 * Give up all capabilities but those of @keep (an or of CAPABILITY()s), for good: for the calling
 * thread, and for the threads and programs that it starts from now on.
 */
void privilege_keep(__u64 keep);

/*
 * Give up all capabilities in effect. Programs that are started get what their files or their user
 * give them, as for anybody.
 */
void privilege_clear(void);

/* What it takes to read /proc of other users' processes: nothing, unless it is mounted with hidepid. */
__u64 privilege_of_proc(void);

#endif
