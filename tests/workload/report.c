// SPDX-License-Identifier: GPL-2.0-only
/*
 * The account as JSON: events in total and, each in exactly one place, by slot, gmem and vm; and
 * how often the kernel functions behind them must have run, to be compared with ftrace.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "report.h"

static json_t *errors_json(const struct tally *tally)
{
	json_t *errors = json_object();

	for (int i = 0; i < TALLY_ERRORS; i++)
		if (tally->errors[i].count)
			json_object_set_new(errors, error_name(tally->errors[i].err),
					    json_integer(tally->errors[i].count));
	return errors;
}

static json_t *details_json(const struct account *account, enum event event)
{
	json_t *details = json_object();

	for (int detail = 0; detail < DETAIL_NR; detail++)
		if (detail_event(detail) == event && account->detail[detail])
			json_object_set_new(details, detail_name(detail),
					    json_integer(account->detail[detail]));
	return details;
}

static json_t *event_json(const struct account *account, enum event event)
{
	const struct tally *tally = &account->of[event];
	json_t *object = json_pack("{s:I}", "count", (json_int_t)tally->count);

	if (event_has_pages(event))
		json_object_set_new(object, "pages", json_integer(tally->npages));
	if (tally->errors[0].count)
		json_object_set_new(object, "errors", errors_json(tally));
	json_object_set_new(object, "details", details_json(account, event));
	return object;
}

static json_t *account_json(const struct account *account)
{
	json_t *events = json_object();

	for (int event = 0; event < EV_NR; event++)
		if (account->of[event].count)
			json_object_set_new(events, event_name(event), event_json(account, event));
	return events;
}

static uint64_t private_pages(const struct slot *slot)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < slot->npages; i++)
		count += slot->private[i];
	return count;
}

static uint64_t resident_pages(const struct gmem *gmem, uint64_t first, uint64_t npages)
{
	uint64_t count = 0;

	if (!gmem->page) /* its VM is gone */
		return 0;
	for (uint64_t i = first; i < first + npages; i++)
		count += gmem->page[i] & GMEM_PAGE_RESIDENT;
	return count;
}

static json_t *slot_json(const struct slot *slot)
{
	json_t *object =
		json_pack("{s:i, s:i, s:I, s:I, s:o}", "id", slot->id, "as_id", 0, "base_gfn",
			  (json_int_t)slot->base_gfn, "npages", (json_int_t)slot->npages, "events",
			  account_json(&slot->account));

	if (slot->private)
		json_object_set_new(object, "private_pages", json_integer(private_pages(slot)));
	if (slot->gmem) {
		json_object_set_new(object, "gmem", json_integer(slot->gmem->index));
		json_object_set_new(object, "pgoff", json_integer(slot->pgoff));
		json_object_set_new(object, "live", json_boolean(slot->live));
		json_object_set_new(
			object, "resident_pages",
			json_integer(resident_pages(slot->gmem, slot->pgoff, slot->npages)));
	}
	return object;
}

static json_t *gmem_json(const struct gmem *gmem)
{
	return json_pack("{s:i, s:i, s:I, s:I, s:I, s:I, s:b, s:I, s:o}", "index", gmem->index,
			 "lives", gmem->lives, "inode", (json_int_t)gmem->inode, "device",
			 (json_int_t)gmem->device, "npages", (json_int_t)gmem->npages, "flags",
			 (json_int_t)gmem->flags, "released", gmem->released, "resident_pages",
			 (json_int_t)resident_pages(gmem, 0, gmem->npages), "events",
			 account_json(&gmem->account));
}

static bool is_empty(const struct account *account)
{
	for (int event = 0; event < EV_NR; event++)
		if (account->of[event].count)
			return false;
	return true;
}

static json_t *vm_json(const struct vm *vm)
{
	json_t *slots = json_array(), *gmems = json_array();

	for (unsigned int i = 0; i < vm->nslots + EXTRA_SLOTS; i++)
		if (vm->slots[i].live || vm->slots[i].gmem || !is_empty(&vm->slots[i].account))
			json_array_append_new(slots, slot_json(&vm->slots[i]));
	for (unsigned int i = 0; i < vm->ngmems; i++)
		json_array_append_new(gmems, gmem_json(&vm->gmems[i]));
	return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o}", "index", vm->index, "lives", vm->lives,
			 "vcpus", vm->nvcpus, "slots", slots, "gmems", gmems, "events",
			 account_json(&vm->account));
}

static void sum_up(const struct machine *machine, struct account *total)
{
	for (unsigned int i = 0; i < machine->nvms; i++) {
		const struct vm *vm = &machine->vms[i];

		account_sum(total, &vm->account);
		for (unsigned int j = 0; j < vm->nslots + EXTRA_SLOTS; j++)
			account_sum(total, &vm->slots[j].account);
		for (unsigned int j = 0; j < vm->ngmems; j++)
			account_sum(total, &vm->gmems[j].account);
	}
}

/*
 * Every name that a kernel from 6.8 to 7.3 may have for the function behind an event. A kernel runs
 * those of them that it has, each as often as it says here.
 */
static const struct {
	const char *name;
	enum event event;
} functions[] = {
	{ "kvm_gmem_get_pfn", EV_GUEST_FAULT },
	{ "kvm_gmem_fault_user_mapping", EV_HOST_FAULT },
	{ "kvm_gmem_create", EV_CREATE },
	/* The next two only where the kernel is built for SEV-SNP. */
	{ "kvm_arch_gmem_prepare", EV_PREPARE }, /* until 7.2 */
	{ "kvm_arch_gmem_make_private", EV_PREPARE }, /* 7.3 */
	{ "kvm_gmem_bind", EV_BIND }, /* until 7.2 */
	{ "kvm_gmem_prepare_memory_region", EV_BIND }, /* 7.3 */
	{ "kvm_gmem_unbind", EV_UNBIND },
	{ "kvm_gmem_release", EV_RELEASE },
	{ "kvm_gmem_invalidate_begin", EV_ZAP }, /* until 6.17 */
	{ "__kvm_gmem_invalidate_begin", EV_ZAP }, /* 6.18 */
	{ "__kvm_gmem_invalidate_start", EV_ZAP }, /* 7.2 */
	{ "kvm_mmu_notifier_invalidate_range_start", EV_NOTIFIER },
	{ "kvm_arch_vcpu_pre_fault_memory", EV_PREFAULT },
	{ "kvm_gmem_error_folio", EV_POISON },
	{ "kvm_gmem_folio_zap_direct_map", EV_DIRECT_MAP_ZAP }, /* no released kernel */
	{ "kvm_gmem_folio_restore_direct_map", EV_DIRECT_MAP_RESTORE },
};

static json_t *functions_json(const struct machine *machine, const struct account *total)
{
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		json_object_set_new(object, functions[i].name,
				    json_integer(total->of[functions[i].event].count));
	json_object_set_new(
		object, "kvm_gmem_fallocate",
		json_integer(total->of[EV_ALLOCATE].count + total->of[EV_PUNCH_HOLE].count));
	json_object_set_new(object, "kvm_gmem_commit_memory_region",
			    json_integer(machine->commits));
	json_object_set_new(object, "kvm_unmap_gfn_range",
			    json_integer(total->of[EV_NOTIFIER_HIT].count + machine->unmaps));
	return object;
}

static json_t *steps_json(const struct load *load)
{
	json_t *steps = json_array();

	for (unsigned int i = 0; i < load->nsteps; i++) {
		const struct step *step = &load->steps[i];
		json_t *object = json_pack("{s:s, s:b, s:I, s:I, s:I}", "step", step->text, "done",
					   step->runs > 0, "runs", (json_int_t)step->runs, "cpu_ns",
					   (json_int_t)step->cpu_ns, "elapsed_ns",
					   (json_int_t)step->elapsed_ns);

		if (step->err)
			json_object_set_new(object, "errno", json_string(error_name(step->err)));
		if (step->unexpected)
			json_object_set_new(object, "unexpected", json_true());
		json_array_append_new(steps, object);
	}
	return steps;
}

static json_t *unavailable_json(const struct load *load)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < load->nunavailable; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s}", "step", load->unavailable[i].step,
						"reason", load->unavailable[i].reason));
	return list;
}

static int print(json_t *object, FILE *file)
{
	int err = json_dumpf(object, file, JSON_INDENT(1)) || fputc('\n', file) == EOF ||
		  fflush(file);

	json_decref(object);
	return err ? -EIO : 0;
}

int report_print(struct load *load, FILE *file)
{
	const struct machine *machine = &load->machine;
	static struct account total;
	json_t *vms = json_array();
	struct utsname uts;

	uname(&uts);
	memset(&total, 0, sizeof(total));
	sum_up(machine, &total);
	for (unsigned int i = 0; i < machine->nvms; i++)
		json_array_append_new(vms, vm_json(&machine->vms[i]));
	return print(json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "tool", "gmemload",
			       "pid", (int)getpid(), "kernel", uts.release, "steps",
			       steps_json(load), "unavailable", unavailable_json(load), "events",
			       account_json(&total), "functions", functions_json(machine, &total),
			       "vms", vms),
		     file);
}
