/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the BPF programs and user space agree on: the events, the owners they are counted at, the
 * statistics, the loss ledger, and the settings. Included by both sides, so plain types only.
 */
#ifndef GMEM_H
#define GMEM_H

#include <linux/types.h>
#include "heat.h"
#include "hist.h"

/* What an event carries besides its count. */
#define EVENT_LATENCY 1 /* a duration */
#define EVENT_PAGES 2 /* a number of pages */
#define EVENT_ERRNO 4 /* it can fail */
#define EVENT_OPT_IN 8 /* only when asked for: its hook costs the rest of the system something */

/*
 * Every event in the order of reports: identifier, name, what it carries, one line for people; a
 * heading for narrow columns, and what there are so many of.
 */
#define GMEM_EVENTS(X)                                                                             \
	X(GUEST_FAULT, guest_fault, EVENT_LATENCY | EVENT_ERRNO, "the guest needs a page",         \
	  "FAULTS", "guest faults")                                                                \
	X(HOST_FAULT, host_fault, EVENT_LATENCY | EVENT_ERRNO, "the VMM touches a mapped page",    \
	  "HOST", "host faults: the VMM touches a mapped page")                                    \
	X(ALLOC, alloc, EVENT_PAGES | EVENT_OPT_IN, "a page is added to a guest_memfd", "ALLOC",   \
	  "pages added to a guest_memfd")                                                          \
	X(FREE, free, EVENT_PAGES | EVENT_OPT_IN, "a page of a guest_memfd is freed", "FREE",      \
	  "pages of a guest_memfd freed")                                                          \
	X(PREPARE, prepare, EVENT_LATENCY | EVENT_ERRNO, "a page is made ready for the guest",     \
	  "PREP", "pages made ready for the guest")                                                \
	X(POPULATE, populate, EVENT_LATENCY | EVENT_PAGES | EVENT_ERRNO,                           \
	  "initial contents are copied in (SNP, TDX)", "POPUL", "initial contents copied in")      \
	X(PREFAULT, prefault, EVENT_LATENCY | EVENT_PAGES | EVENT_ERRNO,                           \
	  "KVM_PRE_FAULT_MEMORY maps a page ahead", "PREFLT", "pages mapped ahead")                \
	X(CREATE, create, EVENT_LATENCY | EVENT_ERRNO, "a guest_memfd is made", "CREATE",          \
	  "guest_memfds made")                                                                     \
	X(BIND, bind, EVENT_LATENCY | EVENT_ERRNO, "a memslot is bound to a guest_memfd", "BIND",  \
	  "memslots bound")                                                                        \
	X(UNBIND, unbind, EVENT_LATENCY, "a memslot lets go of its guest_memfd", "UNBIND",         \
	  "memslots unbound")                                                                      \
	X(RELEASE, release, EVENT_LATENCY, "the last close of a guest_memfd", "RELEAS",            \
	  "guest_memfds released")                                                                 \
	X(ALLOCATE, allocate, EVENT_LATENCY | EVENT_PAGES | EVENT_ERRNO, "fallocate", "FALLOC",    \
	  "fallocate()")                                                                           \
	X(PUNCH_HOLE, punch_hole, EVENT_LATENCY | EVENT_PAGES | EVENT_ERRNO,                       \
	  "fallocate(FALLOC_FL_PUNCH_HOLE)", "PUNCH", "holes punched")                             \
	X(ZAP, zap, EVENT_LATENCY | EVENT_PAGES, "pages leave the guest's page tables", "ZAPS",    \
	  "zaps: pages leave the guest's page tables")                                             \
	X(NOTIFIER, notifier, EVENT_LATENCY, "the VMM's memory is invalidated (MMU notifier)",     \
	  "NOTIF", "MMU notifiers of the VM")                                                      \
	X(NOTIFIER_HIT, notifier_hit, EVENT_PAGES, "one slot zapped by one MMU notifier",          \
	  "NTFHIT", "zaps of the slot by MMU notifiers")                                           \
	X(CONVERT, convert, EVENT_LATENCY | EVENT_PAGES | EVENT_ERRNO,                             \
	  "pages are made private or shared", "CONV", "conversions between private and shared")    \
	X(DIRECT_MAP_ZAP, direct_map_zap, EVENT_LATENCY | EVENT_ERRNO,                             \
	  "a folio leaves the direct map", "DMZAP", "folios that left the direct map")             \
	X(DIRECT_MAP_RESTORE, direct_map_restore, EVENT_LATENCY,                                   \
	  "a folio comes back to the direct map", "DMREST", "folios that came back to it")         \
	X(MEMORY_FAULT, memory_fault, 0, "exit to the VMM: KVM_EXIT_MEMORY_FAULT", "MEMFLT",       \
	  "exits to the VMM: KVM_EXIT_MEMORY_FAULT")                                               \
	X(POISON, poison, EVENT_PAGES, "a page is lost to a memory error", "POISON",               \
	  "pages lost to memory errors")

enum gmem_event {
#define X(id, ...) EV_##id,
	GMEM_EVENTS(X)
#undef X
		NR_EVENTS
};

/*
 * Of how many of an event something more can be said: identifier, its event, name, one line. Kept
 * beside the event at the same owner.
 */
#define GMEM_DETAILS(X)                                                                            \
	X(FAULT_PREFETCH, GUEST_FAULT, prefetch, "by KVM_PRE_FAULT_MEMORY, not by the guest")      \
	X(FAULT_FIRST_TOUCH, GUEST_FAULT, first_touch, "of a page that was not there yet")         \
	X(FAULT_RESIDENT, GUEST_FAULT, resident, "of a page that was there, and not zapped")       \
	X(FAULT_PUNCHED, GUEST_FAULT, refault_punch, "of a page that a punched hole zapped")       \
	X(FAULT_NOTIFIED, GUEST_FAULT, refault_notifier, "of one that an MMU notifier zapped")     \
	X(FAULT_CONVERTED, GUEST_FAULT, refault_conversion, "of one that a conversion zapped")     \
	X(FAULT_SLOT_CHANGED, GUEST_FAULT, refault_slot_change,                                    \
	  "of one that a change of memslots zapped")                                               \
	X(FAULT_FAILED, GUEST_FAULT, refault_error, "of one that a memory error zapped")           \
	X(HOST_FIRST_TOUCH, HOST_FAULT, first_touch, "of a page that was not there yet")           \
	X(HOST_RESIDENT, HOST_FAULT, resident, "of a page that was there")                         \
	X(ALLOC_NODE0, ALLOC, node0, "of NUMA node 0")                                             \
	X(ALLOC_NODE1, ALLOC, node1, "of NUMA node 1")                                             \
	X(ALLOC_NODE2, ALLOC, node2, "of NUMA node 2")                                             \
	X(ALLOC_NODE3, ALLOC, node3, "of NUMA node 3")                                             \
	X(ALLOC_NODE4, ALLOC, node4, "of NUMA node 4")                                             \
	X(ALLOC_NODE5, ALLOC, node5, "of NUMA node 5")                                             \
	X(ALLOC_NODE6, ALLOC, node6, "of NUMA node 6")                                             \
	X(ALLOC_NODE7, ALLOC, node7, "of NUMA node 7")                                             \
	X(ALLOC_NODE_OTHER, ALLOC, node_other, "of a NUMA node above 7")                           \
	X(FREE_NODE0, FREE, node0, "of NUMA node 0")                                               \
	X(FREE_NODE1, FREE, node1, "of NUMA node 1")                                               \
	X(FREE_NODE2, FREE, node2, "of NUMA node 2")                                               \
	X(FREE_NODE3, FREE, node3, "of NUMA node 3")                                               \
	X(FREE_NODE4, FREE, node4, "of NUMA node 4")                                               \
	X(FREE_NODE5, FREE, node5, "of NUMA node 5")                                               \
	X(FREE_NODE6, FREE, node6, "of NUMA node 6")                                               \
	X(FREE_NODE7, FREE, node7, "of NUMA node 7")                                               \
	X(FREE_NODE_OTHER, FREE, node_other, "of a NUMA node above 7")                             \
	X(PREPARE_REDUNDANT, PREPARE, redundant, "of a page that an earlier fault had prepared")   \
	X(ZAP_PUNCH, ZAP, punch, "by a punched hole")                                              \
	X(ZAP_RELEASE, ZAP, release, "by the last close")                                          \
	X(ZAP_ERROR, ZAP, error, "by a memory error")                                              \
	X(ZAP_CONVERSION, ZAP, conversion, "by a conversion in place")                             \
	X(HIT_GMEM_ONLY, NOTIFIER_HIT, gmem_only, "of a slot that is guest_memfd only")            \
	X(CONVERT_PRIVATE, CONVERT, to_private, "from shared to private")                          \
	X(CONVERT_SHARED, CONVERT, to_shared, "from private to shared")                            \
	X(CONVERT_AGAIN, CONVERT, again, "of pages that had been converted before")                \
	X(CONVERT_NOOP, CONVERT, noop, "where all pages were so already")                          \
	X(DIRECT_MAP_DROPPED, DIRECT_MAP_ZAP, dropped,                                             \
	  "failed, and the fault went on all the same")                                            \
	X(MEMORY_FAULT_PRIVATE, MEMORY_FAULT, private, "the guest wants the page private")         \
	X(MEMORY_FAULT_SHARED, MEMORY_FAULT, shared, "the guest wants the page shared")

/* Those of GUEST_FAULT, the first of all; those of HOST_FAULT follow and are fewer. */
#define FAULT_DETAILS 8
#define NODES_TOLD 8 /* NUMA nodes with a detail of their own */

enum gmem_detail {
#define X(id, event, name, what) DETAIL_##id,
	GMEM_DETAILS(X)
#undef X
		NR_DETAILS
};

/* Why an event is missing from the counts; each is counted per event in the loss ledger. */
#define GMEM_LOSSES(X)                                                                             \
	X(STATE, state, "no per-task state could be had when the event began")                     \
	X(MISSED, missed,                                                                          \
	  "the kernel skipped the program: another task of the CPU was inside it; see --exact")    \
	X(SHARED, shared,                                                                          \
	  "the kernel skipped a program that serves this event and others: it was one of them")    \
	X(KEEPER, keeper,                                                                          \
	  "the kernel skipped what keeps VMs and slots apart: some are counted at another")        \
	X(OWNER, owner, "the table of VMs, slots and guest_memfds is full: see --owners")          \
	X(HISTOGRAM, histogram, "counted, but the table of histograms is full: see --owners")      \
	X(ERRNO, errno, "counted, but the table of errors is full: see --owners")                  \
	X(CAUSE, cause, "counted, but without its cause, which is not known: see --page-memory")   \
	X(STACK, stack,                                                                            \
	  "counted, but without its stack: the table is full, or (arm64, vCPUs) there is none")    \
	X(RECORD, record, "counted, but not recorded: the ring buffer was full")

enum gmem_loss {
#define X(id, name, what) LOSS_##id,
	GMEM_LOSSES(X)
#undef X
		NR_LOSSES
};

/*
 * An owner is what an event is counted at. Index 0 stands for "not of interest": a VM that the
 * filter leaves out, and everything that belongs to it.
 */
enum owner_kind { OWNER_NONE, OWNER_HOST, OWNER_VM, OWNER_SLOT, OWNER_GMEM };

#define OWNER_IGNORED 0
#define OWNER_INDEX_HOST 1
#define OWNER_INDEX_FIRST 2

/*
 * What ends gives its place in the array of owners back to others: an owner is named by a handle, which
 * has its index and, above, which of the lives at that index is meant. Positive as an int.
 */
#define OWNER_INDEX_BITS 20
#define OWNER_INDEX_MASK ((1U << OWNER_INDEX_BITS) - 1)
#define OWNER_LIFE_MASK ((1U << (31 - OWNER_INDEX_BITS)) - 1)

#define OWNER_INDEX(handle) ((handle)&OWNER_INDEX_MASK)
#define OWNER_LIFE(handle) ((handle) >> OWNER_INDEX_BITS)
#define OWNER_HANDLE(index, life) ((index) | (__u32)(life) << OWNER_INDEX_BITS)

/*
 * VM: the struct kvm. Slot: the VM's owner, and as_id << 16 | id. gmem: the inode, and the
 * low half of its number, since the address is used again.
 */
struct owner_key {
	__u64 id;
	__u32 sub;
	__u32 kind;
};

/*
 * One event at one owner. The first latency is kept by itself, so that what happens once (bind,
 * create, ...) needs no histogram; hist is the index of the histogram of all others, 0 for none.
 */
struct event_stat {
	__u64 count;
	__u64 sum_ns;
	__u64 not_min_ns; /* ~minimum: 0 when nothing was seen */
	__u64 max_ns;
	__u64 npages;
	__u64 first_ns;
	__u32 hist;
	__u32 spare; /* a cache line in all: two events never share one */
	__u32 folds_begun; /* of struct fault_tally into this; fewer are done while one is under way */
	__u32 folds_done;
};

struct histogram {
	__u64 bucket[HIST_BUCKETS];
};

/*
 * What one CPU has counted of one owner's guest faults, or host faults, and not added to the statistics
 * of that owner. vCPUs fault on one slot at the same time: this way none waits for a cache line that
 * another one writes. When another owner takes its place on that CPU, the tally is folded into the
 * owner. So an owner's faults are those at itself and those in all tallies that name it.
 */
struct fault_tally {
	__u32 owner; /* its handle; 0: none yet */
	__u32 event; /* below TALLIED_EVENTS */
	__u64 ended; /* guest faults of any slot, from the first on, without those in count */
	__u64 count;
	__u64 sum_ns;
	__u64 not_min_ns;
	__u64 max_ns;
	__u64 detail[FAULT_DETAILS]; /* from the event's first on */
	__u64 bucket[HIST_BUCKETS];
};

/*
 * What is wanted of guest faults: anything; or nothing but counts, latencies and causes, without records,
 * filters by pid and so on, where kvm_gmem_get_pfn() has FAULT_ARGUMENTS, as from 6.12 on; or besides where in
 * its slot each falls; or counts of all, and the latencies of some.
 */
enum fault_kind { FAULT_ANY, FAULT_PLAIN, FAULT_HEAT, FAULT_SAMPLED };

#define FAULT_ARGUMENTS 6

#define TALLIED_EVENTS 2 /* the first of all: guest faults and host faults */

/* For each CPU, of either. */
#define FAULT_TALLIES 32
#define HOST_TALLIES 8
#define BEGUN_CPUS 256 /* events that have begun are counted in so many places */

/* What there is of guest faults for each CPU, as far as those go; a cache line. */
struct fault_cpu {
	__u64 begun; /* in the one program for both ends */
	__s64 untimed; /* until one is timed */
	__u64 spare[6];
};
#define UNDER_WAY_EVENTS 32 /* at least NR_EVENTS; a place's cache lines are its own */

/*
 * What caches know of a VM is as good as the VM's generation, of which there are so many: VMs whose
 * addresses, of pages, are alike share one.
 */
#define GENERATIONS 1024
#define GENERATION_INDEX(kvm) ((kvm) >> 12 & (GENERATIONS - 1))

#define GMEM_COMM_LEN 16

/* How the pages of guest_memfds are kept: 8,192 to a leaf, that is 32 MiB. */
#define PAGES_LEAF_BITS 13
#define LEAF_WORDS (1 << (PAGES_LEAF_BITS - 3))

/* What words mean is in page_past.h. */
struct pages_leaf {
	__u64 word[LEAF_WORDS];
};

/* What has happened to so many pages at once, and where the rest is. */
struct pages_entry {
	__u64 past; /* 0: nothing was kept here yet */
	__u32 leaf; /* its index, 0 for none yet, and LEAF_* */
	__u32 epoch; /* the VM's when the past was last brought up to date, or an earlier one */
};

/* Some of its pages have been converted, or all of them as well. */
#define LEAF_CONVERTED_SOME (1U << 31)
#define LEAF_CONVERTED_ALL (1U << 30)
#define LEAF_INDEX (LEAF_CONVERTED_ALL - 1)

/* Entries come in groups: a guest_memfd has some that follow one another. */
#define PAGES_GROUP_BITS 5

#define GROUP_ENTRIES (1 << PAGES_GROUP_BITS)

struct pages_group {
	struct pages_entry entry[GROUP_ENTRIES];
};

#define GROUP_PAGE_BITS (PAGES_LEAF_BITS + PAGES_GROUP_BITS)
#define GROUP_CLASSES 20 /* of 1, 2, 4 ... groups: how they are given back */

/* Leaves come in chunks of so many, 1 MiB, which user space adds as they are needed. */
#define PAGES_CHUNK_BITS 7

/*
 * A queue between the programs and user space, of which each side moves one end: indexes of free leaves,
 * of the first of free groups, or what groups are given back.
 */
struct pages_queue {
	__u32 end; /* put in until here */
	__u32 taken; /* taken out until here */
};

#define LEAF_QUEUE (1 << 13)
#define LEAF_QUEUE_LOW 128 /* when a few times so many are left, user space is woken */
#define GROUP_QUEUE (1 << 6)
#define RETURN_QUEUE (1 << 10)
#define SPARE_LEAVES 64

/* Of a guest_memfd whose faults have to ask the page cache: something is not sure. */
#define GMEM_UNSURE 1

/* In the order of these: what has its key from now on is another; user space has read it for good. */
enum owner_gone { OWNER_LIVES, OWNER_GONE, OWNER_READ };

struct vm_info {
	__u64 kvm;
	__u64 ended_ns; /* CLOCK_MONOTONIC; 0 while it lives */
	__u32 pid; /* the VMM's thread group */
	__u32 type; /* kvm->arch.vm_type, x86: 0 default, 1 software-protected, ... */
	char comm[GMEM_COMM_LEN]; /* of the thread group's leader */
	__u32 epoch; /* how often the kernel has dropped the guest's page tables as a whole */
};

struct slot_info {
	__u64 base_gfn;
	__u64 npages;
	__u64 pgoff; /* page offset in the guest_memfd */
	__u64 ino; /* of the guest_memfd; 0 when not known */
	__u32 flags;
	__u16 as_id;
	__s16 id;
};

struct gmem_info {
	__u64 ino;
	__u64 size_bytes;
	__u64 flags; /* GUEST_MEMFD_FLAG_* */
	__u64 released_ns; /* CLOCK_MONOTONIC; 0 while it is open */
	__u64 inode; /* of its key; 0: not known */
	__u32 first_group; /* where its pages are kept: bpf/page.bpf.h */
	__u32 ngroups;
	__u32 met_late; /* 1 unless we have known it, and all of its pages, since it was made */
	__u32 asks; /* GMEM_UNSURE or 0 */
	__u64 hole; /* under way, as hole_make(); 0: none */
	__u64 hole_before[2]; /* the last two that have ended, */
	__u64 hole_end_ns[2]; /* and when */
};

struct owner {
	__u8 kind; /* enum owner_kind; written last */
	__u8 gone; /* enum owner_gone */
	__u16 life; /* of its handle */
	__u32 vm; /* the handle of the VM it belongs to */
	union {
		struct vm_info vm_info;
		struct slot_info slot;
		struct gmem_info gmem;
		__u64 size[15]; /* header and info fill two cache lines */
	};
	struct event_stat stat[NR_EVENTS];
	__u64 detail[(NR_DETAILS + 7) / 8 * 8]; /* whole cache lines */
};

struct error_key {
	__u32 owner;
	__u16 event;
	__u16 err; /* positive errno, or ERROR_IS_FAULT with VM_FAULT_* bits of host_fault */
};

#define ERROR_IS_FAULT 0x8000

/*
 * One event as it happened, for those who want each of them: what the BPF programs hand on through
 * ring buffers, and what a capture file keeps.
 */
struct gmem_record {
	__u64 end_ns; /* CLOCK_MONOTONIC */
	__u64 latency_ns; /* 0 unless EVENT_LATENCY */
	__u64 page; /* the first one: a gfn, a page offset if RECORD_PGOFF, or RECORD_NO_PAGE */
	__u64 npages; /* 0 unless EVENT_PAGES */
	__u32 owner; /* its handle; in files: its index */
	__u32 tid; /* of the thread */
	__u32 details; /* 1 << (detail - the event's first detail) */
	__u32 err; /* as error_key.err; 0: it succeeded */
	__u16 cpu; /* where it ended */
	__u8 event;
	__u8 flags; /* RECORD_* */
	__u32 spare;
};

#define RECORD_NO_PAGE (~0ULL)
#define RECORD_PGOFF 1 /* the page is an offset in the guest_memfd */

/* Who led to an event and how, with --stacks. */
#define STACK_DEPTH 32

struct stack_key {
	__u32 owner;
	__u32 event;
	__s32 stack; /* id in the map of stacks */
	__u32 pid; /* thread group */
	char comm[GMEM_COMM_LEN]; /* of the thread */
};

struct stack_stat {
	__u64 count;
	__u64 npages;
};

/*
 * Stand in the BPF programs for calls of the kernel functions bpf_session_is_return() and
 * bpf_session_cookie(), which the session puts in their place: libbpf would refuse every program
 * on 6.10 to 6.19, where functions of these names have other prototypes.
 */
#define CALL_SESSION_IS_RETURN 0x6d656d66
#define CALL_SESSION_COOKIE 0x6d656d67

enum gmem_filter {
	FILTER_NONE, /* every VM */
	FILTER_PIDS, /* VMs whose VMM is in the map of pids */
	FILTER_TREE, /* VMs whose VMM descends from one process */
};

#endif
