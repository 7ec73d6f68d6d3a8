// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of formats, and what they all need to know about a capture. A format is a row here
 * and a file report_NAME.c.
 */
#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "events.h"
#include "report_formats.h"

static const struct format {
	const char *name;
	report_writer *write;
	report_writer *probe;
	report_writer *inventory;
} formats[] = {
	{ "text", report_text_capture, report_text_probe, report_text_inventory },
	{ "json", report_json_capture, report_json_probe, report_json_inventory },
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

struct report_style report_style_of(FILE *out)
{
	const char *term = getenv("TERM") ?: "", *no_color = getenv("NO_COLOR");
	struct report_style style = { .columns = 80 };
	struct winsize size;

	style.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (!isatty(fileno(out)))
		return style;
	if (!ioctl(fileno(out), TIOCGWINSZ, &size) && size.ws_col > style.columns)
		style.columns = size.ws_col;
	style.color = strcmp(term, "dumb") && !(no_color && *no_color);
	return style;
}

bool report_has_format(const char *name)
{
	return find_format(name);
}

const char *report_formats(void)
{
	static char names[64];
	size_t i;

	names[0] = 0;
	for (i = 0; i < NR_FORMATS; i++) {
		if (i)
			strcat(names, ", ");
		strcat(names, formats[i].name);
	}
	return names;
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
		      const struct report_style *style)
{
	int err, flush_err;

	errno = 0;
	err = writer(out, capture, style);
	flush_err = finish(out);
	return err ? err : flush_err;
}

int report_write(FILE *out, const char *format, const struct capture *capture,
		 const struct report_style *style)
{
	const struct format *found = find_format(format);

	return found ? write_with(out, found->write, capture, style) : -EINVAL;
}

int report_probe(FILE *out, const char *format, const struct capture *capture,
		 const struct report_style *style)
{
	const struct format *found = find_format(format);

	return found ? write_with(out, found->probe, capture, style) : -EINVAL;
}

int report_inventory(FILE *out, const char *format, const struct capture *capture,
		     const struct report_style *style)
{
	const struct format *found = find_format(format);

	return found ? write_with(out, found->inventory, capture, style) : -EINVAL;
}

bool report_shows(const struct capture *capture, enum gmem_event event)
{
	return capture->shown & (1ULL << event);
}

enum hook_outcome report_outcome(const struct hook_state *hook)
{
	if (hook->attached)
		return HOOK_ATTACHED;
	return hook->wanted ? HOOK_UNAVAILABLE : HOOK_NOT_WANTED;
}

const struct rung *report_rung(const struct capture *capture, enum gmem_event event)
{
	const struct hook_state *hook = &capture->hooks[event];

	if (hook->rung >= 0 && hook->rung < EVENT_RUNGS)
		return &ladders[event].rungs[hook->rung];
	return hook->foreign;
}

static bool function_is_new(const struct rung *rung, int hook)
{
	int i;

	for (i = 0; i < hook; i++)
		if (!strcmp(rung->hooks[i].function, rung->hooks[hook].function))
			return false;
	return true;
}

const char *report_function(const struct rung *rung, unsigned int n)
{
	int i;

	for (i = 0; i < RUNG_HOOKS && rung->hooks[i].function; i++)
		if (function_is_new(rung, i) && !n--)
			return rung->hooks[i].function;
	return NULL;
}

__u64 report_errors_alike(const struct event_count *count, size_t i)
{
	char name[32];
	__u64 sum = 0;

	snprintf(name, sizeof(name), "%s", errno_name(count->errs[i].err));
	for (size_t j = 0; j < count->nerrs; j++) {
		if (strcmp(errno_name(count->errs[j].err), name))
			continue;
		if (j < i)
			return 0;
		sum += count->errs[j].count;
	}
	return sum;
}

const char *report_signal(int status)
{
	static char name[24];
	const char *abbrev;

	if (!WIFSIGNALED(status))
		return NULL;
	abbrev = sigabbrev_np(WTERMSIG(status));
	if (abbrev)
		snprintf(name, sizeof(name), "SIG%s", abbrev);
	else
		snprintf(name, sizeof(name), "signal %d", WTERMSIG(status));
	return name;
}
