/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMs that gmemload makes: their vCPUs, memslots and guest_memfds, how they come and how they
 * go. Beside each of them lies its account and what is known of its pages, which model.c keeps.
 * Included by everyone in gmemload.
 */
#ifndef GMEMLOAD_MACHINE_H
#define GMEMLOAD_MACHINE_H

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "arch.h"

/*
 * gmem->page[]: in the page cache; mapped by the page tables of this process; up to date, which a
 * page that was only allocated is not; poisoned; not in the kernel's direct map.
 */
#define GMEM_PAGE_RESIDENT 1
#define GMEM_PAGE_HOST_MAPPED 2
#define GMEM_PAGE_UPTODATE 4
#define GMEM_PAGE_POISONED 8
#define GMEM_PAGE_NO_DIRECT_MAP 16

/* gmem->guest[]: what the guest has of a page, and if it had it: what took it away first. */
enum guest_page {
	GUEST_NEVER,
	GUEST_MAPPED,
	GUEST_LOST_BY_PUNCH,
	GUEST_LOST_BY_NOTIFIER,
	GUEST_LOST_BY_CONVERSION,
	GUEST_LOST_BY_SLOT_CHANGE,
	GUEST_LOST_BY_ERROR,
};

/* gmem->prot[] of a page that our mapping does not cover. */
#define HOST_UNMAPPED 0xff

struct gmem {
	struct vm *vm;
	unsigned int index;
	unsigned int lives; /* as in struct vm */
	int fd; /* -1 once closed */
	bool released;
	uint64_t inode;
	uint64_t device; /* of the inode, as the kernel writes it: major << 20 | minor */
	uint64_t flags;
	uint64_t npages;
	uint64_t hva; /* where its mapping lies or would lie; 0 when it cannot be mapped */
	uint64_t nmapped; /* pages our mapping covers, one beyond the end of the file included */
	uint8_t *prot; /* [npages + 1] PROT_*, or HOST_UNMAPPED */
	uint8_t *page; /* [npages] GMEM_PAGE_* */
	uint8_t *guest; /* [npages] enum guest_page */
	bool *converted; /* [npages] at least once */
	bool *table; /* per upper table of the mapping: touched since it was mapped, so has page tables */
	struct account account;
};

struct slot {
	struct vm *vm;
	uint32_t id;
	bool live; /* in the VM's memslots */
	struct gmem *gmem; /* NULL: ordinary memory */
	uint64_t pgoff; /* first page in gmem */
	uint64_t base_gfn;
	uint64_t npages;
	uint64_t hva;
	bool *guest_mapped; /* [npages] by KVM's page tables */
	bool *private; /* [npages] KVM_MEMORY_ATTRIBUTE_PRIVATE; NULL where that is unknown */
	uint64_t shared_hva; /* ordinary memory: of the slot, or of its shared pages; 0: none */
	int prot; /* of that memory */
	struct account account;
};

struct vcpu {
	int fd;
	struct kvm_run *run;
	struct member *member; /* the thread that runs it */
};

struct vm {
	unsigned int index;
	unsigned int lives; /* when all entries are taken a new VM comes in that of one gone */
	int fd; /* -1 once closed */
	bool alive; /* KVM still has it: its MMU notifier is registered */
	bool zaps_all; /* deleting one memslot zaps all of them */
	bool can_bind; /* KVM takes KVM_MEM_GUEST_MEMFD from it */
	bool has_private; /* has private memory, and attributes that say which it is */
	unsigned int nvcpus, nslots, ngmems;
	struct vcpu *vcpus;
	struct slot
		*slots; /* [nslots] as told, then the plain slot, the code slot and the spare one */
	struct gmem *gmems; /* [gmem_room] */
	unsigned int gmem_room;
	struct account account;
};

/*
 * For which of the pages that kvm_gmem_get_pfn() finds the kernel asks the architecture to make
 * them ready, if it was built for one that does.
 */
enum prepares {
	PREPARES_FIRST_USE, /* not up to date; until 6.19 */
	PREPARES_EVERY, /* from 7.0 */
	PREPARES_PRIVATE, /* of gmems that are private; from 7.3 */
};

/* What the user asked for, see gmemload --help. */
struct shape {
	unsigned int vms, vcpus, slots;
	uint64_t pages, plain_pages;
	uint64_t direct_map_errors; /* 0: none */
	bool shared_gmem, map, no_direct_map;
	long type;
};

struct machine {
	int kvm_fd;
	struct shape shape;
	unsigned int nvms, vm_room;
	struct vm *vms; /* [vm_room], in the order of creation; stay here when gone */
	unsigned int extra_gmems; /* room for these in each VM, beyond those of its slots */
	size_t run_size;
	void *code; /* the guest program, one page for all VMs */
	uint64_t next_hva;
	bool has_thp; /* the kernel knows transparent huge pages, used or not */
	enum prepares prepares;
	/* Calls of kernel functions that no event tells. */
	uint64_t commits; /* bindings that got past the checks of the file */
	uint64_t unmaps; /* kvm_unmap_gfn_range() but by MMU notifiers */
};

static inline struct slot *plain_slot(struct vm *vm)
{
	return &vm->slots[vm->nslots];
}

static inline struct slot *code_slot(struct vm *vm)
{
	return &vm->slots[vm->nslots + 1];
}

/* The slot for bindings that are meant to be refused. */
static inline struct slot *spare_slot(struct vm *vm)
{
	return &vm->slots[vm->nslots + 2];
}

#define EXTRA_SLOTS 3

/*
 * Allocates all that is needed for room VMs, and makes the process's memory stay as it is from here
 * on. Needs the vCPU threads to exist already. Returns 0 or a negative errno.
 */
int machine_init(struct machine *machine, const struct shape *shape, unsigned int vm_room,
		 unsigned int extra_gmems);

/*
 * Makes the next VM, without memslots of guest_memfd. Returns 0 or a negative errno (-ENOSPC: no
 * room).
 */
int vm_create(struct machine *machine, struct vm **vm);

/* Makes a guest_memfd in vm->gmems. Returns 0 or a negative errno, which the account knows. */
int gmem_create(struct machine *machine, struct vm *vm, uint64_t size_bytes, uint64_t flags,
		struct gmem **gmem);

/* Closes the file descriptor; the kernel lets go of the gmem when its mapping is gone too. */
int gmem_close(struct machine *machine, struct gmem *gmem);

/*
 * Makes slot a live memslot, bound to slot->gmem at slot->pgoff. Returns 0 or a negative errno,
 * accounted for.
 */
int slot_create(struct machine *machine, struct slot *slot);

/* Deletes a live memslot. Returns 0 or a negative errno. */
int slot_delete(struct machine *machine, struct slot *slot);

/*
 * Makes pages of the slot private or shared. Returns 0 or a negative errno, accounted for. A slot
 * without gmem is taken too: what its guest then gets is KVM_EXIT_MEMORY_FAULT.
 */
int slot_convert(struct machine *machine, struct slot *slot, uint64_t first, uint64_t npages,
		 bool to_private);

/* KVM_PRE_FAULT_MEMORY. Returns 0 or a negative errno, accounted for. */
int slot_prefault(struct machine *machine, struct slot *slot, uint64_t first, uint64_t npages);

/*
 * Ends a VM: the mapping of its gmems, its vCPUs, its gmems, itself. Returns 0 or a negative errno.
 */
int vm_destroy(struct machine *machine, struct vm *vm);

/* Flags for a gmem of this VM: as the user asked, and else the most that the kernel has. */
uint64_t gmem_best_flags(const struct machine *machine, const struct vm *vm);

#endif
