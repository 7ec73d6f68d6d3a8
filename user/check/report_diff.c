// SPDX-License-Identifier: GPL-2.0-only
/*
 * The formats of a diff, and the one for people: a line for each number, both sides and the change.
 */
#include "report_diff.h"
#include <string.h>
#include "base/text.h"
#include "model/events.h"

static const struct {
	const char *name;
	diff_writer *write;
} formats[] = {
	{ "text", report_diff_text },
	{ "json", report_diff_json },
	{ "html", report_diff_html },
};

#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))

diff_writer *report_diff(const char *format)
{
	for (size_t i = 0; i < NR_FORMATS; i++)
		if (!strcmp(formats[i].name, format))
			return formats[i].write;
	return NULL;
}

const char *report_diff_formats(void)
{
	static char names[40];

	names[0] = 0;
	for (size_t i = 0; i < NR_FORMATS; i++)
		text_list_add(names, sizeof(names), formats[i].name);
	return names;
}

const char *report_diff_differs(char buf[DIFF_DIFFERS_LEN], const struct diff *diff)
{
	buf[0] = 0;
	for (size_t i = 0; i < diff->nfacts; i++)
		if (diff->facts[i].differs)
			text_list_add(buf, DIFF_DIFFERS_LEN, diff->facts[i].name);
	if (!buf[0])
		snprintf(buf, DIFF_DIFFERS_LEN, "nothing that is known");
	return buf;
}

/* ---- Text ---- */

#define NAME_WIDTH 34
#define FACT_WIDTH 12

static void put_name(FILE *out, const struct text_style *style, const char *name)
{
	fprintf(out, "%s%s%s", style->color ? "\033[1m" : "", name, style->color ? "\033[0m" : "");
}

static void put_fact(FILE *out, const struct diff_fact *fact, const struct text_style *style)
{
	unsigned int room = style->columns > 80 ? style->columns : 80;
	char text[4 * DIFF_FACT_LEN + 1];

	for (int s = 0; s < DIFF_SIDES; s++) {
		text_clean(text, sizeof(text), fact->text[s], DIFF_FACT_LEN, style->utf8);
		text_clip(text, room - FACT_WIDTH - 3);
		fprintf(out, "%-*s %c %s\n", FACT_WIDTH, s ? "" : fact->name, s ? 'B' : 'A', text);
	}
}

static void put_head(FILE *out, const struct diff *diff, const struct text_style *style)
{
	char differs[DIFF_DIFFERS_LEN];

	fprintf(out, "%-*s %s\n", FACT_WIDTH, "differs in", report_diff_differs(differs, diff));
	for (size_t i = 0; i < diff->nfacts; i++)
		put_fact(out, &diff->facts[i], style);
}

/* A column wider in bytes than on the screen: the micro sign. */
static void put_cell(FILE *out, const char *text, unsigned int width)
{
	unsigned int taken = text_width(text);

	fprintf(out, "%*s%s", width > taken ? (int)(width - taken) : 1, "", text);
}

static void put_line(FILE *out, const struct diff_line *line, const struct text_style *style)
{
	char text[NUMBER_LEN], change[DIFF_CHANGE_LEN];

	fprintf(out, "    %-*s", NAME_WIDTH - 4, line->name);
	for (int s = 0; s < DIFF_SIDES; s++)
		put_cell(out, measure_text(text, line->unit, &line->side[s], style->utf8), 16);
	put_cell(out, diff_change(change, line), 12);
	fputc('\n', out);
}

static void put_place(FILE *out, const struct diff_place *place, const struct text_style *style)
{
	char name[DIFF_PLACE_LEN];
	int pad;

	diff_place_name(name, place, style->utf8);
	pad = (int)text_width(name) < NAME_WIDTH ? NAME_WIDTH - (int)text_width(name) : 0;
	fputc('\n', out);
	put_name(out, style, name);
	fprintf(out, "%*s%16s%16s%12s\n", pad, "", "A", "B", "change");
	for (size_t i = 0; i < place->nevents; i++) {
		const struct diff_event *event = &place->events[i];

		fprintf(out, "  %s\n", event_descs[event->event].name);
		for (size_t j = 0; j < event->nlines; j++)
			put_line(out, &event->lines[j], style);
	}
}

int report_diff_text(FILE *out, const struct diff *diff, const struct text_style *style)
{
	put_head(out, diff, style);
	if (!diff->nplaces)
		fputs("\nNo event was seen in either.\n", out);
	for (size_t i = 0; i < diff->nplaces; i++)
		put_place(out, &diff->places[i], style);
	return 0;
}
