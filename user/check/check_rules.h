/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is demanded of a metric: "guest_fault.p99<=+5%", "notifier.gmem_only==0". From the command
 * line, from a file, or the ones that hold where nothing else was said.
 */
#ifndef CHECK_RULES_H
#define CHECK_RULES_H

#include "check_metrics.h"

enum rule_order { RULE_AT_MOST, RULE_BELOW, RULE_AT_LEAST, RULE_ABOVE, RULE_EQUAL };

struct rule {
	struct metric metric;
	enum rule_order order;
	bool relative; /* the limit is a change against the base: 0.05 for +5% */
	bool has_limit; /* no: relative, at most, and by the floor of the check */
	double limit; /* ns for times; finite */
	size_t metric_len; /* of text: the name of the metric */
	char text[80]; /* as it was given, without blanks around it */
};

struct rules {
	struct rule *v;
	size_t n;
};

/* Each appends, and returns 0, or -1 with @problem filled (EXIT_USAGE). rules_free() in any case. */
int rules_add(struct rules *rules, const char *text, struct problem *problem);
/* One on each line; # begins a comment. */
int rules_add_file(struct rules *rules, const char *path, struct problem *problem);
/* The set for those who give none. */
int rules_add_default(struct rules *rules, struct problem *problem);
void rules_free(struct rules *rules);

/* "<=" and so on. */
const char *rule_order_sign(enum rule_order order);

/* The default set as lines, for help and documentation. */
extern const char *const default_rules[];

#endif
