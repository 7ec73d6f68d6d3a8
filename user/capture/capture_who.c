// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of owners, by their index, and of threads, hashed.
 */
#include "capture_who.h"
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "capture_unpack.h"

struct thread_entry {
	bool used;
	struct capture_thread thread;
};

static int read_owner(struct capture_who *who, const Cap__Owner *message,
		      const struct block_reader *blocks, struct problem *problem)
{
	struct capture_owner *owners;
	const char *wrong;
	__u32 n = who->nowners;

	if (message->index >= OWNERS_MAX || message->vm >= OWNERS_MAX)
		return blocks_damaged(blocks, "an owner's index is too large", problem);
	while (n <= message->index)
		n = n * 2 ?: 64;
	if (n > who->nowners) {
		owners = reallocarray(who->owners, n, sizeof(*owners));
		if (!owners)
			return blocks_no_memory(blocks, problem);
		memset(owners + who->nowners, 0, (n - who->nowners) * sizeof(*owners));
		who->owners = owners;
		who->nowners = n;
	}
	wrong = unpack_owner(message, &who->owners[message->index]);
	return wrong ? blocks_damaged(blocks, wrong, problem) : 0;
}

int who_read_owners(struct capture_who *who, struct block_reader *blocks, struct problem *problem)
{
	const Cap__Owners *message = BLOCKS_UNPACK(blocks, owners, problem);
	int err = message ? 0 : -1;

	for (size_t i = 0; !err && i < message->n_owners; i++)
		err = read_owner(who, message->owners[i], blocks, problem);
	return err;
}

/* Where @tid is, or would be. */
static struct thread_entry *find_thread(struct thread_entry *threads, size_t size, __u32 tid)
{
	size_t at = hash_id(tid) & (size - 1);

	while (threads[at].used && threads[at].thread.tid != tid)
		at = (at + 1) & (size - 1);
	return &threads[at];
}

/* Half of the table stays empty. */
static int grow_threads(struct capture_who *who)
{
	size_t size = who->threads_size * 2 ?: 64;
	struct thread_entry *threads = calloc(size, sizeof(*threads));

	if (!threads)
		return -1;
	for (size_t i = 0; i < who->threads_size; i++)
		if (who->threads[i].used)
			*find_thread(threads, size, who->threads[i].thread.tid) = who->threads[i];
	free(who->threads);
	who->threads = threads;
	who->threads_size = size;
	return 0;
}

static int read_thread(struct capture_who *who, const Cap__Thread *message,
		       const struct block_reader *blocks, struct problem *problem)
{
	struct thread_entry *entry;

	if (who->nthreads * 2 >= who->threads_size && grow_threads(who))
		return blocks_no_memory(blocks, problem);
	entry = find_thread(who->threads, who->threads_size, message->tid);
	if (!entry->used && who->nthreads++ >= THREADS_MAX)
		return blocks_damaged(blocks, "there are more threads than the format allows",
				      problem);
	entry->used = true;
	entry->thread = (struct capture_thread){ .tid = message->tid, .pid = message->pid };
	unpack_comm(entry->thread.comm, message->comm);
	return 0;
}

int who_read_threads(struct capture_who *who, struct block_reader *blocks, struct problem *problem)
{
	const Cap__Threads *message = BLOCKS_UNPACK(blocks, threads, problem);
	int err = message ? 0 : -1;

	for (size_t i = 0; !err && i < message->n_threads; i++)
		err = read_thread(who, message->threads[i], blocks, problem);
	return err;
}

const struct capture_owner *who_owner(const struct capture_who *who, __u32 index)
{
	if (index >= who->nowners || !who->owners[index].kind)
		return NULL;
	return &who->owners[index];
}

const struct capture_thread *who_thread(const struct capture_who *who, __u32 tid)
{
	struct thread_entry *entry;

	if (!who->nthreads)
		return NULL;
	entry = find_thread(who->threads, who->threads_size, tid);
	return entry->used ? &entry->thread : NULL;
}

void who_free(struct capture_who *who)
{
	free(who->owners);
	free(who->threads);
	memset(who, 0, sizeof(*who));
}
