// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes guest faults of guest_memfd slower by a little, as a bad change of the kernel would: turns
 * of a loop inside of what gmemtrace times. For tests of gmemtrace check; loaded by spin.c.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 turns; /* of one instruction and a jump each */

/* What a guest fault comes through once, and is not inlined. */
#ifdef __TARGET_ARCH_arm64
#define INSIDE "kvm_gmem_get_folio"
#else
#define INSIDE "__kvm_gmem_get_pfn"
#endif

SEC("fentry/" INSIDE)
int slower(void *ctx)
{
	for (__u32 i = 0; i < turns; i++)
		asm volatile("");
	return 0;
}
