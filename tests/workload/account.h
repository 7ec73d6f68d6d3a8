/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The account: how often each event happened to one vm, slot or gmem, in the words of
 * docs/events.md. Only counting here; what an operation means in events is model.c's business.
 * Included by everyone in gmemload.
 */
#ifndef GMEMLOAD_ACCOUNT_H
#define GMEMLOAD_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

enum event {
	EV_GUEST_FAULT,
	EV_HOST_FAULT,
	EV_ALLOC,
	EV_FREE,
	EV_PREPARE,
	EV_CREATE,
	EV_BIND,
	EV_UNBIND,
	EV_RELEASE,
	EV_ALLOCATE,
	EV_PUNCH_HOLE,
	EV_ZAP,
	EV_NOTIFIER,
	EV_NOTIFIER_HIT,
	EV_PREFAULT,
	EV_CONVERT,
	EV_DIRECT_MAP_ZAP,
	EV_DIRECT_MAP_RESTORE,
	EV_MEMORY_FAULT,
	EV_POISON,
	EV_NR,
};

/*
 * Of how many of an event something more can be said. Of a guest fault that succeeds, exactly one
 * of FAULT_FIRST_TOUCH to FAULT_REFAULT_ERROR.
 */
enum detail {
	FAULT_PREFETCH,
	FAULT_FIRST_TOUCH,
	FAULT_RESIDENT,
	FAULT_REFAULT_PUNCH,
	FAULT_REFAULT_NOTIFIER,
	FAULT_REFAULT_CONVERSION,
	FAULT_REFAULT_SLOT_CHANGE,
	FAULT_REFAULT_ERROR,
	HOST_FIRST_TOUCH,
	HOST_RESIDENT,
	PREPARE_REDUNDANT,
	ZAP_PUNCH,
	ZAP_RELEASE,
	ZAP_ERROR,
	HIT_GMEM_ONLY,
	CONVERT_PRIVATE,
	CONVERT_SHARED,
	CONVERT_AGAIN,
	CONVERT_NOOP,
	DIRECT_MAP_DROPPED,
	MEMORY_FAULT_PRIVATE,
	MEMORY_FAULT_SHARED,
	DETAIL_NR,
};

/* A host fault ends in a signal, not in an errno. */
#define ERR_SIGBUS 1000

#define TALLY_ERRORS 6

struct tally {
	uint64_t count; /* failures included */
	uint64_t npages;
	struct {
		int err;
		uint64_t count;
	} errors[TALLY_ERRORS];
};

struct account {
	struct tally of[EV_NR];
	uint64_t detail[DETAIL_NR];
};

const char *event_name(enum event event);
bool event_has_pages(enum event event);
const char *detail_name(enum detail detail);
enum event detail_event(enum detail detail);
const char *error_name(int err);
int error_number(const char *name);

/* `count` events that succeeded, which together concerned `npages` pages. */
void account_add(struct account *account, enum event event, uint64_t count, uint64_t npages);

/* Of one event, which is counted by itself, something more. */
void account_detail(struct account *account, enum detail detail);

/* One event that failed with the positive errno `err` (or ERR_SIGBUS). */
void account_error(struct account *account, enum event event, int err);

/* Adds all of `from` to `to`. */
void account_sum(struct account *to, const struct account *from);

#endif
