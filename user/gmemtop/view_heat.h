/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where in its slot guest faults fall, as text: cells in lines, darker where there are more.
 */
#ifndef VIEW_HEAT_H
#define VIEW_HEAT_H

#include <stdio.h>
#include "report/report.h"

/* What has come to @before since, in @now: so many guest faults as the slot's count says. */
void heat_since(struct heat_map *since, const struct heat_map *now, const struct heat_map *before);

/*
 * Lines of cells, each line with its first gfn before it, and what the shades stand for; at most
 * @columns (at least 60) wide unless numbers are very long. Nothing if there is no fault.
 */
void heat_write(FILE *out, const struct heat_map *heat, const struct text_style *style,
		unsigned int columns);

#endif
