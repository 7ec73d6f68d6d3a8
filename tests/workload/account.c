// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counting events, and their names: see account.h.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <string.h>

#include "account.h"

static const struct {
	const char *name;
	bool has_pages;
} events[EV_NR] = {
	[EV_GUEST_FAULT] = { "guest_fault", false },
	[EV_HOST_FAULT] = { "host_fault", false },
	[EV_ALLOC] = { "alloc", true },
	[EV_FREE] = { "free", true },
	[EV_CREATE] = { "create", false },
	[EV_BIND] = { "bind", false },
	[EV_UNBIND] = { "unbind", false },
	[EV_RELEASE] = { "release", false },
	[EV_ALLOCATE] = { "allocate", true },
	[EV_PUNCH_HOLE] = { "punch_hole", true },
	[EV_ZAP] = { "zap", true },
	[EV_NOTIFIER] = { "notifier", false },
	[EV_NOTIFIER_HIT] = { "notifier_hit", true },
	[EV_PREFAULT] = { "prefault", true },
	[EV_CONVERT] = { "convert", true },
	[EV_MEMORY_FAULT] = { "memory_fault", false },
	[EV_POISON] = { "poison", true },
};

const char *event_name(enum event event)
{
	return events[event].name;
}

bool event_has_pages(enum event event)
{
	return events[event].has_pages;
}

const char *error_name(int err)
{
	const char *name;

	if (err == ERR_SIGBUS)
		return "SIGBUS";
	name = strerrorname_np(err);
	return name ? name : "unknown";
}

int error_number(const char *name)
{
	for (int err = 1; err < 256; err++)
		if (strcmp(error_name(err), name) == 0)
			return err;
	return -EINVAL;
}

void account_add(struct account *account, enum event event, uint64_t count, uint64_t npages)
{
	account->of[event].count += count;
	account->of[event].npages += npages;
}

static void add_errors(struct tally *tally, int err, uint64_t count)
{
	for (int i = 0; i < TALLY_ERRORS; i++) {
		if (tally->errors[i].count && tally->errors[i].err != err)
			continue;
		tally->errors[i].err = err;
		tally->errors[i].count += count;
		return;
	}
}

void account_error(struct account *account, enum event event, int err)
{
	account->of[event].count++;
	add_errors(&account->of[event], err, 1);
}

void account_sum(struct account *to, const struct account *from)
{
	for (int event = 0; event < EV_NR; event++) {
		const struct tally *tally = &from->of[event];

		account_add(to, event, tally->count, tally->npages);
		for (int i = 0; i < TALLY_ERRORS; i++)
			if (tally->errors[i].count)
				add_errors(&to->of[event], tally->errors[i].err,
					   tally->errors[i].count);
	}
}
