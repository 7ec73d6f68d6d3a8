/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which machine this is, as far as the speed of a program depends on it, and which boot of it.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdio.h>

/*
 * The processor, by what @cpuinfo (/proc/cpuinfo) says of the first one: "Intel(R) ..., stepping 6,
 * microcode 0x2b". @buf of MACHINE_LEN; "" if it says nothing. Returns @buf.
 */
#define MACHINE_LEN 200
const char *machine_of(char *buf, FILE *cpuinfo);

/* The same of this machine; "" if it cannot be read. */
const char *machine_name(void);

/*
 * 16 hexadecimal digits that are the same until the next boot, and tell nothing else: a hash of the
 * kernel's boot id. "" if there is none.
 */
const char *machine_boot(void);

#endif
