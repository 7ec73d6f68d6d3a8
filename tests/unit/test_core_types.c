// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is cut out of the kernel's BTF: enough to find each field where the kernel has it.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/btf.h>
#include "live/core_types.h"
#include "unit.h"

/* A type of each kind that is copied in its own way, in the module "task" once more. */
struct kernel {
	struct btf *base, *module, *local, *cut;
};

static void base_types(struct btf *base)
{
	int number = btf__add_int(base, "int", 4, BTF_INT_SIGNED);
	int other = btf__add_struct(base, "other", 64);
	int pointer = btf__add_ptr(base, other);
	int numbers = btf__add_array(base, number, number, 5);
	int inner = btf__add_union(base, NULL, 20);
	int typedefed, qualified;

	btf__add_field(base, "numbers", numbers, 0, 0);
	typedefed = btf__add_typedef(base, "inner_t", inner);
	qualified = btf__add_const(base, typedefed);
	btf__add_struct(base, "task", 40);
	btf__add_field(base, "flag", number, 3, 1);
	btf__add_field(base, "file", pointer, 64, 0);
	btf__add_field(base, "inner", qualified, 128, 0);
}

static int kernel_setup(void **state)
{
	static struct kernel kernel;
	char path[32];
	int fd = memfd_create("types", 0);

	kernel.base = btf__new_empty();
	base_types(kernel.base);
	kernel.module = btf__new_empty_split(kernel.base);
	btf__add_struct(kernel.module, "task", 8);
	btf__add_struct(kernel.module, "gmem", 16);
	btf__add_field(kernel.module, "task", btf__find_by_name(kernel.base, "task"), 0, 0);
	kernel.local = btf__new_empty();
	btf__add_struct(kernel.local, "task", 0);
	btf__add_struct(kernel.local, "gmem", 0);
	btf__add_struct(kernel.local, "unknown", 0);
	assert_int_equal(core_types_write(fd, kernel.module, kernel.local), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	kernel.cut = btf__parse(path, NULL);
	assert_non_null(kernel.cut);
	close(fd);
	*state = &kernel;
	return 0;
}

static int kernel_teardown(void **state)
{
	struct kernel *kernel = *state;

	btf__free(kernel->cut);
	btf__free(kernel->local);
	btf__free(kernel->module);
	btf__free(kernel->base);
	return 0;
}

static const struct btf_type *cut_type(void **state, const char *name)
{
	const struct kernel *kernel = *state;

	return btf__type_by_id(kernel->cut, btf__find_by_name(kernel->cut, name));
}

static void test_members(void **state)
{
	const struct kernel *kernel = *state;
	const struct btf_type *task = cut_type(state, "task");
	const struct btf_member *inner = btf_members(task) + 2;

	assert_int_equal(task->size, 40); /* the base's, not the module's */
	assert_int_equal(btf_vlen(task), 3);
	assert_int_equal(btf_member_bit_offset(task, 0), 3);
	assert_int_equal(btf_member_bitfield_size(task, 0), 1);
	assert_int_equal(btf_member_bit_offset(task, 1), 64);
	assert_int_equal(btf__resolve_size(kernel->cut, btf_members(task)[1].type), 8);
	assert_int_equal(btf_member_bit_offset(task, 2), 128);
	assert_int_equal(btf__resolve_size(kernel->cut, inner->type), 20);
	task = btf__type_by_id(kernel->cut, inner->type);
	assert_true(btf_is_union(task));
	task = btf__type_by_id(kernel->cut, btf_members(task)->type);
	assert_int_equal(btf_array(task)->nelems, 5);
}

static void test_module_has_types_of_the_base(void **state)
{
	const struct kernel *kernel = *state;
	const struct btf_type *gmem = cut_type(state, "gmem");

	assert_int_equal(btf_members(gmem)->type, btf__find_by_name(kernel->cut, "task"));
}

static void test_only_what_is_wanted(void **state)
{
	const struct kernel *kernel = *state;
	int tasks = 0;

	assert_true(btf__find_by_name(kernel->cut, "other") < 0);
	assert_true(btf__find_by_name(kernel->cut, "unknown") < 0);
	for (__u32 id = 1; id < btf__type_cnt(kernel->cut); id++) {
		const struct btf_type *type = btf__type_by_id(kernel->cut, id);

		tasks += btf_is_struct(type) && type->size == 8;
	}
	assert_int_equal(tasks, 0);
}

static void test_no_room(void **state)
{
	const struct kernel *kernel = *state;

	assert_true(core_types_write(-1, kernel->module, kernel->local) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_module_has_types_of_the_base),
		cmocka_unit_test(test_only_what_is_wanted),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests_name("core_types", tests, kernel_setup, kernel_teardown);
}
