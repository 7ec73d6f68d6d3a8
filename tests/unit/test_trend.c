// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histories of checks: what is a change, what is read, what is refused.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "check/report_trend.h"
#include "unit.h"

static const struct text_style plain = { .columns = 80 };

/* @n values around @level, none of which is far from it. */
static void add_level(double *values, size_t *n, size_t more, double level)
{
	static const double wobble[] = { 0.1, -0.9, 0.7, -0.3, 1, -0.5, 0.4, -1, -0.2, 0.6 };

	for (size_t i = 0; i < more; i++, (*n)++)
		values[*n] = level * (1 + 0.005 * wobble[*n * 7 % 10]);
}

static void test_one_step(void **state)
{
	struct trend_change changes[20];
	double values[60];
	size_t n = 0;

	(void)state;
	add_level(values, &n, 30, 1000);
	assert_int_equal(trend_find(values, n, TREND_ALPHA, changes), 0);
	add_level(values, &n, 10, 1030);
	assert_int_equal(trend_find(values, n, TREND_ALPHA, changes), 1);
	assert_int_equal(changes[0].at, 30);
	assert_true(fabs(changes[0].by - 0.03) < 0.004 && changes[0].p <= TREND_ALPHA);
	assert_true(fabs(changes[0].from - 1000) < 4 && fabs(changes[0].to - 1030) < 4);
}

static void test_several_steps(void **state)
{
	struct trend_change changes[20];
	double values[60];
	size_t n = 0;

	(void)state;
	add_level(values, &n, 20, 1000);
	add_level(values, &n, 20, 1040);
	add_level(values, &n, 20, 990);
	assert_int_equal(trend_find(values, n, TREND_ALPHA, changes), 2);
	assert_int_equal(changes[0].at, 20);
	assert_int_equal(changes[1].at, 40);
	assert_true(changes[0].by > 0.03 && changes[1].by < -0.04);
}

/* One odd value is no level, and few values are none. */
static void test_no_step(void **state)
{
	struct trend_change changes[20];
	double values[60];
	size_t n = 0;

	(void)state;
	add_level(values, &n, 30, 1000);
	values[15] = 3000;
	assert_int_equal(trend_find(values, n, TREND_ALPHA, changes), 0);
	for (size_t i = 0; i < 11; i++)
		values[i] = i < 5 ? 1000 : 2000;
	assert_int_equal(trend_find(values, 11, TREND_ALPHA, changes), 0);
	assert_int_equal(trend_find(values, 0, TREND_ALPHA, changes), 0);
	for (size_t i = 0; i < 30; i++)
		values[i] = 7;
	assert_int_equal(trend_find(values, 30, TREND_ALPHA, changes), 0);
}

/* A night that something went wrong in hides no step; nor does it where all others are the same. */
static void test_bad_night(void **state)
{
	struct trend_change changes[20];
	double values[60];
	size_t n = 0;

	(void)state;
	add_level(values, &n, 30, 1000);
	values[12] = 1300;
	add_level(values, &n, 10, 1015);
	assert_int_equal(trend_find(values, n, TREND_ALPHA, changes), 1);
	assert_int_equal(changes[0].at, 30);
	for (size_t i = 0; i < 30; i++)
		values[i] = i == 12 ? 9 : i < 24 ? 7 : 8;
	assert_int_equal(trend_find(values, 30, TREND_ALPHA, changes), 1);
	assert_int_equal(changes[0].at, 24);
}

static void test_from_zero(void **state)
{
	struct trend_change changes[20];
	double values[30];

	(void)state;
	for (size_t i = 0; i < 30; i++)
		values[i] = i < 20 ? 0 : 4;
	assert_int_equal(trend_find(values, 30, TREND_ALPHA, changes), 1);
	assert_int_equal(changes[0].at, 20);
	assert_true(isinf(changes[0].by) && changes[0].to == 4);
}

#define PLACE "{\"kind\":\"slot\",\"comm\":\"v\\u001bm\",\"nth\":0,\"as_id\":0,\"id\":3}"
#define ROW(value)                                                                                 \
	"{\"metric\":\"guest_fault.mean\",\"unit\":\"ns\",\"place\":" PLACE                        \
	",\"new\":{\"value\":" value "}}"
#define LINE(label, rows)                                                                          \
	"{\"check\":{\"label\":" label                                                             \
	",\"new\":[{\"start\":\"2026-11-30T01:02:03.000000000Z\"}],\"results\":[" rows "]}}\n"

static int read_text(struct trend *trend, const char *text, struct problem *problem)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");
	int err;

	assert_non_null(in);
	err = trend_read(trend, in, "history", TREND_ALPHA, problem);
	fclose(in);
	return err;
}

/* Forty checks; from the 30th on it is 5 % more. */
static char *make_history(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int i = 0; i < 40; i++)
		fprintf(out,
			"{\"check\":{\"label\":\"c%02d\\u001b\",\"new\":[{\"start\":\"2026-11-%02dT0\"}],"
			"\"results\":[%s,%s,{\"metric\":\"guest_fault.mean\",\"unit\":\"ns\",\"place\":" PLACE
			",\"new\":{\"value\":%d}}]}}\n",
			i, i % 30 + 1, i == 3 ? ROW("null") : ROW("1e3"), ROW("9000"),
			i < 30 ? 9500 : 9975);
	fclose(out);
	return text;
}

/* Of several rules on one metric, one is read. */
static void test_read(void **state)
{
	char *text = make_history();
	struct problem problem;
	struct trend trend;

	(void)state;
	assert_int_equal(read_text(&trend, text, &problem), 0);
	assert_int_equal(trend.nchecks, 40);
	assert_string_equal(trend.checks[2].label, "c02\033");
	assert_int_equal(trend.nseries, 1);
	assert_int_equal(trend.series[0].n, 40);
	assert_true(trend.series[0].values[2] == 1000 && trend.series[0].values[3] == 9000);
	trend_free(&trend);
	free(text);
}

/* Sixteen checks, the last six of which are 5 % above. */
static struct trend stepped(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct problem problem;
	struct trend trend;

	for (int i = 0; i < 16; i++)
		fprintf(out,
			i < 10 ? LINE("\"c%02d\\u001b\"", ROW("9500"))
			       : LINE("\"c%02d\\u001b\"", ROW("9975")),
			i);
	fclose(out);
	assert_int_equal(read_text(&trend, text, &problem), 0);
	free(text);
	return trend;
}

static char *written(const struct trend *trend, bool as_json)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(
		as_json ? report_trend_json(out, trend) : report_trend_text(out, trend, &plain), 0);
	fclose(out);
	return text;
}

static void test_text(void **state)
{
	struct trend trend = stepped();
	char *text = written(&trend, false);

	(void)state;
	assert_string_equal(
		text,
		"16 checks, 2026-11-30 to 2026-11-30\n"
		"\n"
		"METRIC            WHERE          CHECKS     FROM       TO      BY  SINCE\n"
		"guest_fault.mean  v\\x1bm slot 3      16  9.500us  9.975us  +5.00%  c10\\x1b  2026-11-30\n"
		"\n"
		"1 change\n");
	free(text);
	trend_free(&trend);
}

static void test_json(void **state)
{
	struct trend trend = stepped();
	char *text = written(&trend, true);
	json_t *json = json_loads(text, 0, NULL);
	double from, to;
	int check, id;

	(void)state;
	assert_null(strchr(text, '\033'));
	assert_int_equal(json_unpack(json, "{s:{s:[{s:{s:i}, s:[{s:i, s:F, s:F}]}]}}", "trend",
				     "series", "place", "id", &id, "changes", "check", &check,
				     "from", &from, "to", &to),
			 0);
	assert_true(check == 10 && id == 3 && from == 9500 && to == 9975);
	json_decref(json);
	free(text);
	trend_free(&trend);
}

static void test_wrong(void **state)
{
	static const char *const table[][2] = {
		{ "\n", "history:1: not a check that --append wrote. Leave the line away" },
		{ LINE("null", "") "x\n", "history:2: not a check" },
		{ "[]\n", "history:1: not a check" },
		{ "{\"check\":{}}\n", "history:1: not a check" },
		{ "{\"check\":{\"label\":null,\"new\":[],\"results\":[]}}\n", "history:1: not" },
		{ LINE("null", "7"), "history:1: not a check" },
		{ LINE("null", ROW("\"x\"")), "history:1: not a check" },
		{ LINE("null", ROW("-1")), "history:1: not a check" },
		{ LINE("null", ROW("1e999")), "history:1: not a check" },
		{ LINE("null", ROW("NaN")), "history:1: not a check" },
		{ LINE("null", "{\"metric\":\"a\",\"unit\":\"day\",\"place\":" PLACE
			       ",\"new\":{\"value\":1}}"),
		  "history:1: not a check" },
		{ LINE("null", "{\"metric\":\"a\",\"unit\":\"ns\",\"place\":{\"kind\":\"moon\"}"
			       ",\"new\":{\"value\":1}}"),
		  "history:1: not a check" },
		{ LINE("null",
		       "{\"metric\":\"a\",\"unit\":\"ns\",\"place\":{\"kind\":\"slot\",\"id\":99999}"
		       ",\"new\":{\"value\":1}}"),
		  "history:1: not a check" },
		{ "{\"check\":{\"label\":null,\"new\":[{\"start\":\"2026\"}],\"resul",
		  "history:1: not" },
	};
	struct problem problem;
	struct trend trend;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(read_text(&trend, table[i][0], &problem), -1);
		assert_int_equal(problem.status, EXIT_USAGE);
		if (!strstr(problem.text, table[i][1]))
			assert_string_equal(problem.text, table[i][1]);
		trend_free(&trend);
	}
}

static void test_nothing(void **state)
{
	FILE *in = fopen("/dev/null", "r");
	struct problem problem;
	struct trend trend;

	(void)state;
	assert_int_equal(trend_read(&trend, in, "history\n", TREND_ALPHA, &problem), -1);
	assert_string_equal(problem.text,
			    "history\\x0a: there is no check in it. Add one with gmemtrace "
			    "check --append");
	trend_free(&trend);
	fclose(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_step),  cmocka_unit_test(test_several_steps),
		cmocka_unit_test(test_no_step),	  cmocka_unit_test(test_bad_night),
		cmocka_unit_test(test_from_zero), cmocka_unit_test(test_read),
		cmocka_unit_test(test_text),	  cmocka_unit_test(test_json),
		cmocka_unit_test(test_wrong),	  cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests_name("trend", tests, NULL, NULL);
}
