// SPDX-License-Identifier: GPL-2.0-only
/*
 * The line at the bottom where one writes a search or a filter.
 */
#include <string.h>
#include "base/text.h"
#include "screen_state.h"

void prompt_open(struct screen *s, enum prompt prompt)
{
	s->prompt = prompt;
	strcpy(s->input, prompt == PROMPT_FILTER ? s->settings->filter.text : "");
}

void prompt_draw(struct screen *s)
{
	char clean[4 * FILTER_LEN];
	int x = terminal_put(LINES - 1, 0, INK_BOLD,
			     s->prompt == PROMPT_FILTER ? "Filter: " : "Search: ");

	text_clean(clean, sizeof(clean), s->input, strlen(s->input), terminal_utf8());
	x = terminal_put(LINES - 1, x, INK_PLAIN, clean);
	terminal_put(LINES - 1, x, INK_SELECTED, " ");
	if (!s->message[0])
		return;
	terminal_fill(LINES - 2, 0, INK_WARN);
	terminal_put(LINES - 2, 0, INK_WARN, s->message);
}

/* The last character may have several bytes. */
static void rub_out(char *text)
{
	size_t len = strlen(text);

	while (len && (text[len - 1] & 0xc0) == 0x80)
		len--;
	text[len ? len - 1 : 0] = 0;
}

static void accept_input(struct screen *s)
{
	char why[192], clean[256];

	if (s->prompt == PROMPT_SEARCH) {
		strcpy(s->search, s->input);
		s->prompt = PROMPT_NONE;
		overview_search(s);
	} else if (filter_parse(s->input, &s->settings->filter, why, sizeof(why))) {
		/* It stays open, to be mended. */
		screen_say(s, true, "%s",
			   text_clean(clean, sizeof(clean), why, strlen(why), terminal_utf8()));
	} else {
		s->prompt = PROMPT_NONE;
		screen_rows(s);
	}
}

void prompt_key(struct screen *s, int key)
{
	size_t len = strlen(s->input);

	if (key == 27 || key == CTRL('G'))
		s->prompt = PROMPT_NONE;
	else if (key == '\r' || key == '\n' || key == KEY_ENTER)
		accept_input(s);
	else if (key == KEY_BACKSPACE || key == 127 || key == '\b')
		rub_out(s->input);
	else if (key == CTRL('U'))
		s->input[0] = 0;
	else if (key >= ' ' && key < 256 && len + 1 < sizeof(s->input)) {
		s->input[len] = (char)key;
		s->input[len + 1] = 0;
	}
}
