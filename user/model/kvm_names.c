// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of KVM's numbers (bpf/kvm.h).
 */
#include <stdio.h>
#include <string.h>
#include "kvm_names.h"
#include "kvm.h"

const struct flag_name slot_flag_names[] = {
	{ KVM_MEM_LOG_DIRTY_PAGES, "dirty-log" }, { KVM_MEM_READONLY, "read-only" },
	{ KVM_MEM_GUEST_MEMFD, "guest-memfd" },	  { KVM_MEMSLOT_INVALID, "invalid" },
	{ KVM_MEMSLOT_GMEM_ONLY, "gmem-only" },	  { 0, NULL },
};

const struct flag_name gmem_flag_names[] = {
	{ GUEST_MEMFD_FLAG_MMAP, "mmap" },
	{ GUEST_MEMFD_FLAG_INIT_SHARED, "init-shared" },
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
