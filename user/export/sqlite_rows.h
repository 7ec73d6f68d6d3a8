/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows into an SQLite database, value by value. The first failure sticks: what follows does
 * nothing, and the end tells. For export_sqlite.c.
 */
#ifndef SQLITE_ROWS_H
#define SQLITE_ROWS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct sqlite_rows {
	sqlite3 *db;
	sqlite3_stmt **statements;
	size_t n;
	int status; /* SQLITE_* */
	sqlite3_stmt *row; /* being filled */
	int column; /* of the last value in it */
};

/* Open @path, an empty file, and run @sql in it. sqlite_rows_close() afterwards in any case. */
void sqlite_rows_open(struct sqlite_rows *rows, const char *path, const char *sql);

/* Prepare @n statements, which are used by their index. */
void sqlite_rows_prepare(struct sqlite_rows *rows, const char *const *sql, size_t n);

void sqlite_rows_run(struct sqlite_rows *rows, const char *sql);

void sqlite_row_begin(struct sqlite_rows *rows, int statement);

/* Each the next value. NULL for what is not @known, and for numbers from 2^63 on. */
void sqlite_row_null(struct sqlite_rows *rows);
void sqlite_row_number(struct sqlite_rows *rows, __u64 number);
void sqlite_row_number_if(struct sqlite_rows *rows, bool known, __u64 number);
void sqlite_row_signed(struct sqlite_rows *rows, __s64 number);

/* @len bytes up to a NUL, that anybody may have made up; NULL for NULL. */
void sqlite_row_text(struct sqlite_rows *rows, const char *text, size_t len);
void sqlite_row_string(struct sqlite_rows *rows, const char *text);

/* @text of ours, NULL for NULL, as it is. */
void sqlite_row_word(struct sqlite_rows *rows, const char *text);

void sqlite_row_end(struct sqlite_rows *rows);

/* Frees everything. SQLITE_OK, or the first failure, whose words stay in @message. */
int sqlite_rows_close(struct sqlite_rows *rows, char *message, size_t size);

#endif
