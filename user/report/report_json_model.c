// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model in JSON: VMs, slots, guest_memfds, and what was counted at each.
 */
#include "model/events.h"
#include "model/kvm_names.h"
#include "model/percentile.h"
#include "report_json.h"

static void put_bucket(struct json_out *json, unsigned int bucket, __u64 count)
{
	__u64 high = hist_high_ns(bucket);

	json_out_list(json, NULL);
	json_out_number(json, NULL, hist_low_ns(bucket));
	json_out_number_if(json, NULL, high, high);
	json_out_number(json, NULL, count);
	json_out_end_list(json);
}

static void put_latency(struct json_out *json, const struct event_count *count)
{
	const struct buckets *latency = &count->latency;

	json_out_object(json, "latency_ns");
	json_out_number(json, "count", event_count_timed(count));
	json_out_number(json, "sum", count->sum_ns);
	json_out_number(json, "min", count->min_ns);
	json_out_number(json, "max", count->max_ns);
	json_out_number(json, "p50", percentile_ns(count, 500));
	json_out_number(json, "p90", percentile_ns(count, 900));
	json_out_number(json, "p99", percentile_ns(count, 990));
	json_out_number(json, "p999", percentile_ns(count, 999));
	json_out_list(json, "buckets");
	for (unsigned int i = 0; i < latency->n; i++)
		if (latency->v[i])
			put_bucket(json, latency->first + i, latency->v[i]);
	json_out_end_list(json);
	json_out_end_object(json);
}

static void put_errors(struct json_out *json, const struct event_count *count)
{
	json_out_object(json, "errors");
	for (size_t i = 0; i < count->nerrs; i++) {
		__u64 n = event_errors_alike(count, i);

		if (n)
			json_out_number(json, errno_name(count->errs[i].err), n);
	}
	json_out_end_object(json);
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

static void put_details(struct json_out *json, const struct event_count *count)
{
	json_out_object(json, "details");
	for (size_t i = 0; i < count->ndetails; i++)
		json_out_number(json, detail_descs[count->details[i].detail].name,
				count->details[i].count);
	json_out_end_object(json);
}

static void put_event(struct json_out *json, const struct event_count *count)
{
	unsigned int carries = event_descs[count->event].carries;

	json_out_object(json, event_descs[count->event].name);
	json_out_number(json, "count", count->count);
	if (carries & EVENT_ERRNO)
		put_errors(json, count);
	if (carries & EVENT_PAGES)
		json_out_number(json, "pages", count->npages);
	if (has_details(count->event))
		put_details(json, count);
	if (carries & EVENT_LATENCY && event_count_timed(count))
		put_latency(json, count);
	json_out_end_object(json);
}

void json_put_events(struct json_out *json, const struct capture *capture,
		     const struct event_counts *counts)
{
	json_out_object(json, "events");
	for (size_t i = 0; i < counts->n; i++)
		if (capture_shows(capture, counts->v[i].event))
			put_event(json, &counts->v[i]);
	json_out_end_object(json);
}

static void put_flags(struct json_out *json, __u64 flags, const struct flag_name *names)
{
	json_out_number(json, "flags", flags);
	json_out_list(json, "flag_names");
	for (; names->bit; names++)
		if (flags & names->bit)
			json_out_string(json, NULL, names->name);
	json_out_end_list(json);
}

static void put_numa_nodes(struct json_out *json, const struct resident *resident)
{
	json_out_list(json, "nodes");
	for (size_t i = 0; i < resident->nnodes; i++) {
		json_out_object(json, NULL);
		json_out_number(json, "node", resident->nodes[i].node);
		json_out_number(json, "pages", resident->nodes[i].npages);
		json_out_end_object(json);
	}
	json_out_end_list(json);
}

static void put_resident(struct json_out *json, const struct resident *resident)
{
	json_out_number_if(json, "resident_pages", resident->known, resident->npages);
	if (resident->nodes_known)
		put_numa_nodes(json, resident);
	else
		json_out_null(json, "nodes");
}

static void put_heat(struct json_out *json, const struct heat_map *heat)
{
	json_out_object(json, "heat");
	json_out_number(json, "base_gfn", heat->base_gfn);
	json_out_number(json, "cell_pages", heat->npages);
	json_out_list(json, "cells");
	for (unsigned int i = 0; i < heat->ncells; i++)
		json_out_number(json, NULL, heat->cell[i]);
	json_out_end_list(json);
	json_out_number(json, "elsewhere", heat->elsewhere);
	json_out_end_object(json);
}

static void put_slot(struct json_out *json, const struct capture *capture, const struct slot *slot)
{
	const struct slot_info *info = &slot->info;

	json_out_object(json, NULL);
	json_out_signed(json, "as_id", info->as_id);
	json_out_signed(json, "id", info->id);
	json_out_number(json, "base_gfn", info->base_gfn);
	json_out_number(json, "npages", info->npages);
	put_flags(json, info->flags, slot_flag_names);
	json_out_number_if(json, "gmem_ino", info->ino, info->ino);
	json_out_number_if(json, "gmem_pgoff", info->ino, info->pgoff);
	json_out_bool(json, "exists", slot->exists);
	put_resident(json, &slot->resident);
	json_out_number_if(json, "private_pages", slot->has_private, slot->nprivate);
	json_put_events(json, capture, &slot->events);
	if (slot->heat)
		put_heat(json, slot->heat);
	else
		json_out_null(json, "heat");
	json_out_end_object(json);
}

static void put_vm(struct json_out *json, const struct capture *capture, const struct vm *vm)
{
	const struct vm_info *info = &vm->info;

	json_out_object(json, NULL);
	json_out_number(json, "pid", info->pid);
	json_out_foreign(json, "comm", info->comm, sizeof(info->comm));
	json_out_number(json, "type", info->type);
	json_out_foreign_or_null(json, "type_name", vm_type_name(capture->arch, info->type));
	json_out_bool(json, "ended", info->ended_ns != 0);
	json_out_bool(json, "exists", vm->exists);
	json_out_number_if(json, "vcpus", vm->exists, vm->vcpus);
	json_out_number_if(json, "plain_slots", vm->exists, vm->nplain);
	json_out_list(json, "slots");
	for (size_t i = 0; i < vm->nslots; i++)
		put_slot(json, capture, &vm->slots[i]);
	json_out_end_list(json);
	json_put_events(json, capture, &vm->events);
	json_out_end_object(json);
}

void json_put_vms(struct json_out *json, const struct capture *capture)
{
	json_out_list(json, "vms");
	for (size_t i = 0; i < capture->snap->nvms; i++)
		put_vm(json, capture, &capture->snap->vms[i]);
	json_out_end_list(json);
}

static void put_past(struct json_out *json, const struct capture *capture, const struct past *past)
{
	json_out_object(json, NULL);
	json_out_foreign(json, "comm", past->comm, sizeof(past->comm));
	json_out_number(json, "vms", past->nvms);
	json_out_number(json, "slots", past->nslots);
	json_out_number(json, "gmems", past->ngmems);
	json_put_events(json, capture, &past->events);
	json_out_end_object(json);
}

void json_put_past(struct json_out *json, const struct capture *capture)
{
	json_out_list(json, "past");
	for (size_t i = 0; i < capture->snap->past.n; i++)
		put_past(json, capture, &capture->snap->past.v[i]);
	json_out_end_list(json);
}

static void put_binding(struct json_out *json, const struct slot_info *info)
{
	json_out_object(json, NULL);
	json_out_signed(json, "as_id", info->as_id);
	json_out_signed(json, "id", info->id);
	json_out_number(json, "pgoff", info->pgoff);
	json_out_number(json, "npages", info->npages);
	json_out_end_object(json);
}

/* The slots of its VM that are bound to it now. */
static void put_bindings(struct json_out *json, const struct bindings *bindings,
			 const struct gmem *gmem)
{
	size_t n;
	const struct binding *binding = bindings_of(bindings, gmem, &n);

	json_out_list(json, "bindings");
	for (size_t i = 0; i < n; i++)
		put_binding(json, &binding[i].slot->info);
	json_out_end_list(json);
}

static void put_gmem(struct json_out *json, const struct capture *capture,
		     const struct bindings *bindings, const struct gmem *gmem)
{
	const struct gmem_info *info = &gmem->info;
	bool has_vm = gmem->vm < capture->snap->nvms;

	json_out_object(json, NULL);
	json_out_number_if(json, "vm", has_vm, gmem->vm);
	json_out_number(json, "ino", info->ino);
	json_out_number(json, "size_bytes", info->size_bytes);
	put_flags(json, info->flags, gmem_flag_names);
	json_out_bool(json, "released", info->released_ns != 0);
	json_out_bool(json, "exists", gmem->exists);
	put_resident(json, &gmem->resident);
	if (gmem->exists && has_vm)
		put_bindings(json, bindings, gmem);
	else
		json_out_null(json, "bindings");
	json_put_events(json, capture, &gmem->events);
	json_out_end_object(json);
}

void json_put_gmems(struct json_out *json, const struct capture *capture,
		    const struct bindings *bindings)
{
	json_out_list(json, "gmems");
	for (size_t i = 0; i < capture->snap->ngmems; i++)
		put_gmem(json, capture, bindings, &capture->snap->gmems[i]);
	json_out_end_list(json);
}
