/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Columns next to each other on a line that is as wide as it is.
 */
#ifndef VIEW_LAYOUT_H
#define VIEW_LAYOUT_H

#include "view_columns.h"

/* Which columns there is room for. */
struct layout {
	unsigned int n;
	struct {
		unsigned int column, width;
	} v[COLUMNS_MAX];
	unsigned int ndropped; /* chosen, but there is no room */
};

/*
 * Lay out the columns chosen, but for @skip of them after the first, on a line of @room columns
 * with blanks between them. Drawings take what is left over.
 */
void layout_make(struct layout *layout, const struct view *view, __u64 chosen, unsigned int room,
		 unsigned int skip);

/* The same with room for everything, as wide as the widest cell of the view's rows. */
void layout_all(struct layout *layout, const struct view *view, __u64 chosen, bool utf8);

#endif
