// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules: what each way to write one means, and what is said of what is wrong.
 */
#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check/check_rules.h"
#include "model/events.h"
#include "unit.h"

#define assert_near(value, wanted) assert_true(fabs((value) - (wanted)) < 1e-9)

static struct rule parsed(const char *text)
{
	struct rules rules = {};
	struct problem problem = {};
	struct rule rule;

	assert_int_equal(rules_add(&rules, text, &problem), 0);
	assert_int_equal(rules.n, 1);
	rule = rules.v[0];
	rules_free(&rules);
	return rule;
}

static void test_limits(void **state)
{
	static const struct {
		const char *text;
		enum rule_order order;
		bool relative;
		double limit;
	} table[] = {
		{ "guest_fault.p99<=+5%", RULE_AT_MOST, true, 0.05 },
		{ "guest_fault.mean<=+0.5%", RULE_AT_MOST, true, 0.005 },
		{ "guest_fault.mean <= -10 %", RULE_AT_MOST, true, -0.1 },
		{ "guest_fault.count>=-1%", RULE_AT_LEAST, true, -0.01 },
		{ "guest_fault.p99<=20us", RULE_AT_MOST, false, 20000 },
		{ "guest_fault.p50 < 1.5 ms", RULE_BELOW, false, 1.5e6 },
		{ "guest_fault.max<=2s", RULE_AT_MOST, false, 2e9 },
		{ "guest_fault.p90>100ns", RULE_ABOVE, false, 100 },
		{ "guest_fault.p90<=20\u00b5s", RULE_AT_MOST, false, 20000 },
		{ "notifier.gmem_only==0", RULE_EQUAL, false, 0 },
		{ "notifier_hit.gmem_only==0", RULE_EQUAL, false, 0 },
		{ "prepare.per_fault<=1.0", RULE_AT_MOST, false, 1 },
		{ "guest_fault.refaults>=10", RULE_AT_LEAST, false, 10 },
		{ "guest_fault.refault_notifier==0", RULE_EQUAL, false, 0 },
		{ "zap.pages<=+0%", RULE_AT_MOST, true, 0 },
		{ "bind.errors==2", RULE_EQUAL, false, 2 },
		{ "guest_fault.shape<=10%", RULE_AT_MOST, true, 0.1 },
		{ "loss==0", RULE_EQUAL, false, 0 },
		{ "\t resident_pages<=+1%\r\n", RULE_AT_MOST, true, 0.01 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct rule rule = parsed(table[i].text);

		assert_int_equal(rule.order, table[i].order);
		assert_int_equal(rule.relative, table[i].relative);
		assert_true(rule.has_limit);
		assert_near(rule.limit, table[i].limit);
	}
}

static void test_metric_alone(void **state)
{
	struct rule rule = parsed(" guest_fault.mean ");

	(void)state;
	assert_string_equal(rule.text, "guest_fault.mean");
	assert_false(rule.has_limit);
	assert_true(rule.relative);
	assert_int_equal(rule.order, RULE_AT_MOST);
	assert_int_equal(metric_unit(&rule.metric), UNIT_NS);
	assert_int_equal(metric_events(&rule.metric), 1ULL << EV_GUEST_FAULT);
}

static void test_events_of_metrics(void **state)
{
	struct rule per_fault = parsed("prepare.per_fault"), loss = parsed("loss");
	struct rule gmem_only = parsed("notifier.gmem_only");

	(void)state;
	assert_int_equal(metric_events(&per_fault.metric),
			 1ULL << EV_PREPARE | 1ULL << EV_GUEST_FAULT);
	assert_int_equal(metric_events(&gmem_only.metric),
			 1ULL << EV_NOTIFIER | 1ULL << EV_NOTIFIER_HIT);
	assert_int_equal(metric_events(&loss.metric), 0);
}

static void test_twice(void **state)
{
	static const char *const different[] = {
		"guest_fault.mean<=+5%",  "guest_fault.mean<=+2%", "guest_fault.mean>=-5%",
		"guest_fault.mean<=50us", "guest_fault.p99<=+5%",  "guest_fault.p99.9<=+5%",
		"guest_fault.mean",	  "host_fault.mean<=+5%",
	};
	struct rules rules = {};
	struct problem problem = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(different); i++)
		assert_int_equal(rules_add(&rules, different[i], &problem), 0);
	assert_int_equal(rules_add(&rules, " guest_fault.mean <= +5.0 % ", &problem), -1);
	assert_string_equal(problem.text, "rule 'guest_fault.mean <= +5.0 %': it is given twice. "
					  "Leave one away");
	rules_free(&rules);
}

/* Everything that is said: the rule, what is wrong, what to do. */
static void test_wrong(void **state)
{
	static const char *const table[][2] = {
		{ "", "rule '': no such event. Take one of EVENTS in gmemtrace(1), or loss, or "
		      "resident_pages" },
		{ "gest_fault.p99<=+5%", "rule 'gest_fault.p99<=+5%': no such event. " },
		{ "guest_fault<=5", "rule 'guest_fault<=5': guest_fault is an event, not a metric. "
				    "Add one, as in guest_fault.count or guest_fault.p99" },
		{ "guest_fault.p100<=+5%",
		  "rule 'guest_fault.p100<=+5%': guest_fault has no such metric. Take one of count, "
		  "errors, sum, mean, pNN, max, shape, refaults, prefetch, first_touch, " },
		{ "guest_fault.p<=+5%", "guest_fault has no such metric." },
		{ "guest_fault.p0<=+5%", "guest_fault has no such metric." },
		{ "guest_fault.p5x<=+5%", "guest_fault has no such metric." },
		{ "guest_fault.p99.<=+5%", "guest_fault has no such metric." },
		{ "guest_fault.p99.99<=+5%", "guest_fault has no such metric." },
		{ "guest_fault.q99<=+5%", "guest_fault has no such metric." },
		{ "alloc.p50<=+5%",
		  "alloc has no such metric. Take one of count, pages, per_fault" },
		{ "unbind.errors==0", "no such metric. Take one of count, sum, mean, " },
		{ "notifier_hit.mean<=+1%", "notifier_hit has no such metric. Take one of count, "
					    "pages, per_fault, gmem_only" },
		{ "guest_fault.per_fault==1", "guest_fault has no such metric" },
		{ "loss.count==0", "no such event" },
		{ "guest_fault.p99=5us", "after the metric comes <=, <, >=, > or ==" },
		{ "guest_fault.p99!=5us", "after the metric comes" },
		{ "guest_fault.p99 5us", "after the metric comes" },
		{ "guest_fault.p99<=", "the limit is no number below 1e9. Write one" },
		{ "guest_fault.p99<=fast", "the limit is no number" },
		{ "guest_fault.p99<=nan", "the limit is no number" },
		{ "guest_fault.count<=inf", "the limit is no number" },
		{ "guest_fault.count<=1e300", "the limit is no number" },
		{ "guest_fault.p99<=5%", "a change needs a sign. Write +5% or -5%" },
		{ "guest_fault.p99==+5%", "a change has a limit. Write <= or >= before it" },
		{ "guest_fault.p99<+5%", "a change has a limit." },
		{ "guest_fault.p99<=20", "a time needs a unit. Add ns, us, ms or s" },
		{ "guest_fault.p99<=20h", "a time needs a unit." },
		{ "guest_fault.count<=20us", "the metric has no such unit. Give a number" },
		{ "guest_fault.count<=20 pages", "the metric has no such unit." },
		{ "guest_fault.mean<=-150%", "nothing falls by more than all there is. Write a" },
		{ "guest_fault.count>=-100%", "nothing falls by more than all there is." },
		{ "guest_fault.mean<=+0%",
		  "no time is the same twice, and chance would decide. Write how" },
		{ "guest_fault.p99>=-0%", "no time is the same twice" },
		{ "guest_fault.shape<=+10%",
		  "a distance is as much in both directions. Leave the sign" },
		{ "guest_fault.shape<=-10%", "a distance is as much in both directions." },
		{ "guest_fault.shape>=10%", "a distance has a limit that it is within. Write <=" },
		{ "guest_fault.shape==10%", "a distance has a limit that it is within." },
		{ "guest_fault.shape<=0%",
		  "no two runs are alike, and chance would decide. Write" },
		{ "guest_fault.shape<=10",
		  "a distance is in percent of the latency. Write 10%, say" },
		{ "guest_fault.shape<=1us", "a distance is in percent of the latency." },
		{ "alloc.shape<=10%", "alloc has no such metric." },
		{ "guest_fault.\033[31m", "rule 'guest_fault.\\x1b[31m': guest_fault has no such" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct rules rules = {};
		struct problem problem = {};

		assert_int_equal(rules_add(&rules, table[i][0], &problem), -1);
		assert_int_equal(problem.status, EXIT_USAGE);
		if (!strstr(problem.text, table[i][1]))
			assert_string_equal(problem.text, table[i][1]);
		assert_null(strchr(problem.text, '\n'));
		rules_free(&rules);
	}
}

static void test_too_long(void **state)
{
	struct rules rules = {};
	struct problem problem = {};
	char text[300];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(rules_add(&rules, text, &problem), -1);
	assert_non_null(strstr(problem.text, "too long. Shorten it"));
	rules_free(&rules);
}

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_file(void **state)
{
	char path[] = "/tmp/gmem-rules.XXXXXX";
	struct rules rules = {};
	struct problem problem = {};

	(void)state;
	write_file(path, "# what we promise\n\n  guest_fault.p99 <= 20us   # on any kernel\n"
			 "\t\nloss==0\r\nguest_fault.mean");
	assert_int_equal(rules_add_file(&rules, path, &problem), 0);
	unlink(path);
	assert_int_equal(rules.n, 3);
	assert_string_equal(rules.v[0].text, "guest_fault.p99 <= 20us");
	assert_string_equal(rules.v[1].text, "loss==0");
	assert_string_equal(rules.v[2].text, "guest_fault.mean");
	rules_free(&rules);
}

static void test_wrong_file(void **state)
{
	char path[] = "/tmp/gmem-rules.XXXXXX", wanted[200];
	struct rules rules = {};
	struct problem problem = {};

	(void)state;
	write_file(path, "loss==0\n# fine so far\nguest_fault.p99<=20\n");
	assert_int_equal(rules_add_file(&rules, path, &problem), -1);
	unlink(path);
	snprintf(wanted, sizeof(wanted), "%s:3: rule 'guest_fault.p99<=20': a time needs a unit. ",
		 path);
	assert_memory_equal(problem.text, wanted, strlen(wanted));
	rules_free(&rules);
	assert_int_equal(rules_add_file(&rules, "/nonexistent", &problem), -1);
	assert_string_equal(problem.text, "cannot read rules from /nonexistent: No such file or "
					  "directory. Give --rules another file");
	assert_int_equal(rules_add_file(&rules, "/tmp", &problem), -1);
	assert_non_null(strstr(problem.text, "cannot read rules from /tmp: Is a directory"));
	rules_free(&rules);
}

static void test_default_set(void **state)
{
	struct rules rules = {};
	struct problem problem = {};

	(void)state;
	assert_int_equal(rules_add_default(&rules, &problem), 0);
	for (size_t i = 0; i < rules.n; i++)
		assert_string_equal(rules.v[i].text, default_rules[i]);
	assert_null(default_rules[rules.n]);
	rules_free(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_metric_alone),
		cmocka_unit_test(test_events_of_metrics),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_wrong_file),
		cmocka_unit_test(test_default_set),
		cmocka_unit_test(test_twice),
	};

	return cmocka_run_group_tests_name("check_rules", tests, NULL, NULL);
}
