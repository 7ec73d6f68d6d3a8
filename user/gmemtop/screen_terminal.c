// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking the terminal and giving it back. A crash gives it back, too: what is to be written then is
 * prepared beforehand, since in a signal handler there is not much that may be called.
 */
#include "screen_terminal.h"
#include <errno.h>
#include <langinfo.h>
#define NCURSES_NOMACROS
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/text.h"
/* The last, since it defines short names such as columns. */
#include <term.h>

static volatile sig_atomic_t ended, continued;
static struct termios before;
static char restore[256]; /* what a crash writes */
static size_t restore_len;
static bool is_open;
static SCREEN *screen;
static unsigned int fruitless; /* waits for input that have brought no key */
static attr_t inks[NR_INKS];

#define FRUITLESS_MAX 3

/* ---- Signals ---- */

static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
static const int end_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void on_crash(int number)
{
	if (is_open) {
		(void)!write(STDOUT_FILENO, restore, restore_len);
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	}
	raise(number); /* SA_RESETHAND: as if we had never been here */
}

static void on_end(int number)
{
	ended = number;
}

static void on_continue(int number)
{
	continued = number;
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

static void handle_signals(void)
{
	static char stack[16384]; /* a crash may be for want of stack */
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	sigset_t set;

	sigaltstack(&other, NULL);
	for (size_t i = 0; i < sizeof(crash_signals) / sizeof(crash_signals[0]); i++)
		handle(crash_signals[i], on_crash, SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
	handle(SIGCONT, on_continue, SA_RESTART);
	/* Those are let in while waiting only, so that none comes a moment too early. */
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(end_signals) / sizeof(end_signals[0]); i++) {
		handle(end_signals[i], on_end, 0);
		sigaddset(&set, end_signals[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* ---- Taking and giving back ---- */

static int keep(int c)
{
	if (restore_len < sizeof(restore))
		restore[restore_len++] = (char)c;
	return c;
}

static void keep_capability(const char *string)
{
	if (string)
		tputs(string, 1, keep);
}

static void prepare_restore(void)
{
	static const char mouse_off[] = "\033[?1006l\033[?1000l";

	if (key_mouse)
		for (const char *c = mouse_off; *c; c++)
			keep(*c);
	keep_capability(exit_attribute_mode);
	keep_capability(keypad_local);
	keep_capability(cursor_normal);
	keep_capability(exit_ca_mode);
}

/* Terminals with few colours, or none, have other means. */
static void choose_inks(void)
{
	static const struct {
		attr_t plain; /* without colours */
		attr_t with;
		short foreground, background;
	} looks[NR_INKS] = {
		[INK_BOLD] = { A_BOLD, A_BOLD, -1, -1 },
		[INK_DIM] = { A_DIM, A_DIM, -1, -1 },
		[INK_HEADER] = { A_REVERSE, 0, COLOR_BLACK, COLOR_GREEN },
		[INK_SELECTED] = { A_REVERSE, 0, COLOR_BLACK, COLOR_CYAN },
		[INK_WARN] = { A_REVERSE | A_BOLD, A_BOLD, COLOR_WHITE, COLOR_RED },
		[INK_GOOD] = { 0, 0, COLOR_GREEN, -1 },
		[INK_VM] = { A_BOLD, A_BOLD, COLOR_CYAN, -1 },
		[INK_BAR] = { 0, 0, COLOR_CYAN, -1 },
		[INK_ERROR] = { A_BOLD, 0, COLOR_YELLOW, -1 },
		[INK_HOT] = { 0, 0, COLOR_RED, -1 },
	};
	bool color = terminal_color();

	if (color) {
		start_color();
		use_default_colors();
	}
	for (int i = 1; i < NR_INKS; i++) {
		inks[i] = color ? looks[i].with : looks[i].plain;
		if (color && (looks[i].foreground >= 0 || looks[i].background >= 0)) {
			init_pair((short)i, looks[i].foreground, looks[i].background);
			inks[i] |= COLOR_PAIR(i);
		}
	}
}

static int no_terminal(struct problem *problem, const char *what)
{
	return problem_set(problem, EXIT_USAGE, "%s. Use -b to print tables", what);
}

static int unknown_terminal(struct problem *problem)
{
	const char *name = getenv("TERM") ?: "";
	char what[160], term[96];

	text_clean(term, sizeof(term), name, strlen(name), false);
	snprintf(what, sizeof(what), "TERM=%s: no terminal that is known", term);
	return no_terminal(problem, what);
}

int terminal_check(struct problem *problem)
{
	int err;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return no_terminal(problem, "standard input or output: not a terminal");
	if (setupterm(NULL, STDOUT_FILENO, &err) == ERR)
		return unknown_terminal(problem);
	del_curterm(cur_term);
	return 0;
}

int terminal_open(struct problem *problem)
{
	tcgetattr(STDIN_FILENO, &before);
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return unknown_terminal(problem);
	set_term(screen);
	prepare_restore();
	is_open = true;
	handle_signals();
	choose_inks();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED |
			  BUTTON5_PRESSED,
		  NULL);
	mouseinterval(0);
	return 0;
}

void terminal_close(void)
{
	if (!is_open)
		return;
	endwin();
	is_open = false;
	delscreen(screen);
}

/* ---- Waiting ---- */

void terminal_redraw(void)
{
	struct winsize size;

	/* It may have another size by now. */
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col &&
	    (size.ws_row != LINES || size.ws_col != COLS))
		resizeterm(size.ws_row, size.ws_col);
	clearok(curscr, TRUE);
}

enum terminal_event terminal_wait(__u64 until_ns)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	__u64 now_ns = clock_ns(CLOCK_MONOTONIC);
	__u64 left = until_ns > now_ns ? until_ns - now_ns : 0;
	struct timespec timeout = { left / NS_PER_S, left % NS_PER_S };
	sigset_t none;
	int n;

	sigemptyset(&none);
	n = ended ? -1 : ppoll(&input, 1, &timeout, &none);
	if (ended || (n > 0 && input.revents & (POLLERR | POLLHUP | POLLNVAL)))
		return TERMINAL_END;
	if (continued) {
		continued = 0;
		terminal_redraw();
		return TERMINAL_KEY;
	}
	/* Input without a key, again and again, is the end of input. */
	if (n > 0 && ++fruitless > FRUITLESS_MAX)
		return TERMINAL_END;
	/* EINTR is a change of size: a key of its own. */
	return n ? TERMINAL_KEY : TERMINAL_TIME;
}

int terminal_key(void)
{
	int key = getch();

	if (key != ERR)
		fruitless = 0;
	return key;
}

/* ---- Drawing ---- */

bool terminal_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

bool terminal_color(void)
{
	const char *no_color = getenv("NO_COLOR");

	/* COLORS is not set before start_color(). */
	return has_colors() && max_colors >= 8 && !(no_color && *no_color);
}

int terminal_put(int y, int x, enum ink ink, const char *text)
{
	char clipped[1024];
	int room = COLS - x;

	if (y < 0 || y >= LINES || room <= 0)
		return x;
	snprintf(clipped, sizeof(clipped), "%s", text);
	if ((int)text_width(clipped) > room)
		text_clip(clipped, room);
	attrset(inks[ink]);
	mvaddstr(y, x, clipped);
	attrset(0);
	return x + (int)text_width(clipped);
}

void terminal_fill(int y, int x, enum ink ink)
{
	if (y < 0 || y >= LINES || x >= COLS)
		return;
	attrset(inks[ink]);
	mvhline(y, x, ' ' | inks[ink], COLS - x);
	attrset(0);
}

/* The ink that a code of a report stands for: "\033[1;31m". */
static enum ink code_ink(const char *code, size_t len)
{
	static const struct {
		const char *code;
		enum ink ink;
	} codes[] = {
		{ "1", INK_BOLD },   { "2", INK_DIM },	{ "1;31", INK_WARN }, { "32", INK_GOOD },
		{ "33", INK_ERROR }, { "36", INK_BAR }, { "31", INK_HOT },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strlen(codes[i].code) == len && !memcmp(codes[i].code, code, len))
			return codes[i].ink;
	return INK_PLAIN;
}

void terminal_put_colored(int y, int x, const char *text)
{
	enum ink ink = INK_PLAIN;
	char part[1024];

	while (*text) {
		size_t len = strcspn(text, "\033");

		snprintf(part, sizeof(part), "%.*s", (int)len, text);
		if (len)
			x = terminal_put(y, x, ink, part);
		text += len;
		if (*text && text[1] == '[') {
			len = strcspn(text, "m");
			ink = code_ink(text + 2, len - 2);
			text += len + (text[len] == 'm');
		} else if (*text) {
			text++;
		}
	}
}
