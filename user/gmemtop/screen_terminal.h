/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal: taken, given back on every way out, and drawn on. With the other screen*.c the
 * only ones that know ncurses.
 */
#ifndef SCREEN_TERMINAL_H
#define SCREEN_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "base/problem.h"

enum ink {
	INK_PLAIN,
	INK_BOLD,
	INK_DIM,
	INK_HEADER,
	INK_SELECTED,
	INK_WARN,
	INK_GOOD,
	INK_VM,
	INK_BAR,
	INK_ERROR,
	INK_HOT,
	NR_INKS
};

/* 0, or -1 with @problem filled when there is none that can be used (EXIT_USAGE). Changes nothing. */
int terminal_check(struct problem *problem);

/* The same of one that was checked, and it is the screen's until terminal_close(). */
int terminal_open(struct problem *problem);

/* Give it back. Harmless when it was not taken, or twice. */
void terminal_close(void);

enum terminal_event { TERMINAL_KEY, TERMINAL_TIME, TERMINAL_END };

/*
 * Wait for a key, for the time @until_ns (CLOCK_MONOTONIC), or for what ends the program: a signal,
 * or that the terminal has gone away.
 */
enum terminal_event terminal_wait(__u64 until_ns);

/* The next key that was pressed, or ERR when there is none left. */
int terminal_key(void);

/* It was stopped and goes on, or somebody has written over it: all is to be drawn again. */
void terminal_redraw(void);

/* Write clean @text to line @y from column @x on, as far as there is room. The column after it. */
int terminal_put(int y, int x, enum ink ink, const char *text);

/* Fill the rest of the line from column @x on. */
void terminal_fill(int y, int x, enum ink ink);

/* The same as terminal_put() for text that has the colour codes of reports in it. */
void terminal_put_colored(int y, int x, const char *text);

bool terminal_utf8(void);
bool terminal_color(void);

#endif
