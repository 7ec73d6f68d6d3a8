// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks the terminal, the locale and the environment (TERM, NO_COLOR).
 */
#include "text_style.h"
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct text_style text_style_of(FILE *out)
{
	const char *term = getenv("TERM") ?: "", *no_color = getenv("NO_COLOR");
	struct text_style style = { .columns = 80 };
	struct winsize size;

	style.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (!isatty(fileno(out)))
		return style;
	if (!ioctl(fileno(out), TIOCGWINSZ, &size) && size.ws_col > style.columns)
		style.columns = size.ws_col;
	style.color = strcmp(term, "dumb") && !(no_color && *no_color);
	return style;
}
