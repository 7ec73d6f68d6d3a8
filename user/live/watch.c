// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that takes inventories, each for at most a hundredth of its time.
 */
#include "watch.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/privilege.h"
#include "kernel.h"
#include "model/snapshot_merge.h"

#define PAUSE_NS (2 * NS_PER_S) /* at least, between two inventories */
#define PAUSE_TIMES 100 /* as long as an inventory took, in CPU time */

const char watch_pending[] = "none was taken yet";

struct watch {
	struct inventory_options options;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t first;
	struct snapshot snap;
	__u64 taken_ns; /* when it was begun; 0: none yet */
	struct problem problem; /* of the last one */
	bool failed;
	struct problem told; /* what watch_merge() has handed out */
	__u64 all_met_ns; /* of watch_all_met() */
};

static void publish(struct watch *watch, struct snapshot *snap, __u64 taken_ns,
		    const struct problem *problem)
{
	pthread_mutex_lock(&watch->lock);
	snapshot_free(&watch->snap);
	watch->snap = *snap;
	watch->taken_ns = taken_ns;
	watch->failed = problem;
	if (problem)
		watch->problem = *problem;
	pthread_cond_signal(&watch->first);
	pthread_mutex_unlock(&watch->lock);
}

static void *take(void *arg)
{
	struct watch *watch = arg;
	struct problem problem = { 0 };
	struct inventory *inventory = NULL;

	/* Of its own: the session may end first. */
	watch->options.at_once = true;
	watch->options.kernel = kernel_open(watch->options.verbose, &problem);
	if (watch->options.kernel)
		inventory = inventory_open(&watch->options, &problem);
	privilege_keep(0);

	for (;;) {
		__u64 begin_ns = clock_ns(CLOCK_MONOTONIC), pause_ns;
		__u64 cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		struct snapshot snap = { 0 };
		struct timespec pause;
		bool failed = !inventory || inventory_read(inventory, &snap, &problem);

		publish(watch, &snap, begin_ns, failed ? &problem : NULL);
		if (!inventory)
			return NULL;
		cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
		pause_ns = cpu_ns * PAUSE_TIMES > PAUSE_NS ? cpu_ns * PAUSE_TIMES : PAUSE_NS;
		pause = (struct timespec){ pause_ns / NS_PER_S, pause_ns % NS_PER_S };
		nanosleep(&pause, NULL);
	}
}

/* Signals are the other thread's. */
static int start_thread(struct watch *watch)
{
	sigset_t all, before;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, NULL, take, watch);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_detach(thread);
	return err;
}

struct watch *watch_start(const struct inventory_options *options)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	pthread_condattr_t monotonic;

	if (!watch)
		return NULL;
	watch->options = *options;
	pthread_mutex_init(&watch->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&watch->first, &monotonic);
	if (!start_thread(watch))
		return watch;
	free(watch);
	return NULL;
}

void watch_wait(struct watch *watch, __u64 ns)
{
	__u64 until_ns = clock_ns(CLOCK_MONOTONIC) + ns;
	struct timespec until = { until_ns / NS_PER_S, until_ns % NS_PER_S };

	pthread_mutex_lock(&watch->lock);
	while (!watch->taken_ns && !pthread_cond_timedwait(&watch->first, &watch->lock, &until))
		;
	pthread_mutex_unlock(&watch->lock);
}

int watch_merge(struct watch *watch, struct snapshot *snap, const char **why)
{
	size_t nmet = snap->ngmems;
	bool all_met;
	int err = 0;

	*why = watch_pending;
	pthread_mutex_lock(&watch->lock);
	if (watch->failed) {
		watch->told = watch->problem;
		*why = watch->told.text;
	} else if (watch->taken_ns) {
		*why = NULL;
		err = snapshot_merge(snap, &watch->snap, watch->taken_ns);
		all_met = !err && snap->ngmems == nmet && !inventory_leaves_out();
		watch->all_met_ns = all_met ? watch->taken_ns : 0;
	}
	pthread_mutex_unlock(&watch->lock);
	return err;
}

__u64 watch_all_met(const struct watch *watch)
{
	return watch->all_met_ns;
}
