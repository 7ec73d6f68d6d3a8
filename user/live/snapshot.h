/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a session has counted so far, as the model.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "model/model.h"

struct session;

/*
 * Read everything counted so far. 0, or a negative errno (-ENOMEM, or what the map look-up
 * returned); on success the caller owns the snapshot and frees it with snapshot_free().
 */
int snapshot_read(struct session *session, struct snapshot *snap);

#endif
