// SPDX-License-Identifier: GPL-2.0-only
/*
 * The metrics as a table: a name, what an event must carry for it, and how it is read.
 */
#include "check_metrics.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "model/events.h"
#include "model/percentile.h"

/* A percentile with fewer events beyond it is that of a few stragglers. */
#define THIN_TAIL 10

typedef struct metric_value metric_reader(const struct metric *metric,
					  const struct place_counts *counts);

struct metric_kind {
	const char *name;
	enum metric_unit unit;
	unsigned int carries; /* only of events that carry this */
	__u64 of; /* 1 << event: only of these; 0: of all */
	__u64 needs; /* 1 << event: and these must be in the capture */
	metric_reader *read;
	bool is_work;
};

const char *const metric_units[] = { [UNIT_COUNT] = "count",
				     [UNIT_RATIO] = "ratio",
				     [UNIT_NS] = "ns",
				     [UNIT_SHARE] = "share",
				     NULL };

const char *const metric_lacks[] = {
	[LACK_NOTHING] = "",
	[LACK_MEMORY] = "could not be read: out of memory",
	[LACK_PLACE] = "has no such place",
	[LACK_OTHER] = "is of a slot of another size: VMs of that name came in another order",
	[LACK_ASKED] = "was not captured",
	[LACK_ATTACHED] = "is unavailable",
	[LACK_HAPPENED] = "did not happen",
	[LACK_SAMPLED] = "is not known with --sample",
	[LACK_INVENTORY] = "is not known: no inventory",
};

static struct metric_value lacks(enum metric_lack lack)
{
	return (struct metric_value){ .lack = lack };
}

static struct metric_value exactly(double value)
{
	return (struct metric_value){ .low = value, .value = value, .high = value };
}

static const struct event_count *count_of(const struct metric *metric,
					  const struct place_counts *counts)
{
	return &counts->totals.v[metric->event];
}

static struct metric_value read_count(const struct metric *metric,
				      const struct place_counts *counts)
{
	return exactly((double)count_of(metric, counts)->count);
}

static struct metric_value read_errors(const struct metric *metric,
				       const struct place_counts *counts)
{
	return exactly((double)event_count_errors(count_of(metric, counts)));
}

static struct metric_value read_pages(const struct metric *metric,
				      const struct place_counts *counts)
{
	return exactly((double)count_of(metric, counts)->npages);
}

static struct metric_value read_mean(const struct metric *metric, const struct place_counts *counts)
{
	const struct event_count *count = count_of(metric, counts);

	if (!event_count_timed(count))
		return lacks(LACK_HAPPENED);
	return exactly(event_count_mean_ns(count));
}

static struct metric_value read_sum(const struct metric *metric, const struct place_counts *counts)
{
	return exactly((double)count_of(metric, counts)->sum_ns);
}

static struct metric_value read_per_page(const struct metric *metric,
					 const struct place_counts *counts)
{
	const struct event_count *count = count_of(metric, counts);

	if (!count->npages)
		return lacks(LACK_HAPPENED);
	return exactly((double)count->sum_ns / (double)count->npages);
}

static struct metric_value read_max(const struct metric *metric, const struct place_counts *counts)
{
	const struct event_count *count = count_of(metric, counts);

	return event_count_timed(count) ? exactly((double)count->max_ns) : lacks(LACK_HAPPENED);
}

static struct metric_value read_percentile(const struct metric *metric,
					   const struct place_counts *counts)
{
	const struct event_count *count = count_of(metric, counts);
	struct percentile found = percentile_within(count, metric->per_mille);

	if (!found.high_ns)
		return lacks(LACK_HAPPENED);
	return (struct metric_value){
		.low = found.is_smooth ? found.value_ns : (double)found.low_ns,
		.value = found.value_ns,
		.high = found.is_smooth ? found.value_ns : (double)found.high_ns,
		.is_thin = found.beyond < THIN_TAIL,
	};
}

static struct metric_value read_shape(const struct metric *metric,
				      const struct place_counts *counts)
{
	return buckets_total(&count_of(metric, counts)->latency) ? exactly(NAN)
								 : lacks(LACK_HAPPENED);
}

static struct metric_value read_per_fault(const struct metric *metric,
					  const struct place_counts *counts)
{
	__u64 faults = counts->totals.v[EV_GUEST_FAULT].count;

	if (!faults)
		return lacks(LACK_HAPPENED);
	return exactly((double)count_of(metric, counts)->count / (double)faults);
}

static double details_between(const struct event_count *count, int first, int last)
{
	__u64 sum = 0;

	for (size_t i = 0; i < count->ndetails; i++)
		if ((int)count->details[i].detail >= first && (int)count->details[i].detail <= last)
			sum += count->details[i].count;
	return (double)sum;
}

static struct metric_value read_detail(const struct metric *metric,
				       const struct place_counts *counts)
{
	return exactly(details_between(count_of(metric, counts), metric->detail, metric->detail));
}

static struct metric_value read_refaults(const struct metric *metric,
					 const struct place_counts *counts)
{
	return exactly(details_between(count_of(metric, counts), DETAIL_FAULT_PUNCHED,
				       DETAIL_FAULT_FAILED));
}

static struct metric_value read_gmem_only(const struct metric *metric,
					  const struct place_counts *counts)
{
	(void)metric;
	return exactly(details_between(&counts->totals.v[EV_NOTIFIER_HIT], DETAIL_HIT_GMEM_ONLY,
				       DETAIL_HIT_GMEM_ONLY));
}

static struct metric_value read_loss(const struct metric *metric, const struct place_counts *counts)
{
	(void)metric;
	return exactly((double)counts->capture->snap->lost);
}

/* Of what still was there at the end. */
static struct metric_value read_resident(const struct metric *metric,
					 const struct place_counts *counts)
{
	const struct snapshot *snap = counts->capture->snap;
	__u64 npages = 0;

	(void)metric;
	if (counts->capture->no_inventory)
		return lacks(LACK_INVENTORY);
	for (size_t i = 0; i < snap->ngmems; i++) {
		if (snap->gmems[i].exists && !snap->gmems[i].resident.known)
			return lacks(LACK_INVENTORY);
		npages += snap->gmems[i].resident.npages;
	}
	return exactly((double)npages);
}

/* clang-format off */
#define EVENT(id) (1ULL << EV_##id)

static const struct metric_kind of_events[] = {
	{ .name = "count", .is_work = true, .read = read_count },
	{ .name = "errors", .carries = EVENT_ERRNO, .read = read_errors },
	{ .name = "pages", .is_work = true, .carries = EVENT_PAGES, .read = read_pages },
	{ .name = "sum", .unit = UNIT_NS, .is_work = true, .carries = EVENT_LATENCY, .read = read_sum },
	{ .name = "per_page", .unit = UNIT_NS, .carries = EVENT_LATENCY | EVENT_PAGES, .read = read_per_page },
	{ .name = "mean", .unit = UNIT_NS, .carries = EVENT_LATENCY, .read = read_mean },
	{ .name = "pNN", .unit = UNIT_NS, .carries = EVENT_LATENCY, .read = read_percentile },
	{ .name = "max", .unit = UNIT_NS, .carries = EVENT_LATENCY, .read = read_max },
	{ .name = "shape", .unit = UNIT_SHARE, .carries = EVENT_LATENCY, .read = read_shape },
	{ .name = "per_fault", .unit = UNIT_RATIO, .of = ~EVENT(GUEST_FAULT), .needs = EVENT(GUEST_FAULT), .read = read_per_fault },
	{ .name = "refaults", .of = EVENT(GUEST_FAULT), .read = read_refaults },
	/* What people look for at the notifier; counted at what it hits. */
	{ .name = "gmem_only", .of = EVENT(NOTIFIER), .needs = EVENT(NOTIFIER_HIT), .read = read_gmem_only },
};

static const struct metric_kind of_none[] = {
	{ .name = "loss", .read = read_loss },
	{ .name = "resident_pages", .read = read_resident },
};
/* clang-format on */

#define NR_OF_EVENTS (sizeof(of_events) / sizeof(of_events[0]))
#define NR_OF_NONE (sizeof(of_none) / sizeof(of_none[0]))

static const struct metric_kind detail_kind = { .read = read_detail };

static bool is_called(const char *name, const char *words, size_t len)
{
	return strlen(name) == len && !memcmp(name, words, len);
}

static bool kind_applies(const struct metric_kind *kind, int event)
{
	return (event_descs[event].carries & kind->carries) == kind->carries &&
	       (!kind->of || kind->of & 1ULL << event);
}

static int no_metric(int event, struct problem *problem)
{
	char known[300] = "";

	for (size_t i = 0; i < NR_OF_EVENTS; i++)
		if (kind_applies(&of_events[i], event))
			text_list_add(known, sizeof(known), of_events[i].name);
	for (int i = 0; i < NR_DETAILS; i++)
		if ((int)detail_descs[i].event == event)
			text_list_add(known, sizeof(known), detail_descs[i].name);
	return problem_set(problem, EXIT_USAGE, "%s has no such metric. Take one of %s",
			   event_descs[event].name, known);
}

/* "p50", "p99.9": a percentile in tenths of a percent; 0: none that there is. */
static unsigned int per_mille_of(const char *name, size_t len)
{
	unsigned int per_mille = 0;
	size_t dot = 1;

	while (dot < len && dot < 3 && isdigit((unsigned char)name[dot]))
		per_mille = per_mille * 10 + (unsigned int)(name[dot++] - '0');
	per_mille *= 10;
	if (*name != 'p' || dot == 1)
		return 0;
	if (dot == len)
		return per_mille;
	if (dot + 2 != len || name[dot] != '.' || !isdigit((unsigned char)name[dot + 1]))
		return 0;
	return per_mille + (unsigned int)(name[dot + 1] - '0');
}

static bool kind_is_called(const struct metric_kind *kind, const char *name, size_t len,
			   struct metric *metric)
{
	if (kind->read != read_percentile)
		return is_called(kind->name, name, len);
	metric->per_mille = per_mille_of(name, len);
	return metric->per_mille;
}

static int parse_of_event(int event, const char *name, size_t len, struct metric *metric,
			  struct problem *problem)
{
	*metric = (struct metric){ .event = event, .detail = -1 };
	for (size_t i = 0; i < NR_OF_EVENTS; i++)
		if (kind_applies(&of_events[i], event) &&
		    kind_is_called(&of_events[i], name, len, metric)) {
			metric->kind = &of_events[i];
			return 0;
		}
	for (int i = 0; i < NR_DETAILS; i++)
		if ((int)detail_descs[i].event == event &&
		    is_called(detail_descs[i].name, name, len)) {
			metric->kind = &detail_kind;
			metric->detail = i;
			return 0;
		}
	return no_metric(event, problem);
}

int metric_parse(const char *name, size_t len, struct metric *metric, struct problem *problem)
{
	const char *dot = memchr(name, '.', len);
	size_t before = dot ? (size_t)(dot - name) : len;
	int event = event_by_name(name, (int)before);

	*metric = (struct metric){ .event = -1, .detail = -1 };
	for (size_t i = 0; i < NR_OF_NONE && !dot; i++)
		if (is_called(of_none[i].name, name, len)) {
			metric->kind = &of_none[i];
			return 0;
		}
	if (event < 0)
		return problem_set(problem, EXIT_USAGE,
				   "no such event. Take one of EVENTS in gmemtrace(1), or loss, or "
				   "resident_pages, too");
	if (!dot)
		return problem_set(
			problem, EXIT_USAGE,
			"%s is an event, not a metric. Add one, as in %s.count or %s.p99",
			event_descs[event].name, event_descs[event].name, event_descs[event].name);
	return parse_of_event(event, dot + 1, len - before - 1, metric, problem);
}

enum metric_unit metric_unit(const struct metric *metric)
{
	return metric->kind->unit;
}

bool metric_is_work(const struct metric *metric)
{
	return metric->kind->is_work;
}

bool metric_is_distance(const struct metric *metric)
{
	return metric_unit(metric) == UNIT_SHARE;
}

bool metric_is_noisy(const struct metric *metric)
{
	return metric_unit(metric) == UNIT_NS || metric_is_distance(metric);
}

bool metric_is_same(const struct metric *a, const struct metric *b)
{
	return a->kind == b->kind && a->event == b->event && a->detail == b->detail &&
	       a->per_mille == b->per_mille;
}

__u64 metric_events(const struct metric *metric)
{
	return metric->kind->needs | (metric->event < 0 ? 0 : 1ULL << metric->event);
}

/* Is it of all faults what --sample tells of some, or of none? */
static bool is_of_each_fault(const struct metric *metric)
{
	if (metric->event == EV_HOST_FAULT)
		return metric->detail >= 0;
	return metric->event == EV_GUEST_FAULT &&
	       (metric->kind->read == read_sum || metric->kind->read == read_refaults ||
		(metric->detail >= 0 && metric->detail != DETAIL_FAULT_PREFETCH));
}

struct metric_value metric_read(const struct metric *metric, const struct place_counts *counts)
{
	__u64 events = metric_events(metric);

	if (!counts->exists)
		return lacks(LACK_PLACE);
	if (counts->is_other)
		return lacks(LACK_OTHER);
	for (int event = 0; event < NR_EVENTS; event++) {
		if (!(events & 1ULL << event))
			continue;
		if (!(counts->capture->shown & 1ULL << event))
			return lacks(LACK_ASKED);
		if (!counts->capture->hooks[event].attached)
			return lacks(LACK_ATTACHED);
	}
	if (counts->capture->sample && is_of_each_fault(metric))
		return lacks(LACK_SAMPLED);
	return metric->kind->read(metric, counts);
}
