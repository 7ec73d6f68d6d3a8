// SPDX-License-Identifier: GPL-2.0-only
/*
 * The formats of a check as a table, what they share, and the two that are tables themselves.
 */
#include "report_check.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

static const struct {
	const char *name;
	check_writer *write;
} formats[] = {
	{ "text", report_check_text },	   { "markdown", report_check_markdown },
	{ "json", report_check_json },	   { "junit", report_check_junit },
	{ "github", report_check_github }, { "html", report_check_html },
};

#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))

static check_writer *find_format(const char *name)
{
	for (size_t i = 0; i < NR_FORMATS; i++)
		if (!strcmp(formats[i].name, name))
			return formats[i].write;
	return NULL;
}

bool report_check_has_format(const char *format)
{
	return find_format(format);
}

const char *report_check_formats(void)
{
	static char names[80];

	names[0] = 0;
	for (size_t i = 0; i < NR_FORMATS; i++)
		text_list_add(names, sizeof(names), formats[i].name);
	return names;
}

int report_check(FILE *out, const char *format, const struct check_result *result,
		 const struct text_style *style)
{
	check_writer *write = find_format(format);
	int err = write ? write(out, result, style) : -EINVAL;

	errno = 0;
	if (!err && (fflush(out) || ferror(out)))
		err = -(errno ?: EIO);
	return err;
}

/* Words. */

/* Four digits: more than number_latency(), so that a change of a per cent can be seen. */
static void write_ns(char *buf, size_t size, double ns, bool utf8)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	size_t unit = 0;
	double value = ns;

	for (; fabs(value) >= 999.95 && unit < 3; unit++)
		value /= 1000;
	snprintf(buf, size, "%.*f%s",
		 value >= 99.995   ? 1
		 : value >= 9.9995 ? 2
				   : 3,
		 value, utf8 && unit == 1 ? "\u00b5s" : units[unit]);
}

void check_value(char *buf, size_t size, enum metric_unit unit, double value, bool utf8)
{
	if (unit == UNIT_NS)
		write_ns(buf, size, value, utf8);
	else if (unit == UNIT_SHARE)
		snprintf(buf, size, "%.2f%%", value * 100);
	else if (value == floor(value))
		snprintf(buf, size, "%.0f", value);
	else
		snprintf(buf, size, "%.*f", value < 100 ? 3 : 1, value);
}

static void write_value(char *buf, size_t size, const struct check_row *row,
			const struct check_side *side, bool utf8)
{
	if (side->known)
		check_value(buf, size, metric_unit(&row->rule->metric), side->value, utf8);
	else
		snprintf(buf, size, "-");
}

static void write_share(char *buf, size_t size, bool known, double share, const char *format)
{
	snprintf(buf, size, known && isfinite(share) ? format : "-", share * 100);
}

/*
 * "+5.00% [+4.12, +5.91]"; where there are no two bounds, or nothing between them, less. A distance has
 * no sign.
 */
static void write_change(char *buf, size_t size, const struct check_change *change, bool is_signed)
{
	size_t at;

	write_share(buf, size, change->known, change->value, is_signed ? "%+.2f%%" : "%.2f%%");
	at = strlen(buf);
	if (change->has_bounds && change->low < change->high)
		snprintf(buf + at, size - at, is_signed ? " [%+.2f, %+.2f]" : " [%.2f, %.2f]",
			 change->low * 100, change->high * 100);
}

static void write_power(struct check_words *words, const struct check_power *power, bool is_signed)
{
	write_share(words->noise, sizeof(words->noise), power->known, power->noise, "%.2f%%");
	write_share(words->finds, sizeof(words->finds), power->known, power->finds,
		    is_signed ? "%+.1f%%" : "%.1f%%");
	snprintf(words->needs, sizeof(words->needs), "-");
	if (power->known && power->runs_needed)
		snprintf(words->needs, sizeof(words->needs), "%zu + %zu", power->runs_needed,
			 power->runs_needed);
}

struct check_words check_words(const struct check_row *row, bool utf8)
{
	struct check_words words = { .rule = row->rule->text,
				     .verdict = verdict_names[row->verdict] };
	bool is_signed = !metric_is_distance(&row->rule->metric);

	place_name(words.place, row->place, utf8);
	write_value(words.base, sizeof(words.base), row, &row->base, utf8);
	write_value(words.new, sizeof(words.new), row, &row->new, utf8);
	write_change(words.change, sizeof(words.change), &row->change, is_signed);
	write_power(&words, &row->power, is_signed);
	snprintf(words.why, sizeof(words.why), "%s%s%s", row->reason,
		 *row->reason && *row->remark ? "; " : "", row->remark);
	return words;
}

static const char *kernel_of(char *buf, size_t size, const struct check_run *run, bool utf8)
{
	const char *kernel = run->capture->kernel;

	return text_clean(buf, size, kernel, strlen(kernel), utf8);
}

const char *check_title(char *buf, const struct check_result *result, bool utf8)
{
	const struct check_input *input = result->input;
	char was[100], is[100];

	snprintf(buf, CHECK_TITLE_LEN, "%zu base run%s (Linux %s) and %zu new run%s (Linux %s)",
		 input->nbase, input->nbase == 1 ? "" : "s",
		 kernel_of(was, sizeof(was), &input->base[0], utf8), input->nnew,
		 input->nnew == 1 ? "" : "s", kernel_of(is, sizeof(is), &input->new[0], utf8));
	return buf;
}

const char *check_summary(char *buf, const struct check_result *result)
{
	size_t at = (size_t)snprintf(buf, CHECK_TITLE_LEN, "%s", verdict_names[result->verdict]);

	for (int verdict = VERDICT_REGRESSION; verdict >= VERDICT_FINE; verdict--)
		if (result->nverdicts[verdict])
			at += (size_t)snprintf(buf + at, CHECK_TITLE_LEN - at, "%s%zu %s%s",
					       strchr(buf, ':') ? ", " : ": ",
					       result->nverdicts[verdict], verdict_names[verdict],
					       verdict == VERDICT_REGRESSION &&
							       result->nverdicts[verdict] > 1
						       ? "s"
						       : "");
	if (!result->nrows)
		snprintf(buf + at, CHECK_TITLE_LEN - at, ": nothing to compare");
	return buf;
}

const char *check_levels(char *buf, const struct check_result *result)
{
	const struct check_input *input = result->input;

	buf[0] = 0;
	if (result->ntests)
		snprintf(buf, CHECK_TITLE_LEN,
			 "%zu metric%s with noise: a false alarm in at most %g %% of such checks, "
			 "a broken rule called fine in at most %g %%",
			 result->ntests, result->ntests == 1 ? "" : "s", input->alpha * 100,
			 input->miss * 100);
	return buf;
}

/* There is a row that more runs could tell. */
static bool lacks_runs(const struct check_result *result)
{
	for (size_t i = 0; i < result->nrows; i++)
		if (result->rows[i].verdict == VERDICT_INCONCLUSIVE &&
		    result->rows[i].power.runs_needed)
			return true;
	return false;
}

const char *check_advice(char *buf, const struct check_result *result)
{
	size_t next = check_next_look(result->input), needed = result->runs_needed;

	buf[0] = 0;
	if (result->verdict != VERDICT_INCONCLUSIVE || !result->ntests)
		return buf;
	if (next)
		snprintf(buf, CHECK_TITLE_LEN,
			 "Add runs until there are %zu + %zu, and ask again with --max-runs %zu.",
			 next, next, result->input->max_runs);
	else if (needed && lacks_runs(result))
		snprintf(buf, CHECK_TITLE_LEN,
			 "Start again with %zu + %zu runs. Runs that are added to these until it "
			 "is fine make it fine by chance.",
			 needed, needed);
	return buf;
}

/* Tables. */

const char *const check_headings[CHECK_COLUMNS] = { "RULE",  "WHERE", "BASE",  "NEW",	 "CHANGE",
						    "NOISE", "FINDS", "NEEDS", "VERDICT" };

const char *check_cell(const struct check_words *words, int column)
{
	const char *const cells[CHECK_COLUMNS] = { words->rule,	 words->place,	words->base,
						   words->new,	 words->change, words->noise,
						   words->finds, words->needs,	words->verdict };

	return cells[column];
}

static bool has_power(const struct check_result *result)
{
	for (size_t i = 0; i < result->nrows; i++)
		if (result->rows[i].power.known)
			return true;
	return false;
}

/* WHERE says something only with several places, what there is of noise only where there is any. */
bool check_has_column(const struct check_result *result, int column)
{
	if (column >= 5 && column <= 7)
		return has_power(result);
	return column != 1 || result->input->per_slot;
}

static bool is_flush_left(int column)
{
	return column < 2 || column == CHECK_COLUMNS - 1;
}

static void measure(const struct check_result *result, bool utf8, unsigned int *widths)
{
	for (int column = 0; column < CHECK_COLUMNS; column++)
		widths[column] = text_width(check_headings[column]);
	for (size_t i = 0; i < result->nrows; i++) {
		struct check_words words = check_words(&result->rows[i], utf8);

		for (int column = 0; column < CHECK_COLUMNS; column++) {
			unsigned int width = text_width(check_cell(&words, column));

			if (width > widths[column])
				widths[column] = width;
		}
	}
}

static void put_cell(FILE *out, const char *text, int column, unsigned int width)
{
	int pad = (int)(width - text_width(text));

	if (column == CHECK_COLUMNS - 1) /* no blanks at the end of a line */
		fprintf(out, "  %s\n", text);
	else if (is_flush_left(column))
		fprintf(out, "%s%s%*s", column ? "  " : "", text, pad, "");
	else
		fprintf(out, "  %*s%s", pad, "", text);
}

static const char *color_of(enum verdict verdict, const struct text_style *style)
{
	static const char *const colors[] = {
		[VERDICT_FINE] = "",
		[VERDICT_IMPROVED] = "\033[32m",
		[VERDICT_INCONCLUSIVE] = "\033[33m",
		[VERDICT_REGRESSION] = "\033[31m",
	};

	return style->color ? colors[verdict] : "";
}

static void text_row(FILE *out, const struct check_result *result, const struct check_row *row,
		     const struct text_style *style, const unsigned int *widths)
{
	struct check_words words = check_words(row, style->utf8);
	const char *color = color_of(row->verdict, style);

	fputs(color, out);
	for (int column = 0; column < CHECK_COLUMNS; column++)
		if (check_has_column(result, column))
			put_cell(out, check_cell(&words, column), column, widths[column]);
	fputs(*color ? "\033[0m" : "", out);
	if (*words.why) {
		struct flow flow = { .out = out, .columns = style->columns, .indent = 4 };

		flow_text(&flow, 4, words.why);
		flow_end(&flow);
	}
}

static void text_warning(FILE *out, const char *warning, const struct text_style *style)
{
	struct flow flow = { .out = out, .columns = style->columns, .indent = 4 };

	fputs(style->color ? "\033[33m" : "", out);
	flow.at = (unsigned int)fprintf(out, "Warning:");
	flow.has_word = true;
	flow_text(&flow, 1, warning);
	flow_end(&flow);
	fputs(style->color ? "\033[0m" : "", out);
}

int report_check_text(FILE *out, const struct check_result *result, const struct text_style *style)
{
	char line[CHECK_TITLE_LEN];
	unsigned int widths[CHECK_COLUMNS];

	measure(result, style->utf8, widths);
	fprintf(out, "%s\n", check_title(line, result, style->utf8));
	if (*check_levels(line, result))
		fprintf(out, "%s\n", line);
	for (size_t i = 0; i < result->nwarnings; i++)
		text_warning(out, result->warnings[i], style);
	fputc('\n', out);
	for (int column = 0; column < CHECK_COLUMNS && result->nrows; column++)
		if (check_has_column(result, column))
			put_cell(out, check_headings[column], column, widths[column]);
	for (size_t i = 0; i < result->nrows; i++)
		text_row(out, result, &result->rows[i], style, widths);
	fprintf(out, "%s%s\n", result->nrows ? "\n" : "", check_summary(line, result));
	if (*check_advice(line, result)) {
		struct flow flow = { .out = out, .columns = style->columns };

		flow_text(&flow, 0, line);
		flow_end(&flow);
	}
	return 0;
}

/* What means something within a line, to GitHub and others. */
static void put_markdown(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\`*_[]<>|~&#@$", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void markdown_cell(FILE *out, const char *text, int column, enum verdict verdict)
{
	bool bold = column == CHECK_COLUMNS - 1 && verdict != VERDICT_FINE;

	fputs(bold ? " **" : " ", out);
	if (!column)
		fprintf(out, "`%s`", text); /* rules have no ` and no | */
	else
		put_markdown(out, text);
	fputs(bold ? "** |" : " |", out);
}

static void markdown_row(FILE *out, const struct check_result *result, const struct check_row *row)
{
	struct check_words words = check_words(row, true);

	fputc('|', out);
	for (int column = 0; column < CHECK_COLUMNS; column++)
		if (check_has_column(result, column))
			markdown_cell(out, check_cell(&words, column), column, row->verdict);
	fputc(' ', out);
	put_markdown(out, words.why);
	fputs(*words.why ? " |\n" : "|\n", out);
}

static void markdown_head(FILE *out, const struct check_result *result)
{
	for (int line = 0; line < 2; line++) {
		fputc('|', out);
		for (int column = 0; column < CHECK_COLUMNS; column++)
			if (check_has_column(result, column))
				fprintf(out, " %s |",
					!line			? check_headings[column]
					: is_flush_left(column) ? ":--"
								: "--:");
		fputs(line ? " :-- |\n" : " WHY |\n", out);
	}
}

static void markdown_paragraph(FILE *out, const char *text)
{
	put_markdown(out, text);
	fputs(*text ? "\n\n" : "", out);
}

int report_check_markdown(FILE *out, const struct check_result *result,
			  const struct text_style *style)
{
	char line[CHECK_TITLE_LEN];

	(void)style;
	fputs("### gmemtrace check: ", out);
	put_markdown(out, check_summary(line, result));
	fputs("\n\n", out);
	put_markdown(out, check_title(line, result, true));
	fputs("\n\n", out);
	markdown_paragraph(out, check_levels(line, result));
	for (size_t i = 0; i < result->nwarnings; i++) {
		fputs("**Warning**: ", out);
		markdown_paragraph(out, result->warnings[i]);
	}
	markdown_paragraph(out, check_advice(line, result));
	if (!result->nrows)
		return 0;
	markdown_head(out, result);
	for (size_t i = 0; i < result->nrows; i++)
		markdown_row(out, result, &result->rows[i]);
	return 0;
}
