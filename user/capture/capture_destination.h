/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a capture is recorded to: claimed before anything else, so that of two recorders one is
 * refused, and emptied only when there is something to record. Private to who writes captures.
 */
#ifndef CAPTURE_DESTINATION_H
#define CAPTURE_DESTINATION_H

#include <stdbool.h>
#include <linux/types.h>
#include "base/destination.h"
#include "base/problem.h"

struct capture_destination {
	struct destination at;
	int fd; /* locked; -1: there is no file yet */
	bool made; /* there was none before */
	bool kept; /* there is something in it */
};

/*
 * Find where @path is, which is the caller's for as long; lock the file that is there, and leave it
 * as it is. Makes nothing. 0, or -1 with @problem filled (EXIT_USAGE), also when it is locked.
 * capture_destination_leave() in any case.
 */
int capture_destination_claim(struct capture_destination *destination, const char *path,
			      struct problem *problem);

/* Make the file, for its owner alone, if there is none. Likewise. */
int capture_destination_make(struct capture_destination *destination, struct problem *problem);

/* What was in it goes. 0 or a negative errno. */
int capture_destination_empty(struct capture_destination *destination);

/* What has happened to the file, to which @nbytes were written; NULL: nothing. */
const char *capture_destination_lost(const struct capture_destination *destination, __u64 nbytes);

/* Close and unlock; a file that was made, but not kept, is removed. */
void capture_destination_leave(struct capture_destination *destination);

#endif
