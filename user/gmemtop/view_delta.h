/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was counted between two snapshots. For the view.
 */
#ifndef VIEW_DELTA_H
#define VIEW_DELTA_H

#include "model/model.h"

/*
 * Add to @to what @now has more than @before had, both of one owner; @before is NULL if it was
 * not there. Minimum and maximum are those of the difference: exact where an extreme is new, else
 * the bounds of the histogram's buckets. 0 or -ENOMEM: @to is then only to be freed.
 */
int event_totals_add_since(struct event_totals *to, const struct event_counts *now,
			   const struct event_counts *before);

/* The same for totals. */
int event_totals_since(struct event_totals *to, const struct event_totals *now,
		       const struct event_totals *before);

#endif
