// SPDX-License-Identifier: GPL-2.0-only
/*
 * What exists now: iterators over the files of all tasks find VMs and guest_memfds, and do for
 * each the jobs that user space has left for it. A file cannot go while a program looks at it,
 * and programs are RCU readers: what they follow is there, at worst no longer in use.
 */
#include "describe.bpf.h"
#include "inventory_jobs.h"

char LICENSE[] SEC("license") = "GPL";

struct inventory_job jobs[INVENTORY_JOBS];
__u64 progress; /* steps done, so that user space sees when nothing goes on */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, INVENTORY_JOBS);
	__type(key, struct inventory_position);
	__type(value, struct inventory_jobs);
} positions SEC(".maps");

#define ANON_INODE_FS_MAGIC 0x09041934

/* What a file leads to. */
struct held {
	struct kvm *kvm; /* NULL: nothing */
	struct inode *inode; /* of a guest_memfd; NULL for another file */
};

static __always_inline void hold_gmem_file(struct held *held, struct file *file)
{
	held->kvm = gmem_file_kvm(BPF_CORE_READ(file, private_data));
	held->inode = BPF_CORE_READ(file, f_inode);
}

/* Anonymous files are known by the names that the kernel gave them; nobody else can. */
static __always_inline void hold_anonymous(struct held *held, struct file *file)
{
	static const char vm[] = "kvm-vm", vcpu[] = "kvm-vcpu:", gmem[] = "[kvm-gmem]";
	void *private_data = BPF_CORE_READ(file, private_data);
	char name[16] = "";

	bpf_probe_read_kernel_str(name, sizeof(name),
				  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	if (!bpf_strncmp(name, sizeof(name), vm))
		held->kvm = private_data;
	else if (!bpf_strncmp(name, sizeof(vcpu) - 1, vcpu))
		held->kvm = BPF_CORE_READ((struct kvm_vcpu *)private_data, kvm);
	else if (!bpf_strncmp(name, sizeof(name), gmem)) /* until 6.18 */
		hold_gmem_file(held, file);
}

static __always_inline struct held file_holds(struct file *file)
{
	__u64 magic = BPF_CORE_READ(file, f_inode, i_sb, s_magic);
	struct held held = {};

	if (magic == GUEST_MEMFD_MAGIC)
		hold_gmem_file(&held, file);
	else if (magic == ANON_INODE_FS_MAGIC)
		hold_anonymous(&held, file);
	return held;
}

SEC("task_file")
int find_files(struct bpf_iter__task_file *ctx)
{
	struct inventory_file found = {};
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct inode *inode;
	struct held held;
	struct kvm *kvm;

	if (!task || !file)
		return 0;
	held = file_holds(file);
	kvm = held.kvm;
	inode = held.inode;
	if (!kvm)
		return 0;
	found.position.tid = BPF_CORE_READ(task, pid);
	found.position.fd = ctx->fd;
	task = kvm_task(kvm, task);
	vm_info_read(&found.vm, kvm, task);
	found.in_tree = task_in_tree(task);
	found.vcpus = BPF_CORE_READ(kvm, online_vcpus.counter);
	found.has_attributes = bpf_core_field_exists(kvm->mem_attr_array);
	found.inode = (__u64)inode;
	if (inode)
		gmem_info_read(&found.gmem, inode);
	bpf_seq_write(ctx->meta->seq, &found, sizeof(found));
	return 0;
}

/* ---- Memslots ---- */

#define LIST_SLOTS 128 /* and those of one bucket more fit in one read, which is 32 KiB */
#define ID_BUCKETS (bpf_core_field_size(struct kvm_memslots, id_hash) / sizeof(struct hlist_head))
#define ADDRESS_SPACES (bpf_core_field_size(struct kvm, memslots) / sizeof(void *))

/* The jobs that wait at the file that the iterator has come to; NULL for none. */
static __always_inline struct inventory_jobs *waiting(struct bpf_iter__task_file *ctx,
						      struct file *file)
{
	struct inventory_position position = {};
	struct task_struct *task = ctx->task;

	if (!task || !file)
		return NULL;
	position.tid = BPF_CORE_READ(task, pid);
	position.fd = ctx->fd;
	return bpf_map_lookup_elem(&positions, &position);
}

struct listing {
	struct seq_file *seq;
	struct kvm *kvm;
	struct hlist_node *node;
	__u64 bucket; /* the next one, of all address spaces */
	__u64 end;
	__u64 nplain;
	__u32 job;
	__u32 written;
	__u32 tree; /* which of a slot's two nodes is in use */
};

/* Grows with each change. */
static __always_inline __u64 memslots_generation(struct kvm *kvm)
{
	__u64 generation = BPF_CORE_READ(kvm, memslots[0], generation);

	if (ADDRESS_SPACES > 1)
		generation += BPF_CORE_READ(kvm, memslots[1], generation);
	return generation;
}

static __always_inline void list_bucket(struct listing *list)
{
	struct kvm_memslots *slots = NULL;
	struct kvm *kvm = list->kvm;
	__u64 space = list->bucket / ID_BUCKETS, bucket = list->bucket % ID_BUCKETS;

	bpf_core_read(&slots, sizeof(slots), &kvm->memslots[space]);
	list->tree = BPF_CORE_READ(slots, node_idx) & 1;
	bpf_core_read(&list->node, sizeof(list->node), &slots->id_hash[bucket]);
	list->bucket++;
}

static __always_inline void list_slot(struct listing *list, struct kvm_memory_slot *slot)
{
	struct inventory_slot found = { .job = list->job };
	struct file *file = BPF_CORE_READ(slot, gmem.file);

	if (!(BPF_CORE_READ(slot, flags) & KVM_MEM_GUEST_MEMFD)) {
		list->nplain++;
		return;
	}
	found.inode = (__u64)slot_info_read(&found.info, slot);
	/* Closed meanwhile: the file may be another by now. */
	if (BPF_CORE_READ(slot, gmem.file) != file)
		found.inode = found.info.ino = 0;
	bpf_seq_write(list->seq, &found, sizeof(found));
	list->written++;
}

/* One slot, or on to the next bucket; 1 at the end. */
static long list_step(__u32 n, struct listing *list)
{
	__u64 offset = list->tree * bpf_core_type_size(struct hlist_node);
	struct hlist_node *node = list->node;

	if (!node) {
		if (list->bucket >= list->end || list->written >= LIST_SLOTS)
			return 1;
		list_bucket(list);
		return 0;
	}
	list->node = BPF_CORE_READ(node, next);
	offset += bpf_core_field_offset(struct kvm_memory_slot, id_node);
	list_slot(list, (void *)node - offset);
	return 0;
}

/* The first job of the file's position. What it does not fit, the kernel asks for again. */
SEC("task_file")
int list_slots(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct inventory_jobs *range = waiting(ctx, file);
	struct listing list = {};
	struct inventory_job *job;

	if (!range)
		return 0;
	list.job = range->first;
	job = &jobs[range->first % INVENTORY_JOBS];
	list.kvm = file_holds(file).kvm;
	if (job->object != (__u64)list.kvm)
		return 0;
	list.seq = ctx->meta->seq;
	list.bucket = job->from;
	list.end = ADDRESS_SPACES * ID_BUCKETS;
	job->generation = memslots_generation(list.kvm);
	bpf_loop(1 << 16, list_step, &list, 0);
	job->to = list.end;
	job->next = list.bucket;
	job->nplain = list.nplain;
	job->torn = job->generation != memslots_generation(list.kvm);
	return 0;
}

/* ---- Pages ---- */

struct count_walk {
	struct inventory_job *job;
	__u64 head;
	__u64 node; /* the xa_node at which index is looked up; 0: from the head */
	__u64 index;
	__u64 end;
	__u32 shift; /* of node */
	__u32 task; /* of job */
	__u32 node_shift;
};

#define XA_RETRY 1026 /* the node is no longer in the tree */

/* Which count @entry adds to; negative for none. */
static __always_inline int count_class(const struct count_walk *walk, __u64 entry)
{
	__u64 node;

	if (walk->task == INVENTORY_PRIVATE) /* a number is shifted left by one, and odd */
		return (entry & 1) && (entry >> 1 & KVM_MEMORY_ATTRIBUTE_PRIVATE) ? 0 : -1;
	if (!entry || entry & 3)
		return -1;
	if (walk->task == INVENTORY_RESIDENT)
		return 0;
	node = page_node((void *)entry, walk->node_shift);
	return node < INVENTORY_COUNTS ? node : INVENTORY_COUNTS - 1;
}

/* @entry is what is at index and at all up to @next. */
static __always_inline void count_entry(struct count_walk *walk, __u64 entry, __u64 next)
{
	__u64 end = next < walk->end ? next : walk->end;
	int class = count_class(walk, entry);

	if (class >= 0 && class < INVENTORY_COUNTS)
		walk->job->count[class] += end - walk->index;
	walk->index = end;
}

/* All that is below a lowest node, without a look at each; false where only a part is asked for. */
static __always_inline bool count_whole(struct count_walk *walk)
{
	struct xa_node *node = xa_to_node(walk->node);

	if (walk->task != INVENTORY_RESIDENT || walk->shift || walk->index % XA_NODE_SLOTS ||
	    walk->end - walk->index < XA_NODE_SLOTS)
		return false;
	walk->job->count[0] += BPF_CORE_READ(node, count) - BPF_CORE_READ(node, nr_values);
	walk->index += XA_NODE_SLOTS;
	walk->node = 0;
	return true;
}

/* From the head of the tree, which without nodes has but one entry, at 0. */
static __always_inline void count_head(struct count_walk *walk)
{
	__u64 head = walk->head;

	if (xa_is_node(head)) {
		walk->shift = BPF_CORE_READ(xa_to_node(head), shift);
		if (walk->index >> walk->shift < XA_NODE_SLOTS) {
			walk->node = head;
			return;
		}
	} else if (!walk->index) {
		count_entry(walk, head, 1);
	}
	walk->index = walk->end;
}

/* One level down, or one entry on; 1 at the end. */
static long count_step(__u32 n, struct count_walk *walk)
{
	__u64 entry, next;

	if (walk->index >= walk->end)
		return 1;
	if (!walk->node) {
		count_head(walk);
		return 0;
	}
	if (count_whole(walk))
		return 0;
	entry = xa_slot(xa_to_node(walk->node), walk->index >> walk->shift);
	if (xa_is_node(entry)) {
		walk->node = entry;
		walk->shift = BPF_CORE_READ(xa_to_node(entry), shift);
	} else if (entry == XA_RETRY) {
		walk->node = 0;
	} else {
		next = ((walk->index >> walk->shift) + 1) << walk->shift;
		count_entry(walk, entry, next);
		if ((next >> walk->shift) % XA_NODE_SLOTS == 0)
			walk->node = 0;
	}
	return 0;
}

/* The jobs of one position, one after the other. */
struct visit {
	struct held held;
	__u32 first;
	__u32 left; /* steps */
	__u32 node_shift;
};

static __always_inline __u64 job_head(const struct inventory_job *job, const struct held *held)
{
	struct inode *inode = held->inode;
	struct kvm *kvm = held->kvm;

	if (job->task != INVENTORY_PRIVATE)
		return (__u64)BPF_CORE_READ(inode, i_mapping, i_pages.xa_head);
	if (bpf_core_field_exists(kvm->mem_attr_array))
		return (__u64)BPF_CORE_READ(kvm, mem_attr_array.xa_head);
	return 0;
}

static long count_job(__u32 n, struct visit *visit)
{
	struct inventory_job *job = &jobs[(visit->first + n) % INVENTORY_JOBS];
	struct held *held = &visit->held;
	struct count_walk walk = {
		.job = job,
		.index = job->from,
		.end = job->to,
		.task = job->task,
		.node_shift = visit->node_shift,
	};
	long steps;

	if (job->from >= job->to ||
	    job->object !=
		    (__u64)(job->task != INVENTORY_PRIVATE ? (void *)held->inode : held->kvm))
		return 0;
	walk.head = job_head(job, held);
	steps = bpf_loop(visit->left, count_step, &walk, 0);
	job->from = walk.index;
	visit->left -= steps;
	progress += steps;
	return !visit->left;
}

SEC("task_file")
int count_pages(struct bpf_iter__task_file *ctx)
{
	struct visit visit = { .left = INVENTORY_STEPS, .node_shift = node_shift() };
	struct file *file = ctx->file;
	struct inventory_jobs *range = waiting(ctx, file);

	if (!range)
		return 0;
	visit.first = range->first;
	visit.held = file_holds(file);
	bpf_loop(range->n, count_job, &visit, 0);
	return 0;
}
