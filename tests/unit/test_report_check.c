// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks as people and CI systems read them, with the names of processes made as bad as can be.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "check/report_check.h"
#include "sample.h"
#include "unit.h"

static const struct text_style plain = { .columns = 80 };
static const char hostile[] = "<a|\"&'\n::%]]>";

struct found {
	struct sample samples[2];
	struct check_run runs[2];
	struct rules rules;
	struct check_input input;
	struct check_result result;
};

static void make_capture(struct found *found, size_t n, __u64 fault_ns)
{
	struct sample *sample = &found->samples[n];
	struct slot *slot;

	sample_empty(sample);
	slot = sample_add_slot(sample_add_vm(sample, hostile, 7), 0, 0, 512);
	sample_count(&slot->events, EV_GUEST_FAULT, fault_ns, 1000);
	sample_count(&slot->events, EV_HOST_FAULT, 12345 * (2 - n), 10);
	sample->capture.start_realtime_ns += n;
	if (n)
		sample->capture.kernel = "7.4\"\033<b>";
	found->runs[n] = (struct check_run){ .capture = &sample->capture,
					     .name = n ? "n\xff&.gmem" : "base.gmem" };
}

/* A regression, an improvement, something inconclusive and something fine. */
static struct found *find(bool per_slot)
{
	static const char *const rules[] = { "guest_fault.mean<=+2%", "host_fault.mean<=+2%",
					     "bind.mean<=+2%", "guest_fault.count<=+0%" };
	struct found *found = calloc(1, sizeof(*found));
	struct problem problem;

	assert_non_null(found);
	make_capture(found, 0, 9500);
	make_capture(found, 1, 9796);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		assert_int_equal(rules_add(&found->rules, rules[i], &problem), 0);
	found->input = (struct check_input){
		.base = &found->runs[0],
		.nbase = 1,
		.new = &found->runs[1],
		.nnew = 1,
		.rules = found->rules.v,
		.nrules = found->rules.n,
		.alpha = 0.01,
		.miss = 0.025,
		.floor = 0.01,
		.per_slot = per_slot,
		.deterministic = true,
	};
	assert_int_equal(check_run_all(&found->input, &found->result), 0);
	return found;
}

static void found_free(struct found *found)
{
	check_free(&found->result);
	rules_free(&found->rules);
	sample_free(&found->samples[0]);
	sample_free(&found->samples[1]);
	free(found);
}

static char *written(const struct found *found, const char *format, const struct text_style *style)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(report_check(out, format, &found->result, style), 0);
	fclose(out);
	return text;
}

static void expect(bool per_slot, const char *format, const char *wanted)
{
	struct found *found = find(per_slot);
	char *text = written(found, format, &plain);

	assert_string_equal(text, wanted);
	free(text);
	found_free(found);
}

static void test_text(void **state)
{
	(void)state;
	expect(false, "text", /**/
	       "1 base run (Linux 7.3.4-amd64) and 1 new run (Linux 7.4\"\\x1b<b>)\n"
	       "\n"
	       "RULE                       BASE      NEW   CHANGE  VERDICT\n"
	       "guest_fault.mean<=+2%   9.500us  9.796us   +3.12%  regression\n"
	       "    beyond the limit; weak: one run on a side\n"
	       "host_fault.mean<=+2%    24.69us  12.35us  -50.00%  improved\n"
	       "    beyond the floor of 1 %; weak: one run on a side\n"
	       "bind.mean<=+2%                -        -        -  inconclusive\n"
	       "    bind did not happen (in 1 of 1 base and 1 of 1 new runs)\n"
	       "guest_fault.count<=+0%     1000     1000   +0.00%  fine\n"
	       "    weak: one run on a side\n"
	       "\n"
	       "regression: 1 regression, 1 inconclusive, 1 improved, 1 fine\n");
}

static void test_text_per_slot(void **state)
{
	struct found *found = find(true);
	char *text = written(found, "text", &plain);

	(void)state;
	assert_non_null(strstr(text,
			       "\nguest_fault.mean<=+2%   <a|\"&'\\x0a::%]]> slot 0  9.500us  "
			       "9.796us   +3.12%  regression\n"));
	assert_non_null(strstr(text, "\nRULE                    WHERE  "));
	free(text);
	found_free(found);
}

static void test_color(void **state)
{
	struct text_style style = { .columns = 80, .color = true, .utf8 = true };
	struct found *found = find(false);
	char *text = written(found, "text", &style);

	(void)state;
	assert_non_null(strstr(text, "\n\033[31mguest_fault.mean<=+2%   9.500\u00b5s"));
	assert_non_null(strstr(text, "regression\n\033[0m"));
	free(text);
	found_free(found);
}

static void test_markdown(void **state)
{
	(void)state;
	expect(true, "markdown", /**/
	       "### gmemtrace check: regression: 1 regression, 1 inconclusive, 1 improved, 1 fine\n"
	       "\n"
	       "1 base run (Linux 7.3.4-amd64) and 1 new run (Linux "
	       "7.4\"\\\\x1b\\<b\\>)\n"
	       "\n"
	       "| RULE | WHERE | BASE | NEW | CHANGE | VERDICT | WHY |\n"
	       "| :-- | :-- | --: | --: | --: | :-- | :-- |\n"
	       "| `guest_fault.mean<=+2%` | \\<a\\|\"\\&'\\\\x0a::%\\]\\]\\> slot 0 | 9.500\u00b5s | "
	       "9.796\u00b5s | +3.12% | **regression** | beyond the limit; weak: one run on a side |\n"
	       "| `host_fault.mean<=+2%` | \\<a\\|\"\\&'\\\\x0a::%\\]\\]\\> slot 0 | 24.69\u00b5s | "
	       "12.35\u00b5s | -50.00% | **improved** | beyond the floor of 1 %; weak: one run on a side |\n"
	       "| `bind.mean<=+2%` | \\<a\\|\"\\&'\\\\x0a::%\\]\\]\\> slot 0 | - | - | - | "
	       "**inconclusive** | bind did not happen (in 1 of 1 base and 1 of 1 new runs) |\n"
	       "| `guest_fault.count<=+0%` | \\<a\\|\"\\&'\\\\x0a::%\\]\\]\\> slot 0 | 1000 | 1000 | "
	       "+0.00% | fine | weak: one run on a side |\n");
}

static void test_junit(void **state)
{
	(void)state;
	expect(true, "junit", /**/
	       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	       "<testsuites>\n"
	       "  <testsuite name=\"gmemtrace check\" tests=\"4\" failures=\"1\" errors=\"0\" "
	       "skipped=\"1\" time=\"0\">\n"
	       "    <properties>\n"
	       "      <property name=\"captures\" value=\"1 base run (Linux 7.3.4-amd64) and 1 new "
	       "run (Linux 7.4&quot;\\x1b&lt;b&gt;)\"/>\n"
	       "      <property name=\"gmemtrace\" value=\"0.1\"/>\n"
	       "    </properties>\n"
	       "    <testcase classname=\"&lt;a|&quot;&amp;&#39;\\x0a::%]]&gt; slot 0\" "
	       "name=\"guest_fault.mean&lt;=+2%\" time=\"0\">\n"
	       "      <failure message=\"base 9.500\u00b5s, new 9.796\u00b5s, change +3.12%, "
	       "regression: beyond the limit; weak: one run on a side\"/>\n"
	       "      <system-out>base 9.500\u00b5s, new 9.796\u00b5s, change +3.12%, regression: "
	       "beyond the limit; weak: one run on a side</system-out>\n"
	       "    </testcase>\n"
	       "    <testcase classname=\"&lt;a|&quot;&amp;&#39;\\x0a::%]]&gt; slot 0\" "
	       "name=\"host_fault.mean&lt;=+2%\" time=\"0\">\n"
	       "      <system-out>base 24.69\u00b5s, new 12.35\u00b5s, change -50.00%, improved: "
	       "beyond the floor of 1 %; weak: one run on a side</system-out>\n"
	       "    </testcase>\n"
	       "    <testcase classname=\"&lt;a|&quot;&amp;&#39;\\x0a::%]]&gt; slot 0\" "
	       "name=\"bind.mean&lt;=+2%\" time=\"0\">\n"
	       "      <skipped message=\"base -, new -, change -, inconclusive: bind did not "
	       "happen (in 1 of 1 base and 1 of 1 new runs)\"/>\n"
	       "      <system-out>base -, new -, change -, inconclusive: bind did not happen (in "
	       "1 of 1 base and 1 of 1 new runs)</system-out>\n"
	       "    </testcase>\n"
	       "    <testcase classname=\"&lt;a|&quot;&amp;&#39;\\x0a::%]]&gt; slot 0\" "
	       "name=\"guest_fault.count&lt;=+0%\" time=\"0\">\n"
	       "      <system-out>base 1000, new 1000, change +0.00%, fine: weak: one run on a side</system-out>\n"
	       "    </testcase>\n"
	       "  </testsuite>\n"
	       "</testsuites>\n");
}

static void test_github(void **state)
{
	(void)state;
	expect(true, "github", /**/
	       "gmemtrace check: 1 base run (Linux 7.3.4-amd64) and 1 new run (Linux "
	       "7.4\"\\x1b<b>)\n"
	       "::error title=guest_fault.mean<=+2%25%2C <a|\"&'\\x0a%3A%3A%25]]> slot 0::base "
	       "9.500\u00b5s, new 9.796\u00b5s, change +3.12%25, regression: beyond the limit; weak: one run on a side\n"
	       "::notice title=host_fault.mean<=+2%25%2C <a|\"&'\\x0a%3A%3A%25]]> slot 0::base "
	       "24.69\u00b5s, new 12.35\u00b5s, change -50.00%25, improved: beyond the floor of 1 "
	       "%25; weak: one run on a side\n"
	       "::warning title=bind.mean<=+2%25%2C <a|\"&'\\x0a%3A%3A%25]]> slot 0::base -, new -, "
	       "change -, inconclusive: bind did not happen (in 1 of 1 base and 1 of 1 new "
	       "runs)\n"
	       "guest_fault.count<=+0%, <a|\"&'\\x0a::%]]> slot 0: base 1000, new 1000, change +0.00%, "
	       "fine: weak: one run on a side\n"
	       "gmemtrace check: regression: 1 regression, 1 inconclusive, 1 improved, 1 fine\n");
}

static void test_json(void **state)
{
	struct found *found = find(true);
	char *text = written(found, "json", &plain);
	json_t *json = json_loads(text, 0, NULL), *row, *check = json_object_get(json, "check");
	double first;
	const char *comm, *rule, *file, *verdict;

	(void)state;
	assert_int_equal(
		json_unpack(check, "{s:s, s:[{s:s}]}", "verdict", &verdict, "new", "file", &file),
		0);
	assert_string_equal(verdict, "regression");
	assert_string_equal(file, "n\uFFFD&.gmem");
	row = json_array_get(json_object_get(check, "results"), 0);
	assert_int_equal(json_unpack(row, "{s:s, s:{s:s}, s:{s:[F]}, s:n}", "rule", &rule, "place",
				     "comm", &comm, "base", "runs", &first, "power"),
			 0);
	assert_string_equal(rule, "guest_fault.mean<=+2%");
	assert_string_equal(comm, hostile);
	assert_true(first == 9500);
	json_decref(json);
	free(text);
	found_free(found);
}

/* With noise, each format has the bounds, the noise, and what to do. */
static void test_noise(void **state)
{
	static const char *const wanted[][4] = {
		{ "text", "\nWarning: of how they were made\n\nRULE  ", "", "" },
		{ "markdown", "\n\n**Warning**: of how they were made\n\n", "", "" },
		{ "junit", "<property name=\"warning\" value=\"of how they were made\"/>", "", "" },
		{ "github", "\n::warning title=gmemtrace check::of how they were made\n", "", "" },
		{ "json", "\"warnings\":[\"of how they were made\"]", "", "" },
		{ "text", "CHANGE  NOISE   FINDS    NEEDS  VERDICT\n",
		  "+3.12% [-1.50, +inf]  1.00%  +12.3%  27 + 27  inconclusive\n",
		  "\nStart again with 27 + 27 runs. Runs that are added to these until it is fine" },
		{ "markdown", "| NOISE | FINDS | NEEDS |",
		  "| +3.12% \\[-1.50, +inf\\] | 1.00% | +12.3% | 27 + 27 |",
		  "\n\nStart again with 27 + 27 runs." },
		{ "junit", "<property name=\"advice\" value=\"Start again with 27 + 27",
		  "change +3.12% [-1.50, +inf], noise 1.00%, ",
		  "<property name=\"levels\" value=\"1 metric with noise: a false alarm in at most 1 %" },
		{ "github", "change +3.12%25 [-1.50, +inf], noise 1.00%25, inconclusive: ",
		  "\ngmemtrace check: Start again with 27 + 27 runs.", "" },
		{ "json", "\"change\":{\"value\":0.03", "\"low\":-0.0149",
		  "\"power\":{\"noise\":0.01,\"finds\":0.123,\"runs_needed\":27}" },
	};
	struct found *found = find(false);
	struct check_row *row = &found->result.rows[0];

	(void)state;
	row->method = METHOD_INTERVAL;
	row->change.has_bounds = true;
	row->change.low = -0.015;
	row->change.high = INFINITY;
	row->power = (struct check_power){
		.known = true, .noise = 0.01, .finds = 0.123, .runs_needed = 27
	};
	row->verdict = found->result.verdict = VERDICT_INCONCLUSIVE;
	found->result.ntests = 1;
	found->result.runs_needed = 27;
	found->result.nwarnings = 1;
	strcpy(found->result.warnings[0], "of how they were made");
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char *text = written(found, wanted[i][0], &plain);

		for (size_t j = 1; j < 4; j++)
			if (!strstr(text, wanted[i][j]))
				fail_msg("no %s in %s", wanted[i][j], text);
		free(text);
	}
	found_free(found);
}

/* Of a distance there is nothing on either side, and no sign; and where it is. */
static void test_distance(void **state)
{
	static const char *const wanted[][2] = {
		{ "text",
		  "guest_fault.shape<=10%        -        -  12.30% [11.00, 13.60]  1.00%  12.3%  27 "
		  "+ 27  regression\n    beyond the limit; by percentile p10 +0 %, p25 +1 %" },
		{ "markdown",
		  "| `guest_fault.shape<=10%` | - | - | 12.30% \\[11.00, 13.60\\] | 1.00% | "
		  "12.3% | 27 + 27 | **regression** | beyond the limit; by percentile p10" },
		{ "junit",
		  "<failure message=\"base -, new -, change 12.30% [11.00, 13.60], noise 1.00%, "
		  "regression: beyond the limit; by percentile p10 +0 %" },
		{ "github",
		  "::error title=guest_fault.shape<=10%25::base -, new -, change 12.30%25" },
		{ "json", "\"unit\":\"share\",\"order\":\"<=\",\"relative\":true,\"limit\":0.1" },
		{ "json", "\"shifts\":[{\"percentile\":10.0,\"change\":0.0},{\"percentile\":25.0,"
			  "\"change\":0.01" },
		{ "json", "\"base\":{\"value\":null,\"spread\":null,\"runs\":[null]}" },
	};
	struct metric_value values[2] = { { .value = NAN }, { .value = NAN } };
	struct found *found = find(false);
	struct check_row *row = &found->result.rows[0];
	struct rules rules = {};
	struct problem problem;

	(void)state;
	assert_int_equal(rules_add(&rules, "guest_fault.shape<=10%", &problem), 0);
	*row = (struct check_row){
		.rule = rules.v,
		.place = row->place,
		.values = values,
		.method = METHOD_INTERVAL,
		.change = { .known = true,
			    .value = 0.123,
			    .has_bounds = true,
			    .low = 0.11,
			    .high = 0.136 },
		.power = { .known = true, .noise = 0.01, .finds = 0.123, .runs_needed = 27 },
		.shifts = { .known = true, .by = { 0, 0.01 } },
		.verdict = VERDICT_REGRESSION,
		.reason = "beyond the limit",
		.remark = "by percentile p10 +0 %, p25 +1 %",
	};
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char *text = written(found, wanted[i][0], &plain);

		if (!strstr(text, wanted[i][1]))
			fail_msg("no %s in %s", wanted[i][1], text);
		free(text);
	}
	rules_free(&rules);
	found_free(found);
}

/* Where runs are added by plan, that is what to do. */
static void test_advice(void **state)
{
	struct found *found = find(false);
	char line[CHECK_TITLE_LEN];

	(void)state;
	assert_string_equal(check_advice(line, &found->result), "");
	found->result.verdict = VERDICT_INCONCLUSIVE;
	assert_string_equal(check_advice(line, &found->result), ""); /* nothing has noise */
	found->result.ntests = 1;
	assert_string_equal(check_advice(line, &found->result), ""); /* no number is enough */
	found->input.max_runs = 24;
	assert_string_equal(check_advice(line, &found->result),
			    "Add runs until there are 6 + 6, and ask again with --max-runs 24.");
	found->input.max_runs = 1;
	found->result.runs_needed = 40;
	assert_string_equal(check_advice(line, &found->result), ""); /* of what is told already */
	found->result.rows[2].power.runs_needed = 30;
	assert_non_null(strstr(check_advice(line, &found->result), "Start again with 40 + 40"));
	found_free(found);
}

static void test_nothing(void **state)
{
	struct found *found = find(false);
	static const char *const formats[] = {
		"text", "markdown", "json", "junit", "github", "html"
	};

	(void)state;
	found->result.nrows = 0;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		free(written(found, formats[i], &plain));
	found_free(found);
}

static void test_formats(void **state)
{
	struct found *found = find(false);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_string_equal(report_check_formats(), "text, markdown, json, junit, github, html");
	assert_true(report_check_has_format("junit"));
	assert_false(report_check_has_format("xml"));
	assert_int_equal(report_check(full, "xml", &found->result, &plain), -EINVAL);
	assert_int_equal(report_check(full, "json", &found->result, &plain), -ENOSPC);
	assert_int_equal(report_check(full, "text", &found->result, &plain), -ENOSPC);
	fclose(full);
	found_free(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	 cmocka_unit_test(test_text_per_slot),
		cmocka_unit_test(test_color),	 cmocka_unit_test(test_markdown),
		cmocka_unit_test(test_junit),	 cmocka_unit_test(test_github),
		cmocka_unit_test(test_json),	 cmocka_unit_test(test_noise),
		cmocka_unit_test(test_distance), cmocka_unit_test(test_advice),
		cmocka_unit_test(test_nothing),	 cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests_name("report_check", tests, NULL, NULL);
}
