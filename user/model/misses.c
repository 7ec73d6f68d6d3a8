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

/* What programs know to be missed, of an event: an end without its begin, or a begin without its end. */
struct halves {
	__u64 seen, unended;
};

/*
 * How many were missed; what that explains is taken out of @halves. After the end of counting, an event still
 * under way is taken for one whose end was missed.
 */
static __u64 missed(const struct skips *skips, struct halves *halves)
{
	__u64 by_once = at_most(halves->seen, skips->once);
	__u64 begins = at_most(halves->seen - by_once, skips->ends);
	__u64 ends = at_most(halves->unended, skips->ends - begins);

	halves->seen -= by_once + begins;
	halves->unended -= ends;
	return (skips->ends + begins + ends + 1) / 2 + skips->once;
}

/* Of the programs that serve this event alone. What is left of its halves is a shared one's. */
static __u64 tell_own(const struct used_program *programs, size_t n, int event,
		      struct halves *halves)
{
	struct skips skips = {};

	for (size_t i = 0; i < n; i++)
		if (programs[i].events == 1ULL << event)
			skips_add(&skips, &programs[i]);
	return missed(&skips, halves);
}

/* What is known to be of one of its events is told of that, an end without its begin has been. */
static void tell_shared(const struct used_program *program, struct halves *halves,
			__u64 (*loss)[NR_LOSSES])
{
	__u64 left = program->skipped, unended;

	for (int event = 0; event < NR_EVENTS && program->ends; event++) {
		if (!(program->events >> event & 1))
			continue;
		left -= at_most(halves[event].seen, left);
		halves[event].seen = 0;
		unended = at_most(halves[event].unended, left);
		halves[event].unended -= unended;
		loss[event][LOSS_MISSED] += unended;
		left -= unended;
	}
	loss[__builtin_ctzll(program->events)][LOSS_SHARED] +=
		program->ends ? (left + 1) / 2 : left;
}

static __u64 tell_keeper(const struct used_program *program)
{
	struct halves none = {};
	struct skips skips = {};

	skips_add(&skips, program);
	return missed(&skips, &none);
}

void misses_tell(const struct used_program *programs, size_t n, const __u64 *unended,
		 enum gmem_event first, __u64 (*loss)[NR_LOSSES])
{
	struct halves halves[NR_EVENTS];

	for (int event = 0; event < NR_EVENTS; event++) {
		halves[event] = (struct halves){ loss[event][LOSS_MISSED], unended[event] };
		loss[event][LOSS_MISSED] = tell_own(programs, n, event, &halves[event]);
		loss[event][LOSS_MISSED] += halves[event].seen;
	}
	for (const struct used_program *program = programs; program < programs + n; program++) {
		if (!program->events)
			loss[first][LOSS_KEEPER] += tell_keeper(program);
		else if (program->events & (program->events - 1))
			tell_shared(program, halves, loss);
	}
}
