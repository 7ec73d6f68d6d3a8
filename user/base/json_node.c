// SPDX-License-Identifier: GPL-2.0-only
/*
 * On top of jansson.
 */
#include "json_node.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"

json_t *json_u64(__u64 value)
{
	char digits[24];

	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	snprintf(digits, sizeof(digits), "%llu", value);
	return json_string(digits);
}

json_t *json_time(__u64 realtime_ns)
{
	char buf[TEXT_TIME_SIZE];

	return json_string(text_time(buf, realtime_ns));
}

json_t *json_foreign(const char *s, size_t len)
{
	char *clean;
	json_t *string;

	len = strnlen(s, len);
	clean = malloc(TEXT_UTF8_SIZE(len));
	if (!clean)
		return NULL;
	string = json_string(text_utf8(clean, TEXT_UTF8_SIZE(len), s, len));
	free(clean);
	return string;
}

json_t *json_foreign_or_null(const char *s)
{
	return s && *s ? json_foreign(s, strlen(s)) : json_null();
}

struct json_node node_object(void)
{
	return (struct json_node){ .json = json_object() };
}

struct json_node node_list(void)
{
	return (struct json_node){ .json = json_array() };
}

void node_put(struct json_node *object, const char *key, json_t *value)
{
	object->err |= json_object_set_new(object->json, key, value);
}

void node_add(struct json_node *list, json_t *value)
{
	list->err |= json_array_append_new(list->json, value);
}

json_t *node_done(struct json_node *node)
{
	if (!node->err)
		return node->json;
	json_decref(node->json);
	return NULL;
}
