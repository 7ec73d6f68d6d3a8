// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of events and losses by name, expanded from the lists in gmem.h, and the names of
 * errors. The only file that expands those lists in user space.
 */
#include <stdio.h>
#include <string.h>
#include "events.h"
#include "kvm.h"

const struct event_desc event_descs[NR_EVENTS] = {
#define X(id, name, carries, what, heading, many) { #name, carries, what, heading, many },
	GMEM_EVENTS(X)
#undef X
};

const struct detail_desc detail_descs[NR_DETAILS] = {
#define X(id, event, name, what) [DETAIL_##id] = { EV_##event, #name, what },
	GMEM_DETAILS(X)
#undef X
};

const struct loss_desc loss_descs[NR_LOSSES] = {
#define X(id, name, what) { #name, what },
	GMEM_LOSSES(X)
#undef X
};

int events_first_detail(enum gmem_event event)
{
	int detail = 0;

	while (detail < NR_DETAILS && detail_descs[detail].event != event)
		detail++;
	return detail;
}

int event_by_name(const char *name, int len)
{
	int i;

	for (i = 0; i < NR_EVENTS; i++) {
		const char *known = event_descs[i].name;

		if (len >= 0 && strlen(known) == (size_t)len && !memcmp(known, name, len))
			return i;
	}
	return -1;
}

/* What the kernel uses inside and hooks can see, but no C library names. */
/* clang-format off */
static const struct {
	int err;
	const char *name;
} kernel_errnos[] = {
	{ 512, "ERESTARTSYS" },
	{ 513, "ERESTARTNOINTR" },
	{ 514, "ERESTARTNOHAND" },
	{ 515, "ENOIOCTLCMD" },
	{ 516, "ERESTART_RESTARTBLOCK" },
	{ 517, "EPROBE_DEFER" },
	{ 524, "ENOTSUPP" },
	{ 529, "EIOCBQUEUED" },
};
/* clang-format on */

static const char *fault_name(int fault)
{
	static const struct {
		int bit;
		const char *name;
	} faults[] = {
#define X(bit, name) { bit, name },
		VM_FAULT_ERRORS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (fault & faults[i].bit)
			return faults[i].name;
	return NULL;
}

const char *errno_name(int err)
{
	static char unnamed[sizeof("errno -2147483648")];
	const char *name = NULL;
	size_t i;

	if (err > 0)
		name = err & ERROR_IS_FAULT ? fault_name(err) : strerrorname_np(err);
	for (i = 0; !name && i < sizeof(kernel_errnos) / sizeof(kernel_errnos[0]); i++)
		if (kernel_errnos[i].err == err)
			name = kernel_errnos[i].name;
	if (name)
		return name;
	snprintf(unnamed, sizeof(unnamed), "errno %d", err);
	return unnamed;
}
