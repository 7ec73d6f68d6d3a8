// SPDX-License-Identifier: GPL-2.0-only
/*
 * All bindings of a snapshot, sorted.
 */
#include "report_bindings.h"
#include <errno.h>
#include <stdlib.h>

static int compare(__u32 vm, __u64 ino, const struct binding *binding)
{
	if (vm != binding->vm)
		return vm < binding->vm ? -1 : 1;
	return (ino > binding->slot->info.ino) - (ino < binding->slot->info.ino);
}

static int compare_bindings(const void *a, const void *b)
{
	const struct binding *x = a, *y = b;
	int order = compare(x->vm, x->slot->info.ino, y);

	return order ?: (x->slot > y->slot) - (x->slot < y->slot);
}

int bindings_make(struct bindings *bindings, const struct snapshot *snap)
{
	size_t nslots = 0;

	for (size_t i = 0; i < snap->nvms; i++)
		nslots += snap->vms[i].nslots;
	*bindings = (struct bindings){ .v = calloc(nslots + 1, sizeof(*bindings->v)) };
	if (!bindings->v)
		return -ENOMEM;
	for (size_t i = 0; i < snap->nvms; i++)
		for (size_t j = 0; j < snap->vms[i].nslots; j++)
			if (snap->vms[i].slots[j].exists)
				bindings->v[bindings->n++] =
					(struct binding){ i, &snap->vms[i].slots[j] };
	qsort(bindings->v, bindings->n, sizeof(*bindings->v), compare_bindings);
	return 0;
}

void bindings_free(struct bindings *bindings)
{
	free(bindings->v);
	*bindings = (struct bindings){};
}

const struct binding *bindings_of(const struct bindings *bindings, const struct gmem *gmem,
				  size_t *n)
{
	size_t low = 0, high = bindings->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare(gmem->vm, gmem->info.ino, &bindings->v[mid]) > 0)
			low = mid + 1;
		else
			high = mid;
	}
	*n = 0;
	while (low + *n < bindings->n && !compare(gmem->vm, gmem->info.ino, &bindings->v[low + *n]))
		(*n)++;
	return &bindings->v[low];
}
