/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inventory taken again and again by a thread of its own, since counting the pages of a big
 * guest takes longer than a screen may stand still.
 */
#ifndef WATCH_H
#define WATCH_H

#include "inventory.h"

struct watch;

/*
 * Begin. @options stay the caller's, and valid: there is no end but the process's. NULL when there
 * is no memory or no thread for it.
 */
struct watch *watch_start(const struct inventory_options *options);

/*
 * Put what was found last into @snap. 0 or -ENOMEM. In *@why NULL, or why there is no inventory,
 * valid until the next call; watch_pending before the first.
 */
extern const char watch_pending[];
int watch_merge(struct watch *watch, struct snapshot *snap, const char **why);

/*
 * When the inventory began that was put into a snapshot last, if that had all of its guest_memfds already;
 * 0: there are some that no event has met.
 */
__u64 watch_all_met(const struct watch *watch);

/* Wait for the first one, but not longer than @ns. */
void watch_wait(struct watch *watch, __u64 ns);

#endif
