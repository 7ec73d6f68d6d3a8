// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the kernel's maps to the model: owners become VMs, slots and guest_memfds, each with the
 * events that it has seen. Reads the arrays where they are mapped; copies what it keeps.
 */
#include "base/arrays.h"
#include "snapshot.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "model/events.h"
#include "rings.h"
#include "session.h"
#include "stacks.h"

struct error_count {
	struct error_key key;
	__u64 count;
};

struct reader {
	struct session_arrays arrays;
	struct snapshot *snap;
	struct fault_tallies tallies;
	__u32 *vm_at; /* owner index of a VM → index into snapshot.vms, NO_VM for others */
	struct error_count *errors; /* by owner, event, errno */
	size_t nerrors;
};

static int compare_errors(const void *a, const void *b)
{
	const struct error_key *x = a, *y = b;

	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	if (x->event != y->event)
		return x->event < y->event ? -1 : 1;
	return (x->err > y->err) - (x->err < y->err);
}

static int add_errors(struct reader *reader, const struct error_key *keys, const __u64 *counts,
		      size_t n)
{
	struct error_count *error;

	for (size_t i = 0; i < n; i++) {
		error = array_append(&reader->errors, &reader->nerrors, sizeof(*error));
		if (!error)
			return -ENOMEM;
		*error = (struct error_count){ keys[i], counts[i] };
	}
	return 0;
}

#define BATCH 512 /* more than the longest chain of the kernel's hash will ever be */

static int read_errors(struct reader *reader)
{
	struct error_key keys[BATCH];
	__u64 counts[BATCH];
	__u32 n, at, *from = NULL; /* a place in the kernel's hash */
	int err;

	do {
		n = BATCH;
		err = bpf_map_lookup_batch(reader->arrays.errors_fd, from, &at, keys, counts, &n,
					   NULL);
		if (err && err != -ENOENT) /* which says that this was the last */
			return err;
		if (add_errors(reader, keys, counts, n))
			return -ENOMEM;
		from = &at;
	} while (!err);
	if (reader->nerrors)
		qsort(reader->errors, reader->nerrors, sizeof(*reader->errors), compare_errors);
	return 0;
}

/* The first error at or after @key. */
static size_t errors_from(const struct reader *reader, const struct error_key *key)
{
	size_t low = 0, high = reader->nerrors;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_errors(&reader->errors[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int read_event_errors(const struct reader *reader, __u32 owner, struct event_count *count)
{
	struct error_key from = { .owner = owner, .event = count->event };
	struct error_key to = { .owner = owner, .event = count->event + 1 };
	size_t first = errors_from(reader, &from), end = errors_from(reader, &to);

	if (first == end)
		return 0;
	count->errs = calloc(end - first, sizeof(*count->errs));
	if (!count->errs)
		return -ENOMEM;
	for (size_t i = first; i < end; i++)
		count->errs[count->nerrs++] =
			(struct errno_count){ reader->errors[i].key.err, reader->errors[i].count };
	return 0;
}

/* What is known of one event at one owner, besides its errors. */
struct stat_sum {
	struct event_stat stat;
	__u64 detail[NR_DETAILS];
	struct buckets latency;
};

/* An event is counted first: read in the other order, no histogram has more than the count. */
static int read_latency(const struct session_arrays *arrays, const struct event_stat *stat,
			struct stat_sum *sum)
{
	__u32 hist = __atomic_load_n(&stat->hist, __ATOMIC_ACQUIRE);
	__u64 *first;
	int err = 0;

	if (hist && hist < arrays->nhistograms)
		err = buckets_add_all(&sum->latency, arrays->histograms[hist].bucket);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	sum->stat = *stat;
	stat = &sum->stat;
	if (err || !arrays->firsts || !stat->count)
		return err;
	/* The first one is kept outside of the histogram. */
	first = buckets_widen(&sum->latency, hist_bucket(stat->first_ns), 1);
	if (!first)
		return -ENOMEM;
	(*first)++;
	return 0;
}

static int read_sum(const struct reader *reader, __u32 index, enum gmem_event event,
		    struct stat_sum *sum)
{
	const struct owner *owner = &reader->arrays.owners[index];
	int err = 0;

	if (event_descs[event].carries & EVENT_LATENCY)
		err = read_latency(&reader->arrays, &owner->stat[event], sum);
	else
		sum->stat = owner->stat[event];
	memcpy(sum->detail, owner->detail, sizeof(sum->detail));
	if (event == EV_GUEST_FAULT && !err)
		err = fault_tallies_add(&reader->tallies, index, &sum->stat, sum->detail,
					&sum->latency);
	return err;
}

#define FOLD_TRIES 100 /* while events are counted; after the end none is folded any more */

/* The same, but not while tallies are folded into the owner: counts would be read twice, or not at all. */
static int read_sum_whole(const struct reader *reader, __u32 index, enum gmem_event event,
			  struct stat_sum *sum)
{
	const struct event_stat *stat = &reader->arrays.owners[index].stat[event];
	__u32 done;
	int err;

	for (int i = 0; i < FOLD_TRIES; i++) {
		done = __atomic_load_n(&stat->folds_done, __ATOMIC_ACQUIRE);
		*sum = (struct stat_sum){};
		err = read_sum(reader, index, event, sum);
		if (err || __atomic_load_n(&stat->folds_begun, __ATOMIC_ACQUIRE) == done)
			break;
		if (i < FOLD_TRIES - 1)
			buckets_free(&sum->latency);
	}
	return err;
}

static int read_event_details(const struct stat_sum *sum, struct event_count *count)
{
	struct detail_count details[NR_DETAILS];
	size_t n = 0;

	for (int detail = 0; detail < NR_DETAILS; detail++)
		if (detail_descs[detail].event == count->event && sum->detail[detail])
			details[n++] = (struct detail_count){ detail, sum->detail[detail] };
	if (!n)
		return 0;
	count->details = malloc(n * sizeof(*details));
	if (!count->details)
		return -ENOMEM;
	count->ndetails = n;
	memcpy(count->details, details, n * sizeof(*details));
	return 0;
}

static int read_event(const struct reader *reader, __u32 owner, enum gmem_event event,
		      struct event_count *count)
{
	struct stat_sum sum;
	int err = read_sum_whole(reader, owner, event, &sum);

	*count = (struct event_count){
		.event = event,
		.count = sum.stat.count,
		.sum_ns = sum.stat.sum_ns,
		.min_ns = ~sum.stat.not_min_ns,
		.max_ns = sum.stat.max_ns,
		.npages = sum.stat.npages,
		.latency = sum.latency,
	};
	return err ?: read_event_errors(reader, owner, count) ?: read_event_details(&sum, count);
}

static int read_events(const struct reader *reader, __u32 owner, struct event_counts *counts)
{
	const struct event_stat *stat = reader->arrays.owners[owner].stat;
	enum gmem_event events[NR_EVENTS]; /* those seen so far: another may begin while we read */
	size_t n = 0;
	int err = 0;

	for (int event = 0; event < NR_EVENTS; event++)
		if (stat[event].count ||
		    (event == EV_GUEST_FAULT && fault_tallies_any(&reader->tallies, owner)))
			events[n++] = event;
	if (!n)
		return 0;
	counts->v = malloc(n * sizeof(*counts->v));
	if (!counts->v)
		return -ENOMEM;
	for (size_t i = 0; i < n && !err; i++)
		err = read_event(reader, owner, events[i], &counts->v[counts->n++]);
	return err;
}

static int read_vm(struct reader *reader, __u32 index)
{
	struct snapshot *snap = reader->snap;
	struct vm *vm = array_append(&snap->vms, &snap->nvms, sizeof(*vm));

	if (!vm)
		return -ENOMEM;
	vm->owner = index;
	vm->info = reader->arrays.owners[index].vm_info;
	reader->vm_at[index] = snap->nvms - 1;
	return read_events(reader, index, &vm->events);
}

/* Cells of the range that the slot has now, and the sum of all others. */
static void read_cells(const struct heat *heat, __u64 range, struct heat_map *map)
{
	/* First, so that what is folded meanwhile is not counted twice. */
	map->folds = __atomic_load_n(&heat->folds, __ATOMIC_ACQUIRE);
	map->elsewhere = __atomic_load_n(&heat->count[HEAT_ELSEWHERE], __ATOMIC_ACQUIRE);
	for (int r = 0; r < HEAT_RANGES; r++)
		for (int i = 0; heat->range[r] && i < HEAT_CELLS; i++) {
			__u64 count = heat->count[r * HEAT_CELLS + i];

			*(heat->range[r] == range ? &map->cell[i] : &map->elsewhere) += count;
		}
}

static int read_heat(const struct reader *reader, __u32 index, struct slot *slot)
{
	const struct slot_info *info = &slot->info;

	if (!reader->arrays.heats || !info->npages)
		return 0;
	slot->heat = calloc(1, sizeof(*slot->heat));
	if (!slot->heat)
		return -ENOMEM;
	slot->heat->base_gfn = info->base_gfn;
	slot->heat->npages = 1ULL << heat_shift(info->npages);
	slot->heat->ncells = heat_cells(info->npages);
	read_cells(&reader->arrays.heats[index], heat_range(info->base_gfn, info->npages),
		   slot->heat);
	return 0;
}

static int read_slot(struct reader *reader, __u32 index)
{
	const struct owner *owner = &reader->arrays.owners[index];
	__u32 at = reader->vm_at[owner->vm];
	struct slot *slot;
	struct vm *vm;

	if (at == NO_VM)
		return 0;
	vm = &reader->snap->vms[at];
	slot = array_append(&vm->slots, &vm->nslots, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	slot->owner = index;
	slot->info = owner->slot;
	return read_heat(reader, index, slot) ?: read_events(reader, index, &slot->events);
}

static int read_gmem(struct reader *reader, __u32 index)
{
	const struct owner *owner = &reader->arrays.owners[index];
	struct snapshot *snap = reader->snap;
	struct gmem *gmem;

	if (reader->vm_at[owner->vm] == NO_VM)
		return 0;
	gmem = array_append(&snap->gmems, &snap->ngmems, sizeof(*gmem));
	if (!gmem)
		return -ENOMEM;
	gmem->owner = index;
	gmem->info = owner->gmem;
	gmem->vm = reader->vm_at[owner->vm];
	return read_events(reader, index, &gmem->events);
}

/* A VM has a lower index than what belongs to it, since it is made first. */
static int read_owners(struct reader *reader)
{
	static int (*const read[])(struct reader *, __u32) = {
		[OWNER_VM] = read_vm,
		[OWNER_SLOT] = read_slot,
		[OWNER_GMEM] = read_gmem,
	};
	int err = 0;

	for (__u32 index = OWNER_INDEX_FIRST; index < reader->arrays.nowners && !err; index++) {
		__u32 kind = reader->arrays.owners[index].kind;

		if (kind < sizeof(read) / sizeof(*read) && read[kind])
			err = read[kind](reader, index);
	}
	return err;
}

static void find_stack_owner(const void *ctx, __u32 index, struct stack_count *stack)
{
	const struct reader *reader = ctx;
	const struct owner *owner = &reader->arrays.owners[index];

	stack->vm = NO_VM;
	if (index < OWNER_INDEX_FIRST || index >= reader->arrays.nowners)
		return;
	stack->vm = reader->vm_at[owner->vm];
	stack->at_slot = owner->kind == OWNER_SLOT;
	stack->as_id = stack->at_slot ? owner->slot.as_id : 0;
	stack->slot_id = stack->at_slot ? owner->slot.id : 0;
}

/*
 * How many events were missed. Each was skipped at both of its ends, which the kernel has counted
 * twice, or at one, which the kernel and the program that saw the other have counted once each.
 */
static __u64 missed(const struct hook_state *hook, __u64 half_seen)
{
	__u64 other_half = hook->end_misses > half_seen ? hook->end_misses - half_seen : 0;

	/* After the end of counting: an event still under way is taken for one whose end was missed. */
	half_seen += hook->unended < other_half ? hook->unended : other_half;
	return (hook->end_misses + half_seen + 1) / 2 + hook->recursion_misses - hook->end_misses;
}

/* Of all CPUs. */
static int read_dropped(const struct rings *rings, enum gmem_event event, __u64 *dropped)
{
	__u64 *counts;
	int err;

	if (!rings)
		return 0;
	counts = calloc(rings_cpus(rings), sizeof(*counts));
	err = counts ? rings_dropped(rings, event, counts) : -ENOMEM;
	for (unsigned int cpu = 0; cpu < rings_cpus(rings) && !err; cpu++)
		*dropped += counts[cpu];
	free(counts);
	return err;
}

static int read_losses(struct reader *reader, struct session *session)
{
	const struct hook_state *hooks = session_hooks(session);
	struct snapshot *snap = reader->snap;
	int err = 0;

	memcpy(snap->loss, reader->arrays.losses, sizeof(snap->loss));
	snap->switched_off = session_switched_off(session);
	for (int event = 0; event < NR_EVENTS && !err; event++) {
		__u64 *loss = snap->loss[event];

		loss[LOSS_MISSED] = missed(&hooks[event], loss[LOSS_MISSED]);
		err = read_dropped(reader->arrays.rings, event, &loss[LOSS_RECORD]);
		for (int i = 0; i < NR_LOSSES; i++)
			snap->lost += loss[i];
	}
	return err;
}

int snapshot_read(struct session *session, struct snapshot *snap)
{
	struct reader reader = { .arrays = session_arrays(session), .snap = snap };
	int err = -ENOMEM;

	memset(snap, 0, sizeof(*snap));
	reader.tallies = reader.arrays.tallies;
	reader.tallies.nowners = reader.arrays.nowners;
	reader.vm_at = malloc(reader.arrays.nowners * sizeof(*reader.vm_at));
	if (reader.vm_at) {
		memset(reader.vm_at, 0xff, reader.arrays.nowners * sizeof(*reader.vm_at));
		err = fault_tallies_index(&reader.tallies) ?: read_errors(&reader) ?:
		      read_events(&reader, OWNER_INDEX_HOST, &snap->host) ?:
		      read_owners(&reader) ?:
		      stacks_read(&reader.arrays, snap, find_stack_owner, &reader) ?:
		      read_losses(&reader, session);
	}
	if (!err)
		snapshot_sort(snap);
	else
		snapshot_free(snap);
	fault_tallies_free(&reader.tallies);
	free(reader.vm_at);
	free(reader.errors);
	return err;
}
