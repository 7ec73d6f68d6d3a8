// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names lie one after another in one buffer, as they do in the file.
 */
#include "symbols.h"
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 256
#define MODULE_SIZE 64

struct symbol {
	__u64 address;
	size_t name; /* where in names */
};

struct symbols {
	struct symbol *v;
	size_t n, room;
	char *names; /* each "function" or "function [module]" */
	size_t names_len, names_room;
};

/* Make room for @more elements of @size after the @n there are. */
static int make_room(void *array, size_t *room, size_t n, size_t more, size_t size)
{
	size_t wanted = *room ? *room : 4096;
	void **at = array, *grown;

	if (n + more <= *room)
		return 0;
	while (wanted < n + more)
		wanted *= 2;
	grown = reallocarray(*at, wanted, size);
	if (!grown)
		return -1;
	*at = grown;
	*room = wanted;
	return 0;
}

static int add(struct symbols *symbols, __u64 address, const char *name, const char *module)
{
	size_t len = strlen(name) + strlen(module) + 2; /* a blank, a NUL */

	if (make_room(&symbols->v, &symbols->room, symbols->n, 1, sizeof(*symbols->v)) ||
	    make_room(&symbols->names, &symbols->names_room, symbols->names_len, len, 1))
		return -1;
	symbols->v[symbols->n++] = (struct symbol){ address, symbols->names_len };
	symbols->names_len += 1 + snprintf(symbols->names + symbols->names_len, len, "%s%s%s", name,
					   *module ? " " : "", module);
	return 0;
}

static int add_line(struct symbols *symbols, const char *line)
{
	char type, name[NAME_SIZE], module[MODULE_SIZE] = "";
	__u64 address;

	if (sscanf(line, "%llx %c %255s %63s", &address, &type, name, module) < 3 || !address ||
	    !strchr("tTwW", type))
		return 0;
	return add(symbols, address, name, module);
}

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

struct symbols *symbols_read(FILE *kallsyms)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	if (!symbols)
		return NULL;
	while (!err && getline(&line, &size, kallsyms) > 0)
		err = add_line(symbols, line);
	free(line);
	if (err) {
		symbols_free(symbols);
		return NULL;
	}
	if (symbols->n)
		qsort(symbols->v, symbols->n, sizeof(*symbols->v), compare);
	return symbols;
}

bool symbols_hidden(const struct symbols *symbols)
{
	return !symbols->n;
}

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->v);
	free(symbols->names);
	free(symbols);
}

/* The last symbol at or below @address; NULL for none. */
static const struct symbol *find(const struct symbols *symbols, __u64 address)
{
	size_t low = 0, high = symbols->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (symbols->v[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &symbols->v[low - 1] : NULL;
}

char *symbols_name(const struct symbols *symbols, __u64 address, char *buf, size_t size)
{
	const struct symbol *symbol = find(symbols, address);
	const char *name, *module;
	int len;

	if (!symbol) {
		snprintf(buf, size, "%s", SYMBOL_UNKNOWN);
		return buf;
	}
	name = symbols->names + symbol->name;
	module = strchr(name, ' ');
	len = module ? (int)(module - name) : (int)strlen(name);
	snprintf(buf, size, "%.*s+0x%llx%s", len, name, address - symbol->address,
		 module ? module : "");
	return buf;
}
