// SPDX-License-Identifier: GPL-2.0-only
#include "past.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/arrays.h"

static struct past *find(const struct past_list *past, const char *comm)
{
	for (size_t i = 0; i < past->n; i++)
		if (!strncmp(past->v[i].comm, comm, GMEM_COMM_LEN))
			return &past->v[i];
	return NULL;
}

/* The row of this name, made if need be, or that of all others. NULL: no memory. */
static struct past *row_of(struct past_list *past, const char *comm)
{
	struct past *row = find(past, comm);

	if (!row && past->n >= PAST_NAMES - 1) {
		comm = PAST_OTHERS;
		row = find(past, comm);
	}
	if (row)
		return row;
	row = array_append(&past->v, &past->n, sizeof(*row));
	if (row)
		strncpy(row->comm, comm, sizeof(row->comm));
	return row;
}

static void count_one(struct past *row, enum owner_kind kind)
{
	row->nvms += kind == OWNER_VM;
	row->nslots += kind == OWNER_SLOT;
	row->ngmems += kind == OWNER_GMEM;
}

int past_add(struct past_list *past, const char *comm, enum owner_kind kind,
	     const struct event_counts *events)
{
	struct past *row = row_of(past, comm);
	int err = row ? event_counts_add(&row->events, events) : -ENOMEM;

	if (!err)
		count_one(row, kind);
	return err;
}

static int row_add(struct past *to, const struct past *from)
{
	to->nvms += from->nvms;
	to->nslots += from->nslots;
	to->ngmems += from->ngmems;
	return event_counts_add(&to->events, &from->events);
}

int past_copy(struct past_list *to, const struct past_list *from)
{
	int err = 0;

	if (!from->n)
		return 0;
	to->v = calloc(from->n, sizeof(*to->v));
	if (!to->v)
		return -ENOMEM;
	for (; to->n < from->n && !err; to->n++) {
		memcpy(to->v[to->n].comm, from->v[to->n].comm, GMEM_COMM_LEN);
		err = row_add(&to->v[to->n], &from->v[to->n]);
	}
	return err;
}

int past_total(const struct past_list *past, struct past *total)
{
	int err = 0;

	for (size_t i = 0; i < past->n && !err; i++)
		err = row_add(total, &past->v[i]);
	return err;
}

void past_free(struct past_list *past)
{
	for (size_t i = 0; i < past->n; i++)
		event_counts_free(&past->v[i].events);
	free(past->v);
	*past = (struct past_list){ 0 };
}
