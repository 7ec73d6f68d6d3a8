// SPDX-License-Identifier: GPL-2.0-only
/*
 * A snapshot, part by part, to the model. The first thing that is wrong with one ends it.
 */
#include <stdlib.h>
#include <string.h>
#include "base/arrays.h"
#include "capture_unpack.h"
#include "model/events.h"
#include "model/past.h"
#include "model/snapshot_sound.h"

#define NODES_MAX 1024

/* The unpacking of one part; the first thing that is wrong sticks. */
struct unpacker {
	const struct capture_names *names;
	struct capture_moment *moment;
	size_t *budget;
	const char *wrong;
};

static bool is_wrong(struct unpacker *u, const char *wrong)
{
	if (!u->wrong)
		u->wrong = wrong;
	return true;
}

/* May the model grow by so much? */
static bool claim(struct unpacker *u, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > *u->budget)
		return !is_wrong(u, unpack_no_memory);
	*u->budget -= bytes;
	return true;
}

/* @n zeroed elements; NULL if @n is 0, and when there is no memory, which then is wrong. */
static void *new_list(struct unpacker *u, size_t n, size_t size)
{
	void *list;

	if (!n || !claim(u, n, size))
		return NULL;
	list = calloc(n, size);
	if (!list)
		is_wrong(u, unpack_no_memory);
	return list;
}

static const char too_much[] = "its counts add up to more than a number holds";

/* Add to a sum that nobody else looks after. */
static void sum(struct unpacker *u, __u64 *to, __u64 count)
{
	if (__builtin_add_overflow(*to, count, to))
		is_wrong(u, too_much);
}

/* One more element at the end of a list of the model. */
static void *append(struct unpacker *u, void *array, size_t *n, size_t size)
{
	/* Twice: the list doubles when it grows. */
	void *element = claim(u, 2, size) ? array_append(array, n, size) : NULL;

	if (!element)
		is_wrong(u, unpack_no_memory);
	return element;
}

/* Is the foreign rung the one? */
static bool same_rung(const struct rung *rung, const Cap__Hook *message)
{
	const char *function;
	unsigned int i;

	if (!rung->since || strcmp(rung->since, message->since))
		return false;
	for (i = 0; (function = rung_function(rung, i)); i++)
		if (i >= message->n_functions || strcmp(function, message->functions[i]))
			return false;
	return i == message->n_functions;
}

static int find_rung(int event, const Cap__Hook *message)
{
	for (int rung = 0; rung < EVENT_RUNGS; rung++)
		if (same_rung(&ladders[event].rungs[rung], message))
			return rung;
	return -1;
}

/* A rung that our ladder does not have. Of its functions, more than we have room for are left out. */
static const struct rung *foreign_rung(struct arena *arena, const Cap__Hook *message)
{
	struct rung *rung = arena_alloc(arena, 1, sizeof(*rung));

	if (!rung)
		return NULL;
	rung->since = unpack_string(arena, message->since);
	for (size_t i = 0; i < message->n_functions && i < RUNG_HOOKS; i++)
		rung->hooks[i].function = unpack_string(arena, message->functions[i]);
	return rung;
}

static void unpack_hook(struct unpacker *u, const Cap__Hook *message)
{
	struct arena *arena = &u->moment->arena;
	struct hook_state *hook;
	char *reason;
	int event;

	if (message->event >= u->names->nevents) {
		is_wrong(u, "a hook is of no event");
		return;
	}
	event = u->names->event[message->event];
	reason = unpack_string(arena, message->reason);
	if (event < 0 || !reason)
		return;
	hook = &u->moment->hooks[event];
	hook->wanted = message->wanted;
	hook->attached = message->attached;
	hook->rung = *message->since ? find_rung(event, message) : -1;
	hook->foreign = *message->since && hook->rung < 0 ? foreign_rung(arena, message) : NULL;
	snprintf(hook->reason, sizeof(hook->reason), "%s", reason);
	hook->run_count = message->run_count;
	hook->run_time_ns = message->run_time_ns;
	hook->recursion_misses = message->recursion_misses;
}

static void unpack_loss(struct unpacker *u, const Cap__Loss *message)
{
	struct snapshot *snap = &u->moment->snap;
	int event, loss;

	if (message->event >= u->names->nevents || message->loss >= u->names->nlosses) {
		is_wrong(u, "a loss is of no event or of no kind");
		return;
	}
	event = u->names->event[message->event];
	loss = u->names->loss[message->loss];
	sum(u, &snap->lost, message->count);
	if (event >= 0 && loss >= 0)
		snap->loss[event][loss] += message->count;
	else
		sum(u, &u->moment->nunknown, message->count);
}

/* The last bucket of a histogram; HIST_BUCKETS when there is none so far. */
static unsigned int last_bucket(const Cap__EventCount *message)
{
	unsigned int bucket = 0;

	for (size_t i = 0; i < message->n_bucket_gap; i++) {
		__u32 gap = message->bucket_gap[i];

		if (gap >= HIST_BUCKETS - bucket || (i && !gap))
			return HIST_BUCKETS;
		bucket += gap;
	}
	return bucket;
}

static void unpack_buckets(struct unpacker *u, const Cap__EventCount *message,
			   struct event_count *count)
{
	size_t n = message->n_bucket_gap;
	unsigned int last = last_bucket(message), at = 0;
	__u64 *v, total = 0;

	if (n != message->n_bucket_count || last == HIST_BUCKETS) {
		is_wrong(u, "a histogram has buckets that there are not, or not as many counts");
		return;
	}
	if (!n || !claim(u, last - message->bucket_gap[0] + 1, sizeof(*v)))
		return;
	v = buckets_widen(&count->latency, message->bucket_gap[0],
			  last - message->bucket_gap[0] + 1);
	if (!v && is_wrong(u, unpack_no_memory))
		return;
	for (size_t i = 0; i < n; i++) {
		at += i ? message->bucket_gap[i] : 0;
		v[at] = message->bucket_count[i];
		sum(u, &total, v[at]);
	}
	if (total <= count->count)
		return;
	/* Read a moment later than the count, while events came in. */
	count->count = total;
	u->moment->wrong_at_last =
		"the last snapshot has a histogram of more events than were counted";
}

static void unpack_errors(struct unpacker *u, const Cap__EventCount *message,
			  struct event_count *count)
{
	count->errs = new_list(u, message->n_err, sizeof(*count->errs));
	if (message->n_err != message->n_err_count || message->n_err > ERRORS_MAX)
		is_wrong(u, "an event has not as many counts as errors, or too many");
	for (size_t i = 0; i < message->n_err && !u->wrong; i++) {
		if (message->err[i] > 0xffff || (i && message->err[i] <= message->err[i - 1]))
			is_wrong(u, "the errors of an event are not in order");
		count->errs[count->nerrs++] =
			(struct errno_count){ message->err[i], message->err_count[i] };
	}
}

static int compare_details(const void *a, const void *b)
{
	const struct detail_count *x = a, *y = b;

	return (x->detail > y->detail) - (x->detail < y->detail);
}

static void unpack_details(struct unpacker *u, const Cap__EventCount *message,
			   struct event_count *count)
{
	const int *ours = u->names->detail[message->event];

	count->details = new_list(u, message->n_detail, sizeof(*count->details));
	if (message->n_detail != message->n_detail_count)
		is_wrong(u, "an event has not as many counts as details");
	for (size_t i = 0; i < message->n_detail && !u->wrong; i++) {
		__u32 detail = message->detail[i];

		if (detail >= u->names->ndetails[message->event] ||
		    (i && detail <= message->detail[i - 1]))
			is_wrong(u, "the details of an event are not in order");
		else if (ours[detail] >= 0)
			count->details[count->ndetails++] =
				(struct detail_count){ ours[detail], message->detail_count[i] };
		else
			sum(u, &u->moment->nunknown, message->detail_count[i]);
	}
	if (count->ndetails)
		qsort(count->details, count->ndetails, sizeof(*count->details), compare_details);
}

static void unpack_count(struct unpacker *u, const Cap__EventCount *message,
			 struct event_counts *counts)
{
	struct event_count *count;
	int event;

	if (message->event >= u->names->nevents || !message->count ||
	    message->untimed > message->count) {
		is_wrong(u, "a count is of no event");
		return;
	}
	event = u->names->event[message->event];
	if (event < 0) {
		sum(u, &u->moment->nunknown, message->count);
		return;
	}
	count = &counts->v[counts->n++];
	*count = (struct event_count){
		.event = event,
		.count = message->count,
		.untimed = message->untimed,
		.sum_ns = message->sum_ns,
		.min_ns = message->min_ns,
		.max_ns = message->max_ns,
		.npages = message->npages,
	};
	if (event_descs[event].carries & EVENT_LATENCY)
		unpack_buckets(u, message, count);
	unpack_errors(u, message, count);
	unpack_details(u, message, count);
}

static int compare_counts(const void *a, const void *b)
{
	const struct event_count *x = a, *y = b;

	return (x->event > y->event) - (x->event < y->event);
}

static void unpack_counts(struct unpacker *u, Cap__EventCount *const *list, size_t n,
			  struct event_counts *counts)
{
	if (n > u->names->nevents || counts->v) {
		is_wrong(u, "an owner has more events than there are");
		return;
	}
	counts->v = new_list(u, n, sizeof(*counts->v));
	for (size_t i = 0; i < n && !u->wrong; i++)
		unpack_count(u, list[i], counts);
	if (counts->n)
		qsort(counts->v, counts->n, sizeof(*counts->v), compare_counts);
	for (size_t i = 1; i < counts->n; i++)
		if (counts->v[i].event == counts->v[i - 1].event)
			is_wrong(u, "an owner has an event twice");
}

static void unpack_resident(struct unpacker *u, const Cap__Resident *message,
			    struct resident *resident)
{
	if (!message)
		return;
	resident->known = true;
	resident->npages = message->npages;
	resident->nodes_known = message->nodes_known;
	if (message->n_node != message->n_node_npages || message->n_node > NODES_MAX)
		is_wrong(u, "the NUMA nodes have not as many counts, or are too many");
	if (u->wrong)
		return;
	resident->nodes = new_list(u, message->n_node, sizeof(*resident->nodes));
	for (size_t i = 0; i < message->n_node && !u->wrong; i++) {
		if (i && message->node[i] <= message->node[i - 1])
			is_wrong(u, "the NUMA nodes are not in order");
		resident->nodes[resident->nnodes++] =
			(struct node_pages){ message->node[i], message->node_npages[i] };
	}
}

static void unpack_heat(struct unpacker *u, const Cap__Heat *message, struct slot *slot)
{
	if (!message)
		return;
	if (message->n_cell > HEAT_CELLS) {
		is_wrong(u, "a slot has more cells of heat than the format allows");
		return;
	}
	slot->heat = new_list(u, 1, sizeof(*slot->heat));
	if (!slot->heat)
		return;
	*slot->heat = (struct heat_map){
		.base_gfn = message->base_gfn,
		.npages = message->npages,
		.ncells = message->n_cell,
		.elsewhere = message->elsewhere,
		.folds = message->folds,
	};
	for (size_t i = 0; i < message->n_cell; i++)
		slot->heat->cell[i] = message->cell[i];
}

static void unpack_vm(struct unpacker *u, const Cap__Vm *message)
{
	struct snapshot *snap = &u->moment->snap;
	struct vm *vm = append(u, &snap->vms, &snap->nvms, sizeof(*vm));

	if (!vm || (!message->info && is_wrong(u, "a VM has no description")))
		return;
	vm->owner = message->owner;
	vm->info = unpack_vm_info(message->info);
	unpack_counts(u, message->events, message->n_events, &vm->events);
	vm->exists = message->exists;
	vm->vcpus = message->vcpus;
	vm->nplain = message->nplain;
}

static void unpack_slot(struct unpacker *u, const Cap__Slot *message)
{
	struct snapshot *snap = &u->moment->snap;
	struct slot *slot;
	struct vm *vm;

	if (message->vm >= snap->nvms || !message->info || !slot_info_fits(message->info)) {
		is_wrong(u, "a slot is of no VM, or not described as slots are");
		return;
	}
	vm = &snap->vms[message->vm];
	slot = append(u, &vm->slots, &vm->nslots, sizeof(*slot));
	if (!slot)
		return;
	slot->owner = message->owner;
	slot->info = unpack_slot_info(message->info);
	unpack_counts(u, message->events, message->n_events, &slot->events);
	slot->exists = message->exists;
	unpack_resident(u, message->resident, &slot->resident);
	slot->has_private = message->has_private;
	slot->nprivate = message->nprivate;
	unpack_heat(u, message->heat, slot);
}

static void unpack_gmem(struct unpacker *u, const Cap__Gmem *message)
{
	struct snapshot *snap = &u->moment->snap;
	struct gmem *gmem;

	if (message->vm >= snap->nvms || !message->info) {
		is_wrong(u, "a guest_memfd is of no VM, or not described");
		return;
	}
	gmem = append(u, &snap->gmems, &snap->ngmems, sizeof(*gmem));
	if (!gmem)
		return;
	gmem->owner = message->owner;
	gmem->info = unpack_gmem_info(message->info);
	gmem->vm = message->vm;
	unpack_counts(u, message->events, message->n_events, &gmem->events);
	gmem->exists = message->exists;
	unpack_resident(u, message->resident, &gmem->resident);
}

static void unpack_past(struct unpacker *u, const Cap__Past *message)
{
	struct past_list *list = &u->moment->snap.past;
	struct past *past =
		list->n < PAST_NAMES ? append(u, &list->v, &list->n, sizeof(*past)) : NULL;

	if (!past) {
		is_wrong(u, "the past has more names than the format allows");
		return;
	}
	unpack_comm(past->comm, message->comm);
	past->nvms = message->nvms;
	past->nslots = message->nslots;
	past->ngmems = message->ngmems;
	unpack_counts(u, message->events, message->n_events, &past->events);
}

static void unpack_frames(struct unpacker *u, const Cap__Stack *message, struct stack_count *stack)
{
	stack->frames = new_list(u, message->n_frames, sizeof(*stack->frames));
	for (size_t i = 0; i < message->n_frames && !u->wrong; i++) {
		const char *frame = unpack_string(&u->moment->arena, message->frames[i]);

		stack->frames[stack->nframes] = frame ? strdup(frame) : NULL;
		if (stack->frames[stack->nframes])
			stack->nframes++;
		else
			is_wrong(u, unpack_no_memory);
	}
}

static void unpack_stack(struct unpacker *u, const Cap__Stack *message)
{
	struct snapshot *snap = &u->moment->snap;
	struct stack_count *stack;

	if (message->vm > snap->nvms || message->event >= u->names->nevents ||
	    message->as_id > 0xffff || message->slot_id != (__s16)message->slot_id ||
	    message->n_frames > STACK_DEPTH) {
		is_wrong(u, "a stack is of no VM, slot or event, or too deep");
		return;
	}
	if (u->names->event[message->event] < 0) {
		sum(u, &u->moment->nunknown, message->count);
		return;
	}
	stack = append(u, &snap->stacks, &snap->nstacks, sizeof(*stack));
	if (!stack)
		return;
	stack->event = u->names->event[message->event];
	stack->vm = message->vm - 1; /* 0 becomes NO_VM */
	stack->at_slot = message->at_slot;
	stack->as_id = message->as_id;
	stack->slot_id = message->slot_id;
	stack->pid = message->pid;
	unpack_comm(stack->comm, message->comm);
	stack->count = message->count;
	stack->npages = message->npages;
	unpack_frames(u, message, stack);
}

static void unpack_single(struct unpacker *u, const Cap__Snapshot *message)
{
	struct capture_moment *moment = u->moment;

	moment->duration_ns = message->duration_ns;
	moment->command_ended = message->command_ended;
	moment->command_status = message->command_status;
	if (*message->no_inventory)
		moment->no_inventory = unpack_string(&moment->arena, message->no_inventory);
	if (*message->inventory_lacks)
		moment->inventory_lacks = unpack_string(&moment->arena, message->inventory_lacks);
	moment->snap.switched_off = message->switched_off;
	for (int event = 0; event < NR_EVENTS; event++)
		moment->hooks[event].rung = -1;
	unpack_counts(u, message->host, message->n_host, &moment->snap.host);
}

#define EACH(u, message, list, unpack)                                                             \
	for (size_t i_ = 0; i_ < (message)->n_##list && !(u)->wrong; i_++)                         \
	unpack(u, (message)->list[i_])

const char *unpack_snapshot(const Cap__Snapshot *message, const struct capture_names *names,
			    bool first, size_t *budget, struct capture_moment *moment)
{
	struct unpacker u = { .names = names, .moment = moment, .budget = budget };

	if (first)
		unpack_single(&u, message);
	EACH(&u, message, hooks, unpack_hook);
	EACH(&u, message, losses, unpack_loss);
	EACH(&u, message, vms, unpack_vm);
	EACH(&u, message, slots, unpack_slot);
	EACH(&u, message, gmems, unpack_gmem);
	EACH(&u, message, past, unpack_past);
	EACH(&u, message, stacks, unpack_stack);
	if (moment->arena.failed || u.wrong || !message->final)
		return moment->arena.failed ? unpack_no_memory : u.wrong;
	snapshot_sort(&moment->snap);
	snapshot_link(&moment->snap);
	return snapshot_unsound(&moment->snap);
}

/* A number of protobuf at *@at, which it moves behind it; false at the end and beyond 64 bits. */
static bool read_number(const unsigned char **at, const unsigned char *end, __u64 *number)
{
	*number = 0;
	for (unsigned int shift = 0; shift < 64 && *at < end; shift += 7) {
		unsigned char byte = *(*at)++;

		*number |= (__u64)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* Protobuf's kinds of fields: a number, or bytes of a length that is said or fixed. */
enum { FIELD_NUMBER, FIELD_64_BITS, FIELD_BYTES, FIELD_32_BITS = 5 };

int unpack_is_final(const unsigned char *message, size_t size, bool *final)
{
	const unsigned char *at = message, *end = message + size;

	*final = false;
	while (at < end) {
		__u64 tag, len;

		if (!read_number(&at, end, &tag))
			return -1;
		if ((tag & 7) == FIELD_NUMBER || (tag & 7) == FIELD_BYTES) {
			if (!read_number(&at, end, &len))
				return -1;
			if (tag == (1 << 3 | FIELD_NUMBER))
				*final = len;
			if ((tag & 7) == FIELD_NUMBER)
				continue;
		} else if ((tag & 7) == FIELD_64_BITS || (tag & 7) == FIELD_32_BITS) {
			len = (tag & 7) == FIELD_64_BITS ? 8 : 4;
		} else {
			return -1;
		}
		if (len > (size_t)(end - at))
			return -1;
		at += len;
	}
	return 0;
}

void capture_moment_free(struct capture_moment *moment)
{
	struct arena arena = moment->arena;

	snapshot_free(&moment->snap);
	arena_free(&arena);
	*moment = (struct capture_moment){ .arena = arena };
}
