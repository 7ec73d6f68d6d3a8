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
struct row {
	const struct text_report *r;
	struct flow flow;
};

static void add_cell(struct row *row, const char *cell)
{
	fprintf(row->flow.out, "%*s", CELL_WIDTH, cell);
}

static void add_pages(struct row *row, bool known, __u64 npages)
{
	char bytes[NUMBER_LEN];

	add_cell(row, known ? text_pages(row->r, npages, bytes) : "-");
}

static struct row begin_row(const struct text_report *r, const char *name)
{
	struct row row = { .r = r, .flow = { .out = r->out, .columns = r->columns } };

	fprintf(r->out, "  %-*s", NAME_WIDTH - 2, name);
	row.flow.indent = row.flow.at = NAME_WIDTH + 3 * CELL_WIDTH + 2;
	return row;
}

/* The columns are full: words from here on. */
static void begin_words(struct row *row)
{
	fputs("  ", row->flow.out);
}

static void add_word(struct row *row, const char *word)
{
	flow_word(&row->flow, row->flow.has_word ? 2 : 0, word);
}

/* Where there is but one node, it goes without saying. */
static void add_nodes(struct row *row, const struct resident *resident)
{
	char word[64], bytes[NUMBER_LEN];

	for (size_t i = 0; i < resident->nnodes; i++) {
		snprintf(word, sizeof(word), "node %u: %s", resident->nodes[i].node,
			 text_pages(row->r, resident->nodes[i].npages, bytes));
		if (resident->nnodes > 1 || resident->nodes[i].node)
			add_word(row, word);
	}
}

static void put_slot(const struct text_report *r, const struct slot *slot)
{
	const struct slot_info *info = &slot->info;
	char text[160];
	struct row row;

	snprintf(text, sizeof(text), info->as_id ? "slot %d/%u" : "slot %d", info->id, info->as_id);
	row = begin_row(r, text);
	add_pages(&row, true, info->npages);
	add_pages(&row, slot->resident.known, slot->resident.npages);
	add_pages(&row, slot->has_private, slot->nprivate);
	begin_words(&row);
	add_nodes(&row, &slot->resident);
	snprintf(text, sizeof(text), "gfn 0x%llx-0x%llx", info->base_gfn,
		 info->base_gfn + info->npages - (info->npages != 0));
	add_word(&row, text);
	snprintf(text, sizeof(text), "gmem %llu+0x%llx", info->ino, info->pgoff);
	add_word(&row, info->ino ? text : "gmem closed");
	flags_describe(text, sizeof(text), info->flags, slot_flag_names, KVM_MEM_GUEST_MEMFD);
	if (text[0])
		add_word(&row, text);
	flow_end(&row.flow);
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
	struct row row;

	snprintf(text, sizeof(text), "gmem %llu", gmem->info.ino);
	row = begin_row(r, text);
	add_pages(&row, true, bytes_pages(gmem->info.size_bytes, r->capture->page_bytes));
	add_pages(&row, gmem->resident.known, gmem->resident.npages);
	add_cell(&row, "");
	begin_words(&row);
	add_nodes(&row, &gmem->resident);
	snprintf(text, sizeof(text), "%zu %s", n, n == 1 ? "slot" : "slots");
	add_word(&row, text);
	flags_describe(text, sizeof(text), gmem->info.flags, gmem_flag_names, 0);
	if (text[0])
		add_word(&row, text);
	flow_end(&row.flow);
}

static void put_header(const struct text_report *r)
{
	struct row row;

	if (r->style->color)
		fputs("\033[2m", r->out);
	row = begin_row(r, "");
	add_cell(&row, "size");
	add_cell(&row, "resident");
	add_cell(&row, "private");
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
