/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's functions by address, from /proc/kallsyms.
 */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>
#include "model/model.h"

struct symbols;

/*
 * Read all functions there are now from @kallsyms, a file such as /proc/kallsyms; modules and BPF
 * programs come and go. NULL when out of memory. Freed by symbols_free().
 */
struct symbols *symbols_read(FILE *kallsyms);
void symbols_free(struct symbols *symbols);

/* Is there not one function? So it is where the kernel hides its addresses (kptr_restrict). */
bool symbols_hidden(const struct symbols *symbols);

/*
 * "kvm_mmu_zap_all_fast+0x1c [kvm]" for an @address within it, SYMBOL_UNKNOWN where no name is
 * known: addresses of the kernel are not told. Returns @buf.
 */
char *symbols_name(const struct symbols *symbols, __u64 address, char *buf, size_t size);

#endif
