// SPDX-License-Identifier: GPL-2.0-only
/*
 * The screen as a whole: waiting, keys that are good everywhere, the head and the last line.
 */
#include "screen.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/text.h"
#include "screen_state.h"

#define TITLE_COLUMNS 12 /* that are left to it, whatever the filter */

void screen_say(struct screen *s, bool bad, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->message, sizeof(s->message), format, args);
	va_end(args);
	s->message_is_bad = bad;
}

static void out_of_memory(struct screen *s)
{
	problem_memory(s->problem, "show what was counted");
	s->failed = s->done = true;
}

void screen_rows(struct screen *s)
{
	if (view_rows(s->view, s->settings))
		out_of_memory(s);
	else
		overview_find(s);
}

void screen_open(struct screen *s, enum page page)
{
	if ((s->page == PAGE_HOOKS) != (page == PAGE_HOOKS))
		s->source->count_runs(s->source->ctx, page == PAGE_HOOKS);
	s->page = page;
	s->scrolled = 0;
	s->column = page == PAGE_SORT ? s->settings->sort : 0;
	s->event = -1;
}

/* ---- Drawing ---- */

/* What the rows leave out and why they stand still goes before where this is. */
static void draw_top(struct screen *s, bool utf8)
{
	static const char paused[] = " PAUSED ";
	char text[HEAD_LEN], filter[HEAD_LEN] = "filter ";
	size_t word = strlen(filter);
	unsigned int room = COLS;
	int x;

	text_clean(filter + word, sizeof(filter) - word, s->settings->filter.text, FILTER_LEN,
		   utf8);
	if (s->paused)
		room -= 2 + strlen(paused);
	if (s->settings->filter.n)
		room -= 2 + text_width(filter) < room - TITLE_COLUMNS ? 2 + text_width(filter)
								      : room - TITLE_COLUMNS;
	head_title(s->view, s->settings, &s->source->machine, utf8, text);
	text_clip(text, room);
	x = terminal_put(0, 0, INK_BOLD, text);
	if (s->paused)
		x = terminal_put(0, x + 2, INK_WARN, paused);
	if (s->settings->filter.n)
		terminal_put(0, x + 2, INK_ERROR, filter);
}

static void draw_head(struct screen *s)
{
	bool utf8 = terminal_utf8();
	char text[HEAD_LEN];
	bool lost;
	int x;

	draw_top(s, utf8);
	head_totals(s->view, utf8, COLS, text);
	terminal_put(1, 0, INK_PLAIN, text);
	lost = head_loss(s->view, text);
	x = terminal_put(2, 0, lost ? INK_WARN : INK_GOOD, text);
	if (lost)
		terminal_fill(2, x, INK_WARN);
	terminal_put(2, x + 2, lost ? INK_WARN : INK_BOLD, head_inventory(s->view, text));
}

static void draw_foot(struct screen *s)
{
	static const char *const hints[] = {
		[PAGE_OVERVIEW] =
			"h Help  Enter Slot  f Filter  s Sort  c Columns  a Totals  H Hooks  q",
		[PAGE_SLOT] = "Esc Back  Left/Right Event  a Totals  Space Pause  h Help  q Quit",
		[PAGE_HOOKS] = "Esc Back  h Help  q Quit",
		[PAGE_HELP] = "Esc Back  q Quit",
		[PAGE_COLUMNS] = "Space Choose  Esc Back  q Quit",
		[PAGE_SORT] = "Enter Choose  Esc Back  q Quit",
	};
	enum ink ink = s->message_is_bad ? INK_WARN : INK_BOLD;

	if (s->prompt)
		prompt_draw(s);
	else if (s->message[0])
		terminal_put(LINES - 1, 0, ink, s->message);
	else
		terminal_put(LINES - 1, 0, INK_DIM, hints[s->page]);
}

static void draw_too_small(void)
{
	char text[64];

	snprintf(text, sizeof(text), "%dx%d is too small", COLS, LINES);
	terminal_put(0, 0, INK_BOLD, text);
	snprintf(text, sizeof(text), "%dx%d is needed", MIN_COLUMNS, MIN_LINES);
	terminal_put(1, 0, INK_PLAIN, text);
}

static void draw(struct screen *s)
{
	static void (*const pages[])(struct screen *) = {
		[PAGE_OVERVIEW] = overview_draw, [PAGE_SLOT] = text_draw,
		[PAGE_HOOKS] = text_draw,	 [PAGE_HELP] = text_draw,
		[PAGE_COLUMNS] = columns_draw,	 [PAGE_SORT] = columns_draw,
	};

	erase();
	if (LINES < MIN_LINES || COLS < MIN_COLUMNS) {
		draw_too_small();
	} else {
		draw_head(s);
		pages[s->page](s);
		draw_foot(s);
	}
	refresh();
}

/* ---- Keys ---- */

static void set_interval(struct screen *s, int step)
{
	static const __u64 tenths[] = { 1, 2, 5, 10, 20, 50, 100, 300, 600 };
	const int n = sizeof(tenths) / sizeof(tenths[0]);
	__u64 now = s->settings->interval_ns / (NS_PER_S / 10);
	int i = 0;

	while (i < n - 1 && tenths[i] < now)
		i++;
	if (step < 0 || tenths[i] == now)
		i += step;
	i = i < 0 ? 0 : i >= n ? n - 1 : i;
	s->settings->interval_ns = tenths[i] * (NS_PER_S / 10);
	s->next_ns = clock_ns(CLOCK_MONOTONIC) + s->settings->interval_ns;
	screen_say(s, false, "every %gs", (double)s->settings->interval_ns / NS_PER_S);
}

static void save(struct screen *s)
{
	struct problem problem;
	char clean[256];

	if (!s->source->config) {
		screen_say(s, true, "no home directory: set HOME or XDG_CONFIG_HOME");
	} else if (settings_write(s->settings, s->source->config, &problem)) {
		screen_say(s, true, "%s", problem.text);
	} else {
		text_clean(clean, sizeof(clean), s->source->config, strlen(s->source->config),
			   terminal_utf8());
		screen_say(s, false, "kept in %s", clean);
	}
}

static void pause_or_go_on(struct screen *s)
{
	s->paused = !s->paused;
	if (!s->paused)
		s->next_ns = 0; /* what has happened meanwhile at once */
}

/* True when @key is one that is good everywhere. */
static bool common_key(struct screen *s, int key)
{
	switch (key) {
	case 'q':
	case KEY_F(10):
		s->done = true;
		return true;
	case 'h':
	case '?':
	case KEY_F(1):
		screen_open(s, PAGE_HELP);
		return true;
	case 'H':
		screen_open(s, PAGE_HOOKS);
		return true;
	case '+':
	case '-':
		set_interval(s, key == '+' ? 1 : -1);
		return true;
	case 'a':
		s->settings->totals = !s->settings->totals;
		screen_rows(s);
		screen_say(s, false, s->settings->totals ? "totals" : "rates of the last interval");
		return true;
	case 'z':
		view_zero(s->view);
		screen_rows(s);
		screen_say(s, false, "totals begin now");
		return true;
	case 'w':
		save(s);
		return true;
	case CTRL('L'):
		terminal_redraw();
		return true;
	default:
		return false;
	}
}

static void take_key(struct screen *s, int key)
{
	static void (*const pages[])(struct screen *, int) = {
		[PAGE_OVERVIEW] = overview_key, [PAGE_SLOT] = text_key,
		[PAGE_HOOKS] = text_key,	[PAGE_HELP] = text_key,
		[PAGE_COLUMNS] = columns_key,	[PAGE_SORT] = columns_key,
	};

	if (key == KEY_RESIZE)
		return;
	s->message[0] = 0;
	if (s->prompt)
		prompt_key(s, key);
	else if (!common_key(s, key)) {
		if (key == ' ' && s->page != PAGE_COLUMNS)
			pause_or_go_on(s);
		else
			pages[s->page](s, key);
	}
}

/* ---- Time ---- */

static void update(struct screen *s)
{
	__u64 now_ns = clock_ns(CLOCK_MONOTONIC);

	if (now_ns < s->next_ns || s->paused)
		return;
	if (s->source->refresh(s->source->ctx, s->problem)) {
		s->failed = s->done = true;
		return;
	}
	screen_rows(s);
	s->next_ns += s->settings->interval_ns;
	if (s->next_ns < now_ns) /* we are late: no hurry to catch up */
		s->next_ns = now_ns + s->settings->interval_ns;
	if (s->left && !--s->left)
		s->done = true;
}

/* The clock in the head goes on while the screen is paused. */
static __u64 wake_ns(const struct screen *s)
{
	return s->paused ? clock_ns(CLOCK_MONOTONIC) + NS_PER_S : s->next_ns;
}

static void loop(struct screen *s)
{
	enum terminal_event event;
	int key;

	while (!s->done) {
		draw(s);
		event = terminal_wait(wake_ns(s));
		if (event == TERMINAL_END)
			return;
		while (!s->done && (key = terminal_key()) != ERR)
			take_key(s, key);
		if (!s->done)
			update(s);
	}
}

int screen_check(struct problem *problem)
{
	return terminal_check(problem);
}

int screen_run(const struct screen_source *source, struct problem *problem)
{
	struct screen s = {
		.source = source,
		.view = source->view,
		.settings = source->settings,
		.problem = problem,
		.next_ns = clock_ns(CLOCK_MONOTONIC) + source->settings->interval_ns,
		.left = source->count,
		.event = -1,
	};

	if (terminal_open(problem))
		return -1;
	screen_rows(&s);
	loop(&s);
	terminal_close();
	free(s.text);
	return s.failed ? -1 : 0;
}
