/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two captures side by side, for people, for programs, and as a page.
 */
#ifndef REPORT_DIFF_H
#define REPORT_DIFF_H

#include "base/text_style.h"
#include "diff.h"

typedef int diff_writer(FILE *out, const struct diff *diff, const struct text_style *style);

/* What writes @format, or NULL. It returns 0 or -ENOMEM; errors of @out are left to the caller. */
diff_writer *report_diff(const char *format);

/* For messages: "text, json, html". */
const char *report_diff_formats(void);

/* For the formats, private to report_diff*.c. */
diff_writer report_diff_text, report_diff_json, report_diff_html;

/* "kernel, command", or "nothing that is known". Returns @buf. */
#define DIFF_DIFFERS_LEN 200
const char *report_diff_differs(char buf[DIFF_DIFFERS_LEN], const struct diff *diff);

#endif
