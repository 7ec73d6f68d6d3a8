// SPDX-License-Identifier: GPL-2.0-only
/*
 * From /proc. What cannot be read is not known, and no error.
 */
#include "machine.h"
#include <linux/types.h>
#include <string.h>

/* What there is of each depends on the architecture. */
static const struct {
	const char *key;
	const char *name; /* before its value */
} parts[] = {
	{ "model name", "" },
	{ "stepping", "stepping " },
	{ "microcode", "microcode " },
	{ "CPU implementer", "CPU " },
	{ "CPU variant", "variant " },
	{ "CPU part", "part " },
	{ "CPU revision", "revision " },
};

/* Behind ": ", if the line begins with @key; else NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len))
		return NULL;
	line += len + strspn(line + len, " \t");
	return *line == ':' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

const char *machine_of(char *buf, FILE *cpuinfo)
{
	char line[4096]; /* longer ones, such as flags, are of no interest */
	size_t at = 0;

	buf[0] = 0;
	while (fgets(line, sizeof(line), cpuinfo) && *line != '\n')
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
			const char *value = value_of(line, parts[i].key);

			if (value && at < MACHINE_LEN)
				at += (size_t)snprintf(buf + at, MACHINE_LEN - at, "%s%s%.*s",
						       at ? ", " : "", parts[i].name,
						       (int)strcspn(value, "\n"), value);
		}
	return buf;
}

const char *machine_name(void)
{
	static char name[MACHINE_LEN];
	FILE *file = fopen("/proc/cpuinfo", "re");

	if (!file)
		return "";
	machine_of(name, file);
	fclose(file);
	return name;
}

/* FNV-1a: the id is random enough by itself. */
static __u64 hash(const char *text)
{
	__u64 hash = 0xcbf29ce484222325ULL;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	return hash;
}

const char *machine_boot(void)
{
	static char boot[17];
	char id[64] = "";
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!file)
		return "";
	if (fgets(id, sizeof(id), file))
		snprintf(boot, sizeof(boot), "%016llx", hash(id));
	fclose(file);
	return boot;
}
