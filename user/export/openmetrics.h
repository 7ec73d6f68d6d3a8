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
	const char *capture; /* the label of that name, of all samples */
	__u32 page_bytes; /* as the capture's */
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

/* Anybody may have made up @value: up to OPENMETRICS_LABEL_MAX bytes of it, as text_plain() has them. */
#define OPENMETRICS_LABEL_MAX 256
void openmetrics_label(struct openmetrics *metrics, const char *name, const char *value);
void openmetrics_label_number(struct openmetrics *metrics, const char *name, __u64 value);

void openmetrics_value(struct openmetrics *metrics, __u64 value);

/* @npages in bytes, however many digits that takes. */
void openmetrics_value_pages(struct openmetrics *metrics, __u64 npages);

/* In seconds, all digits. */
void openmetrics_value_ns(struct openmetrics *metrics, __u64 ns);

/* A sample without labels of its own. */
void openmetrics_single(struct openmetrics *metrics, const char *suffix, __u64 value);

void openmetrics_end(struct openmetrics *metrics);

#endif
