/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables of an exported capture, and the statements that fill them. For export_sqlite.c.
 */
#ifndef SQLITE_SCHEMA_H
#define SQLITE_SCHEMA_H

/* Tables and views. */
extern const char sqlite_schema[];

/* Made last: rows come faster without. */
extern const char sqlite_indexes[];

enum {
	INSERT_CAPTURE,
	INSERT_HOOK,
	INSERT_LOSS,
	INSERT_DROPPED,
	INSERT_VM,
	INSERT_GMEM,
	INSERT_SLOT,
	INSERT_THREAD,
	INSERT_EVENT,
	INSERT_EVENTS, /* EVENTS_AT_ONCE of them */
	INSERT_SNAPSHOT,
	INSERT_COUNT,
	INSERT_HISTOGRAM,
	INSERT_ERROR,
	INSERT_DETAIL,
	INSERT_MEMORY,
	INSERT_PAST,
	NR_STATEMENTS
};

#define EVENTS_AT_ONCE 32 /* a row by itself takes nearly twice as long */

/* Values in the order of columns. */
extern const char *const sqlite_statements[NR_STATEMENTS];

#endif
