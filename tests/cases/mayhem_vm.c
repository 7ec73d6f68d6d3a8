// SPDX-License-Identifier: GPL-2.0-only
/*
 * See mayhem_vm.h.
 */
#include "mayhem_vm.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GPA 0x10000000ULL
#define PAGE GUEST_PAGE_SIZE
#define VM_BYTES (VM_PAGES * PAGE)
#define REGION_BYTES (REGION_PAGES * PAGE)
/* In the guest_memfd region 0 comes last, after nothing: a hole with that takes its time. */
#define GAP_BYTES (64ULL << 30)
#define QUIET_SLOTS 1000 /* their numbers begin here */

const char *const call_names[NR_CALLS] = {
	[CALL_CREATE] = "create",   [CALL_BIND] = "bind",	  [CALL_UNBIND] = "unbind",
	[CALL_RELEASE] = "release", [CALL_ALLOCATE] = "allocate", [CALL_PUNCH_HOLE] = "punch_hole",
	[CALL_CONVERT] = "convert",
};

unsigned long calls[NR_CALLS], call_pages[NR_CALLS];

void call_add(enum call call, unsigned long npages)
{
	__sync_fetch_and_add(&calls[call], 1);
	__sync_fetch_and_add(&call_pages[call], npages);
}

static void fail(const char *what, int err)
{
	errno = -err;
	vmm_die(what);
}

static struct page *range_pages(const struct range *range)
{
	return range->vm->pages + range->region * REGION_PAGES + range->first;
}

static uint64_t region_offset(unsigned int region)
{
	return region ? region * REGION_BYTES : GAP_BYTES;
}

static uint64_t range_offset(const struct range *range)
{
	return region_offset(range->region) + range->first * PAGE;
}

static char *range_mapping(const struct range *range)
{
	return range->vm->mapping + (range->region * REGION_PAGES + range->first) * PAGE;
}

static uint64_t range_gpa(const struct range *range)
{
	return GPA + range->vm->regions[range->region].place * REGION_BYTES + range->first * PAGE;
}

struct range range_whole(struct mayhem_vm *vm, unsigned int region)
{
	return (struct range){ .vm = vm, .region = region, .npages = REGION_PAGES };
}

/*
 * The mapping begins where a page table of the VMM's does, and has that table: mprotect() tells KVM
 * nothing where there is none. Memory beside a private one's is there from the start and never changes.
 */
static void map_memory(struct mayhem_vm *vm)
{
	vm->reserved = mmap(NULL, 2 * GUEST_TABLE_SPAN, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm->reserved == MAP_FAILED)
		vmm_die("mmap");
	vm->mapping =
		(char *)(((uintptr_t)vm->reserved + GUEST_TABLE_SPAN - 1) & -GUEST_TABLE_SPAN);
	for (unsigned int i = 0; i < NREGIONS; i++)
		if (mmap(vm->mapping + i * REGION_BYTES, REGION_BYTES, PROT_READ | PROT_WRITE,
			 MAP_FIXED |
				 (vm->vmm.has_private ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED),
			 vm->vmm.has_private ? -1 : vm->gmem,
			 vm->vmm.has_private ? 0 : region_offset(i)) == MAP_FAILED)
			vmm_die("mmap");
	if (vm->vmm.has_private) {
		madvise(vm->mapping, VM_BYTES, MADV_NOHUGEPAGE);
		memset(vm->mapping, 1, VM_BYTES);
	} else {
		*(volatile char *)vm->mapping = 1;
		vm->pages[0].present = true;
	}
}

void vm_make(struct mayhem_vm *vm, bool has_private)
{
	memset(vm, 0, sizeof(*vm));
	vmm_open_type(&vm->vmm, has_private ? KVM_X86_SW_PROTECTED_VM : KVM_DEFAULT_VM);
	vm->gmem = vmm_gmem(&vm->vmm, GAP_BYTES + REGION_BYTES);
	call_add(CALL_CREATE, 0);
	for (unsigned int i = 0; i < VM_PAGES; i++)
		vm->pages[i] = (struct page){ .known = true, .shared = has_private };
	map_memory(vm);
	for (unsigned int i = 0; i < NREGIONS; i++) {
		vm->regions[i].place = i;
		region_bind(vm, i, i + 1);
	}
	for (int i = 0; i < NVCPUS; i++)
		vmm_vcpu_open(&vm->vmm, i, &vm->vcpus[i]);
}

void vm_end(struct mayhem_vm *vm, bool closes_first)
{
	for (int i = 0; i < NVCPUS; i++)
		vmm_vcpu_close(&vm->vcpus[i]);
	if (closes_first) {
		munmap(vm->reserved, 2 * GUEST_TABLE_SPAN);
		close(vm->gmem);
	}
	vmm_close(&vm->vmm);
	if (!closes_first) {
		munmap(vm->reserved, 2 * GUEST_TABLE_SPAN);
		close(vm->gmem);
	}
	call_add(CALL_RELEASE, 0);
	for (unsigned int i = 0; i < NREGIONS; i++)
		if (vm->regions[i].bound)
			call_add(CALL_UNBIND, 0);
	vm->ended = true;
}

void region_bind(struct mayhem_vm *vm, unsigned int region, unsigned int slot)
{
	struct region *at = &vm->regions[region];
	int err = vmm_bind(&vm->vmm, slot, GPA + at->place * REGION_BYTES, REGION_BYTES,
			   vm->mapping + region * REGION_BYTES, vm->gmem, region_offset(region));

	if (err)
		fail("bind", err);
	call_add(CALL_BIND, 0);
	at->slot = slot;
	at->bound = true;
}

/* Beyond the end of the guest_memfd. */
void region_bind_badly(struct mayhem_vm *vm, unsigned int region)
{
	int err = vmm_bind(&vm->vmm, QUIET_SLOTS - 1 - region, GPA + VM_BYTES, REGION_BYTES,
			   vm->mapping, vm->gmem, GAP_BYTES + REGION_BYTES);

	if (err != -EINVAL)
		fail("a bind beyond the end", err);
	call_add(CALL_BIND, 0);
}

/* A default VM loses all of its pages, on x86. */
void region_unbind(struct mayhem_vm *vm, unsigned int region)
{
	struct region *at = &vm->regions[region];
	int err = vmm_bind(&vm->vmm, at->slot, 0, 0, NULL, vm->gmem, 0);

	if (err)
		fail("the end of a slot", err);
	call_add(CALL_UNBIND, 0);
	at->bound = false;
	if (vm->flaps) /* others work on their pages meanwhile, and know that */
		return;
	if (vm->vmm.has_private || arch_layout.deletes_alone)
		pages_lose(vm->pages + region * REGION_PAGES, REGION_PAGES, CAUSE_SLOT_CHANGE,
			   false);
	else
		pages_lose(vm->pages, VM_PAGES, CAUSE_SLOT_CHANGE, false);
}

void region_move(struct mayhem_vm *vm, unsigned int region, unsigned int slot)
{
	region_unbind(vm, region);
	region_bind(vm, region, slot);
	vm->regions[region].quiet = NULL;
}

void region_move_quiet(struct mayhem_vm *vm, unsigned int region, unsigned int phase, bool carried)
{
	unsigned int n = vm->nquiet++;

	region_move(vm, region, QUIET_SLOTS + n);
	if (!(n & (n - 1))) /* room for twice as many */
		vm->quiet = realloc(vm->quiet, (n ? 2 * n : 1) * sizeof(*vm->quiet));
	if (!vm->quiet)
		vmm_die("memory");
	vm->quiet[n] = (struct quiet_slot){ QUIET_SLOTS + n, phase, carried, {} };
	for (unsigned int i = 0; i < NREGIONS; i++) /* they may have moved */
		if (vm->regions[i].slot >= QUIET_SLOTS)
			vm->regions[i].quiet = vm->quiet + vm->regions[i].slot - QUIET_SLOTS;
}

void range_touch(const struct range *range, unsigned int vcpu, bool may_fail)
{
	struct quiet_slot *quiet = range->vm->regions[range->region].quiet;
	int err = vmm_touch(&range->vm->vcpus[vcpu], range_gpa(range), range->npages * PAGE, 1);

	if (err && !may_fail)
		fail("touch", err);
	if (may_fail)
		return;
	for (unsigned int i = 0; i < range->npages; i++) {
		enum cause cause = page_touch(range_pages(range) + i);

		if (quiet && cause >= 0)
			quiet->causes[cause]++;
	}
}

void range_punch(const struct range *range)
{
	vmm_punch(range->vm->gmem, range_offset(range), range->npages * PAGE);
	call_add(CALL_PUNCH_HOLE, range->npages);
	pages_punch(range_pages(range), range->npages, range->racing);
}

void gap_punch(struct mayhem_vm *vm)
{
	uint64_t offset = VM_BYTES, bytes = GAP_BYTES + REGION_BYTES - offset;

	vmm_punch(vm->gmem, offset, bytes);
	call_add(CALL_PUNCH_HOLE, bytes / PAGE);
	pages_punch(vm->pages, REGION_PAGES, true);
}

void range_allocate(const struct range *range)
{
	if (fallocate(range->vm->gmem, FALLOC_FL_KEEP_SIZE, range_offset(range),
		      range->npages * PAGE))
		vmm_die("allocate");
	call_add(CALL_ALLOCATE, range->npages);
	pages_allocate(range_pages(range), range->npages);
}

void range_host_touch(const struct range *range)
{
	const volatile char *at = range_mapping(range);

	if (range->vm->vmm.has_private)
		return;
	for (unsigned int i = 0; i < range->npages; i++)
		(void)at[i * PAGE];
	pages_allocate(range_pages(range), range->npages);
}

/* Where nothing changes, nobody is told. */
void range_protect(const struct range *range, bool read_only)
{
	struct page *page = range_pages(range);

	if (range->vm->vmm.has_private)
		return;
	if (mprotect(range_mapping(range), range->npages * PAGE,
		     read_only ? PROT_READ : PROT_READ | PROT_WRITE))
		vmm_die("mprotect");
	for (unsigned int i = 0; i < range->npages; i++, page++) {
		if (page->read_only == read_only)
			continue;
		page->read_only = read_only;
		pages_lose(page, 1, CAUSE_NOTIFIER, range->racing);
	}
}

/* Where all of it is so already, nothing is taken. */
void range_convert(const struct range *range, bool to_private)
{
	struct page *page = range_pages(range);
	bool noop = true;
	int err;

	if (!range->vm->vmm.has_private)
		return;
	err = vmm_convert(&range->vm->vmm, range_gpa(range), range->npages * PAGE, to_private);
	if (err)
		fail("convert", err);
	for (unsigned int i = 0; i < range->npages; i++)
		noop &= page[i].shared == !to_private;
	call_add(CALL_CONVERT, noop ? 0 : range->npages);
	if (noop)
		return;
	pages_lose(page, range->npages, CAUSE_CONVERSION, range->racing);
	for (unsigned int i = 0; i < range->npages; i++)
		page[i].shared = !to_private;
}
