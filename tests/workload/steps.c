// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading steps from the command line and running them: see steps.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "account.h"
#include "load.h"
#include "steps.h"

struct word {
	const char *name;
	int64_t value;
};

static const struct word all_words[] = { { "all", KEY_ALL }, {} };
static const struct word slot_words[] = { { "all", KEY_ALL }, { "plain", KEY_PLAIN }, {} };
static const struct word vcpu_words[] = { { "all", 0 }, {} };
static const struct word prot_words[] = {
	{ "none", PROT_NONE }, { "r", PROT_READ }, { "rw", PROT_READ | PROT_WRITE }, {}
};
static const struct word to_words[] = { { "private", 1 }, { "shared", 0 }, {} };
static const struct word by_words[] = { { "ioctl", 0 }, { "guest", 1 }, {} };
static const struct word advice_words[] = { { "dontneed", MADV_DONTNEED },
					    { "remove", MADV_REMOVE },
					    {} };

static const struct {
	const char *name;
	const struct word *words; /* instead of a number */
	bool words_only;
	const char *help;
} keys[KEY_NR] = {
	[KEY_VM] = { "vm", all_words, false, "index of the VM, or all (default)" },
	[KEY_SLOT] = { "slot", slot_words, false,
		       "id of the memslot, all (default), or plain: ordinary memory" },
	[KEY_GMEM] = { "gmem", NULL, false, "index of the guest_memfd, instead of a slot" },
	[KEY_FIRST] = { "first", NULL, false, "first page of the slot or guest_memfd (0)" },
	[KEY_PAGES] = { "pages", NULL, false, "number of pages (all from first on)" },
	[KEY_REPEAT] = { "repeat", NULL, false, "passes over the pages (1)" },
	[KEY_WRITE] = { "write", NULL, false, "1 to write, 0 to read (0)" },
	[KEY_VCPUS] = { "vcpus", vcpu_words, false,
			"split over so many vCPUs in parallel, or all (1)" },
	[KEY_OVERLAP] = { "overlap", NULL, false, "1: a range that is bound already" },
	[KEY_BEYOND] = { "beyond", NULL, false, "1: a range that leaves the file" },
	[KEY_PROT] = { "prot", prot_words, true, "none, r or rw (r)" },
	[KEY_ADVICE] = { "advice", advice_words, true, "dontneed (default) or remove" },
	[KEY_MS] = { "ms", NULL, false, "milliseconds (100)" },
	[KEY_SIZE] = { "size", NULL, false, "bytes (as many as a slot)" },
	[KEY_FLAGS] = { "flags", NULL, false, "flags of the guest_memfd (the best there are)" },
	[KEY_TO] = { "to", to_words, true, "private (default) or shared" },
	[KEY_BY] = { "by", by_words, true, "ioctl (default), or guest: it asks by hypercall" },
	[KEY_ANSWER] = { "answer", NULL, false,
			 "1: answer KVM_EXIT_MEMORY_FAULT by converting the page, and go on" },
	[KEY_NODE] = { "node", NULL, false, "NUMA node (0)" },
	[KEY_BALANCING] = { "balancing", NULL, false,
			    "1: let automatic NUMA balancing look at the pages" },
	[KEY_EXPECT] = { "expect", NULL, true, "the error it must end with, e.g. EINVAL" },
};

static int parse_value(enum key key, const char *text, int64_t *value)
{
	const struct word *word = keys[key].words;
	char *end;

	for (; word && word->name; word++) {
		if (strcmp(word->name, text) == 0) {
			*value = word->value;
			return 0;
		}
	}
	if (key == KEY_EXPECT)
		*value = error_number(text);
	else
		*value = strtoll(text, &end, 0);
	if (key == KEY_EXPECT)
		return *value < 0 ? -EINVAL : 0;
	return keys[key].words_only || end == text || *end || *value < 0 ? -EINVAL : 0;
}

static int parse_key(struct step *step, char *text)
{
	char *value = strchr(text, '=');

	if (value)
		*value++ = '\0';
	for (int key = 0; value && key < KEY_NR; key++)
		if (strcmp(keys[key].name, text) == 0 && step->verb->keys & 1U << key)
			return parse_value(key, value, &step->key[key]);
	return -EINVAL;
}

static const struct verb *find_verb(const char *text, size_t length)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (strlen(verb->name) == length && strncmp(verb->name, text, length) == 0)
			return verb;
	return NULL;
}

int step_parse(struct step *step, const char *text)
{
	size_t length = strcspn(text, ":");
	char *copy, *pos, *word;
	int err = 0;

	*step = (struct step){ .text = text, .verb = find_verb(text, length) };
	for (int key = 0; key < KEY_NR; key++)
		step->key[key] = KEY_ALL;
	if (!step->verb) {
		fprintf(stderr, "gmemload: no such step: %s. See gmemload --help.\n", text);
		return -EINVAL;
	}
	copy = pos = strdup(text[length] ? text + length + 1 : "");
	if (!copy)
		return -ENOMEM;
	while (!err && (word = strsep(&pos, ",")))
		if (*word)
			err = parse_key(step, word);
	if (err)
		fprintf(stderr, "gmemload: wrong key or value in step %s. See gmemload --help.\n",
			text);
	free(copy);
	return err;
}

int64_t step_key(const struct step *step, enum key key, int64_t def)
{
	return step->key[key] == KEY_ALL ? def : step->key[key];
}

static bool as_expected(const struct step *step, int err)
{
	int64_t wanted = step_key(step, KEY_EXPECT, 0);

	if (wanted)
		return err == -wanted;
	/* Which error a bad binding gets has changed over the versions: any will do. */
	if (step_key(step, KEY_OVERLAP, 0) || step_key(step, KEY_BEYOND, 0))
		return err;
	return !err;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

void step_run(struct load *load, struct step *step)
{
	uint64_t cpu_before = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t before = now_ns(CLOCK_MONOTONIC);
	int err;

	if (step->unavailable)
		return;
	err = step->verb->run(load, step);
	if (step->unavailable)
		return;
	step->cpu_ns += now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;
	step->elapsed_ns += now_ns(CLOCK_MONOTONIC) - before;
	step->runs++;
	if (step->unexpected)
		return;
	step->err = -err;
	step->unexpected = !as_expected(step, err);
}

void steps_help(FILE *file)
{
	fprintf(file, "Steps:\n");
	for (const struct verb *verb = verbs; verb->name; verb++)
		fprintf(file, "  %-10s %s\n", verb->name, verb->help);
	fprintf(file, "\nKeys:\n");
	for (int key = 0; key < KEY_NR; key++)
		fprintf(file, "  %-10s %s\n", keys[key].name, keys[key].help);
}
