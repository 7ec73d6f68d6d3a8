/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What text reports share. Private to report_text*.c, report_inventory.c and report_probe.c.
 */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include "base/number.h"
#include "model/kvm_names.h"
#include "report_table.h"

#define TITLE_INDENT 10 /* where a VM's, slot's or guest_memfd's line goes on */

struct text_report {
	FILE *out;
	const struct capture *capture;
	const struct text_style *style;
	unsigned int columns;
	struct table table;
	struct event_totals totals; /* of everything */
};

struct text_report text_report(FILE *out, const struct capture *capture,
			       const struct text_style *style);

enum ink { INK_PLAIN, INK_BOLD, INK_WARN, INK_GOOD };

void text_ink(const struct text_report *r, enum ink ink);
void text_line(const struct text_report *r, enum ink ink, const char *line);

/* What a file says of itself, if that is to be known first; the title; the time. */
void text_head(const struct text_report *r);

/* The same, and what the rest of a report rests on: the threshold, the command, hooks, losses. */
void text_capture_head(const struct text_report *r);

/* The first line: the tool and the kernel. */
void text_title(const struct text_report *r);

/* A line that is to be seen: @head stands out, @sentence is wrapped. */
void text_warning(const struct text_report *r, const char *head, const char *sentence);

/* How large @npages are: "1.5GiB". Returns @bytes. */
const char *text_pages(const struct text_report *r, __u64 npages, char bytes[NUMBER_LEN]);

/* A line that says which VM it is. */
void text_vm_title(const struct text_report *r, size_t index);

#endif
