/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One run of gmemload: the machine, its threads, the steps it was told, and what could not be done.
 * Included by gmemload.c, load.c, steps.c, verbs.c and report.c.
 */
#ifndef GMEMLOAD_LOAD_H
#define GMEMLOAD_LOAD_H

#include "crew.h"
#include "machine.h"
#include "steps.h"

#define MAX_UNAVAILABLE 64
#define REASON_BYTES 160

struct load {
	struct machine machine;
	struct crew crew;
	struct step *steps;
	unsigned int nsteps;
	unsigned int nunavailable;
	struct {
		const char *step;
		char reason[REASON_BYTES];
	} unavailable[MAX_UNAVAILABLE];
};

/* Notes that `step` cannot be done on this kernel or machine, once for each step. */
void load_unavailable(struct load *load, const char *step, const char *reason, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Makes one VM with its gmems, mappings and slots, as far as the kernel allows. Returns 0 or a
 * negative errno.
 */
int load_vm(struct load *load);

#endif
