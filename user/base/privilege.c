// SPDX-License-Identifier: GPL-2.0-only
/*
 * By the system calls themselves: libcap would be one more library for two of them.
 */
#include "privilege.h"
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The sets of the calling thread; both calls: 0, or -1 with errno. */
struct sets {
	struct __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3];
};

static int sets_call(long number, struct sets *sets)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return syscall(number, &header, sets->half);
}

bool privilege_has(unsigned int capability)
{
	struct sets sets = {};

	if (sets_call(SYS_capget, &sets))
		return false;
	return sets.half[capability / 32].effective & 1U << capability % 32;
}

/* What a program that is started gets: the bounding set takes CAP_SETPCAP, the other does not. */
static void bound(__u64 keep)
{
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
		if (!(keep >> capability & 1))
			prctl(PR_CAPBSET_DROP, capability);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void reduce(__u64 keep)
{
	struct sets sets = {};

	if (sets_call(SYS_capget, &sets))
		return;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets.half[i].permitted &= keep >> 32 * i;
		sets.half[i].effective &= keep >> 32 * i;
		sets.half[i].inheritable = 0;
	}
	sets_call(SYS_capset, &sets);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

void privilege_keep(__u64 keep)
{
	bound(keep);
	reduce(keep);
}

void privilege_clear(void)
{
	reduce(0);
}

__u64 privilege_of_proc(void)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	__u64 needed = 0;
	char line[512];

	while (mounts && fgets(line, sizeof(line), mounts))
		if (strstr(line, " /proc proc ") && strstr(line, "hidepid="))
			needed = CAPABILITY(SYS_PTRACE);
	if (mounts)
		fclose(mounts);
	return needed;
}
