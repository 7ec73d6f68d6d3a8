// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemtop's command line by argp.
 */
#include "top_options.h"
#include <errno.h>
#include <stdlib.h>
#include "options/option_values.h"
#include "view_settings.h"

enum {
	KEY_JSON = OPTION_KEYS,
	KEY_EXACT,
	KEY_OWNERS,
	KEY_PAGE_MEMORY,
	KEY_SAMPLE,
	KEY_STACKS,
};

static const struct argp_option table[] = {
	{ "interval", 'i', "SECONDS", 0, "Refresh every SECONDS, from 0.1 on (default: 1)", 0 },
	{ "pid", 'p', "PID", 0, "Only VMs of this VMM; may be repeated", 0 },
	{ "sort", 's', "COLUMN", 0, "Sort by COLUMN (default: guest_fault)", 0 },
	{ "filter", 'f', "EXPR", 0, "Only rows like EXPR: 'comm~qemu guest_fault>100/s'", 0 },
	{ "columns", 'c', "COLUMN,...", 0, "Show these columns", 0 },
	{ "event", 'e', "EVENT,...", 0, "Only these events (gmemtrace(1) lists them)", 0 },
	{ "stacks", KEY_STACKS, "EVENT,...", 0, "Keep the kernel stacks that lead to these events",
	  0 },
	{ "batch", 'b', NULL, 0, "Print plain tables, with no need of a terminal", 0 },
	{ "json", KEY_JSON, NULL, 0, "Print a JSON object a refresh and line, as gmemtrace does",
	  0 },
	{ "count", 'n', "COUNT", 0, "End after COUNT refreshes", 0 },
	{ "owners", KEY_OWNERS, "N", 0,
	  "Room for N VMs, slots, guest_memfds (default: 8192), half as many histograms", 0 },
	{ "page-memory", KEY_PAGE_MEMORY, "SIZE", 0,
	  "At most so much for what is known of pages (default: a 64th of all memory)", 0 },
	{ "sample", KEY_SAMPLE, "N", 0,
	  "Count all guest faults, time one of N: cheaper by a third, but no causes", 0 },
	{ "exact", KEY_EXACT, NULL, 0,
	  "Miss no event, however many threads fault, at several times the cost (6.14)", 0 },
	{ "verbose", 'v', NULL, 0, "Let libbpf explain what fails", 0 },
	OPTION_COMMON_ROWS,
	{ 0 },
};

static const char doc[] =
	"Show live what KVM guest_memfd does: which VM and memslot faults, zaps and converts, how "
	"often and how long.\v"
	"Press h for help while it runs. Exit status: 0 done, 2 wrong usage or bad input, 3 not "
	"possible here.";

struct parser {
	struct option_parser common;
	struct top_options *options;
	bool events_chosen;
};

static const struct {
	int key;
	const char *option, *name;
} setting_options[TOP_SETTINGS] = {
	{ 'i', "-i", "interval" },
	{ 's', "-s", "sort" },
	{ 'f', "-f", "filter" },
	{ 'c', "-c", "columns" },
};

/* Wrong ones are found now; they are set when those of the file have been. */
static int parse_setting(struct parser *parser, int n, const char *arg)
{
	struct view_settings scratch;
	char why[192], said[256];

	settings_init(&scratch);
	parser->options->settings[n] = arg;
	if (!settings_set(&scratch, setting_options[n].name, arg, why, sizeof(why)))
		return 0;
	snprintf(said, sizeof(said), "%s %s", setting_options[n].option, why);
	return option_wrong(&parser->common, "%s. See gmemtop(1)", said);
}

void top_options_apply(const struct top_options *options, struct view_settings *settings)
{
	char why[192];

	for (int i = 0; i < TOP_SETTINGS; i++)
		if (options->settings[i])
			settings_set(settings, setting_options[i].name, options->settings[i], why,
				     sizeof(why));
}

static int parse_count(struct parser *parser, const char *arg)
{
	char *end;

	errno = 0;
	parser->options->count = strtoull(arg, &end, 10);
	if (end == arg || *end || errno || *arg == '-' || !parser->options->count)
		return option_wrong(&parser->common,
				    "-n %s: not a count. Give a whole number above 0", arg);
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state);

static const struct argp argp = { table, parse, NULL, doc, NULL, NULL, NULL };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct parser *parser = state->input;
	struct top_options *options = parser->options;

	option_taken(&parser->common, key, state);
	for (int i = 0; i < TOP_SETTINGS; i++)
		if (setting_options[i].key == key)
			return parse_setting(parser, i, arg);
	switch (key) {
	case 'p':
		return option_pid(&parser->common, arg, &options->pids, &options->npids);
	case 'e':
		return option_events(&parser->common, "-e", arg, &options->events,
				     &parser->events_chosen);
	case KEY_STACKS:
		return option_events(&parser->common, "--stacks", arg, &options->stack_events,
				     NULL);
	case KEY_OWNERS:
		return option_owners(&parser->common, arg, &options->owners);
	case KEY_PAGE_MEMORY:
		return option_page_memory(&parser->common, arg, &options->page_bytes);
	case KEY_SAMPLE:
		return option_sample(&parser->common, arg, &options->sample);
	case 'n':
		return parse_count(parser, arg);
	case 'b':
		options->batch = true;
		return 0;
	case KEY_JSON:
		options->batch = options->json = true;
		return 0;
	case KEY_EXACT:
		options->exact = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		return option_wrong(&parser->common, "%s: not an option. See gmemtop --help", arg);
	default:
		return option_common(key, &argp, "gmemtop");
	}
}

int top_options_parse(int argc, char **argv, struct top_options *options, struct problem *problem)
{
	struct parser parser = { { .problem = problem }, options, false };

	*options = (struct top_options){ .events = option_default_events() };
	if (option_parse(&argp, argc, argv, "gmemtop", &parser.common))
		return -1;
	options->events |= options->stack_events;
	return option_check_sample(options->sample, options->exact, options->stack_events, NULL,
				   problem);
}

void top_options_free(struct top_options *options)
{
	free(options->pids);
}
