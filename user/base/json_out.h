/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON on one line, written as it is said: for large reports, whose every number would be an allocation
 * in a tree of them. What is said has to be sound: keys in objects alone, each once, all that was opened
 * closed. Writes that fail are left to the caller, who flushes.
 */
#ifndef JSON_OUT_H
#define JSON_OUT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct json_out {
	FILE *file;
	bool follows; /* another value of the same list or object; starts false */
};

/*
 * The first argument of each after @json is the value's key in its object, of ours, and NULL in a list
 * and for the whole.
 */
void json_out_object(struct json_out *json, const char *key);
void json_out_end_object(struct json_out *json);
void json_out_list(struct json_out *json, const char *key);
void json_out_end_list(struct json_out *json);

void json_out_null(struct json_out *json, const char *key);
void json_out_bool(struct json_out *json, const char *key, bool value);

/* Readers take integers as signed: what is above that is digits in quotes. */
void json_out_number(struct json_out *json, const char *key, __u64 value);
void json_out_signed(struct json_out *json, const char *key, __s64 value);

/* null if it is not finite. */
void json_out_real(struct json_out *json, const char *key, double value);

/* null unless @known. */
void json_out_number_if(struct json_out *json, const char *key, bool known, __u64 value);

/* @value of ours. */
void json_out_string(struct json_out *json, const char *key, const char *value);

/* At most @len bytes that anybody may have made up, as valid UTF-8 without control characters. */
void json_out_foreign(struct json_out *json, const char *key, const char *s, size_t len);

/* Likewise all of @s; null when it is NULL or empty. */
void json_out_foreign_or_null(struct json_out *json, const char *key, const char *s);

#endif
