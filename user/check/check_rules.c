// SPDX-License-Identifier: GPL-2.0-only
/*
 * METRIC [ORDER LIMIT]: one parser for every source of rules.
 */
#include "base/arrays.h"
#include "check_rules.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/number.h"
#include "base/text.h"

/*
 * Few metrics that noise is in, since each of them raises the number of runs that all of them
 * need: with two it is 5 + 5 at 1 %, with up to nine 6 + 6. Counts are compared as they are, and cost
 * nothing. What is in the next bucket is at most 12.5 % more.
 */
const char *const default_rules[] = {
	"guest_fault.mean<=+2%",
	"guest_fault.p99<=+13%",
	"host_fault.mean<=+2%",
	"punch_hole.mean<=+5%",
	"guest_fault.errors<=+0%",
	"guest_fault.refaults<=+1%",
	"prepare.per_fault<=+1%",
	"notifier.gmem_only<=+1%",
	"loss==0",
	NULL,
};

static const struct {
	const char *sign;
	enum rule_order order;
} orders[] = { { "<=", RULE_AT_MOST },
	       { ">=", RULE_AT_LEAST },
	       { "==", RULE_EQUAL },
	       { "<", RULE_BELOW },
	       { ">", RULE_ABOVE } };

#define BLANKS " \t\r\n"
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

const char *rule_order_sign(enum rule_order order)
{
	size_t i = 0;

	while (orders[i].order != order)
		i++;
	return orders[i].sign;
}

/* Moves @at behind the order that it is at. */
static int parse_order(struct rule *rule, const char **at, struct problem *problem)
{
	for (size_t i = 0; i < LENGTH(orders); i++)
		if (!strncmp(*at, orders[i].sign, strlen(orders[i].sign))) {
			rule->order = orders[i].order;
			*at += strlen(orders[i].sign);
			return 0;
		}
	return problem_set(problem, EXIT_USAGE, "after the metric comes <=, <, >=, > or ==");
}

/* How far apart, not in which direction. */
static int parse_distance(struct rule *rule, bool has_sign, struct problem *problem)
{
	if (has_sign)
		return problem_set(problem, EXIT_USAGE,
				   "a distance is as much in both directions. Leave the sign away");
	if (rule->order != RULE_AT_MOST)
		return problem_set(problem, EXIT_USAGE,
				   "a distance has a limit that it is within. Write <= before it");
	if (rule->limit == 0)
		return problem_set(problem, EXIT_USAGE,
				   "no two runs are alike, and chance would decide. Write how far "
				   "they may be apart, as in 10%%");
	return 0;
}

static int parse_relative(struct rule *rule, bool has_sign, struct problem *problem)
{
	rule->relative = true;
	rule->limit /= 100;
	if (metric_is_distance(&rule->metric))
		return parse_distance(rule, has_sign, problem);
	if (!has_sign)
		return problem_set(problem, EXIT_USAGE,
				   "a change needs a sign. Write +5%% or -5%%, or leave %% away");
	if (rule->order != RULE_AT_MOST && rule->order != RULE_AT_LEAST)
		return problem_set(problem, EXIT_USAGE,
				   "a change has a limit. Write <= or >= before it");
	if (rule->limit <= -1)
		return problem_set(problem, EXIT_USAGE,
				   "nothing falls by more than all there is. Write a change above "
				   "-100%%");
	if (rule->limit == 0 && metric_unit(&rule->metric) == UNIT_NS)
		return problem_set(problem, EXIT_USAGE,
				   "no time is the same twice, and chance would decide. Write how "
				   "much it may change, as in +2%%");
	return 0;
}

static int parse_unit(struct rule *rule, const char *unit, struct problem *problem)
{
	if (metric_is_distance(&rule->metric))
		return problem_set(problem, EXIT_USAGE,
				   "a distance is in percent of the latency. Write 10%%, say");
	if (metric_unit(&rule->metric) != UNIT_NS)
		return *unit ? problem_set(problem, EXIT_USAGE,
					   "the metric has no such unit. Give a number, or a "
					   "change such as +5%%")
			     : 0;
	if (number_ns_of(unit)) {
		rule->limit *= number_ns_of(unit);
		return 0;
	}
	return problem_set(problem, EXIT_USAGE,
			   "a time needs a unit. Add ns, us, ms or s, or give a change such as "
			   "+5%%");
}

static int parse_limit(struct rule *rule, const char *at, struct problem *problem)
{
	bool has_sign = *at == '+' || *at == '-';
	char *end;

	rule->limit = strtod(at, &end);
	rule->has_limit = true;
	if (end == at || strchr(BLANKS, *at) || !(fabs(rule->limit) < 1e9))
		return problem_set(problem, EXIT_USAGE,
				   "the limit is no number below 1e9. Write one, as in 0, 20us or "
				   "+5%%");
	while (*end == ' ')
		end++;
	if (!strcmp(end, "%"))
		return parse_relative(rule, has_sign, problem);
	return parse_unit(rule, end, problem);
}

/* @rule->text has the rule. */
static int parse_rule(struct rule *rule, struct problem *problem)
{
	size_t len = strcspn(rule->text, "<>=!" BLANKS);
	const char *at = rule->text + len;

	rule->metric_len = len;
	at += strspn(at, BLANKS);
	if (metric_parse(rule->text, len, &rule->metric, problem))
		return -1;
	if (!*at) {
		rule->relative = true;
		return 0;
	}
	if (parse_order(rule, &at, problem))
		return -1;
	return parse_limit(rule, at + strspn(at, BLANKS), problem);
}

/* Before the last one, the same has been demanded. */
static bool is_given_twice(const struct rules *rules)
{
	const struct rule *last = &rules->v[rules->n - 1];

	for (const struct rule *rule = rules->v; rule < last; rule++)
		if (metric_is_same(&rule->metric, &last->metric) && rule->order == last->order &&
		    rule->relative == last->relative && rule->has_limit == last->has_limit &&
		    rule->limit == last->limit)
			return true;
	return false;
}

/* @len bytes at @text, without the blanks around them; @where begins what is said of them. */
static int append(struct rules *rules, const char *text, size_t len, const char *where,
		  struct problem *problem)
{
	char clean[4 * sizeof(rules->v->text)];
	struct problem inner = {};
	struct rule *rule;

	for (; len && strchr(BLANKS, *text); len--)
		text++;
	while (len && strchr(BLANKS, text[len - 1]))
		len--;
	rule = array_append(&rules->v, &rules->n, sizeof(*rule));
	if (!rule)
		return problem_memory(problem, "keep the rules");
	text_clean(clean, sizeof(clean), text, len, true);
	if (len >= sizeof(rule->text))
		return problem_set(problem, EXIT_USAGE, "%srule '%.40s...': too long. Shorten it",
				   where, clean);
	memcpy(rule->text, text, len);
	if (!parse_rule(rule, &inner)) {
		if (!is_given_twice(rules))
			return 0;
		problem_set(&inner, EXIT_USAGE, "it is given twice. Leave one away");
	}
	return problem_set(problem, EXIT_USAGE, "%srule '%s': %s", where, clean, inner.text);
}

int rules_add(struct rules *rules, const char *text, struct problem *problem)
{
	return append(rules, text, strlen(text), "", problem);
}

static int no_file(const char *path, struct problem *problem)
{
	return problem_set(problem, EXIT_USAGE,
			   "cannot read rules from %s: %s. Give --rules another file", path,
			   strerror(errno));
}

#define LINE_SIZE 1024 /* no rule is as long */

/* The next line, without its end. 1, 0 at the end of the file, -1 if it is not text. */
static int next_line(FILE *file, char line[LINE_SIZE])
{
	size_t len = 0;
	int c;

	while ((c = getc(file)) != EOF && c != '\n') {
		if (!c || len == LINE_SIZE - 1)
			return -1;
		line[len++] = c;
	}
	line[len] = 0;
	return c != EOF || len;
}

static int add_lines(struct rules *rules, FILE *file, const char *path, struct problem *problem)
{
	char line[LINE_SIZE], where[120];
	unsigned int number = 0;
	int err = 0, more;
	size_t len;

	while (!err && (more = next_line(file, line))) {
		snprintf(where, sizeof(where), "%.80s:%u: ", path, ++number);
		if (more < 0)
			return problem_set(problem, EXIT_USAGE,
					   "%snot a line of text. Give --rules a text file", where);
		len = strcspn(line, "#");
		if (strspn(line, BLANKS) < len)
			err = append(rules, line, len, where, problem);
	}
	return err;
}

int rules_add_file(struct rules *rules, const char *path, struct problem *problem)
{
	FILE *file = fopen(path, "re");
	size_t before = rules->n;
	int err;

	if (!file)
		return no_file(path, problem);
	err = add_lines(rules, file, path, problem);
	if (!err && ferror(file))
		err = no_file(path, problem);
	fclose(file);
	/* Else those that hold without any would, unasked. */
	if (!err && rules->n == before)
		err = problem_set(problem, EXIT_USAGE,
				  "%s: there is no rule in it. Write one, or leave --rules away",
				  path);
	return err;
}

int rules_add_default(struct rules *rules, struct problem *problem)
{
	for (size_t i = 0; default_rules[i]; i++)
		if (rules_add(rules, default_rules[i], problem))
			return -1;
	return 0;
}

void rules_free(struct rules *rules)
{
	free(rules->v);
	*rules = (struct rules){};
}
