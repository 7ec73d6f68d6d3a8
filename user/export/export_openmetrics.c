// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last snapshot as OpenMetrics: a histogram for each event that takes time, counters for the
 * rest, gauges for memory and the capture itself. Without timestamps, so that it can be scraped.
 * All samples of a family follow each other, so that the snapshot is walked once for each.
 */
#include <stddef.h>
#include <string.h>
#include "export_counts.h"
#include "export_event.h"
#include "model/capture.h"
#include "model/events.h"
#include "model/page_size.h"
#include "openmetrics.h"

struct writer {
	struct openmetrics text;
	const struct capture *capture;
	struct export_places *places;
	const struct event_family *family; /* being written ... */
	const struct memory_family *memory; /* ... either */
	enum gmem_event event; /* that the family is about */
	bool begun; /* the family has a sample */
};

/* For each event that carries all of some, and none of others: gmem_EVENT and a suffix. */
struct event_family {
	unsigned int carries, carries_not;
	const char *suffix, *type, *unit, *help;
	void (*put)(struct writer *w, const struct counted_place *place,
		    const struct event_count *count);
};

/* What the inventory knows of slots and guest_memfds; bytes. */
struct memory_family {
	const char *name, *help;
	bool of_slots; /* else of guest_memfds */
	/* False: not known. */
	bool (*get)(const struct writer *w, const struct counted_place *place, __u64 *npages);
};

static void put_place_labels(struct openmetrics *text, const struct counted_place *place)
{
	__u64 ino = export_gmem_ino(place);
	char comm[GMEM_COMM_LEN + 1];

	if (place->vm) {
		const struct vm_info *info = &place->vm->info;

		openmetrics_label_number(text, "vm", export_vm_number(place));
		openmetrics_label_number(text, "pid", info->pid);
		snprintf(comm, sizeof(comm), "%.*s", GMEM_COMM_LEN, info->comm);
		openmetrics_label(text, "comm", comm);
	}
	if (place->past) {
		snprintf(comm, sizeof(comm), "%.*s", GMEM_COMM_LEN, place->past->comm);
		openmetrics_label(text, "past", comm);
	}
	if (place->slot) {
		openmetrics_label_number(text, "as_id", place->slot->info.as_id);
		openmetrics_label_number(text, "slot", place->slot->info.id);
	}
	if (ino || place->gmem)
		openmetrics_label_number(text, "gmem_ino", ino);
}

static void put_sample(struct writer *w, const struct counted_place *place, const char *suffix)
{
	openmetrics_sample(&w->text, suffix);
	put_place_labels(&w->text, place);
}

static void put_count(struct writer *w, const struct counted_place *place,
		      const struct event_count *count)
{
	put_sample(w, place, "_total");
	openmetrics_value(&w->text, count->count);
}

static void put_bytes(struct writer *w, const struct counted_place *place,
		      const struct event_count *count)
{
	put_sample(w, place, "_total");
	openmetrics_value_pages(&w->text, count->npages);
}

static void put_errors(struct writer *w, const struct counted_place *place,
		       const struct event_count *count)
{
	for (size_t i = 0; i < count->nerrs; i++) {
		__u64 n = event_errors_alike(count, i);

		if (!n)
			continue;
		put_sample(w, place, "_total");
		openmetrics_label(&w->text, "error", errno_name(count->errs[i].err));
		openmetrics_value(&w->text, n);
	}
}

static void put_details(struct writer *w, const struct counted_place *place,
			const struct event_count *count)
{
	for (size_t i = 0; i < count->ndetails; i++) {
		put_sample(w, place, "_total");
		openmetrics_label(&w->text, "detail", detail_descs[count->details[i].detail].name);
		openmetrics_value(&w->text, count->details[i].count);
	}
}

/* The same bounds everywhere, so that series can be added up: four to a power of two, inclusive. */
static bool is_bound(unsigned int bucket)
{
	return bucket % 4 == 0 && bucket < HIST_BUCKETS - 1;
}

static void put_bucket(struct writer *w, const struct counted_place *place, const char *bound,
		       __u64 count)
{
	put_sample(w, place, "_bucket");
	openmetrics_label(&w->text, "le", bound);
	openmetrics_value(&w->text, count);
}

/*
 * What is counted but in no bucket: shorter than --min-latency, unless no room was found for a
 * histogram. Then it is only known to be in the last, which has everything.
 */
static __u64 below_all(const struct writer *w, const struct event_count *count)
{
	if (w->capture->snap->loss[w->event][LOSS_HISTOGRAM])
		return 0;
	return event_count_timed(count) - buckets_total(&count->latency);
}

static void put_histogram(struct writer *w, const struct counted_place *place,
			  const struct event_count *count)
{
	__u64 below = below_all(w, count), total = 0;
	char bound[32];

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		if (hist_high_ns(i) > w->capture->min_latency_ns) {
			total += below;
			below = 0;
		}
		total += buckets_at(&count->latency, i);
		if (!is_bound(i))
			continue;
		snprintf(bound, sizeof(bound), "%.11g", (hist_high_ns(i) - 1) / 1e9);
		put_bucket(w, place, bound, total);
	}
	put_bucket(w, place, "+Inf", event_count_timed(count));
	put_sample(w, place, "_count");
	openmetrics_value(&w->text, event_count_timed(count));
	put_sample(w, place, "_sum");
	openmetrics_value_ns(&w->text, count->sum_ns);
}

static void put_untimed(struct writer *w, const struct counted_place *place,
			const struct event_count *count)
{
	put_sample(w, place, "_total");
	openmetrics_value(&w->text, count->untimed);
}

static const struct event_family event_families[] = {
	{ EVENT_LATENCY, 0, "_seconds", "histogram", "seconds", "%s", put_histogram },
	{ 0, EVENT_LATENCY, "", "counter", "", "%s", put_count },
	{ EVENT_LATENCY, 0, "_untimed", "counter", "",
	  "Those that are not in the histogram (--sample), of: %s", put_untimed },
	{ EVENT_PAGES, 0, "_bytes", "counter", "bytes", "Memory of: %s", put_bytes },
	{ EVENT_ERRNO, 0, "_errors", "counter", "", "Failures of: %s", put_errors },
	{ 0, 0, "_details", "counter", "", "Of how many more is known: %s", put_details },
};

static void begin_event_family(struct writer *w)
{
	const struct event_family *family = w->family;
	const struct event_desc *desc = &event_descs[w->event];
	char name[64], help[160];

	if (w->begun)
		return;
	w->begun = true;
	snprintf(name, sizeof(name), "%s%s", desc->name, family->suffix);
	snprintf(help, sizeof(help), family->help, desc->what);
	openmetrics_family(&w->text, "gmem_", name, family->type, family->unit, help);
}

static bool has_samples(const struct event_family *family, const struct event_count *count)
{
	if (family->put == put_errors)
		return count->nerrs;
	if (family->put == put_untimed)
		return count->untimed;
	return family->put != put_details || count->ndetails;
}

static int put_event_place(void *ctx, const struct counted_place *place)
{
	struct writer *w = ctx;
	const struct event_count *count = event_counts_find(place->events, w->event);

	if (count && has_samples(w->family, count)) {
		begin_event_family(w);
		w->family->put(w, place, count);
	}
	return 0;
}

static void put_event_families(struct writer *w)
{
	for (int event = 0; event < NR_EVENTS; event++)
		for (size_t i = 0; i < sizeof(event_families) / sizeof(event_families[0]); i++) {
			unsigned int carries = event_descs[event].carries;

			w->event = event;
			w->family = &event_families[i];
			w->begun = false;
			if (capture_shows(w->capture, event) &&
			    (carries & w->family->carries) == w->family->carries &&
			    !(carries & w->family->carries_not))
				export_counted_places(w->places, w->capture->snap, put_event_place,
						      w);
		}
}

static bool get_size(const struct writer *w, const struct counted_place *place, __u64 *npages)
{
	*npages = place->slot ? place->slot->info.npages
			      : bytes_pages(place->gmem->info.size_bytes, w->capture->page_bytes);
	return true;
}

static bool get_resident(const struct writer *w, const struct counted_place *place, __u64 *npages)
{
	const struct resident *resident = export_resident(place);

	(void)w;
	*npages = resident->npages;
	return resident->known;
}

static bool get_private(const struct writer *w, const struct counted_place *place, __u64 *npages)
{
	(void)w;
	*npages = place->slot->nprivate;
	return place->slot->has_private;
}

static const struct memory_family memory_families[] = {
	{ "slot_size_bytes", "Size of a memslot", true, get_size },
	{ "slot_resident_bytes", "What a memslot has in the page cache", true, get_resident },
	{ "slot_private_bytes", "What of a memslot is private", true, get_private },
	{ "file_size_bytes", "Size of a guest_memfd", false, get_size },
	{ "file_resident_bytes", "What a guest_memfd has in the page cache", false, get_resident },
};

static int put_memory_place(void *ctx, const struct counted_place *place)
{
	struct writer *w = ctx;
	const struct memory_family *family = w->memory;
	__u64 npages;

	if (!(family->of_slots ? !!place->slot : !!place->gmem) || !family->get(w, place, &npages))
		return 0;
	if (!w->begun)
		openmetrics_family(&w->text, "gmem_", family->name, "gauge", "bytes", family->help);
	w->begun = true;
	put_sample(w, place, "");
	openmetrics_value_pages(&w->text, npages);
	return 0;
}

static void put_memory(struct writer *w)
{
	for (size_t i = 0; i < sizeof(memory_families) / sizeof(memory_families[0]); i++) {
		w->memory = &memory_families[i];
		w->begun = false;
		export_counted_places(w->places, w->capture->snap, put_memory_place, w);
	}
}

static void put_past(struct writer *w, const char *name, const char *help, size_t offset)
{
	const struct past_list *past = &w->capture->snap->past;

	if (past->n)
		openmetrics_family(&w->text, "gmem_", name, "counter", "", help);
	for (size_t i = 0; i < past->n; i++) {
		const struct counted_place place = { .past = &past->v[i] };

		put_sample(w, &place, "_total");
		openmetrics_value(&w->text, *(const __u64 *)((const char *)&past->v[i] + offset));
	}
}

/* What the counters with this label are of. */
static void put_pasts(struct writer *w)
{
	put_past(w, "past_vms", "VMs that have ended and been given back",
		 offsetof(struct past, nvms));
	put_past(w, "past_slots", "Their memslots", offsetof(struct past, nslots));
	put_past(w, "past_files", "guest_memfds that have, of VMs that live on, too",
		 offsetof(struct past, ngmems));
}

/* Which of the events that were asked for could be counted: no sample of one that could is 0. */
static void put_attached(struct writer *w)
{
	openmetrics_family(&w->text, "gmem_", "event_attached", "gauge", "",
			   "1: the event is counted; 0: this kernel cannot carry it");
	for (int event = 0; event < NR_EVENTS; event++) {
		if (!capture_shows(w->capture, event))
			continue;
		openmetrics_sample(&w->text, "");
		openmetrics_label(&w->text, "event", event_descs[event].name);
		openmetrics_value(&w->text, w->capture->hooks[event].attached);
	}
}

static void put_losses(struct writer *w)
{
	openmetrics_family(&w->text, "gmem_", "lost_events", "counter", "",
			   "What is missing from the counts, and why");
	for (int event = 0; event < NR_EVENTS; event++)
		for (int i = 0; i < NR_LOSSES; i++) {
			__u64 lost = w->capture->snap->loss[event][i];

			if (!lost && !w->capture->hooks[event].attached)
				continue;
			openmetrics_sample(&w->text, "_total");
			openmetrics_label(&w->text, "event", event_descs[event].name);
			openmetrics_label(&w->text, "kind", loss_descs[i].name);
			openmetrics_value(&w->text, lost);
		}
	openmetrics_family(
		&w->text, "gmem_", "switched_off", "counter", "",
		"How often kernel.ftrace_enabled became 0: what is missing then is not known");
	openmetrics_single(&w->text, "_total", w->capture->snap->switched_off);
}

static void put_info(struct writer *w)
{
	const struct capture *capture = w->capture;
	const struct {
		const char *name, *value;
	} labels[] = {
		{ "tool", capture->tool },
		{ "version", capture->version },
		{ "kernel", capture->kernel },
		{ "arch", capture->arch },
	};
	openmetrics_family(&w->text, "gmem_", "capture_info", "gauge", "", "Always 1");
	openmetrics_sample(&w->text, "");
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		openmetrics_label(&w->text, labels[i].name, labels[i].value);
	openmetrics_value(&w->text, 1);
}

static void put_time(struct writer *w, const char *name, __u64 ns, const char *help)
{
	openmetrics_family(&w->text, "gmem_", name, "gauge", "seconds", help);
	openmetrics_sample(&w->text, "");
	openmetrics_value_ns(&w->text, ns);
}

static void put_capture(struct writer *w, const char *incomplete)
{
	put_info(w);
	put_time(w, "capture_start_time_seconds", w->capture->start_realtime_ns,
		 "When the capture began, since 1970");
	put_time(w, "capture_duration_seconds", w->capture->duration_ns,
		 "From its begin to the snapshot");
	openmetrics_family(&w->text, "gmem_", "capture_incomplete", "gauge", "",
			   "1: the file is not all of the capture");
	openmetrics_single(&w->text, "", incomplete != NULL);
}

int export_openmetrics(struct export *export)
{
	struct writer w = { .text.out = export->out, .places = &export->places };
	struct capture_item item;
	char begin[EXPORT_TIME_SIZE];
	int more;

	while ((more = export_next(export, CAPTURE_WANT_LAST, &item)) > 0)
		;
	if (more < 0)
		return -1;
	w.capture = capture_meta(export->file);
	w.text.page_bytes = w.capture->page_bytes;
	/* Told apart from all others beside it, unless somebody wants series that go on. */
	w.text.capture = export->options->name ?: export_time(begin, w.capture->start_realtime_ns);
	put_capture(&w, capture_incomplete(export->file));
	put_attached(&w);
	put_event_families(&w);
	put_pasts(&w);
	put_losses(&w);
	put_memory(&w);
	openmetrics_end(&w.text);
	return 0;
}
