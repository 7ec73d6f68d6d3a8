// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bindings are found as a search through all slots finds them, in the slots' order.
 */
#include <stdlib.h>
#include "report/report_bindings.h"
#include "unit.h"

#define NR_VMS 3
#define NR_SLOTS 200
#define NR_INOS 40 /* of which some are of no slot */

/* The same in each run. */
static unsigned int dice(unsigned int sides)
{
	static unsigned int state = 1;

	state = state * 1103515245 + 12345;
	return (state >> 16) % sides;
}

static void make_slots(struct vm *vm)
{
	vm->nslots = NR_SLOTS;
	vm->slots = calloc(NR_SLOTS, sizeof(*vm->slots));
	assert_non_null(vm->slots);
	for (int i = 0; i < NR_SLOTS; i++) {
		vm->slots[i].info.id = i;
		vm->slots[i].info.ino = dice(NR_INOS - 3);
		vm->slots[i].exists = dice(4);
	}
}

static void expect_bindings(const struct snapshot *snap, const struct bindings *bindings,
			    const struct gmem *gmem)
{
	const struct vm *vm = gmem->vm < snap->nvms ? &snap->vms[gmem->vm] : NULL;
	size_t n, at = 0;
	const struct binding *found = bindings_of(bindings, gmem, &n);

	for (size_t i = 0; vm && i < vm->nslots; i++)
		if (vm->slots[i].exists && vm->slots[i].info.ino == gmem->info.ino) {
			assert_true(at < n);
			assert_ptr_equal(found[at++].slot, &vm->slots[i]);
		}
	assert_int_equal(at, n);
}

static void test_as_searched(void **state)
{
	struct vm vms[NR_VMS] = {};
	const struct snapshot snap = { .vms = vms, .nvms = NR_VMS };
	struct bindings bindings;

	(void)state;
	for (int i = 0; i < NR_VMS; i++)
		make_slots(&vms[i]);
	assert_int_equal(bindings_make(&bindings, &snap), 0);
	for (__u32 vm = 0; vm <= NR_VMS; vm++)
		for (__u64 ino = 0; ino < NR_INOS; ino++) {
			const struct gmem gmem = { .vm = vm, .info.ino = ino };

			expect_bindings(&snap, &bindings, &gmem);
		}
	bindings_free(&bindings);
	for (int i = 0; i < NR_VMS; i++)
		free(vms[i].slots);
}

static void test_nothing(void **state)
{
	const struct snapshot snap = {};
	const struct gmem gmem = {};
	struct bindings bindings;
	size_t n;

	(void)state;
	assert_int_equal(bindings_make(&bindings, &snap), 0);
	bindings_of(&bindings, &gmem, &n);
	assert_int_equal(n, 0);
	bindings_free(&bindings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_searched),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
