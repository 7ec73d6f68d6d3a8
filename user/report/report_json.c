// SPDX-License-Identifier: GPL-2.0-only
/*
 * A capture, a probe or an inventory as one JSON object on one line, in the shape that
 * report_schema.json writes down. Numbers are exact; strings from outside are made valid UTF-8.
 */
#include "report_json.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include "base/text.h"
#include "model/events.h"
#include "report_formats.h"

static void put_all_of(struct json_out *json, const char *key, const char *text)
{
	json_out_foreign(json, key, text, strlen(text));
}

static void put_rung(struct json_out *json, const struct rung *rung)
{
	const char *function;

	json_out_object(json, "rung");
	json_out_list(json, "functions");
	for (unsigned int i = 0; (function = rung_function(rung, i)); i++)
		put_all_of(json, NULL, function);
	json_out_end_list(json);
	put_all_of(json, "since", rung->since);
	json_out_end_object(json);
}

static void put_hook(struct json_out *json, const struct capture *capture, enum gmem_event event)
{
	const struct hook_state *hook = &capture->hooks[event];
	const struct rung *rung = capture_rung(capture, event);

	json_out_object(json, NULL);
	json_out_string(json, "event", event_descs[event].name);
	json_out_bool(json, "opt_in", event_descs[event].carries & EVENT_OPT_IN);
	json_out_bool(json, "shown", capture_shows(capture, event));
	json_out_bool(json, "wanted", hook->wanted);
	json_out_bool(json, "attached", hook->attached);
	if (rung)
		put_rung(json, rung);
	else
		json_out_null(json, "rung");
	json_out_foreign_or_null(json, "reason", hook->reason);
	json_out_number(json, "run_count", hook->run_count);
	json_out_number(json, "run_time_ns", hook->run_time_ns);
	json_out_number(json, "recursion_misses", hook->recursion_misses);
	json_out_end_object(json);
}

static void put_hooks(struct json_out *json, const struct capture *capture)
{
	json_out_list(json, "hooks");
	for (int event = 0; event < NR_EVENTS && !capture->rebuilt; event++)
		put_hook(json, capture, event);
	json_out_end_list(json);
}

static bool any_loss(const __u64 *loss)
{
	int i;

	for (i = 0; i < NR_LOSSES; i++)
		if (loss[i])
			return true;
	return false;
}

static void put_losses(struct json_out *json, const struct capture *capture, enum gmem_event event)
{
	const __u64 *loss = capture->snap->loss[event];

	if (!any_loss(loss))
		return;
	json_out_object(json, event_descs[event].name);
	for (int i = 0; i < NR_LOSSES; i++)
		if (loss[i])
			json_out_number(json, loss_descs[i].name, loss[i]);
	json_out_end_object(json);
}

static void put_loss(struct json_out *json, const struct capture *capture)
{
	const struct snapshot *snap = capture->snap;

	json_out_object(json, "loss");
	json_out_number_if(json, "total", !capture->rebuilt, snap->lost);
	json_out_number_if(json, "switched_off", !capture->rebuilt, snap->switched_off);
	json_out_object(json, "events");
	for (int event = 0; event < NR_EVENTS; event++)
		put_losses(json, capture, event);
	json_out_end_object(json);
	json_out_end_object(json);
}

static void put_command(struct json_out *json, const struct capture *capture)
{
	const char *signal =
		capture->command_ended ? capture_signal(capture->command_status) : NULL;
	bool exited = capture->command_ended && !signal;

	json_out_object(json, "command");
	json_out_list(json, "argv");
	for (char *const *arg = capture->command; *arg; arg++)
		put_all_of(json, NULL, *arg);
	json_out_end_list(json);
	json_out_bool(json, "ended", capture->command_ended);
	json_out_number_if(json, "exit_status", exited, WEXITSTATUS(capture->command_status));
	json_out_foreign_or_null(json, "signal", signal);
	json_out_end_object(json);
}

/* A time of day in nanoseconds does not fit the integers of most readers. */
static void put_time(struct json_out *json, const char *key, __u64 realtime_ns)
{
	char buf[TEXT_TIME_SIZE];

	json_out_string(json, key, text_time(buf, realtime_ns));
}

static void put_drops(struct json_out *json, const struct capture *capture)
{
	json_out_list(json, "dropped_records");
	for (size_t i = 0; i < capture->ndrops; i++) {
		json_out_object(json, NULL);
		json_out_number(json, "cpu", capture->drops[i].cpu);
		json_out_string(json, "event", event_descs[capture->drops[i].event].name);
		json_out_number(json, "count", capture->drops[i].count);
		json_out_end_object(json);
	}
	json_out_end_list(json);
}

static void put_capture(struct json_out *json, const struct capture *capture)
{
	json_out_object(json, "capture");
	put_time(json, "start", capture->start_realtime_ns);
	json_out_number(json, "duration_ns", capture->duration_ns);
	if (capture->command)
		put_command(json, capture);
	else
		json_out_null(json, "command");
	json_out_number(json, "min_latency_ns", capture->min_latency_ns);
	json_out_number(json, "sample", capture->sample);
	json_out_foreign_or_null(json, "incomplete", capture->incomplete);
	put_drops(json, capture);
	json_out_foreign_or_null(json, "note", capture->note ?: report_no_names(capture->snap));
	json_out_end_object(json);
}

static void put_tool_and_kernel(struct json_out *json, const struct capture *capture)
{
	json_out_object(json, "tool");
	put_all_of(json, "name", capture->tool);
	put_all_of(json, "version", capture->version);
	json_out_end_object(json);
	json_out_object(json, "kernel");
	put_all_of(json, "release", capture->kernel);
	put_all_of(json, "arch", capture->arch);
	json_out_number_if(json, "page_size", capture->page_bytes, capture->page_bytes);
	json_out_end_object(json);
}

static void put_stack(struct json_out *json, const struct stack_count *stack)
{
	json_out_object(json, NULL);
	json_out_string(json, "event", event_descs[stack->event].name);
	json_out_number(json, "count", stack->count);
	if (event_descs[stack->event].carries & EVENT_PAGES)
		json_out_number(json, "pages", stack->npages);
	json_out_number_if(json, "vm", stack->vm != NO_VM, stack->vm);
	if (stack->at_slot) {
		json_out_object(json, "slot");
		json_out_signed(json, "as_id", stack->as_id);
		json_out_signed(json, "id", stack->slot_id);
		json_out_end_object(json);
	} else {
		json_out_null(json, "slot");
	}
	json_out_number(json, "pid", stack->pid);
	json_out_foreign(json, "comm", stack->comm, GMEM_COMM_LEN);
	json_out_list(json, "frames");
	for (size_t i = 0; i < stack->nframes; i++)
		put_all_of(json, NULL, report_frame(stack->frames[i]));
	json_out_end_list(json);
	json_out_end_object(json);
}

static void put_stacks(struct json_out *json, const struct snapshot *snap)
{
	json_out_list(json, "stacks");
	for (size_t i = 0; i < snap->nstacks; i++)
		put_stack(json, &snap->stacks[i]);
	json_out_end_list(json);
}

static void put_inventory(struct json_out *json, const struct capture *capture)
{
	json_out_object(json, "inventory");
	json_out_bool(json, "taken", !capture->no_inventory);
	json_out_foreign_or_null(json, "reason", capture->no_inventory);
	json_out_foreign_or_null(json, "lacks", capture->inventory_lacks);
	json_out_end_object(json);
}

static struct json_out begin(FILE *out, const struct capture *capture)
{
	struct json_out json = { .file = out };

	json_out_object(&json, NULL);
	put_tool_and_kernel(&json, capture);
	return json;
}

/* Failed writes are found by the caller, which flushes. */
static int end(struct json_out *json)
{
	json_out_end_object(json);
	fputc('\n', json->file);
	return 0;
}

int report_json_capture(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct bindings bindings;
	struct json_out json;
	int err = bindings_make(&bindings, capture->snap);

	(void)style;
	if (err)
		return err;
	json = begin(out, capture);
	put_capture(&json, capture);
	put_hooks(&json, capture);
	put_loss(&json, capture);
	put_inventory(&json, capture);
	json_put_vms(&json, capture);
	json_put_gmems(&json, capture, &bindings);
	bindings_free(&bindings);
	json_put_past(&json, capture);
	json_out_object(&json, "host");
	json_put_events(&json, capture, &capture->snap->host);
	json_out_end_object(&json);
	if (capture->stack_events)
		put_stacks(&json, capture->snap);
	return end(&json);
}

int report_json_probe(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct json_out json = begin(out, capture);

	(void)style;
	put_hooks(&json, capture);
	return end(&json);
}

int report_json_inventory(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct bindings bindings;
	struct json_out json;
	int err = bindings_make(&bindings, capture->snap);

	(void)style;
	if (err)
		return err;
	json = begin(out, capture);
	put_inventory(&json, capture);
	json_put_vms(&json, capture);
	json_put_gmems(&json, capture, &bindings);
	bindings_free(&bindings);
	return end(&json);
}
