/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two captures side by side, without a verdict: for who wants to look at them. Places are those of
 * check_metrics.h.
 */
#ifndef DIFF_H
#define DIFF_H

#include "check_metrics.h"
#include "model/measures.h"

enum { DIFF_A, DIFF_B, DIFF_SIDES };

struct diff_side {
	const struct capture *capture; /* .snap is what is looked at */
	const char *name; /* of its file */
	const char *incomplete; /* why the file is not all of the capture; NULL: it is */
};

/* What is said of both captures before all numbers. */
#define DIFF_FACT_LEN 4096 /* what is longer is cut off */
struct diff_fact {
	const char *name;
	char text[DIFF_SIDES]
		 [DIFF_FACT_LEN]; /* as the files have it: anybody may have made it up */
	bool differs;
};

enum diff_kind { DIFF_MEASURE, DIFF_ERROR, DIFF_DETAIL };
#define DIFF_KINDS 3

/* One number of an event at a place. */
struct diff_line {
	enum diff_kind kind;
	char name[24]; /* a measure's heading, an errno, a detail */
	const char *key; /* of a measure: with its unit; else NULL */
	enum measure_unit unit;
	struct measured side[DIFF_SIDES];
	struct measured change; /* of B beside A, as a share */
};

/* One event at a place. */
struct diff_event {
	enum gmem_event event;
	const struct event_count *count[DIFF_SIDES]; /* NULL: it was not counted on that side */
	struct diff_line *lines;
	size_t nlines;
};

struct diff_place {
	const struct place *place;
	struct diff_event *events; /* that happened on one side at least */
	size_t nevents;
	struct place_counts counts[DIFF_SIDES];
};

struct diff {
	struct diff_side side[DIFF_SIDES];
	struct diff_fact *facts;
	size_t nfacts;
	struct diff_place *places; /* with events; everything is the first */
	size_t nplaces;
	struct place *all_places;
	size_t nall_places;
	struct event_count none[NR_EVENTS]; /* of what did not happen, but was looked for */
};

/* Compare the two of @diff->side; all else is zeroed. 0 or -ENOMEM; diff_free() in any case. */
int diff_make(struct diff *diff);
void diff_free(struct diff *diff);

/* The facts: diff_facts.c. 0 or -ENOMEM. */
int diff_facts_make(struct diff *diff);

/* Printable, with a word of warning where the slots of A and B are of other sizes. Returns @buf. */
#define DIFF_PLACE_LEN (PLACE_LEN + 20)
const char *diff_place_name(char buf[DIFF_PLACE_LEN], const struct diff_place *place, bool utf8);

/* "+5.0%", "=" for the same, "new" and "gone", "-" where one is not known. Returns @buf. */
#define DIFF_CHANGE_LEN 24
const char *diff_change(char buf[DIFF_CHANGE_LEN], const struct diff_line *line);

#endif
