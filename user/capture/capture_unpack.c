// SPDX-License-Identifier: GPL-2.0-only
/*
 * One function for each message of capture.proto but the snapshot, in the order of that file.
 */
#include "capture_unpack.h"
#include <string.h>
#include "model/capture.h"
#include "model/events.h"

const char unpack_no_memory[] = "it takes more memory than there is, or than it should";

char *unpack_string(struct arena *arena, const char *s)
{
	char *copy = arena_copy(arena, s, strlen(s));

	for (char *at = copy; at && *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	return copy;
}

void unpack_comm(char comm[GMEM_COMM_LEN], ProtobufCBinaryData bytes)
{
	size_t len = bytes.len < GMEM_COMM_LEN ? bytes.len : GMEM_COMM_LEN;

	memset(comm, 0, GMEM_COMM_LEN);
	if (len)
		memcpy(comm, bytes.data, len);
}

/* ---- Header ---- */

static int find_detail(int event, const char *name)
{
	for (int detail = 0; detail < NR_DETAILS; detail++)
		if ((int)detail_descs[detail].event == event &&
		    !strcmp(detail_descs[detail].name, name))
			return detail;
	return -1;
}

static int find_loss(const char *name)
{
	for (int loss = 0; loss < NR_LOSSES; loss++)
		if (!strcmp(loss_descs[loss].name, name))
			return loss;
	return -1;
}

/* Has one of @n numbers before been @number? That of what we do not know may be there again. */
static bool is_taken(const int *numbers, size_t n, int number)
{
	for (size_t i = 0; i < n && number >= 0; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static const char *unpack_event(const Cap__Event *message, size_t index,
				struct capture_names *names)
{
	int event = event_by_name(message->name, strlen(message->name));
	int *detail = names->detail[index];

	/* What carries something else is another event, though it has the name. */
	if (event >= 0 &&
	    (event_descs[event].carries & KIND_CARRIES) != (message->carries & KIND_CARRIES))
		event = -1;
	if (message->n_details > KIND_DETAILS_MAX)
		return "it has too many details of an event";
	if (is_taken(names->event, index, event))
		return "it names an event twice";
	names->event[index] = event;
	names->first_detail[index] = event < 0 ? 0 : events_first_detail(event);
	for (size_t i = 0; i < message->n_details; i++) {
		detail[i] = event < 0 ? -1 : find_detail(event, message->details[i]);
		if (is_taken(detail, i, detail[i]))
			return "it names a detail twice";
	}
	names->ndetails[index] = message->n_details;
	return NULL;
}

static const char *unpack_names(const Cap__Header *message, struct capture_names *names)
{
	const Cap__Histogram *histogram = message->histogram;
	const char *wrong = NULL;

	memset(names, 0, sizeof(*names));
	if (message->n_events > EVENT_KINDS_MAX || message->n_losses > LOSS_KINDS_MAX)
		return "its tables are larger than the format allows";
	if (!histogram || histogram->sub_bits != HIST_SUB_BITS ||
	    histogram->min_bits != HIST_MIN_BITS || histogram->max_bits != HIST_MAX_BITS)
		return "it has histograms of another shape, which takes another version";
	for (size_t i = 0; i < message->n_events && !wrong; i++)
		wrong = unpack_event(message->events[i], i, names);
	for (size_t i = 0; i < message->n_losses && !wrong; i++) {
		names->loss[i] = find_loss(message->losses[i]);
		if (is_taken(names->loss, i, names->loss[i]))
			wrong = "it names a loss twice";
	}
	names->nevents = message->n_events;
	names->nlosses = message->n_losses;
	return wrong;
}

static const char *unpack_mask(const uint32_t *list, size_t n, const struct capture_names *names,
			       __u64 *mask)
{
	*mask = 0;
	for (size_t i = 0; i < n; i++) {
		if (list[i] >= names->nevents)
			return "it asks for an event that it does not name";
		if (names->event[list[i]] >= 0)
			*mask |= 1ULL << names->event[list[i]];
	}
	return NULL;
}

static const char *unpack_command(const Cap__Header *message, struct arena *arena,
				  struct capture *capture)
{
	char **command = arena_alloc(arena, message->n_command + 1, sizeof(*command));

	for (size_t i = 0; command && i < message->n_command; i++) {
		const ProtobufCBinaryData *arg = &message->command[i];

		command[i] = arena_copy(arena, arg->len ? (char *)arg->data : "", arg->len);
	}
	capture->command = message->n_command ? command : NULL;
	return NULL;
}

const char *unpack_header(const Cap__Header *message, struct arena *arena, struct capture *capture,
			  struct capture_names *names)
{
	const char *wrong = unpack_names(message, names);

	if (wrong)
		return wrong;
	*capture = (struct capture){
		.tool = unpack_string(arena, message->tool),
		.version = unpack_string(arena, message->version),
		.kernel = unpack_string(arena, message->kernel),
		.arch = unpack_string(arena, message->arch),
		.start_realtime_ns = message->start_realtime_ns,
		.interval_ns = message->interval_ns,
		.min_latency_ns = message->min_latency_ns,
		.sample = message->sample,
		.records_kept = message->records,
		.events_chosen = message->events_chosen,
		.programs = unpack_string(arena, message->programs),
		.npids = message->npids,
		.limit_ns = message->limit_ns,
		.buffer_bytes = message->buffer_bytes,
		.ncpus = message->ncpus,
		.machine = unpack_string(arena, message->machine),
		.boot = unpack_string(arena, message->boot),
		.page_bytes = message->page_size,
	};
	if (message->page_size & (message->page_size - 1))
		return "its pages have no size of pages";
	wrong = unpack_mask(message->shown, message->n_shown, names, &capture->shown);
	if (!wrong)
		wrong = unpack_mask(message->stack_events, message->n_stack_events, names,
				    &capture->stack_events);
	if (!wrong)
		wrong = unpack_command(message, arena, capture);
	return arena->failed ? unpack_no_memory : wrong;
}

/* ---- Owners ---- */

struct vm_info unpack_vm_info(const Cap__VmInfo *message)
{
	struct vm_info info = {
		.kvm = message->kvm,
		.ended_ns = message->ended_ns,
		.pid = message->pid,
		.type = message->type,
		.epoch = message->epoch,
	};

	unpack_comm(info.comm, message->comm);
	return info;
}

bool slot_info_fits(const Cap__SlotInfo *message)
{
	return message->as_id <= 0xffff && message->id == (__s16)message->id;
}

struct slot_info unpack_slot_info(const Cap__SlotInfo *message)
{
	return (struct slot_info){
		.base_gfn = message->base_gfn,
		.npages = message->npages,
		.pgoff = message->pgoff,
		.ino = message->ino,
		.flags = message->flags,
		.as_id = message->as_id,
		.id = message->id,
	};
}

struct gmem_info unpack_gmem_info(const Cap__GmemInfo *message)
{
	return (struct gmem_info){
		.ino = message->ino,
		.size_bytes = message->size_bytes,
		.flags = message->flags,
		.released_ns = message->released_ns,
		.met_late = message->met_late,
	};
}

const char *unpack_owner(const Cap__Owner *message, struct capture_owner *owner)
{
	memset(owner, 0, sizeof(*owner));
	owner->vm = message->vm;
	owner->kind = OWNER_HOST;
	if (!!message->vm_info + !!message->slot + !!message->gmem > 1)
		return "an owner is of two kinds";
	if (message->vm_info) {
		owner->kind = OWNER_VM;
		owner->vm_info = unpack_vm_info(message->vm_info);
	} else if (message->slot) {
		if (!slot_info_fits(message->slot))
			return "a slot is not described as slots are";
		owner->kind = OWNER_SLOT;
		owner->slot = unpack_slot_info(message->slot);
	} else if (message->gmem) {
		owner->kind = OWNER_GMEM;
		owner->gmem = unpack_gmem_info(message->gmem);
	}
	return NULL;
}

/* ---- Records ---- */

static bool columns_fit(const Cap__Records *message)
{
	const size_t sizes[] = {
		message->n_end_ns, message->n_latency_ns, message->n_page,    message->n_npages,
		message->n_owner,  message->n_tid,	  message->n_details, message->n_err,
		message->n_cpu,	   message->n_event,	  message->n_flags,
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i] && sizes[i] != message->n)
			return false;
	return true;
}

/* Bits of the file's details to ours. */
static __u32 unpack_bits(const struct capture_names *names, __u32 event, __u32 bits,
			 __u64 *nunknown)
{
	__u32 ours = 0;

	for (; bits; bits &= bits - 1) {
		unsigned int i = __builtin_ctz(bits);
		int detail = i < names->ndetails[event] ? names->detail[event][i] : -1;

		if (detail >= 0)
			ours |= 1U << (detail - names->first_detail[event]);
		else
			++*nunknown;
	}
	return ours;
}

#define AT(message, column, i) ((message)->n_##column ? (message)->column[i] : 0)

static bool record_fits(const Cap__Records *message, size_t i)
{
	return AT(message, owner, i) < OWNERS_MAX && AT(message, err, i) <= 0xffff &&
	       AT(message, cpu, i) <= 0xffff && AT(message, flags, i) <= 0xff;
}

const char *unpack_records(const Cap__Records *message, const struct capture_names *names,
			   struct gmem_record *records, size_t *n, __u64 *nunknown)
{
	__u64 pages[PAGE_LANES] = { 0 }, end_ns = 0;

	*n = 0;
	if (message->n > RECORDS_MAX || !columns_fit(message))
		return "its columns are not of one length, or too long";
	for (size_t i = 0; i < message->n; i++) {
		__u32 event = AT(message, event, i), flags = AT(message, flags, i);
		__u64 *page = &pages[AT(message, tid, i) % PAGE_LANES];

		end_ns += AT(message, end_ns, i);
		*page += AT(message, page, i);
		if (event >= names->nevents || !record_fits(message, i))
			return "a record has a number that there is not";
		if (names->event[event] < 0) {
			++*nunknown;
			continue;
		}
		records[(*n)++] = (struct gmem_record){
			.end_ns = end_ns,
			.latency_ns = AT(message, latency_ns, i),
			.page = flags & FILE_NO_PAGE ? RECORD_NO_PAGE : *page,
			.npages = AT(message, npages, i),
			.owner = AT(message, owner, i),
			.tid = AT(message, tid, i),
			.details = unpack_bits(names, event, AT(message, details, i), nunknown),
			.err = AT(message, err, i),
			.cpu = AT(message, cpu, i),
			.event = names->event[event],
			.flags = flags & ~FILE_NO_PAGE,
		};
	}
	return NULL;
}
