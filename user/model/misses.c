// SPDX-License-Identifier: GPL-2.0-only
/*
 * An event is skipped at both of its ends, which the kernel has counted twice, or at one, which the kernel
 * and the program that saw the other have counted once each. Or the kernel has counted it once in any
 * case.
 */
#include "misses.h"

/* Skips of programs that see an end without its begin, and of others. */
struct skips {
	__u64 ends, once;
};

static __u64 at_most(__u64 count, __u64 limit)
{
	return count < limit ? count : limit;
}

static void skips_add(struct skips *skips, const struct used_program *program)
{
	if (program->ends)
		skips->ends += program->skipped;
	else
		skips->once += program->skipped;
}

/* @half_seen: ends without a begin. */
static __u64 missed(const struct skips *skips, __u64 half_seen, __u64 unended)
{
	__u64 other_half;

	half_seen -= at_most(skips->once, half_seen);
	other_half = skips->ends - at_most(half_seen, skips->ends);
	/* After the end of counting: an event still under way is taken for one whose end was missed. */
	half_seen += at_most(unended, other_half);
	return (skips->ends + half_seen + 1) / 2 + skips->once;
}

/* Of the programs that serve this event alone. What is left of its halves is a shared one's. */
static __u64 tell_own(const struct used_program *programs, size_t n, int event, __u64 unended,
		      __u64 *half_seen)
{
	struct skips skips = {};
	__u64 own;

	for (size_t i = 0; i < n; i++)
		if (programs[i].events == 1ULL << event)
			skips_add(&skips, &programs[i]);
	own = at_most(*half_seen, skips.ends + skips.once);
	*half_seen -= own;
	return missed(&skips, own, unended);
}

/* Without the halves that its events have seen: they are told of those. */
static __u64 tell_shared(const struct used_program *program, __u64 *halves)
{
	struct skips skips = {};
	__u64 half_seen = 0;

	skips_add(&skips, program);
	for (int event = 0; event < NR_EVENTS && program->ends; event++)
		if (program->events >> event & 1) {
			half_seen += halves[event];
			halves[event] = 0;
		}
	half_seen = at_most(half_seen, program->skipped);
	return missed(&skips, half_seen, 0) - half_seen;
}

void misses_tell(const struct used_program *programs, size_t n, __u64 unended,
		 enum gmem_event first, __u64 (*loss)[NR_LOSSES])
{
	__u64 halves[NR_EVENTS];

	for (int event = 0; event < NR_EVENTS; event++) {
		halves[event] = loss[event][LOSS_MISSED];
		loss[event][LOSS_MISSED] = tell_own(
			programs, n, event, event == EV_GUEST_FAULT ? unended : 0, &halves[event]);
		loss[event][LOSS_MISSED] += halves[event];
	}
	for (const struct used_program *program = programs; program < programs + n; program++) {
		struct skips skips = {};

		if (!program->events) {
			skips_add(&skips, program);
			loss[first][LOSS_KEEPER] += missed(&skips, 0, 0);
		} else if (program->events & (program->events - 1)) {
			loss[__builtin_ctzll(program->events)][LOSS_SHARED] +=
				tell_shared(program, halves);
		}
	}
}
