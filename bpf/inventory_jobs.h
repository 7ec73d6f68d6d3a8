/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the iterators of inventory.bpf.c and user space agree on: what is found by files, what is
 * listed of memslots, and the jobs that count pages. Included by both sides, so plain types only.
 */
#ifndef INVENTORY_JOBS_H
#define INVENTORY_JOBS_H

#include "gmem.h"

/*
 * Where a file was found: the file holds its VM and its guest_memfd while a program looks at
 * them, so that everything is looked at from there.
 */
struct inventory_position {
	__u32 tid; /* of the task whose table of files it is */
	__u32 fd;
};

/* A file that keeps a VM: its own, that of a vCPU or of a guest_memfd. */
struct inventory_file {
	struct inventory_position position;
	__u64 inode; /* the guest_memfd; 0: another file */
	struct gmem_info gmem; /* of inode */
	struct vm_info vm;
	__u32 vcpus;
	__u16 has_attributes; /* this kernel keeps which pages are private */
	__u16 in_tree; /* the VMM descends from our process */
};

/* A memslot with a guest_memfd. */
struct inventory_slot {
	__u32 job; /* the one that asked for it */
	__u32 spare;
	__u64 inode; /* 0: the guest_memfd is gone */
	struct slot_info info;
};

enum inventory_task {
	INVENTORY_LIST, /* the VM's memslots; from and to count hash buckets */
	INVENTORY_RESIDENT, /* pages [from, to) of the guest_memfd that are there, in count[0] */
	INVENTORY_BY_NODE, /* the same by NUMA node, which takes a look at each page */
	INVENTORY_PRIVATE, /* gfns [from, to) of the VM that are private: count[0] */
};

/* By node; the last for those of all nodes beyond. */
#define INVENTORY_COUNTS 65

struct inventory_job {
	__u64 object; /* the VM or inode which the file must still lead to */
	__u64 from; /* moved on by counting; done when it has reached to */
	__u64 to;
	__u64 next; /* LIST: what from has to be for the rest */
	__u64 nplain; /* LIST: memslots without guest_memfd on the way there */
	__u64 generation; /* LIST: of the memslots; another one: they changed meanwhile */
	__u64 count[INVENTORY_COUNTS];
	__u32 task; /* enum inventory_task */
	__u32 torn; /* LIST: they changed under the program's feet */
};

#define INVENTORY_JOBS 1024 /* of one run */
#define INVENTORY_STEPS (1 << 18) /* of one run at each position, a page or so each */

/* The jobs of one position: [first, first + n). */
struct inventory_jobs {
	__u32 first;
	__u32 n;
};

#endif
