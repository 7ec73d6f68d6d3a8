// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heat maps: which cell a page is in, the difference of two, and how they look at several widths.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "gmemtop/view_heat.h"
#include "gmemtop/view_pages.h"
#include "sample_view.h"
#include "unit.h"

static int setup_locale(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static void test_cells(void **state)
{
	static const __u64 sizes[] = { 1,   2,	 63,   64,	65,	      100,
				       127, 128, 129,  262144,	262145,	      (1ULL << 31) - 1,
				       511, 512, 4095, 1 << 20, (1 << 20) + 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		__u64 npages = sizes[i];
		unsigned int cells = heat_cells(npages), shift = heat_shift(npages);

		assert_in_range(cells, npages > 64 ? 33 : npages, npages > 64 ? 64 : npages);
		assert_int_equal((npages - 1) >> shift, cells - 1);
	}
}

/* Ranges are the same where their cells are, and never 0. */
static void test_ranges(void **state)
{
	(void)state;
	assert_int_not_equal(heat_range(0, 1), 0);
	assert_int_equal(heat_range(5, 130), heat_range(5, 131));
	assert_int_not_equal(heat_range(5, 130), heat_range(4, 130));
	assert_int_not_equal(heat_range(5, 64), heat_range(5, 63));
	assert_int_not_equal(heat_range(5, 64), heat_range(5, 128));
	assert_int_not_equal(heat_range((1ULL << 40) - 1, 64), heat_range((1ULL << 40) - 2, 64));
}

/* A slot of 1000 pages at gfn 0x1000: 63 cells of 16 pages. */
static struct heat_map sample_heat(void)
{
	struct heat_map heat = { .base_gfn = 0x1000, .npages = 16, .ncells = 63 };

	for (int i = 0; i < 16; i++)
		heat.cell[i] = 4 * i;
	return heat;
}

static void test_since(void **state)
{
	struct heat_map before = sample_heat(), now = sample_heat(), since;

	(void)state;
	before.elsewhere = 3;
	now.elsewhere = 3;
	now.cell[2] += 7;
	heat_since(&since, &now, &before);
	assert_int_equal(since.cell[2], 7);
	assert_int_equal(since.cell[3], 0);
	assert_int_equal(since.elsewhere, 0);
	assert_int_equal(since.npages, 16);
}

/* The slot has another range: what its cells had is elsewhere now. */
static void test_since_another_range(void **state)
{
	struct heat_map before = sample_heat(), since;
	struct heat_map now = { .npages = 1, .ncells = 8, .cell = { 9 }, .folds = 1 };

	(void)state;
	before.elsewhere = 3;
	now.elsewhere = 3 + 480 + 5;
	heat_since(&since, &now, &before);
	assert_int_equal(since.cell[0], 9);
	assert_int_equal(since.elsewhere, 5);
}

static char *drawn(const struct heat_map *heat, unsigned int width, bool utf8, bool color)
{
	const struct text_style style = { .columns = width, .utf8 = utf8, .color = color };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	heat_write(out, heat, &style, width);
	fclose(out);
	return text;
}

static void check_drawn(const struct heat_map *heat, unsigned int width, bool utf8, bool color,
			const char *expected)
{
	char *text = drawn(heat, width, utf8, color);

	assert_string_equal(text, expected);
	free(text);
}

static void test_drawn(void **state)
{
	struct heat_map heat = sample_heat();

	(void)state;
	check_drawn(&heat, 80, true, false,
		    "  0x1000  ··░░░░░░▒▒▒▒▒▒▒▒▓▓▓▓▓▓▓▓████████································\n"
		    "  0x1200  ······························································\n"
		    "  ·· 0  ░░ 1-15  ▒▒ 16-30  ▓▓ 31-45  ██ 46-60\n");
	check_drawn(&heat, 60, false, false,
		    "  0x1000  ..------++++++++********########\n"
		    "  0x1100  ................................\n"
		    "  0x1200  ................................\n"
		    "  0x1300  ..............................\n"
		    "  .. 0  -- 1-15  ++ 16-30  ** 31-45  ## 46-60\n");
}

static void test_few(void **state)
{
	struct heat_map heat = { .npages = 1, .ncells = 3, .cell = { 0, 1, 2 }, .elsewhere = 4 };

	(void)state;
	check_drawn(&heat, 80, false, true,
		    "  0x0  \033[2m..\033[0m\033[32m++\033[0m\033[31m##\033[0m\n"
		    "  \033[2m..\033[0m 0  \033[32m++\033[0m 1  \033[31m##\033[0m 2\n"
		    "  4 while the slot was another range\n");
	memset(heat.cell, 0, sizeof(heat.cell));
	check_drawn(&heat, 80, false, true, "  4 while the slot was another range\n");
	heat.elsewhere = 0;
	check_drawn(&heat, 80, false, true, "");
}

/* Whatever the width and the address are, lines fit, and each cell is there. */
static void test_widths(void **state)
{
	struct heat_map heat = sample_heat();
	char *text, *rest, *line;

	(void)state;
	heat.base_gfn = 0xffff000000;
	for (unsigned int width = 60; width <= 200; width++) {
		unsigned int cells = 0;

		rest = text = drawn(&heat, width, true, false);
		while ((line = strsep(&rest, "\n")) && !strncmp(line, "  0x", 4)) {
			assert_true(text_width(line) <= width);
			cells += text_width(line) - strlen("  0xffff000000  ");
		}
		assert_int_equal(cells, 2 * heat.ncells);
		free(text);
	}
}

/* ---- On the slot page ---- */

static void refresh(struct sample_view *sv, __u64 cell, __u64 elsewhere)
{
	struct slot *slot =
		sample_view_slot(sample_view_vm(sv, 0xaa, 7), 0, cell + elsewhere, 1000);

	slot->heat = calloc(1, sizeof(*slot->heat));
	*slot->heat = (struct heat_map){ .base_gfn = 0x1000, .npages = 4, .ncells = 64 };
	slot->heat->cell[63] = cell;
	slot->heat->elsewhere = elsewhere;
	sample_view_refresh(sv);
}

static char *page_of(struct sample_view *sv, size_t row, bool totals)
{
	const struct text_style style = { .columns = 150 };
	const struct page_context context = {
		.view = &sv->view,
		.row = &sv->view.rows[row],
		.totals = totals,
		.event = -1,
		.style = &style,
	};
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(page_slot(out, &context), 0);
	fclose(out);
	return text;
}

static void check_page(struct sample_view *sv, size_t row, bool totals, const char *has,
		       const char *lacks)
{
	char *text = page_of(sv, row, totals);

	assert_true(!has || strstr(text, has));
	assert_true(!lacks || !strstr(text, lacks));
	free(text);
}

static void test_page(void **state)
{
	struct sample_view sv;

	(void)state;
	sample_view_init(&sv);
	refresh(&sv, 10, 2);
	refresh(&sv, 15, 2);
	check_page(&sv, 1, false,
		   "\nGuest faults by gfn, the last interval: 4 pages (16KiB) to a cell\n"
		   "  0x1000  ",
		   "another range");
	check_page(&sv, 1, false, "..##\n  .. 0  -- 1  ++ 2  ** 3  ## 4-5\n", NULL);
	check_page(&sv, 1, true, "## 12-15\n  2 while the slot was another range\n", NULL);
	check_page(&sv, 0, true, NULL, "by gfn"); /* a VM has none */
	view_zero(&sv.view);
	check_page(&sv, 1, true, NULL, "by gfn"); /* nothing has happened */
	sv.view.hooks[EV_GUEST_FAULT].attached = false;
	check_page(&sv, 1, false, NULL, "by gfn");
	sample_view_free(&sv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),  cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_since),  cmocka_unit_test(test_since_another_range),
		cmocka_unit_test(test_drawn),  cmocka_unit_test(test_few),
		cmocka_unit_test(test_widths), cmocka_unit_test(test_page),
	};

	return cmocka_run_group_tests(tests, setup_locale, NULL);
}
