// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line of gmemtrace check by argp. Files follow the option that says which side they
 * are of, up to the next option.
 */
#include "base/arrays.h"
#include "check_options.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check/check.h"
#include "check/report_check.h"
#include "options/option_values.h"

enum {
	KEY_ALLOW = OPTION_KEYS,
	KEY_ALPHA,
	KEY_APPEND,
	KEY_BASE,
	KEY_DETERMINISTIC,
	KEY_FLOOR,
	KEY_FORCE,
	KEY_INCONCLUSIVE,
	KEY_LABEL,
	KEY_MAX_RUNS,
	KEY_MISS,
	KEY_NEW,
	KEY_PAIRED,
	KEY_PER_SLOT,
	KEY_RULE,
	KEY_RULES,
	KEY_UNTIL_TOLD,
};

static const struct argp_option table[] = {
	{ "base", KEY_BASE, "FILE...", 0, "Captures before the change, a run each", 0 },
	{ "new", KEY_NEW, "FILE...", 0, "Captures after it", 0 },
	{ "rule", KEY_RULE, "RULE", 0, "What is demanded, as in guest_fault.p99<=+5%; repeatable",
	  0 },
	{ "rules", KEY_RULES, "FILE", 0, "A rule on each line; # begins a comment", 0 },
	{ "per-slot", KEY_PER_SLOT, NULL, 0, "Each slot by itself, not all added up", 0 },
	{ "deterministic", KEY_DETERMINISTIC, NULL, 0,
	  "Times have no noise (icount): compare the smallest run of each side", 0 },
	{ "alpha", KEY_ALPHA, "PERCENT", 0,
	  "How likely a false alarm may be, over all metrics with noise (1%)", 0 },
	{ "miss", KEY_MISS, "PERCENT", 0,
	  "How likely a rule that is broken may be called fine (2.5%)", 0 },
	{ "floor", KEY_FLOOR, "PERCENT", 0, "The limit of rules without one (1%)", 0 },
	{ "paired", KEY_PAIRED, NULL, 0,
	  "Runs were made in turns: the n-th of both sides belong together", 0 },
	{ "until-told", KEY_UNTIL_TOLD, NULL, 0,
	  "Runs are added until it is told: look three times, with a third of both chances each",
	  0 },
	{ "max-runs", KEY_MAX_RUNS, "N", 0,
	  "The runs on each side at the last look of --until-told", 0 },
	{ "inconclusive", KEY_INCONCLUSIVE, "pass|fail", 0,
	  "Exit with status 0 or 1 where it is inconclusive, not 3", 0 },
	{ "allow", KEY_ALLOW, "WHAT,...", 0,
	  "Compare although one of these differs or is so: "
#define X(id, name, what) #name " "
	  CHECK_OBSTACLES(X)
#undef X
		  ,
	  0 },
	{ "force", KEY_FORCE, NULL, 0, "Read files that unpack to more than they should, too", 0 },
	{ "format", 'f', "FORMAT", 0, "text (default), markdown, json, junit, github or html", 0 },
	{ "output", 'o', "FILE", 0, "Write the result to FILE", 0 },
	{ "append", KEY_APPEND, "FILE", 0,
	  "Add the result to FILE, as a line of JSON, for gmemtrace trend", 0 },
	{ "label", KEY_LABEL, "TEXT", 0, "What it is of, such as the name of a commit", 0 },
	OPTION_COMMON_ROWS,
	{ 0 },
};

static const char doc[] =
	"Compare captures (gmemtrace record) of before and after a change: is it a regression?\v"
	"A rule is METRIC, or METRIC and <=, <, >=, > or == and a limit: a change such as +5%, or "
	"a value such as 0, 1.5 or 20us; of .shape <=10%, say. A metric is EVENT and one of .count .errors .pages .sum "
	".per_page .mean .pNN (any percentile, such as .p50 or .p99.9) .max .shape .per_fault "
	".refaults .gmem_only, as far as the event has it, or a detail of the event; or loss, or "
	"resident_pages. Without rules, a set that gmemtrace(1) lists.\n\n"
	"Exit status: 0 fine, 1 regression, 2 wrong usage or captures that cannot be compared, "
	"3 inconclusive, 4 not possible here.";

struct parser {
	struct option_parser common;
	struct check_options *options;
	struct file_list *files; /* of the side that files go to; NULL: none */
};

static int add_file(struct parser *parser, const char *arg)
{
	const char **at;

	if (!parser->files)
		return option_wrong(&parser->common,
				    "%s: a file of no side. Put --base or --new before files", arg);
	at = array_append(&parser->files->v, &parser->files->n, sizeof(*at));
	if (!at)
		return option_wrong(&parser->common, "%s: out of memory", arg);
	*at = arg;
	return 0;
}

/* argp takes what comes next for the value of an option, whatever it is. */
static int begin_side(struct parser *parser, const char *option, struct file_list *files,
		      const char *arg)
{
	char said[200];

	if (!strncmp(arg, "--", 2)) {
		snprintf(said, sizeof(said), "%s %.80s", option, arg);
		return option_wrong(
			&parser->common,
			"%s: a file is missing between them. For a file of that name, put "
			"./ before it",
			said);
	}
	parser->files = files;
	return add_file(parser, arg);
}

/* Those of the rules say it themselves. */
static int rules_parsed(struct parser *parser, int err)
{
	parser->common.failed |= err;
	return err ? EINVAL : 0;
}

/* Files that come next are of no side. */
static int parse_rules(struct parser *parser, const char *arg)
{
	struct rules *rules = &parser->options->rules;

	parser->files = NULL;
	return rules_parsed(parser, rules_add_file(rules, arg, parser->common.problem));
}

/* "1%" or "1"; of "0.05" nobody knows whether 5 % are meant. */
static int parse_percent(struct parser *parser, const char *option, const char *arg, double most,
			 double *share)
{
	char said[200], *end;
	double percent = strtod(arg, &end);

	if (end != arg && (!*end || !strcmp(end, "%")) && percent >= 0 && percent < most) {
		*share = percent / 100;
		if (*end || !percent || percent >= 1)
			return 0;
		snprintf(said, sizeof(said), "%s %.80s: write %g%% or %g", option, arg, percent,
			 percent * 100);
		return option_wrong(
			&parser->common,
			"%s%%. A percentage below 1 takes the sign, lest a share be meant", said);
	}
	snprintf(said, sizeof(said), "%s %.80s", option, arg);
	return option_wrong(&parser->common, "%s: not a percentage. Give one such as 1%%", said);
}

/* As many as there may be: each is an open file. */
#define MOST_RUNS 100000

static int parse_max_runs(struct parser *parser, const char *arg)
{
	char *end;
	long n = strtol(arg, &end, 10);

	if (end == arg || *end || n < 1 || n > MOST_RUNS)
		return option_wrong(&parser->common,
				    "--max-runs %s: not a number of runs. Give one such as 24",
				    arg);
	parser->options->max_runs = (size_t)n;
	return 0;
}

static int parse_inconclusive(struct parser *parser, const char *arg)
{
	bool passes = !strcmp(arg, "pass");

	if (!passes && strcmp(arg, "fail"))
		return option_wrong(&parser->common,
				    "--inconclusive %s: neither pass nor fail. Give one of them",
				    arg);
	parser->options->inconclusive = passes ? INCONCLUSIVE_PASSES : INCONCLUSIVE_FAILS;
	return 0;
}

static int allow(struct parser *parser, const char *name, size_t len)
{
	char said[80];

	for (int i = 0; i < NR_OBSTACLES; i++)
		if (strlen(check_obstacles[i]) == len && !memcmp(check_obstacles[i], name, len)) {
			parser->options->allow |= 1U << i;
			return 0;
		}
	snprintf(said, sizeof(said), "%.*s", (int)len, name);
	return option_wrong(&parser->common,
			    "--allow %s: nothing that could be allowed. See gmemtrace check --help",
			    said);
}

static int parse_allow(struct parser *parser, const char *arg)
{
	int err = 0;

	for (size_t len; !err; arg += len + 1) {
		len = strcspn(arg, ",");
		err = allow(parser, arg, len);
		if (!arg[len])
			break;
	}
	return err;
}

static int parse_format(struct parser *parser, const char *arg)
{
	if (!report_check_has_format(arg))
		return option_wrong(&parser->common,
				    "-f %s: an unknown format. See gmemtrace check --help", arg);
	parser->options->format = arg;
	return 0;
}

static int begin_history(struct parser *parser, const char *arg)
{
	if (!strncmp(arg, "--", 2) || !*arg)
		return option_wrong(&parser->common,
				    "--append %s: a file is missing. Put ./ before such a name",
				    arg);
	parser->options->append = arg;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state);

static const struct argp argp = { table, parse, NULL, doc, NULL, NULL, NULL };

static error_t parse_flag(struct check_options *options, int key)
{
	switch (key) {
	case KEY_PER_SLOT:
		options->per_slot = true;
		return 0;
	case KEY_DETERMINISTIC:
		options->deterministic = true;
		return 0;
	case KEY_FORCE:
		options->force = true;
		return 0;
	case KEY_PAIRED:
		options->paired = true;
		return 0;
	case KEY_UNTIL_TOLD:
		options->until_told = true;
		return 0;
	default:
		return option_common(key, &argp, "gmemtrace check");
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct parser *parser = state->input;
	struct check_options *options = parser->options;
	struct problem *problem = parser->common.problem;

	if (option_taken(&parser->common, key, state))
		parser->files = NULL;
	switch (key) {
	case KEY_BASE:
		return begin_side(parser, "--base", &options->base, arg);
	case KEY_NEW:
		return begin_side(parser, "--new", &options->new, arg);
	case KEY_RULE:
		return rules_parsed(parser, rules_add(&options->rules, arg, problem));
	case KEY_RULES:
		return begin_side(parser, "--rules", &options->rule_files, arg)
			       ?: parse_rules(parser, arg);
	case KEY_ALPHA:
		return parse_percent(parser, "--alpha", arg, 100, &options->alpha);
	case KEY_FLOOR:
		return parse_percent(parser, "--floor", arg, 1e6, &options->floor);
	case KEY_MISS:
		return parse_percent(parser, "--miss", arg, 100, &options->miss);
	case KEY_MAX_RUNS:
		return parse_max_runs(parser, arg);
	case KEY_INCONCLUSIVE:
		return parse_inconclusive(parser, arg);
	case KEY_ALLOW:
		return parse_allow(parser, arg);
	case KEY_APPEND:
		return begin_history(parser, arg);
	case KEY_LABEL:
		options->label = arg;
		return 0;
	case 'f':
		return parse_format(parser, arg);
	case 'o':
		options->output = strcmp(arg, "-") ? arg : NULL;
		return 0;
	case ARGP_KEY_ARG:
		return add_file(parser, arg);
	default:
		return parse_flag(options, key);
	}
}

/* A shell that finds no file leaves the pattern, or nothing. */
static int check_sides(const struct check_options *options, struct problem *problem)
{
	if (options->base.n && options->new.n)
		return 0;
	return problem_set(problem, EXIT_USAGE,
			   "check: there is nothing %s. Add %s FILE...: captures of gmemtrace "
			   "record, a run each",
			   options->base.n ? "new to compare" : "to compare with",
			   options->base.n ? "--new" : "--base");
}

static int check_pairs(const struct check_options *options, struct problem *problem)
{
	if (!options->paired || options->base.n == options->new.n)
		return 0;
	return problem_set(
		problem, EXIT_USAGE,
		"check: --paired takes as many runs on one side as on the other, and there "
		"are %zu and %zu. Leave some away",
		options->base.n, options->new.n);
}

static int check_looks(const struct check_options *options, struct problem *problem)
{
	size_t most = options->base.n > options->new.n ? options->base.n : options->new.n;

	if (options->until_told != (options->max_runs > 0))
		return problem_set(problem, EXIT_USAGE,
				   "check: --until-told and --max-runs N go together. Add %s",
				   options->until_told ? "--max-runs N" : "--until-told");
	if (options->until_told && most > options->max_runs)
		return problem_set(
			problem, EXIT_USAGE,
			"check: %zu runs on one side, which is more than --max-runs %zu. "
			"Leave some away",
			most, options->max_runs);
	return 0;
}

static int check_history(const struct check_options *options, struct problem *problem)
{
	if (options->label && !options->append)
		return problem_set(problem, EXIT_USAGE,
				   "check: --label is for --append. Add --append FILE");
	if (options->append && options->output && !strcmp(options->append, options->output))
		return problem_set(problem, EXIT_USAGE,
				   "check: -o and --append: the same file. Give two");
	return 0;
}

int check_options_parse(int argc, char **argv, struct check_options *options,
			struct problem *problem)
{
	struct parser parser = { { .problem = problem }, options, NULL };

	*options = (struct check_options){
		.alpha = 0.01, .miss = 0.025, .floor = 0.01, .format = "text"
	};
	if (option_parse(&argp, argc, argv, "gmemtrace check", &parser.common))
		return -1;
	options->default_rules = !options->rules.n;
	if (options->default_rules && rules_add_default(&options->rules, problem))
		return -1;
	return check_looks(options, problem) ?: check_sides(options, problem)
					    ?: check_pairs(options, problem)
	       ?: check_history(options, problem);
}

void check_options_free(struct check_options *options)
{
	free(options->base.v);
	free(options->new.v);
	free(options->rule_files.v);
	rules_free(&options->rules);
}
