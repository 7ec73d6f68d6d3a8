/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the writers of the formats offer report.c's table, and what they share. Private to
 * report*.c.
 */
#ifndef REPORT_FORMATS_H
#define REPORT_FORMATS_H

#include "report.h"

typedef int report_writer(FILE *out, const struct capture *capture, const struct text_style *style);

/* Each returns 0 or -ENOMEM; errors of @out are left to the caller. */
report_writer report_text_capture, report_text_probe, report_text_inventory;
report_writer report_json_capture, report_json_probe, report_json_inventory;
report_writer report_html_capture;

/* What --min-latency and --sample mean for the numbers. Each returns @buf, or NULL if that was not asked for. */
#define REPORT_WORDS_LEN 128
const char *report_threshold(char buf[REPORT_WORDS_LEN], const struct capture *capture, bool utf8);
const char *report_sample(char buf[REPORT_WORDS_LEN], const struct capture *capture);

/* A frame of a stack as it is shown: older captures have addresses, which nobody is told. */
const char *report_frame(const char *frame);

/* Why stacks have frames without names, and what to do; NULL: all have one. */
const char *report_no_names(const struct snapshot *snap);

/* The stacks kept, as text; nothing when none were asked for. */
void report_text_stacks(FILE *out, const struct capture *capture, const struct text_style *style);

#endif
