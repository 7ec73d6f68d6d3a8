// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows as a plain table.
 */
#include "view_batch.h"
#include "base/text.h"
#include "view_layout.h"

/* Blanks are owed to the next cell, so that no line ends with them. */
static void put_cell(FILE *out, const struct layout *layout, unsigned int i, const char *cell,
		     unsigned int *owed)
{
	unsigned int width = layout->v[i].width, taken = text_width(cell);
	unsigned int pad = width > taken ? width - taken : 0;
	bool left = column_is_left(layout->v[i].column);

	*owed += (i != 0) + (left ? 0 : pad);
	if (taken) {
		fprintf(out, "%*s%s", (int)*owed, "", cell);
		*owed = 0;
	}
	*owed += left ? pad : 0;
}

static void put_header(FILE *out, const struct view *view, const struct layout *layout)
{
	char title[CELL_LEN];
	unsigned int owed = 0;

	for (unsigned int i = 0; i < layout->n; i++)
		put_cell(out, layout, i, column_title(layout->v[i].column, view->totals, title),
			 &owed);
	fputc('\n', out);
}

static void put_row(FILE *out, const struct view *view, const struct layout *layout,
		    const struct row *row, bool utf8)
{
	char cell[CELL_LEN];
	unsigned int owed = 0;

	for (unsigned int i = 0; i < layout->n; i++)
		put_cell(
			out, layout, i,
			column_cell(view, row, layout->v[i].column, utf8, layout->v[i].width, cell),
			&owed);
	fputs(row->ended ? "  (ended)\n" : "\n", out);
}

void batch_write(FILE *out, const struct view *view, const struct view_settings *settings,
		 const struct view_machine *machine, bool utf8)
{
	struct layout layout;
	char text[HEAD_LEN];

	head_title(view, settings, machine, utf8, text);
	fprintf(out, "%s\n", text);
	head_totals(view, utf8, HEAD_LEN, text);
	fprintf(out, "%s\n", text);
	head_loss(view, text);
	fputs(text, out);
	head_inventory(view, text);
	fprintf(out, "%s%s\n", *text ? "  " : "", text);
	layout_all(&layout, view, settings->columns, utf8);
	put_header(out, view, &layout);
	for (size_t i = 0; i < view->nrows; i++)
		put_row(out, view, &layout, &view->rows[i], utf8);
	fputc('\n', out);
}
