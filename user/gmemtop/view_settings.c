// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings by name: one table to read and to write them.
 */
#include "view_settings.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/output.h"
#include "base/text.h"
#include "view_columns.h"

void settings_init(struct view_settings *settings)
{
	*settings =
		(struct view_settings){ .columns = columns_default(), .interval_ns = 1000000000 };
	settings_sort(settings, columns_default_sort());
}

void settings_sort(struct view_settings *settings, unsigned int column)
{
	settings->sort = column;
	settings->descending = column_descends(column);
}

static int wrong(char *why, size_t size, const char *value, const char *what)
{
	snprintf(why, size, "%s: %s", value, what);
	return -1;
}

/* ---- Each setting ---- */

static int set_columns(struct view_settings *settings, const char *value, char *why, size_t size)
{
	const char *key = value;
	__u64 chosen = 1; /* the first is always there */
	size_t len;

	do {
		int column;

		len = strcspn(key, ",");
		column = column_by_key(key, len);
		if (column < 0)
			return wrong(why, size, value, "an unknown column");
		chosen |= 1ULL << column;
		key += len;
	} while (*key++);
	settings->columns = chosen;
	return 0;
}

static void get_columns(const struct view_settings *settings, FILE *file)
{
	const char *comma = "";

	for (unsigned int i = 0; i < nr_columns; i++)
		if (settings->columns & 1ULL << i) {
			fprintf(file, "%s%s", comma, columns[i].key);
			comma = ",";
		}
}

static int set_sort(struct view_settings *settings, const char *value, char *why, size_t size)
{
	int column = column_by_key(value, strlen(value));

	if (column < 0)
		return wrong(why, size, value, "an unknown column");
	settings_sort(settings, column);
	return 0;
}

static void get_sort(const struct view_settings *settings, FILE *file)
{
	fputs(columns[settings->sort].key, file);
}

/* One of two words. */
static int set_word(bool *setting, const char *value, const char *yes, const char *no, char *why,
		    size_t size)
{
	if (strcmp(value, yes) && strcmp(value, no)) {
		snprintf(why, size, "%s: neither %s nor %s", value, yes, no);
		return -1;
	}
	*setting = !strcmp(value, yes);
	return 0;
}

#define WORD_SETTING(name, field, yes, no)                                                         \
	static int set_##name(struct view_settings *settings, const char *value, char *why,        \
			      size_t size)                                                         \
	{                                                                                          \
		return set_word(&settings->field, value, yes, no, why, size);                      \
	}                                                                                          \
	static void get_##name(const struct view_settings *settings, FILE *file)                   \
	{                                                                                          \
		fputs(settings->field ? (yes) : (no), file);                                       \
	}

WORD_SETTING(order, descending, "descending", "ascending")
WORD_SETTING(show, totals, "totals", "rates")
WORD_SETTING(idle, hide_idle, "hide", "show")

static int set_filter(struct view_settings *settings, const char *value, char *why, size_t size)
{
	return filter_parse(value, &settings->filter, why, size);
}

static void get_filter(const struct view_settings *settings, FILE *file)
{
	fputs(settings->filter.text, file);
}

static int set_interval(struct view_settings *settings, const char *value, char *why, size_t size)
{
	char *end;
	double ns = strtod(value, &end) * 1e9;

	if (end == value || *end || !(ns >= SETTINGS_MIN_INTERVAL_NS) ||
	    ns > SETTINGS_MAX_INTERVAL_NS)
		return wrong(why, size, value, "not a number of seconds from 0.1 to 3600");
	settings->interval_ns = (__u64)(ns + 0.5);
	return 0;
}

static void get_interval(const struct view_settings *settings, FILE *file)
{
	fprintf(file, "%g", (double)settings->interval_ns / 1e9);
}

/* "order" comes after "sort", which sets one. */
static const struct setting {
	const char *name;
	int (*set)(struct view_settings *settings, const char *value, char *why, size_t size);
	void (*get)(const struct view_settings *settings, FILE *file);
} table[] = {
	{ "columns", set_columns, get_columns },
	{ "sort", set_sort, get_sort },
	{ "order", set_order, get_order },
	{ "show", set_show, get_show },
	{ "idle", set_idle, get_idle },
	{ "filter", set_filter, get_filter },
	{ "interval", set_interval, get_interval },
};

#define NR_SETTINGS (sizeof(table) / sizeof(table[0]))

int settings_set(struct view_settings *settings, const char *name, const char *value, char *why,
		 size_t size)
{
	for (size_t i = 0; i < NR_SETTINGS; i++)
		if (!strcmp(table[i].name, name))
			return table[i].set(settings, value, why, size);
	return wrong(why, size, name, "no such setting");
}

/* ---- The file ---- */

char *settings_path(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int len = -1;

	/* A relative one is to be ignored. */
	if (config && *config == '/')
		len = asprintf(&path, "%s/gmemtop/config", config);
	else if (home && *home == '/')
		len = asprintf(&path, "%s/.config/gmemtop/config", home);
	return len < 0 ? NULL : path;
}

/* Without blanks at both ends. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = 0;
	return text;
}

static void read_line(struct view_settings *settings, char *line, const char *path, int number,
		      FILE *complaints)
{
	char *equals = strchr(line, '='), why[256], clean[1024];
	char *name = trim(line);

	if (!*name || *name == '#')
		return;
	if (equals) {
		*equals = 0;
		name = trim(line);
		if (!settings_set(settings, name, trim(equals + 1), why, sizeof(why)))
			return;
	} else {
		snprintf(why, sizeof(why), "no =");
	}
	text_clean(clean, sizeof(clean), why, strlen(why), true);
	fprintf(complaints, "gmemtop: %s:%d: %s. The line is ignored.\n", path, number, clean);
}

void settings_read(struct view_settings *settings, const char *path, FILE *complaints)
{
	/* Another process may have made a FIFO of it, which nobody may ever write to. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = errno, number = 0;
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[1024], shown[1024];
	struct stat st;

	text_clean(shown, sizeof(shown), path, strlen(path), true);
	if (!file) {
		if (err != ENOENT && err != ENOTDIR)
			fprintf(complaints, "gmemtop: %s: %s. It is ignored.\n", shown,
				strerror(err));
		return;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		fprintf(complaints, "gmemtop: %s: no regular file. It is ignored.\n", shown);
	else
		while (fgets(line, sizeof(line), file))
			read_line(settings, line, shown, ++number, complaints);
	fclose(file);
}

/* The directories above @path, as many as are missing. */
static void make_directories(const char *path)
{
	char *copy = strdup(path), *slash = copy;

	while (copy && (slash = strchr(slash + 1, '/'))) {
		*slash = 0;
		mkdir(copy, 0700); /* if it fails, so does what comes next */
		*slash = '/';
	}
	free(copy);
}

int settings_write(const struct view_settings *settings, const char *path, struct problem *problem)
{
	struct output output;

	make_directories(path);
	destination_advise("Set XDG_CONFIG_HOME to a directory that can be written");
	if (output_open(&output, path, 0, problem))
		return -1;
	fputs("# Written by gmemtop (w).\n", output.file);
	for (size_t i = 0; i < NR_SETTINGS; i++) {
		fprintf(output.file, "%s = ", table[i].name);
		table[i].get(settings, output.file);
		fputc('\n', output.file);
	}
	return output_commit(&output, problem);
}
