// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regular files are written beside their place and renamed; devices and pipes are written as is.
 */
#include "output.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int output_problem(const struct output *output, struct problem *problem, int err)
{
	const char *name = output->path ?: "standard output";

	if (err == ENOSPC)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot write %s: the disk is full. Make room and try again",
				   name);
	return problem_set(problem, err == EIO || err == EPIPE ? EXIT_IMPOSSIBLE : EXIT_USAGE,
			   "cannot write %s: %s. Choose another place with -o", name,
			   strerror(err));
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
	struct stat st;

	*output = (struct output){ .file = stdout, .path = path };
	if (!path)
		return 0;
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
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

	errno = 0;
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
