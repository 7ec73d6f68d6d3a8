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
#include "base/json_text.h"
#include "base/text.h"
#include "model/events.h"
#include "model/kvm_names.h"
#include "model/percentile.h"
#include "report_formats.h"

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

/* An object or list in the making; the first failure sticks, so that the end checks for all. */
struct node {
	json_t *json;
	int err;
};

static struct node new_object(void)
{
	return (struct node){ .json = json_object() };
}

static struct node new_list(void)
{
	return (struct node){ .json = json_array() };
}

/* Both take @value, which is NULL when there was no memory for it. */
static void put(struct node *object, const char *key, json_t *value)
{
	object->err |= json_object_set_new(object->json, key, value);
}

static void add(struct node *list, json_t *value)
{
	list->err |= json_array_append_new(list->json, value);
}

/* The whole of it, or NULL. */
static json_t *done(struct node *node)
{
	if (!node->err)
		return node->json;
	json_decref(node->json);
	return NULL;
}

static json_t *percentile(const struct event_count *count, unsigned int per_mille)
{
	return json_u64(percentile_ns(count, per_mille));
}

static json_t *bucket_triple(unsigned int bucket, __u64 count)
{
	__u64 high = hist_high_ns(bucket);
	struct node list = new_list();

	add(&list, json_u64(hist_low_ns(bucket)));
	add(&list, high ? json_u64(high) : json_null());
	add(&list, json_u64(count));
	return done(&list);
}

static json_t *bucket_list(const struct event_count *count)
{
	const struct buckets *latency = &count->latency;
	struct node list = new_list();
	unsigned int i;

	for (i = 0; i < latency->n; i++)
		if (latency->v[i])
			add(&list, bucket_triple(latency->first + i, latency->v[i]));
	return done(&list);
}

static json_t *latency_object(const struct event_count *count)
{
	struct node object = new_object();

	put(&object, "count", json_u64(count->count));
	put(&object, "sum", json_u64(count->sum_ns));
	put(&object, "min", json_u64(count->min_ns));
	put(&object, "max", json_u64(count->max_ns));
	put(&object, "p50", percentile(count, 500));
	put(&object, "p90", percentile(count, 900));
	put(&object, "p99", percentile(count, 990));
	put(&object, "p999", percentile(count, 999));
	put(&object, "buckets", bucket_list(count));
	return done(&object);
}

static json_t *errors_object(const struct event_count *count)
{
	struct node object = new_object();

	for (size_t i = 0; i < count->nerrs; i++) {
		__u64 n = event_errors_alike(count, i);

		if (n)
			put(&object, errno_name(count->errs[i].err), json_u64(n));
	}
	return done(&object);
}

/* Whether an event that nothing more was said of could have had it said. */
static bool has_details(enum gmem_event event)
{
	int i;

	for (i = 0; i < NR_DETAILS; i++)
		if (detail_descs[i].event == event)
			return true;
	return false;
}

static json_t *details_object(const struct event_count *count)
{
	struct node object = new_object();
	size_t i;

	for (i = 0; i < count->ndetails; i++)
		put(&object, detail_descs[count->details[i].detail].name,
		    json_u64(count->details[i].count));
	return done(&object);
}

static json_t *event_object(const struct event_count *count)
{
	struct node object = new_object();
	unsigned int carries = event_descs[count->event].carries;

	put(&object, "count", json_u64(count->count));
	if (carries & EVENT_ERRNO)
		put(&object, "errors", errors_object(count));
	if (carries & EVENT_PAGES)
		put(&object, "pages", json_u64(count->npages));
	if (has_details(count->event))
		put(&object, "details", details_object(count));
	if (carries & EVENT_LATENCY)
		put(&object, "latency_ns", latency_object(count));
	return done(&object);
}

static json_t *events_object(const struct capture *capture, const struct event_counts *counts)
{
	struct node object = new_object();
	size_t i;

	for (i = 0; i < counts->n; i++)
		if (capture_shows(capture, counts->v[i].event))
			put(&object, event_descs[counts->v[i].event].name,
			    event_object(&counts->v[i]));
	return done(&object);
}

static json_t *flag_list(__u64 flags, const struct flag_name *names)
{
	struct node list = new_list();

	for (; names->bit; names++)
		if (flags & names->bit)
			add(&list, json_string(names->name));
	return done(&list);
}

static json_t *node_list(const struct resident *resident)
{
	struct node list = new_list();

	for (size_t i = 0; i < resident->nnodes; i++) {
		struct node object = new_object();

		put(&object, "node", json_u64(resident->nodes[i].node));
		put(&object, "pages", json_u64(resident->nodes[i].npages));
		add(&list, done(&object));
	}
	return done(&list);
}

static void put_resident(struct node *object, const struct resident *resident)
{
	put(object, "resident_pages", resident->known ? json_u64(resident->npages) : json_null());
	put(object, "nodes", resident->nodes_known ? node_list(resident) : json_null());
}

static json_t *heat_object(const struct heat_map *heat)
{
	struct node object = new_object();
	struct node cells = new_list();

	put(&object, "base_gfn", json_u64(heat->base_gfn));
	put(&object, "cell_pages", json_u64(heat->npages));
	for (unsigned int i = 0; i < heat->ncells; i++)
		add(&cells, json_u64(heat->cell[i]));
	put(&object, "cells", done(&cells));
	put(&object, "elsewhere", json_u64(heat->elsewhere));
	return done(&object);
}

static json_t *slot_object(const struct capture *capture, const struct slot *slot)
{
	struct node object = new_object();
	const struct slot_info *info = &slot->info;

	put(&object, "as_id", json_integer(info->as_id));
	put(&object, "id", json_integer(info->id));
	put(&object, "base_gfn", json_u64(info->base_gfn));
	put(&object, "npages", json_u64(info->npages));
	put(&object, "flags", json_u64(info->flags));
	put(&object, "flag_names", flag_list(info->flags, slot_flag_names));
	put(&object, "gmem_ino", info->ino ? json_u64(info->ino) : json_null());
	put(&object, "gmem_pgoff", info->ino ? json_u64(info->pgoff) : json_null());
	put(&object, "exists", json_boolean(slot->exists));
	put_resident(&object, &slot->resident);
	put(&object, "private_pages", slot->has_private ? json_u64(slot->nprivate) : json_null());
	put(&object, "events", events_object(capture, &slot->events));
	put(&object, "heat", slot->heat ? heat_object(slot->heat) : json_null());
	return done(&object);
}

static json_t *slot_list(const struct capture *capture, const struct vm *vm)
{
	struct node list = new_list();
	size_t i;

	for (i = 0; i < vm->nslots; i++)
		add(&list, slot_object(capture, &vm->slots[i]));
	return done(&list);
}

static json_t *vm_object(const struct capture *capture, const struct vm *vm)
{
	struct node object = new_object();
	const struct vm_info *info = &vm->info;

	put(&object, "pid", json_u64(info->pid));
	put(&object, "comm", json_foreign(info->comm, sizeof(info->comm)));
	put(&object, "type", json_u64(info->type));
	put(&object, "type_name", json_foreign_or_null(vm_type_name(capture->arch, info->type)));
	put(&object, "ended", json_boolean(info->ended_ns != 0));
	put(&object, "exists", json_boolean(vm->exists));
	put(&object, "vcpus", vm->exists ? json_u64(vm->vcpus) : json_null());
	put(&object, "plain_slots", vm->exists ? json_u64(vm->nplain) : json_null());
	put(&object, "slots", slot_list(capture, vm));
	put(&object, "events", events_object(capture, &vm->events));
	return done(&object);
}

static json_t *vm_list(const struct capture *capture)
{
	struct node list = new_list();
	size_t i;

	for (i = 0; i < capture->snap->nvms; i++)
		add(&list, vm_object(capture, &capture->snap->vms[i]));
	return done(&list);
}

static json_t *binding_object(const struct slot_info *info)
{
	struct node object = new_object();

	put(&object, "as_id", json_integer(info->as_id));
	put(&object, "id", json_integer(info->id));
	put(&object, "pgoff", json_u64(info->pgoff));
	put(&object, "npages", json_u64(info->npages));
	return done(&object);
}

/* The slots of its VM that are bound to it now. */
static json_t *binding_list(const struct capture *capture, const struct gmem *gmem)
{
	const struct vm *vm = &capture->snap->vms[gmem->vm];
	struct node list = new_list();

	for (size_t i = 0; i < vm->nslots; i++)
		if (vm->slots[i].exists && vm->slots[i].info.ino == gmem->info.ino)
			add(&list, binding_object(&vm->slots[i].info));
	return done(&list);
}

static json_t *gmem_object(const struct capture *capture, const struct gmem *gmem)
{
	struct node object = new_object();
	const struct gmem_info *info = &gmem->info;
	bool has_vm = gmem->vm < capture->snap->nvms;

	put(&object, "vm", has_vm ? json_u64(gmem->vm) : json_null());
	put(&object, "ino", json_u64(info->ino));
	put(&object, "size_bytes", json_u64(info->size_bytes));
	put(&object, "flags", json_u64(info->flags));
	put(&object, "flag_names", flag_list(info->flags, gmem_flag_names));
	put(&object, "released", json_boolean(info->released_ns != 0));
	put(&object, "exists", json_boolean(gmem->exists));
	put_resident(&object, &gmem->resident);
	put(&object, "bindings",
	    gmem->exists && has_vm ? binding_list(capture, gmem) : json_null());
	put(&object, "events", events_object(capture, &gmem->events));
	return done(&object);
}

static json_t *gmem_list(const struct capture *capture)
{
	struct node list = new_list();
	size_t i;

	for (i = 0; i < capture->snap->ngmems; i++)
		add(&list, gmem_object(capture, &capture->snap->gmems[i]));
	return done(&list);
}

static json_t *function_list(const struct rung *rung)
{
	struct node list = new_list();
	const char *function;
	unsigned int i;

	for (i = 0; (function = rung_function(rung, i)); i++)
		add(&list, json_string(function));
	return done(&list);
}

static json_t *rung_object(const struct rung *rung)
{
	struct node object = new_object();

	put(&object, "functions", function_list(rung));
	put(&object, "since", json_string(rung->since));
	return done(&object);
}

static json_t *hook_object(const struct capture *capture, enum gmem_event event)
{
	struct node object = new_object();
	const struct hook_state *hook = &capture->hooks[event];
	const struct rung *rung = capture_rung(capture, event);

	put(&object, "event", json_string(event_descs[event].name));
	put(&object, "opt_in", json_boolean(event_descs[event].carries & EVENT_OPT_IN));
	put(&object, "shown", json_boolean(capture_shows(capture, event)));
	put(&object, "wanted", json_boolean(hook->wanted));
	put(&object, "attached", json_boolean(hook->attached));
	put(&object, "rung", rung ? rung_object(rung) : json_null());
	put(&object, "reason", json_foreign_or_null(hook->reason));
	put(&object, "run_count", json_u64(hook->run_count));
	put(&object, "run_time_ns", json_u64(hook->run_time_ns));
	put(&object, "recursion_misses", json_u64(hook->recursion_misses));
	return done(&object);
}

static json_t *hook_list(const struct capture *capture)
{
	struct node list = new_list();
	int event;

	for (event = 0; event < NR_EVENTS; event++)
		add(&list, hook_object(capture, event));
	return done(&list);
}

static json_t *event_losses(const __u64 *loss)
{
	struct node object = new_object();
	int i;

	for (i = 0; i < NR_LOSSES; i++)
		if (loss[i])
			put(&object, loss_descs[i].name, json_u64(loss[i]));
	return done(&object);
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
	struct node object = new_object();
	struct node events = new_object();
	int event;

	for (event = 0; event < NR_EVENTS; event++)
		if (any_loss(loss[event]))
			put(&events, event_descs[event].name, event_losses(loss[event]));
	put(&object, "total", capture->rebuilt ? json_null() : json_u64(capture->snap->lost));
	put(&object, "switched_off",
	    capture->rebuilt ? json_null() : json_u64(capture->snap->switched_off));
	put(&object, "events", done(&events));
	return done(&object);
}

static json_t *argument_list(char *const *arg)
{
	struct node list = new_list();

	for (; *arg; arg++)
		add(&list, json_foreign(*arg, strlen(*arg)));
	return done(&list);
}

static json_t *command_object(const struct capture *capture)
{
	const char *signal =
		capture->command_ended ? capture_signal(capture->command_status) : NULL;
	bool exited = capture->command_ended && !signal;
	int status = WEXITSTATUS(capture->command_status);
	struct node object = new_object();

	put(&object, "argv", argument_list(capture->command));
	put(&object, "ended", json_boolean(capture->command_ended));
	put(&object, "exit_status", exited ? json_integer(status) : json_null());
	put(&object, "signal", json_foreign_or_null(signal));
	return done(&object);
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
	struct node list = new_list();

	for (size_t i = 0; i < capture->ndrops; i++) {
		struct node object = new_object();

		put(&object, "cpu", json_u64(capture->drops[i].cpu));
		put(&object, "event", json_string(event_descs[capture->drops[i].event].name));
		put(&object, "count", json_u64(capture->drops[i].count));
		add(&list, done(&object));
	}
	return done(&list);
}

static json_t *capture_object(const struct capture *capture)
{
	struct node object = new_object();

	put(&object, "start", time_string(capture->start_realtime_ns));
	put(&object, "duration_ns", json_u64(capture->duration_ns));
	put(&object, "command", capture->command ? command_object(capture) : json_null());
	put(&object, "min_latency_ns", json_u64(capture->min_latency_ns));
	put(&object, "incomplete", json_foreign_or_null(capture->incomplete));
	put(&object, "dropped_records", drop_list(capture));
	put(&object, "note", json_foreign_or_null(capture->note ?: report_no_names(capture->snap)));
	return done(&object);
}

static json_t *tool_object(const struct capture *capture)
{
	struct node object = new_object();

	put(&object, "name", json_string(capture->tool));
	put(&object, "version", json_foreign(capture->version, strlen(capture->version)));
	return done(&object);
}

static json_t *kernel_object(const struct capture *capture)
{
	struct node object = new_object();

	put(&object, "release", json_foreign(capture->kernel, strlen(capture->kernel)));
	put(&object, "arch", json_foreign(capture->arch, strlen(capture->arch)));
	return done(&object);
}

static json_t *frame_list(const struct stack_count *stack)
{
	struct node list = new_list();

	for (size_t i = 0; i < stack->nframes; i++)
		add(&list, json_foreign(report_frame(stack->frames[i]),
					strlen(report_frame(stack->frames[i]))));
	return done(&list);
}

static json_t *stack_slot(const struct stack_count *stack)
{
	struct node object;

	if (!stack->at_slot)
		return json_null();
	object = new_object();
	put(&object, "as_id", json_integer(stack->as_id));
	put(&object, "id", json_integer(stack->slot_id));
	return done(&object);
}

static json_t *stack_object(const struct stack_count *stack)
{
	struct node object = new_object();

	put(&object, "event", json_string(event_descs[stack->event].name));
	put(&object, "count", json_u64(stack->count));
	if (event_descs[stack->event].carries & EVENT_PAGES)
		put(&object, "pages", json_u64(stack->npages));
	put(&object, "vm", stack->vm == NO_VM ? json_null() : json_integer(stack->vm));
	put(&object, "slot", stack_slot(stack));
	put(&object, "pid", json_u64(stack->pid));
	put(&object, "comm", json_foreign(stack->comm, strnlen(stack->comm, GMEM_COMM_LEN)));
	put(&object, "frames", frame_list(stack));
	return done(&object);
}

static json_t *stack_list(const struct snapshot *snap)
{
	struct node list = new_list();

	for (size_t i = 0; i < snap->nstacks; i++)
		add(&list, stack_object(&snap->stacks[i]));
	return done(&list);
}

static json_t *host_object(const struct capture *capture)
{
	struct node object = new_object();

	put(&object, "events", events_object(capture, &capture->snap->host));
	return done(&object);
}

static json_t *inventory_object(const struct capture *capture)
{
	struct node object = new_object();

	put(&object, "taken", json_boolean(!capture->no_inventory));
	put(&object, "reason", json_foreign_or_null(capture->no_inventory));
	put(&object, "lacks", json_foreign_or_null(capture->inventory_lacks));
	return done(&object);
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
	struct node root = new_object();

	(void)style;
	put(&root, "tool", tool_object(capture));
	put(&root, "kernel", kernel_object(capture));
	put(&root, "capture", capture_object(capture));
	put(&root, "hooks", capture->rebuilt ? json_array() : hook_list(capture));
	put(&root, "loss", loss_object(capture));
	put(&root, "inventory", inventory_object(capture));
	put(&root, "vms", vm_list(capture));
	put(&root, "gmems", gmem_list(capture));
	put(&root, "host", host_object(capture));
	if (capture->stack_events)
		put(&root, "stacks", stack_list(capture->snap));
	return write_and_free(out, done(&root));
}

int report_json_probe(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct node root = new_object();

	(void)style;
	put(&root, "tool", tool_object(capture));
	put(&root, "kernel", kernel_object(capture));
	put(&root, "hooks", hook_list(capture));
	return write_and_free(out, done(&root));
}

int report_json_inventory(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct node root = new_object();

	(void)style;
	put(&root, "tool", tool_object(capture));
	put(&root, "kernel", kernel_object(capture));
	put(&root, "inventory", inventory_object(capture));
	put(&root, "vms", vm_list(capture));
	put(&root, "gmems", gmem_list(capture));
	return write_and_free(out, done(&root));
}
