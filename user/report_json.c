// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture as one JSON object on one line, in the shape that schema.json writes down. Numbers
 * are exact; strings from outside are made valid UTF-8.
 */
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include "events.h"
#include "kvm_names.h"
#include "percentile.h"
#include "report_formats.h"
#include "text.h"

/* JSON integers are signed here; the few values that could be above that are digits in quotes. */
static json_t *json_u64(__u64 value)
{
	char digits[24];

	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	snprintf(digits, sizeof(digits), "%llu", value);
	return json_string(digits);
}

/* A string of at most @len bytes that anybody may have made up. */
static json_t *json_foreign(const char *s, size_t len)
{
	char *clean;
	json_t *string;

	len = strnlen(s, len);
	clean = malloc(TEXT_UTF8_SIZE(len));
	if (!clean)
		return NULL;
	string = json_string(text_utf8(clean, TEXT_UTF8_SIZE(len), s, len));
	free(clean);
	return string;
}

static json_t *json_foreign_or_null(const char *s)
{
	return s && *s ? json_foreign(s, strlen(s)) : json_null();
}

/* Keep @value only if everything that was put into it is there: @err is 0. */
static json_t *complete(json_t *value, int err)
{
	if (!err)
		return value;
	json_decref(value);
	return NULL;
}

static json_t *percentile(const struct event_count *count, unsigned int per_mille)
{
	return json_u64(percentile_ns(count, per_mille));
}

static json_t *bucket_list(const struct event_count *count)
{
	json_t *list = json_array();
	int i, err = 0;

	for (i = 0; i < HIST_BUCKETS && !err; i++) {
		__u64 high = hist_high_ns(i);

		if (!count->bucket[i])
			continue;
		err = json_array_append_new(
			list, json_pack("[o, o, o]", json_u64(hist_low_ns(i)),
					high ? json_u64(high) : json_null(),
					json_u64(count->bucket[i])));
	}
	return complete(list, err);
}

static json_t *latency_object(const struct event_count *count)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "count", json_u64(count->count), "sum", json_u64(count->sum_ns),
			 "min", json_u64(count->min_ns), "max", json_u64(count->max_ns),
			 "p50", percentile(count, 500), "p90", percentile(count, 900),
			 "p99", percentile(count, 990), "p999", percentile(count, 999),
			 "buckets", bucket_list(count));
}

static json_t *errors_object(const struct event_count *count)
{
	json_t *object = json_object();
	size_t i;
	int err = 0;

	for (i = 0; i < count->nerrs && !err; i++)
		err = json_object_set_new(object, errno_name(count->errs[i].err),
					  json_u64(count->errs[i].count));
	return complete(object, err);
}

static json_t *event_object(const struct event_count *count)
{
	unsigned int carries = event_descs[count->event].carries;
	json_t *object = json_pack("{s:o}", "count", json_u64(count->count));
	int err = 0;

	if (carries & EVENT_ERRNO)
		err |= json_object_set_new(object, "errors", errors_object(count));
	if (carries & EVENT_PAGES)
		err |= json_object_set_new(object, "pages", json_u64(count->npages));
	if (count->bucket)
		err |= json_object_set_new(object, "latency_ns", latency_object(count));
	return complete(object, err);
}

static json_t *events_object(const struct capture *capture, const struct event_counts *counts)
{
	json_t *object = json_object();
	size_t i;
	int err = 0;

	for (i = 0; i < counts->n && !err; i++)
		if (report_shows(capture, counts->v[i].event))
			err = json_object_set_new(object, event_descs[counts->v[i].event].name,
						  event_object(&counts->v[i]));
	return complete(object, err);
}

static json_t *flag_list(__u64 flags, const struct flag_name *names)
{
	json_t *list = json_array();
	int err = 0;

	for (; names->bit && !err; names++)
		if (flags & names->bit)
			err = json_array_append_new(list, json_string(names->name));
	return complete(list, err);
}

static json_t *slot_object(const struct capture *capture, const struct slot *slot)
{
	const struct slot_info *info = &slot->info;

	return json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "as_id", (int)info->as_id, "id", (int)info->id,
			 "base_gfn", json_u64(info->base_gfn), "npages", json_u64(info->npages),
			 "flags", json_u64(info->flags),
			 "flag_names", flag_list(info->flags, slot_flag_names),
			 "gmem_ino", info->ino ? json_u64(info->ino) : json_null(),
			 "gmem_pgoff", info->ino ? json_u64(info->pgoff) : json_null(),
			 "events", events_object(capture, &slot->events));
}

static json_t *slot_list(const struct capture *capture, const struct vm *vm)
{
	json_t *list = json_array();
	size_t i;
	int err = 0;

	for (i = 0; i < vm->nslots && !err; i++)
		err = json_array_append_new(list, slot_object(capture, &vm->slots[i]));
	return complete(list, err);
}

static json_t *vm_object(const struct capture *capture, const struct vm *vm)
{
	const struct vm_info *info = &vm->info;

	return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o}",
			 "pid", json_u64(info->pid),
			 "comm", json_foreign(info->comm, sizeof(info->comm)),
			 "type", json_u64(info->type),
			 "type_name", json_foreign_or_null(vm_type_name(capture->arch, info->type)),
			 "ended", info->ended_ns != 0,
			 "slots", slot_list(capture, vm),
			 "events", events_object(capture, &vm->events));
}

static json_t *vm_list(const struct capture *capture)
{
	json_t *list = json_array();
	size_t i;
	int err = 0;

	for (i = 0; i < capture->snap->nvms && !err; i++)
		err = json_array_append_new(list, vm_object(capture, &capture->snap->vms[i]));
	return complete(list, err);
}

static json_t *gmem_object(const struct capture *capture, const struct gmem *gmem)
{
	const struct gmem_info *info = &gmem->info;
	bool has_vm = gmem->vm < capture->snap->nvms;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o}",
			 "vm", has_vm ? json_u64(gmem->vm) : json_null(),
			 "ino", json_u64(info->ino), "size_bytes", json_u64(info->size_bytes),
			 "flags", json_u64(info->flags),
			 "flag_names", flag_list(info->flags, gmem_flag_names),
			 "released", info->released_ns != 0,
			 "events", events_object(capture, &gmem->events));
}

static json_t *gmem_list(const struct capture *capture)
{
	json_t *list = json_array();
	size_t i;
	int err = 0;

	for (i = 0; i < capture->snap->ngmems && !err; i++)
		err = json_array_append_new(list, gmem_object(capture, &capture->snap->gmems[i]));
	return complete(list, err);
}

static json_t *rung_object(const struct capture *capture, enum gmem_event event)
{
	const struct rung *rung = report_rung(capture, event);
	json_t *list;
	const char *function;
	unsigned int i;
	int err = 0;

	if (!rung)
		return json_null();
	list = json_array();
	for (i = 0; !err && (function = report_function(rung, i)); i++)
		err = json_array_append_new(list, json_string(function));
	return json_pack("{s:o, s:s}", "functions", complete(list, err), "since", rung->since);
}

static json_t *hook_object(const struct capture *capture, enum gmem_event event)
{
	const struct hook_state *hook = &capture->hooks[event];

	return json_pack("{s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o}",
			 "event", event_descs[event].name,
			 "shown", (int)report_shows(capture, event), "wanted", (int)hook->wanted,
			 "attached", (int)hook->attached, "rung", rung_object(capture, event),
			 "reason", json_foreign_or_null(hook->reason),
			 "run_count", json_u64(hook->run_count),
			 "run_time_ns", json_u64(hook->run_time_ns),
			 "recursion_misses", json_u64(hook->recursion_misses));
}

static json_t *hook_list(const struct capture *capture)
{
	json_t *list = json_array();
	int event, err = 0;

	for (event = 0; event < NR_EVENTS && !err; event++)
		err = json_array_append_new(list, hook_object(capture, event));
	return complete(list, err);
}

static json_t *event_losses(const __u64 *loss, __u64 recursion_misses)
{
	json_t *object = json_object();
	int i, err = 0;

	for (i = 0; i < NR_LOSSES && !err; i++)
		if (loss[i])
			err = json_object_set_new(object, loss_descs[i].name, json_u64(loss[i]));
	if (recursion_misses && !err)
		err = json_object_set_new(object, "recursion", json_u64(recursion_misses));
	return complete(object, err);
}

static json_t *loss_object(const struct capture *capture)
{
	json_t *events = json_object();
	int event, err = 0;

	for (event = 0; event < NR_EVENTS && !err; event++) {
		json_t *losses = event_losses(capture->snap->loss[event],
					      capture->hooks[event].recursion_misses);

		if (losses && !json_object_size(losses))
			json_decref(losses);
		else
			err = json_object_set_new(events, event_descs[event].name, losses);
	}
	return json_pack("{s:o, s:o}", "total", json_u64(capture->snap->lost), "events",
			 complete(events, err));
}

static json_t *command_object(const struct capture *capture)
{
	int status = capture->command_status;
	bool exited = capture->command_ended && WIFEXITED(status);
	const char *signal = capture->command_ended ? report_signal(status) : NULL;
	char *const *arg;
	json_t *list;
	int err = 0;

	if (!capture->command)
		return json_null();
	list = json_array();
	for (arg = capture->command; *arg && !err; arg++)
		err = json_array_append_new(list, json_foreign(*arg, strlen(*arg)));
	return json_pack("{s:o, s:b, s:o, s:o}", "argv", complete(list, err),
			 "ended", (int)capture->command_ended,
			 "exit_status", exited ? json_integer(WEXITSTATUS(status)) : json_null(),
			 "signal", json_foreign_or_null(signal));
}

/* A time of day in nanoseconds does not fit the integers of most readers: RFC 3339 does. */
static json_t *time_string(__u64 realtime_ns)
{
	time_t seconds = realtime_ns / 1000000000;
	char date[32], text[64];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return NULL;
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%09lluZ", date, realtime_ns % 1000000000);
	return json_string(text);
}

static json_t *capture_object(const struct capture *capture)
{
	return json_pack("{s:o, s:o, s:o}", "start", time_string(capture->start_realtime_ns),
			 "duration_ns", json_u64(capture->duration_ns),
			 "command", command_object(capture));
}

/* What a capture and a probe have in common. */
static json_t *root_object(const struct capture *capture)
{
	return json_pack("{s:{s:s, s:o}, s:{s:o, s:o}}",
			 "tool", "name", "gmemtrace",
			 "version", json_foreign(capture->version, strlen(capture->version)),
			 "kernel", "release", json_foreign(capture->kernel, strlen(capture->kernel)),
			 "arch", json_foreign(capture->arch, strlen(capture->arch)));
}

static int write_and_free(FILE *out, json_t *root)
{
	int err;

	if (!root)
		return -ENOMEM;
	err = json_dumpf(root, out, JSON_COMPACT);
	json_decref(root);
	if (!err)
		fputc('\n', out);
	/* Failed writes are found by the caller, which flushes. */
	return err && !ferror(out) ? -ENOMEM : 0;
}

static json_t *host_object(const struct capture *capture)
{
	return json_pack("{s:o}", "events", events_object(capture, &capture->snap->host));
}

int report_json_capture(FILE *out, const struct capture *capture, const struct report_style *style)
{
	json_t *root = root_object(capture);
	int err = 0;

	(void)style;
	err |= json_object_set_new(root, "capture", capture_object(capture));
	err |= json_object_set_new(root, "hooks", hook_list(capture));
	err |= json_object_set_new(root, "loss", loss_object(capture));
	err |= json_object_set_new(root, "vms", vm_list(capture));
	err |= json_object_set_new(root, "gmems", gmem_list(capture));
	err |= json_object_set_new(root, "host", host_object(capture));
	return write_and_free(out, complete(root, err));
}

int report_json_probe(FILE *out, const struct capture *capture, const struct report_style *style)
{
	json_t *root = root_object(capture);
	int err;

	(void)style;
	err = json_object_set_new(root, "hooks", hook_list(capture));
	return write_and_free(out, complete(root, err));
}
