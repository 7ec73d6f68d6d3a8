// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of formats, and what they all need to know about a capture. A format is a row here
 * and a file report_NAME.c.
 */
#include <errno.h>
#include <string.h>
#include "base/number.h"
#include "base/text.h"
#include "report_formats.h"

static const struct format {
	const char *name;
	report_writer *write;
	report_writer *probe; /* NULL: it is for captures only; so the next */
	report_writer *inventory;
} formats[] = {
	{ "text", report_text_capture, report_text_probe, report_text_inventory },
	{ "json", report_json_capture, report_json_probe, report_json_inventory },
	{ "html", report_html_capture, NULL, NULL },
};

#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))

static const struct format *find_format(const char *name)
{
	size_t i;

	for (i = 0; i < NR_FORMATS; i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

bool report_has_format(const char *name)
{
	return find_format(name);
}

bool report_format_is_general(const char *format)
{
	return find_format(format)->probe;
}

const char *report_formats(void)
{
	static char names[64];

	names[0] = 0;
	for (size_t i = 0; i < NR_FORMATS; i++)
		text_list_add(names, sizeof(names), formats[i].name);
	return names;
}

const char *report_threshold(char buf[REPORT_WORDS_LEN], const struct capture *capture, bool utf8)
{
	char time[NUMBER_LEN];

	if (!capture->min_latency_ns)
		return NULL;
	snprintf(buf, REPORT_WORDS_LEN, "percentiles and stacks only of what took %s or more",
		 number_latency(time, capture->min_latency_ns, utf8));
	return buf;
}

const char *report_sample(char buf[REPORT_WORDS_LEN], const struct capture *capture)
{
	if (!capture->sample)
		return NULL;
	snprintf(buf, REPORT_WORDS_LEN,
		 "one of %u guest faults is timed, none has a cause (--sample)", capture->sample);
	return buf;
}

/*
 * A full disk shows here at the latest. If a write failed on the way, stdio has a flag for that,
 * and errno still says why: nothing clears it.
 */
static int finish(FILE *out)
{
	if (!fflush(out) && !ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}

static int write_with(FILE *out, report_writer *writer, const struct capture *capture,
		      const struct text_style *style)
{
	int err, flush_err;

	errno = 0;
	err = writer(out, capture, style);
	flush_err = finish(out);
	return err ? err : flush_err;
}

int report_write(FILE *out, const char *format, const struct capture *capture,
		 const struct text_style *style)
{
	const struct format *found = find_format(format);

	return found ? write_with(out, found->write, capture, style) : -EINVAL;
}

int report_probe(FILE *out, const char *format, const struct capture *capture,
		 const struct text_style *style)
{
	const struct format *found = find_format(format);

	return found ? write_with(out, found->probe, capture, style) : -EINVAL;
}

int report_inventory(FILE *out, const char *format, const struct capture *capture,
		     const struct text_style *style)
{
	const struct format *found = find_format(format);

	return found ? write_with(out, found->inventory, capture, style) : -EINVAL;
}
