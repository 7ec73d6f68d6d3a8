// SPDX-License-Identifier: GPL-2.0-only
/*
 * OpenMetrics text. Numbers are written with all of their digits.
 */
#include "openmetrics.h"
#include <string.h>
#include "base/clock.h"
#include "base/text.h"
#include "model/page_size.h"

void openmetrics_family(struct openmetrics *metrics, const char *prefix, const char *name,
			const char *type, const char *unit, const char *help)
{
	snprintf(metrics->family, sizeof(metrics->family), "%s%s", prefix, name);
	fprintf(metrics->out, "# TYPE %s %s\n", metrics->family, type);
	if (*unit)
		fprintf(metrics->out, "# UNIT %s %s\n", metrics->family, unit);
	fprintf(metrics->out, "# HELP %s %s\n", metrics->family, help);
}

void openmetrics_sample(struct openmetrics *metrics, const char *suffix)
{
	fprintf(metrics->out, "%s%s", metrics->family, suffix);
	metrics->separator = '{';
	openmetrics_label(metrics, "capture", metrics->capture);
}

void openmetrics_label(struct openmetrics *metrics, const char *name, const char *value)
{
	char plain[TEXT_PLAIN_SIZE(OPENMETRICS_LABEL_MAX)];

	text_plain(plain, sizeof(plain), value, strnlen(value, OPENMETRICS_LABEL_MAX));
	fprintf(metrics->out, "%c%s=\"", metrics->separator, name);
	metrics->separator = ',';
	for (const char *at = plain; *at; at++) {
		if (*at == '"' || *at == '\\')
			putc('\\', metrics->out);
		putc(*at, metrics->out);
	}
	putc('"', metrics->out);
}

void openmetrics_label_number(struct openmetrics *metrics, const char *name, __u64 value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", value);
	openmetrics_label(metrics, name, digits);
}

static void end_labels(struct openmetrics *metrics)
{
	fputs("} ", metrics->out);
}

void openmetrics_value(struct openmetrics *metrics, __u64 value)
{
	end_labels(metrics);
	fprintf(metrics->out, "%llu\n", value);
}

void openmetrics_value_pages(struct openmetrics *metrics, __u64 npages)
{
	const __u64 ten_to_18 = 1000000000000000000ULL;
	unsigned __int128 bytes = (unsigned __int128)npages * pages_bytes(1, metrics->page_bytes);

	end_labels(metrics);
	if (bytes >= ten_to_18)
		fprintf(metrics->out, "%llu%018llu\n", (__u64)(bytes / ten_to_18),
			(__u64)(bytes % ten_to_18));
	else
		fprintf(metrics->out, "%llu\n", (__u64)bytes);
}

void openmetrics_value_ns(struct openmetrics *metrics, __u64 ns)
{
	end_labels(metrics);
	fprintf(metrics->out, "%llu.%09llu\n", ns / NS_PER_S, ns % NS_PER_S);
}

void openmetrics_single(struct openmetrics *metrics, const char *suffix, __u64 value)
{
	openmetrics_sample(metrics, suffix);
	openmetrics_value(metrics, value);
}

void openmetrics_end(struct openmetrics *metrics)
{
	fputs("# EOF\n", metrics->out);
}
