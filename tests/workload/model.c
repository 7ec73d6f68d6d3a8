// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each operation means in events: see model.h.
 */
#include <errno.h>
#include <string.h>

#include "model.h"

static bool slot_is_bound(const struct slot *slot)
{
	return slot->live && slot->gmem && !slot->gmem->released;
}

/* The part of [start, end), pages of slot's gmem, that slot covers. False when it covers none. */
static bool clip_to_slot(const struct slot *slot, uint64_t *start, uint64_t *end)
{
	uint64_t slot_end = slot->pgoff + slot->npages;

	if (*start < slot->pgoff)
		*start = slot->pgoff;
	if (*end > slot_end)
		*end = slot_end;
	return *start < *end;
}

static struct slot *next_bound(const struct gmem *gmem, struct slot *after)
{
	struct vm *vm = gmem->vm;
	struct slot *slot = after ? after + 1 : vm->slots;

	for (; slot < vm->slots + vm->nslots; slot++)
		if (slot->gmem == gmem && slot_is_bound(slot))
			return slot;
	return NULL;
}

#define for_each_bound(slot, gmem)                                                                 \
	for (slot = next_bound(gmem, NULL); slot; slot = next_bound(gmem, slot))

struct slot *model_slot_at(const struct gmem *gmem, uint64_t pgoff)
{
	struct slot *slot;

	for_each_bound(slot, gmem) if (pgoff >= slot->pgoff &&
				       pgoff < slot->pgoff + slot->npages) return slot;
	return NULL;
}

struct account *model_account_of(struct gmem *gmem, uint64_t pgoff, uint64_t npages)
{
	struct slot *slot = model_slot_at(gmem, pgoff);

	if (slot && pgoff + npages <= slot->pgoff + slot->npages)
		return &slot->account;
	return &gmem->account;
}

static bool is_resident(const struct gmem *gmem, uint64_t pgoff)
{
	return gmem->page[pgoff] & GMEM_PAGE_RESIDENT;
}

static void make_resident(struct gmem *gmem, uint64_t pgoff, struct account *account)
{
	if (is_resident(gmem, pgoff))
		return;
	gmem->page[pgoff] |= GMEM_PAGE_RESIDENT;
	account_add(account, EV_ALLOC, 1, 1);
}

static void free_page(struct gmem *gmem, uint64_t pgoff)
{
	struct account *account;

	if (!is_resident(gmem, pgoff))
		return;
	account = model_account_of(gmem, pgoff, 1);
	if (gmem->page[pgoff] & GMEM_PAGE_NO_DIRECT_MAP)
		account_add(account, EV_DIRECT_MAP_RESTORE, 1, 0);
	gmem->page[pgoff] = 0;
	account_add(account, EV_FREE, 1, 1);
}

/* A page about to be mapped. Returns what kvm_gmem_folio_zap_direct_map() does, as 0 or an errno. */
static int zap_direct_map(struct machine *machine, struct gmem *gmem, uint64_t pgoff,
			  struct account *account)
{
	uint64_t errors = machine->shape.direct_map_errors;

	if (!(gmem->flags & GUEST_MEMFD_FLAG_NO_DIRECT_MAP))
		return 0;
	if (errors && pgoff % errors == 0) {
		account_error(account, EV_DIRECT_MAP_ZAP, EIO);
		return EIO;
	}
	/* Called, and counted, even when the page is out already. */
	account_add(account, EV_DIRECT_MAP_ZAP, 1, 0);
	gmem->page[pgoff] |= GMEM_PAGE_NO_DIRECT_MAP;
	return 0;
}

/*
 * KVM's own page tables lose these pages of the slot: the guest's next touch faults. What took a
 * page away that the guest had is remembered until it has it again.
 */
static void forget_mapped(struct slot *slot, uint64_t first, uint64_t npages, enum guest_page lost)
{
	memset(slot->guest_mapped + first, 0, npages);
	for (uint64_t i = first; slot->gmem && i < first + npages; i++)
		if (slot->gmem->guest[slot->pgoff + i] == GUEST_MAPPED)
			slot->gmem->guest[slot->pgoff + i] = lost;
}

void model_bind(struct machine *machine, struct slot *slot, int err)
{
	/*
	 * A range that leaves the file is refused before 7.3's kvm_gmem_commit_memory_region() is
	 * reached. Earlier kernels have one function for both. So with a file that is closed
	 * already.
	 */
	if (slot->pgoff + slot->npages <= slot->gmem->npages && err != EBADF)
		machine->commits++;
	if (err)
		account_error(&slot->account, EV_BIND, err);
	else
		account_add(&slot->account, EV_BIND, 1, 0);
}

void model_unbind_at_end(struct slot *slot)
{
	/* Called even when the gmem is gone: kvm_gmem_unbind() then finds nothing to do. */
	if (slot->gmem)
		account_add(&slot->account, EV_UNBIND, 1, 0);
	slot->live = false;
	forget_mapped(slot, 0, slot->npages, GUEST_LOST_BY_SLOT_CHANGE);
}

void model_unbind(struct machine *machine, struct slot *slot)
{
	struct vm *vm = slot->vm;

	model_unbind_at_end(slot);
	if (!vm->zaps_all) {
		machine->unmaps += !arch_layout.deletes_alone;
		return;
	}
	for (struct slot *other = vm->slots; other < vm->slots + vm->nslots; other++)
		forget_mapped(other, 0, other->npages, GUEST_LOST_BY_SLOT_CHANGE);
}

bool model_from_gmem(const struct slot *slot, uint64_t page)
{
	if (!slot->gmem)
		return false;
	return slot->gmem->flags & GUEST_MEMFD_FLAG_MMAP || (slot->private && slot->private[page]);
}

/*
 * Why the guest needs a page that it gets. One that a punched hole took from the guest may be back
 * in the page cache or not; one that the guest had lost before the hole came is as good as new.
 */
static enum detail fault_reason(const struct gmem *gmem, uint64_t pgoff)
{
	static const enum detail reason[] = {
		[GUEST_NEVER] = FAULT_RESIDENT,
		[GUEST_MAPPED] = FAULT_RESIDENT,
		[GUEST_LOST_BY_PUNCH] = FAULT_REFAULT_PUNCH,
		[GUEST_LOST_BY_NOTIFIER] = FAULT_REFAULT_NOTIFIER,
		[GUEST_LOST_BY_CONVERSION] = FAULT_REFAULT_CONVERSION,
		[GUEST_LOST_BY_SLOT_CHANGE] = FAULT_REFAULT_SLOT_CHANGE,
		[GUEST_LOST_BY_ERROR] = FAULT_REFAULT_ERROR,
	};

	if (!is_resident(gmem, pgoff) && gmem->guest[pgoff] != GUEST_LOST_BY_PUNCH)
		return FAULT_FIRST_TOUCH;
	return reason[gmem->guest[pgoff]];
}

static bool is_prepared(const struct machine *machine, const struct gmem *gmem, uint64_t pgoff)
{
	switch (machine->prepares) {
	case PREPARES_FIRST_USE:
		return !(gmem->page[pgoff] & GMEM_PAGE_UPTODATE);
	case PREPARES_PRIVATE:
		return !(gmem->flags & GUEST_MEMFD_FLAG_INIT_SHARED);
	default:
		return true;
	}
}

/* An earlier fault has had the page made ready, and it was neither freed nor converted since. */
static bool is_ready(const struct gmem *gmem, uint64_t pgoff)
{
	enum guest_page guest = gmem->guest[pgoff];

	return is_resident(gmem, pgoff) && guest != GUEST_NEVER && guest != GUEST_LOST_BY_PUNCH &&
	       guest != GUEST_LOST_BY_CONVERSION;
}

/* kvm_gmem_get_pfn() that succeeds. */
static void get_pfn(struct machine *machine, struct slot *slot, uint64_t page)
{
	struct account *account = &slot->account;
	struct gmem *gmem = slot->gmem;
	uint64_t pgoff = slot->pgoff + page;

	account_add(account, EV_GUEST_FAULT, 1, 0);
	account_detail(account, fault_reason(gmem, pgoff));
	if (is_prepared(machine, gmem, pgoff)) {
		account_add(account, EV_PREPARE, 1, 0);
		if (is_ready(gmem, pgoff))
			account_detail(account, PREPARE_REDUNDANT);
	}
	make_resident(gmem, pgoff, account);
	gmem->page[pgoff] |= GMEM_PAGE_UPTODATE;
	gmem->guest[pgoff] = GUEST_MAPPED;
	if (zap_direct_map(machine, gmem, pgoff, account))
		account_detail(account, DIRECT_MAP_DROPPED);
}

void model_guest_touch(struct machine *machine, struct slot *slot, uint64_t first, uint64_t npages)
{
	for (uint64_t i = first; i < first + npages; i++) {
		/* A read maps the page writable, so no later write faults again. */
		if (slot->guest_mapped[i])
			continue;
		slot->guest_mapped[i] = true;
		if (model_from_gmem(slot, i))
			get_pfn(machine, slot, i);
	}
}

void model_prefault(struct machine *machine, struct slot *slot, uint64_t page, int err)
{
	if (model_from_gmem(slot, page))
		account_detail(&slot->account, FAULT_PREFETCH);
	if (err) {
		account_error(&slot->account, EV_PREFAULT, err);
		if (model_from_gmem(slot, page))
			account_error(&slot->account, EV_GUEST_FAULT, err);
		return;
	}
	account_add(&slot->account, EV_PREFAULT, 1, 1);
	slot->guest_mapped[page] = true;
	/* Even when it is mapped already: KVM finds out after it has got the page. */
	if (model_from_gmem(slot, page))
		get_pfn(machine, slot, page);
}

static bool all_have(const struct slot *slot, uint64_t first, uint64_t npages, bool private)
{
	return !memchr(slot->private + first, !private, npages);
}

/* Note that the pages have been converted: true if one of them had been before. */
static bool convert_again(struct gmem *gmem, uint64_t pgoff, uint64_t npages)
{
	bool again = memchr(gmem->converted + pgoff, true, npages);

	memset(gmem->converted + pgoff, true, npages);
	return again;
}

void model_convert(struct machine *machine, struct slot *slot, uint64_t first, uint64_t npages,
		   bool to_private, int err)
{
	/* Guest addresses where no slot is belong to the VM. */
	struct account *account = slot->live ? &slot->account : &slot->vm->account;
	bool noop = all_have(slot, first, npages, to_private);

	if (err) {
		account_error(account, EV_CONVERT, err);
		return;
	}
	/* KVM leaves it at that when there is nothing to change: no page is converted. */
	account_add(account, EV_CONVERT, 1, noop ? 0 : npages);
	account_detail(account, to_private ? CONVERT_PRIVATE : CONVERT_SHARED);
	if (noop) {
		account_detail(account, CONVERT_NOOP);
		return;
	}
	memset(slot->private + first, to_private, npages);
	if (!slot->live)
		return;
	machine->unmaps++;
	forget_mapped(slot, first, npages, GUEST_LOST_BY_CONVERSION);
	if (slot->gmem && !slot->gmem->released &&
	    convert_again(slot->gmem, slot->pgoff + first, npages))
		account_detail(account, CONVERT_AGAIN);
}

void model_guest_error(struct slot *slot, uint64_t page, int err, bool memory_fault)
{
	bool private = slot->private && slot->private[page];

	/*
	 * A slot whose gmem was closed is still there, and so are the calls to a gmem that is not.
	 */
	if (slot->gmem && slot->live)
		account_error(&slot->account, EV_GUEST_FAULT, -err);
	if (!memory_fault)
		return;
	account_add(&slot->account, EV_MEMORY_FAULT, 1, 0);
	account_detail(&slot->account, private ? MEMORY_FAULT_PRIVATE : MEMORY_FAULT_SHARED);
}

void model_host_fault(struct machine *machine, struct gmem *gmem, uint64_t pgoff)
{
	struct account *account = model_account_of(gmem, pgoff, 1);
	bool resident;

	if (pgoff >= gmem->npages || !(gmem->flags & GUEST_MEMFD_FLAG_INIT_SHARED)) {
		account_error(account, EV_HOST_FAULT, ERR_SIGBUS);
		return;
	}
	resident = is_resident(gmem, pgoff);
	make_resident(gmem, pgoff, account);
	gmem->page[pgoff] |= GMEM_PAGE_UPTODATE;
	if (zap_direct_map(machine, gmem, pgoff, account)) {
		account_error(account, EV_HOST_FAULT, ERR_SIGBUS);
		return;
	}
	account_add(account, EV_HOST_FAULT, 1, 0);
	account_detail(account, resident ? HOST_RESIDENT : HOST_FIRST_TOUCH);
	gmem->page[pgoff] |= GMEM_PAGE_HOST_MAPPED;
}

void model_allocate(struct gmem *gmem, uint64_t pgoff, uint64_t npages, int err)
{
	struct account *account = model_account_of(gmem, pgoff, npages);

	if (err) {
		account_error(account, EV_ALLOCATE, err);
		return;
	}
	account_add(account, EV_ALLOCATE, 1, npages);
	for (uint64_t i = pgoff; i < pgoff + npages; i++)
		make_resident(gmem, i, model_account_of(gmem, i, 1));
}

/*
 * How many entries of the XArray of bindings hold the part [start, end) of slot's binding.
 * xa_store_range() cuts a binding at multiples of 64, 64^2, ..., and KVM walks its entries and
 * unmaps the same range for each of them.
 */
static uint64_t binding_entries(const struct slot *slot, uint64_t start, uint64_t end)
{
	uint64_t pos = slot->pgoff, last = slot->pgoff + slot->npages - 1, entries = 0;

	while (pos <= last) {
		unsigned int shift = 0;
		uint64_t node_last, size;

		while (!(pos >> shift & 63) && last - pos + 1 >= 64ULL << shift)
			shift += 6;
		/*
		 * One entry: as many units of 2^shift as fit before the end of the node and the
		 * binding.
		 */
		node_last = pos | ((64ULL << shift) - 1);
		size = ((node_last < last ? node_last : last) - pos + 1) >> shift << shift;
		if (pos < end && pos + size > start)
			entries++;
		pos += size;
	}
	return entries;
}

static void zap(struct machine *machine, struct gmem *gmem, uint64_t start, uint64_t end,
		enum detail cause, enum guest_page lost)
{
	struct slot *slot, *hit = NULL;
	struct account *account;
	uint64_t nhit = 0, npages = 0;

	for_each_bound(slot, gmem)
	{
		uint64_t from = start, to = end;

		if (!clip_to_slot(slot, &from, &to))
			continue;
		hit = slot;
		nhit++;
		npages += to - from;
		machine->unmaps += binding_entries(slot, from, to);
		forget_mapped(slot, from - slot->pgoff, to - from, lost);
	}
	account = nhit == 1 ? &hit->account : &gmem->account;
	account_add(account, EV_ZAP, 1, npages);
	account_detail(account, cause);
}

void model_poison(struct machine *machine, struct gmem *gmem, uint64_t pgoff)
{
	/* The kernel takes hold of the page by a fault, and unmaps it before it tells KVM. */
	if (!(gmem->page[pgoff] & GMEM_PAGE_HOST_MAPPED))
		model_host_fault(machine, gmem, pgoff);
	model_notifier(machine, gmem->hva + pgoff * GUEST_PAGE_SIZE,
		       gmem->hva + (pgoff + 1) * GUEST_PAGE_SIZE);
	gmem->page[pgoff] &= ~GMEM_PAGE_HOST_MAPPED;
	gmem->page[pgoff] |= GMEM_PAGE_POISONED;
	account_add(model_account_of(gmem, pgoff, 1), EV_POISON, 1, 1);
	zap(machine, gmem, pgoff, pgoff + 1, ZAP_ERROR, GUEST_LOST_BY_ERROR);
}

static void truncate_pages(struct machine *machine, struct gmem *gmem, uint64_t start, uint64_t end)
{
	if (end > gmem->npages)
		end = gmem->npages;
	for (uint64_t i = start; i < end; i++) {
		/* The kernel takes mapped folios out of our page tables one by one. */
		if (gmem->page[i] & GMEM_PAGE_HOST_MAPPED) {
			gmem->page[i] &= ~GMEM_PAGE_HOST_MAPPED;
			model_notifier(machine, gmem->hva + i * GUEST_PAGE_SIZE,
				       gmem->hva + (i + 1) * GUEST_PAGE_SIZE);
		}
		free_page(gmem, i);
	}
}

void model_punch_hole(struct machine *machine, struct gmem *gmem, uint64_t pgoff, uint64_t npages,
		      int err)
{
	struct account *account = model_account_of(gmem, pgoff, npages);

	if (err) {
		account_error(account, EV_PUNCH_HOLE, err);
		return;
	}
	account_add(account, EV_PUNCH_HOLE, 1, npages);
	zap(machine, gmem, pgoff, pgoff + npages, ZAP_PUNCH, GUEST_LOST_BY_PUNCH);
	truncate_pages(machine, gmem, pgoff, pgoff + npages);
}

void model_release(struct machine *machine, struct gmem *gmem)
{
	account_add(&gmem->account, EV_RELEASE, 1, 0);
	zap(machine, gmem, 0, UINT64_MAX, ZAP_RELEASE, GUEST_NEVER);
	gmem->released = true;
	truncate_pages(machine, gmem, 0, gmem->npages);
}

static void notify_slot(struct slot *slot, uint64_t start, uint64_t end)
{
	uint64_t slot_end = slot->hva + slot->npages * GUEST_PAGE_SIZE, npages;

	if (!slot->live)
		return;
	if (start < slot->hva)
		start = slot->hva;
	if (end > slot_end)
		end = slot_end;
	if (start >= end)
		return;
	npages = (end - start) / GUEST_PAGE_SIZE;
	account_add(&slot->account, EV_NOTIFIER_HIT, 1, npages);
	if (slot->gmem && slot->gmem->flags & GUEST_MEMFD_FLAG_MMAP)
		account_detail(&slot->account, HIT_GMEM_ONLY);
	forget_mapped(slot, (start - slot->hva) / GUEST_PAGE_SIZE, npages, GUEST_LOST_BY_NOTIFIER);
}

void model_notifier(struct machine *machine, uint64_t start, uint64_t end)
{
	for (unsigned int i = 0; i < machine->nvms; i++) {
		struct vm *vm = &machine->vms[i];

		if (!vm->alive)
			continue;
		account_add(&vm->account, EV_NOTIFIER, 1, 0);
		for (unsigned int j = 0; j < vm->nslots + EXTRA_SLOTS; j++)
			notify_slot(&vm->slots[j], start, end);
	}
}

void model_exit(struct machine *machine)
{
	/*
	 * The kernel unregisters the MMU notifiers before it takes the mappings away, so none of
	 * them fires.
	 */
	for (unsigned int i = 0; i < machine->nvms; i++)
		machine->vms[i].alive = false;

	for (unsigned int i = 0; i < machine->nvms; i++) {
		struct vm *vm = &machine->vms[i];

		for (unsigned int j = 0; j < vm->ngmems; j++)
			if (!vm->gmems[j].released)
				model_release(machine, &vm->gmems[j]);
		for (unsigned int j = 0; j < vm->nslots + EXTRA_SLOTS; j++)
			if (vm->slots[j].live)
				model_unbind_at_end(&vm->slots[j]);
	}
}
