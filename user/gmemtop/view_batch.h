/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live view without a terminal: a table a refresh, every row and column whole.
 */
#ifndef VIEW_BATCH_H
#define VIEW_BATCH_H

#include <stdio.h>
#include "view_head.h"

/* Errors of @out are left to the caller, which flushes. */
void batch_write(FILE *out, const struct view *view, const struct view_settings *settings,
		 const struct view_machine *machine, bool utf8);

#endif
