// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model in JSON: VMs, slots, guest_memfds, and what was counted at each.
 */
#include "base/json_node.h"
#include "model/events.h"
#include "model/kvm_names.h"
#include "model/percentile.h"
#include "report_json.h"

static json_t *percentile(const struct event_count *count, unsigned int per_mille)
{
	return json_u64(percentile_ns(count, per_mille));
}

static json_t *bucket_triple(unsigned int bucket, __u64 count)
{
	__u64 high = hist_high_ns(bucket);
	struct json_node list = node_list();

	node_add(&list, json_u64(hist_low_ns(bucket)));
	node_add(&list, high ? json_u64(high) : json_null());
	node_add(&list, json_u64(count));
	return node_done(&list);
}

static json_t *bucket_list(const struct event_count *count)
{
	const struct buckets *latency = &count->latency;
	struct json_node list = node_list();
	unsigned int i;

	for (i = 0; i < latency->n; i++)
		if (latency->v[i])
			node_add(&list, bucket_triple(latency->first + i, latency->v[i]));
	return node_done(&list);
}

static json_t *latency_object(const struct event_count *count)
{
	struct json_node object = node_object();

	node_put(&object, "count", json_u64(count->count));
	node_put(&object, "sum", json_u64(count->sum_ns));
	node_put(&object, "min", json_u64(count->min_ns));
	node_put(&object, "max", json_u64(count->max_ns));
	node_put(&object, "p50", percentile(count, 500));
	node_put(&object, "p90", percentile(count, 900));
	node_put(&object, "p99", percentile(count, 990));
	node_put(&object, "p999", percentile(count, 999));
	node_put(&object, "buckets", bucket_list(count));
	return node_done(&object);
}

static json_t *errors_object(const struct event_count *count)
{
	struct json_node object = node_object();

	for (size_t i = 0; i < count->nerrs; i++) {
		__u64 n = event_errors_alike(count, i);

		if (n)
			node_put(&object, errno_name(count->errs[i].err), json_u64(n));
	}
	return node_done(&object);
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
	struct json_node object = node_object();
	size_t i;

	for (i = 0; i < count->ndetails; i++)
		node_put(&object, detail_descs[count->details[i].detail].name,
			 json_u64(count->details[i].count));
	return node_done(&object);
}

static json_t *event_object(const struct event_count *count)
{
	struct json_node object = node_object();
	unsigned int carries = event_descs[count->event].carries;

	node_put(&object, "count", json_u64(count->count));
	if (carries & EVENT_ERRNO)
		node_put(&object, "errors", errors_object(count));
	if (carries & EVENT_PAGES)
		node_put(&object, "pages", json_u64(count->npages));
	if (has_details(count->event))
		node_put(&object, "details", details_object(count));
	if (carries & EVENT_LATENCY)
		node_put(&object, "latency_ns", latency_object(count));
	return node_done(&object);
}

json_t *json_events(const struct capture *capture, const struct event_counts *counts)
{
	struct json_node object = node_object();
	size_t i;

	for (i = 0; i < counts->n; i++)
		if (capture_shows(capture, counts->v[i].event))
			node_put(&object, event_descs[counts->v[i].event].name,
				 event_object(&counts->v[i]));
	return node_done(&object);
}

static json_t *flag_list(__u64 flags, const struct flag_name *names)
{
	struct json_node list = node_list();

	for (; names->bit; names++)
		if (flags & names->bit)
			node_add(&list, json_string(names->name));
	return node_done(&list);
}

static json_t *numa_nodes(const struct resident *resident)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < resident->nnodes; i++) {
		struct json_node object = node_object();

		node_put(&object, "node", json_u64(resident->nodes[i].node));
		node_put(&object, "pages", json_u64(resident->nodes[i].npages));
		node_add(&list, node_done(&object));
	}
	return node_done(&list);
}

static void put_resident(struct json_node *object, const struct resident *resident)
{
	node_put(object, "resident_pages",
		 resident->known ? json_u64(resident->npages) : json_null());
	node_put(object, "nodes", resident->nodes_known ? numa_nodes(resident) : json_null());
}

static json_t *heat_object(const struct heat_map *heat)
{
	struct json_node object = node_object();
	struct json_node cells = node_list();

	node_put(&object, "base_gfn", json_u64(heat->base_gfn));
	node_put(&object, "cell_pages", json_u64(heat->npages));
	for (unsigned int i = 0; i < heat->ncells; i++)
		node_add(&cells, json_u64(heat->cell[i]));
	node_put(&object, "cells", node_done(&cells));
	node_put(&object, "elsewhere", json_u64(heat->elsewhere));
	return node_done(&object);
}

static json_t *slot_object(const struct capture *capture, const struct slot *slot)
{
	struct json_node object = node_object();
	const struct slot_info *info = &slot->info;

	node_put(&object, "as_id", json_integer(info->as_id));
	node_put(&object, "id", json_integer(info->id));
	node_put(&object, "base_gfn", json_u64(info->base_gfn));
	node_put(&object, "npages", json_u64(info->npages));
	node_put(&object, "flags", json_u64(info->flags));
	node_put(&object, "flag_names", flag_list(info->flags, slot_flag_names));
	node_put(&object, "gmem_ino", info->ino ? json_u64(info->ino) : json_null());
	node_put(&object, "gmem_pgoff", info->ino ? json_u64(info->pgoff) : json_null());
	node_put(&object, "exists", json_boolean(slot->exists));
	put_resident(&object, &slot->resident);
	node_put(&object, "private_pages",
		 slot->has_private ? json_u64(slot->nprivate) : json_null());
	node_put(&object, "events", json_events(capture, &slot->events));
	node_put(&object, "heat", slot->heat ? heat_object(slot->heat) : json_null());
	return node_done(&object);
}

static json_t *slot_list(const struct capture *capture, const struct vm *vm)
{
	struct json_node list = node_list();
	size_t i;

	for (i = 0; i < vm->nslots; i++)
		node_add(&list, slot_object(capture, &vm->slots[i]));
	return node_done(&list);
}

static json_t *vm_object(const struct capture *capture, const struct vm *vm)
{
	struct json_node object = node_object();
	const struct vm_info *info = &vm->info;

	node_put(&object, "pid", json_u64(info->pid));
	node_put(&object, "comm", json_foreign(info->comm, sizeof(info->comm)));
	node_put(&object, "type", json_u64(info->type));
	node_put(&object, "type_name",
		 json_foreign_or_null(vm_type_name(capture->arch, info->type)));
	node_put(&object, "ended", json_boolean(info->ended_ns != 0));
	node_put(&object, "exists", json_boolean(vm->exists));
	node_put(&object, "vcpus", vm->exists ? json_u64(vm->vcpus) : json_null());
	node_put(&object, "plain_slots", vm->exists ? json_u64(vm->nplain) : json_null());
	node_put(&object, "slots", slot_list(capture, vm));
	node_put(&object, "events", json_events(capture, &vm->events));
	return node_done(&object);
}

json_t *json_vms(const struct capture *capture)
{
	struct json_node list = node_list();
	size_t i;

	for (i = 0; i < capture->snap->nvms; i++)
		node_add(&list, vm_object(capture, &capture->snap->vms[i]));
	return node_done(&list);
}

static json_t *past_object(const struct capture *capture, const struct past *past)
{
	struct json_node object = node_object();

	node_put(&object, "comm", json_foreign(past->comm, sizeof(past->comm)));
	node_put(&object, "vms", json_u64(past->nvms));
	node_put(&object, "slots", json_u64(past->nslots));
	node_put(&object, "gmems", json_u64(past->ngmems));
	node_put(&object, "events", json_events(capture, &past->events));
	return node_done(&object);
}

json_t *json_past(const struct capture *capture)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < capture->snap->past.n; i++)
		node_add(&list, past_object(capture, &capture->snap->past.v[i]));
	return node_done(&list);
}

static json_t *binding_object(const struct slot_info *info)
{
	struct json_node object = node_object();

	node_put(&object, "as_id", json_integer(info->as_id));
	node_put(&object, "id", json_integer(info->id));
	node_put(&object, "pgoff", json_u64(info->pgoff));
	node_put(&object, "npages", json_u64(info->npages));
	return node_done(&object);
}

/* The slots of its VM that are bound to it now. */
static json_t *binding_list(const struct capture *capture, const struct gmem *gmem)
{
	const struct vm *vm = &capture->snap->vms[gmem->vm];
	struct json_node list = node_list();

	for (size_t i = 0; i < vm->nslots; i++)
		if (vm->slots[i].exists && vm->slots[i].info.ino == gmem->info.ino)
			node_add(&list, binding_object(&vm->slots[i].info));
	return node_done(&list);
}

static json_t *gmem_object(const struct capture *capture, const struct gmem *gmem)
{
	struct json_node object = node_object();
	const struct gmem_info *info = &gmem->info;
	bool has_vm = gmem->vm < capture->snap->nvms;

	node_put(&object, "vm", has_vm ? json_u64(gmem->vm) : json_null());
	node_put(&object, "ino", json_u64(info->ino));
	node_put(&object, "size_bytes", json_u64(info->size_bytes));
	node_put(&object, "flags", json_u64(info->flags));
	node_put(&object, "flag_names", flag_list(info->flags, gmem_flag_names));
	node_put(&object, "released", json_boolean(info->released_ns != 0));
	node_put(&object, "exists", json_boolean(gmem->exists));
	put_resident(&object, &gmem->resident);
	node_put(&object, "bindings",
		 gmem->exists && has_vm ? binding_list(capture, gmem) : json_null());
	node_put(&object, "events", json_events(capture, &gmem->events));
	return node_done(&object);
}

json_t *json_gmems(const struct capture *capture)
{
	struct json_node list = node_list();
	size_t i;

	for (i = 0; i < capture->snap->ngmems; i++)
		node_add(&list, gmem_object(capture, &capture->snap->gmems[i]));
	return node_done(&list);
}
