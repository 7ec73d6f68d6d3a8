/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What gmemload did, as JSON. Included by gmemload.c.
 */
#ifndef GMEMLOAD_REPORT_H
#define GMEMLOAD_REPORT_H

#include <stdio.h>

#include "load.h"

/* Prints the account. Returns 0 or a negative errno. */
int report_print(struct load *load, FILE *file);

/* Prints what KVM offers. Returns 0 or a negative errno. */
int probe_print(FILE *file);

#endif
