// SPDX-License-Identifier: GPL-2.0-only
/*
 * This process's own mapping of a guest_memfd: see hostmap.h.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostmap.h"
#include "model.h"

/* From linux/mempolicy.h; the second came with 5.12. */
#define MPOL_BIND 2
#define MPOL_F_NUMA_BALANCING (1 << 13)

/* A page of the kernel's tables of tables: 1 GiB with pages of 4 KiB, as below. */
#define PAGES_PER_UPPER (UPPER_TABLE_SPAN / GUEST_PAGE_SIZE)
#define PAGES_PER_HUGE (GUEST_TABLE_SPAN / GUEST_PAGE_SIZE)

static sigjmp_buf sigbus_return;
static volatile sig_atomic_t sigbus_expected;

/* MADV_HWPOISON may send one too, for which there is nowhere to go. */
static void on_sigbus(int sig)
{
	(void)sig;
	if (sigbus_expected)
		siglongjmp(sigbus_return, 1);
}

int hostmap_init(void)
{
	struct sigaction action = { .sa_handler = on_sigbus };

	return sigaction(SIGBUS, &action, NULL) ? -errno : 0;
}

static char *address_of(const struct gmem *gmem, uint64_t pgoff)
{
	return (char *)(uintptr_t)gmem->hva + pgoff * GUEST_PAGE_SIZE;
}

/*
 * The end of the pages from first on, up to end, that have the same protection: one VMA of the
 * kernel's.
 */
static uint64_t run_end(const struct gmem *gmem, uint64_t first, uint64_t end)
{
	uint64_t i = first;

	while (i < end && gmem->prot[i] == gmem->prot[first])
		i++;
	return i;
}

static uint64_t run_start(const struct gmem *gmem, uint64_t first)
{
	uint64_t i = first;

	while (i && gmem->prot[i - 1] == gmem->prot[first])
		i--;
	return i;
}

static bool all_mapped(const struct gmem *gmem, uint64_t first, uint64_t npages)
{
	return first + npages <= gmem->npages + 1 &&
	       !memchr(gmem->prot + first, HOST_UNMAPPED, npages);
}

static void notify(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t end)
{
	model_notifier(machine, gmem->hva + first * GUEST_PAGE_SIZE,
		       gmem->hva + end * GUEST_PAGE_SIZE);
}

/*
 * Cutting the VMA [vma_start, vma_end) at page `at`: a kernel with transparent huge pages splits
 * the huge page that may lie across, and tells KVM so, for all of its 2 MiB, before it finds out
 * that there is none.
 */
static void model_cut(struct machine *machine, struct gmem *gmem, uint64_t vma_start,
		      uint64_t vma_end, uint64_t at)
{
	uint64_t first = at / PAGES_PER_HUGE * PAGES_PER_HUGE, end = first + PAGES_PER_HUGE;

	if (at == first || first < vma_start || end > vma_end)
		return;
	if (gmem->table[at / PAGES_PER_UPPER] && machine->has_thp)
		notify(machine, gmem, first, end);
}

/* mprotect() and munmap() first cut [first, end), pages of one VMA, out of that VMA. */
static void model_cut_out(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t end)
{
	uint64_t vma_start = run_start(gmem, first),
		 vma_end = run_end(gmem, first, gmem->npages + 1);

	if (first > vma_start)
		model_cut(machine, gmem, vma_start, vma_end, first);
	if (end < vma_end)
		model_cut(machine, gmem, first, vma_end, end);
}

/* munmap() of [first, end): pages of one or several VMAs. */
static void model_cut_ends(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t end)
{
	uint64_t last_start = run_start(gmem, end - 1);

	if (run_end(gmem, first, end) == end) {
		model_cut_out(machine, gmem, first, end);
		return;
	}
	model_cut_out(machine, gmem, first, run_end(gmem, first, end));
	model_cut_out(machine, gmem, last_start, end);
}

static void forget_host_mapped(struct gmem *gmem, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end && i < gmem->npages; i++)
		gmem->page[i] &= ~GMEM_PAGE_HOST_MAPPED;
}

int host_map(struct gmem *gmem, uint64_t first, uint64_t npages)
{
	void *map;

	if (!gmem->hva)
		return -ENODEV;
	map = mmap(address_of(gmem, first), npages * GUEST_PAGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED_NOREPLACE, gmem->fd, first * GUEST_PAGE_SIZE);
	if (map == MAP_FAILED)
		return -errno;
	memset(gmem->prot + first, PROT_READ | PROT_WRITE, npages);
	gmem->nmapped += npages;
	return 0;
}

/* The kernel frees the tables of a GiB with the last mapping in it. */
static void forget_tables(struct gmem *gmem)
{
	uint64_t end = gmem->npages + 1;

	for (uint64_t first = 0; first < end; first += PAGES_PER_UPPER) {
		uint64_t upper_end = first + PAGES_PER_UPPER < end ? first + PAGES_PER_UPPER : end;

		if (gmem->prot[first] == HOST_UNMAPPED &&
		    run_end(gmem, first, upper_end) == upper_end)
			gmem->table[first / PAGES_PER_UPPER] = false;
	}
}

int host_unmap(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t npages)
{
	uint64_t end = first + npages;

	while (first < end) {
		uint64_t piece = first;

		while (piece < end && gmem->prot[piece] != HOST_UNMAPPED)
			piece++;
		if (piece == first) {
			first++;
			continue;
		}
		if (munmap(address_of(gmem, first), (piece - first) * GUEST_PAGE_SIZE))
			return -errno;
		model_cut_ends(machine, gmem, first, piece);
		memset(gmem->prot + first, HOST_UNMAPPED, piece - first);
		gmem->nmapped -= piece - first;
		notify(machine, gmem, first, piece);
		forget_host_mapped(gmem, first, piece);
		first = piece;
	}
	forget_tables(gmem);
	if (gmem->fd < 0 && !gmem->nmapped && !gmem->released)
		model_release(machine, gmem);
	return 0;
}

/*
 * mprotect() tells KVM once for each VMA that it changes, from the first GiB on that has page
 * tables.
 */
static void model_protect(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end; i = (i / PAGES_PER_UPPER + 1) * PAGES_PER_UPPER) {
		if (!gmem->table[i / PAGES_PER_UPPER])
			continue;
		notify(machine, gmem, i, end);
		return;
	}
}

int host_protect(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t npages,
		 int prot)
{
	uint64_t end = first + npages;

	if (!all_mapped(gmem, first, npages))
		return -ENOMEM;
	if (mprotect(address_of(gmem, first), npages * GUEST_PAGE_SIZE, prot))
		return -errno;

	while (first < end) {
		uint64_t next = run_end(gmem, first, end);

		if (gmem->prot[first] != prot) {
			model_cut_out(machine, gmem, first, next);
			model_protect(machine, gmem, first, next);
		}
		memset(gmem->prot + first, prot, next - first);
		first = next;
	}
	return 0;
}

static int advise_dontneed(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t end)
{
	if (madvise(address_of(gmem, first), (end - first) * GUEST_PAGE_SIZE, MADV_DONTNEED))
		return -errno;

	while (first < end) {
		uint64_t next = run_end(gmem, first, end);

		notify(machine, gmem, first, next);
		forget_host_mapped(gmem, first, next);
		first = next;
	}
	return 0;
}

/* MADV_REMOVE is a punch hole by another name, one for each VMA. */
static int advise_remove(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t end)
{
	while (first < end) {
		uint64_t next = run_end(gmem, first, end);
		int err = 0;

		if (madvise(address_of(gmem, first), (next - first) * GUEST_PAGE_SIZE, MADV_REMOVE))
			err = errno;
		/* Refused before the file is asked: needs write permission. */
		if (err == EACCES)
			return -err;
		model_punch_hole(machine, gmem, first, next - first, err);
		if (err)
			return -err;
		first = next;
	}
	return 0;
}

int host_advise(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t npages,
		int advice)
{
	if (!all_mapped(gmem, first, npages))
		return -ENOMEM;
	if (advice == MADV_REMOVE)
		return advise_remove(machine, gmem, first, first + npages);
	return advise_dontneed(machine, gmem, first, first + npages);
}

int host_poison(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t npages)
{
	if (!all_mapped(gmem, first, npages) || first + npages > gmem->npages)
		return -ENOMEM;

	for (uint64_t i = first; i < first + npages; i++) {
		if (gmem->page[i] & GMEM_PAGE_POISONED)
			return -EHWPOISON;
		/* EBUSY: done, but the page stays in the page cache; KVM wants it so. */
		if (madvise(address_of(gmem, i), GUEST_PAGE_SIZE, MADV_HWPOISON) && errno != EBUSY)
			return -errno;
		gmem->table[i / PAGES_PER_UPPER] = true;
		model_poison(machine, gmem, i);
	}
	return 0;
}

int host_set_policy(struct gmem *gmem, unsigned long node, bool balancing)
{
	unsigned long nodes = 1UL << node;
	int policy = MPOL_BIND | (balancing ? MPOL_F_NUMA_BALANCING : 0);
	long ret;

	if (!all_mapped(gmem, 0, gmem->npages + 1))
		return -ENOMEM;
	ret = syscall(SYS_mbind, gmem->hva, (gmem->npages + 1) * GUEST_PAGE_SIZE, policy, &nodes,
		      8 * sizeof(nodes), 0);
	return ret ? -errno : 0;
}

static int touch_page(const struct gmem *gmem, uint64_t pgoff, bool write)
{
	volatile char *page = address_of(gmem, pgoff);

	if (sigsetjmp(sigbus_return, 1)) {
		sigbus_expected = 0;
		return -EFAULT;
	}
	sigbus_expected = 1;
	if (write)
		*page = 1;
	else
		(void)*page;
	sigbus_expected = 0;
	return 0;
}

static int prot_for(bool write)
{
	return write ? PROT_WRITE : PROT_READ;
}

int host_touch(struct machine *machine, struct gmem *gmem, uint64_t first, uint64_t npages,
	       bool write)
{
	if (!all_mapped(gmem, first, npages))
		return -ENOMEM;

	for (uint64_t i = first; i < first + npages; i++) {
		bool mapped = i < gmem->npages && gmem->page[i] & GMEM_PAGE_HOST_MAPPED;
		int err;

		if (!(gmem->prot[i] & prot_for(write)))
			return -EACCES;
		if (i < gmem->npages && gmem->page[i] & GMEM_PAGE_POISONED)
			return -EHWPOISON;
		err = touch_page(gmem, i, write);
		gmem->table[i / PAGES_PER_UPPER] = true;
		if (!mapped)
			model_host_fault(machine, gmem, i);
		if (err)
			return err;
	}
	return 0;
}

int ordinary_protect(struct machine *machine, struct slot *slot, int prot)
{
	size_t size_bytes = slot->npages * GUEST_PAGE_SIZE;

	if (mprotect((void *)(uintptr_t)slot->shared_hva, size_bytes, prot))
		return -errno;
	if (slot->prot != prot)
		model_notifier(machine, slot->shared_hva, slot->shared_hva + size_bytes);
	slot->prot = prot;
	return 0;
}
