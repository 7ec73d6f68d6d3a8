/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The events and losses by name, for options, reports and messages. Built from the lists in
 * gmem.h, the only place where an event is declared.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include "gmem.h"

struct event_desc {
	const char *name;
	unsigned int carries; /* EVENT_* */
	const char *what; /* one line for people */
	const char *heading; /* of a narrow column: "FAULTS" */
	const char *many; /* one line: "guest faults" */
};

struct loss_desc {
	const char *name;
	const char *what;
};

struct detail_desc {
	enum gmem_event event;
	const char *name;
	const char *what;
};

extern const struct detail_desc detail_descs[NR_DETAILS];
extern const struct event_desc event_descs[NR_EVENTS];
extern const struct loss_desc loss_descs[NR_LOSSES];

/* The event called @name (of @len bytes), or -1. */
int event_by_name(const char *name, int len);

/* The first of the details of @event, from which the bits of gmem_record.details count. */
int events_first_detail(enum gmem_event event);

/*
 * "EEXIST" for 17, "SIGBUS" for what a host fault ends with (ERROR_IS_FAULT); "errno 4095" style,
 * in a static buffer, for one without a name.
 */
const char *errno_name(int err);

#endif
