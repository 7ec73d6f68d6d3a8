// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemtrace report: what a live capture prints, from a file.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "capture/capture_rebuild.h"
#include "commands.h"
#include "report/report_page.h"
#include "report/report_timeline.h"

static int rebuild_all(struct capture_file *file, struct rebuild *rebuild, struct snapshot *snap,
		       struct problem *problem)
{
	struct capture_item item;
	int err;

	do {
		if (capture_next(file, CAPTURE_WANT_RECORDS, &item, problem))
			return -1;
		err = rebuild_from(rebuild, file, &item);
	} while (item.kind && !err);
	err = err ?: rebuild_snapshot(rebuild, snap);
	if (err)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot count the records: %s. Free some memory and try again",
				   strerror(-err));
	return 0;
}

/* ---- A page ---- */

struct page {
	const struct capture *capture;
	struct timeline timeline;
	struct problem no_timeline;
	bool has_timeline;
};

static int write_page(FILE *out, const struct text_style *style, const void *what)
{
	const struct page *page = what;

	(void)style;
	return report_page(out, page->capture, page->has_timeline ? &page->timeline : NULL,
			   page->no_timeline.text);
}

/* A pipe is at its end by now. */
static bool can_be_read_again(const char *path)
{
	struct stat stat_buf;

	return !stat(path, &stat_buf) && S_ISREG(stat_buf.st_mode);
}

/* A timeline takes the file once more; a page without one says why. */
static int read_page_times(const struct options *options, struct page *page)
{
	struct capture_file *file;
	int err;

	if (!can_be_read_again(options->file))
		return problem_set(&page->no_timeline, EXIT_USAGE,
				   "%s cannot be read twice. Copy it to a file first",
				   options->file);
	file = command_open(options->file, options->force, &page->no_timeline);
	if (!file)
		return -1;
	err = timeline_read(&page->timeline, file, page->capture->shown, 0, TIMELINE_CELLS,
			    &page->no_timeline);
	capture_close(file);
	return err;
}

static int output_page(const struct options *options, const struct capture *capture,
		       struct problem *problem)
{
	struct page page = { .capture = capture };
	int err;

	page.has_timeline = !read_page_times(options, &page);
	err = command_write(options->output, write_page, &page, problem);
	timeline_free(&page.timeline);
	return err;
}

static int output(const struct options *options, const struct capture *capture,
		  struct problem *problem)
{
	if (!strcmp(options->format, "html"))
		return output_page(options, capture, problem);
	return command_output(options, capture, problem);
}

/* A file without a snapshot: what its records add up to. */
static int report_records(const struct options *options, struct capture_file *file,
			  struct problem *problem)
{
	struct rebuild *rebuild = rebuild_new(capture_meta(file)->min_latency_ns);
	struct snapshot snap = {};
	struct capture capture;
	int err;

	if (!rebuild)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot count the records: %s. Free some memory and try again",
				   strerror(ENOMEM));
	err = capture_rewind(file, problem) ?: rebuild_all(file, rebuild, &snap, problem);
	capture = *capture_meta(file);
	capture.snap = &snap;
	capture.rebuilt = true;
	capture.note =
		"the file has no snapshot: the numbers are those of the single events that it "
		"has; hooks, losses and what existed are not known";
	capture.no_inventory = "the file has no snapshot";
	if (capture.incomplete && rebuild_end_ns(rebuild) > capture_start_ns(file))
		capture.duration_ns = rebuild_end_ns(rebuild) - capture_start_ns(file);
	if (!err)
		err = output(options, &capture, problem);
	snapshot_free(&snap);
	rebuild_free(rebuild);
	return err;
}

struct timeline_report {
	const struct capture *capture;
	struct timeline timeline;
};

static int write_timeline(FILE *out, const struct text_style *style, const void *what)
{
	const struct timeline_report *report = what;

	return report_timeline(out, report->capture, &report->timeline, style);
}

static int report_times(const struct options *options, struct capture_file *file,
			struct problem *problem)
{
	struct timeline_report report = { .capture = capture_meta(file) };
	__u64 events = options->events_chosen ? options->events : 1ULL << EV_GUEST_FAULT;
	int err = timeline_read(&report.timeline, file, events, options->interval_ns,
				TIMELINE_CELLS, problem);

	if (!err)
		err = command_write(options->output, write_timeline, &report, problem);
	timeline_free(&report.timeline);
	return err;
}

static int report_snapshot(const struct options *options, struct capture_file *file,
			   struct problem *problem)
{
	struct capture capture = *capture_meta(file);

	if (options->events_chosen) {
		capture.shown = options->events;
		capture.events_chosen = true;
	}
	return output(options, &capture, problem);
}

static int check(const struct options *options, struct problem *problem)
{
	if (options->timeline && strcmp(options->format, "text"))
		return problem_set(problem, EXIT_USAGE,
				   "-f %s: a timeline is text. Leave -f or --timeline away",
				   options->format);
	if (options->interval_ns && !options->timeline)
		return problem_set(problem, EXIT_USAGE,
				   "-i: without --timeline there are no intervals. Add --timeline");
	return 0;
}

int command_report(const struct options *options, struct problem *problem)
{
	struct capture_file *file;
	int err;

	if (check(options, problem))
		return -1;
	file = command_open(options->file, options->force, problem);
	if (!file)
		return -1;
	if (options->timeline)
		err = report_times(options, file, problem);
	else
		err = command_read(file, problem);
	if (!err && !options->timeline)
		err = capture_meta(file)->snap ? report_snapshot(options, file, problem)
					       : report_records(options, file, problem);
	capture_close(file);
	return err;
}
