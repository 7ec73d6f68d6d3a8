/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a user has chosen, kept from one run to the next: a file of lines "name = value".
 */
#ifndef VIEW_SETTINGS_H
#define VIEW_SETTINGS_H

#include <stdio.h>
#include "base/problem.h"
#include "view.h"

#define SETTINGS_MIN_INTERVAL_NS 100000000ULL
#define SETTINGS_MAX_INTERVAL_NS 3600000000000ULL

void settings_init(struct view_settings *settings);

/*
 * Set @name to @value, as a line of the file does: "columns", "sort", "order", "show", "idle",
 * "filter", "interval". 0, or -1 with one line without a full stop in @why.
 */
int settings_set(struct view_settings *settings, const char *name, const char *value, char *why,
		 size_t size);

/* Sort by @column, big values first where that is what one wants. */
void settings_sort(struct view_settings *settings, unsigned int column);

/* $XDG_CONFIG_HOME/gmemtop/config, or below ~/.config. NULL when there is no home; the caller frees it. */
char *settings_path(void);

/*
 * Read the file: what is wrong in it is skipped and said on @complaints, a line each. No file is no
 * mistake.
 */
void settings_read(struct view_settings *settings, const char *path, FILE *complaints);

/* Write it, whole or not at all, with its directory. 0, or -1 with @problem filled. */
int settings_write(const struct view_settings *settings, const char *path, struct problem *problem);

#endif
