/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a capture looks like on paper: text for people, a page to be sent, JSON for programs. Reads the model only;
 * the formats are a table, so that a new one is one row.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>
#include "base/text_style.h"
#include "model/capture.h"

/*
 * Write the capture as @format ("text", "json", "html") and flush it. 0, -EINVAL for an unknown format,
 * -ENOMEM, or the error of writing (-ENOSPC, -EPIPE, ...).
 */
int report_write(FILE *out, const char *format, const struct capture *capture,
		 const struct text_style *style);

/* For options: whether report_write() knows @format. */
bool report_has_format(const char *format);

/* Whether probes and inventories can be written in @format, which there is, or captures alone. */
bool report_format_is_general(const char *format);

/* The formats there are, for messages: "text, json, html". */
const char *report_formats(void);

/* Which rung carries each event on this kernel, and what is unavailable and why. */
int report_probe(FILE *out, const char *format, const struct capture *capture,
		 const struct text_style *style);

/* What there is: VMs, slots and guest_memfds, and the memory they hold. */
int report_inventory(FILE *out, const char *format, const struct capture *capture,
		     const struct text_style *style);

/* The JSON schema that -f json follows, in a capture, a probe and an inventory. */
extern const char report_json_schema[];

#endif
