/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON in the making, so that the end of an object or list checks for all of its members; and the
 * values that JSON has no exact form for.
 */
#ifndef JSON_NODE_H
#define JSON_NODE_H

#include <jansson.h>
#include <linux/types.h>
#include <stddef.h>

/* An object or list; the first failure sticks. */
struct json_node {
	json_t *json;
	int err;
};

struct json_node node_object(void);
struct json_node node_list(void);

/* Both take @value, which is NULL when there was no memory for it. */
void node_put(struct json_node *object, const char *key, json_t *value);
void node_add(struct json_node *list, json_t *value);

/* The whole of it, the caller's, or NULL. */
json_t *node_done(struct json_node *node);

/* JSON integers are signed here; the few values that could be above that are digits in quotes. */
json_t *json_u64(__u64 value);

/* A time of day in ns does not fit the integers of most readers: RFC 3339, UTC, does. */
json_t *json_time(__u64 realtime_ns);

/* A string of at most @len bytes that anybody may have made up, as valid UTF-8. */
json_t *json_foreign(const char *s, size_t len);

/* Likewise all of @s; null when it is NULL or empty. */
json_t *json_foreign_or_null(const char *s);

#endif
