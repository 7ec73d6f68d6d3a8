/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How OpenMetrics text is written: families, samples, labels. For export_openmetrics.c.
 */
#ifndef OPENMETRICS_H
#define OPENMETRICS_H

#include <stdio.h>
#include <linux/types.h>

struct openmetrics {
	FILE *out;
	char family[80];
	char separator; /* of labels: '{' before the first */
};

/*
 * Begin a family; all of its samples have to follow. Its name is @prefix and @name, whose end is
 * its @unit unless that is "".
 */
void openmetrics_family(struct openmetrics *metrics, const char *prefix, const char *name,
			const char *type, const char *unit, const char *help);

/* A sample: its name is the family's and @suffix; labels; a value. */
void openmetrics_sample(struct openmetrics *metrics, const char *suffix);

/* @value is valid UTF-8, and may have any character. */
void openmetrics_label(struct openmetrics *metrics, const char *name, const char *value);
void openmetrics_label_number(struct openmetrics *metrics, const char *name, __u64 value);

void openmetrics_value(struct openmetrics *metrics, __u64 value);

/* In seconds, all digits. */
void openmetrics_value_ns(struct openmetrics *metrics, __u64 ns);

/* A sample without labels. */
void openmetrics_single(struct openmetrics *metrics, const char *suffix, __u64 value);

void openmetrics_end(struct openmetrics *metrics);

#endif
