// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values are bound one after the other, texts as valid UTF-8.
 */
#include "sqlite_rows.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

static bool note(struct sqlite_rows *rows, int status)
{
	if (!rows->status && status != SQLITE_OK && status != SQLITE_DONE && status != SQLITE_ROW)
		rows->status = status;
	return !rows->status;
}

void sqlite_rows_run(struct sqlite_rows *rows, const char *sql)
{
	if (!rows->status)
		note(rows, sqlite3_exec(rows->db, sql, NULL, NULL, NULL));
}

void sqlite_rows_open(struct sqlite_rows *rows, const char *path, const char *sql)
{
	*rows = (struct sqlite_rows){ 0 };
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* statistics, a lock at each allocation */
	note(rows,
	     sqlite3_open_v2(path, &rows->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
	sqlite_rows_run(rows, sql);
}

void sqlite_rows_prepare(struct sqlite_rows *rows, const char *const *sql, size_t n)
{
	rows->statements = calloc(n, sizeof(*rows->statements));
	if (!rows->statements)
		note(rows, SQLITE_NOMEM);
	for (rows->n = 0; rows->n < n && !rows->status; rows->n++)
		note(rows, sqlite3_prepare_v3(rows->db, sql[rows->n], -1, SQLITE_PREPARE_PERSISTENT,
					      &rows->statements[rows->n], NULL));
}

void sqlite_row_begin(struct sqlite_rows *rows, int statement)
{
	rows->row = rows->status ? NULL : rows->statements[statement];
	rows->column = 0;
}

void sqlite_row_null(struct sqlite_rows *rows)
{
	if (!rows->status)
		note(rows, sqlite3_bind_null(rows->row, ++rows->column));
}

void sqlite_row_signed(struct sqlite_rows *rows, __s64 number)
{
	if (!rows->status)
		note(rows, sqlite3_bind_int64(rows->row, ++rows->column, number));
}

void sqlite_row_number_if(struct sqlite_rows *rows, bool known, __u64 number)
{
	if (known && number <= INT64_MAX)
		sqlite_row_signed(rows, number);
	else
		sqlite_row_null(rows);
}

void sqlite_row_number(struct sqlite_rows *rows, __u64 number)
{
	sqlite_row_number_if(rows, true, number);
}

void sqlite_row_text(struct sqlite_rows *rows, const char *text, size_t len)
{
	size_t size = TEXT_UTF8_SIZE(len);
	char *clean = text ? malloc(size) : NULL;

	if (clean && !rows->status)
		note(rows,
		     sqlite3_bind_text(rows->row, ++rows->column, text_utf8(clean, size, text, len),
				       -1, SQLITE_TRANSIENT));
	else
		sqlite_row_null(rows);
	free(clean);
	if (text && !clean)
		note(rows, SQLITE_NOMEM);
}

void sqlite_row_string(struct sqlite_rows *rows, const char *text)
{
	sqlite_row_text(rows, text, text ? strlen(text) : 0);
}

void sqlite_row_word(struct sqlite_rows *rows, const char *text)
{
	if (!rows->status)
		note(rows,
		     sqlite3_bind_text(rows->row, ++rows->column, text, -1, SQLITE_TRANSIENT));
}

void sqlite_row_end(struct sqlite_rows *rows)
{
	if (rows->status)
		return;
	note(rows, sqlite3_step(rows->row));
	note(rows, sqlite3_reset(rows->row));
}

int sqlite_rows_close(struct sqlite_rows *rows, char *message, size_t size)
{
	int status = rows->status;

	snprintf(message, size, "%s", sqlite3_errstr(status));
	for (size_t i = 0; rows->statements && i < rows->n; i++)
		sqlite3_finalize(rows->statements[i]);
	free(rows->statements);
	if (sqlite3_close(rows->db) != SQLITE_OK && !status)
		status = SQLITE_IOERR;
	*rows = (struct sqlite_rows){ 0 };
	return status;
}
