/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lines above the rows: where and when this is, sums of everything, what was lost.
 */
#ifndef VIEW_HEAD_H
#define VIEW_HEAD_H

#include "view.h"

#define HEAD_LEN 512

/* Which machine this is. */
struct view_machine {
	const char *host, *kernel;
};

/* Each writes one line, clean, to @text of HEAD_LEN bytes. */

/* "gmemtop 0.1  alpha  Linux 7.3.4  06:49:35  up 0:12  every 1s" */
void head_title(const struct view *view, const struct view_settings *settings,
		const struct view_machine *machine, bool utf8, char *text);

/*
 * "2 VMs  6 slots  errors 0/s  guest faults 1.2k/s  p50 4.1µs ...": as much of it as there is
 * @room for, in columns, the most important first, and no part of a number.
 */
void head_totals(const struct view *view, bool utf8, unsigned int room, char *text);

/* What is still to come of the inventory, or why there is none; "" for nothing to say. */
const char *head_inventory(const struct view *view, char *text);

/* "lost nothing", or how much of what; true when anything was lost. */
bool head_loss(const struct view *view, char *text);

#endif
