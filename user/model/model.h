/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model: what was counted up to one moment, as a tree host → VM → slot or guest_memfd →
 * event, and what was lost. Knows nothing of maps or formats: live/ fills it from
 * the kernel's maps, capture/ from a file; reports and screens read it.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include "buckets.h"
#include "gmem.h"

struct errno_count {
	int err; /* positive errno */
	__u64 count;
};

struct detail_count {
	enum gmem_detail detail;
	__u64 count;
};

/* One event at one owner; only events with count > 0 are kept. */
struct event_count {
	enum gmem_event event;
	__u64 count;
	__u64 untimed; /* of them: what is told of latencies is of the others (--sample) */
	__u64 sum_ns;
	__u64 min_ns;
	__u64 max_ns;
	__u64 npages; /* 0 unless EVENT_PAGES */
	struct buckets latency; /* empty unless EVENT_LATENCY */
	struct errno_count *errs; /* ascending by err */
	size_t nerrs;
	struct detail_count *details; /* of this event, count > 0, ascending by detail */
	size_t ndetails;
};

struct event_counts {
	struct event_count *v; /* ascending by event */
	size_t n;
};

struct node_pages {
	__u32 node;
	__u64 npages;
};

/* What is in the page cache of a guest_memfd, or of the part of it that a slot is bound to. */
struct resident {
	bool known;
	__u64 npages;
	struct node_pages *nodes; /* by NUMA node, ascending, npages > 0; if nodes_known */
	size_t nnodes;
	bool nodes_known;
};

/* Where in its slot guest faults fell. All counts together are the slot's guest faults. */
struct heat_map {
	__u64 base_gfn; /* of the first cell */
	__u64 npages; /* of a cell; the last may be smaller */
	unsigned int ncells;
	__u64 cell[HEAT_CELLS];
	__u64 elsewhere; /* while the slot was another range of addresses */
	__u64 folds; /* if it has moved on, the cells have begun anew */
};

/* "exists": it was there when the inventory was taken, at the end of the capture. */

struct slot {
	__u32 owner; /* its owner index; 0 when only the inventory knows it. So the others */
	struct slot_info info;
	struct event_counts events;
	struct heat_map
		*heat; /* NULL: it was not asked for, or only the inventory knows the slot */
	bool exists;
	struct resident resident;
	bool has_private; /* the kernel knows which of its pages are private */
	__u64 nprivate; /* pages */
};

struct gmem {
	__u32 owner;
	struct gmem_info info;
	__u32 vm; /* index into snapshot.vms */
	__u32 next; /* if snapshot.linked: 1 + index of the VM's next one; 0: none */
	struct event_counts events;
	bool exists;
	struct resident resident;
};

struct vm {
	__u32 owner;
	__u32 number; /* for the live view: it stays when others before it have gone */
	struct vm_info info;
	struct slot *slots; /* ascending by as_id, id */
	size_t nslots;
	struct event_counts events;
	bool exists;
	__u32 vcpus; /* if it exists */
	__u64 nplain; /* if it exists: its memslots without guest_memfd */
	__u32 gmems; /* if snapshot.linked: 1 + index of its first guest_memfd; 0: none */
};

/* How often one stack of one thread led to an event at one owner. */
struct stack_count {
	enum gmem_event event;
	__u32 vm; /* index into snapshot.vms; NO_VM: the host */
	bool at_slot;
	__u16 as_id; /* at_slot */
	__s16 slot_id;
	__u32 pid; /* thread group */
	char comm[GMEM_COMM_LEN]; /* of the thread */
	__u64 count;
	__u64 npages; /* 0 unless EVENT_PAGES */
	char **frames; /* "function+0x1c [module]", the innermost first */
	size_t nframes;
};

#define NO_VM (~0U)

/* What has ended and been given back, of VMs of one name: see past.h. */
struct past {
	char comm[GMEM_COMM_LEN];
	__u64 nvms, nslots, ngmems; /* of VMs that live on, too */
	struct event_counts events; /* of all of these */
};

struct past_list {
	struct past *v; /* in the order in which their first one ended */
	size_t n;
};

/* A frame without a name: addresses of the kernel are not told. */
#define SYMBOL_UNKNOWN "[unknown]"

struct snapshot {
	struct vm *vms; /* in their order: vm_order.h */
	size_t nvms;
	struct gmem *gmems; /* in the order they were first seen */
	size_t ngmems;
	bool linked; /* by snapshot_link(), and unchanged since */
	struct event_counts host;
	struct past_list past;
	struct stack_count *stacks; /* by event, then by falling count */
	size_t nstacks;
	__u64 loss[NR_EVENTS][NR_LOSSES]; /* events */
	__u64 lost; /* all of loss */
	__u64 switched_off; /* how often all tracing was: how much is missing is not known */
};

/* What is in it; the snapshot itself is its owner's. */
void snapshot_free(struct snapshot *snap);

/* For those who fill a snapshot: put the slots of every VM in their order. */
void snapshot_sort(struct snapshot *snap);

/* So that snapshot_next_gmem() need not search: for snapshots of any number of VMs. */
void snapshot_link(struct snapshot *snap);

/*
 * The index of the first guest_memfd of @vm from @from on, which is 0 or follows one of that VM;
 * snap->ngmems: there is none.
 */
size_t snapshot_next_gmem(const struct snapshot *snap, size_t vm, size_t from);

/* Add pages of one node. 0 or -ENOMEM. */
int resident_add(struct resident *to, __u32 node, __u64 npages);

/*
 * Add @from to @to, both of the same event: for totals over slots or VMs. What @to points to
 * is allocated as needed. 0, or -ENOMEM: @to then holds a part and is only to be freed.
 */
int event_count_add(struct event_count *to, const struct event_count *from);
void event_count_free(struct event_count *count);

/* Likewise all events of @from to those of @to. */
int event_counts_add(struct event_counts *to, const struct event_counts *from);
void event_counts_free(struct event_counts *counts);

/* The count of @event, or NULL when it did not happen here. */
const struct event_count *event_counts_find(const struct event_counts *counts,
					    enum gmem_event event);

/* How many of the events have a latency. */
static inline __u64 event_count_timed(const struct event_count *count)
{
	return count->count - count->untimed;
}

/* What they took on average; one has a latency. */
static inline double event_count_mean_ns(const struct event_count *count)
{
	return (double)count->sum_ns / (double)event_count_timed(count);
}

/* How many of the events failed, whatever the errno. */
__u64 event_count_errors(const struct event_count *count);

/*
 * The sum of @count's errors from the @i-th on that share its name, as faults of some kinds do; 0
 * when one before has that name.
 */
__u64 event_errors_alike(const struct event_count *count, size_t i);

/* Sums over several owners, indexed by event; starts zeroed and is freed by its owner. */
struct event_totals {
	struct event_count v[NR_EVENTS];
};

/* Each adds to @totals: one owner; other totals; a VM with its slots and gmems; everything. 0 or -ENOMEM. */
int event_totals_add(struct event_totals *totals, const struct event_counts *counts);
int event_totals_merge(struct event_totals *totals, const struct event_totals *from);
int event_totals_add_vm(struct event_totals *totals, const struct snapshot *snap, size_t vm);
int event_totals_add_all(struct event_totals *totals, const struct snapshot *snap);
void event_totals_free(struct event_totals *totals);

#endif
