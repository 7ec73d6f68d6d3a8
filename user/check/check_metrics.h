/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of a capture can be compared with another one: metrics by name, and the places of a capture
 * that each can be read at. Knows nothing of rules, runs or verdicts.
 */
#ifndef CHECK_METRICS_H
#define CHECK_METRICS_H

#include "base/problem.h"
#include "model/capture.h"

enum metric_unit { UNIT_COUNT, UNIT_RATIO, UNIT_NS, UNIT_SHARE };
extern const char *const metric_units[]; /* their names; ends with NULL */

struct metric_kind;

/* One metric; comparable by what it points at. */
struct metric {
	const struct metric_kind *kind;
	int event; /* enum gmem_event; -1: of none */
	int detail; /* enum gmem_detail; -1: none */
	unsigned int per_mille; /* of a percentile */
};

/*
 * The metric called by the first @len bytes of @name: "guest_fault.p99", "notifier_hit.gmem_only",
 * "loss". 0, or -1 with @problem filled (EXIT_USAGE).
 */
int metric_parse(const char *name, size_t len, struct metric *metric, struct problem *problem);

enum metric_unit metric_unit(const struct metric *metric);

/* How much was done, rather than how well: less of it is no gain. */
bool metric_is_work(const struct metric *metric);

/* How far two sides are apart, in either direction, as a share of latency: a run by itself has no value. */
bool metric_is_distance(const struct metric *metric);

/* Of latencies, which are never the same twice. */
bool metric_is_noisy(const struct metric *metric);

bool metric_is_same(const struct metric *a, const struct metric *b);

/* 1 << event: the events that have to be in a capture for it. */
__u64 metric_events(const struct metric *metric);

/* Where: everything, or one part of it that has its like in other captures. */
enum place_kind { PLACE_ALL, PLACE_SLOT, PLACE_VM, PLACE_HOST };

struct place {
	enum place_kind kind; /* PLACE_VM: what belongs to no slot of it */
	char comm[GMEM_COMM_LEN + 1]; /* of the VM; anybody may have made it up */
	unsigned int nth; /* of the VMs of that name, in the order they were first seen; from 0 */
	__u16 as_id;
	__s16 id;
	__u64 npages; /* of a slot, where it was met first; another one's VM is another */
};

extern const char *const place_kinds[]; /* their names; ends with NULL */

bool place_is_same(const struct place *a, const struct place *b);

/* Append the places of @capture that @places lacks. 0 or -ENOMEM; the caller frees. */
int places_add(struct place **places, size_t *nplaces, const struct capture *capture);

/* "gmemload#2 slot 0", printable; @buf of PLACE_LEN. Returns it. */
#define PLACE_LEN 120
char *place_name(char *buf, const struct place *place, bool utf8);

/* One capture at one place, added up. */
struct place_counts {
	const struct capture *capture;
	bool exists;
	bool is_other; /* a VM of the same name, but not that one */
	struct event_totals totals;
};

/* 0 or -ENOMEM; place_counts_free() in any case. */
int place_counts_read(struct place_counts *counts, const struct place *place,
		      const struct capture *capture);
void place_counts_free(struct place_counts *counts);

/* Why there is no value. */
enum metric_lack {
	LACK_NOTHING,
	LACK_MEMORY,
	LACK_PLACE,
	LACK_OTHER,
	LACK_ASKED,
	LACK_ATTACHED,
	LACK_HAPPENED,
	LACK_SAMPLED,
	LACK_INVENTORY
};

/* "was not captured", and so on, for a sentence that begins with the event. */
extern const char *const metric_lacks[];

/*
 * A count, a ratio or ns; not below 0. NAN of a distance. A percentile is read from within its bucket; where the
 * bucket is no guide to that, it is known to be from @low to @high. All else is exact: the three are
 * the same.
 */
struct metric_value {
	enum metric_lack lack;
	double low;
	double value;
	double high;
	bool is_thin; /* a percentile that fewer than ten events are beyond */
};

/* What belongs to no event is that of the whole capture, whatever the place. */
struct metric_value metric_read(const struct metric *metric, const struct place_counts *counts);

#endif
