// SPDX-License-Identifier: GPL-2.0-only
/*
 * Growing by doubling, without a field for the capacity.
 */
#include "arrays.h"
#include <stdlib.h>
#include <string.h>

void *array_append(void *array, size_t *n, size_t size)
{
	char **at = array, *grown = *at;

	if (!(*n & (*n - 1))) { /* room is made at 0, 1, 2, 4, 8 ... */
		grown = realloc(*at, (*n * 2 + 1) * size);
		if (!grown)
			return NULL;
		*at = grown;
	}
	return memset(grown + (*n)++ * size, 0, size);
}
