// SPDX-License-Identifier: GPL-2.0-only
/*
 * The overview: rows and columns, and moving among them.
 */
#include <string.h>
#include "base/text.h"
#include "screen_state.h"

static size_t page_rows(void)
{
	return LINES - HEAD_LINES - 1;
}

/* ---- Which row is chosen ---- */

static struct row_id id_of(const struct row *row)
{
	struct row_id id = {
		.known = true,
		.vm = row->vm_track->number,
		.is_slot = row->kind == ROW_SLOT,
	};

	if (id.is_slot) {
		id.as_id = row->slot_track->as_id;
		id.id = row->slot_track->id;
	}
	return id;
}

static bool is_chosen(const struct screen *s, const struct row *row)
{
	struct row_id id = id_of(row);
	const struct row_id *chosen = &s->chosen;

	return id.vm == chosen->vm && id.is_slot == chosen->is_slot && id.as_id == chosen->as_id &&
	       id.id == chosen->id;
}

const struct row *overview_row(const struct screen *s)
{
	return s->at < s->view->nrows ? &s->view->rows[s->at] : NULL;
}

static void choose(struct screen *s, size_t at)
{
	if (!s->view->nrows) {
		s->at = 0;
		return;
	}
	s->at = at < s->view->nrows ? at : s->view->nrows - 1;
	s->chosen = id_of(&s->view->rows[s->at]);
}

/* The chosen row keeps chosen wherever it is now; what has gone leaves its place. */
void overview_find(struct screen *s)
{
	for (size_t i = 0; s->chosen.known && i < s->view->nrows; i++)
		if (is_chosen(s, &s->view->rows[i])) {
			s->at = i;
			return;
		}
	if (s->page == PAGE_SLOT)
		screen_open(s, PAGE_OVERVIEW);
	choose(s, s->at);
}

static void scroll_to_chosen(struct screen *s)
{
	size_t rows = page_rows();

	if (s->at < s->top)
		s->top = s->at;
	if (s->at >= s->top + rows)
		s->top = s->at - rows + 1;
	if (s->top + rows > s->view->nrows)
		s->top = s->view->nrows > rows ? s->view->nrows - rows : 0;
}

/* ---- Drawing ---- */

/* Which way it is sorted: colours do not say that, and there may be none. */
static const char *sort_mark(const struct screen *s)
{
	static const char *const marks[][2] = { { "^", "v" }, { "\u2191", "\u2193" } };

	return marks[terminal_utf8()][s->settings->descending];
}

/* The mark is behind the title, which may be in the gap after the column; where there is none, before it. */
static void draw_title(const struct screen *s, int x, unsigned int column, int width)
{
	enum ink ink = column == s->settings->sort ? INK_SELECTED : INK_HEADER;
	char title[CELL_LEN], padded[CELL_LEN + 8];
	int taken = (int)text_width(column_title(column, s->view->totals, title));
	bool left = column_is_left(column);

	snprintf(padded, sizeof(padded), "%*s", left ? -width : width, title);
	terminal_put(HEAD_LINES - 1, x, ink, padded);
	if (column != s->settings->sort)
		return;
	x += left ? taken : width;
	terminal_put(HEAD_LINES - 1, x < COLS ? x : x - taken - 1, ink, sort_mark(s));
}

static void draw_header(const struct screen *s)
{
	int x = 0;

	terminal_fill(HEAD_LINES - 1, 0, INK_HEADER);
	for (unsigned int i = 0; i < s->layout.n; i++) {
		draw_title(s, x, s->layout.v[i].column, (int)s->layout.v[i].width);
		x += (int)s->layout.v[i].width + 1;
	}
}

static enum ink cell_ink(const struct screen *s, const struct row *row, unsigned int column,
			 const char *cell)
{
	static const char *const dim[] = { "0", "-", "n/a", "...", "…" };

	for (size_t i = 0; i < sizeof(dim) / sizeof(dim[0]); i++)
		if (row->ended || !strcmp(cell, dim[i]))
			return INK_DIM;
	if (columns[column].kind == COLUMN_DRAWING)
		return INK_BAR;
	if (!strcmp(columns[column].key, "errors"))
		return INK_ERROR;
	(void)s;
	return row->kind == ROW_VM ? INK_VM : INK_PLAIN;
}

static void draw_row(const struct screen *s, int y, const struct row *row)
{
	bool chosen = row == overview_row(s);
	char cell[CELL_LEN];
	int x = 0;

	if (chosen)
		terminal_fill(y, 0, INK_SELECTED);
	for (unsigned int i = 0; i < s->layout.n; i++) {
		unsigned int column = s->layout.v[i].column, width = s->layout.v[i].width, taken;

		column_cell(s->view, row, column, terminal_utf8(), width, cell);
		text_clip(cell, width);
		taken = text_width(cell);
		terminal_put(y, x + (column_is_left(column) ? 0 : (int)(width - taken)),
			     chosen ? INK_SELECTED : cell_ink(s, row, column, cell), cell);
		x += (int)width + 1;
	}
}

static void draw_empty(const struct screen *s)
{
	const char *text = "No VM has used guest_memfd since the start.";

	if (s->view->nhidden)
		text = "All rows are hidden by the filter (f), or as idle (i).";
	terminal_put(HEAD_LINES + 1, 2, INK_PLAIN, text);
}

void overview_draw(struct screen *s)
{
	size_t rows = page_rows();

	layout_make(&s->layout, s->view, s->settings->columns, COLS, s->skip);
	scroll_to_chosen(s);
	draw_header(s);
	for (size_t i = 0; i < rows && s->top + i < s->view->nrows; i++)
		draw_row(s, (int)(HEAD_LINES + i), &s->view->rows[s->top + i]);
	if (!s->view->nrows)
		draw_empty(s);
}

/* ---- Keys ---- */

static void move_by(struct screen *s, long by)
{
	long at = (long)s->at + by;

	choose(s, at < 0 ? 0 : (size_t)at);
}

static void fold(struct screen *s)
{
	const struct row *row = overview_row(s);
	struct vm_track *vm;

	if (!row)
		return;
	vm = row->vm_track;
	vm->folded = !vm->folded;
	while (s->at && s->view->rows[s->at].kind != ROW_VM)
		s->at--;
	choose(s, s->at);
	screen_rows(s);
}

static void fold_all(struct screen *s)
{
	bool any = false;

	for (size_t i = 0; i < s->view->ntracks; i++)
		any |= !s->view->tracks[i]->folded;
	for (size_t i = 0; i < s->view->ntracks; i++)
		s->view->tracks[i]->folded = any;
	screen_rows(s);
}

void overview_sort(struct screen *s)
{
	screen_rows(s);
	screen_say(s, false, "sorted by %s, %s", columns[s->settings->sort].key,
		   s->settings->descending ? "descending" : "ascending");
}

/* Sort by the column that is shown @step places beside the one sorted by. */
static void sort_beside(struct screen *s, int step)
{
	unsigned int i = 0, n = s->layout.n;

	while (i < n && s->layout.v[i].column != s->settings->sort)
		i++;
	if (!n)
		return;
	i = i == n ? 0 : (i + n + step) % n;
	settings_sort(s->settings, s->layout.v[i].column);
	overview_sort(s);
}

static void reverse(struct screen *s)
{
	s->settings->descending = !s->settings->descending;
	overview_sort(s);
}

static bool row_has(const struct screen *s, const struct row *row, const char *text)
{
	char cell[CELL_LEN];

	for (unsigned int i = 0; i < s->layout.n; i++) {
		column_cell(s->view, row, s->layout.v[i].column, terminal_utf8(),
			    s->layout.v[i].width, cell);
		if (strcasestr(cell, text))
			return true;
	}
	return false;
}

void overview_search(struct screen *s)
{
	size_t n = s->view->nrows;

	for (size_t i = 1; s->search[0] && i <= n; i++)
		if (row_has(s, &s->view->rows[(s->at + i) % n], s->search)) {
			choose(s, (s->at + i) % n);
			return;
		}
	screen_say(s, true, "%s: not found", s->search);
}

static void sort_by_click(struct screen *s, int x)
{
	int left = 0;

	for (unsigned int i = 0; i < s->layout.n; i++) {
		left += (int)s->layout.v[i].width + 1;
		if (x >= left)
			continue;
		if (s->layout.v[i].column == s->settings->sort)
			s->settings->descending = !s->settings->descending;
		else
			settings_sort(s->settings, s->layout.v[i].column);
		overview_sort(s);
		return;
	}
}

static void click(struct screen *s)
{
	MEVENT mouse;
	size_t at;

	if (getmouse(&mouse) == ERR)
		return;
	if (mouse.bstate & BUTTON4_PRESSED)
		move_by(s, -3);
	else if (mouse.bstate & BUTTON5_PRESSED)
		move_by(s, 3);
	else if (mouse.y == HEAD_LINES - 1)
		sort_by_click(s, mouse.x);
	else if (mouse.y >= HEAD_LINES && mouse.y < LINES - 1) {
		at = s->top + mouse.y - HEAD_LINES;
		if (at == s->at)
			screen_open(s, PAGE_SLOT);
		else if (at < s->view->nrows)
			choose(s, at);
	}
}

static void key_up(struct screen *s)
{
	move_by(s, -1);
}
static void key_down(struct screen *s)
{
	move_by(s, 1);
}
static void key_page_up(struct screen *s)
{
	move_by(s, -(long)page_rows());
}
static void key_page_down(struct screen *s)
{
	move_by(s, (long)page_rows());
}
static void key_home(struct screen *s)
{
	choose(s, 0);
}
static void key_end(struct screen *s)
{
	choose(s, s->view->nrows);
}
static void key_left(struct screen *s)
{
	s->skip -= s->skip > 0;
}
static void key_right(struct screen *s)
{
	s->skip += s->layout.n > 2;
}
static void key_less(struct screen *s)
{
	sort_beside(s, -1);
}
static void key_greater(struct screen *s)
{
	sort_beside(s, 1);
}
static void key_search(struct screen *s)
{
	prompt_open(s, PROMPT_SEARCH);
}
static void key_filter(struct screen *s)
{
	prompt_open(s, PROMPT_FILTER);
}
static void key_columns(struct screen *s)
{
	screen_open(s, PAGE_COLUMNS);
}
static void key_sort(struct screen *s)
{
	screen_open(s, PAGE_SORT);
}

static void key_enter(struct screen *s)
{
	if (overview_row(s))
		screen_open(s, PAGE_SLOT);
}

static void key_idle(struct screen *s)
{
	s->settings->hide_idle = !s->settings->hide_idle;
	screen_say(s, false, "idle rows are %s", s->settings->hide_idle ? "hidden" : "shown");
	screen_rows(s);
}

void overview_key(struct screen *s, int key)
{
	static const struct {
		int key;
		void (*take)(struct screen *s);
	} keys[] = {
		{ KEY_UP, key_up },
		{ 'k', key_up },
		{ KEY_DOWN, key_down },
		{ 'j', key_down },
		{ KEY_PPAGE, key_page_up },
		{ KEY_NPAGE, key_page_down },
		{ KEY_HOME, key_home },
		{ KEY_END, key_end },
		{ KEY_LEFT, key_left },
		{ KEY_RIGHT, key_right },
		{ '<', key_less },
		{ '>', key_greater },
		{ 'r', reverse },
		{ '/', key_search },
		{ 'n', overview_search },
		{ 'f', key_filter },
		{ KEY_F(4), key_filter },
		{ 'c', key_columns },
		{ 's', key_sort },
		{ 'i', key_idle },
		{ 't', fold },
		{ 'T', fold_all },
		{ '\r', key_enter },
		{ '\n', key_enter },
		{ KEY_ENTER, key_enter },
		{ KEY_MOUSE, click },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].key == key) {
			keys[i].take(s);
			return;
		}
}
