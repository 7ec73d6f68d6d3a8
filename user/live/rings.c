// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each ring is two mappings: a page where the reader says how far it is, and, read-only, a page where
 * the kernel does, with the data after it, twice, so that no record has a seam.
 */
#include "rings.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "base/cpus.h"

#define DEFAULT_BYTES (4UL << 20)
#define MIN_DEFAULT_BYTES (256UL << 10)
#define MAX_DEFAULT_TOTAL (256UL << 20) /* of all CPUs, unless asked for */

struct ring {
	int fd;
	__u64 *consumed; /* by the reader, in bytes since the begin */
	const __u64 *produced;
	const char *data;
	size_t size;
	size_t page;
};

struct rings {
	struct ring *v;
	unsigned int n;
	unsigned int next; /* which to read first, so that none waits for long */
	size_t read; /* how many the last time */
	__u64 drains;
	struct cpus cpus; /* that can be */
	int epoll;
	int drops_fd;
};

static unsigned int ring_count(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online > 0 ? online : 1;
}

size_t rings_size(size_t size_bytes)
{
	size_t size = sysconf(_SC_PAGESIZE), wanted = size_bytes ?: DEFAULT_BYTES;

	while (!size_bytes && wanted > MIN_DEFAULT_BYTES &&
	       wanted * ring_count() > MAX_DEFAULT_TOTAL)
		wanted /= 2;
	while (size < wanted)
		size *= 2;
	return size;
}

size_t rings_wake_bytes(size_t size_bytes)
{
	return rings_size(size_bytes) / 4;
}

static int ring_open(struct ring *ring, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *at;

	*ring = (struct ring){ .size = size, .page = page };
	ring->fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "gmem_ring", 0, 0, size, NULL);
	if (ring->fd < 0)
		return -errno;
	at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	ring->consumed = at;
	at = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, ring->fd, page);
	if (at == MAP_FAILED)
		return -errno;
	ring->produced = at;
	ring->data = (const char *)at + page;
	return 0;
}

static void ring_close(struct ring *ring)
{
	if (ring->consumed)
		munmap(ring->consumed, ring->page);
	if (ring->produced)
		munmap((void *)ring->produced, ring->page + 2 * ring->size);
	if (ring->fd > 0)
		close(ring->fd);
}

/* A CPU that comes later shares the ring of another. */
static int rings_fill(struct rings *rings, int rings_fd, size_t size)
{
	/* By edge: when woken, not whenever there is something. */
	struct epoll_event wanted = { .events = EPOLLIN | EPOLLET };
	int err = 0;

	for (unsigned int i = 0; i < rings->n && !err; i++) {
		err = ring_open(&rings->v[i], size);
		if (!err && epoll_ctl(rings->epoll, EPOLL_CTL_ADD, rings->v[i].fd, &wanted))
			err = -errno;
	}
	for (size_t i = 0; i < rings->cpus.n && !err; i++)
		err = bpf_map_update_elem(rings_fd, &rings->cpus.numbers[i],
					  &rings->v[i % rings->n].fd, BPF_ANY);
	return err;
}

struct rings *rings_open(int rings_fd, int drops_fd, size_t size_bytes)
{
	struct rings *rings = calloc(1, sizeof(*rings));
	int err = -ENOMEM;

	if (!rings)
		return NULL;
	rings->n = ring_count();
	rings->drops_fd = drops_fd;
	rings->epoll = epoll_create1(EPOLL_CLOEXEC);
	rings->v = calloc(rings->n, sizeof(*rings->v));
	if (rings->v)
		err = rings->epoll < 0 ? -errno : cpus_possible(&rings->cpus);
	err = err ?: rings_fill(rings, rings_fd, rings_size(size_bytes));
	if (!err)
		return rings;
	rings_close(rings);
	errno = -err;
	return NULL;
}

void rings_close(struct rings *rings)
{
	if (!rings)
		return;
	for (unsigned int i = 0; i < rings->n && rings->v; i++)
		ring_close(&rings->v[i]);
	if (rings->epoll >= 0)
		close(rings->epoll);
	cpus_free(&rings->cpus);
	free(rings->v);
	free(rings);
}

void rings_wait(const struct rings *rings, int timeout_ms)
{
	struct epoll_event event;

	epoll_wait(rings->epoll, &event, 1, timeout_ms);
}

static size_t ring_read(struct ring *ring, struct gmem_record *records, size_t max)
{
	__u64 at = *ring->consumed, end = __atomic_load_n(ring->produced, __ATOMIC_ACQUIRE);
	size_t n = 0;

	while (at < end && n < max) {
		const char *sample = ring->data + (at & (ring->size - 1));
		__u32 len = __atomic_load_n((const __u32 *)sample, __ATOMIC_ACQUIRE);

		if (len & BPF_RINGBUF_BUSY_BIT) /* still being written */
			break;
		memcpy(&records[n++], sample + BPF_RINGBUF_HDR_SZ, sizeof(*records));
		at += BPF_RINGBUF_HDR_SZ + sizeof(*records);
	}
	__atomic_store_n(ring->consumed, at, __ATOMIC_RELEASE);
	return n;
}

size_t rings_read(struct rings *rings, struct gmem_record *records, size_t max)
{
	size_t n = 0;

	if (rings->read < max) /* the last time, and its caller is done with them */
		__atomic_fetch_add(&rings->drains, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < rings->n && n < max; i++) {
		n += ring_read(&rings->v[rings->next], records + n, max - n);
		rings->next = (rings->next + 1) % rings->n;
	}
	rings->read = n;
	return n;
}

__u64 rings_drains(const struct rings *rings)
{
	return __atomic_load_n(&rings->drains, __ATOMIC_ACQUIRE);
}

unsigned int rings_cpus(const struct rings *rings)
{
	return cpus_end(&rings->cpus);
}

int rings_dropped(const struct rings *rings, enum gmem_event event, __u64 *counts)
{
	__u64 *found =
		calloc(rings->cpus.n, sizeof(*found)); /* one after the other, without gaps */
	__u32 key = event;
	int err;

	if (!found)
		return -ENOMEM;
	err = bpf_map_lookup_elem(rings->drops_fd, &key, found);
	memset(counts, 0, rings_cpus(rings) * sizeof(*counts));
	for (size_t i = 0; i < rings->cpus.n && !err; i++)
		counts[rings->cpus.numbers[i]] = found[i];
	free(found);
	return err;
}
