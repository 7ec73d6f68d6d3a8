// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that can be looked up is looked up before there is a child: what fails then can be said
 * before anything is traced.
 */
#include "child_user.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include "privilege.h"

#define FEW_GROUPS 64

struct child_user {
	char *name; /* as given */
	char *login, *home, *shell;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int ngroups;
};

/* By name first: there are names of digits. */
static const struct passwd *look_up(const char *name)
{
	const struct passwd *found;
	unsigned long uid;
	char *end;

	errno = 0;
	found = getpwnam(name);
	if (found || !*name || strspn(name, "0123456789") != strlen(name))
		return found;
	uid = strtoul(name, &end, 10);
	return uid < (uid_t)-1 ? getpwuid(uid) : NULL;
}

/* 0 or a negative errno. */
static int read_groups(struct child_user *user)
{
	int room = FEW_GROUPS;
	gid_t *grown;

	for (;;) {
		grown = reallocarray(user->groups, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		user->groups = grown;
		user->ngroups = room;
		if (getgrouplist(user->login, user->gid, user->groups, &user->ngroups) >= 0)
			return 0;
		room = user->ngroups > room ? user->ngroups : room * 2;
	}
}

static int fill(struct child_user *user, const struct passwd *passwd, const char *name)
{
	user->uid = passwd->pw_uid;
	user->gid = passwd->pw_gid;
	user->name = strdup(name);
	user->login = strdup(passwd->pw_name);
	user->home = strdup(passwd->pw_dir);
	user->shell = strdup(*passwd->pw_shell ? passwd->pw_shell : "/bin/sh");
	if (!user->name || !user->login || !user->home || !user->shell)
		return -ENOMEM;
	return read_groups(user);
}

static int unknown(const char *name, struct problem *problem)
{
	return problem_set(problem, EXIT_USAGE,
			   "--user %s: no such user. `getent passwd` lists those there are", name);
}

static int check_privilege(const char *name, struct problem *problem)
{
	if (privilege_has(CAP_SETUID) && privilege_has(CAP_SETGID))
		return 0;
	return problem_set(problem, EXIT_IMPOSSIBLE,
			   "cannot run a command as %s: CAP_SETUID and CAP_SETGID are missing. Run "
			   "it as root (sudo)",
			   name);
}

struct child_user *child_user_find(const char *name, struct problem *problem)
{
	const struct passwd *passwd = look_up(name);
	struct child_user *user;

	if (!passwd) {
		unknown(name, problem);
		return NULL;
	}
	user = calloc(1, sizeof(*user));
	if (!user || fill(user, passwd, name)) {
		child_user_free(user);
		problem_memory(problem, "run a command");
		return NULL;
	}
	if (!check_privilege(name, problem))
		return user;
	child_user_free(user);
	return NULL;
}

void child_user_free(struct child_user *user)
{
	if (!user)
		return;
	free(user->name);
	free(user->login);
	free(user->home);
	free(user->shell);
	free(user->groups);
	free(user);
}

const char *child_user_name(const struct child_user *user)
{
	return user->name;
}

/* What names the places of the user that was before goes; all else is COMMAND's business. */
static int set_environment(const struct child_user *user)
{
	static const char *const others[] = {
		"MAIL",		 "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",		"XDG_CACHE_HOME",
		"XDG_DATA_HOME", "XDG_STATE_HOME",  "DBUS_SESSION_BUS_ADDRESS",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		unsetenv(others[i]);
	if (setenv("HOME", user->home, 1) || setenv("SHELL", user->shell, 1) ||
	    setenv("USER", user->login, 1) || setenv("LOGNAME", user->login, 1))
		return -errno;
	return 0;
}

int child_user_become(const struct child_user *user)
{
	/* In this order: after the last there is no right to do the others. */
	if (setgroups(user->ngroups, user->groups) || setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return -errno;
	/* From one user that is not root to another, the capabilities would have stayed. */
	privilege_clear();
	return set_environment(user);
}
