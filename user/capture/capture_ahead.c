// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread has a reader of its own, whose buffers change places with those of the one who takes.
 */
#include "capture_ahead.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct block_ahead {
	struct block_reader reader; /* the thread's, while !ready */
	enum got got;
	struct problem problem;
	bool ready; /* the reader has a block, or why there is none */
	bool stop;
	pthread_mutex_t lock; /* of ready and stop */
	pthread_cond_t changed; /* one of them */
	pthread_t thread;
};

/* The next block, unless it is malformed, or unpacks to too much. */
static void read_block(struct block_ahead *ahead)
{
	struct block_reader *reader = &ahead->reader;

	ahead->got = blocks_read(reader, &ahead->problem);
	if (ahead->got != GOT_ALL)
		return;
	if (reader->head.type == BLOCK_RECORDS && blocks_try_decompress(reader))
		blocks_try_unpack(reader, &cap__records__descriptor);
	blocks_pass(reader);
}

/* What comes after the last block is another's to read. */
static bool is_last(const struct block_ahead *ahead)
{
	return ahead->got != GOT_ALL || ahead->reader.head.type == BLOCK_END;
}

/* Until the block is taken. Whether another is wanted. */
static bool hand_over(struct block_ahead *ahead)
{
	bool more = !is_last(ahead);

	pthread_mutex_lock(&ahead->lock);
	ahead->ready = true;
	pthread_cond_signal(&ahead->changed);
	while (more && ahead->ready && !ahead->stop)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	more &= !ahead->stop;
	pthread_mutex_unlock(&ahead->lock);
	return more;
}

static void *read_ahead(void *ahead)
{
	do
		read_block(ahead);
	while (hand_over(ahead));
	return NULL;
}

/* Signals are the other thread's. */
static int start_thread(struct block_ahead *ahead)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&ahead->thread, NULL, read_ahead, ahead);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

/* The stream is not ours to close. */
static void free_ahead(struct block_ahead *ahead)
{
	ahead->reader.stream = NULL;
	blocks_close(&ahead->reader);
	free(ahead);
}

struct block_ahead *ahead_start(const struct block_reader *blocks)
{
	struct block_ahead *ahead = calloc(1, sizeof(*ahead));

	if (!ahead)
		return NULL;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	if (!blocks_open(&ahead->reader, blocks->stream, blocks->name)) {
		ahead->reader.at = blocks->at;
		if (!start_thread(ahead))
			return ahead;
	}
	free_ahead(ahead);
	return NULL;
}

static void swap_buffers(struct block_buffer *a, struct block_buffer *b)
{
	struct block_buffer old = *a;

	*a = *b;
	*b = old;
}

static void swap_blocks(struct block_reader *a, struct block_reader *b)
{
	struct arena old = a->arena;

	a->arena = b->arena;
	b->arena = old;
	swap_buffers(&a->packed, &b->packed);
	swap_buffers(&a->message, &b->message);
	a->head = b->head;
	a->decompressed = b->decompressed;
	a->unpacked = b->unpacked;
}

enum got ahead_take(struct block_ahead *ahead, struct block_reader *blocks, struct problem *problem)
{
	enum got got;

	pthread_mutex_lock(&ahead->lock);
	while (!ahead->ready)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	got = ahead->got;
	if (got == GOT_ALL)
		swap_blocks(blocks, &ahead->reader);
	if (got == GOT_ERROR)
		*problem = ahead->problem;
	if (!is_last(ahead))
		ahead->ready = false;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
	return got;
}

void ahead_stop(struct block_ahead *ahead)
{
	if (!ahead)
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->stop = true;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
	free_ahead(ahead);
}
