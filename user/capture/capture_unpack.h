/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the messages of a capture file to the model, with the file's own numbers of events, details
 * and losses turned into ours. Nothing in a message is trusted. Private to capture_*.c.
 */
#ifndef CAPTURE_UNPACK_H
#define CAPTURE_UNPACK_H

#include "capture_arena.h"
#include "capture_block.h"
#include "capture_file.h"
#include "capture/capture.pb-c.h"

#define KIND_DETAILS_MAX 32 /* of one event: a record has a bit for each */

/* Ours for the file's numbers; -1: one that we do not know. */
struct capture_names {
	size_t nevents, nlosses;
	int event[EVENT_KINDS_MAX];
	int first_detail[EVENT_KINDS_MAX]; /* of ours */
	unsigned int ndetails[EVENT_KINDS_MAX];
	int detail[EVENT_KINDS_MAX][KIND_DETAILS_MAX];
	int loss[LOSS_KINDS_MAX];
};

/* One moment of a capture: what a snapshot says. Starts zeroed. */
struct capture_moment {
	__u64 duration_ns;
	bool command_ended;
	int command_status;
	const char *no_inventory;
	const char *inventory_lacks;
	struct hook_state hooks[NR_EVENTS];
	struct snapshot snap;
	struct arena arena; /* of its strings */
	__u64 nunknown; /* events and losses that we do not know and left out */
	/* What can be while events are counted, but not after; or NULL. */
	const char *wrong_at_last;
};

void capture_moment_free(struct capture_moment *moment);

/* Each returns NULL, or what is wrong with the message. */

/* Strings come from @arena; but for the clocks. */
const char *unpack_header(const Cap__Header *message, struct arena *arena, struct capture *capture,
			  struct capture_names *names);

/* One part of it, at most @budget bytes in all parts; @first: it has what is single. */
const char *unpack_snapshot(const Cap__Snapshot *message, const struct capture_names *names,
			    bool first, size_t *budget, struct capture_moment *moment);

/* Whether the message of @size bytes, a part of a snapshot, is its last. 0, or -1: it is malformed. */
int unpack_is_final(const unsigned char *message, size_t size, bool *final);

const char *unpack_owner(const Cap__Owner *message, struct capture_owner *owner);

/* @records has room for RECORDS_MAX. Those of events that we do not know are left out, and counted
 * in @nunknown. */
const char *unpack_records(const Cap__Records *message, const struct capture_names *names,
			   struct gmem_record *records, size_t *n, __u64 *nunknown);

/* Printable, whatever was in the file; NULL when out of memory. */
char *unpack_string(struct arena *arena, const char *s);
void unpack_comm(char comm[GMEM_COMM_LEN], ProtobufCBinaryData bytes);

/* What snapshots and owners both have. A slot is unpacked only if it fits. */
struct vm_info unpack_vm_info(const Cap__VmInfo *message);
bool slot_info_fits(const Cap__SlotInfo *message);
struct slot_info unpack_slot_info(const Cap__SlotInfo *message);
struct gmem_info unpack_gmem_info(const Cap__GmemInfo *message);

/* What is wrong when memory or the budget is out. */
extern const char unpack_no_memory[];

#endif
