// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was written of each owner and thread, to know what is new. Looked at once for each in a batch
 * of records, for a record must cost next to nothing.
 */
#include "record_names.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/hash.h"

/* A thread's name may change, and its number be another's later. */
#define THREAD_VALID_NS (5 * NS_PER_S)

/* Power of two. Beyond three quarters of it all are forgotten, which costs no more than telling again. */
#define THREADS (1U << 16)

struct known_owner {
	__u32 handle;
	struct capture_owner owner;
	__u64 batch; /* the last one that named it */
};

struct known_thread {
	struct capture_thread thread; /* .tid 0: none; .pid 0: it had gone */
	__u64 looked_ns;
};

struct record_names {
	struct session *session;
	struct known_owner *owners; /* by index */
	__u32 nowners;
	struct known_thread *threads; /* [THREADS], by a hash of the tid */
	unsigned int nthreads;
	__u64 batch;
};

struct record_names *record_names_new(struct session *session)
{
	struct record_names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->session = session;
	names->threads = calloc(THREADS, sizeof(*names->threads));
	if (names->threads)
		return names;
	record_names_free(names);
	return NULL;
}

void record_names_free(struct record_names *names)
{
	if (!names)
		return;
	free(names->owners);
	free(names->threads);
	free(names);
}

static int no_memory(struct problem *problem)
{
	return problem_memory(problem, "record");
}

/* Make room for owner @index. */
static int grow_owners(struct record_names *names, __u32 index)
{
	__u32 n = names->nowners ?: 64;
	struct known_owner *grown;

	while (n <= index)
		n *= 2;
	grown = reallocarray(names->owners, n, sizeof(*grown));
	if (!grown)
		return -1;
	memset(grown + names->nowners, 0, (n - names->nowners) * sizeof(*grown));
	names->owners = grown;
	names->nowners = n;
	return 0;
}

/* As the programs have it. What changes all the time, and says nothing of who it is, is left out. */
static struct capture_owner owner_now(const struct session_arrays *arrays, __u32 handle)
{
	const struct owner *owner = &arrays->owners[OWNER_INDEX(handle)];
	struct capture_owner now;

	memset(&now, 0, sizeof(now)); /* with what lies between the members: it is compared */
	now.kind = handle == OWNER_INDEX_HOST ? OWNER_HOST : owner->kind;
	now.vm = OWNER_INDEX(owner->vm);
	if (now.kind == OWNER_VM) {
		now.vm_info = owner->vm_info;
		now.vm_info.epoch = 0;
	} else if (now.kind == OWNER_SLOT) {
		now.slot = owner->slot;
	} else if (now.kind == OWNER_GMEM) {
		now.gmem = owner->gmem;
	}
	return now;
}

static int write_owner(struct record_names *names, const struct session_arrays *arrays,
		       __u32 handle, struct capture_writer *writer, struct problem *problem)
{
	__u32 index = OWNER_INDEX(handle), vm;
	struct known_owner *known;
	struct capture_owner now;

	if (index >= arrays->nowners)
		return 0;
	if (index >= names->nowners && grow_owners(names, index))
		return no_memory(problem);
	known = &names->owners[index];
	if (known->batch == names->batch)
		return 0;
	known->batch = names->batch;
	now = owner_now(arrays, handle);
	vm = arrays->owners[index].vm;
	if (vm && vm != handle && write_owner(names, arrays, vm, writer, problem))
		return -1;
	known = &names->owners[index]; /* it may have moved */
	if (known->handle == handle && !memcmp(&now, &known->owner, sizeof(now)))
		return 0;
	known->handle = handle;
	known->owner = now;
	return capture_write_owner(writer, handle, &now, problem);
}

/* One line of a file of the thread in /proc, at most @size bytes with their 0. */
static bool read_line(__u32 tid, const char *file, const char *start, char *line, int size)
{
	size_t len = strlen(start);
	bool found = false;
	char path[48];
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/%u/%s", tid, file);
	stream = fopen(path, "re");
	if (!stream)
		return false;
	while (!found && fgets(line, size, stream))
		found = !strncmp(line, start, len);
	fclose(stream);
	memmove(line, line + (found ? len : 0), size - (found ? len : 0));
	return found;
}

/* Who it is now; .pid 0 when it has gone. */
static struct capture_thread thread_now(__u32 tid)
{
	struct capture_thread thread;
	char line[64];

	memset(&thread, 0, sizeof(thread));
	thread.tid = tid;
	if (!read_line(tid, "status", "Tgid:", line, sizeof(line)))
		return thread;
	thread.pid = strtoul(line, NULL, 10);
	if (read_line(tid, "comm", "", line, sizeof(line))) {
		line[strcspn(line, "\n")] = 0;
		memcpy(thread.comm, line, strnlen(line, sizeof(thread.comm) - 1));
	}
	return thread;
}

/* Where it is, or is to be. */
static struct known_thread *find_thread(struct record_names *names, __u32 tid)
{
	__u32 at = hash_id(tid) & (THREADS - 1);

	while (names->threads[at].thread.tid && names->threads[at].thread.tid != tid)
		at = (at + 1) & (THREADS - 1);
	return &names->threads[at];
}

static int write_thread(struct record_names *names, __u32 tid, __u64 now_ns,
			struct capture_writer *writer, struct problem *problem)
{
	struct known_thread *known = find_thread(names, tid);
	struct capture_thread now;

	if (!tid || (known->thread.tid && now_ns < known->looked_ns + THREAD_VALID_NS))
		return 0;
	if (!known->thread.tid && ++names->nthreads > THREADS / 4 * 3) {
		memset(names->threads, 0, THREADS * sizeof(*names->threads));
		names->nthreads = 1;
		known = find_thread(names, tid);
	}
	known->looked_ns = now_ns;
	now = thread_now(tid);
	if (known->thread.tid && (!now.pid || !memcmp(&now, &known->thread, sizeof(now))))
		return 0;
	known->thread = now;
	return now.pid ? capture_write_thread(writer, &now, problem) : 0;
}

int record_names_write(struct record_names *names, const struct gmem_record *records, size_t n,
		       struct capture_writer *writer, struct problem *problem)
{
	struct session_arrays arrays = session_arrays(names->session);
	__u32 owner = 0, tid = 0;

	names->batch++;
	for (size_t i = 0; i < n; i++) {
		if (records[i].owner != owner &&
		    write_owner(names, &arrays, records[i].owner, writer, problem))
			return -1;
		if (records[i].tid != tid &&
		    write_thread(names, records[i].tid, records[i].end_ns, writer, problem))
			return -1;
		owner = records[i].owner;
		tid = records[i].tid;
	}
	return 0;
}
