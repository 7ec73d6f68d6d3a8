// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON that is written as it is said is what jansson makes of the same, byte by byte.
 */
#include <stdlib.h>
#include <string.h>
#include "base/json_node.h"
#include "base/json_out.h"
#include "base/json_text.h"
#include "unit.h"

struct written {
	char *text;
	size_t size;
	struct json_out json;
};

static void begin(struct written *written)
{
	memset(written, 0, sizeof(*written));
	written->json.file = open_memstream(&written->text, &written->size);
	assert_non_null(written->json.file);
}

static void end(struct written *written, const char *expected)
{
	fclose(written->json.file);
	assert_string_equal(written->text, expected);
	free(written->text);
}

static void test_structure(void **state)
{
	struct written written;
	struct json_out *json = &written.json;

	(void)state;
	begin(&written);
	json_out_object(json, NULL);
	json_out_object(json, "empty");
	json_out_end_object(json);
	json_out_list(json, "list");
	json_out_number(json, NULL, 1);
	json_out_list(json, NULL);
	json_out_end_list(json);
	json_out_object(json, NULL);
	json_out_null(json, "a");
	json_out_bool(json, "b", true);
	json_out_bool(json, "c", false);
	json_out_end_object(json);
	json_out_string(json, NULL, "x");
	json_out_end_list(json);
	json_out_string(json, "last", "");
	json_out_end_object(json);
	end(&written, "{\"empty\":{},\"list\":[1,[],{\"a\":null,\"b\":true,\"c\":false},\"x\"],"
		      "\"last\":\"\"}");
}

static void test_numbers(void **state)
{
	struct written written;
	struct json_out *json = &written.json;

	(void)state;
	begin(&written);
	json_out_list(json, NULL);
	json_out_number(json, NULL, 0);
	json_out_number(json, NULL, INT64_MAX);
	json_out_number(json, NULL, INT64_MAX + 1ULL);
	json_out_number(json, NULL, ~0ULL);
	json_out_signed(json, NULL, -1);
	json_out_signed(json, NULL, INT64_MIN);
	json_out_signed(json, NULL, INT64_MAX);
	json_out_number_if(json, NULL, true, 7);
	json_out_number_if(json, NULL, false, 7);
	json_out_foreign_or_null(json, NULL, NULL);
	json_out_foreign_or_null(json, NULL, "");
	json_out_foreign_or_null(json, NULL, "ü");
	json_out_end_list(json);
	end(&written, "[0,9223372036854775807,\"9223372036854775808\",\"18446744073709551615\",-1,"
		      "-9223372036854775808,9223372036854775807,7,null,null,null,\"ü\"]");
}

/* Whatever the bytes are. */
static void check_foreign(const char *s, size_t len)
{
	json_t *list = json_pack("[o]", json_foreign(s, len));
	struct written written;
	char *expected = NULL;
	size_t size;
	FILE *out = open_memstream(&expected, &size);

	assert_non_null(list);
	assert_int_equal(json_text_write(out, list), 0);
	fclose(out);
	json_decref(list);
	begin(&written);
	json_out_list(&written.json, NULL);
	json_out_foreign(&written.json, NULL, s, len);
	json_out_end_list(&written.json);
	end(&written, expected);
	free(expected);
}

static void test_foreign(void **state)
{
	static const char *const parts[] = { "\xc2",	 "\x85",     "\xe2\x80", "\xae",
					     "\u2066",	 "\ufffb",   "\u061c",	 "\xf0\x9f\x98\x80",
					     "\xed\xa0", "\xf4\x90", "é",	 "\x7f" };
	unsigned long long random = 3;
	char text[200];

	(void)state;
	for (int c = 0; c < 256; c++) {
		snprintf(text, sizeof(text), "a%cb", c);
		check_foreign(text, 3);
		check_foreign(text, 2);
	}
	for (int i = 0; i < 20000; i++) {
		size_t len = 0;

		while (len < sizeof(text) - 4 && unit_random(&random) % 20) {
			const char *part = parts[unit_random(&random) % ARRAY_SIZE(parts)];

			if (unit_random(&random) % 3)
				text[len++] = unit_random(&random);
			else
				len = stpcpy(text + len, part) - text;
		}
		check_foreign(text, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
