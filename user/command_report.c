// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemtrace report: what a live capture prints, from a file.
 */
#include <errno.h>
#include <string.h>
#include "capture_file.h"
#include "capture_rebuild.h"
#include "commands.h"

/* To the end of the file; what there was is in capture_meta(). */
static int read_snapshots(struct capture_file *file, struct problem *problem)
{
	struct capture_item item;
	int err;

	do
		err = capture_next(file, CAPTURE_WANT_SNAPSHOTS, &item, problem);
	while (!err && item.kind);
	return err;
}

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
		return problem_set(problem, EXIT_IMPOSSIBLE, "cannot count the records: %s",
				   strerror(-err));
	return 0;
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
		return problem_set(problem, EXIT_IMPOSSIBLE, "cannot count the records: %s",
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
		err = command_output(options, &capture, problem);
	snapshot_free(&snap);
	rebuild_free(rebuild);
	return err;
}

int command_report(const struct options *options, struct problem *problem)
{
	struct capture_file *file = capture_open(options->file, problem);
	int err;

	if (!file)
		return -1;
	err = read_snapshots(file, problem);
	if (!err && capture_meta(file)->snap)
		err = command_output(options, capture_meta(file), problem);
	else if (!err)
		err = report_records(options, file, problem);
	capture_close(file);
	return err;
}
