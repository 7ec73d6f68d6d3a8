/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steps: `verb:key=value,...` on the command line, and the tables of verbs and keys that describe
 * them. What the verbs do is in verbs.c. Included by load.h.
 */
#ifndef GMEMLOAD_STEPS_H
#define GMEMLOAD_STEPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum key {
	KEY_VM,
	KEY_SLOT,
	KEY_GMEM,
	KEY_FIRST,
	KEY_PAGES,
	KEY_REPEAT,
	KEY_WRITE,
	KEY_VCPUS,
	KEY_OVERLAP,
	KEY_BEYOND,
	KEY_PROT,
	KEY_ADVICE,
	KEY_MS,
	KEY_SIZE,
	KEY_FLAGS,
	KEY_TO,
	KEY_BY,
	KEY_ANSWER,
	KEY_NODE,
	KEY_BALANCING,
	KEY_EXPECT,
	KEY_NR,
};

/* The value of a key that was not given, and of "all". */
#define KEY_ALL (-1)

/* slot=plain: the ordinary memory of the VM. */
#define KEY_PLAIN (-2)

struct load;
struct step;

struct verb {
	const char *name;
	uint32_t keys; /* 1 << KEY_* that it takes */
	/* Returns 0 or the negative errno the kernel answered; or sets step->unavailable. */
	int (*run)(struct load *load, struct step *step);
	const char *help;
};

struct step {
	const char *text;
	const struct verb *verb;
	int64_t key[KEY_NR];
	uint64_t runs;
	uint64_t cpu_ns; /* of all threads, in all runs */
	uint64_t elapsed_ns; /* likewise */
	int err; /* what its first unexpected run got, or else its last; positive */
	bool unexpected; /* an error that nobody asked for, or none where one was asked for */
	bool unavailable;
};

/* In verbs.c; ends with a verb without a name. */
extern const struct verb verbs[];

/* Returns 0, or -EINVAL after saying on stderr what is wrong with the text. */
int step_parse(struct step *step, const char *text);

/* Runs it and notes in it how it went. */
void step_run(struct load *load, struct step *step);

/* The value of a key, or def when it was not given. */
int64_t step_key(const struct step *step, enum key key, int64_t def);

void steps_help(FILE *file);

#endif
