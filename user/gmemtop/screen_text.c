// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of text, and moving in them.
 */
#include <stdlib.h>
#include <string.h>
#include "screen_state.h"

#define FIRST_LINE (HEAD_LINES - 1) /* no header of columns */

static size_t page_lines(void)
{
	return LINES - FIRST_LINE - 1;
}

static struct page_context context_of(const struct screen *s, const struct text_style *style)
{
	return (struct page_context){
		.view = s->view,
		.row = overview_row(s),
		.totals = s->settings->totals,
		.event = s->event,
		.stack_events = s->source->stack_events,
		.style = style,
	};
}

static struct text_style page_style(void)
{
	return (struct text_style){
		.columns = COLS,
		.color = true, /* the terminal makes of it what it can */
		.utf8 = terminal_utf8(),
	};
}

/* Write the page anew. False when out of memory. */
static bool make_text(struct screen *s)
{
	static int (*const pages[])(FILE *, const struct page_context *) = {
		[PAGE_SLOT] = page_slot,
		[PAGE_HOOKS] = page_hooks,
		[PAGE_HELP] = page_help,
	};
	struct text_style style = page_style();
	struct page_context context = context_of(s, &style);
	size_t size;
	FILE *out;
	int err;

	free(s->text);
	s->text = NULL;
	out = open_memstream(&s->text, &size);
	if (!out)
		return false;
	err = pages[s->page](out, &context);
	return !fclose(out) && !err;
}

static void scroll_in_bounds(struct screen *s)
{
	size_t lines = page_lines();

	s->nlines = 0;
	for (const char *at = s->text; *at; at++)
		s->nlines += *at == '\n';
	if (s->scrolled + lines > s->nlines)
		s->scrolled = s->nlines > lines ? s->nlines - lines : 0;
}

void text_draw(struct screen *s)
{
	char *rest, *line;
	size_t n = 0;

	if (s->page == PAGE_SLOT && !overview_row(s))
		return;
	if (!make_text(s)) {
		terminal_put(FIRST_LINE, 0, INK_WARN, "out of memory");
		return;
	}
	scroll_in_bounds(s);
	for (rest = s->text; (line = strsep(&rest, "\n")) && n < s->scrolled + page_lines(); n++)
		if (n >= s->scrolled)
			terminal_put_colored((int)(FIRST_LINE + n - s->scrolled), 0, line);
}

static void other_event(struct screen *s, int step)
{
	struct text_style style = page_style();
	struct page_context context = context_of(s, &style);

	if (s->page == PAGE_SLOT && context.row)
		s->event = page_slot_event(&context, step);
}

void text_key(struct screen *s, int key)
{
	long by = 0;

	switch (key) {
	case KEY_UP:
	case 'k':
		by = -1;
		break;
	case KEY_DOWN:
	case 'j':
		by = 1;
		break;
	case KEY_PPAGE:
		by = -(long)page_lines();
		break;
	case KEY_NPAGE:
		by = (long)page_lines();
		break;
	case KEY_HOME:
		by = -(long)s->scrolled;
		break;
	case KEY_END:
		by = (long)s->nlines;
		break;
	case KEY_LEFT:
	case KEY_RIGHT:
		other_event(s, key == KEY_RIGHT ? 1 : -1);
		break;
	case 27:
	case '\r':
	case '\n':
	case KEY_ENTER:
	case KEY_BACKSPACE:
		screen_open(s, PAGE_OVERVIEW);
		break;
	default:
		break;
	}
	s->scrolled = (long)s->scrolled + by < 0 ? 0 : s->scrolled + by;
}
