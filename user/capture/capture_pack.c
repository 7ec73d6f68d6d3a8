// SPDX-License-Identifier: GPL-2.0-only
/*
 * One function for each message of capture.proto, in the order of that file.
 */
#include "capture_pack.h"
#include <string.h>
#include "capture_block.h"
#include "model/capture.h"
#include "model/events.h"

/* A new message of a type, initialised; NULL when out of memory. */
#define NEW(arena, Type, type)                                                                     \
	({                                                                                         \
		Cap__##Type *message_ = arena_alloc(arena, 1, sizeof(*message_));                  \
		if (message_)                                                                      \
			cap__##type##__init(message_);                                             \
		message_;                                                                          \
	})

/* Room for @n elements of the list @message->field, which stays empty if there is none. */
#define LIST(arena, message, field, n)                                                             \
	((message)->field = arena_alloc(arena, n, sizeof(*(message)->field)))

static ProtobufCBinaryData bytes_of(const char *s, size_t max)
{
	return (ProtobufCBinaryData){ strnlen(s, max), (uint8_t *)s };
}

static Cap__Event *pack_event(struct arena *arena, enum gmem_event event)
{
	Cap__Event *message = NEW(arena, Event, event);

	if (!message || !LIST(arena, message, details, NR_DETAILS))
		return NULL;
	message->name = (char *)event_descs[event].name;
	message->carries = event_descs[event].carries & KIND_CARRIES;
	for (int detail = 0; detail < NR_DETAILS; detail++)
		if (detail_descs[detail].event == event)
			message->details[message->n_details++] = (char *)detail_descs[detail].name;
	return message;
}

static void pack_names(struct arena *arena, Cap__Header *header)
{
	if (!LIST(arena, header, events, NR_EVENTS) || !LIST(arena, header, losses, NR_LOSSES))
		return;
	header->histogram = NEW(arena, Histogram, histogram);
	if (!header->histogram)
		return;
	header->histogram->sub_bits = HIST_SUB_BITS;
	header->histogram->min_bits = HIST_MIN_BITS;
	header->histogram->max_bits = HIST_MAX_BITS;
	for (int event = 0; event < NR_EVENTS; event++)
		header->events[header->n_events++] = pack_event(arena, event);
	for (int loss = 0; loss < NR_LOSSES; loss++)
		header->losses[header->n_losses++] = (char *)loss_descs[loss].name;
}

static void pack_command(struct arena *arena, Cap__Header *header, char *const *command)
{
	size_t n = 0;

	while (command && command[n])
		n++;
	if (!LIST(arena, header, command, n))
		return;
	for (; header->n_command < n; header->n_command++)
		header->command[header->n_command] =
			bytes_of(command[header->n_command], BLOCK_MAX);
}

/* The list of events in @mask. */
static uint32_t *pack_mask(struct arena *arena, __u64 mask, size_t *n)
{
	uint32_t *list = arena_alloc(arena, NR_EVENTS, sizeof(*list));

	for (int event = 0; list && event < NR_EVENTS; event++)
		if (mask & 1ULL << event)
			list[(*n)++] = event;
	return list;
}

Cap__Header *pack_header(struct arena *arena, const struct capture *capture)
{
	Cap__Header *header = NEW(arena, Header, header);

	if (!header)
		return NULL;
	header->tool = (char *)capture->tool;
	header->version = (char *)capture->version;
	header->kernel = (char *)capture->kernel;
	header->arch = (char *)capture->arch;
	header->start_realtime_ns = capture->start_realtime_ns;
	header->interval_ns = capture->interval_ns;
	header->min_latency_ns = capture->min_latency_ns;
	header->sample = capture->sample;
	header->page_size = capture->page_bytes;
	header->records = capture->records_kept;
	header->events_chosen = capture->events_chosen;
	header->programs = (char *)capture->programs;
	header->npids = capture->npids;
	header->limit_ns = capture->limit_ns;
	header->buffer_bytes = capture->buffer_bytes;
	header->ncpus = capture->ncpus;
	header->machine = (char *)(capture->machine ?: "");
	header->boot = (char *)(capture->boot ?: "");
	header->shown = pack_mask(arena, capture->shown, &header->n_shown);
	header->stack_events = pack_mask(arena, capture->stack_events, &header->n_stack_events);
	pack_command(arena, header, capture->command);
	pack_names(arena, header);
	return arena->failed ? NULL : header;
}

static Cap__Hook *pack_hook(struct arena *arena, const struct capture *capture,
			    enum gmem_event event)
{
	const struct hook_state *hook = &capture->hooks[event];
	const struct rung *rung = capture_rung(capture, event);
	Cap__Hook *message = NEW(arena, Hook, hook);
	const char *function;

	if (!message || !LIST(arena, message, functions, RUNG_HOOKS))
		return NULL;
	message->event = event;
	message->wanted = hook->wanted;
	message->attached = hook->attached;
	message->reason = (char *)hook->reason;
	message->run_count = hook->run_count;
	message->run_time_ns = hook->run_time_ns;
	message->recursion_misses = hook->recursion_misses;
	if (!rung)
		return message;
	message->since = (char *)rung->since;
	while ((function = rung_function(rung, message->n_functions)))
		message->functions[message->n_functions++] = (char *)function;
	return message;
}

static void pack_losses(struct arena *arena, Cap__Snapshot *message, const struct snapshot *snap)
{
	if (!snap->lost || !LIST(arena, message, losses, NR_EVENTS * NR_LOSSES))
		return;
	for (int i = 0; i < NR_EVENTS * NR_LOSSES; i++) {
		__u64 count = snap->loss[i / NR_LOSSES][i % NR_LOSSES];
		Cap__Loss *loss;

		if (!count)
			continue;
		loss = NEW(arena, Loss, loss);
		if (!loss)
			return;
		loss->event = i / NR_LOSSES;
		loss->loss = i % NR_LOSSES;
		loss->count = count;
		message->losses[message->n_losses++] = loss;
	}
}

static void pack_buckets(struct arena *arena, Cap__EventCount *message,
			 const struct buckets *buckets)
{
	unsigned int last = 0;

	if (!LIST(arena, message, bucket_gap, buckets->n) ||
	    !LIST(arena, message, bucket_count, buckets->n))
		return;
	for (unsigned int i = 0; i < buckets->n; i++) {
		if (!buckets->v[i])
			continue;
		message->bucket_gap[message->n_bucket_gap++] = buckets->first + i - last;
		message->bucket_count[message->n_bucket_count++] = buckets->v[i];
		last = buckets->first + i;
	}
}

static void pack_parts(struct arena *arena, Cap__EventCount *message,
		       const struct event_count *count)
{
	if (!LIST(arena, message, err, count->nerrs) ||
	    !LIST(arena, message, err_count, count->nerrs) ||
	    !LIST(arena, message, detail, count->ndetails) ||
	    !LIST(arena, message, detail_count, count->ndetails))
		return;
	for (size_t i = 0; i < count->nerrs; i++) {
		message->err[message->n_err++] = count->errs[i].err;
		message->err_count[message->n_err_count++] = count->errs[i].count;
	}
	for (size_t i = 0; i < count->ndetails; i++) {
		message->detail[message->n_detail++] =
			count->details[i].detail - events_first_detail(count->event);
		message->detail_count[message->n_detail_count++] = count->details[i].count;
	}
}

static Cap__EventCount *pack_count(struct arena *arena, const struct event_count *count)
{
	Cap__EventCount *message = NEW(arena, EventCount, event_count);

	if (!message)
		return NULL;
	message->event = count->event;
	message->count = count->count;
	message->untimed = count->untimed;
	message->sum_ns = count->sum_ns;
	message->min_ns = count->min_ns;
	message->max_ns = count->max_ns;
	message->npages = count->npages;
	pack_buckets(arena, message, &count->latency);
	pack_parts(arena, message, count);
	return message;
}

/* All events of one owner. Returns the list, whose length goes to @n. */
static Cap__EventCount **pack_counts(struct arena *arena, const struct event_counts *counts,
				     size_t *n)
{
	Cap__EventCount **list = arena_alloc(arena, counts->n, sizeof(*list));

	for (size_t i = 0; list && i < counts->n; i++)
		list[(*n)++] = pack_count(arena, &counts->v[i]);
	return list;
}

/*
 * What a VM is told apart by: where its struct kvm is, and which life of the owner with that @handle it
 * is.
 */
static __u64 capture_kvm(__u64 kvm, __u32 handle)
{
	return kvm ^ (__u64)OWNER_LIFE(handle) << 48;
}

/* @handle: of its owner. */
static Cap__VmInfo *pack_vm_info(struct arena *arena, struct id_map *vms,
				 const struct vm_info *info, __u32 handle)
{
	Cap__VmInfo *message = NEW(arena, VmInfo, vm_info);
	__u32 number = 0;

	if (!message)
		return NULL;
	if (info->kvm && id_map_number(vms, capture_kvm(info->kvm, handle), &number) < 0) {
		arena->failed = true;
		return NULL;
	}
	message->kvm = number;
	message->ended_ns = info->ended_ns;
	message->pid = info->pid;
	message->type = info->type;
	message->comm = bytes_of(info->comm, sizeof(info->comm));
	message->epoch = info->epoch;
	return message;
}

static Cap__SlotInfo *pack_slot_info(struct arena *arena, const struct slot_info *info)
{
	Cap__SlotInfo *message = NEW(arena, SlotInfo, slot_info);

	if (!message)
		return NULL;
	message->base_gfn = info->base_gfn;
	message->npages = info->npages;
	message->pgoff = info->pgoff;
	message->ino = info->ino;
	message->flags = info->flags;
	message->as_id = info->as_id;
	message->id = info->id;
	return message;
}

static Cap__GmemInfo *pack_gmem_info(struct arena *arena, const struct gmem_info *info)
{
	Cap__GmemInfo *message = NEW(arena, GmemInfo, gmem_info);

	if (!message)
		return NULL;
	message->ino = info->ino;
	message->size_bytes = info->size_bytes;
	message->flags = info->flags;
	message->released_ns = info->released_ns;
	message->met_late = info->met_late;
	return message;
}

/* NULL, too, when nothing is known: the message does not have it then. */
static Cap__Resident *pack_resident(struct arena *arena, const struct resident *resident)
{
	Cap__Resident *message;

	if (!resident->known)
		return NULL;
	message = NEW(arena, Resident, resident);
	if (!message || !LIST(arena, message, node, resident->nnodes) ||
	    !LIST(arena, message, node_npages, resident->nnodes))
		return NULL;
	message->npages = resident->npages;
	message->nodes_known = resident->nodes_known;
	for (size_t i = 0; i < resident->nnodes; i++) {
		message->node[message->n_node++] = resident->nodes[i].node;
		message->node_npages[message->n_node_npages++] = resident->nodes[i].npages;
	}
	return message;
}

static Cap__Heat *pack_heat(struct arena *arena, const struct heat_map *heat)
{
	Cap__Heat *message = heat ? NEW(arena, Heat, heat) : NULL;

	if (!message || !LIST(arena, message, cell, heat->ncells))
		return NULL;
	message->base_gfn = heat->base_gfn;
	message->npages = heat->npages;
	message->n_cell = heat->ncells;
	memcpy(message->cell, heat->cell, heat->ncells * sizeof(*message->cell));
	message->elsewhere = heat->elsewhere;
	message->folds = heat->folds;
	return message;
}

static Cap__Vm *pack_vm(struct arena *arena, struct id_map *vms, const struct vm *vm)
{
	Cap__Vm *message = NEW(arena, Vm, vm);

	if (!message)
		return NULL;
	message->owner = OWNER_INDEX(vm->owner);
	message->info = pack_vm_info(arena, vms, &vm->info, vm->owner);
	message->events = pack_counts(arena, &vm->events, &message->n_events);
	message->exists = vm->exists;
	message->vcpus = vm->vcpus;
	message->nplain = vm->nplain;
	return message;
}

static Cap__Slot *pack_slot(struct arena *arena, const struct slot *slot, __u32 vm)
{
	Cap__Slot *message = NEW(arena, Slot, slot);

	if (!message)
		return NULL;
	message->owner = OWNER_INDEX(slot->owner);
	message->vm = vm;
	message->info = pack_slot_info(arena, &slot->info);
	message->events = pack_counts(arena, &slot->events, &message->n_events);
	message->exists = slot->exists;
	message->resident = pack_resident(arena, &slot->resident);
	message->has_private = slot->has_private;
	message->nprivate = slot->nprivate;
	message->heat = pack_heat(arena, slot->heat);
	return message;
}

static Cap__Gmem *pack_gmem(struct arena *arena, const struct gmem *gmem)
{
	Cap__Gmem *message = NEW(arena, Gmem, gmem);

	if (!message)
		return NULL;
	message->owner = OWNER_INDEX(gmem->owner);
	message->vm = gmem->vm;
	message->info = pack_gmem_info(arena, &gmem->info);
	message->events = pack_counts(arena, &gmem->events, &message->n_events);
	message->exists = gmem->exists;
	message->resident = pack_resident(arena, &gmem->resident);
	return message;
}

static Cap__Past *pack_past(struct arena *arena, const struct past *past)
{
	Cap__Past *message = NEW(arena, Past, past);

	if (!message)
		return NULL;
	message->comm = bytes_of(past->comm, sizeof(past->comm));
	message->nvms = past->nvms;
	message->nslots = past->nslots;
	message->ngmems = past->ngmems;
	message->events = pack_counts(arena, &past->events, &message->n_events);
	return message;
}

static Cap__Stack *pack_stack(struct arena *arena, const struct stack_count *stack)
{
	Cap__Stack *message = NEW(arena, Stack, stack);

	if (!message || !LIST(arena, message, frames, stack->nframes))
		return NULL;
	message->event = stack->event;
	message->vm = stack->vm + 1; /* NO_VM becomes 0 */
	message->at_slot = stack->at_slot;
	message->as_id = stack->as_id;
	message->slot_id = stack->slot_id;
	message->pid = stack->pid;
	message->comm = bytes_of(stack->comm, sizeof(stack->comm));
	message->count = stack->count;
	message->npages = stack->npages;
	message->n_frames = stack->nframes;
	for (size_t i = 0; i < stack->nframes; i++)
		message->frames[i] = stack->frames[i];
	return message;
}

static void pack_tree(struct arena *arena, struct id_map *vms, Cap__Snapshot *message,
		      const struct snapshot *snap)
{
	size_t nslots = 0;

	for (size_t i = 0; i < snap->nvms; i++)
		nslots += snap->vms[i].nslots;
	if (!LIST(arena, message, vms, snap->nvms) || !LIST(arena, message, slots, nslots) ||
	    !LIST(arena, message, gmems, snap->ngmems) ||
	    !LIST(arena, message, past, snap->past.n) ||
	    !LIST(arena, message, stacks, snap->nstacks))
		return;
	for (size_t i = 0; i < snap->nvms; i++) {
		const struct vm *vm = &snap->vms[i];

		message->vms[message->n_vms++] = pack_vm(arena, vms, vm);
		for (size_t j = 0; j < vm->nslots; j++)
			message->slots[message->n_slots++] = pack_slot(arena, &vm->slots[j], i);
	}
	for (size_t i = 0; i < snap->ngmems; i++)
		message->gmems[message->n_gmems++] = pack_gmem(arena, &snap->gmems[i]);
	for (size_t i = 0; i < snap->past.n; i++)
		message->past[message->n_past++] = pack_past(arena, &snap->past.v[i]);
	for (size_t i = 0; i < snap->nstacks; i++)
		message->stacks[message->n_stacks++] = pack_stack(arena, &snap->stacks[i]);
}

Cap__Snapshot *pack_snapshot(struct arena *arena, struct id_map *vms, const struct capture *capture)
{
	Cap__Snapshot *message = NEW(arena, Snapshot, snapshot);

	if (!message || !LIST(arena, message, hooks, NR_EVENTS))
		return NULL;
	message->duration_ns = capture->duration_ns;
	message->command_ended = capture->command_ended;
	message->command_status = capture->command_status;
	if (capture->no_inventory)
		message->no_inventory = (char *)capture->no_inventory;
	for (int event = 0; event < NR_EVENTS; event++)
		message->hooks[message->n_hooks++] = pack_hook(arena, capture, event);
	if (capture->inventory_lacks)
		message->inventory_lacks = (char *)capture->inventory_lacks;
	message->switched_off = capture->snap->switched_off;
	pack_losses(arena, message, capture->snap);
	message->host = pack_counts(arena, &capture->snap->host, &message->n_host);
	pack_tree(arena, vms, message, capture->snap);
	return arena->failed ? NULL : message;
}

static Cap__Owner *pack_owner(struct arena *arena, struct id_map *vms,
			      const struct indexed_owner *indexed)
{
	const struct capture_owner *owner = &indexed->owner;
	Cap__Owner *message = NEW(arena, Owner, owner);

	if (!message)
		return NULL;
	message->index = OWNER_INDEX(indexed->handle);
	message->vm = owner->vm;
	if (owner->kind == OWNER_VM)
		message->vm_info = pack_vm_info(arena, vms, &owner->vm_info, indexed->handle);
	if (owner->kind == OWNER_SLOT)
		message->slot = pack_slot_info(arena, &owner->slot);
	if (owner->kind == OWNER_GMEM)
		message->gmem = pack_gmem_info(arena, &owner->gmem);
	return message;
}

Cap__Owners *pack_owners(struct arena *arena, struct id_map *vms,
			 const struct indexed_owner *owners, size_t n)
{
	Cap__Owners *message = NEW(arena, Owners, owners);

	if (!message || !LIST(arena, message, owners, n))
		return NULL;
	for (size_t i = 0; i < n; i++)
		message->owners[message->n_owners++] = pack_owner(arena, vms, &owners[i]);
	return arena->failed ? NULL : message;
}

static Cap__Thread *pack_thread(struct arena *arena, const struct capture_thread *thread)
{
	Cap__Thread *message = NEW(arena, Thread, thread);

	if (!message)
		return NULL;
	message->tid = thread->tid;
	message->pid = thread->pid;
	message->comm = bytes_of(thread->comm, sizeof(thread->comm));
	return message;
}

Cap__Threads *pack_threads(struct arena *arena, const struct capture_thread *threads, size_t n)
{
	Cap__Threads *message = NEW(arena, Threads, threads);

	if (!message || !LIST(arena, message, threads, n))
		return NULL;
	for (size_t i = 0; i < n; i++)
		message->threads[message->n_threads++] = pack_thread(arena, &threads[i]);
	return arena->failed ? NULL : message;
}

/* A column that is 0 throughout is left away. */
#define COLUMN(arena, message, column, records, n, value)                                          \
	do {                                                                                       \
		__u64 any_ = 0;                                                                    \
		for (size_t i = 0; i < (n); i++)                                                   \
			any_ |= (records)[i].value;                                                \
		if (any_ && LIST(arena, message, column, n)) {                                     \
			(message)->n_##column = (n);                                               \
			for (size_t i = 0; i < (n); i++)                                           \
				(message)->column[i] = (records)[i].value;                         \
		}                                                                                  \
	} while (0)

static void pack_times(struct arena *arena, Cap__Records *message,
		       const struct gmem_record *records, size_t n)
{
	__u64 last = 0;

	if (!LIST(arena, message, end_ns, n))
		return;
	message->n_end_ns = n;
	for (size_t i = 0; i < n; i++) {
		message->end_ns[i] = (__s64)(records[i].end_ns - last);
		last = records[i].end_ns;
	}
}

static void pack_pages(struct arena *arena, Cap__Records *message,
		       const struct gmem_record *records, size_t n)
{
	__u64 last[PAGE_LANES] = { 0 };
	__u32 any = 0;

	if (!LIST(arena, message, page, n) || !LIST(arena, message, flags, n))
		return;
	message->n_page = n;
	for (size_t i = 0; i < n; i++) {
		const struct gmem_record *record = &records[i];
		__u64 *lane = &last[record->tid % PAGE_LANES];

		message->flags[i] = record->flags & ~FILE_NO_PAGE;
		if (record->page == RECORD_NO_PAGE) {
			message->flags[i] |=
				FILE_NO_PAGE; /* and 0, which leaves the lane as it is */
		} else {
			message->page[i] = (__s64)(record->page - *lane);
			*lane = record->page;
		}
		any |= message->flags[i];
	}
	message->n_flags = any ? n : 0;
}

Cap__Records *pack_records(struct arena *arena, const struct gmem_record *records, size_t n)
{
	Cap__Records *message = NEW(arena, Records, records);

	if (!message)
		return NULL;
	message->n = n;
	pack_times(arena, message, records, n);
	pack_pages(arena, message, records, n);
	COLUMN(arena, message, latency_ns, records, n, latency_ns);
	COLUMN(arena, message, npages, records, n, npages);
	COLUMN(arena, message, owner, records, n, owner);
	COLUMN(arena, message, tid, records, n, tid);
	COLUMN(arena, message, details, records, n, details);
	COLUMN(arena, message, err, records, n, err & 0xffff);
	COLUMN(arena, message, cpu, records, n, cpu);
	COLUMN(arena, message, event, records, n, event);
	return arena->failed ? NULL : message;
}

Cap__End *pack_end(struct arena *arena, const struct capture *capture,
		   const struct capture_drop *drops, size_t ndrops)
{
	Cap__End *message = NEW(arena, End, end);

	if (!message || !LIST(arena, message, drops, ndrops))
		return NULL;
	message->duration_ns = capture->duration_ns;
	message->command_ended = capture->command_ended;
	message->command_status = capture->command_status;
	for (size_t i = 0; i < ndrops; i++) {
		Cap__Drop *drop = NEW(arena, Drop, drop);

		if (!drop)
			return NULL;
		drop->cpu = drops[i].cpu;
		drop->event = drops[i].event;
		drop->count = drops[i].count;
		message->drops[message->n_drops++] = drop;
	}
	return message;
}
