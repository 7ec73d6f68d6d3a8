/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arrays that grow.
 */
#ifndef ARRAYS_H
#define ARRAYS_H

#include <stddef.h>

/*
 * One more element, zeroed, at the end of the growing *@array of *@n elements of @size bytes, with
 * *@n counted up. The caller frees *@array. NULL, and nothing changed, when out of memory.
 */
void *array_append(void *array, size_t *n, size_t size);

#endif
