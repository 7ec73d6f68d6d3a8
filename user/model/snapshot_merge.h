/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An inventory that was taken some time ago, put together with counts of now. For the live view,
 * which cannot take one as often as it refreshes.
 */
#ifndef SNAPSHOT_MERGE_H
#define SNAPSHOT_MERGE_H

#include "model.h"

/*
 * Add to @to what was in @inventory, which was taken at @taken_ns (CLOCK_MONOTONIC) or later and
 * counts no events. VMs that have ended since, and what they had, stay away. 0, or -ENOMEM: @to
 * then has a part of it.
 */
int snapshot_merge(struct snapshot *to, const struct snapshot *inventory, __u64 taken_ns);

#endif
