// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's numbers by name. Written out here, since no installed header has all of them: some are
 * newer than any distribution's headers, some are known to the kernel alone.
 */
#include <stdio.h>
#include <string.h>
#include "kvm_names.h"

const struct flag_name slot_flag_names[] = {
	{ 1ULL << 0, "dirty-log" },
	{ 1ULL << 1, "read-only" },
	{ 1ULL << 2, "guest-memfd" },
	{ 1ULL << 16, "invalid" }, /* inside the kernel: on its way to be replaced */
	{ 1ULL << 17, "gmem-only" }, /* inside the kernel, 6.18 */
	{ 0, NULL },
};

const struct flag_name gmem_flag_names[] = {
	{ 1ULL << 0, "mmap" }, /* 6.18 */
	{ 1ULL << 1, "init-shared" }, /* 6.18 */
	{ 0, NULL },
};

const char *vm_type_name(const char *arch, __u32 type)
{
	static const char *const x86[] = { "default", "sw-protected", "SEV",
					   "SEV-ES",  "SEV-SNP",      "TDX" };

	if (arch && !strcmp(arch, "x86_64"))
		return type < sizeof(x86) / sizeof(x86[0]) ? x86[type] : NULL;
	return type ? NULL : "default";
}

void flags_describe(char *text, size_t size, __u64 flags, const struct flag_name *names, __u64 but)
{
	size_t at = 0;

	text[0] = 0;
	for (flags &= ~but; names->bit; names++) {
		if (!(flags & names->bit))
			continue;
		at += snprintf(text + at, size - at, "%s%s", at ? "," : "", names->name);
		flags &= ~names->bit;
	}
	if (flags)
		snprintf(text + at, size - at, "%s0x%llx", at ? "," : "", flags);
}
