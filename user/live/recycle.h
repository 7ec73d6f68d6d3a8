/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has ended is read for the last time, added to the past, and gives its owners back to the
 * programs. One thread, that which reads snapshots. For the session, its snapshots, and their owner.
 */
#ifndef RECYCLE_H
#define RECYCLE_H

#include "model/past.h"

struct session;
struct recycle;

/* NULL: no memory. */
struct recycle *recycle_new(void);
void recycle_free(struct recycle *recycle); /* NULL is fine */

/* What has ended so far may be recycled next: the snapshot that is read now still has it, in full. 0 or -ENOMEM. */
int recycle_note(struct session *session);

/* What was recycled so far. Valid until the next recycling. */
const struct past_list *recycle_past(struct session *session);

/*
 * Recycle what the last snapshot has and had ended before it was read: all of it, or (@keep) the oldest,
 * until only so many owners are in use. They can be used again after the call after this one. 0 or a
 * negative errno.
 */
int session_recycle(struct session *session, __u32 keep);

/*
 * For those who keep what has ended as long as there is room: whether more than half of the owners, or 15 in 16 of the histograms, are in
 * use and something has ended, as recycle_note(); and the recycling then, until a quarter is.
 */
bool session_is_tight(struct session *session);
int session_make_room(struct session *session);

/* Whether a recycling waits for its second call. */
bool session_recycles(struct session *session);

#endif
