// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which rung is taken on a kernel that has these functions and refuses those, and what is said of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "model/events.h"
#include "model/ladder.h"
#include "unit.h"

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
		{ EV_PREPARE, "6.11", { "kvm_arch_gmem_prepare" } },
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

/* A kernel for tests that has all but these functions. */
struct fake_kernel {
	const char *without[4];
};

static bool fake_has_all_but(const struct hook *hook, void *ctx)
{
	const struct fake_kernel *kernel = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(kernel->without) && kernel->without[i]; i++)
		if (!strcmp(kernel->without[i], hook->function))
			return false;
	return true;
}

#define WITHOUT(...) (&(struct fake_kernel){ { __VA_ARGS__ } })
#define ONLY(event) (1ULL << EV_##event)

static struct choice made(__u64 events, struct fake_kernel *kernel)
{
	struct choice choice;

	choice_make(&choice, events, fake_has_all_but, kernel);
	return choice;
}

static void assert_gone(const struct choice *choice, int ladder, const char *reason)
{
	assert_null(choice_rung(choice, ladder));
	assert_string_equal(choice->states[ladder].reason, reason);
}

static void assert_since(const struct choice *choice, int ladder, const char *since)
{
	assert_non_null(choice_rung(choice, ladder));
	assert_string_equal(choice_rung(choice, ladder)->since, since);
}

/* What is wanted, what that needs, and the keepers; of nothing else is anything said. */
static void test_choice_is_of_what_is_needed(void **state)
{
	struct choice choice = made(ONLY(POISON), WITHOUT(NULL));

	(void)state;
	assert_true(choice.states[EV_POISON].wanted);
	assert_false(choice.states[EV_ZAP].wanted);
	assert_since(&choice, EV_POISON, "6.8");
	assert_since(&choice, EV_ZAP, "7.2");
	assert_gone(&choice, EV_CREATE, "");
	for (int keeper = NR_EVENTS; keeper < NR_LADDERS; keeper++)
		assert_since(&choice, keeper, "6.8");
	assert_int_equal(choice_missing_keeper(&choice), -1);
}

static void test_reasons_name_what_is_missing(void **state)
{
	struct choice choice;

	(void)state;
	choice = made(ONLY(BIND), WITHOUT("kvm_gmem_commit_memory_region", "kvm_gmem_bind"));
	assert_gone(&choice, EV_BIND,
		    "not in this kernel: kvm_gmem_commit_memory_region, kvm_gmem_bind (since 6.8)");
	/* What is in flight is missed only where nothing else is. */
	choice = made(ONLY(POPULATE), WITHOUT("kvm_gmem_populate", "kvm_gmem_write_begin"));
	assert_gone(&choice, EV_POPULATE, "not in this kernel: kvm_gmem_populate (since 6.11)");
	choice = made(ONLY(DIRECT_MAP_ZAP),
		      WITHOUT("kvm_gmem_folio_zap_direct_map", "folio_zap_direct_map"));
	assert_gone(&choice, EV_DIRECT_MAP_ZAP,
		    "not in this kernel: folio_zap_direct_map (in no released one)");
}

static void test_dependents_go_with_what_they_need(void **state)
{
	struct choice choice = made(ONLY(POISON) | ONLY(FREE), WITHOUT("kvm_gmem_release"));

	(void)state;
	assert_gone(&choice, EV_RELEASE, "not in this kernel: kvm_gmem_release (since 6.8)");
	assert_gone(&choice, EV_FREE, "needs release, which is unavailable");
	assert_gone(&choice, EV_ZAP, "needs release, which is unavailable");
	assert_gone(&choice, EV_POISON, "needs zap, which is unavailable");
	assert_since(&choice, EV_PUNCH_HOLE, "6.8");
}

/* What gives an event its context where there is any is not needed. */
static void test_without_what_it_goes_with(void **state)
{
	struct choice choice = made(ONLY(PUNCH_HOLE), WITHOUT("kvm_gmem_unbind"));

	(void)state;
	assert_null(choice_rung(&choice, EV_UNBIND));
	assert_since(&choice, EV_PUNCH_HOLE, "6.8");
}

static void refuse(struct choice *choice, int ladder, enum failure failure, int err)
{
	choice_refuse(choice, ladder, choice_rung(choice, ladder)->hooks, failure, err);
}

/* Refused, it goes to the next rung that is there; from the last, with the reason of that. */
static void test_down_a_rung_after_a_refusal(void **state)
{
	struct choice choice = made(ONLY(ZAP), WITHOUT(NULL));

	(void)state;
	refuse(&choice, EV_ZAP, FAILED_TO_LOAD, -EINVAL);
	assert_since(&choice, EV_ZAP, "6.19");
	refuse(&choice, EV_ZAP, FAILED_TO_LOAD, -EINVAL);
	refuse(&choice, EV_ZAP, FAILED_TO_LOAD, -EINVAL);
	assert_since(&choice, EV_ZAP, "6.8");
	refuse(&choice, EV_ZAP, FAILED_TO_LOAD, -ENOENT);
	assert_gone(&choice, EV_ZAP,
		    "kvm_gmem_invalidate_begin is in BTF but not a function of its own (inlined)");
	/* A rung that this kernel has not is stepped over. */
	choice = made(ONLY(ZAP), WITHOUT("__kvm_gmem_invalidate_begin"));
	refuse(&choice, EV_ZAP, FAILED_TO_LOAD, -EINVAL);
	assert_since(&choice, EV_ZAP, "6.8");
}

static void test_reasons_of_refusals(void **state)
{
	static const struct {
		enum failure failure;
		int err;
		const char *reason;
	} table[] = {
		{ FAILED_TO_LOAD, -ENOENT,
		  "kvm_gmem_create is in BTF but not a function of its own (inlined)" },
		{ FAILED_TO_ATTACH, -ESRCH,
		  "kvm_gmem_create is in BTF but not a function of its own (inlined)" },
		{ FAILED_TO_ATTACH, -E2BIG,
		  "kvm_gmem_create has no place for a program: other tracers hold all of them" },
		{ FAILED_TO_LOAD, -E2BIG,
		  "kvm_gmem_create cannot be attached to: Argument list too long" },
		{ FAILED_TO_ATTACH, -EBUSY,
		  "kvm_gmem_create cannot be attached to: Device or resource busy" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct choice choice = made(ONLY(CREATE), WITHOUT(NULL));

		refuse(&choice, EV_CREATE, table[i].failure, table[i].err);
		assert_gone(&choice, EV_CREATE, table[i].reason);
	}
}

/* A hook that cannot be attached is refused to all who share its program. */
static void test_a_hook_is_refused_to_all(void **state)
{
	struct choice choice = made(ONLY(ALLOCATE) | ONLY(NOTIFIER_HIT) | ONLY(ZAP), WITHOUT(NULL));
	const struct hook *fallocate = choice_rung(&choice, EV_ALLOCATE)->hooks;

	(void)state;
	assert_true(choice_refuse_hook(&choice, fallocate, -EBUSY));
	assert_gone(&choice, EV_ALLOCATE,
		    "kvm_gmem_fallocate cannot be attached to: Device or resource busy");
	assert_gone(&choice, EV_PUNCH_HOLE,
		    "kvm_gmem_fallocate cannot be attached to: Device or resource busy");
	assert_non_null(choice_rung(&choice, EV_ZAP));
	choice_settle(&choice);
	assert_gone(&choice, EV_ZAP, "needs punch_hole, which is unavailable");
	assert_non_null(choice_rung(&choice, EV_NOTIFIER_HIT));
	assert_false(choice_refuse_hook(&choice, fallocate, -EBUSY));
}

/* Some keepers are needed, and say why they are not there; the others are not. */
static void test_keepers(void **state)
{
	struct choice choice =
		made(ONLY(CREATE), WITHOUT("kvm_mmu_zap_all_fast", "kvm_arch_flush_shadow_memslot",
					   "proc_sys_write"));

	(void)state;
	assert_null(choice_rung(&choice, KEEPER_SLOT_ZAP));
	assert_null(choice_rung(&choice, KEEPER_SWITCHED_OFF));
	assert_int_equal(choice_missing_keeper(&choice), -1);
	choice = made(ONLY(CREATE), WITHOUT("kvm_mmu_zap_all_fast"));
	assert_string_equal(choice_rung(&choice, KEEPER_SLOT_ZAP)->hooks[0].program, "slot_flush");
	choice = made(ONLY(CREATE), WITHOUT("kvm_destroy_vm"));
	assert_int_equal(choice_missing_keeper(&choice), KEEPER_VM_DESTROY);
	assert_gone(&choice, KEEPER_VM_DESTROY, "not in this kernel: kvm_destroy_vm (since 6.8)");
	choice = made(ONLY(CREATE), WITHOUT(NULL));
	assert_true(choice_refuse_hook(&choice, choice_rung(&choice, KEEPER_SLOT_COMMIT)->hooks,
				       -ENOENT));
	assert_int_equal(choice_missing_keeper(&choice), KEEPER_SLOT_COMMIT);
	for (int ladder = 0; ladder < NR_EVENTS; ladder++)
		assert_null(ladders[ladder].keeps);
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
		cmocka_unit_test(test_choice_is_of_what_is_needed),
		cmocka_unit_test(test_reasons_name_what_is_missing),
		cmocka_unit_test(test_dependents_go_with_what_they_need),
		cmocka_unit_test(test_without_what_it_goes_with),
		cmocka_unit_test(test_down_a_rung_after_a_refusal),
		cmocka_unit_test(test_reasons_of_refusals),
		cmocka_unit_test(test_a_hook_is_refused_to_all),
		cmocka_unit_test(test_keepers),
	};

	return cmocka_run_group_tests_name("ladder", tests, NULL, NULL);
}
