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
#include <time.h>
#include "base/json_node.h"
#include "base/json_text.h"
#include "model/events.h"
#include "report_formats.h"

static json_t *function_list(const struct rung *rung)
{
	struct json_node list = node_list();
	const char *function;
	unsigned int i;

	for (i = 0; (function = rung_function(rung, i)); i++)
		node_add(&list, json_string(function));
	return node_done(&list);
}

static json_t *rung_object(const struct rung *rung)
{
	struct json_node object = node_object();

	node_put(&object, "functions", function_list(rung));
	node_put(&object, "since", json_string(rung->since));
	return node_done(&object);
}

static json_t *hook_object(const struct capture *capture, enum gmem_event event)
{
	struct json_node object = node_object();
	const struct hook_state *hook = &capture->hooks[event];
	const struct rung *rung = capture_rung(capture, event);

	node_put(&object, "event", json_string(event_descs[event].name));
	node_put(&object, "opt_in", json_boolean(event_descs[event].carries & EVENT_OPT_IN));
	node_put(&object, "shown", json_boolean(capture_shows(capture, event)));
	node_put(&object, "wanted", json_boolean(hook->wanted));
	node_put(&object, "attached", json_boolean(hook->attached));
	node_put(&object, "rung", rung ? rung_object(rung) : json_null());
	node_put(&object, "reason", json_foreign_or_null(hook->reason));
	node_put(&object, "run_count", json_u64(hook->run_count));
	node_put(&object, "run_time_ns", json_u64(hook->run_time_ns));
	node_put(&object, "recursion_misses", json_u64(hook->recursion_misses));
	return node_done(&object);
}

static json_t *hook_list(const struct capture *capture)
{
	struct json_node list = node_list();
	int event;

	for (event = 0; event < NR_EVENTS; event++)
		node_add(&list, hook_object(capture, event));
	return node_done(&list);
}

static json_t *event_losses(const __u64 *loss)
{
	struct json_node object = node_object();
	int i;

	for (i = 0; i < NR_LOSSES; i++)
		if (loss[i])
			node_put(&object, loss_descs[i].name, json_u64(loss[i]));
	return node_done(&object);
}

static bool any_loss(const __u64 *loss)
{
	int i;

	for (i = 0; i < NR_LOSSES; i++)
		if (loss[i])
			return true;
	return false;
}

static json_t *loss_object(const struct capture *capture)
{
	const __u64(*loss)[NR_LOSSES] = capture->snap->loss;
	struct json_node object = node_object();
	struct json_node events = node_object();
	int event;

	for (event = 0; event < NR_EVENTS; event++)
		if (any_loss(loss[event]))
			node_put(&events, event_descs[event].name, event_losses(loss[event]));
	node_put(&object, "total", capture->rebuilt ? json_null() : json_u64(capture->snap->lost));
	node_put(&object, "switched_off",
		 capture->rebuilt ? json_null() : json_u64(capture->snap->switched_off));
	node_put(&object, "events", node_done(&events));
	return node_done(&object);
}

static json_t *argument_list(char *const *arg)
{
	struct json_node list = node_list();

	for (; *arg; arg++)
		node_add(&list, json_foreign(*arg, strlen(*arg)));
	return node_done(&list);
}

static json_t *command_object(const struct capture *capture)
{
	const char *signal =
		capture->command_ended ? capture_signal(capture->command_status) : NULL;
	bool exited = capture->command_ended && !signal;
	int status = WEXITSTATUS(capture->command_status);
	struct json_node object = node_object();

	node_put(&object, "argv", argument_list(capture->command));
	node_put(&object, "ended", json_boolean(capture->command_ended));
	node_put(&object, "exit_status", exited ? json_integer(status) : json_null());
	node_put(&object, "signal", json_foreign_or_null(signal));
	return node_done(&object);
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

static json_t *drop_list(const struct capture *capture)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < capture->ndrops; i++) {
		struct json_node object = node_object();

		node_put(&object, "cpu", json_u64(capture->drops[i].cpu));
		node_put(&object, "event", json_string(event_descs[capture->drops[i].event].name));
		node_put(&object, "count", json_u64(capture->drops[i].count));
		node_add(&list, node_done(&object));
	}
	return node_done(&list);
}

static json_t *capture_object(const struct capture *capture)
{
	struct json_node object = node_object();

	node_put(&object, "start", time_string(capture->start_realtime_ns));
	node_put(&object, "duration_ns", json_u64(capture->duration_ns));
	node_put(&object, "command", capture->command ? command_object(capture) : json_null());
	node_put(&object, "min_latency_ns", json_u64(capture->min_latency_ns));
	node_put(&object, "incomplete", json_foreign_or_null(capture->incomplete));
	node_put(&object, "dropped_records", drop_list(capture));
	node_put(&object, "note",
		 json_foreign_or_null(capture->note ?: report_no_names(capture->snap)));
	return node_done(&object);
}

static json_t *tool_object(const struct capture *capture)
{
	struct json_node object = node_object();

	node_put(&object, "name", json_string(capture->tool));
	node_put(&object, "version", json_foreign(capture->version, strlen(capture->version)));
	return node_done(&object);
}

static json_t *kernel_object(const struct capture *capture)
{
	struct json_node object = node_object();

	node_put(&object, "release", json_foreign(capture->kernel, strlen(capture->kernel)));
	node_put(&object, "arch", json_foreign(capture->arch, strlen(capture->arch)));
	return node_done(&object);
}

static json_t *frame_list(const struct stack_count *stack)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < stack->nframes; i++)
		node_add(&list, json_foreign(report_frame(stack->frames[i]),
					     strlen(report_frame(stack->frames[i]))));
	return node_done(&list);
}

static json_t *stack_slot(const struct stack_count *stack)
{
	struct json_node object;

	if (!stack->at_slot)
		return json_null();
	object = node_object();
	node_put(&object, "as_id", json_integer(stack->as_id));
	node_put(&object, "id", json_integer(stack->slot_id));
	return node_done(&object);
}

static json_t *stack_object(const struct stack_count *stack)
{
	struct json_node object = node_object();

	node_put(&object, "event", json_string(event_descs[stack->event].name));
	node_put(&object, "count", json_u64(stack->count));
	if (event_descs[stack->event].carries & EVENT_PAGES)
		node_put(&object, "pages", json_u64(stack->npages));
	node_put(&object, "vm", stack->vm == NO_VM ? json_null() : json_integer(stack->vm));
	node_put(&object, "slot", stack_slot(stack));
	node_put(&object, "pid", json_u64(stack->pid));
	node_put(&object, "comm", json_foreign(stack->comm, strnlen(stack->comm, GMEM_COMM_LEN)));
	node_put(&object, "frames", frame_list(stack));
	return node_done(&object);
}

static json_t *stack_list(const struct snapshot *snap)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < snap->nstacks; i++)
		node_add(&list, stack_object(&snap->stacks[i]));
	return node_done(&list);
}

static json_t *host_object(const struct capture *capture)
{
	struct json_node object = node_object();

	node_put(&object, "events", json_events(capture, &capture->snap->host));
	return node_done(&object);
}

static json_t *inventory_object(const struct capture *capture)
{
	struct json_node object = node_object();

	node_put(&object, "taken", json_boolean(!capture->no_inventory));
	node_put(&object, "reason", json_foreign_or_null(capture->no_inventory));
	node_put(&object, "lacks", json_foreign_or_null(capture->inventory_lacks));
	return node_done(&object);
}

static int write_and_free(FILE *out, json_t *root)
{
	int err;

	if (!root)
		return -ENOMEM;
	err = json_text_write(out, root);
	json_decref(root);
	if (!err)
		fputc('\n', out);
	/* Failed writes are found by the caller, which flushes. */
	return err && !ferror(out) ? -ENOMEM : 0;
}

int report_json_capture(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct json_node root = node_object();

	(void)style;
	node_put(&root, "tool", tool_object(capture));
	node_put(&root, "kernel", kernel_object(capture));
	node_put(&root, "capture", capture_object(capture));
	node_put(&root, "hooks", capture->rebuilt ? json_array() : hook_list(capture));
	node_put(&root, "loss", loss_object(capture));
	node_put(&root, "inventory", inventory_object(capture));
	node_put(&root, "vms", json_vms(capture));
	node_put(&root, "gmems", json_gmems(capture));
	node_put(&root, "past", json_past(capture));
	node_put(&root, "host", host_object(capture));
	if (capture->stack_events)
		node_put(&root, "stacks", stack_list(capture->snap));
	return write_and_free(out, node_done(&root));
}

int report_json_probe(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct json_node root = node_object();

	(void)style;
	node_put(&root, "tool", tool_object(capture));
	node_put(&root, "kernel", kernel_object(capture));
	node_put(&root, "hooks", hook_list(capture));
	return write_and_free(out, node_done(&root));
}

int report_json_inventory(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct json_node root = node_object();

	(void)style;
	node_put(&root, "tool", tool_object(capture));
	node_put(&root, "kernel", kernel_object(capture));
	node_put(&root, "inventory", inventory_object(capture));
	node_put(&root, "vms", json_vms(capture));
	node_put(&root, "gmems", json_gmems(capture));
	return write_and_free(out, node_done(&root));
}
