// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM has ended when kvm_destroy_vm() is over, with all of its slots and guest_memfds; a guest_memfd
 * when it has been released, be its VM alive or not. Nothing is counted there any more. In this order:
 *
 * 1. Its keys go, and with the generation what caches know of it. Programs that run are waited for:
 *    then none has its handle.
 * 2. It is read. Tallies may still be folded into it, which changes no sum.
 * 3. Its life is over: who comes with its handle all the same is told that there is no such owner.
 * 4. At the next call programs are waited for once more, since they may have looked at its life before,
 *    and records that name it have been written. It is emptied and its index is free.
 */
#include "recycle.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "base/arrays.h"
#include "base/clock.h"
#include "counts.h"
#include "rings.h"
#include "session.h"

/*
 * An end that was missed is not waited for for ever. No VM takes that long to end: what it still did
 * would be told of another one.
 */
#define LATE_NS (600 * NS_PER_S)

#define DRAINS 2 /* of the rings: one may have begun before */
#define DELETE_TRIES 3 /* a hash that is busy refuses */

struct recycle {
	struct past_list past;
	__u8 *due; /* by owner index; [nowners] */
	__u32 nowners;
	__u32 *read; /* owner indexes: they are to be freed */
	size_t nread;
	__u64 drains; /* of the rings, when they were read */
};

struct recycle *recycle_new(void)
{
	return calloc(1, sizeof(struct recycle));
}

void recycle_free(struct recycle *recycle)
{
	if (!recycle)
		return;
	past_free(&recycle->past);
	free(recycle->due);
	free(recycle->read);
	free(recycle);
}

const struct past_list *recycle_past(struct session *session)
{
	return &session_tables(session).recycle->past;
}

bool session_recycles(struct session *session)
{
	return session_tables(session).recycle->nread;
}

/* ---- What has ended ---- */

struct scan {
	const struct session_tables *tables;
	struct recycle *recycle;
	__u64 now_ns;
};

static const struct owner *owner_of(const struct scan *scan, __u32 index)
{
	const struct owner *owner = &scan->tables->owners[index];

	return owner->gone == OWNER_READ ? NULL : owner;
}

/* The VM of @owner; NULL when it is known no more. */
static const struct owner *vm_of(const struct scan *scan, const struct owner *owner, __u32 *index)
{
	const struct owner *vm;

	*index = OWNER_INDEX(owner->vm);
	vm = *index < scan->recycle->nowners ? owner_of(scan, *index) : NULL;
	return vm && vm->kind == OWNER_VM && vm->life == OWNER_LIFE(owner->vm) ? vm : NULL;
}

static bool is_late(const struct scan *scan, __u64 ended_ns)
{
	return ended_ns && ended_ns + LATE_NS < scan->now_ns;
}

static bool is_released(const struct scan *scan, const struct gmem_info *gmem)
{
	return gmem->released_ns && gmem->released_ns + scan->tables->free_ns < scan->now_ns;
}

static void note_vm(struct scan *scan, __u32 index, const struct owner *owner)
{
	__u64 ended_ns = owner->vm_info.ended_ns;

	if (owner->kind == OWNER_VM)
		scan->recycle->due[index] =
			(owner->gone && ended_ns + scan->tables->free_ns < scan->now_ns) ||
			is_late(scan, ended_ns);
}

/* The last guest_memfd's release ends after its VM's end, which it brings about. */
static void note_open(struct scan *scan, __u32 index, const struct owner *owner)
{
	const struct owner *vm;
	__u32 at;

	(void)index;
	if (!scan->tables->sees_release)
		return;
	vm = owner->kind == OWNER_GMEM ? vm_of(scan, owner, &at) : NULL;
	if (vm && !is_released(scan, &owner->gmem) && !is_late(scan, vm->vm_info.ended_ns))
		scan->recycle->due[at] = 0;
}

static void note_part(struct scan *scan, __u32 index, const struct owner *owner)
{
	__u32 at;

	if (owner->kind != OWNER_SLOT && owner->kind != OWNER_GMEM)
		return;
	scan->recycle->due[index] = !vm_of(scan, owner, &at) || scan->recycle->due[at] ||
				    (owner->kind == OWNER_GMEM && is_released(scan, &owner->gmem));
}

static void each_owner(struct scan *scan, void (*note)(struct scan *, __u32, const struct owner *))
{
	for (__u32 index = OWNER_INDEX_FIRST; index < scan->recycle->nowners; index++) {
		const struct owner *owner = owner_of(scan, index);

		if (owner && owner->kind)
			note(scan, index, owner);
	}
}

int recycle_note(struct session *session)
{
	const struct session_tables tables = session_tables(session);
	struct recycle *recycle = tables.recycle;
	struct scan scan = { &tables, recycle, clock_ns(CLOCK_MONOTONIC) };

	free(recycle->due);
	recycle->nowners = session_arrays(session).nowners;
	recycle->due = calloc(recycle->nowners, sizeof(*recycle->due));
	if (!recycle->due) {
		recycle->nowners = 0;
		return -ENOMEM;
	}
	each_owner(&scan, note_vm);
	each_owner(&scan, note_open);
	each_owner(&scan, note_part);
	return 0;
}

/* ---- Which of it is to go ---- */

/* A VM with all that belongs to it, or a guest_memfd of a VM that stays. */
struct ended {
	__u64 ns;
	__u32 index;
	__u32 n; /* owners */
};

static int compare_ended(const void *a, const void *b)
{
	const struct ended *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

/* What @index goes with: its VM if that goes, too. */
static __u32 root_of(const struct scan *scan, __u32 index)
{
	__u32 vm = OWNER_INDEX(scan->tables->owners[index].vm);

	return vm < scan->recycle->nowners && scan->recycle->due[vm] ? vm : index;
}

static __u64 ended_ns(const struct owner *owner)
{
	return owner->kind == OWNER_VM ? owner->vm_info.ended_ns : owner->gmem.released_ns;
}

/* What goes together, by its root's index; each one's root goes to @root. */
static void find_ended(const struct scan *scan, struct ended *ended, __u32 *root)
{
	for (__u32 i = 0; i < scan->recycle->nowners; i++) {
		if (!scan->recycle->due[i])
			continue;
		root[i] = root_of(scan, i);
		ended[root[i]].index = root[i];
		ended[root[i]].ns = ended_ns(&scan->tables->owners[root[i]]);
		ended[root[i]].n++;
	}
}

/* Let stay what ended last, so that @keep owners are in use. 0 or -ENOMEM. */
static int choose_oldest(struct scan *scan, __u32 used, __u32 keep)
{
	struct recycle *recycle = scan->recycle;
	struct ended *ended = calloc(recycle->nowners + 1, sizeof(*ended));
	__u32 *root = calloc(recycle->nowners + 1, sizeof(*root));
	__u8 *stays = calloc(recycle->nowners + 1, sizeof(*stays));
	int err = ended && root && stays ? 0 : -ENOMEM;

	if (!err) {
		find_ended(scan, ended, root);
		qsort(ended, recycle->nowners, sizeof(*ended), compare_ended);
	}
	for (__u32 i = 0; i < recycle->nowners && !err; i++) {
		stays[ended[i].index] = used <= keep;
		used -= ended[i].n < used ? ended[i].n : used;
	}
	for (__u32 i = 0; i < recycle->nowners && !err; i++)
		recycle->due[i] &= !stays[root[i]];
	free(ended);
	free(root);
	free(stays);
	return err;
}

/* ---- Its keys, and what is kept by its handle ---- */

static bool owner_key(const struct owner *owner, struct owner_key *key)
{
	*key = (struct owner_key){ .kind = owner->kind };
	if (owner->kind == OWNER_VM) {
		key->id = owner->vm_info.kvm;
	} else if (owner->kind == OWNER_SLOT) {
		key->id = owner->vm;
		key->sub = (__u32)owner->slot.as_id << 16 | (__u16)owner->slot.id;
	} else {
		key->id = owner->gmem.inode;
		key->sub = owner->gmem.ino;
	}
	return key->id;
}

static void forget_key(const struct session_tables *tables, __u32 index)
{
	const struct owner *owner = &tables->owners[index];
	__u32 handle = OWNER_HANDLE(index, owner->life), known;
	struct owner_key key;

	if (!owner_key(owner, &key) || bpf_map_lookup_elem(tables->owner_index_fd, &key, &known) ||
	    known != handle)
		return;
	for (int i = 0; i < DELETE_TRIES; i++)
		if (!bpf_map_lookup_and_delete_elem(tables->owner_index_fd, &key, &known))
			break;
	/* A VM was born at its address this very moment. */
	if (known != handle)
		bpf_map_update_elem(tables->owner_index_fd, &key, &known, BPF_NOEXIST);
}

/* What led to events of the past, led to events of no VM. */
static void forget_stack(const struct session_tables *tables, const struct stack_key *key)
{
	struct stack_key past = *key;
	struct stack_stat stat, sum = {};

	past.owner = OWNER_IGNORED;
	if (bpf_map_lookup_and_delete_elem(tables->stack_stats_fd, key, &stat))
		return;
	bpf_map_lookup_elem(tables->stack_stats_fd, &past, &sum);
	sum.count += stat.count;
	sum.npages += stat.npages;
	bpf_map_update_elem(tables->stack_stats_fd, &past, &sum, BPF_ANY);
}

static bool is_past(const struct session_tables *tables, __u32 handle)
{
	const struct owner *owner = &tables->owners[OWNER_INDEX(handle)];

	return handle != OWNER_IGNORED && owner->gone == OWNER_READ;
}

static void forget_stacks(const struct session_tables *tables)
{
	struct stack_key key, next;
	bool more;

	if (tables->stack_stats_fd < 0 || bpf_map_get_next_key(tables->stack_stats_fd, NULL, &key))
		return;
	do {
		more = !bpf_map_get_next_key(tables->stack_stats_fd, &key, &next);
		if (is_past(tables, key.owner))
			forget_stack(tables, &key);
		key = next;
	} while (more);
}

/* ---- The order of things ---- */

static const char *name_of(const struct scan *scan, const struct owner *owner)
{
	__u32 at;
	const struct owner *vm = vm_of(scan, owner, &at);

	return vm ? vm->vm_info.comm : "";
}

static int read_owner(const struct scan *scan, const struct counts_reader *reader, __u32 index)
{
	const struct owner *owner = &scan->tables->owners[index];
	struct event_counts counts = {};
	int err;

	err = counts_read(reader, OWNER_HANDLE(index, owner->life), &counts)
		      ?: past_add(&scan->recycle->past, name_of(scan, owner), owner->kind, &counts);
	event_counts_free(&counts);
	return err;
}

/* Its life is over, but for those who still write records of it. */
static int end_owner(const struct scan *scan, const struct counts_reader *reader, __u32 index)
{
	struct owner *owner = &scan->tables->owners[index];
	struct recycle *recycle = scan->recycle;
	__u32 *read = array_append(&recycle->read, &recycle->nread, sizeof(*read));

	if (!read)
		return -ENOMEM;
	*read = index;
	counts_forget_errors(reader, OWNER_HANDLE(index, owner->life));
	__atomic_store_n(&owner->life, (owner->life + 1) & OWNER_LIFE_MASK, __ATOMIC_SEQ_CST);
	__atomic_store_n(&owner->gone, OWNER_READ, __ATOMIC_SEQ_CST);
	return 0;
}

/* What is due to the past. VMs last: what belongs to them has their names. */
static int read_due(const struct scan *scan, const struct session_arrays *arrays)
{
	struct counts_reader reader;
	int err = counts_open(&reader, arrays);

	for (int vms = 0; vms < 2; vms++)
		for (__u32 i = 0; i < scan->recycle->nowners && !err; i++)
			if (scan->recycle->due[i] &&
			    (scan->tables->owners[i].kind == OWNER_VM) == vms)
				err = read_owner(scan, &reader, i) ?: end_owner(scan, &reader, i);
	counts_close(&reader);
	if (scan->recycle->nread)
		forget_stacks(scan->tables);
	return err;
}

static void free_owner(const struct session_tables *tables, __u32 index)
{
	struct owner *owner = &tables->owners[index];
	__u16 life = owner->life;

	for (int event = 0; event < NR_EVENTS; event++) {
		__u32 hist = owner->stat[event].hist;

		if (!hist)
			continue;
		memset(&tables->histograms[hist], 0, sizeof(*tables->histograms));
		__atomic_fetch_sub(tables->histograms_used, 1, __ATOMIC_SEQ_CST);
		bpf_map_update_elem(tables->free_histograms_fd, NULL, &hist, BPF_ANY);
	}
	if (tables->heats)
		memset(&tables->heats[index], 0, sizeof(*tables->heats));
	memset((char *)owner + offsetof(struct owner, vm), 0,
	       sizeof(*owner) - offsetof(struct owner, vm));
	owner->kind = OWNER_NONE;
	owner->gone = OWNER_LIVES;
	owner->life = life;
	__atomic_fetch_sub(tables->owners_used, 1, __ATOMIC_SEQ_CST);
	bpf_map_update_elem(tables->free_owners_fd, NULL, &index, BPF_ANY);
}

static bool any_due(const struct recycle *recycle)
{
	return recycle->nowners && memchr(recycle->due, 1, recycle->nowners);
}

/* Have all records been written that may name what was read the last time? */
static bool has_drained(const struct session_arrays *arrays, const struct recycle *recycle)
{
	return !recycle->nread || !arrays->rings ||
	       rings_drains(arrays->rings) >= recycle->drains + DRAINS;
}

/* Of its VM, which may be one of the past: then nothing is cached. */
static void move_generation(const struct scan *scan, __u32 index)
{
	__u32 at;
	const struct owner *vm = vm_of(scan, &scan->tables->owners[index], &at);

	if (vm)
		__atomic_fetch_add(&scan->tables->generations[GENERATION_INDEX(vm->vm_info.kvm)], 1,
				   __ATOMIC_SEQ_CST);
}

static int recycle_now(struct scan *scan, struct session *session,
		       const struct session_arrays *arrays)
{
	struct recycle *recycle = scan->recycle;
	int err;

	for (__u32 i = 0; i < recycle->nowners; i++)
		if (recycle->due[i]) {
			forget_key(scan->tables, i);
			move_generation(scan, i);
		}
	err = session_fence(session);
	if (err)
		return err;
	while (recycle->nread)
		free_owner(scan->tables, recycle->read[--recycle->nread]);
	err = read_due(scan, arrays);
	if (arrays->rings)
		recycle->drains = rings_drains(arrays->rings);
	memset(recycle->due, 0, recycle->nowners);
	return err;
}

static __u32 owners_used(const struct session_tables *tables)
{
	return __atomic_load_n(tables->owners_used, __ATOMIC_RELAXED);
}

int session_recycle(struct session *session, __u32 keep)
{
	const struct session_tables tables = session_tables(session);
	const struct session_arrays arrays = session_arrays(session);
	struct recycle *recycle = tables.recycle;
	struct scan scan = { &tables, recycle, 0 };
	int err = 0;

	if ((!any_due(recycle) && !recycle->nread) || !has_drained(&arrays, recycle))
		return 0;
	if (keep && any_due(recycle))
		err = choose_oldest(&scan, owners_used(&tables), keep);
	return err ?: recycle_now(&scan, session, &arrays);
}

/* VMs with many kinds of events may run out of histograms first, of which each takes more than of owners. */
static bool histograms_are_tight(const struct session_tables *tables)
{
	return __atomic_load_n(tables->histograms_used, __ATOMIC_RELAXED) >
	       tables->max_histograms - tables->max_histograms / 16;
}

bool session_is_tight(struct session *session)
{
	const struct session_tables tables = session_tables(session);

	return (owners_used(&tables) > tables.max_owners / 2 || histograms_are_tight(&tables)) &&
	       !recycle_note(session) && any_due(tables.recycle);
}

int session_make_room(struct session *session)
{
	const struct session_tables tables = session_tables(session);
	__u32 keep = tables.max_owners / 4;

	if (histograms_are_tight(&tables) && keep > owners_used(&tables) / 2)
		keep = owners_used(&tables) / 2;
	return session_recycle(session, keep);
}
