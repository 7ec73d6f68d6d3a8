/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM's numbers by name: types of VMs, flags of memslots and of guest_memfds. For reports and
 * screens.
 */
#ifndef KVM_NAMES_H
#define KVM_NAMES_H

#include <stddef.h>
#include <linux/types.h>

struct flag_name {
	__u64 bit;
	const char *name;
};

/* Each ends with a row whose bit is 0. */
extern const struct flag_name slot_flag_names[];
extern const struct flag_name gmem_flag_names[];

/* "gmem-only,dirty-log", bits without a name in hex; @but are not of interest. */
void flags_describe(char *text, size_t size, __u64 flags, const struct flag_name *names, __u64 but);

/* "SNP" for 4 on @arch (as uname -m says) "x86_64"; NULL for a number without a name. */
const char *vm_type_name(const char *arch, __u32 type);

#endif
