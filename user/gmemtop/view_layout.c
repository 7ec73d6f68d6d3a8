// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which columns there is room for, and how wide they are.
 */
#include "view_layout.h"
#include "base/text.h"
#include "model/page_size.h"
#include "view_values.h"

/* Digits of the highest address make its column as wide as it needs to be. */
static unsigned int gpa_width(const struct view *view)
{
	unsigned int digits = 1;
	__u64 last = 0;

	for (size_t i = 0; i < view->nrows; i++)
		if (view->rows[i].slot &&
		    view->rows[i].slot->info.base_gfn + view->rows[i].slot->info.npages > last)
			last = view->rows[i].slot->info.base_gfn + view->rows[i].slot->info.npages;
	for (last = pages_bytes(last, view->page_bytes); last >>= 4;)
		digits++;
	return 2 * (digits + 2) + 1;
}

static unsigned int width_wanted(const struct view *view, unsigned int column)
{
	unsigned int width = columns[column].width;

	if (columns[column].text == cell_gpa && gpa_width(view) > width)
		width = gpa_width(view);
	return width;
}

static int column_of_rank(unsigned int rank)
{
	for (unsigned int i = 0; i < nr_columns; i++)
		if (columns[i].rank == rank)
			return i;
	return -1;
}

/* @chosen without @skip columns after the first. */
static __u64 skipped(__u64 chosen, unsigned int skip)
{
	__u64 rest = chosen & (chosen - 1);

	while (skip-- && rest & (rest - 1))
		rest &= rest - 1;
	return rest | (chosen & -chosen);
}

static void add_column(struct layout *layout, unsigned int column, unsigned int width)
{
	layout->v[layout->n].column = column;
	layout->v[layout->n++].width = width;
}

/* What is left over goes to the drawings, evenly, up to what a minute has to show. */
static void widen_drawings(struct layout *layout, unsigned int left)
{
	for (unsigned int i = 0; i < layout->n; i++)
		if (columns[layout->v[i].column].text == cell_history) {
			layout->v[i].width += left;
			if (layout->v[i].width > HISTORY_SECONDS)
				layout->v[i].width = HISTORY_SECONDS;
		}
}

void layout_make(struct layout *layout, const struct view *view, __u64 chosen, unsigned int room,
		 unsigned int skip)
{
	__u64 fit = 0, left = skipped(chosen, skip);
	unsigned int used = 0;
	int column;

	*layout = (struct layout){ .ndropped = __builtin_popcountll(chosen) };
	for (unsigned int rank = 1; (column = column_of_rank(rank)) >= 0; rank++) {
		unsigned int width = width_wanted(view, column) + (fit != 0);

		if (!(left & 1ULL << column))
			continue;
		if (used + width > room)
			break;
		used += width;
		fit |= 1ULL << column;
	}
	for (unsigned int i = 0; i < nr_columns; i++)
		if (fit & 1ULL << i)
			add_column(layout, i, width_wanted(view, i));
	layout->ndropped -= layout->n;
	widen_drawings(layout, room - used);
}

void layout_all(struct layout *layout, const struct view *view, __u64 chosen, bool utf8)
{
	char cell[CELL_LEN];

	*layout = (struct layout){ 0 };
	for (unsigned int column = 0; column < nr_columns; column++) {
		unsigned int width = columns[column].width, needed;

		if (!(chosen & 1ULL << column))
			continue;
		for (size_t i = 0; i < view->nrows; i++) {
			needed = text_width(
				column_cell(view, &view->rows[i], column, utf8, width, cell));
			width = needed > width ? needed : width;
		}
		add_column(layout, column, width);
	}
}
