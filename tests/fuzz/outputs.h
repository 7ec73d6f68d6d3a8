/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Strict readers of what reports, checks and exports write, whatever they were made of: for the
 * fuzzer. What does not follow its format aborts, with a line on standard error that says why.
 */
#ifndef OUTPUTS_H
#define OUTPUTS_H

#include <stddef.h>

/* Each takes a whole output: @size bytes and a NUL behind them. */
typedef void output_reader(const char *text, size_t size);

/* UTF-8 in lines, and nothing that a terminal obeys. */
output_reader read_plain;

/* By RFC 4180: as many fields on each line as on the first, CRLF. Plain otherwise. */
output_reader read_csv;

/* An object, or one on each line. Plain, too. */
output_reader read_json, read_ndjson;

/* XML that is well-formed, of the kind without doctypes and comments. */
output_reader read_xml;

/* HTML that is XML, too, and neither fetches nor runs anything. */
output_reader read_html;

/*
 * OpenMetrics: families that do not come twice, samples that belong to them and are there once, each
 * with the label capture, buckets that rise to the count.
 */
output_reader read_openmetrics;

/* The database at @path is whole, and its keys lead somewhere. */
void read_sqlite(const char *path);

#endif
