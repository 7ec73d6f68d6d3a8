// SPDX-License-Identifier: GPL-2.0-only
/*
 * By the stack's id. kallsyms is read anew for stacks that are new, since modules and trampolines
 * come and go, and at most once for all that are seen together.
 */
#include "stack_names.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "gmem.h"
#include "symbols.h"

struct frames {
	char **v; /* NULL: not looked up yet */
	size_t n;
};

struct stack_names {
	const char *kallsyms;
	struct frames *stacks; /* by id */
	size_t nstacks;
	struct symbols *symbols; /* NULL: not read, or done with */
};

static void frames_free(struct frames *frames)
{
	for (size_t i = 0; i < frames->n; i++)
		free(frames->v[i]);
	free(frames->v);
	*frames = (struct frames){ 0 };
}

struct stack_names *stack_names_new(const char *kallsyms)
{
	struct stack_names *names = calloc(1, sizeof(*names));

	if (names)
		names->kallsyms = kallsyms;
	return names;
}

void stack_names_free(struct stack_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->nstacks; i++)
		frames_free(&names->stacks[i]);
	free(names->stacks);
	symbols_free(names->symbols);
	free(names);
}

void stack_names_done(struct stack_names *names)
{
	symbols_free(names->symbols);
	names->symbols = NULL;
}

static int read_symbols(struct stack_names *names)
{
	FILE *file;

	if (names->symbols)
		return 0;
	file = fopen(names->kallsyms, "re");
	if (!file)
		return -errno;
	names->symbols = symbols_read(file);
	fclose(file);
	return names->symbols ? 0 : -ENOMEM;
}

/* Our own programs, and the trampolines to them: nobody's concern. */
static bool is_bpf(const char *frame)
{
	return !strncmp(frame, "bpf_", 4) || !strncmp(frame, "__bpf_", 6);
}

/*
 * On arm64 a trampoline also leaves a record of the call that led to it, at the begin of the traced
 * function, whose own frame is @inner. Nothing else is called from there: it is no recursion.
 */
static bool is_call_of_ours(const char *frame, const char *inner)
{
	static const char call[] = "+0x8";
	size_t len = strcspn(inner, "+");

	return !strncmp(frame, inner, len) && !strncmp(frame + len, call, sizeof(call) - 1) &&
	       (!frame[len + sizeof(call) - 1] || frame[len + sizeof(call) - 1] == ' ');
}

static int look_up(struct stack_names *names, const __u64 *addresses, struct frames *frames)
{
	int err = read_symbols(names);
	bool behind_ours = false;
	char name[320];

	frames->v = err ? NULL : calloc(STACK_DEPTH, sizeof(*frames->v));
	if (!frames->v)
		return err ?: -ENOMEM;
	for (int i = 0; i < STACK_DEPTH && addresses[i]; i++) {
		/* Ours are not told from the others then: not even their number means anything. */
		if (symbols_hidden(names->symbols) && i)
			break;
		symbols_name(names->symbols, addresses[i], name, sizeof(name));
		if (is_bpf(name)) {
			behind_ours = true;
			continue;
		}
		if (behind_ours && frames->n && is_call_of_ours(name, frames->v[frames->n - 1]))
			continue;
		behind_ours = false;
		frames->v[frames->n] = strdup(name);
		if (!frames->v[frames->n++])
			return -ENOMEM;
	}
	return 0;
}

/* The place of @id, made if need be. NULL when out of memory. */
static struct frames *place(struct stack_names *names, __u32 id)
{
	size_t wanted = names->nstacks ?: 64;
	struct frames *grown;

	if (id < names->nstacks)
		return &names->stacks[id];
	while (wanted <= id)
		wanted *= 2;
	grown = reallocarray(names->stacks, wanted, sizeof(*grown));
	if (!grown)
		return NULL;
	memset(grown + names->nstacks, 0, (wanted - names->nstacks) * sizeof(*grown));
	names->stacks = grown;
	names->nstacks = wanted;
	return &grown[id];
}

static int copy(const struct frames *from, char ***frames, size_t *n)
{
	*n = 0;
	*frames = calloc(from->n + 1, sizeof(**frames));
	while (*frames && *n < from->n) {
		(*frames)[*n] = strdup(from->v[*n]);
		if (!(*frames)[(*n)++])
			return -ENOMEM;
	}
	return *frames ? 0 : -ENOMEM;
}

int stack_names_get(struct stack_names *names, __u32 id, const __u64 *addresses, char ***frames,
		    size_t *n)
{
	struct frames *found = place(names, id);
	int err = 0;

	if (!found)
		return -ENOMEM;
	if (!found->v)
		err = look_up(names, addresses, found);
	if (!err)
		return copy(found, frames, n);
	frames_free(found);
	return err;
}
