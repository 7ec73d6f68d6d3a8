// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live view: who is who from refresh to refresh, what is counted in between, which rows there
 * are and in which order.
 */
#include <string.h>
#include "model/snapshot_merge.h"
#include "sample_view.h"
#include "unit.h"

static int setup(void **state)
{
	static struct sample_view sv;

	sample_view_init(&sv);
	*state = &sv;
	return 0;
}

static int teardown(void **state)
{
	sample_view_free(*state);
	return 0;
}

/* One VM of process 7 with slots 0 and 1 and so many faults. */
static void one_vm(struct sample_view *sv, __u64 faults0, __u64 faults1)
{
	struct vm *vm = sample_view_vm(sv, 0xaa, 7);

	sample_view_slot(vm, 0, faults0, 1000);
	sample_view_slot(vm, 1, faults1, 1000);
	sample_view_refresh(sv);
}

static __u64 faults_of(const struct row *row)
{
	return row->counts->v[EV_GUEST_FAULT].count;
}

static void test_first_refresh(void **state)
{
	struct sample_view *sv = *state;

	one_vm(sv, 500, 20);
	assert_string_equal(sample_view_order(sv), "vm 7; 7/0; 7/1");
	assert_string_equal(sample_view_cell(sv, 0, "guest_fault"), "520");
	assert_string_equal(sample_view_cell(sv, 1, "guest_fault"), "500");
	assert_string_equal(sample_view_cell(sv, 2, "guest_fault"), "20.0");
	assert_int_equal(faults_of(&sv->view.total), 520);
}

static void test_rates(void **state)
{
	struct sample_view *sv = *state;

	one_vm(sv, 500, 20);
	sv->seconds += 3; /* four seconds in all */
	one_vm(sv, 700, 20);
	assert_string_equal(sample_view_cell(sv, 0, "guest_fault"), "50.0");
	assert_string_equal(sample_view_cell(sv, 2, "guest_fault"), "0");
	assert_string_equal(sample_view_cell(sv, 2, "p99"), "-");
	sv->settings.totals = true;
	sample_view_rows(sv);
	assert_string_equal(sample_view_cell(sv, 0, "guest_fault"), "720");
	assert_int_equal(sv->view.rows[0].span_ns, 5 * SECOND);
}

static void test_interval_percentiles(void **state)
{
	struct sample_view *sv = *state;
	struct vm *vm;

	one_vm(sv, 1000, 0);
	vm = sample_view_vm(sv, 0xaa, 7);
	sample_view_slot(vm, 0, 1000, 1000);
	sample_count(&vm->slots[0].events, EV_GUEST_FAULT, 50000, 10);
	sample_view_refresh(sv);
	/* The old thousand has no part in it. */
	assert_string_equal(sample_view_cell(sv, 1, "p50"), "50µs");
	sv->settings.totals = true;
	sample_view_rows(sv);
	assert_string_equal(sample_view_cell(sv, 1, "p50"), "1.0µs");
}

static void test_zero(void **state)
{
	struct sample_view *sv = *state;

	one_vm(sv, 500, 20);
	view_zero(&sv->view);
	sv->settings.totals = true;
	sample_view_rows(sv);
	assert_int_equal(faults_of(&sv->view.total), 0);
	one_vm(sv, 500, 21);
	one_vm(sv, 503, 21);
	assert_int_equal(faults_of(&sv->view.rows[1]), 3);
	assert_int_equal(faults_of(&sv->view.rows[2]), 1);
	assert_int_equal(faults_of(&sv->view.total), 4);
	assert_int_equal(sv->view.total.span_ns, 2 * SECOND);
}

static void test_slot_appears(void **state)
{
	struct sample_view *sv = *state;
	struct vm *vm = sample_view_vm(sv, 0xaa, 7);

	sample_view_slot(vm, 1, 5, 1000);
	sample_view_refresh(sv);
	one_vm(sv, 3, 6);
	assert_string_equal(sample_view_order(sv), "vm 7; 7/0; 7/1");
	assert_int_equal(faults_of(&sv->view.rows[1]), 3);
	assert_int_equal(faults_of(&sv->view.rows[2]), 1);
}

/* An ended VM at @kvm, and after it another at the same address, and of the same process. */
static void reused(struct sample_view *sv, __u64 second)
{
	struct vm *vm = sample_view_vm(sv, 0xaa, 7);

	vm->info.ended_ns = 1;
	sample_view_slot(vm, 0, 500, 1000);
	vm = sample_view_vm(sv, 0xaa, 7);
	sample_view_slot(vm, 0, second, 1000);
	sample_view_refresh(sv);
}

static void test_address_used_again(void **state)
{
	struct sample_view *sv = *state;

	one_vm(sv, 500, 0);
	reused(sv, 30);
	assert_string_equal(sample_view_order(sv), "vm 7!; 7/0!; 7/1!; vm 7; 7/0");
	assert_int_equal(faults_of(&sv->view.rows[1]), 0);
	assert_int_equal(faults_of(&sv->view.rows[4]), 30);
	assert_string_equal(sample_view_cell(sv, 3, "vm"), "▾ VM 1  7 qemu");
	reused(sv, 31);
	assert_string_equal(sample_view_order(sv), "vm 7; 7/0");
	assert_int_equal(faults_of(&sv->view.rows[1]), 1);
}

static void test_ended_shown_once(void **state)
{
	struct sample_view *sv = *state;

	one_vm(sv, 500, 0);
	sample_view_refresh(sv);
	assert_string_equal(sample_view_order(sv), "vm 7!; 7/0!; 7/1!");
	sample_view_refresh(sv);
	assert_string_equal(sample_view_order(sv), "");
}

/* Three VMs: 7 has 100 and 300 faults, 8 has 200, 9 none. */
static void three_vms(struct sample_view *sv)
{
	struct vm *vm = sample_view_vm(sv, 0xaa, 7);

	sample_view_slot(vm, 0, 100, 1000);
	sample_view_slot(vm, 1, 300, 1000);
	sample_view_slot(sample_view_vm(sv, 0xbb, 8), 0, 200, 9000);
	sample_view_slot(sample_view_vm(sv, 0xcc, 9), 4, 0, 0);
	sample_view_refresh(sv);
}

static void test_sort(void **state)
{
	static const struct {
		const char *column;
		bool descending;
		const char *order;
	} table[] = {
		{ "vm", false, "vm 7; 7/0; 7/1; vm 8; 8/0; vm 9; 9/4" },
		{ "vm", true, "vm 9; 9/4; vm 8; 8/0; vm 7; 7/1; 7/0" },
		{ "guest_fault", true, "vm 7; 7/1; 7/0; vm 8; 8/0; vm 9; 9/4" },
		{ "guest_fault", false, "vm 9; 9/4; vm 8; 8/0; vm 7; 7/0; 7/1" },
		/* What is not known comes last in both directions. */
		{ "p99", true, "vm 8; 8/0; vm 7; 7/0; 7/1; vm 9; 9/4" },
		{ "p99", false, "vm 7; 7/0; 7/1; vm 8; 8/0; vm 9; 9/4" },
	};
	struct sample_view *sv = *state;

	three_vms(sv);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		sv->settings.sort = column_by_key(table[i].column, strlen(table[i].column));
		sv->settings.descending = table[i].descending;
		sample_view_rows(sv);
		assert_string_equal(sample_view_order(sv), table[i].order);
	}
}

static void test_fold(void **state)
{
	struct sample_view *sv = *state;

	three_vms(sv);
	sv->view.rows[0].vm_track->folded = true;
	sample_view_rows(sv);
	assert_string_equal(sample_view_order(sv), "vm 7; vm 8; 8/0; vm 9; 9/4");
	assert_string_equal(sample_view_cell(sv, 0, "vm"), "▸ VM 0  7 qemu");
	assert_int_equal(faults_of(&sv->view.rows[0]), 400);
	/* It stays so. */
	three_vms(sv);
	assert_string_equal(sample_view_order(sv), "vm 7; vm 8; 8/0; vm 9; 9/4");
}

static void test_hide_idle(void **state)
{
	struct sample_view *sv = *state;

	three_vms(sv);
	sv->settings.hide_idle = true;
	sample_view_rows(sv);
	assert_string_equal(sample_view_order(sv), "vm 7; 7/0; 7/1; vm 8; 8/0");
	assert_int_equal(sv->view.nhidden, 2);
	three_vms(sv);
	assert_string_equal(sample_view_order(sv), "");
	assert_int_equal(faults_of(&sv->view.total), 0);
}

static void test_filter(void **state)
{
	static const struct {
		const char *filter, *order;
	} table[] = {
		{ "pid=8", "vm 8; 8/0" },
		{ "pid!=8 slot=0", "vm 7; 7/0" },
		{ "guest_fault>150/s", "vm 7; 7/1; vm 8; 8/0" },
		{ "p99>5us", "vm 8; 8/0" },
		{ "comm~EM", "vm 7; 7/0; 7/1; vm 8; 8/0; vm 9; 9/4" },
		{ "comm!~qemu", "" },
	};
	struct sample_view *sv = *state;
	char why[128];

	three_vms(sv);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(
			filter_parse(table[i].filter, &sv->settings.filter, why, sizeof(why)), 0);
		sample_view_rows(sv);
		assert_string_equal(sample_view_order(sv), table[i].order);
	}
	/* The sums are of everything all the same. */
	assert_int_equal(faults_of(&sv->view.total), 600);
}

static void test_unavailable(void **state)
{
	struct sample_view *sv = *state;

	sv->sample.hooks[EV_PREPARE].attached = false;
	one_vm(sv, 10, 0);
	assert_string_equal(sample_view_cell(sv, 1, "prepare"), "n/a");
	assert_string_equal(sample_view_cell(sv, 1, "prepares"), "n/a");
	assert_string_equal(sample_view_cell(sv, 1, "zap"), "0");
}

static void test_gmem_counts_at_vm(void **state)
{
	struct sample_view *sv = *state;
	struct gmem *gmem;

	for (__u64 n = 5; n < 8; n++) {
		sample_view_slot(sample_view_vm(sv, 0xaa, 7), 0, 0, 0);
		gmem = sample_add_gmem(&sv->sample, 0, 99, 4096);
		sample_count(&gmem->events, EV_ALLOCATE, 1000, n);
		sample_view_refresh(sv);
	}
	assert_string_equal(sample_view_cell(sv, 0, "allocate"), "1.00");
	assert_string_equal(sample_view_cell(sv, 1, "allocate"), "0");
	assert_int_equal(sv->view.total.counts->v[EV_ALLOCATE].count, 1);
}

/* What an inventory has found before and does not find now has ended, unless there are events. */
static void test_slot_leaves_inventory(void **state)
{
	static const struct {
		bool exists;
		__u64 faults;
		const char *order;
	} table[] = {
		{ false, 5, "vm 7; 7/0" }, /* no inventory yet */
		{ true, 5, "vm 7; 7/0" },  { false, 5, "vm 7; 7/0!" }, { false, 5, "vm 7" },
		{ false, 6, "vm 7; 7/0" }, { true, 6, "vm 7; 7/0" },
	};
	struct sample_view *sv = *state;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		sample_view_slot(sample_view_vm(sv, 0xaa, 7), 0, table[i].faults, 1000)->exists =
			table[i].exists;
		sample_view_refresh(sv);
		assert_string_equal(sample_view_order(sv), table[i].order);
	}
}

/* An inventory of VM 0xaa with slots 0 and 2 of 256 pages, of which 64 are there. */
static void inventory_of_aa(struct sample *inventory)
{
	struct slot *slot;
	struct vm *vm;

	sample_empty(inventory);
	vm = sample_add_vm(inventory, "qemu", 7);
	vm->info.kvm = 0xaa;
	vm->exists = true;
	vm->vcpus = 3;
	for (int id = 0; id <= 2; id += 2) {
		slot = sample_add_slot(vm, id, 0x1000, 256);
		slot->exists = slot->resident.known = true;
		assert_int_equal(resident_add(&slot->resident, 0, 64), 0);
	}
	sample_add_gmem(inventory, 0, 99, 4096)->exists = true;
}

static void test_merge(void **state)
{
	struct sample_view *sv = *state;
	struct sample inventory;
	struct vm *vm;

	inventory_of_aa(&inventory);
	/* Counts know another VM, and of this one slots 1 and 2. */
	sample_view_slot(sample_view_vm(sv, 0xbb, 8), 0, 1, 1000);
	vm = sample_view_vm(sv, 0xaa, 7);
	sample_view_slot(vm, 1, 1, 1000);
	sample_view_slot(vm, 2, 4, 1000);
	assert_int_equal(snapshot_merge(&sv->sample.snap, &inventory.snap, 50), 0);
	assert_int_equal(sv->sample.snap.ngmems, 1);
	assert_int_equal(sv->sample.snap.gmems[0].vm, 1);
	sample_view_refresh(sv);
	assert_string_equal(sample_view_order(sv), "vm 8; 8/0; vm 7; 7/0; 7/1; 7/2");
	assert_string_equal(sample_view_cell(sv, 2, "gpa"), "default, 3 vCPUs");
	/* One that events have made known is to be counted yet, and so is the sum. */
	assert_int_equal(view_npending(&sv->view), 2);
	assert_string_equal(sample_view_cell(sv, 1, "resident"), "…");
	assert_string_equal(sample_view_cell(sv, 2, "resident"), "…");
	assert_string_equal(sample_view_cell(sv, 3, "resident"), "256KiB");
	assert_string_equal(sample_view_cell(sv, 3, "bar"), "██──────");
	assert_string_equal(sample_view_cell(sv, 4, "resident"), "…");
	assert_string_equal(sample_view_cell(sv, 4, "bar"), "…");
	assert_string_equal(sample_view_cell(sv, 3, "private"), "-");
	assert_string_equal(sample_view_cell(sv, 2, "size"), "3MiB");
	assert_string_equal(sample_view_cell(sv, 5, "guest_fault"), "4.00");
	sample_free(&inventory);
}

static void test_merge_whole(void **state)
{
	struct sample_view *sv = *state;
	struct sample inventory;

	inventory_of_aa(&inventory);
	assert_int_equal(snapshot_merge(&sv->sample.snap, &inventory.snap, 50), 0);
	sample_view_refresh(sv);
	assert_int_equal(view_npending(&sv->view), 0);
	assert_string_equal(sample_view_cell(sv, 0, "resident"), "512KiB");
	assert_string_equal(sample_view_cell(sv, 0, "vcpus"), "3");
	sample_free(&inventory);
}

static void test_merge_ended(void **state)
{
	struct sample_view *sv = *state;
	struct sample inventory;

	inventory_of_aa(&inventory);
	/* It ended after the inventory, and the inventory's VM is not another one. */
	sample_view_vm(sv, 0xaa, 7)->info.ended_ns = 60;
	assert_int_equal(snapshot_merge(&sv->sample.snap, &inventory.snap, 50), 0);
	assert_int_equal(sv->sample.snap.nvms, 1);
	assert_int_equal(sv->sample.snap.ngmems, 0);
	sample_view_refresh(sv);
	/* It ended before: it is another one. */
	sample_view_vm(sv, 0xaa, 7)->info.ended_ns = 40;
	assert_int_equal(snapshot_merge(&sv->sample.snap, &inventory.snap, 50), 0);
	assert_int_equal(sv->sample.snap.nvms, 2);
	sample_free(&inventory);
}

static void test_newly_lost(void **state)
{
	struct sample_view *sv = *state;

	sv->sample.snap.lost = 3;
	sample_view_refresh(sv);
	assert_int_equal(sv->view.newly_lost, 3);
	sv->sample.snap.lost = 4;
	sample_view_refresh(sv);
	assert_int_equal(sv->view.newly_lost, 1);
	/* Programs count while they are read: no loss is ever taken back, nor a huge one. */
	sv->sample.snap.lost = 2;
	sample_view_refresh(sv);
	assert_int_equal(sv->view.newly_lost, 0);
}

/* Where nothing could be traced, there is none. */
static void test_free_of_nothing(void **state)
{
	struct view view = { 0 };

	(void)state;
	view_free(&view);
}

/* What has found no room is counted nowhere: what has no owner has unknown counts, and so have sums. */
static void test_lost_owners(void **state)
{
	struct sample_view *sv = *state;
	struct vm *vm;

	for (int i = 0; i < 2; i++) {
		vm = sample_view_vm(sv, 0xaa, 7);
		vm->owner = 2;
		sample_view_slot(vm, 0, 9, 1000)->owner = 3;
		vm = sample_view_vm(sv, 0xbb, 8);
		vm->owner = 4;
		sample_view_slot(vm, 0, 9, 1000)->owner = 5;
		sample_view_slot(vm, 1, 0, 0);
		sample_view_vm(sv, 0xcc, 9);
		sv->sample.snap.loss[EV_GUEST_FAULT][LOSS_OWNER] = i;
		sample_view_refresh(sv);
		assert_int_equal(view_lost_owners(&sv->view), i);
	}
	assert_string_equal(sample_view_order(sv), "vm 7; 7/0; vm 8; 8/0; 8/1; vm 9");
	assert_string_equal(sample_view_cell(sv, 0, "guest_fault"), "0");
	assert_string_equal(sample_view_cell(sv, 1, "guest_fault"), "0");
	assert_string_equal(sample_view_cell(sv, 2, "guest_fault"), "n/a");
	assert_string_equal(sample_view_cell(sv, 3, "guest_fault"), "0");
	assert_string_equal(sample_view_cell(sv, 4, "p99"), "n/a");
	assert_string_equal(sample_view_cell(sv, 5, "errors"), "n/a");
	assert_string_equal(sample_view_cell(sv, 5, "zap"), "0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_first_refresh),
		TEST(test_rates),
		TEST(test_interval_percentiles),
		TEST(test_zero),
		TEST(test_slot_appears),
		TEST(test_address_used_again),
		TEST(test_ended_shown_once),
		TEST(test_sort),
		TEST(test_fold),
		TEST(test_hide_idle),
		TEST(test_filter),
		TEST(test_unavailable),
		TEST(test_gmem_counts_at_vm),
		TEST(test_slot_leaves_inventory),
		TEST(test_merge),
		TEST(test_merge_whole),
		TEST(test_merge_ended),
		TEST(test_newly_lost),
		cmocka_unit_test(test_free_of_nothing),
		TEST(test_lost_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
