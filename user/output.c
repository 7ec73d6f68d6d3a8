// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regular files are written beside their place and renamed; devices and pipes are written as is.
 */
#include "output.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int output_full(const char *name, struct problem *problem)
{
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot write %s: the disk is full. Make room and try again", name);
}

static int output_problem(const struct output *output, struct problem *problem, int err)
{
	const char *name = output->path ?: "standard output";

	if (!*name)
		return problem_set(problem, EXIT_USAGE, "-o: the file has no name. Give it one");
	if (err == ENOSPC)
		return output_full(name, problem);
	return problem_set(problem, err == EIO || err == EPIPE ? EXIT_IMPOSSIBLE : EXIT_USAGE,
			   "cannot write %s: %s. %s", name, strerror(err),
			   output->advice ?: "Choose another place with -o");
}

static bool is_special(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode);
}

/* May @path itself be written, or a file be made beside it? 0 or a negative errno. */
static int check_place(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat st;
	char *dir;
	int err;

	if (!*path)
		return -ENOENT;
	if (is_special(path)) {
		if (!stat(path, &st) && S_ISDIR(st.st_mode))
			return -EISDIR;
		return access(path, W_OK) ? -errno : 0;
	}
	dir = slash ? strndup(path, slash - path + 1) : strdup(".");
	if (!dir)
		return -ENOMEM;
	err = access(dir, W_OK | X_OK) ? -errno : 0;
	free(dir);
	return err;
}

int output_check(const char *path, struct problem *problem)
{
	const struct output output = { .path = path };
	int err = path ? check_place(path) : 0;

	return err ? output_problem(&output, problem, -err) : 0;
}

/* mkstemp() makes files for the owner only; reports are not secret. */
static FILE *open_temporary(char *temporary)
{
	int fd = mkstemp(temporary);
	mode_t mask;

	if (fd < 0)
		return NULL;
	mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	return fdopen(fd, "w");
}

int output_open(struct output *output, const char *path, struct problem *problem)
{
	return output_open_or(output, path, NULL, problem);
}

int output_open_or(struct output *output, const char *path, const char *advice,
		   struct problem *problem)
{
	*output = (struct output){ .file = stdout, .path = path, .advice = advice };
	if (!path)
		return 0;
	if (is_special(path)) {
		output->file = fopen(path, "we");
	} else if (asprintf(&output->temporary, "%s.XXXXXX", path) > 0) {
		output->file = open_temporary(output->temporary);
		if (!output->file) {
			free(output->temporary);
			output->temporary = NULL;
		}
	}
	return output->file ? 0 : output_problem(output, problem, errno);
}

int output_commit(struct output *output, struct problem *problem)
{
	int err = 0;

	/* If a write failed earlier, errno still says why. */
	if (fflush(output->file) || ferror(output->file))
		err = errno ?: EIO;
	if (output->path && fclose(output->file) && !err)
		err = errno;
	output->file = NULL;
	if (!err && output->temporary && rename(output->temporary, output->path))
		err = errno;
	if (err) {
		output_abort(output);
		return output_problem(output, problem, err);
	}
	free(output->temporary);
	output->temporary = NULL;
	return 0;
}

void output_abort(struct output *output)
{
	if (output->path && output->file)
		fclose(output->file);
	output->file = NULL;
	if (output->temporary)
		unlink(output->temporary);
	free(output->temporary);
	output->temporary = NULL;
}
