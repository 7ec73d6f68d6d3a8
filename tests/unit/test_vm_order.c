// SPDX-License-Identifier: GPL-2.0-only
/*
 * The numbers of VMs: as the inventory lists them, then as they are met, and then the same for ever.
 */
#include <string.h>
#include "model/vm_order.h"
#include "sample.h"
#include "unit.h"

struct fixture {
	struct sample sample;
	struct vm_order order;
};

static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	sample_empty(&fixture.sample);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	sample_free(&fixture->sample);
	vm_order_free(&fixture->order);
	return 0;
}

static void add(struct fixture *fixture, __u64 kvm, __u32 owner)
{
	struct vm *vm = sample_add_vm(&fixture->sample, "qemu", 7);

	vm->info.kvm = kvm;
	vm->owner = owner;
}

/* "a0 b1 c5": VMs by the last digit of their struct kvm, and their numbers. Begins another snapshot. */
static const char *ordered(struct fixture *fixture)
{
	struct snapshot *snap = &fixture->sample.snap;
	static char text[128];
	size_t len = 0;

	assert_int_equal(vm_order_apply(&fixture->order, snap), 0);
	text[0] = 0;
	for (size_t i = 0; i < snap->nvms; i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%x%u", i ? " " : "",
				(unsigned int)snap->vms[i].info.kvm & 15, snap->vms[i].number);
	sample_free(&fixture->sample);
	sample_empty(&fixture->sample);
	return text;
}

/* Which of them has events first does not matter. */
static void test_as_listed(void **state)
{
	struct fixture *fixture = *state;

	for (__u64 kvm = 0xa; kvm <= 0xc; kvm++)
		assert_int_equal(vm_order_add(&fixture->order, kvm), 0);
	add(fixture, 0xc, 2);
	assert_string_equal(ordered(fixture), "c2");
	add(fixture, 0xc, 2);
	add(fixture, 0xa, 9);
	add(fixture, 0xb, 0);
	assert_string_equal(ordered(fixture), "a0 b1 c2");
	/* One that comes later comes last, and one that goes leaves the others' numbers alone. */
	add(fixture, 0xc, 2);
	add(fixture, 0xd, 12);
	add(fixture, 0xb, 0);
	assert_string_equal(ordered(fixture), "b1 c2 d3");
}

/* First only the inventory knows it, then there are events of it. */
static void test_met_later(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, 0xa, 2);
	add(fixture, 0xb, 0);
	assert_string_equal(ordered(fixture), "a0 b1");
	add(fixture, 0xa, 2);
	add(fixture, 0xd, 3);
	add(fixture, 0xb, 4);
	assert_string_equal(ordered(fixture), "a0 b1 d2");
}

static void test_address_used_again(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(vm_order_add(&fixture->order, 0xa), 0);
	for (int i = 0; i < 2; i++) {
		add(fixture, 0xb, 2);
		add(fixture, 0xa, 3);
		add(fixture, 0xa, 4);
		add(fixture, 0xa, 0);
		assert_string_equal(ordered(fixture), "a0 b1 a2 a3");
	}
}

/* What points to a VM goes on pointing to it. */
static void test_belongings(void **state)
{
	const struct stack_count stack = { .event = EV_ZAP, .vm = 0, .count = 1 };
	const struct stack_count host = { .event = EV_ZAP, .vm = NO_VM, .count = 1 };
	struct fixture *fixture = *state;
	struct snapshot *snap = &fixture->sample.snap;

	assert_int_equal(vm_order_add(&fixture->order, 0xb), 0);
	add(fixture, 0xa, 2);
	add(fixture, 0xb, 3);
	sample_add_gmem(&fixture->sample, 0, 99, 4096);
	sample_add_gmem(&fixture->sample, 1, 98, 4096);
	sample_add_stack(&fixture->sample, &stack, "zap");
	sample_add_stack(&fixture->sample, &host, "zap");
	assert_int_equal(vm_order_apply(&fixture->order, snap), 0);
	assert_int_equal(snap->vms[0].info.kvm, 0xb);
	assert_int_equal(snap->gmems[0].vm, 1);
	assert_int_equal(snap->gmems[1].vm, 0);
	assert_int_equal(snap->stacks[0].vm, 1);
	assert_int_equal(snap->stacks[1].vm, NO_VM);
}

static void test_none(void **state)
{
	assert_string_equal(ordered(*state), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_as_listed),  TEST(test_met_later), TEST(test_address_used_again),
		TEST(test_belongings), TEST(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
