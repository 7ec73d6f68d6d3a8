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
	[EV_PREPARE] = { "prepare", false },
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
	[EV_DIRECT_MAP_ZAP] = { "direct_map_zap", false },
	[EV_DIRECT_MAP_RESTORE] = { "direct_map_restore", false },
	[EV_MEMORY_FAULT] = { "memory_fault", false },
	[EV_POISON] = { "poison", true },
};

static const struct {
	const char *name;
	enum event event;
} details[DETAIL_NR] = {
	[FAULT_PREFETCH] = { "prefetch", EV_GUEST_FAULT },
	[FAULT_FIRST_TOUCH] = { "first_touch", EV_GUEST_FAULT },
	[FAULT_RESIDENT] = { "resident", EV_GUEST_FAULT },
	[FAULT_REFAULT_PUNCH] = { "refault_punch", EV_GUEST_FAULT },
	[FAULT_REFAULT_NOTIFIER] = { "refault_notifier", EV_GUEST_FAULT },
	[FAULT_REFAULT_CONVERSION] = { "refault_conversion", EV_GUEST_FAULT },
	[FAULT_REFAULT_SLOT_CHANGE] = { "refault_slot_change", EV_GUEST_FAULT },
	[FAULT_REFAULT_ERROR] = { "refault_error", EV_GUEST_FAULT },
	[HOST_FIRST_TOUCH] = { "first_touch", EV_HOST_FAULT },
	[HOST_RESIDENT] = { "resident", EV_HOST_FAULT },
	[PREPARE_REDUNDANT] = { "redundant", EV_PREPARE },
	[ZAP_PUNCH] = { "punch", EV_ZAP },
	[ZAP_RELEASE] = { "release", EV_ZAP },
	[ZAP_ERROR] = { "error", EV_ZAP },
	[HIT_GMEM_ONLY] = { "gmem_only", EV_NOTIFIER_HIT },
	[CONVERT_PRIVATE] = { "to_private", EV_CONVERT },
	[CONVERT_SHARED] = { "to_shared", EV_CONVERT },
	[CONVERT_AGAIN] = { "again", EV_CONVERT },
	[CONVERT_NOOP] = { "noop", EV_CONVERT },
	[DIRECT_MAP_DROPPED] = { "dropped", EV_DIRECT_MAP_ZAP },
	[MEMORY_FAULT_PRIVATE] = { "private", EV_MEMORY_FAULT },
	[MEMORY_FAULT_SHARED] = { "shared", EV_MEMORY_FAULT },
};

const char *event_name(enum event event)
{
	return events[event].name;
}

bool event_has_pages(enum event event)
{
	return events[event].has_pages;
}

const char *detail_name(enum detail detail)
{
	return details[detail].name;
}

enum event detail_event(enum detail detail)
{
	return details[detail].event;
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

void account_detail(struct account *account, enum detail detail)
{
	account->detail[detail]++;
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
	for (int detail = 0; detail < DETAIL_NR; detail++)
		to->detail[detail] += from->detail[detail];
}
