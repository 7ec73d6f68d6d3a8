/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The place of a capture that is recorded: claimed before anything else, so that of two recorders
 * one is refused, and emptied only when there is something to record. Private to who writes
 * captures.
 */
#ifndef CAPTURE_PLACE_H
#define CAPTURE_PLACE_H

#include <stdbool.h>
#include <linux/types.h>
#include "base/file_place.h"
#include "base/problem.h"

struct capture_place {
	struct file_place place;
	int fd; /* locked; -1: there is no file yet */
	bool made; /* there was none before */
	bool kept; /* there is something in it */
};

/*
 * Find the place at @path, which is the caller's for as long; lock the file that is there, and leave
 * it as it is. Makes nothing. 0, or -1 with @problem filled (EXIT_USAGE), also when it is locked.
 * capture_place_leave() in any case.
 */
int capture_place_claim(struct capture_place *place, const char *path, struct problem *problem);

/* Make the file, for its owner alone, if there is none. Likewise. */
int capture_place_make(struct capture_place *place, struct problem *problem);

/* What was in it goes. 0 or a negative errno. */
int capture_place_empty(struct capture_place *place);

/* What has happened to the file, to which @nbytes were written; NULL: nothing. */
const char *capture_place_lost(const struct capture_place *place, __u64 nbytes);

/* Close and unlock; a file that was made, but not kept, is removed. */
void capture_place_leave(struct capture_place *place);

#endif
