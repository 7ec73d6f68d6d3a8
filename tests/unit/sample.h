/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Models made by hand, for tests of what reads a model: helpers to count events as the BPF
 * programs do, and one capture that looks like a real one.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "report/report.h"

struct sample {
	struct snapshot snap;
	struct hook_state hooks[NR_EVENTS];
	struct capture capture;
};

/* A capture without any VM or event, every event attached on its first rung. */
void sample_empty(struct sample *sample);

/* Two VMs with slots and guest_memfds, of which one is gone, errors, an event of the host; nothing lost. */
void sample_real(struct sample *sample);

void sample_free(struct sample *sample);

struct vm *sample_add_vm(struct sample *sample, const char *comm, __u32 pid);
struct slot *sample_add_slot(struct vm *vm, int id, __u64 base_gfn, __u64 npages);
struct gmem *sample_add_gmem(struct sample *sample, __u32 vm, __u64 ino, __u64 size_bytes);

/* Count @event once, as lasting @ns; times @times. Events are to be added in their order. */
struct event_count *sample_count(struct event_counts *counts, enum gmem_event event, __u64 ns,
				 __u64 times);

/* Say that @times of what was counted failed; in ascending order of errno. */
void sample_fail(struct event_count *count, int err, __u64 times);

/* Say that @times of what was counted were so; in ascending order of details. */
void sample_detail(struct event_count *count, enum gmem_detail detail, __u64 times);

/* Add a stack, most frequent first, with @frames as in "kvm_gmem_release+0xc3 [kvm],__fput+0xe6". */
void sample_add_stack(struct sample *sample, const struct stack_count *stack, const char *frames);

/* What the function of report.h writes for @format; the caller frees it. */
char *sample_report(const struct sample *sample, const char *format,
		    const struct text_style *style);
char *sample_inventory(const struct sample *sample, const char *format,
		       const struct text_style *style);
char *sample_probe(const struct sample *sample, const char *format, const struct text_style *style);

#endif
