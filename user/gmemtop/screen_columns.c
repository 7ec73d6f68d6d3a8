// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of columns: to choose those that are shown, or the one to sort by.
 */
#include "screen_state.h"

static unsigned int list_lines(void)
{
	return LINES - HEAD_LINES - 1;
}

void columns_draw(struct screen *s)
{
	unsigned int lines = list_lines(), first = 0;
	char line[256];

	if (s->column >= lines)
		first = s->column - lines + 1;
	terminal_fill(HEAD_LINES - 1, 0, INK_HEADER);
	terminal_put(HEAD_LINES - 1, 0, INK_HEADER,
		     s->page == PAGE_SORT ? "Sort by" : "Columns to show");
	for (unsigned int i = 0; i < lines && first + i < nr_columns; i++) {
		unsigned int column = first + i;
		bool on = s->page == PAGE_SORT ? column == s->settings->sort
					       : s->settings->columns >> column & 1;

		snprintf(line, sizeof(line), " [%c] %-18s  %-15s  %s", on ? 'x' : ' ',
			 columns[column].key, columns[column].title, columns[column].what);
		terminal_put((int)(HEAD_LINES + i), 0,
			     column == s->column ? INK_SELECTED : INK_PLAIN, line);
	}
}

static void choose(struct screen *s)
{
	if (s->page == PAGE_SORT) {
		settings_sort(s->settings, s->column);
		screen_open(s, PAGE_OVERVIEW);
		overview_sort(s);
	} else if (s->column) { /* the first is always there */
		s->settings->columns ^= 1ULL << s->column;
	}
}

static void move_by(struct screen *s, int by)
{
	int at = (int)s->column + by;

	s->column = at < 0 ? 0 : at >= (int)nr_columns ? nr_columns - 1 : (unsigned int)at;
}

void columns_key(struct screen *s, int key)
{
	switch (key) {
	case KEY_UP:
	case 'k':
		move_by(s, -1);
		break;
	case KEY_DOWN:
	case 'j':
		move_by(s, 1);
		break;
	case KEY_PPAGE:
		move_by(s, -(int)list_lines());
		break;
	case KEY_NPAGE:
		move_by(s, (int)list_lines());
		break;
	case KEY_HOME:
		s->column = 0;
		break;
	case KEY_END:
		s->column = nr_columns - 1;
		break;
	case ' ':
	case '\r':
	case '\n':
	case KEY_ENTER:
		choose(s);
		break;
	case 27:
	case 'c':
		screen_open(s, PAGE_OVERVIEW);
		break;
	default:
		break;
	}
}
