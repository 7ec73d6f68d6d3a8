// SPDX-License-Identifier: GPL-2.0-only
/*
 * What exists now is found where a snapshot has it, is added where it has not, and is never taken for what
 * has ended.
 */
#include <string.h>
#include "model/snapshot_find.h"
#include "sample.h"
#include "unit.h"

struct fixture {
	struct sample sample;
	struct id_map known;
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
	id_map_free(&fixture->known);
	return 0;
}

static void test_vm(void **state)
{
	struct fixture *fixture = *state;
	struct snapshot *snap = &fixture->sample.snap;
	struct vm_info info = { .kvm = 0x1000, .pid = 7 };

	sample_add_vm(&fixture->sample, "qemu", 7)->info.kvm = 0x2000;
	assert_int_equal(snapshot_find_vm(snap, &info), 1);
	assert_int_equal(snapshot_find_vm(snap, &info), 1);
	assert_int_equal(snap->nvms, 2);
	/* Its address is another VM's as soon as it has ended. */
	snap->vms[1].info.ended_ns = 1;
	assert_int_equal(snapshot_find_vm(snap, &info), 2);
	assert_int_equal(snap->vms[2].info.pid, 7);
}

static void test_slot(void **state)
{
	struct fixture *fixture = *state;
	struct vm *vm = sample_add_vm(&fixture->sample, "qemu", 7);
	struct slot_info info = { .id = 3, .npages = 8, .ino = 5, .pgoff = 2 };
	size_t known;

	for (int id = 1; id <= 5; id += 2)
		snapshot_find_slot(vm, &(struct slot_info){ .id = id, .npages = 4 }, 0);
	known = vm->nslots;
	assert_int_equal(snapshot_find_slot(vm, &info, known), 1);
	assert_int_equal(vm->slots[1].info.npages, 8);
	assert_int_equal(vm->slots[1].info.ino, 5);
	/* Its guest_memfd is closed: what it was is not forgotten. */
	info.ino = info.pgoff = 0;
	info.npages = 9;
	assert_int_equal(snapshot_find_slot(vm, &info, known), 1);
	assert_int_equal(vm->slots[1].info.npages, 9);
	assert_int_equal(vm->slots[1].info.ino, 5);
	assert_int_equal(vm->slots[1].info.pgoff, 2);
	info.as_id = 1;
	assert_int_equal(snapshot_find_slot(vm, &info, known), 3);
	info = (struct slot_info){ .id = 2 };
	assert_int_equal(snapshot_find_slot(vm, &info, known), 4);
}

static void test_gmem(void **state)
{
	struct fixture *fixture = *state;
	struct snapshot *snap = &fixture->sample.snap;
	struct gmem_info info = { .ino = 11 };

	sample_add_vm(&fixture->sample, "qemu", 7);
	for (__u64 ino = 10; ino <= 12; ino++)
		snapshot_find_gmem(snap, &fixture->known, &(struct gmem_info){ .ino = ino }, 0);
	snap->gmems[2].info.released_ns = 1;
	assert_int_equal(snapshot_known_gmems(snap, &fixture->known), 0);
	assert_int_equal(snapshot_find_gmem(snap, &fixture->known, &info, 0), 1);
	/* Of another VM, and released: these are others. */
	assert_int_equal(snapshot_find_gmem(snap, &fixture->known, &info, 1), 3);
	info.ino = 12;
	assert_int_equal(snapshot_find_gmem(snap, &fixture->known, &info, 0), 4);
	assert_int_equal(snap->gmems[4].vm, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vm, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gmem, setup, teardown),
	};

	return cmocka_run_group_tests_name("snapshot_find", tests, NULL, NULL);
}
