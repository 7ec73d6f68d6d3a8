// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reasons for what is unavailable. Each event has its own, with the names of functions; the
 * head of a report has room for the kinds only, so events whose reasons are alike share a line.
 */
#include <string.h>
#include "model/events.h"
#include "report_hooks.h"

/* Reasons of their own in the head of a report; the rest are only counted. */
#define REASONS_MAX 2

/* How session.c begins the reason of an event none of whose functions the kernel has. */
static const char missing_words[] = "not in this kernel:";

/* What hooks.c calls the version of functions that no released kernel has. */
static const char in_flight_words[] = "in flight";

struct paragraph {
	FILE *out;
	const struct capture *capture;
	bool utf8;
	unsigned int columns;
	unsigned int indent;
};

/* The rung that the oldest kernels have. */
static const struct rung *oldest_rung(enum gmem_event event)
{
	const struct ladder *ladder = &ladders[event];
	int i = 0;

	while (i + 1 < EVENT_RUNGS && ladder->rungs[i + 1].since)
		i++;
	return &ladder->rungs[i];
}

typedef bool hook_test(const struct capture *capture, enum gmem_event event);

static bool is_unavailable(const struct capture *capture, enum gmem_event event)
{
	return capture_shows(capture, event) &&
	       hook_outcome(&capture->hooks[event]) == HOOK_UNAVAILABLE;
}

static bool is_missing(const struct capture *capture, enum gmem_event event)
{
	return !strncmp(capture->hooks[event].reason, missing_words, strlen(missing_words));
}

static bool is_in_flight(const struct capture *capture, enum gmem_event event)
{
	return is_missing(capture, event) && !strcmp(oldest_rung(event)->since, in_flight_words);
}

/* Those of @events (1 << event) that pass @test. */
static __u64 events_that(const struct capture *capture, __u64 events, hook_test *test)
{
	__u64 found = 0;
	int event;

	for (event = 0; event < NR_EVENTS; event++)
		if (events & 1ULL << event && test(capture, event))
			found |= 1ULL << event;
	return found;
}

/* Those of @events whose reason is that of the first. */
static __u64 events_alike(const struct capture *capture, __u64 events)
{
	const struct hook_state *first = &capture->hooks[__builtin_ctzll(events)];
	__u64 alike = 0;
	int event;

	for (event = 0; event < NR_EVENTS; event++)
		if (events & 1ULL << event && !strcmp(capture->hooks[event].reason, first->reason))
			alike |= 1ULL << event;
	return alike;
}

/* "host_fault, poison", or "host_fault (since 6.18), poison (since 6.8)". */
static void list_events(char *text, size_t size, __u64 events, bool since)
{
	const char *comma = "";
	size_t at = 0;
	int event;

	text[0] = 0;
	for (event = 0; event < NR_EVENTS && at < size; event++) {
		if (!(events & 1ULL << event))
			continue;
		at += snprintf(text + at, size - at, "%s%s", comma, event_descs[event].name);
		if (since && at < size)
			at += snprintf(text + at, size - at, " (since %s)",
				       oldest_rung(event)->since);
		comma = ", ";
	}
}

/* @text, but no more than two lines of it: what wraps leaves part of the first one empty. */
static void put_text(const struct paragraph *paragraph, char *text)
{
	struct flow flow = { .out = paragraph->out,
			     .columns = paragraph->columns,
			     .indent = paragraph->indent };
	unsigned int room = paragraph->columns - paragraph->indent;

	text_clip(text, 2 * room - 24);
	flow_text(&flow, 0, text);
	flow_end(&flow);
}

static void put_kind(const struct paragraph *paragraph, const char *kind, __u64 events, bool since)
{
	char names[1024], text[1200];

	if (!events)
		return;
	list_events(names, sizeof(names), events, since);
	snprintf(text, sizeof(text), "%s: %s", kind, names);
	put_text(paragraph, text);
}

static void put_reason(const struct paragraph *paragraph, __u64 events)
{
	char names[1024], reason[HOOKS_REASON_SIZE], text[2000];

	list_events(names, sizeof(names), events, false);
	hooks_reason(reason, paragraph->capture, __builtin_ctzll(events), paragraph->utf8);
	snprintf(text, sizeof(text), "%s: %s", names, reason);
	put_text(paragraph, text);
}

void hooks_unavailable(FILE *out, const struct capture *capture, const struct text_style *style,
		       unsigned int columns, unsigned int indent)
{
	const struct paragraph paragraph = { out, capture, style->utf8, columns, indent };
	__u64 left = events_that(capture, ~0ULL, is_unavailable);
	__u64 missing = events_that(capture, left, is_missing);
	__u64 in_flight = events_that(capture, left, is_in_flight);
	int n;

	/* It may be of the right version, but built without what calls them: cloud kernels are. */
	put_kind(&paragraph, "not in this kernel or its configuration", missing & ~in_flight, true);
	put_kind(&paragraph, "not in any released kernel", in_flight, false);
	left &= ~missing;
	for (n = 0; left && n < REASONS_MAX; n++) {
		__u64 alike = events_alike(capture, left);

		put_reason(&paragraph, alike);
		left &= ~alike;
	}
	if (left)
		fprintf(out, "%*s%d more: -f json says why\n", (int)indent, "",
			__builtin_popcountll(left));
}

const char *hooks_reason(char buf[HOOKS_REASON_SIZE], const struct capture *capture,
			 enum gmem_event event, bool utf8)
{
	const char *reason = capture->hooks[event].reason;

	if (is_in_flight(capture, event))
		snprintf(buf, HOOKS_REASON_SIZE, "not in any released kernel: %s",
			 rung_function(&ladders[event].rungs[0], 0));
	else if (reason[0])
		text_clean(buf, HOOKS_REASON_SIZE, reason, strlen(reason), utf8);
	else
		snprintf(buf, HOOKS_REASON_SIZE, "for an unknown reason");
	return buf;
}
