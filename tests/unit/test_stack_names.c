// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of a stack are looked up once; the list of symbols is read for new stacks only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "gmem.h"
#include "live/stack_names.h"
#include "unit.h"

static char kallsyms[] = "/tmp/test_stack_names.XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(kallsyms);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(kallsyms);
}

static void write_kallsyms(const char *text)
{
	FILE *file = fopen(kallsyms, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Two frames, and one of ours between them. */
static const __u64 stack[STACK_DEPTH] = { 0x1010, 0x3000, 0x2020 };

/* The same on arm64, where ours is called from the inner one's begin. */
static const __u64 stack_arm64[STACK_DEPTH] = { 0x1010, 0x3000, 0x1008, 0x2020 };

static void check_stack(struct stack_names *names, __u32 id, const __u64 *addresses,
			const char *inner, const char *outer)
{
	char **frames;
	size_t n;

	assert_int_equal(stack_names_get(names, id, addresses, &frames, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(frames[0], inner);
	assert_string_equal(frames[1], outer);
	for (size_t i = 0; i < n; i++)
		free(frames[i]);
	free(frames);
}

static void check(struct stack_names *names, __u32 id, const char *inner, const char *outer)
{
	check_stack(names, id, stack, inner, outer);
}

/* A function that calls itself is there twice, but for the call of ours. */
static void test_call_of_ours(void **state)
{
	static const __u64 recursion[STACK_DEPTH] = { 0x1010, 0x3000, 0x1080 },
			   no_trampoline[STACK_DEPTH] = { 0x1010, 0x1008 };
	struct stack_names *names = stack_names_new(kallsyms);

	(void)state;
	write_kallsyms("1000 t zap\t[kvm]\n2000 T ioctl\n3000 t bpf_trampoline_1\t[bpf]\n");
	check_stack(names, 1, stack_arm64, "zap+0x10 [kvm]", "ioctl+0x20");
	check_stack(names, 2, recursion, "zap+0x10 [kvm]", "zap+0x80 [kvm]");
	check_stack(names, 3, no_trampoline, "zap+0x10 [kvm]", "zap+0x8 [kvm]");
	stack_names_free(names);
}

static void test_read_once(void **state)
{
	struct stack_names *names = stack_names_new(kallsyms);

	(void)state;
	assert_non_null(names);
	write_kallsyms("1000 t zap\t[kvm]\n2000 T ioctl\n3000 t bpf_prog_1\t[bpf]\n");
	check(names, 5, "zap+0x10 [kvm]", "ioctl+0x20");
	/* Not read again for this refresh, nor for what is known in the next. */
	assert_int_equal(unlink(kallsyms), 0);
	check(names, 70, "zap+0x10 [kvm]", "ioctl+0x20");
	stack_names_done(names);
	check(names, 5, "zap+0x10 [kvm]", "ioctl+0x20");
	check(names, 70, "zap+0x10 [kvm]", "ioctl+0x20");
	/* What comes later may be of a module that came later. */
	write_kallsyms("1000 t other\n2000 T ioctl\n3000 t bpf_prog_1\t[bpf]\n");
	check(names, 6, "other+0x10", "ioctl+0x20");
	check(names, 5, "zap+0x10 [kvm]", "ioctl+0x20");
	stack_names_free(names);
}

static void test_no_kallsyms(void **state)
{
	struct stack_names *names = stack_names_new("/nonexistent");
	char **frames = NULL;
	size_t n;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(stack_names_get(names, 1, stack, &frames, &n), -ENOENT);
	stack_names_free(names);
	stack_names_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_once),
		cmocka_unit_test(test_call_of_ours),
		cmocka_unit_test(test_no_kallsyms),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
