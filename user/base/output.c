// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regular files are written without a name where the file system can do that, else beside their
 * place, and put there at the end; devices and pipes are written as is.
 */
#include "output.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 100 /* of names, until one is free */

/* ---- The file beside its destination, which must not outlive us ---- */

static struct {
	int dir;
	char name[NAME_MAX + 1]; /* empty: there is none */
} doomed = { .dir = -1 };

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

#define NR_DEADLY (sizeof(deadly) / sizeof(deadly[0]))

static void die_tidily(int signal)
{
	unlinkat(doomed.dir, doomed.name, 0);
	raise(signal); /* SA_RESETHAND: the usual, when this returns */
}

/* Those that somebody ignores or handles stay as they are: they do not end us. */
static void set_handlers(void (*from)(int), void (*to)(int), int flags)
{
	const struct sigaction action = { .sa_handler = to, .sa_flags = flags };
	struct sigaction old;

	for (size_t i = 0; i < NR_DEADLY; i++)
		if (!sigaction(deadly[i], NULL, &old) && old.sa_handler == from)
			sigaction(deadly[i], &action, NULL);
}

static sigset_t block_deadly(void)
{
	sigset_t set, old;

	sigemptyset(&set);
	for (size_t i = 0; i < NR_DEADLY; i++)
		sigaddset(&set, deadly[i]);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	return old;
}

/* A name like that of the file, for one beside it. */
static void new_name(const struct destination *destination)
{
	unsigned int random = 0;

	getrandom(&random, sizeof(random), GRND_NONBLOCK);
	snprintf(doomed.name, sizeof(doomed.name), "%.240s.%08x", destination->name, random);
	doomed.dir = destination->dir;
}

static void forget(void)
{
	doomed.name[0] = 0;
	set_handlers(die_tidily, SIG_DFL, 0);
}

/* ---- Before ---- */

static int other_owner(const struct destination *destination, struct problem *problem)
{
	return problem_set(problem, EXIT_USAGE,
			   "cannot write %s: it is another user's, and would become yours. %s",
			   destination->path, destination_advice());
}

/* Is a recorder, or who else locks files, at it? */
static int check_lock(const struct destination *destination, struct problem *problem)
{
	int fd = destination_open(destination, O_RDONLY | O_NONBLOCK, 0), err;

	if (fd < 0)
		return 0;
	err = flock(fd, LOCK_SH | LOCK_NB) ? errno : 0;
	close(fd);
	if (err != EWOULDBLOCK)
		return 0;
	return problem_set(problem, EXIT_USAGE,
			   "cannot write %s: it is being recorded to, or locked otherwise. %s",
			   destination->path, destination_advice());
}

static int check_file(const struct destination *destination, struct problem *problem)
{
	int err = destination_check_dir(destination);

	if (err)
		return destination_problem(destination->path, -err, problem);
	if (!destination->exists)
		return 0;
	if (geteuid() && destination->st.st_uid != geteuid())
		return other_owner(destination, problem);
	return check_lock(destination, problem);
}

static int check_destination(const struct destination *destination, struct problem *problem)
{
	if (destination->exists && S_ISDIR(destination->st.st_mode))
		return destination_problem(destination->path, EISDIR, problem);
	if (destination_is_file(destination))
		return check_file(destination, problem);
	if (faccessat(destination->dir, destination->name, W_OK, 0))
		return destination_problem(destination->path, errno, problem);
	return 0;
}

int output_check(const char *path, struct problem *problem)
{
	struct destination destination;
	int err;

	if (!path)
		return 0;
	err = destination_find(&destination, path, problem)
		      ?: check_destination(&destination, problem);
	destination_close(&destination);
	return err;
}

int output_check_input(const char *path, const char *input, struct problem *problem)
{
	struct stat out, in;

	if ((path ? stat(path, &out) : fstat(STDOUT_FILENO, &out)) || stat(input, &in))
		return 0;
	if (!S_ISREG(in.st_mode) || in.st_dev != out.st_dev || in.st_ino != out.st_ino)
		return 0;
	return problem_set(problem, EXIT_USAGE,
			   "cannot write %s: it is the same file as the input %s. Choose another "
			   "place with -o",
			   path ?: "standard output", input);
}

/* ---- The file ---- */

/* As the one that it will replace. Where that is of a group that is not ours, it is for none. */
static int copy_owner(int fd, const struct destination *destination)
{
	const struct stat *st = &destination->st;
	mode_t mode = st->st_mode & 0777;

	if (!destination->exists)
		return 0;
	if (fchown(fd, st->st_uid, st->st_gid)) {
		if (st->st_uid != geteuid())
			return -errno;
		mode &= ~070;
	}
	return fchmod(fd, mode) ? -errno : 0;
}

/* A descriptor or a negative errno. */
static int open_named(struct output *output, mode_t mode)
{
	sigset_t mask = block_deadly();
	int fd = -EEXIST;

	for (int i = 0; i < TRIES && fd == -EEXIST; i++) {
		new_name(&output->destination);
		fd = openat(doomed.dir, doomed.name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (fd < 0)
			fd = -errno;
	}
	if (fd < 0)
		forget();
	else
		set_handlers(SIG_DFL, die_tidily, SA_RESETHAND);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return fd;
}

/* Likewise. */
static int open_temporary(struct output *output, unsigned int flags)
{
	mode_t mode = output->destination.exists || flags & OUTPUT_PRIVATE ? 0600 : 0666;
	int fd = -1;

	if (!(flags & OUTPUT_NAMED))
		fd = openat(output->destination.dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	output->unnamed = fd >= 0;
	if (fd < 0)
		fd = open_named(output, mode);
	if (fd >= 0 && flags & OUTPUT_NAMED &&
	    asprintf(&output->temporary, "/proc/self/fd/%d/%s", doomed.dir, doomed.name) < 0)
		output->temporary = NULL;
	return fd;
}

static int open_file(struct output *output, unsigned int flags, struct problem *problem)
{
	int fd, err = check_file(&output->destination, problem);

	if (err)
		return err;
	fd = open_temporary(output, flags);
	if (fd < 0)
		return destination_problem(output->path, -fd, problem);
	output->file = fdopen(fd, "w");
	if (!output->file)
		close(fd);
	err = output->file && (output->temporary || !(flags & OUTPUT_NAMED))
		      ? copy_owner(fd, &output->destination)
		      : -ENOMEM;
	return err ? destination_problem(output->path, -err, problem) : 0;
}

/* What is open already, as by a shell's >>, is not emptied. */
static int open_device(struct output *output, struct problem *problem)
{
	bool regular = S_ISREG(output->destination.st.st_mode);
	int fd = destination_open(&output->destination, O_WRONLY | (regular ? O_APPEND : O_TRUNC),
				  0);

	if (fd >= 0)
		output->file = fdopen(fd, "w");
	return output->file ? 0 : destination_problem(output->path, fd < 0 ? -fd : ENOMEM, problem);
}

int output_open(struct output *output, const char *path, unsigned int flags,
		struct problem *problem)
{
	int err;

	*output = (struct output){ .path = path, .destination.dir = -1 };
	if (!path)
		output->file = stdout;
	signal(SIGXFSZ, SIG_IGN); /* seen as EFBIG */
	err = path ? destination_find(&output->destination, path, problem) : 0;
	if (!err && path)
		err = destination_is_file(&output->destination) ? open_file(output, flags, problem)
								: open_device(output, problem);
	if (err)
		output_abort(output);
	return err;
}

/* ---- At the end ---- */

/* Give the unnamed file behind @fd its name, or one beside that if there is a file. */
static int name_file(const struct output *output, int fd)
{
	const struct destination *destination = &output->destination;
	char link[40];
	int err;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (!linkat(AT_FDCWD, link, destination->dir, destination->name, AT_SYMLINK_FOLLOW))
		return 0;
	err = -errno;
	for (int i = 0; i < TRIES && err == -EEXIST; i++) {
		new_name(destination);
		err = linkat(AT_FDCWD, link, destination->dir, doomed.name, AT_SYMLINK_FOLLOW)
			      ? -errno
			      : 0;
	}
	if (err)
		forget();
	return err;
}

/* 0 or a negative errno. */
static int put_there(const struct output *output, int fd)
{
	const struct destination *destination = &output->destination;
	sigset_t mask = block_deadly();
	int err = output->unnamed ? name_file(output, fd) : 0;

	if (!err && doomed.name[0])
		err = renameat(doomed.dir, doomed.name, destination->dir, destination->name)
			      ? -errno
			      : 0;
	if (err && doomed.name[0])
		unlinkat(doomed.dir, doomed.name, 0);
	forget();
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return err;
}

/* Close it, and put it there if all was well: what close() says comes before. */
static int close_file(struct output *output, int err)
{
	int fd = destination_is_file(&output->destination) ? dup(fileno(output->file)) : -1;

	if (fclose(output->file) && !err)
		err = -errno;
	output->file = NULL;
	if (!err && destination_is_file(&output->destination))
		err = fd < 0 ? -ENOMEM : put_there(output, fd);
	if (fd >= 0)
		close(fd);
	return err;
}

int output_commit(struct output *output, struct problem *problem)
{
	int err = 0;

	/* If a write failed earlier, errno still says why. */
	if (fflush(output->file) || ferror(output->file))
		err = -(errno ?: EIO);
	if (output->path)
		err = close_file(output, err);
	output_abort(output);
	return err ? destination_problem(output->path, -err, problem) : 0;
}

void output_abort(struct output *output)
{
	sigset_t mask;

	if (output->path && output->file)
		fclose(output->file);
	output->file = NULL;
	if (output->path && doomed.name[0]) {
		mask = block_deadly();
		unlinkat(doomed.dir, doomed.name, 0);
		forget();
		pthread_sigmask(SIG_SETMASK, &mask, NULL);
	}
	destination_close(&output->destination);
	free(output->temporary);
	output->temporary = NULL;
}
