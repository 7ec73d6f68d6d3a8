// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heat maps: the difference of two, and how one looks.
 */
#include "view_heat.h"
#include "base/since.h"
#include "base/text.h"

static __u64 sum_cells(const struct heat_map *heat)
{
	__u64 sum = 0;

	for (unsigned int i = 0; i < heat->ncells; i++)
		sum += heat->cell[i];
	return sum;
}

void heat_since(struct heat_map *since, const struct heat_map *now, const struct heat_map *before)
{
	*since = *now;
	since->elsewhere = count_since(now->elsewhere, before->elsewhere);
	if (now->folds != before->folds) {
		since->elsewhere = count_since(since->elsewhere, sum_cells(before));
		return;
	}
	for (unsigned int i = 0; i < now->ncells; i++)
		since->cell[i] = count_since(now->cell[i], before->cell[i]);
}

/* ---- How it looks ---- */

#define LEVELS 5 /* none, and quarters of the most */
#define CELL_WIDTH 2 /* about as high as wide */

static const struct look {
	const char *shade[2]; /* ASCII, UTF-8 */
	const char *color;
} looks[LEVELS] = {
	{ { ".", "·" }, "2" },	{ { "-", "░" }, "36" }, { { "+", "▒" }, "32" },
	{ { "*", "▓" }, "33" }, { { "#", "█" }, "31" },
};

/* The lowest count above level @level - 1 where the most is @most; so the highest of it is known, too. */
static __u64 level_low(__u64 most, unsigned int level)
{
	return level ? (level - 1) * most / (LEVELS - 1) + 1 : 0;
}

static unsigned int level_of(__u64 count, __u64 most)
{
	unsigned int level = LEVELS - 1;

	while (count < level_low(most, level))
		level--;
	return level;
}

static void put_cell(FILE *out, unsigned int level, unsigned int width,
		     const struct text_style *style)
{
	if (style->color)
		fprintf(out, "\033[%sm", looks[level].color);
	while (width--)
		fputs(looks[level].shade[style->utf8], out);
	fputs(style->color ? "\033[0m" : "", out);
}

static void put_legend(FILE *out, __u64 most, const struct text_style *style)
{
	for (unsigned int level = 0; level < LEVELS; level++) {
		__u64 low = level_low(most, level);
		__u64 high = level_low(most, level + 1) - 1;

		if (low > high)
			continue;
		fputs("  ", out);
		put_cell(out, level, CELL_WIDTH, style);
		fprintf(out, low < high ? " %llu-%llu" : " %llu", low, high);
	}
	fputc('\n', out);
}

static unsigned int gfn_width(const struct heat_map *heat)
{
	return snprintf(NULL, 0, "0x%llx", heat->base_gfn + heat->ncells * heat->npages);
}

/* As many cells to a line as fit, of a number that makes lines begin at round addresses. */
static unsigned int cells_to_a_line(const struct heat_map *heat, unsigned int columns)
{
	unsigned int cells = HEAT_CELLS;

	while (cells > 8 && 2 + gfn_width(heat) + 2 + cells * CELL_WIDTH > columns)
		cells /= 2;
	return cells;
}

static void put_cells(FILE *out, const struct heat_map *heat, __u64 most,
		      const struct text_style *style, unsigned int columns)
{
	unsigned int line = cells_to_a_line(heat, columns);
	char gfn[24];

	for (unsigned int i = 0; i < heat->ncells; i++) {
		if (i % line == 0) {
			snprintf(gfn, sizeof(gfn), "0x%llx", heat->base_gfn + i * heat->npages);
			fprintf(out, "%s  %*s  ", i ? "\n" : "", (int)gfn_width(heat), gfn);
		}
		put_cell(out, level_of(heat->cell[i], most), CELL_WIDTH, style);
	}
	fputc('\n', out);
}

void heat_write(FILE *out, const struct heat_map *heat, const struct text_style *style,
		unsigned int columns)
{
	__u64 most = 0;

	for (unsigned int i = 0; i < heat->ncells; i++)
		most = heat->cell[i] > most ? heat->cell[i] : most;
	if (most) {
		put_cells(out, heat, most, style, columns);
		put_legend(out, most, style);
	}
	if (heat->elsewhere)
		fprintf(out, "  %llu while the slot was another range\n", heat->elsewhere);
}
