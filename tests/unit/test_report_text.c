// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text report: it fits, it says what can be trusted, it obeys nobody's escape sequences, and
 * its numbers are the model's.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "model/events.h"
#include "report/report_formats.h"
#include "sample.h"
#include "unit.h"

static const struct text_style plain = { .columns = 80, .utf8 = true };

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in:\n%s", part, text);
}

static void assert_has_of(const char *text, const char *format, int n)
{
	char part[128];

	snprintf(part, sizeof(part), format, n, NR_EVENTS);
	assert_has(text, part);
}

/* No line is wider than @columns or ends with a blank; the widest is returned. */
static unsigned int check_lines(char *text, unsigned int columns)
{
	unsigned int widest = 0;
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n"))) {
		unsigned int width = text_width(line);

		if (width > columns)
			fail_msg("%u columns: \"%s\"", width, line);
		if (width && line[strlen(line) - 1] == ' ')
			fail_msg("blanks at the end: \"%s\"", line);
		widest = width > widest ? width : widest;
	}
	free(text);
	return widest;
}

static void make_unavailable(struct sample *sample, enum gmem_event event, const char *reason)
{
	sample->hooks[event].attached = false;
	sample->hooks[event].rung = -1;
	snprintf(sample->hooks[event].reason, sizeof(sample->hooks[event].reason), "%s", reason);
}

static void test_widths(void **state)
{
	static const unsigned int columns[] = { 0, 40, 80, 81, 100, 120, 200, 400 };
	struct text_style style = plain;
	struct sample sample;
	size_t i;

	(void)state;
	sample_real(&sample);
	sample.capture.events_chosen = true;
	make_unavailable(
		&sample, EV_RELEASE,
		"this kernel has no function of that name, and none of the others by which "
		"older kernels went about the same thing either");
	for (i = 0; i < ARRAY_SIZE(columns); i++) {
		unsigned int limit = columns[i] < 80 ? 80 : columns[i];

		style.columns = columns[i];
		style.utf8 = i % 2;
		check_lines(sample_report(&sample, "text", &style), limit);
		check_lines(sample_probe(&sample, "text", &style), limit);
	}
	style.columns = 200;
	assert_true(check_lines(sample_report(&sample, "text", &style), 200) > 120);
	sample_free(&sample);
}

static void fill_with_extremes(struct sample *sample)
{
	struct vm *vm = sample_add_vm(sample,
				      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
				      "\xff\xff\xff",
				      ~0U);
	struct slot *slot = sample_add_slot(vm, 32767, ~0ULL - 1000, 1000);
	struct event_count *count;
	int event;

	vm->info.type = ~0U;
	slot->info = (struct slot_info){ ~0ULL - 2000, 1000, ~0ULL, ~0ULL, ~0U, 65535, 32767 };
	for (event = 0; event < NR_EVENTS; event++) {
		count = sample_count(&slot->events, event, ~0ULL, 1);
		count->count = ~0ULL / 2;
		count->npages = ~0ULL;
		sample_fail(count, 1, ~0ULL);
		sample_fail(count, 133, ~0ULL);
		sample_fail(count, 99999, ~0ULL);
		sample_detail(count, NR_DETAILS - 1, ~0ULL);
	}
	sample_add_gmem(sample, 0, ~0ULL, ~0ULL)->info.flags = ~0ULL;
	sample_count(&sample->snap.gmems[0].events, EV_ZAP, 5, 1);
}

static void test_extremes_fit(void **state)
{
	struct sample sample;

	(void)state;
	sample_empty(&sample);
	fill_with_extremes(&sample);
	check_lines(sample_report(&sample, "text", &plain), 80);
	sample.capture.duration_ns = 0;
	check_lines(sample_report(&sample, "text", &plain), 80);
	sample_free(&sample);
}

static void test_numbers(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_real(&sample);
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "gmemtrace 0.1.0 on Linux 7.3.4-amd64 x86_64\n");
	assert_has(text, "command   gmemload --vms 2 --touch 512: exited with 0\n");
	assert_has(text, "captured  2.350 s from 2025-09-23 ");
	assert_has_of(text, "hooks     %d of %d events attached\n", NR_EVENTS);
	assert_has(text, "lost      nothing\n");
	assert_has(text, "\nVM 0  gmemload  pid 4242  type default  ended\n");
	assert_has(text, "\nVM 1  qemu-system-x86  pid 31337  type SEV-SNP  running  4 vCPUs\n");
	assert_has(text, "\n  slot 0  gfn 0x0-0x1ff  2MiB  gmem-only  gmem 1034+0x0\n");
	assert_has(text, "\n  slot 3  gfn 0x100000-0x13ffff  1GiB  dirty-log,gmem-only  "
			 "gmem 1034+0x200\n");
	assert_has(text, "\n  gmem 1034  1.0GiB  mmap,init-shared  released\n");
	assert_has(text,
		   "\n    guest_fault    12000    5.1k          4.6µs  5.9µs   37µs  1.1ms\n");
	assert_has(text, "\n    bind               3    1.28          9.0µs  9.0µs  9.0µs  9.0µs  "
			 "EEXIST×2\n");
	assert_has(text, "\n    notifier_hit       2    0.85     640\n");
	assert_has(text, "\n  all of this VM\n    guest_fault    14560 ");
	assert_has(text, "\nHost: ");
	assert_has(text, "\nEverything\n");
	assert_has(text, "\n    guest_fault    14660 ");
	assert_lacks(text, "idle");
	assert_lacks(text, "LOST");
	assert_lacks(text, "█");
	free(text);
	sample_free(&sample);
}

static void test_details(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_real(&sample);
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "37µs  1.1ms\n        120 prefetch\n    host_fault ");
	assert_has(text, "\n    convert           12    5.11     768   20µs   20µs   20µs   20µs\n"
			 "        8 to_private, 4 to_shared, 2 noop\n");
	assert_has(text, "\n        0.75 per guest fault\n");
	/* The slot's 9000 of 12000 are 9000 of 14560 in its VM, and of 14660 in all. */
	assert_has(text, "\n        0.62 per guest fault\n");
	assert_has(text, "\n        0.61 per guest fault\n");
	assert_has(text, "\n        14 to_private, 4 to_shared, 2 noop\n"); /* of all VMs */
	check_lines(text, 80);
	sample_free(&sample);
}

static void test_stacks(void **state)
{
	struct stack_count stack = {
		.event = EV_NOTIFIER_HIT,
		.at_slot = true,
		.pid = 77,
		.comm = "vcpu\033 1",
		.npages = 64,
	};
	struct sample sample;
	char *text;

	(void)state;
	sample_real(&sample);
	for (int i = 0; i < 7; i++) {
		stack.count = 7 - i;
		stack.slot_id = i;
		sample_add_stack(&sample, &stack,
				 "kvm_unmap_gfn_range+0x9 [kvm],change_protection+0x8");
	}
	sample.capture.stack_events |= 1ULL << EV_CREATE;
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "\nStacks of create\n  none\n");
	assert_has(text, "\nStacks of notifier_hit\n"
			 "  7 times, 64 pages: vcpu\\x1b 1 (pid 77), VM 0 slot 0\n"
			 "    kvm_unmap_gfn_range+0x9 [kvm]\n    change_protection+0x8\n");
	assert_has(text, "VM 0 slot 4\n");
	assert_has(text, "  and 2 more: -f json has them all\n");
	free(text);
	sample_free(&sample);
}

static void test_threshold_is_said(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_real(&sample);
	sample.capture.min_latency_ns = 250000;
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "\nlatency   percentiles and stacks only of what took 250µs or more\n");
	free(text);
	sample_free(&sample);
}

/* A fault of five was timed: the mean is its latency. Of one that was not, there is none. */
static void test_sample_is_said(void **state)
{
	struct event_count *count;
	struct sample sample;
	char *text;

	(void)state;
	sample_empty(&sample);
	sample.capture.sample = 64;
	sample.capture.events_chosen = true;
	count = sample_count(&sample.snap.host, EV_GUEST_FAULT, 500, 1);
	count->count += 4;
	count->untimed = 4;
	text = sample_report(&sample, "text", &plain);
	assert_has(text,
		   "\nsample    one of 64 guest faults is timed, none has a cause (--sample)\n");
	assert_has(text, "guest_fault        5    2.13");
	assert_has(text, "500ns");
	free(text);
	count->untimed = 5;
	count->min_ns = count->max_ns = count->sum_ns = 0;
	buckets_free(&count->latency);
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "guest_fault        5    2.13");
	assert_null(strstr(text, "0ns"));
	free(text);
	sample_free(&sample);
}

static void check_ratio(__u64 faults, __u64 prepared, __u64 shown, const char *expected)
{
	struct sample sample;
	char *text;

	sample_empty(&sample);
	sample.capture.shown = shown;
	if (faults)
		sample_count(&sample.snap.host, EV_GUEST_FAULT, 500, faults);
	sample_count(&sample.snap.host, EV_PREPARE, 500, prepared);
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "    prepare ");
	if (expected)
		assert_has(text, expected);
	else
		assert_lacks(text, "per guest fault");
	free(text);
	sample_free(&sample);
}

static void test_ratio(void **state)
{
	(void)state;
	check_ratio(64, 64, ~0ULL, "\n        1.00 per guest fault\n");
	check_ratio(2, 5, ~0ULL, "\n        2.50 per guest fault\n");
	check_ratio(1000, 1, ~0ULL, "\n        <0.01 per guest fault\n");
	check_ratio(1, ~0ULL, ~0ULL, "\n        18446744073709551616.00 per guest fault\n");
	check_ratio(0, 5, ~0ULL, NULL);
	check_ratio(5, 5, 1ULL << EV_PREPARE, NULL);
}

/* However many there are, and however often each. */
static void test_details_wrap(void **state)
{
	struct event_count *count;
	struct sample sample;
	char *text, *at;
	int i, commas = 0;

	(void)state;
	sample_empty(&sample);
	count = sample_count(&sample.snap.host, EV_MEMORY_FAULT, 0, 9);
	for (i = 0; i < 9; i++)
		sample_detail(count, DETAIL_MEMORY_FAULT_PRIVATE, ~0ULL - i);
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "\n        18446744073709551615 private, 18446744073709551614 private,\n"
			 "        18446744073709551613 private, ");
	assert_has(text, "\n        18446744073709551607 private\n"); /* the last */
	for (at = strstr(text, "memory_fault"); *at; at++)
		commas += *at == ',';
	assert_int_equal(commas, 8);
	check_lines(text, 80);
	sample_free(&sample);
}

/* The longest name pushes columns of low rank away, and no row out of line. */
static void test_longest_event_fits(void **state)
{
	struct event_count *count;
	struct sample sample;
	char *text;

	(void)state;
	sample_empty(&sample);
	sample_count(&sample.snap.host, EV_GUEST_FAULT, 5000, 1);
	sample_count(&sample.snap.host, EV_ZAP, 5000, 20)->npages = 700;
	count = sample_count(&sample.snap.host, EV_DIRECT_MAP_RESTORE, 5000, 300);
	sample_fail(count, EINVAL, 3);
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "\n    event                count  rate/s   pages    p50    p99    max  "
			 "errors\n"
			 "    guest_fault              1    0.43          5.0µs  5.0µs  5.0µs\n"
			 "    zap                     20    8.51     700  5.0µs  5.0µs  5.0µs\n"
			 "    direct_map_restore     300     128          5.0µs  5.0µs  5.0µs  "
			 "EINVAL×3\n");
	check_lines(text, 80);
	sample_free(&sample);
}

/* As far as their names go, they are one. */
static void test_errors_of_one_name(void **state)
{
	struct event_count *count;
	struct sample sample;
	char *text;

	(void)state;
	sample_empty(&sample);
	count = sample_count(&sample.snap.host, EV_HOST_FAULT, 5000, 9);
	sample_fail(count, ERROR_IS_FAULT | 0x002, 1);
	sample_fail(count, ERROR_IS_FAULT | 0x010, 2);
	sample_fail(count, ERROR_IS_FAULT | 0x020, 5);
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "  SIGBUS×1\n");
	assert_has(text, " HWPOISON×7\n");
	assert_lacks(text, "HWPOISON×2");
	free(text);
	sample_free(&sample);
}

static void test_one_slot_has_no_totals(void **state)
{
	struct sample sample;
	struct slot *slot;
	char *text;

	(void)state;
	sample_empty(&sample);
	slot = sample_add_slot(sample_add_vm(&sample, "vmm", 1), 100, 0, 1);
	sample_count(&slot->events, EV_ZAP, 100, 1);
	text = sample_report(&sample, "text", &plain);
	assert_lacks(text, "all of this VM");
	assert_lacks(text, "Everything");
	assert_has(text, "\n  slot 100  gfn 0x0-0x0  4KiB  gmem-only\n");
	free(text);
	sample_free(&sample);
}

/* What a page is says the host that was traced. */
static void test_larger_pages(void **state)
{
	struct sample sample;
	struct slot *slot;
	char *text;

	(void)state;
	sample_empty(&sample);
	slot = sample_add_slot(sample_add_vm(&sample, "vmm", 1), 100, 0, 3);
	slot->resident.known = true;
	slot->resident.npages = 2;
	sample_count(&slot->events, EV_ZAP, 100, 1);
	sample.capture.page_bytes = 16384;
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "\n  slot 100  gfn 0x0-0x2  48KiB  32KiB resident  gmem-only\n");
	free(text);
	sample.capture.page_bytes = 0;
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "  12KiB  8KiB resident");
	free(text);
	sample_free(&sample);
}

static void test_address_space(void **state)
{
	struct sample sample;
	struct slot *slot;
	char *text;

	(void)state;
	sample_empty(&sample);
	slot = sample_add_slot(sample_add_vm(&sample, "vmm", 1), 2, 16, 0);
	slot->info.as_id = 1;
	slot->info.flags = 1 << 2 | 1 << 20;
	sample_count(&slot->events, EV_ZAP, 100, 1);
	sample.capture.arch = "aarch64";
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "\n  slot 2 of address space 1  gfn 0x10-0x10  0B  0x100000\n");
	free(text);
	sample_free(&sample);
}

static void test_unavailable_is_said(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_real(&sample);
	make_unavailable(&sample, EV_HOST_FAULT, "no \033[5mfunction");
	text = sample_report(&sample, "text", &plain);
	assert_has_of(text, "%d of %d events attached; unavailable here:\n", NR_EVENTS - 1);
	assert_has(text, "\n          host_fault: no \\x1b[5mfunction\nlost ");
	free(text);
	/* What was not asked for is not missing. */
	sample.capture.shown = 1ULL << EV_BIND;
	sample.hooks[EV_HOST_FAULT].wanted = false;
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "1 of 1 events attached\n");
	assert_lacks(text, "unavailable");
	free(text);
	/* Nor what another event needs: that one's reason says so. */
	sample.hooks[EV_HOST_FAULT].wanted = true;
	make_unavailable(&sample, EV_BIND, "needs something");
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "0 of 1 events attached; unavailable here:\n"
			 "          bind: needs something\nlost ");
	free(text);
	sample_free(&sample);
}

/* What a kernel of a cloud lacks, one function that cannot be had, and what no kernel has yet. */
static void test_unavailable_events_share_lines(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_empty(&sample);
	make_unavailable(&sample, EV_HOST_FAULT, "not in this kernel: f (since 6.18)");
	make_unavailable(&sample, EV_PREPARE, "not in this kernel: g, h (since 6.11)");
	make_unavailable(&sample, EV_DIRECT_MAP_ZAP, "not in this kernel: i (since in flight)");
	make_unavailable(&sample, EV_DIRECT_MAP_RESTORE, "not in this kernel: j (since in flight)");
	make_unavailable(&sample, EV_ALLOCATE, "k cannot be attached to: Invalid argument");
	make_unavailable(&sample, EV_PUNCH_HOLE, "k cannot be attached to: Invalid argument");
	text = sample_report(&sample, "text", &plain);
	assert_has(text,
		   "; unavailable here:\n"
		   "          not in this kernel or its configuration: host_fault (since "
		   "6.18),\n          prepare (since 6.11)\n"
		   "          not in any released kernel: direct_map_zap, direct_map_restore\n"
		   "          allocate, punch_hole: k cannot be attached to: Invalid "
		   "argument\n"
		   "lost      nothing\n");
	check_lines(text, 80);
	sample_free(&sample);
}

/* That an attempt failed is not hidden behind the kernel's version. */
static void test_in_flight_but_there(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_empty(&sample);
	make_unavailable(&sample, EV_DIRECT_MAP_ZAP, "it cannot be attached to: Bad address");
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "\n          direct_map_zap: it cannot be attached to: Bad address\n");
	assert_lacks(text, "released");
	free(text);
	sample_free(&sample);
}

static unsigned int lines_between(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from), *end = strstr(text, to);
	unsigned int lines = 0;

	assert_true(at && end && at < end);
	for (; at < end; at++)
		lines += *at == '\n';
	return lines;
}

static void check_head_is_short(bool alike)
{
	struct sample sample;
	char *text, reason[160];
	int event;

	sample_empty(&sample);
	for (event = 0; event < NR_EVENTS; event++) {
		snprintf(reason, sizeof(reason), "%s %s %d",
			 alike ? "not in this kernel:" : "function cannot be attached to",
			 "by a name that is somewhat longer than the names of most functions of "
			 "any kernel",
			 event);
		make_unavailable(&sample, event, reason);
	}
	text = sample_report(&sample, "text", &plain);
	assert_has_of(text, "hooks     %d of %d events attached; unavailable here:\n", 0);
	assert_in_range(lines_between(text, "hooks", "lost"), 4, 6);
	if (alike)
		assert_has(text, "...");
	else
		assert_has_of(text, "          %d more: -f json says why\n", NR_EVENTS - 2);
	check_lines(text, 80);
	sample_free(&sample);
}

static void test_head_is_short(void **state)
{
	(void)state;
	check_head_is_short(true);
	check_head_is_short(false);
}

/* Some hooks cost the rest of the system something: not asked for is not unavailable. */
static void test_opt_in_events(void **state)
{
	struct sample sample;
	int event, opt_in = 0;
	char *text;

	(void)state;
	sample_empty(&sample);
	for (event = 0; event < NR_EVENTS; event++) {
		if (!(event_descs[event].carries & EVENT_OPT_IN))
			continue;
		make_unavailable(&sample, event, "");
		sample.hooks[event].wanted = false;
		sample.capture.shown &= ~(1ULL << event);
		opt_in++;
	}
	assert_true(opt_in);
	text = sample_report(&sample, "text", &plain);
	assert_has_of(text, "hooks     %d of ", NR_EVENTS - opt_in);
	assert_has_of(text, " of %d events attached\n", NR_EVENTS - opt_in);
	assert_lacks(text, "unavailable");
	assert_lacks(text, "alloc ");
	free(text);
	sample_free(&sample);
}

static void test_loss_is_said_twice(void **state)
{
	struct sample sample;
	char *text, *head, *tail;

	(void)state;
	sample_real(&sample);
	sample.snap.loss[EV_GUEST_FAULT][LOSS_OWNER] = 1200;
	sample.snap.loss[EV_ZAP][LOSS_MISSED] = 31;
	sample.snap.loss[EV_ZAP][LOSS_STATE] = 3;
	sample.snap.lost = 1234;
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "\n*** LOST 1234");
	assert_has(text, "\n          1200 guest_fault: the table of VMs");
	assert_has(text, "\n          3 zap: ");
	assert_has(text, "\n          31 zap: ");
	assert_lacks(text, "nothing");
	head = strstr(text, "*** LOST");
	tail = strstr(text, "*** Events were lost");
	assert_non_null(tail);
	assert_true(head < strstr(text, "VM 0") && tail > strstr(text, "Everything"));
	free(text);
	sample_free(&sample);
}

static void test_what_is_lost_without_number(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_real(&sample);
	sample.snap.switched_off = 1;
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "\n*** LOST an unknown number: ");
	assert_has(text, "\n          1 time kernel.ftrace_enabled was set to 0");
	assert_has(text, "*** Events were lost");
	assert_lacks(text, "nothing\n");
	free(text);
	sample_free(&sample);
}

static void test_only_what_was_asked_for(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_real(&sample);
	sample.capture.shown = 1ULL << EV_CREATE;
	sample.capture.events_chosen = true;
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "    create ");
	assert_lacks(text, "guest_fault");
	assert_lacks(text, "slot");
	assert_lacks(text, "pages");
	assert_has(text, "\ncreate  6  p50 703ns  p90 15µs  p99 15µs  p99.9 15µs  max 15µs\n");
	assert_has(text, "   640ns - 704ns      4  ████");
	free(text);
	sample_free(&sample);
}

/* What the inventory found is there although nothing happened to it; unless that was asked for. */
static void test_quiet(void **state)
{
	struct sample sample;
	struct slot *slot;
	char *text;

	(void)state;
	sample_empty(&sample);
	slot = sample_add_slot(sample_add_vm(&sample, "quiet", 7), 0, 0, 512);
	sample.snap.vms[0].exists = slot->exists = slot->resident.known = true;
	resident_add(&slot->resident, 0, 3);
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "\nVM 0  quiet  pid 7  type default  running  0 vCPUs\n"
			 "  1 slot without events: 12KiB resident\n");
	assert_has(text, "No event was seen");
	assert_lacks(text, "Everything");
	free(text);
	sample.capture.events_chosen = true;
	text = sample_report(&sample, "text", &plain);
	assert_lacks(text, "quiet");
	free(text);
	sample_free(&sample);
}

static void test_inventory(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_real(&sample);
	text = sample_inventory(&sample, "text", &plain);
	assert_has(text, "\n3 VMs, 2 guest_memfds, 1.2MiB resident\n");
	assert_has(text,
		   "\nVM 1  qemu-system-x86  pid 31337  type SEV-SNP  running  4 vCPUs\n"
		   "                  size resident  private\n"
		   "  slot 1          4MiB   1.2MiB     2MiB  node 0: 12KiB  node 1: 1.2MiB\n");
	assert_has(
		text,
		"  gmem 1040       4MiB   1.2MiB           node 0: 28KiB  node 1: 1.2MiB  1 slot\n");
	assert_has(text, " mmap,init-shared\n");
	assert_has(text, "\n  2 slots without guest_memfd\n");
	assert_has(text, "\n  slot 0          2MiB        -        -  gfn 0x0-0x1ff");
	free(text);
	sample_free(&sample);
}

static void test_nothing_happened(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_empty(&sample);
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "No event was seen");
	assert_lacks(text, "count");
	free(text);
	sample_free(&sample);
}

static void check_end(bool ended, int status, const char *expected)
{
	struct sample sample;
	char *text;

	sample_empty(&sample);
	sample.capture.command_ended = ended;
	sample.capture.command_status = status;
	text = sample_report(&sample, "text", &plain);
	assert_has(text, expected);
	free(text);
	sample_free(&sample);
}

static void test_command_ends(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	check_end(true, 0, ": exited with 0\n");
	check_end(true, 3 << 8, ": exited with 3\n");
	check_end(true, SIGSEGV, ": killed by SIGSEGV\n");
	check_end(true, 40, ": killed by signal 40\n");
	check_end(false, 0, ": still running\n");
	sample_empty(&sample);
	sample.capture.command = NULL;
	text = sample_report(&sample, "text", &plain);
	assert_lacks(text, "command");
	free(text);
	sample_free(&sample);
}

static void test_no_colour_unless_asked(void **state)
{
	struct text_style style = plain;
	struct sample sample;
	char *text;

	(void)state;
	sample_real(&sample);
	sample.capture.events_chosen = true;
	sample.snap.lost = sample.snap.loss[0][0] = 1;
	text = sample_report(&sample, "text", &style);
	assert_lacks(text, "\033");
	free(text);
	style.color = true;
	text = sample_report(&sample, "text", &style);
	assert_has(text, "\033[1;31m*** LOST");
	assert_has(text, "\033[2m        8 to_private, 4 to_shared, 2 noop\033[0m");
	assert_has(text, "\033[0m");
	free(text);
	sample_free(&sample);
}

static void test_ascii(void **state)
{
	struct text_style style = { .columns = 80 };
	struct sample sample;
	char *text, *at;

	(void)state;
	sample_real(&sample);
	sample.capture.events_chosen = true;
	strcpy(sample.snap.vms[0].info.comm, "g\xc3\xa4st");
	text = sample_report(&sample, "text", &style);
	for (at = text; *at; at++)
		assert_true((*at >= 0x20 && *at < 0x7f) || *at == '\n');
	assert_has(text, "4.6us");
	assert_has(text, "EEXIST*2");
	assert_has(text, "g\\xc3\\xa4st");
	free(text);
	sample_free(&sample);
}

/* A VMM may call itself what it likes; so may the arguments of a command be anything. */
static void test_hostile_names(void **state)
{
	char *command[] = { "sh", "-c", "\033]0;owned\a\r\n\x9b", "\xff\xfe", NULL };
	struct sample sample;
	char *text, *at;

	(void)state;
	sample_real(&sample);
	/* All 16 bytes, no NUL. */
	memcpy(sample.snap.vms[0].info.comm, "\033[2J\033[1;1H\r\n\x9b\xff\x7f", 16);
	memset(sample.snap.vms[1].info.comm, '\033', 16);
	sample.capture.command = command;
	text = sample_report(&sample, "text", &plain);
	for (at = text; *at; at++)
		assert_true((unsigned char)*at >= 0x20 || *at == '\n');
	assert_lacks(text, "\x7f");
	assert_has(text, "command   sh -c \\x1b]0;owned\\x07\\x0d\\x0a\\x9b \\xff\\xfe: ");
	check_lines(text, 80);
	sample_free(&sample);
}

static void test_long_command_is_cut(void **state)
{
	static char argument[3000];
	char *command[] = { "qemu", argument, argument, argument, NULL };
	struct sample sample;
	char *text;

	(void)state;
	memset(argument, 'x', sizeof(argument) - 1);
	sample_empty(&sample);
	sample.capture.command = command;
	text = sample_report(&sample, "text", &plain);
	assert_has(text, "xxx...: exited with 0\n");
	check_lines(text, 80);
	sample_free(&sample);
}

static void test_probe(void **state)
{
	struct sample sample;
	char *text;

	(void)state;
	sample_empty(&sample);
	make_unavailable(&sample, EV_HOST_FAULT, "no such thing");
	make_unavailable(&sample, EV_ZAP, "");
	make_unavailable(&sample, EV_DIRECT_MAP_RESTORE, "not in this kernel: f (since in flight)");
	text = sample_probe(&sample, "text", &plain);
	assert_has_of(text, "%d of %d events are available\n", NR_EVENTS - 3);
	assert_has(text, "\nguest_fault         6.8        kvm_gmem_get_pfn\n");
	assert_has(text, "\nhost_fault          -          unavailable: no such thing\n");
	assert_has(text, "\nzap                 -          unavailable: for an unknown reason\n");
	assert_has(text, "\nalloc               6.8        mm_filemap_add_to_page_cache "
			 "(opt-in: -e alloc)\n");
	assert_has(text,
		   "\ndirect_map_restore  -          unavailable: not in any released "
		   "kernel:\n                               kvm_gmem_folio_restore_direct_map\n");
	assert_has(text, "\ndirect_map_zap      in flight  kvm_gmem_folio_zap_direct_map\n");
	check_lines(text, 80);
	sample_free(&sample);
}

static void test_functions_once_each(void **state)
{
	const struct rung rung = {
		.since = "1.0",
		.hooks = { { .program = "a_entry", .function = "a" },
			   { .program = "a_exit", .function = "a" },
			   { .program = "b_exit", .function = "b" } },
	};

	(void)state;
	assert_string_equal(rung_function(&rung, 0), "a");
	assert_string_equal(rung_function(&rung, 1), "b");
	assert_null(rung_function(&rung, 2));
}

static void test_formats(void **state)
{
	struct sample sample;

	(void)state;
	sample_empty(&sample);
	assert_string_equal(report_formats(), "text, json, html");
	assert_true(report_has_format("text") && report_has_format("json"));
	assert_false(report_has_format("tex") || report_has_format(""));
	assert_int_equal(report_write(stderr, "xml", &sample.capture, &plain), -EINVAL);
	assert_int_equal(report_probe(stderr, "xml", &sample.capture, &plain), -EINVAL);
	sample_free(&sample);
}

static void check_full_disk(const struct sample *sample, const char *format)
{
	FILE *full = fopen("/dev/full", "w");

	if (!full)
		skip();
	assert_int_equal(report_write(full, format, &sample->capture, &plain), -ENOSPC);
	fclose(full);
	full = fopen("/dev/full", "w");
	assert_non_null(full);
	assert_int_equal(report_probe(full, format, &sample->capture, &plain), -ENOSPC);
	fclose(full);
}

static void test_full_disk_is_an_error(void **state)
{
	struct sample sample;

	(void)state;
	sample_empty(&sample); /* fits the buffer: fails when flushed */
	check_full_disk(&sample, "text");
	check_full_disk(&sample, "json");
	sample_free(&sample);
	sample_real(&sample); /* fails on the way */
	check_full_disk(&sample, "text");
	check_full_disk(&sample, "json");
	sample_free(&sample);
}

static int set_utf8(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_extremes_fit),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_threshold_is_said),
		cmocka_unit_test(test_sample_is_said),
		cmocka_unit_test(test_ratio),
		cmocka_unit_test(test_details_wrap),
		cmocka_unit_test(test_longest_event_fits),
		cmocka_unit_test(test_errors_of_one_name),
		cmocka_unit_test(test_one_slot_has_no_totals),
		cmocka_unit_test(test_larger_pages),
		cmocka_unit_test(test_address_space),
		cmocka_unit_test(test_unavailable_is_said),
		cmocka_unit_test(test_unavailable_events_share_lines),
		cmocka_unit_test(test_in_flight_but_there),
		cmocka_unit_test(test_head_is_short),
		cmocka_unit_test(test_opt_in_events),
		cmocka_unit_test(test_loss_is_said_twice),
		cmocka_unit_test(test_what_is_lost_without_number),
		cmocka_unit_test(test_only_what_was_asked_for),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_inventory),
		cmocka_unit_test(test_nothing_happened),
		cmocka_unit_test(test_command_ends),
		cmocka_unit_test(test_no_colour_unless_asked),
		cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_long_command_is_cut),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_functions_once_each),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_full_disk_is_an_error),
	};

	return cmocka_run_group_tests_name("report_text", tests, set_utf8, NULL);
}
