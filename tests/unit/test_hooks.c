// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ladder: how a rung is chosen, and that the table agrees with itself and with the BPF object.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "model/events.h"
#include "model/hooks.h"
#include "rare_hooks.h"
#include "unit.h"

#define BPF_OBJECT "build/bpf/gmem.bpf.o"

/*
 * A kernel for tests: its functions, NULL-terminated, as "name" or, where the first argument
 * matters, "name(struct)".
 */
#define KERNEL(...) ((const char *const[]){ __VA_ARGS__, NULL })

static bool fake_has_hook(const struct hook *hook, void *ctx)
{
	const char *const *functions = ctx;
	char name[128];

	snprintf(name, sizeof(name), hook->arg0 ? "%s(%s)" : "%s", hook->function, hook->arg0);
	for (; *functions; functions++)
		if (!strcmp(*functions, name))
			return true;
	return false;
}

static const struct ladder sample = {
	.rungs = {
		{ "7.3", { { .program = "a", .function = "new_one" },
			   { .program = "b", .function = "new_two" } } },
		{ "7.0", { { .program = "a", .function = "same", .arg0 = "file" } } },
		{ "6.8", { { .program = "a", .function = "same", .arg0 = "inode" } } },
	},
};

static int choose(int from, const char *const *kernel)
{
	return ladder_choose(&sample, from, fake_has_hook, (void *)kernel);
}

static void test_newest_first(void **state)
{
	(void)state;
	assert_int_equal(choose(0, KERNEL("new_one", "new_two", "same(file)", "same(inode)")), 0);
	assert_int_equal(choose(0, KERNEL("same(file)", "same(inode)")), 1);
	assert_int_equal(choose(0, KERNEL("same(inode)")), 2);
}

/* What is asked of an event's function is asked of the one that was chosen. */
static void test_first_hook_of_the_rung_chosen(void **state)
{
	int rung = choose(0, KERNEL("same(file)"));

	(void)state;
	assert_ptr_equal(ladder_first_hook(&sample, rung), sample.rungs[1].hooks);
	assert_null(ladder_first_hook(&sample, choose(0, KERNEL("other"))));
}

static void test_all_hooks_or_none(void **state)
{
	(void)state;
	assert_int_equal(choose(0, KERNEL("new_one", "same(inode)")), 2);
	assert_int_equal(choose(0, KERNEL("new_two", "same(file)")), 1);
	assert_int_equal(choose(0, KERNEL("new_one")), -1);
}

static void test_first_argument_counts(void **state)
{
	(void)state;
	assert_int_equal(choose(0, KERNEL("same")), -1);
	assert_int_equal(choose(0, KERNEL("same(folio)")), -1);
}

static void test_from_a_rung_on(void **state)
{
	const char *const *all = KERNEL("new_one", "new_two", "same(file)", "same(inode)");

	(void)state;
	assert_int_equal(choose(1, all), 1);
	assert_int_equal(choose(2, all), 2);
	assert_int_equal(choose(3, all), -1);
	assert_int_equal(choose(EVENT_RUNGS, all), -1);
	assert_int_equal(choose(1, KERNEL("new_one", "new_two")), -1);
}

static void test_nothing_there(void **state)
{
	static const struct ladder none = {};
	const char *const nothing[] = { NULL };

	(void)state;
	assert_int_equal(choose(0, nothing), -1);
	assert_int_equal(ladder_choose(&none, 0, fake_has_hook, (void *)nothing), -1);
}

/* A rung and a ladder that are full end where their arrays do. */
static void test_full_tables(void **state)
{
	const char *const *kernel = KERNEL("there");
	struct ladder full = { .needs = 1 }; /* not the end of the last rung */

	(void)state;
	for (int rung = 0; rung < EVENT_RUNGS; rung++) {
		full.rungs[rung].since = "7.0";
		for (int hook = 0; hook < RUNG_HOOKS; hook++)
			full.rungs[rung].hooks[hook] =
				(struct hook){ .program = "p", .function = "missing" };
	}
	assert_int_equal(ladder_choose(&full, 0, fake_has_hook, (void *)kernel), -1);
	for (int hook = 0; hook < RUNG_HOOKS; hook++)
		full.rungs[EVENT_RUNGS - 1].hooks[hook].function = "there";
	assert_int_equal(ladder_choose(&full, 0, fake_has_hook, (void *)kernel), EVENT_RUNGS - 1);
}

/* Which rung each generation of kernels gets of those events that have several. */
static void test_generations(void **state)
{
	static const struct {
		enum gmem_event event;
		const char *since, *functions[4];
	} table[] = {
		{ EV_BIND, "6.8", { "kvm_gmem_bind" } },
		{ EV_BIND,
		  "7.3",
		  { "kvm_gmem_prepare_memory_region", "kvm_gmem_commit_memory_region",
		    "kvm_set_memslot" } },
		{ EV_ZAP, "6.8", { "kvm_gmem_invalidate_begin(kvm_gmem)", "kvm_unmap_gfn_range" } },
		{ EV_ZAP,
		  "6.18",
		  { "kvm_gmem_invalidate_begin(inode)", "kvm_unmap_gfn_range",
		    "__kvm_gmem_invalidate_begin(kvm_gmem)" } },
		{ EV_ZAP,
		  "6.19",
		  { "kvm_gmem_invalidate_begin(inode)", "kvm_unmap_gfn_range",
		    "__kvm_gmem_invalidate_begin(gmem_file)" } },
		{ EV_ZAP,
		  "7.2",
		  { "__kvm_gmem_invalidate_start(gmem_file)", "kvm_unmap_gfn_range" } },
		{ EV_PREPARE, "6.10", { "kvm_arch_gmem_prepare" } },
		{ EV_PREPARE, "7.3", { "kvm_arch_gmem_make_private" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct ladder *ladder = &ladders[table[i].event];
		int rung = ladder_choose(ladder, 0, fake_has_hook, (void *)table[i].functions);

		assert_true(rung >= 0);
		assert_string_equal(ladder->rungs[rung].since, table[i].since);
	}
}

static void test_needs_are_closed(void **state)
{
	(void)state;
	assert_int_equal(events_needed(0), 0);
	assert_int_equal(events_needed(1ULL << EV_CREATE), 1ULL << EV_CREATE);
	assert_int_equal(events_needed(1ULL << EV_NOTIFIER_HIT),
			 1ULL << EV_NOTIFIER_HIT | 1ULL << EV_NOTIFIER);
	/* Over three steps: poison needs zap, that needs what it is caused by, a hole goes with unbind. */
	assert_int_equal(events_needed(1ULL << EV_POISON),
			 1ULL << EV_POISON | 1ULL << EV_ZAP | 1ULL << EV_PUNCH_HOLE |
				 1ULL << EV_UNBIND | 1ULL << EV_RELEASE);
	for (int event = 0; event < NR_EVENTS; event++) {
		__u64 needed = events_needed(1ULL << event);

		assert_true(needed & 1ULL << event);
		assert_int_equal(events_needed(needed), needed);
		assert_false(ladders[event].needs & 1ULL << event);
		assert_int_equal(needed >> NR_EVENTS, 0);
	}
}

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
	for (int event = 0; event < NR_EVENTS; event++) {
		const struct rung *rung = ladders[event].rungs;

		assert_non_null(rung->since);
		for (int i = 0; i < EVENT_RUNGS && rung[i].since; i++) {
			assert_true(version(rung[i].since) >= 6008);
			assert_non_null(rung[i].hooks[0].program);
			/* What is in flight has no order yet. */
			if (i && strcmp(rung[i].since, "in flight"))
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

static void use_rung(struct object *object, const struct rung *rung)
{
	for (int i = 0; i < RUNG_HOOKS && rung->hooks[i].program; i++) {
		const struct hook *hook = &rung->hooks[i];

		if (hook->kind != HOOK_BOTH_ENDS) {
			use_program(object, hook->program, "");
			continue;
		}
		use_program(object, hook->program, "_entry");
		use_program(object, hook->program, "_exit");
		use_program(object, hook->program, "_session");
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
	for (int event = 0; event < NR_EVENTS; event++)
		for (int i = 0; i < EVENT_RUNGS && ladders[event].rungs[i].since; i++)
			use_rung(&object, &ladders[event].rungs[i]);
	use_rung(&object, &keeper_rung);
	use_program(&object, "rare", "_session");
	for (const struct hook *hook = optional_keepers; hook->program; hook++)
		use_program(&object, hook->program, "");
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
	static const char *const rare[] = {
#define X(name, ...) #name,
		RARE_HOOKS(X, X, X)
#undef X
	};

	(void)state;
	for (int i = 0; i < NR_RARE_HOOKS; i++) {
		bool found = rung_has(&keeper_rung, rare[i]);

		for (int event = 0; event < NR_EVENTS; event++)
			for (int rung = 0; rung < EVENT_RUNGS; rung++)
				found |= rung_has(&ladders[event].rungs[rung], rare[i]);
		if (!found)
			fail_msg("no ladder has the rare hook %s", rare[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_first),
		cmocka_unit_test(test_first_hook_of_the_rung_chosen),
		cmocka_unit_test(test_all_hooks_or_none),
		cmocka_unit_test(test_first_argument_counts),
		cmocka_unit_test(test_from_a_rung_on),
		cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_full_tables),
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_needs_are_closed),
		cmocka_unit_test(test_ladders_descend),
		cmocka_unit_test(test_programs_exist_and_are_used),
		cmocka_unit_test(test_rare_hooks_are_in_the_ladder),
	};

	return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
