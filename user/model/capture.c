// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all who show a capture need to know about it.
 */
#include "capture.h"
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

bool capture_shows(const struct capture *capture, enum gmem_event event)
{
	return capture->shown & (1ULL << event);
}

enum hook_outcome hook_outcome(const struct hook_state *hook)
{
	if (hook->attached)
		return HOOK_ATTACHED;
	return hook->wanted ? HOOK_UNAVAILABLE : HOOK_NOT_WANTED;
}

const struct rung *capture_rung(const struct capture *capture, enum gmem_event event)
{
	const struct hook_state *hook = &capture->hooks[event];

	if (hook->rung >= 0 && hook->rung < EVENT_RUNGS)
		return &ladders[event].rungs[hook->rung];
	return hook->foreign;
}

const char *capture_signal(int status)
{
	static char name[24];
	const char *abbrev;

	if (!WIFSIGNALED(status))
		return NULL;
	abbrev = sigabbrev_np(WTERMSIG(status));
	if (abbrev)
		snprintf(name, sizeof(name), "SIG%s", abbrev);
	else
		snprintf(name, sizeof(name), "signal %d", WTERMSIG(status));
	return name;
}
