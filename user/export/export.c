// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of formats, and what every export does: look first at what the capture has, write,
 * show progress, say what is missing. A format is a row here and a file export_NAME.c.
 */
#include "export.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "base/output.h"
#include "base/text.h"
#include "export_formats.h"

#define TO_FILE 1 /* to a regular file only */
#define BINARY 2 /* not to a terminal */
#define OF_SNAPSHOT 4 /* says nothing without one */
#define FOR_OTHERS                                                                                 \
	8 /* numbers for a collector of another user; the rest tells as much as captures */

static const struct format {
	const char *name;
	const char *extension; /* that its readers know it by */
	export_writer *write;
	unsigned int flags;
} formats[] = {
	{ "perfetto", "pftrace", export_perfetto, BINARY },
	{ "ndjson", "ndjson", export_ndjson, 0 },
	{ "csv", "csv", export_csv, 0 },
	{ "sqlite", "db", export_sqlite, TO_FILE },
	{ "openmetrics", "om", export_openmetrics, OF_SNAPSHOT | FOR_OTHERS },
};

#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))

static const struct format *find_format(const char *name)
{
	for (size_t i = 0; i < NR_FORMATS; i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

bool export_has_format(const char *name)
{
	return find_format(name);
}

const char *export_formats(void)
{
	static char names[80];

	names[0] = 0;
	for (size_t i = 0; i < NR_FORMATS; i++)
		text_list_add(names, sizeof(names), formats[i].name);
	return names;
}

int export_no_memory(struct export *export)
{
	return problem_memory(export->problem, "export");
}

static void show_progress(struct export *export)
{
	unsigned int percent = capture_progress(export->file) * 100;

	if (percent == export->percent || !isatty(STDERR_FILENO))
		return;
	export->percent = percent;
	fprintf(stderr, "\rexporting %3u %%", percent);
}

static void end_progress(const struct export *export)
{
	if (export->percent)
		fputs("\r\033[K", stderr);
}

int export_next(struct export *export, unsigned int wants, struct capture_item *item)
{
	if (export->out && ferror(export->out)) {
		export->write_errno = errno ?: EIO;
		return -1;
	}
	if (capture_next(export->file, wants, item, export->problem))
		return -1;
	show_progress(export);
	return item->kind != CAPTURE_END;
}

/* What is in the capture, and the numbers of its VMs, as its last snapshot has them. */
static int survey(struct export *export)
{
	const struct capture *capture = capture_meta(export->file);
	struct capture_item item;
	int more;

	while ((more = export_next(export, CAPTURE_WANT_LAST, &item)) > 0)
		;
	if (more < 0)
		return -1;
	export->has_records = capture->records_kept;
	export->has_snapshots = capture->snap;
	if (export_places_number(&export->places, capture->snap))
		return export_no_memory(export);
	return capture_rewind(export->file, export->problem);
}

static int needs_file(const struct format *format, struct problem *problem)
{
	return problem_set(problem, EXIT_USAGE,
			   "--to %s: it needs a file. Name one with -o FILE.%s", format->name,
			   format->extension);
}

/*
 * What SQLite leaves beside a database that is open, or was when a program died. It would be taken
 * for a part of the new one.
 */
static int check_beside(const struct format *format, const struct destination *destination,
			struct problem *problem)
{
	static const char *const endings[] = { "-wal", "-shm", "-journal" };
	char name[sizeof(destination->name) + 10];

	if (!(format->flags & TO_FILE))
		return 0;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", destination->name, endings[i]);
		if (!faccessat(destination->dir, name, F_OK, AT_SYMLINK_NOFOLLOW))
			return problem_set(
				problem, EXIT_USAGE,
				"cannot write %s: %s is beside it: a database of that name is in "
				"use, or was not closed. Close it, or remove both",
				destination->path, name);
	}
	return 0;
}

static int check_file(const struct format *format, const char *path, struct problem *problem)
{
	struct destination destination;
	int err = destination_find(&destination, path, problem);

	if (!err)
		err = destination_is_file(&destination)
			      ? check_beside(format, &destination, problem)
			      : needs_file(format, problem);
	destination_close(&destination);
	return err;
}

static int check_output(const struct format *format, const struct export_options *options,
			struct problem *problem)
{
	if (format->flags & TO_FILE)
		return options->output ? check_file(format, options->output, problem)
				       : needs_file(format, problem);
	if (format->flags & BINARY && !options->output && isatty(STDOUT_FILENO))
		return problem_set(
			problem, EXIT_USAGE,
			"--to %s: nothing for a terminal. Name a file with -o FILE.%s, or use a pipe",
			format->name, format->extension);
	return 0;
}

static int check_content(const struct export *export, const struct format *format, const char *file)
{
	if (format->flags & OF_SNAPSHOT && !export->has_snapshots)
		return problem_set(export->problem, EXIT_USAGE,
				   "--to %s: %s ends before its first snapshot. Use ndjson, csv, "
				   "sqlite or perfetto for the events in it",
				   format->name, file);
	return 0;
}

/*
 * A buffer by itself would be of a block of the file system, and so would be each write. This one may be
 * in use until the end: it is that of standard output.
 */
static int write_output(struct export *export, const struct format *format, const char *path)
{
	unsigned int flags = (format->flags & TO_FILE ? OUTPUT_NAMED : 0) |
			     (format->flags & FOR_OTHERS ? 0 : OUTPUT_PRIVATE);
	static char buffer[256 << 10];
	struct output output;
	int err;

	signal(SIGPIPE, SIG_IGN); /* seen as EPIPE */
	if (output_open(&output, path, flags, export->problem))
		return -1;
	if (!isatty(fileno(output.file)))
		setvbuf(output.file, buffer, _IOFBF, sizeof(buffer));
	export->out = output.file;
	export->path = output.temporary;
	err = format->write(export) && !export->write_errno ? -1 : 0;
	if (!err) /* once more: it may have been opened since */
		err = check_beside(format, &output.destination, export->problem);
	if (err) {
		output_abort(&output);
		return -1;
	}
	if (export->write_errno)
		errno = export->write_errno;
	return output_commit(&output, export->problem);
}

static int survey_and_write(struct export *export, const struct format *format,
			    const struct export_options *options)
{
	int err = survey(export) ?: check_content(export, format, options->file);

	if (!err)
		err = write_output(export, format, options->output);
	end_progress(export);
	return err;
}

/* The file holds all that the capture has; whether that is all there was is another question. */
static void say_what_is_missing(const struct export *export, const char *file)
{
	const struct capture *capture = capture_meta(export->file);
	__u64 dropped = 0;

	for (size_t i = 0; i < capture->ndrops; i++)
		dropped += capture->drops[i].count;
	if (capture->incomplete)
		message("gmemtrace: %s: incomplete: %s.", file, capture->incomplete);
	if (dropped)
		message("gmemtrace: %s: %llu events are counted, but not among the records.", file,
			dropped);
	if (capture->note)
		message("gmemtrace: %s: %s.", file, capture->note);
}

int export_run(const struct export_options *options, struct problem *problem)
{
	const struct format *format = find_format(options->format);
	struct export export = { .options = options, .problem = problem };
	int err;

	if (check_output(format, options, problem))
		return -1;
	export.file = capture_open(options->file, problem);
	if (!export.file)
		return -1;
	if (options->force)
		capture_force(export.file);
	err = survey_and_write(&export, format, options);
	if (!err)
		say_what_is_missing(&export, options->file);
	export_places_free(&export.places);
	capture_close(export.file);
	return err;
}
