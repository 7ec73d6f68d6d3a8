// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ladders: that the table agrees with itself and with the BPF object.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "model/hooks.h"
#include "rare_hooks.h"
#include "unit.h"

#define BPF_OBJECT "build/bpf/gmem.bpf.o"

/* "7.3" as 7003; what is in flight is newer than all. */
static int version(const char *since)
{
	int major, minor;

	if (!strcmp(since, "in flight"))
		return 1000000;
	assert_int_equal(sscanf(since, "%d.%d", &major, &minor), 2);
	return major * 1000 + minor;
}

static void test_ladders_descend(void **state)
{
	(void)state;
	for (int ladder = 0; ladder < NR_LADDERS; ladder++) {
		const struct rung *rung = ladders[ladder].rungs;

		assert_non_null(rung->since);
		for (int i = 0; i < EVENT_RUNGS && rung[i].since; i++) {
			assert_true(version(rung[i].since) >= 6008);
			assert_non_null(rung[i].hooks[0].program);
			/*
			 * What is in flight has no order yet; neither have functions of which an
			 * architecture has only one.
			 */
			if (i && strcmp(rung[i].since, "in flight") && ladder != KEEPER_SLOT_ZAP)
				assert_true(version(rung[i].since) < version(rung[i - 1].since));
		}
	}
}

/* The BPF object's programs, each with whether the ladder has named it. */
struct object {
	struct bpf_object *bpf;
	const char *names[256];
	bool used[256];
	size_t count;
};

static void use_program(struct object *object, const char *stem, const char *suffix)
{
	char name[128];

	snprintf(name, sizeof(name), "%s%s", stem, suffix);
	for (size_t i = 0; i < object->count; i++)
		if (!strcmp(object->names[i], name)) {
			object->used[i] = true;
			return;
		}
	fail_msg("the ladder names program %s, which is not in " BPF_OBJECT, name);
}

static const char *const rare[] = {
#define X(name, ...) #name,
	RARE_HOOKS(X, X)
#undef X
};

static bool is_rare(const char *program)
{
	for (int i = 0; i < NR_RARE_HOOKS; i++)
		if (!strcmp(rare[i], program))
			return true;
	return false;
}

/* Programs by trampoline, and a probe of its own or that of all that are rare. */
static void use_rung(struct object *object, const struct rung *rung)
{
	for (int i = 0; i < RUNG_HOOKS && rung->hooks[i].program; i++) {
		const struct hook *hook = &rung->hooks[i];

		if (hook->kind == HOOK_BOTH_ENDS) {
			use_program(object, hook->program, "_entry");
			use_program(object, hook->program, "_exit");
			use_program(object, hook->program, "_session");
		} else {
			use_program(object, hook->program, "");
		}
		if (hook->kind != HOOK_TRACEPOINT)
			use_program(object, is_rare(hook->program) ? "rare" : hook->program,
				    "_probe");
		if (is_rare(hook->program))
			use_program(object, "rare", "_session");
	}
}

static int no_print(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static bool object_open(struct object *object)
{
	struct bpf_program *prog;

	libbpf_set_print(no_print);
	if (access(BPF_OBJECT, R_OK))
		return false;
	object->bpf = bpf_object__open_file(BPF_OBJECT, NULL);
	assert_non_null(object->bpf);
	bpf_object__for_each_program(prog, object->bpf)
	{
		assert_true(object->count < ARRAY_SIZE(object->names));
		object->names[object->count++] = bpf_program__name(prog);
	}
	return true;
}

static void test_programs_exist_and_are_used(void **state)
{
	struct object object = {};

	(void)state;
	if (!object_open(&object))
		skip();
	for (int ladder = 0; ladder < NR_LADDERS; ladder++)
		for (int i = 0; i < EVENT_RUNGS && ladders[ladder].rungs[i].since; i++)
			use_rung(&object, &ladders[ladder].rungs[i]);
	for (size_t i = 0; i < object.count; i++)
		if (!object.used[i])
			fail_msg("no ladder names program %s", object.names[i]);
	bpf_object__close(object.bpf);
}

static bool rung_has(const struct rung *rung, const char *program)
{
	for (int i = 0; i < RUNG_HOOKS && rung->hooks[i].program; i++)
		if (!strcmp(rung->hooks[i].program, program))
			return true;
	return false;
}

/* A rare hook of another name than the ladder's would have no program of its own. */
static void test_rare_hooks_are_in_the_ladder(void **state)
{
	(void)state;
	for (int i = 0; i < NR_RARE_HOOKS; i++) {
		bool found = false;

		for (int ladder = 0; ladder < NR_LADDERS; ladder++)
			for (int rung = 0; rung < EVENT_RUNGS; rung++)
				found |= rung_has(&ladders[ladder].rungs[rung], rare[i]);
		if (!found)
			fail_msg("no ladder has the rare hook %s", rare[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ladders_descend),
		cmocka_unit_test(test_programs_exist_and_are_used),
		cmocka_unit_test(test_rare_hooks_are_in_the_ladder),
	};

	return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
