// SPDX-License-Identifier: GPL-2.0-only
/*
 * A check as a page: the verdict and its table, and of each event that was judged the latencies of all
 * base runs and of all new runs over each other, and their causes.
 */
#include <errno.h>
#include "html/html.h"
#include "html/html_event.h"
#include "model/events.h"
#include "report_check.h"

static const char *const names[] = { "base", "new" };

/* ---- The table ---- */

static const char *class_of(enum verdict verdict)
{
	static const char *const classes[] = {
		[VERDICT_FINE] = "",
		[VERDICT_IMPROVED] = "good",
		[VERDICT_INCONCLUSIVE] = "doubt",
		[VERDICT_REGRESSION] = "warn",
	};

	return classes[verdict];
}

static void put_row(FILE *out, const struct check_result *result, const struct check_row *row)
{
	struct check_words words = check_words(row, true);

	fputs("<tr><th>", out);
	html_text(out, words.rule);
	fputs("</th>", out);
	for (int column = 1; column < CHECK_COLUMNS - 1; column++) {
		if (!check_has_column(result, column))
			continue;
		fprintf(out, "<td data-h=\"%s\">", check_headings[column]);
		html_text(out, check_cell(&words, column));
		fputs("</td>", out);
	}
	fprintf(out, "<td><span class=\"%s\">%s</span>%s", class_of(row->verdict), words.verdict,
		*words.why ? ": " : "");
	html_text(out, words.why);
	fputs("</td></tr>\n", out);
}

static void put_table(FILE *out, const struct check_result *result)
{
	fputs("<table class=\"e\"><thead><tr>", out);
	for (int column = 0; column < CHECK_COLUMNS; column++)
		if (check_has_column(result, column))
			fprintf(out, "<th>%s</th>", check_headings[column]);
	fputs("</tr></thead><tbody>\n", out);
	for (size_t i = 0; i < result->nrows; i++)
		put_row(out, result, &result->rows[i]);
	fputs("</tbody></table>\n", out);
}

/* ---- Latencies ---- */

/* What all runs of one side counted of @event at @place. 0 or -ENOMEM. */
static int add_runs(struct event_count *to, const struct check_run *runs, size_t n,
		    const struct place *place, int event)
{
	int err = 0;

	to->event = event;
	for (size_t i = 0; i < n && !err; i++) {
		struct place_counts counts;

		err = place_counts_read(&counts, place, runs[i].capture);
		if (!err && counts.totals.v[event].count)
			err = event_count_add(to, &counts.totals.v[event]);
		place_counts_free(&counts);
	}
	return err;
}

static void put_sides(FILE *out, const struct place *place, const struct event_count sides[2])
{
	char name[PLACE_LEN];

	fputs("<div>\n", out);
	html_element(out, "p", "%s, %s", place_name(name, place, true),
		     event_descs[sides[0].event].name);
	html_latency(out, &sides[0], &sides[1], names);
	for (int i = 0; i < 2; i++)
		html_causes(out, &sides[i], names[i]);
	fputs("</div>\n", out);
}

static int put_figure(FILE *out, const struct check_input *input, const struct check_row *row)
{
	int event = row->rule->metric.event;
	struct event_count sides[2] = {};
	int err = add_runs(&sides[0], input->base, input->nbase, row->place, event)
			  ?: add_runs(&sides[1], input->new, input->nnew, row->place, event);

	if (!err && (sides[0].count || sides[1].count))
		put_sides(out, row->place, sides);
	event_count_free(&sides[0]);
	event_count_free(&sides[1]);
	return err;
}

/* Whether a row before has the same event at the same place, or this one is of none. */
static bool is_done(const struct check_result *result, size_t at)
{
	const struct check_row *row = &result->rows[at];

	if (row->rule->metric.event < 0)
		return true;
	for (size_t i = 0; i < at; i++)
		if (result->rows[i].place == row->place &&
		    result->rows[i].rule->metric.event == row->rule->metric.event)
			return true;
	return false;
}

/* At most so many; the table has all. */
static int put_figures(FILE *out, const struct check_result *result)
{
	size_t n = 0, left_out = 0;
	int err = 0;

	html_element(out, "h2", "All runs of each side together");
	fputs("<div class=\"g\">\n", out);
	for (size_t i = 0; i < result->nrows && !err; i++) {
		if (is_done(result, i))
			continue;
		if (n++ < HTML_CHARTED_PLACES)
			err = put_figure(out, result->input, &result->rows[i]);
		else
			left_out++;
	}
	fputs("</div>\n", out);
	if (left_out)
		html_element(out, "p", "Of %zu more there is no figure.", left_out);
	return err;
}

/* ---- The whole ---- */

static void put_head(FILE *out, const struct check_result *result)
{
	char line[CHECK_TITLE_LEN];

	html_element(out, "h1", "gmemtrace check");
	fprintf(out, "<p class=\"%s\">", class_of(result->verdict));
	html_text(out, check_summary(line, result));
	fputs("</p>\n", out);
	html_element(out, "p", "%s", check_title(line, result, true));
	if (*check_levels(line, result))
		html_element(out, "p", "%s", line);
	for (size_t i = 0; i < result->nwarnings; i++)
		html_element(out, "p class=\"warn\"", "Warning: %s", result->warnings[i]);
	if (*check_advice(line, result))
		html_element(out, "p", "%s", line);
}

static void put_runs(FILE *out, const struct check_run *runs, size_t n, const char *side)
{
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "<tr><td>%s</td><td>", side);
		html_text(out, runs[i].name);
		fputs("</td><td>Linux ", out);
		html_text(out, runs[i].capture->kernel);
		fprintf(out, "</td><td>%.3f s</td></tr>\n",
			(double)runs[i].capture->duration_ns / 1e9);
	}
}

int report_check_html(FILE *out, const struct check_result *result, const struct text_style *style)
{
	const struct check_input *input = result->input;
	int err = 0;

	(void)style;
	html_begin(out, "gmemtrace check");
	put_head(out, result);
	if (result->nrows) {
		put_table(out, result);
		err = put_figures(out, result);
	}
	html_element(out, "h2", "Runs");
	fputs("<table class=\"w\"><tbody>\n", out);
	put_runs(out, input->base, input->nbase, names[0]);
	put_runs(out, input->new, input->nnew, names[1]);
	fputs("</tbody></table>\n", out);
	html_end(out);
	return err;
}
