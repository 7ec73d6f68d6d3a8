/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's functions by address, from /proc/kallsyms.
 */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

struct symbols;

/*
 * Read all functions there are now from @kallsyms, a file such as /proc/kallsyms; modules and BPF
 * programs come and go. NULL when out of memory. Freed by symbols_free().
 */
struct symbols *symbols_read(FILE *kallsyms);
void symbols_free(struct symbols *symbols);

/*
 * "kvm_mmu_zap_all_fast+0x1c [kvm]" for an @address within it, "0xffffffff81000000" where no name
 * is known (kptr_restrict hides them all). Returns @buf.
 */
char *symbols_name(const struct symbols *symbols, __u64 address, char *buf, size_t size);

#endif
