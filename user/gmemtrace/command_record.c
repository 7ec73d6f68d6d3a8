// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads write to one file: one what was counted, from time to time, the other each event.
 */
#include "commands.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "capture/capture_destination.h"
#include "capture/capture_file.h"
#include "live/rings.h"
#include "record_names.h"
#include "trace.h"

/* What a recorder that is killed loses at most. */
#define SNAPSHOT_NS (10 * NS_PER_S)
#define FLUSH_NS NS_PER_S

/* How long what is there may wait for more; a ring that fills does not wait. */
#define WAIT_MS 100

#define BATCH 16384 /* records */

struct recorder {
	struct trace_listener listener; /* first: the listener is the recorder */
	struct trace *trace;
	struct capture_destination destination; /* until there is a writer */
	pthread_mutex_t lock; /* of the writer */
	struct capture_writer *writer;
	struct record_names *names;
	struct gmem_record *batch; /* [BATCH] */
	pthread_t thread;
	bool running;
	bool last; /* nothing more comes into the rings */
	__u64 flushed_ns;
	struct problem problem; /* of the thread */
	bool failed;
};

static int record_batch(struct recorder *recorder, size_t n)
{
	struct problem *problem = &recorder->problem;
	__u64 now_ns = clock_ns(CLOCK_MONOTONIC);
	int err;

	pthread_mutex_lock(&recorder->lock);
	err = record_names_write(recorder->names, recorder->batch, n, recorder->writer, problem);
	for (size_t i = 0; i < n; i++) /* which the file tells of an index changes */
		recorder->batch[i].owner = OWNER_INDEX(recorder->batch[i].owner);
	err = err ?: capture_write_records(recorder->writer, recorder->batch, n, problem);
	if (!err && now_ns >= recorder->flushed_ns + FLUSH_NS) {
		recorder->flushed_ns = now_ns;
		err = capture_flush(recorder->writer, problem);
	}
	pthread_mutex_unlock(&recorder->lock);
	return err;
}

/* Until all has been read that came before @last was set. */
static void *record_events(void *arg)
{
	struct recorder *recorder = arg;
	struct rings *rings = session_rings(recorder->trace->session);
	size_t n;

	for (;;) {
		bool last = __atomic_load_n(&recorder->last, __ATOMIC_ACQUIRE);

		n = rings_read(rings, recorder->batch, BATCH);
		if (record_batch(recorder, n)) {
			recorder->failed = true;
			kill(getpid(), SIGTERM); /* which ends the capture */
			return NULL;
		}
		if (!n && last)
			return NULL;
		if (n < BATCH && !last)
			rings_wait(rings, WAIT_MS);
	}
}

/* Signals are the other thread's, which has blocked those that it waits for. */
static int start_thread(struct recorder *recorder, struct problem *problem)
{
	sigset_t all, before;
	int err;

	recorder->names = record_names_new(recorder->trace->session);
	recorder->batch = calloc(BATCH, sizeof(*recorder->batch));
	if (!recorder->names || !recorder->batch)
		return problem_memory(problem, "record");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&recorder->thread, NULL, record_events, recorder);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot record: no thread: %s. End something and try again",
				   strerror(err));
	recorder->running = true;
	return 0;
}

/* 0, or -1 with the problem that the thread had. */
static int join_thread(struct recorder *recorder, struct problem *problem)
{
	if (!recorder->running)
		return 0;
	__atomic_store_n(&recorder->last, true, __ATOMIC_RELEASE);
	pthread_join(recorder->thread, NULL);
	recorder->running = false;
	if (!recorder->failed)
		return 0;
	*problem = recorder->problem;
	return -1;
}

static int begin(struct trace_listener *listener, struct trace *trace, struct problem *problem)
{
	struct recorder *recorder = (struct recorder *)listener;

	recorder->trace = trace;
	signal(SIGXFSZ, SIG_IGN); /* seen as EFBIG; COMMAND was forked before */
	return capture_destination_make(&recorder->destination, problem);
}

/* Only now an older capture goes: COMMAND might not have run. */
static int started(struct trace_listener *listener, struct trace *trace, struct problem *problem)
{
	struct recorder *recorder = (struct recorder *)listener;

	recorder->writer = capture_begin(&recorder->destination, &trace->capture, problem);
	if (!recorder->writer)
		return -1;
	return trace->options->record_events ? start_thread(recorder, problem) : 0;
}

static int write_snapshot(struct trace_listener *listener, struct trace *trace,
			  struct problem *problem)
{
	struct recorder *recorder = (struct recorder *)listener;
	int err;

	pthread_mutex_lock(&recorder->lock);
	err = capture_write_snapshot(recorder->writer, &trace->capture, problem);
	pthread_mutex_unlock(&recorder->lock);
	return err;
}

/* Those of one event. */
static int add_drops(const struct rings *rings, enum gmem_event event, __u64 *counts,
		     struct capture_drop *drops, size_t *ndrops)
{
	int err = rings_dropped(rings, event, counts);

	for (unsigned int cpu = 0; cpu < rings_cpus(rings) && !err; cpu++)
		if (counts[cpu])
			drops[(*ndrops)++] = (struct capture_drop){ cpu, event, counts[cpu] };
	return err;
}

static int read_drops(const struct rings *rings, struct capture_drop **drops, size_t *ndrops)
{
	size_t ncpus = rings ? rings_cpus(rings) : 0;
	__u64 *counts = calloc(ncpus, sizeof(*counts));
	int err = 0;

	*ndrops = 0;
	*drops = calloc(NR_EVENTS * ncpus, sizeof(**drops));
	if (ncpus && (!counts || !*drops))
		err = -ENOMEM;
	for (int event = 0; event < NR_EVENTS && ncpus && !err; event++)
		err = add_drops(rings, event, counts, *drops, ndrops);
	free(counts);
	return err;
}

static int finish(struct recorder *recorder, struct problem *problem)
{
	struct trace *trace = recorder->trace;
	struct capture_writer *writer = recorder->writer;
	struct capture_drop *drops;
	size_t ndrops;
	int err;

	err = read_drops(session_rings(trace->session), &drops, &ndrops);
	if (err) {
		err = problem_set(
			problem, EXIT_IMPOSSIBLE,
			"cannot read what was dropped: %s. Free some memory and try again",
			strerror(-err));
	} else {
		recorder->writer = NULL; /* freed in any case */
		err = capture_finish(writer, &trace->capture, drops, ndrops, problem);
	}
	free(drops);
	return err;
}

/* How much there is, for people. @nrecords: how many events are in the file. */
static void tell(const struct trace *trace, __u64 nrecords)
{
	const struct options *options = trace->options;
	char events[120] = "";
	__u64 dropped = 0;
	struct stat st;

	signal(SIGPIPE, SIG_IGN); /* nothing is lost with this line */
	if (stat(options->output, &st))
		return;
	if (options->record_events) {
		for (int event = 0; event < NR_EVENTS; event++)
			dropped += trace->snap.loss[event][LOSS_RECORD];
		snprintf(events, sizeof(events), ", %llu events, %.1f bytes each, %llu dropped",
			 nrecords, nrecords ? (double)st.st_size / nrecords : 0, dropped);
	}
	message("gmemtrace: %s: %llu bytes%s.", options->output, (unsigned long long)st.st_size,
		events);
}

static int record(struct recorder *recorder, struct trace *trace, struct problem *problem)
{
	int err = trace_run(trace, &recorder->listener, problem);
	struct problem first;
	__u64 nrecords;

	/* What a full disk broke off was the thread's to say. */
	if (join_thread(recorder, &first)) {
		*problem = first;
		return -1;
	}
	err = err ?: write_snapshot(&recorder->listener, trace, problem);
	if (err)
		return err;
	nrecords = capture_size(recorder->writer).nrecords;
	err = finish(recorder, problem);
	if (!err)
		tell(trace, nrecords);
	return err;
}

int command_record(const struct options *options, struct problem *problem)
{
	__u64 interval_ns = options->interval_ns ?: SNAPSHOT_NS;
	struct recorder recorder = {
		.listener = { begin, started, write_snapshot,
			      interval_ns < SNAPSHOT_NS ? interval_ns : SNAPSHOT_NS },
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct trace trace = { .options = options };
	int err = capture_destination_claim(&recorder.destination, options->output, problem)
			  ?: trace_open(&trace, problem);

	trace.capture.interval_ns = options->interval_ns ? recorder.listener.interval_ns : 0;
	trace.capture.records_kept = options->record_events;
	if (!err)
		err = record(&recorder, &trace, problem);
	capture_abandon(recorder.writer);
	capture_destination_leave(&recorder.destination);
	record_names_free(recorder.names);
	free(recorder.batch);
	trace_close(&trace);
	return err ?: trace_status(&trace);
}
