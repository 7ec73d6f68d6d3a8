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
	EV_MEMORY_FAULT,
	EV_POISON,
	EV_NR,
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
};

const char *event_name(enum event event);
bool event_has_pages(enum event event);
const char *error_name(int err);
int error_number(const char *name);

/* `count` events that succeeded, which together concerned `npages` pages. */
void account_add(struct account *account, enum event event, uint64_t count, uint64_t npages);

/* One event that failed with the positive errno `err` (or ERR_SIGBUS). */
void account_error(struct account *account, enum event event, int err);

/* Adds all of `from` to `to`. */
void account_sum(struct account *to, const struct account *from);

#endif
