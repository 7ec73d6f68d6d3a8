// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a capture file of many VMs with a guest_memfd each, in the other order: small, and much to go
 * through for who searches.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/arrays.h"
#include "capture/capture_file.h"

static void add(struct snapshot *snap, __u32 vm)
{
	struct gmem *gmem = array_append(&snap->gmems, &snap->ngmems, sizeof(*gmem));

	if (!gmem || !array_append(&snap->vms, &snap->nvms, sizeof(struct vm)))
		abort();
	gmem->vm = vm;
	gmem->info.ino = 1 + vm;
	gmem->events.v = calloc(1, sizeof(*gmem->events.v));
	if (!gmem->events.v)
		abort();
	gmem->events.v[gmem->events.n++] = (struct event_count){ .event = EV_RELEASE, .count = 1 };
}

int main(int argc, char **argv)
{
	static struct hook_state hooks[NR_EVENTS];
	struct snapshot snap = {};
	struct capture capture = { .tool = "gmemtrace",
				   .version = "0.1",
				   .kernel = "7.3.0-crowd",
				   .arch = "x86_64",
				   .shown = 1ULL << EV_RELEASE,
				   .hooks = hooks,
				   .snap = &snap };
	unsigned int n = argc > 2 ? atoi(argv[2]) : 0;
	struct capture_writer *writer;
	struct problem problem;

	if (!n) {
		fprintf(stderr, "Usage: crowd FILE VMS\n");
		return 2;
	}
	while (snap.nvms < n)
		add(&snap, n - 1 - snap.nvms);
	writer = capture_create(argv[1], &capture, &problem);
	if (!writer || capture_write_snapshot(writer, &capture, &problem) ||
	    capture_finish(writer, &capture, NULL, 0, &problem)) {
		fprintf(stderr, "crowd: %s\n", problem.text);
		return 1;
	}
	snapshot_free(&snap);
	return 0;
}
