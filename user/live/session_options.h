/* SPDX-License-Identifier: GPL-2.0-only */
/* What a session is to trace, and how. */
#ifndef SESSION_OPTIONS_H
#define SESSION_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "gmem.h"

struct session_options {
	__u64 events; /* 1 << event: what is wanted */
	enum gmem_filter filter;
	const pid_t *pids; /* FILTER_PIDS: thread groups */
	size_t npids;
	__u64 stack_events; /* 1 << event: whose stacks are kept */
	__u64 min_latency_ns; /* of what goes into histograms and stacks; 0: all */
	__u32 sample; /* of so many guest faults one is timed, and no cause is known; 0: each is. Not with
			 record_events, stack_events or min_latency_ns of them, heat or exact */
	__u64 record_events; /* 1 << event: what is sent to session_rings() */
	size_t buffer_bytes; /* of each CPU, for that; 0: the default */
	bool heat; /* count where in its slot a guest fault falls */
	__u32 max_owners; /* VMs, slots and guest_memfds; 0: the default */
	__u64 max_page_bytes; /* for what is known of pages; 0: the default */
	bool no_fsession; /* two programs for both ends of a function, also where one could */
	bool exact; /* probes, which miss no event, at several times the cost */
	bool verbose; /* let libbpf speak */
};

#endif
