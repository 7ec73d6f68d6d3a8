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

unsigned int capture_count_hooks(const struct capture *capture, enum hook_outcome outcome)
{
	unsigned int n = 0;

	for (int event = 0; event < NR_EVENTS; event++)
		n += capture_shows(capture, event) &&
		     hook_outcome(&capture->hooks[event]) == outcome;
	return n;
}

size_t capture_shown(const struct capture *capture, const struct event_counts *counts)
{
	size_t n = 0;

	for (size_t i = 0; i < counts->n; i++)
		n += capture_shows(capture, counts->v[i].event);
	return n;
}

size_t capture_quiet_slots(const struct capture *capture, const struct vm *vm, __u64 *npages)
{
	size_t n = 0;

	*npages = 0;
	for (size_t i = 0; i < vm->nslots; i++) {
		if (!vm->slots[i].exists || capture_shown(capture, &vm->slots[i].events))
			continue;
		*npages += vm->slots[i].resident.npages;
		n++;
	}
	return n;
}

bool capture_is_lossy(const struct capture *capture)
{
	return capture->snap->lost || capture->snap->switched_off;
}

const char *capture_command_end(char buf[CAPTURE_END_LEN], const struct capture *capture)
{
	int status = capture->command_status;

	if (!capture->command_ended)
		snprintf(buf, CAPTURE_END_LEN, "still running");
	else if (WIFEXITED(status))
		snprintf(buf, CAPTURE_END_LEN, "exited with %d", WEXITSTATUS(status));
	else
		snprintf(buf, CAPTURE_END_LEN, "killed by %s",
			 capture_signal(status) ?: "a signal");
	return buf;
}
