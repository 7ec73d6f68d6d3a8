// SPDX-License-Identifier: GPL-2.0-only
/*
 * The inventory as text: each VM with a table of its slots and guest_memfds.
 */
#include <string.h>
#include "base/text.h"
#include "kvm.h"
#include "model/page_size.h"
#include "report_text.h"

#define NAME_WIDTH 13
#define CELL_WIDTH 9

/* The line of a slot or guest_memfd: sizes in columns, then words. */
struct line {
	const struct text_report *r;
	struct flow flow;
};

static void add_cell(struct line *line, const char *cell)
{
	fprintf(line->flow.out, "%*s", CELL_WIDTH, cell);
}

static void add_pages(struct line *line, bool known, __u64 npages)
{
	char bytes[NUMBER_LEN];

	add_cell(line, known ? text_pages(line->r, npages, bytes) : "-");
}

static struct line begin_line(const struct text_report *r, const char *name)
{
	struct line line = { .r = r, .flow = { .out = r->out, .columns = r->columns } };

	fprintf(r->out, "  %-*s", NAME_WIDTH - 2, name);
	line.flow.indent = line.flow.at = NAME_WIDTH + 3 * CELL_WIDTH + 2;
	return line;
}

/* The columns are full: words from here on. */
static void begin_words(struct line *line)
{
	fputs("  ", line->flow.out);
}

static void add_word(struct line *line, const char *word)
{
	flow_word(&line->flow, line->flow.has_word ? 2 : 0, word);
}

/* Where there is but one node, it goes without saying. */
static void add_nodes(struct line *line, const struct resident *resident)
{
	char word[64], bytes[NUMBER_LEN];

	for (size_t i = 0; i < resident->nnodes; i++) {
		snprintf(word, sizeof(word), "node %u: %s", resident->nodes[i].node,
			 text_pages(line->r, resident->nodes[i].npages, bytes));
		if (resident->nnodes > 1 || resident->nodes[i].node)
			add_word(line, word);
	}
}

static void put_slot(const struct text_report *r, const struct slot *slot)
{
	const struct slot_info *info = &slot->info;
	char text[160];
	struct line line;

	snprintf(text, sizeof(text), info->as_id ? "slot %d/%u" : "slot %d", info->id, info->as_id);
	line = begin_line(r, text);
	add_pages(&line, true, info->npages);
	add_pages(&line, slot->resident.known, slot->resident.npages);
	add_pages(&line, slot->has_private, slot->nprivate);
	begin_words(&line);
	add_nodes(&line, &slot->resident);
	snprintf(text, sizeof(text), "gfn 0x%llx-0x%llx", info->base_gfn,
		 info->base_gfn + info->npages - (info->npages != 0));
	add_word(&line, text);
	snprintf(text, sizeof(text), "gmem %llu+0x%llx", info->ino, info->pgoff);
	add_word(&line, info->ino ? text : "gmem closed");
	flags_describe(text, sizeof(text), info->flags, slot_flag_names, KVM_MEM_GUEST_MEMFD);
	if (text[0])
		add_word(&line, text);
	flow_end(&line.flow);
}

static size_t count_bindings(const struct vm *vm, const struct gmem *gmem)
{
	size_t n = 0;

	for (size_t i = 0; i < vm->nslots; i++)
		n += vm->slots[i].info.ino == gmem->info.ino;
	return n;
}

static void put_gmem(const struct text_report *r, const struct vm *vm, const struct gmem *gmem)
{
	size_t n = count_bindings(vm, gmem);
	char text[160];
	struct line line;

	snprintf(text, sizeof(text), "gmem %llu", gmem->info.ino);
	line = begin_line(r, text);
	add_pages(&line, true, bytes_pages(gmem->info.size_bytes, r->capture->page_bytes));
	add_pages(&line, gmem->resident.known, gmem->resident.npages);
	add_cell(&line, "");
	begin_words(&line);
	add_nodes(&line, &gmem->resident);
	snprintf(text, sizeof(text), "%zu %s", n, n == 1 ? "slot" : "slots");
	add_word(&line, text);
	flags_describe(text, sizeof(text), gmem->info.flags, gmem_flag_names, 0);
	if (text[0])
		add_word(&line, text);
	flow_end(&line.flow);
}

static void put_header(const struct text_report *r)
{
	struct line line;

	if (r->style->color)
		fputs("\033[2m", r->out);
	line = begin_line(r, "");
	add_cell(&line, "size");
	add_cell(&line, "resident");
	add_cell(&line, "private");
	fputs(r->style->color ? "\033[0m\n" : "\n", r->out);
}

static void put_vm(const struct text_report *r, size_t index)
{
	const struct snapshot *snap = r->capture->snap;
	const struct vm *vm = &snap->vms[index];
	bool any = vm->nslots;

	fputc('\n', r->out);
	text_vm_title(r, index);
	for (size_t i = 0; i < snap->ngmems; i++)
		any |= snap->gmems[i].vm == index;
	if (any)
		put_header(r);
	for (size_t i = 0; i < vm->nslots; i++)
		put_slot(r, &vm->slots[i]);
	for (size_t i = 0; i < snap->ngmems; i++)
		if (snap->gmems[i].vm == index)
			put_gmem(r, vm, &snap->gmems[i]);
	if (vm->nplain)
		fprintf(r->out, "  %llu %s without guest_memfd\n", vm->nplain,
			vm->nplain == 1 ? "slot" : "slots");
}

int report_text_inventory(FILE *out, const struct capture *capture, const struct text_style *style)
{
	struct text_report r = text_report(out, capture, style);
	const struct snapshot *snap = capture->snap;
	char bytes[NUMBER_LEN];
	__u64 npages = 0;

	for (size_t i = 0; i < snap->ngmems; i++)
		npages += snap->gmems[i].resident.npages;
	text_title(&r);
	fprintf(out, "%zu %s, %zu %s, %s resident\n", snap->nvms, snap->nvms == 1 ? "VM" : "VMs",
		snap->ngmems, snap->ngmems == 1 ? "guest_memfd" : "guest_memfds",
		text_pages(&r, npages, bytes));
	if (capture->inventory_lacks)
		text_warning(&r, "*** NOT LISTED:", capture->inventory_lacks);
	for (size_t i = 0; i < snap->nvms; i++)
		put_vm(&r, i);
	return 0;
}
