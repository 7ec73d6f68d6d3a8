// SPDX-License-Identifier: GPL-2.0-only
/*
 * How commands read a capture file that they need the end of.
 */
#include "commands.h"

struct capture_file *command_open(const char *path, bool force, struct problem *problem)
{
	struct capture_file *file = capture_open(path, problem);

	if (file && force)
		capture_force(file);
	return file;
}

int command_read(struct capture_file *file, struct problem *problem)
{
	struct capture_item item;
	int err;

	do
		err = capture_next(file, CAPTURE_WANT_LAST, &item, problem);
	while (!err && item.kind != CAPTURE_END);
	return err;
}

int command_read_snapshot(struct capture_file *file, const char *path, struct problem *problem)
{
	if (command_read(file, problem))
		return -1;
	if (!capture_meta(file)->snap)
		return problem_set(problem, EXIT_USAGE,
				   "%s: the capture ended before its first snapshot. Capture again",
				   path);
	return 0;
}
