/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the screen share. Private to screen*.c.
 */
#ifndef SCREEN_STATE_H
#define SCREEN_STATE_H

#define NCURSES_NOMACROS /* refresh() and others */
#include <ncurses.h>
#include "screen_terminal.h"
#include "screen.h"
#include "view_layout.h"
#include "view_pages.h"

#define HEAD_LINES 4 /* title, sums, losses, header */
#define MIN_LINES 8
#define MIN_COLUMNS 40

#define CTRL(letter) ((letter)&0x1f)

/* A row, wherever it is. */
struct row_id {
	bool known; /* false: there is none */
	__u32 vm; /* its number */
	bool is_slot;
	__u16 as_id;
	__s16 id;
};

enum page { PAGE_OVERVIEW, PAGE_SLOT, PAGE_HOOKS, PAGE_HELP, PAGE_COLUMNS, PAGE_SORT };

enum prompt { PROMPT_NONE, PROMPT_SEARCH, PROMPT_FILTER };

struct screen {
	const struct screen_source *source;
	struct view *view;
	struct view_settings *settings;
	struct problem *problem;
	enum page page;
	bool done, failed, paused;
	__u64 next_ns; /* the next refresh */
	__u64 left; /* refreshes; 0: without end */

	/* The overview. */
	struct layout layout;
	unsigned int skip; /* columns that are scrolled away */
	struct row_id chosen;
	size_t at, top; /* rows: the chosen one, the first on the screen */

	/* Pages of text. */
	char *text; /* of the page; owned */
	size_t scrolled, nlines;
	int event; /* of the slot page */

	/* The list of columns. */
	unsigned int column;

	enum prompt prompt;
	char input[FILTER_LEN];
	char search[FILTER_LEN];
	char message[256]; /* until the next key */
	bool message_is_bad;
};

/* Say @format in the last line. */
void screen_say(struct screen *s, bool bad, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Make the rows anew after something was changed, and find the chosen one again. */
void screen_rows(struct screen *s);

/* Go to another page. */
void screen_open(struct screen *s, enum page page);

void overview_draw(struct screen *s);
void overview_key(struct screen *s, int key);
void overview_find(struct screen *s); /* the chosen row */
void overview_search(struct screen *s); /* the next row with s->search in it */
void overview_sort(struct screen *s); /* as the settings now say, and say so */
const struct row *overview_row(const struct screen *s); /* the chosen one; NULL without rows */

void text_draw(struct screen *s);
void text_key(struct screen *s, int key);

void columns_draw(struct screen *s);
void columns_key(struct screen *s, int key);

void prompt_open(struct screen *s, enum prompt prompt);
void prompt_draw(struct screen *s);
void prompt_key(struct screen *s, int key);

#endif
