/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a snapshot that somebody else has made can be added up and named without going wrong.
 */
#ifndef SNAPSHOT_SOUND_H
#define SNAPSHOT_SOUND_H

#include "model.h"

/*
 * NULL when every sum over @snap, whose slots are in their order, fits into its number, that of
 * memory also in bytes, and no slot or guest_memfd of a VM is there twice; else what is wrong.
 */
const char *snapshot_unsound(const struct snapshot *snap);

#endif
