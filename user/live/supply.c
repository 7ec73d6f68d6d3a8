// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves come in chunks, arrays in a map of arrays, and are handed to the programs a chunk's worth or
 * more at a time. Groups of entries are in one array, of which the programs take from the front; what
 * comes back is handed out again, in powers of two.
 */
#include "supply.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "base/clock.h"
#include "base/privilege.h"
#include "gmem.skel.h"
#include "page_past.h"

#define CHUNK (1U << PAGES_CHUNK_BITS)
#define MIN_CHUNKS 8
#define MIN_STOCK (MIN_CHUNKS * CHUNK - 1) /* so many leaves are ready: leaf 0 is none */
#define SUPPLY_THREAD "gmem_supply"
#define QUIET_MS 1000 /* after that, nobody seems to need more */

struct chunk {
	int fd; /* 0: not open: only the first one's is needed later */
	struct pages_leaf *leaf; /* mapped; NULL: it is not there */
	__u32 nfree; /* leaves that are neither in use nor in the queue */
	bool free[CHUNK];
};

struct supply {
	const struct gmem_bpf *skel;
	bool exact; /* programs are probes */
	struct chunk *chunk;
	__u32 nchunks, max_chunks; /* up to the last one that was there, and at most */
	__u32 nfree; /* leaves, in all chunks */
	__u32 stock; /* that the queue is to have */
	struct pages_group *groups;
	size_t groups_bytes;
	__u32 *spare_groups[GROUP_CLASSES]; /* what does not fit into the queue */
	size_t nspare_groups[GROUP_CLASSES];
	__u64 returned_ns; /* when groups were taken back last */
	struct ring_buffer *wakes;
	int end_fd; /* ready: it is to end */
	pthread_t thread;
};

static __u32 queue_left(const struct pages_queue *queue)
{
	return queue->end - __atomic_load_n(&queue->taken, __ATOMIC_ACQUIRE);
}

/* Only this side puts in, and what is before the end is there when that is seen. */
static void queue_put(struct pages_queue *queue, __u32 *at, __u32 mask, __u32 index)
{
	at[queue->end & mask] = index;
	__atomic_store_n(&queue->end, queue->end + 1, __ATOMIC_RELEASE);
}

/* ---- Leaves ---- */

static void leaf_is_free(struct supply *supply, __u32 index)
{
	struct chunk *chunk = &supply->chunk[index / CHUNK];

	if (!index || chunk->free[index % CHUNK]) /* 0 stands for none */
		return;
	chunk->free[index % CHUNK] = true;
	chunk->nfree++;
	supply->nfree++;
}

/* A free leaf of the first chunk that has one; 0: none. */
static __u32 leaf_take(struct supply *supply)
{
	for (__u32 i = 0; i < supply->nchunks; i++) {
		struct chunk *chunk = &supply->chunk[i];

		for (__u32 k = 0; chunk->nfree && k < CHUNK; k++) {
			if (!chunk->free[k])
				continue;
			chunk->free[k] = false;
			chunk->nfree--;
			supply->nfree--;
			return i * CHUNK + k;
		}
	}
	return 0;
}

static struct pages_leaf *leaf_at(const struct supply *supply, __u32 index)
{
	struct chunk *chunk = &supply->chunk[index / CHUNK];

	return index && index / CHUNK < supply->nchunks && chunk->leaf ? &chunk->leaf[index % CHUNK]
								       : NULL;
}

static void chunk_free(struct chunk *chunk)
{
	if (!chunk->leaf)
		return;
	munmap(chunk->leaf, CHUNK * sizeof(*chunk->leaf));
	if (chunk->fd)
		close(chunk->fd);
	memset(chunk, 0, sizeof(*chunk));
}

/* 0 or a negative errno. */
static int chunk_make(struct chunk *chunk)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int err;

	chunk->fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "leaf_chunk", sizeof(__u32),
				   sizeof(*chunk->leaf), CHUNK, &options);
	if (chunk->fd < 0)
		return -errno;
	chunk->leaf = mmap(NULL, CHUNK * sizeof(*chunk->leaf), PROT_READ | PROT_WRITE, MAP_SHARED,
			   chunk->fd, 0);
	if (chunk->leaf != MAP_FAILED)
		return 0;
	err = -errno;
	chunk->leaf = NULL;
	close(chunk->fd);
	chunk->fd = 0;
	return err;
}

#define AT_ONCE 4 /* the kernel waits for all programs each time that something is put in */

/* Add @n chunks, or as many as there is room for. 0 or a negative errno. */
static int chunks_add(struct supply *supply, __u32 n)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	__u32 index[AT_ONCE], added = 0;
	int fds[AT_ONCE], err = 0;

	for (__u32 i = 0; i < supply->max_chunks && added < n && added < AT_ONCE; i++) {
		if (supply->chunk[i].leaf)
			continue;
		err = chunk_make(&supply->chunk[i]);
		if (err)
			break;
		index[added] = i;
		fds[added++] = supply->chunk[i].fd;
	}
	if (added && bpf_map_update_batch(bpf_map__fd(supply->skel->maps.page_leaves), index, fds,
					  &added, &options))
		return -errno;
	for (__u32 i = 0; i < added; i++) {
		if (index[i] >= supply->nchunks)
			supply->nchunks = index[i] + 1;
		for (__u32 k = 0; k < CHUNK; k++)
			leaf_is_free(supply, index[i] * CHUNK + k);
		if (index[i]) {
			close(fds[i]);
			supply->chunk[index[i]].fd = 0;
		}
	}
	return added ? 0 : err ?: -ENOSPC;
}

/* As many leaves as are wanted go into the queue, more where most were taken since the last time. */
static int leaves_supply(struct supply *supply, bool quiet)
{
	struct pages_queue *queue = &supply->skel->bss->leaf_queue;
	__u32 left = queue_left(queue), wanted = supply->stock;
	int err = 0;

	if (queue->end && left <= supply->stock - supply->stock / 4)
		wanted = supply->stock * 2;
	else if (quiet && left >= supply->stock)
		wanted = supply->stock / 2;
	if (wanted < MIN_STOCK)
		wanted = MIN_STOCK;
	if (wanted > LEAF_QUEUE / 2)
		wanted = LEAF_QUEUE / 2;
	if (wanted > supply->max_chunks * CHUNK - 1)
		wanted = supply->max_chunks * CHUNK - 1;
	supply->stock = wanted;
	do {
		if (left + supply->nfree < wanted)
			err = chunks_add(supply, (wanted - left - supply->nfree) / CHUNK + 1);
		while (left < wanted && supply->nfree) {
			queue_put(queue, supply->skel->bss->free_leaves, LEAF_QUEUE - 1,
				  leaf_take(supply));
			left++;
		}
	} while (left < wanted && !err); /* others may wait for the first ones */
	return err;
}

/* What is in the queue beyond what is wanted comes back. */
static void leaves_withdraw(struct supply *supply)
{
	struct pages_queue *queue = &supply->skel->bss->leaf_queue;
	const __u32 *at = supply->skel->bss->free_leaves;
	__u32 taken = __atomic_load_n(&queue->taken, __ATOMIC_ACQUIRE);

	while (queue->end - taken > supply->stock + CHUNK) {
		__u32 index = at[taken & (LEAF_QUEUE - 1)];

		if (__atomic_compare_exchange_n(&queue->taken, &taken, taken + 1, false,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			leaf_is_free(supply, index);
		taken = __atomic_load_n(&queue->taken, __ATOMIC_ACQUIRE);
	}
}

/* Chunks of which no leaf is in use, beyond what will be wanted next, are given back. */
static void chunks_shrink(struct supply *supply)
{
	leaves_withdraw(supply);
	for (__u32 i = supply->nchunks; i-- > 1 && supply->nfree >= 2 * CHUNK;) {
		struct chunk *chunk = &supply->chunk[i];

		if (chunk->nfree < CHUNK ||
		    bpf_map_delete_elem(bpf_map__fd(supply->skel->maps.page_leaves), &i))
			continue;
		supply->nfree -= CHUNK;
		chunk_free(chunk);
	}
}

/* ---- What comes back ---- */

static unsigned int groups_class(__u32 n)
{
	unsigned int class = 0;

	while (1U << class < n)
		class ++;
	return class;
}

/* Groups of one class that are free: what does not fit into the queue waits here. */
static void groups_are_free(struct supply *supply, unsigned int class, __u32 first)
{
	size_t n = supply->nspare_groups[class];
	__u32 *spare = realloc(supply->spare_groups[class], (n + 1) * sizeof(*spare));

	if (!spare)
		return; /* used once only */
	supply->spare_groups[class] = spare;
	spare[n] = first;
	supply->nspare_groups[class]++;
}

static void groups_hand_out(struct supply *supply)
{
	for (unsigned int class = 0; class < GROUP_CLASSES; class ++) {
		struct pages_queue *queue = &supply->skel->bss->group_queue[class];
		__u32 *at = &supply->skel->bss->free_groups[class * GROUP_QUEUE];

		while (supply->nspare_groups[class] && queue_left(queue) < GROUP_QUEUE)
			queue_put(queue, at, GROUP_QUEUE - 1,
				  supply->spare_groups[class][--supply->nspare_groups[class]]);
	}
}

static void group_clear(struct supply *supply, struct pages_group *group)
{
	for (int i = 0; i < GROUP_ENTRIES; i++) {
		__u32 index = group->entry[i].leaf & LEAF_INDEX;
		struct pages_leaf *leaf = leaf_at(supply, index);

		if (!leaf)
			continue;
		memset(leaf, 0, sizeof(*leaf));
		leaf_is_free(supply, index);
	}
	memset(group, 0, sizeof(*group));
}

/* Wait for all programs that run now: so does the kernel when a map of maps changes. */
static int wait_for_programs(const struct supply *supply)
{
	__u32 first = 0;

	return bpf_map_update_elem(bpf_map__fd(supply->skel->maps.page_leaves), &first,
				   &supply->chunk[first].fd, BPF_ANY);
}

/* What released guest_memfds had. No program that runs from now on may know of it. */
static void take_back(struct supply *supply)
{
	struct pages_queue *queue = &supply->skel->bss->return_queue;
	__u32 end = __atomic_load_n(&queue->end, __ATOMIC_ACQUIRE);

	if (end == queue->taken || wait_for_programs(supply))
		return;
	while (queue->taken != end) {
		__u64 *at = &supply->skel->bss->returned_groups[queue->taken & (RETURN_QUEUE - 1)];
		__u64 returned = __atomic_exchange_n(at, 0, __ATOMIC_ACQUIRE);
		__u32 first = returned, n = returned >> 32;

		if (!returned)
			return; /* on its way */
		for (__u32 i = 0; i < n; i++)
			group_clear(supply, &supply->groups[first + i]);
		groups_are_free(supply, groups_class(n), first);
		__atomic_store_n(&queue->taken, queue->taken + 1, __ATOMIC_RELEASE);
	}
}

/* ---- What holes have emptied ---- */

/* A leaf that is not needed any more if nobody has changed it until all programs that run now have ended. */
struct emptied {
	struct pages_entry *entry;
	__u32 index;
	struct pages_leaf before;
};

#define EMPTIED_AT_ONCE 64

/* Are all pages of the leaf absent and alike? Then *@mapping is how they stand with the guest. */
static bool leaf_is_alike(const struct pages_leaf *leaf, __u64 past, __u32 *mapping)
{
	for (int i = 0; i < LEAF_WORDS; i++) {
		__u64 today = word_today(leaf->word[i], past) << 16 >> 16; /* all but its clock */

		if (!i)
			*mapping = today & PAGE_MAPPING;
		if (today != (__u64)PAGES_LOW * *mapping)
			return false;
	}
	return *mapping != PAGE_LOST;
}

/* Take the leaf out if a hole was the last that has happened to it, and nobody has looked since. */
static bool leaf_take_out(struct supply *supply, struct pages_entry *entry, struct emptied *emptied)
{
	__u64 past = __atomic_load_n(&entry->past, __ATOMIC_ACQUIRE);
	__u32 leaf = __atomic_load_n(&entry->leaf, __ATOMIC_ACQUIRE), mapping;
	const struct pages_leaf *words = leaf_at(supply, leaf & LEAF_INDEX);

	if (!words || past & PAST_LOOKED || (past_entry(past, 0) & HAPPENS_CACHE) != HAPPENS_GONE)
		return false;
	memcpy(&emptied->before, words, sizeof(emptied->before));
	if (!leaf_is_alike(&emptied->before, past, &mapping) ||
	    !__atomic_compare_exchange_n(&entry->past, &past, past_of_alike(past, mapping), false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return false;
	emptied->entry = entry;
	emptied->index = leaf & LEAF_INDEX;
	__atomic_fetch_and(&entry->leaf, ~LEAF_INDEX, __ATOMIC_SEQ_CST);
	return true;
}

static void leaf_ends(struct supply *supply, struct emptied *emptied)
{
	struct pages_leaf *leaf = leaf_at(supply, emptied->index);
	__u32 now = __atomic_load_n(&emptied->entry->leaf, __ATOMIC_ACQUIRE);

	if (memcmp(leaf, &emptied->before, sizeof(*leaf))) { /* a page was touched meanwhile */
		if (!(now & LEAF_INDEX) &&
		    __atomic_compare_exchange_n(&emptied->entry->leaf, &now, now | emptied->index,
						false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return;
		past_lose(&emptied->entry->past); /* another leaf has come */
	}
	memset(leaf, 0, sizeof(*leaf));
	leaf_is_free(supply, emptied->index);
}

static __u32 leaves_take_out(struct supply *supply, struct emptied *emptied)
{
	__u32 end = __atomic_load_n(&supply->skel->data->next_page_group, __ATOMIC_RELAXED), n = 0;

	for (__u32 i = 0; i < end && i < supply->groups_bytes / sizeof(*supply->groups); i++)
		for (int k = 0; k < GROUP_ENTRIES && n < EMPTIED_AT_ONCE; k++)
			n += leaf_take_out(supply, &supply->groups[i].entry[k], &emptied[n]);
	return n;
}

static void holes_take_back(struct supply *supply)
{
	struct emptied *emptied = malloc(EMPTIED_AT_ONCE * sizeof(*emptied));
	__u32 n = emptied ? leaves_take_out(supply, emptied) : 0;
	struct gmem_bpf__bss *bss = supply->skel->bss;

	for (size_t i = 0; n && i < sizeof(bss->generations) / sizeof(bss->generations[0]); i++)
		__atomic_fetch_add(&bss->generations[i], 1, __ATOMIC_SEQ_CST);
	if (n && !wait_for_programs(supply))
		for (__u32 i = 0; i < n; i++)
			leaf_ends(supply, &emptied[i]);
	free(emptied);
}

/* ---- The thread ---- */

/*
 * Seldom, but before there is no room: the kernel skips probes (--exact) on a CPU whose task is preempted
 * while it changes a map.
 */
static bool return_is_due(struct supply *supply)
{
	const struct pages_queue *queue = &supply->skel->bss->return_queue;
	__u64 now_ns = clock_ns(CLOCK_MONOTONIC);

	if (queue->end - queue->taken < RETURN_QUEUE / 4 && now_ns - supply->returned_ns < NS_PER_S)
		return false;
	supply->returned_ns = now_ns;
	return true;
}

static int look_after(struct supply *supply, bool quiet)
{
	int err;

	if (return_is_due(supply))
		take_back(supply);
	groups_hand_out(supply);
	if (quiet)
		holes_take_back(supply);
	do /* others have been taken meanwhile */
		err = leaves_supply(supply, quiet);
	while (!err && queue_left(&supply->skel->bss->leaf_queue) < supply->stock / 2);
	if (quiet)
		chunks_shrink(supply);
	return err;
}

/*
 * Before all others, where we may (CAP_SYS_NICE): the kernel skips probes (--exact) on a CPU whose task is
 * preempted while it changes a map. Other programs it would preempt itself, since it is woken within one.
 */
static void run_first(void)
{
	const struct sched_param first = { .sched_priority = 1 };

	pthread_setschedparam(pthread_self(), SCHED_FIFO, &first);
}

static void *run(void *arg)
{
	struct supply *supply = arg;
	struct pollfd fds[] = {
		{ .fd = ring_buffer__epoll_fd(supply->wakes), .events = POLLIN },
		{ .fd = supply->end_fd, .events = POLLIN },
	};

	pthread_setname_np(pthread_self(), SUPPLY_THREAD);
	if (supply->exact)
		run_first();
	privilege_keep(CAPABILITY(BPF)); /* to make more arrays */
	while (!fds[1].revents) {
		int n = poll(fds, 2, QUIET_MS);

		ring_buffer__consume(supply->wakes);
		look_after(supply, !n);
	}
	return NULL;
}

static int thread_start(struct supply *supply)
{
	sigset_t all, before;
	int err;

	sigfillset(&all); /* signals are another thread's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&supply->thread, NULL, run, supply);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static int woken(void *unused, void *data, size_t size)
{
	(void)unused, (void)data, (void)size;
	return 0;
}

/* 0 or a negative errno. */
static int supply_open(struct supply *supply)
{
	const struct bpf_map *groups = supply->skel->maps.page_groups;

	supply->max_chunks = bpf_map__max_entries(supply->skel->maps.page_leaves);
	supply->chunk = calloc(supply->max_chunks, sizeof(*supply->chunk));
	if (!supply->chunk)
		return -ENOMEM;
	supply->groups_bytes = (size_t)bpf_map__max_entries(groups) * sizeof(*supply->groups);
	supply->groups = mmap(NULL, supply->groups_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			      bpf_map__fd(groups), 0);
	if (supply->groups == MAP_FAILED) {
		supply->groups = NULL;
		return -errno;
	}
	supply->end_fd = eventfd(0, EFD_CLOEXEC);
	supply->wakes =
		ring_buffer__new(bpf_map__fd(supply->skel->maps.supply_wakes), woken, NULL, NULL);
	if (supply->end_fd < 0 || !supply->wakes)
		return -errno;
	return 0;
}

static void supply_free(struct supply *supply)
{
	for (__u32 i = 0; i < supply->nchunks; i++)
		chunk_free(&supply->chunk[i]);
	for (int i = 0; i < GROUP_CLASSES; i++)
		free(supply->spare_groups[i]);
	if (supply->groups)
		munmap(supply->groups, supply->groups_bytes);
	if (supply->end_fd > 0)
		close(supply->end_fd);
	ring_buffer__free(supply->wakes);
	free(supply->chunk);
	free(supply);
}

struct supply *supply_start(const struct gmem_bpf *skel, bool exact)
{
	struct supply *supply = calloc(1, sizeof(*supply));
	int err;

	if (!supply)
		return NULL;
	supply->skel = skel;
	supply->exact = exact;
	supply->stock = MIN_STOCK;
	err = supply_open(supply);
	if (!err)
		err = look_after(supply, false) ?: thread_start(supply);
	if (!err)
		return supply;
	supply_free(supply);
	errno = -err;
	return NULL;
}

void supply_stop(struct supply *supply)
{
	__u64 one = 1;

	if (!supply)
		return;
	if (write(supply->end_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(supply->thread, NULL);
	supply_free(supply);
}
