// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks as CI systems read them: JUnit's XML, and the workflow commands of GitHub Actions.
 */
#include <string.h>
#include "base/version.h"
#include "report_check.h"

/* A character and what stands for it. */
struct escape {
	char from;
	const char *to;
};

static void put_escaped(FILE *out, const char *text, const struct escape *escapes)
{
	for (; *text; text++) {
		const struct escape *escape = escapes;

		while (escape->from && escape->from != *text)
			escape++;
		if (escape->from)
			fputs(escape->to, out);
		else
			fputc(*text, out);
	}
}

static void put_xml(FILE *out, const char *text)
{
	static const struct escape xml[] = { { '&', "&amp;" },	{ '<', "&lt;" },   { '>', "&gt;" },
					     { '"', "&quot;" }, { '\'', "&#39;" }, {} };

	put_escaped(out, text, xml);
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	put_xml(out, value);
	fputc('"', out);
}

/* "base 9.3us, new 9.5us, change +2.30% [+2.10, +2.49], noise 0.10%, regression: beyond the limit" */
static void sentence(char *buf, size_t size, const struct check_words *words)
{
	bool has_noise = strcmp(words->noise, "-");

	snprintf(buf, size, "base %s, new %s, change %s%s%s, %s%s%s", words->base, words->new,
		 words->change, has_noise ? ", noise " : "", has_noise ? words->noise : "",
		 words->verdict, *words->why ? ": " : "", words->why);
}

#define SENTENCE_LEN 800

/* What fails a test, and what only says that it was no test; others passed. */
static const char *junit_element(enum verdict verdict)
{
	if (verdict == VERDICT_REGRESSION)
		return "failure";
	return verdict == VERDICT_INCONCLUSIVE ? "skipped" : NULL;
}

static void junit_case(FILE *out, const struct check_row *row)
{
	struct check_words words = check_words(row, true);
	const char *element = junit_element(row->verdict);
	char said[SENTENCE_LEN];

	sentence(said, sizeof(said), &words);
	fputs("    <testcase", out);
	put_attribute(out, "classname", words.place);
	put_attribute(out, "name", words.rule);
	fputs(" time=\"0\">\n", out);
	if (element) {
		fprintf(out, "      <%s", element);
		put_attribute(out, "message", said);
		fputs("/>\n", out);
	}
	fputs("      <system-out>", out);
	put_xml(out, said);
	fputs("</system-out>\n    </testcase>\n", out);
}

static void junit_property(FILE *out, const char *name, const char *value)
{
	if (!*value)
		return;
	fputs("      <property", out);
	put_attribute(out, "name", name);
	put_attribute(out, "value", value);
	fputs("/>\n", out);
}

int report_check_junit(FILE *out, const struct check_result *result, const struct text_style *style)
{
	char title[CHECK_TITLE_LEN];

	(void)style;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite", out);
	put_attribute(out, "name", "gmemtrace check");
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"0\">\n",
		result->nrows, result->nverdicts[VERDICT_REGRESSION],
		result->nverdicts[VERDICT_INCONCLUSIVE]);
	fputs("    <properties>\n", out);
	junit_property(out, "captures", check_title(title, result, true));
	junit_property(out, "gmemtrace", GMEM_VERSION);
	junit_property(out, "levels", check_levels(title, result));
	junit_property(out, "advice", check_advice(title, result));
	for (size_t i = 0; i < result->nwarnings; i++)
		junit_property(out, "warning", result->warnings[i]);
	fputs("    </properties>\n", out);
	for (size_t i = 0; i < result->nrows; i++)
		junit_case(out, &result->rows[i]);
	fputs("  </testsuite>\n</testsuites>\n", out);
	return 0;
}

static void put_message(FILE *out, const char *text)
{
	static const struct escape message[] = {
		{ '%', "%25" }, { '\r', "%0D" }, { '\n', "%0A" }, {}
	};

	put_escaped(out, text, message);
}

static void put_property(FILE *out, const char *text)
{
	static const struct escape property[] = { { '%', "%25" }, { '\r', "%0D" }, { '\n', "%0A" },
						  { ':', "%3A" }, { ',', "%2C" },  {} };

	put_escaped(out, text, property);
}

/* What is fine is a plain line of the log: GitHub shows ten annotations of a step. */
static void github_row(FILE *out, const struct check_result *result, const struct check_row *row)
{
	static const char *const commands[] = {
		[VERDICT_FINE] = NULL,
		[VERDICT_IMPROVED] = "notice",
		[VERDICT_INCONCLUSIVE] = "warning",
		[VERDICT_REGRESSION] = "error",
	};
	struct check_words words = check_words(row, true);
	char said[SENTENCE_LEN], title[300];

	sentence(said, sizeof(said), &words);
	snprintf(title, sizeof(title), "%s%s%s", words.rule, result->input->per_slot ? ", " : "",
		 result->input->per_slot ? words.place : "");
	if (!commands[row->verdict]) {
		fprintf(out, "%s: %s\n", title, said);
		return;
	}
	fprintf(out, "::%s title=", commands[row->verdict]);
	put_property(out, title);
	fputs("::", out);
	put_message(out, said);
	fputc('\n', out);
}

int report_check_github(FILE *out, const struct check_result *result,
			const struct text_style *style)
{
	char line[CHECK_TITLE_LEN];

	(void)style;
	fprintf(out, "gmemtrace check: %s\n", check_title(line, result, true));
	for (size_t i = 0; i < result->nwarnings; i++) {
		fputs("::warning title=gmemtrace check::", out);
		put_message(out, result->warnings[i]);
		fputc('\n', out);
	}
	for (size_t i = 0; i < result->nrows; i++)
		github_row(out, result, &result->rows[i]);
	fprintf(out, "gmemtrace check: %s\n", check_summary(line, result));
	if (*check_advice(line, result))
		fprintf(out, "gmemtrace check: %s\n", line);
	return 0;
}
