/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is said of an event at one place in numbers: the columns of a page, and what is compared when
 * two captures are side by side.
 */
#ifndef MEASURES_H
#define MEASURES_H

#include "base/number.h"
#include "model.h"

enum measure_unit { MEASURE_COUNT, MEASURE_PER_SECOND, MEASURE_NS };

enum measure_id {
	MEASURE_EVENTS,
	MEASURE_RATE,
	MEASURE_PAGES,
	MEASURE_ERRORS,
	MEASURE_SUM,
	MEASURE_MEAN,
	MEASURE_P50,
	MEASURE_P90,
	MEASURE_P99,
	MEASURE_P999,
	MEASURE_MAX,
	NR_MEASURES
};

struct measure {
	const char *name; /* with its unit: "p99_ns" */
	const char *heading; /* for people: "p99" */
	enum measure_unit unit;
	unsigned int carries; /* only of events that carry this; 0: of all */
};

extern const struct measure measures[NR_MEASURES];

/* A number, or that there is none. */
struct measured {
	bool known;
	__u64 exact; /* MEASURE_COUNT, MEASURE_NS */
	double value; /* the same, or MEASURE_PER_SECOND */
};

/* @count is of a capture of @duration_ns. Times of what did not happen, or was not timed, are not known. */
struct measured measure_read(enum measure_id id, const struct event_count *count,
			     __u64 duration_ns);

/* For people; "-" where it is not known. Returns @buf. */
const char *measure_text(char buf[NUMBER_LEN], enum measure_unit unit,
			 const struct measured *measured, bool utf8);

/* @now beside @before as a share of it, 0.05 is 5 % more; known unless there was nothing before. */
struct measured measure_change(const struct measured *before, const struct measured *now);

#endif
