// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of CPUs, as sysfs has them.
 */
#include "cpus.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "arrays.h"

#define MOST 65536 /* more than any kernel is built for */

static int add_range(struct cpus *cpus, unsigned long first, unsigned long last)
{
	if (last < first || last >= MOST || (cpus->n && first < cpus_end(cpus)))
		return -EINVAL;
	for (unsigned long number = first; number <= last; number++) {
		__u32 *at = array_append(&cpus->numbers, &cpus->n, sizeof(*at));

		if (!at)
			return -ENOMEM;
		*at = number;
	}
	return 0;
}

int cpus_parse(struct cpus *cpus, const char *list)
{
	unsigned long first, last;
	char *end;
	int err;

	*cpus = (struct cpus){};
	do {
		first = last = strtoul(list, &end, 10);
		if (end == list)
			return -EINVAL;
		if (*end == '-') {
			list = end + 1;
			last = strtoul(list, &end, 10);
			if (end == list)
				return -EINVAL;
		}
		list = end + 1;
		err = add_range(cpus, first, last);
	} while (!err && *end == ',');
	if (!err && *end && *end != '\n')
		return -EINVAL;
	return err;
}

int cpus_possible(struct cpus *cpus)
{
	FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
	char list[4096];
	int err = -EIO;

	*cpus = (struct cpus){};
	if (!file)
		return -errno;
	if (fgets(list, sizeof(list), file))
		err = cpus_parse(cpus, list);
	fclose(file);
	return err;
}

__u32 cpus_end(const struct cpus *cpus)
{
	return cpus->n ? cpus->numbers[cpus->n - 1] + 1 : 0;
}

void cpus_free(struct cpus *cpus)
{
	free(cpus->numbers);
	*cpus = (struct cpus){};
}
