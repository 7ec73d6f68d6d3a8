// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs, one per hook, a few lines each. None names its function: user space chooses it
 * from the ladder (user/hooks.c) and loads only the programs of the events that are wanted. The
 * arguments are read from the raw context, since the functions' prototypes differ by kernel.
 */
#include "fault.bpf.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define FALLOC_PUNCH_HOLE 2
#define KVM_SET_MEMORY_ATTRIBUTES 0x4020aed2
#define KVM_MEMORY_ATTRIBUTE_PRIVATE (1U << 3)
#define KVM_EXIT_MEMORY_FAULT 39
#define KVM_MEMORY_EXIT_FLAG_PRIVATE (1U << 3)
#define EFAULT 14
#define EHWPOISON 133
#define VM_FAULT_ERRORS 0xc73 /* OOM, SIGBUS, HWPOISON(_LARGE), SIGSEGV, RETRY, FALLBACK */

/*
 * An event begins in a guest_memfd file, as event_enter(). NULL, too, when it is not to be counted.
 */
static __always_inline struct task_state *view_event_enter(enum gmem_event event, __u64 view,
							   __u64 inode)
{
	struct task_state *state = event_state(event);

	if (!state)
		return NULL;
	if (active_since_ns == ~0ULL || view_enter(state, view, inode) == OWNER_IGNORED) {
		event_ignore(state, event);
		state->inode = 0;
		return NULL;
	}
	event_begin(state, event);
	return state;
}

/* kvm_gmem_fault_user_mapping(vmf) */

static __always_inline int host_fault_begin(__u64 *ctx)
{
	struct vm_fault *vmf = ARG(ctx, 0);
	struct file *file = vmf->vma->vm_file;
	struct task_state *state;

	state = view_event_enter(EV_HOST_FAULT, (__u64)file->private_data, (__u64)file->f_inode);
	if (state)
		state->was_present =
			fault_look(&state->view_cache.pages, file->f_inode, vmf->pgoff);
	return 0;
}

static __always_inline void host_fault_cause(struct task_state *state, struct owner *owner,
					     struct gmem_record *event)
{
	const struct pages *pages = &state->view_cache.pages;
	int before = page_touch(pages, event->page, PAGE_NEVER);

	if (before < 0)
		lose(EV_HOST_FAULT, LOSS_CAUSE);
	else if (before & PAGE_PRESENT || state->was_present)
		detail_count(owner, event, DETAIL_HOST_RESIDENT);
	else
		detail_count(owner, event, DETAIL_HOST_FIRST_TOUCH);
}

/* The error bits of a vm_fault_t as an error of its own kind; 0 for success. */
static __always_inline __u32 fault_error(__u32 fault)
{
	__u32 error = fault & VM_FAULT_ERRORS;

	return error ? ERROR_IS_FAULT | error : 0;
}

static __always_inline int host_fault_end(__u64 *ctx)
{
	struct gmem_record event = EVENT(HOST_FAULT);
	struct vm_fault *vmf = ARG(ctx, 0);
	struct task_state *state;
	struct owner *owner;

	state = event_leave(&event);
	if (!state)
		return 0;
	event_at_pgoff(&event, vmf->pgoff);
	event.owner = view_range_owner(state, event.page, event.page + 1);
	state->inode = 0;
	event.err = fault_error(returned(ctx));
	owner = event_count(ctx, &event);
	if (!event.err && owner)
		host_fault_cause(state, owner, &event);
	event_record(owner, &event);
	return 0;
}

BOTH_ENDS(host_fault, host_fault_begin, host_fault_end)

/* kvm_gmem_create(kvm, args): the file descriptor, or an error, which belongs to the VM. */

BEGIN(create, EV_CREATE)

/* The guest_memfd that this task has just been given as @fd, if another has not yet closed it. */
static __always_inline struct file *created_file(__u64 kvm, int fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < 0 || (unsigned int)fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	if (!file || (__u64)view_kvm(BPF_CORE_READ(file, private_data)) != kvm)
		return NULL;
	return file;
}

static __always_inline int create_end(__u64 *ctx)
{
	struct gmem_record event = EVENT(CREATE);
	__u64 kvm = arg(ctx, 0);
	struct owner *owner;
	struct file *file;
	long ret;

	if (!event_leave(&event))
		return 0;
	ret = returned_int(ctx);
	file = created_file(kvm, ret);
	if (file)
		event.owner = gmem_owner_find(kvm, (__u64)BPF_CORE_READ(file, f_inode));
	else
		event.owner = vm_owner(kvm);
	event.err = errno_of(ret);
	rare_count(ctx, &event);
	owner = bpf_map_lookup_elem(&owners, &event.owner);
	if (owner && owner->kind == OWNER_GMEM)
		owner->gmem.met_late = 0;
	return 0;
}

BOTH_ENDS(create, create_begin, create_end)

/*
 * kvm_gmem_bind(kvm, slot, fd, offset); 7.3 split it in two: kvm_gmem_prepare_memory_region() with
 * the same arguments, which finds bad ones, and kvm_gmem_commit_memory_region(kvm, slot), which
 * finds overlaps. There, bind_prepare ends the event when it has failed already. Between the two KVM
 * may refuse the slot for reasons of its own: then kvm_set_memslot(kvm, old, slot, change), within
 * which the commit is, has the error.
 */

BEGIN(bind, EV_BIND)

static __always_inline int bind_ends(__u64 *ctx, __u64 slot)
{
	struct gmem_record event = EVENT(BIND);

	if (!event_leave(&event))
		return 0;
	event.owner = slot_owner_find(arg(ctx, 0), slot);
	event.err = errno_of(returned_int(ctx));
	rare_count(ctx, &event);
	return 0;
}

static __always_inline int bind_end(__u64 *ctx)
{
	return bind_ends(ctx, arg(ctx, 1));
}

BOTH_ENDS(bind, bind_begin, bind_end)

static __always_inline int bind_prepare_end(__u64 *ctx)
{
	return returned_int(ctx) < 0 ? bind_end(ctx) : 0;
}

BOTH_ENDS(bind_prepare, bind_begin, bind_prepare_end)

ONE_END(fexit, bind_commit, bind_end)

static __always_inline int bind_refused_end(__u64 *ctx)
{
	struct task_state *state = state_get();

	if (!state || !state->start_ns[EV_BIND]) /* it has ended, or no slot is bound here */
		return 0;
	if (returned_int(ctx) < 0)
		return bind_ends(ctx, arg(ctx, 2));
	event_unended(state, EV_BIND);
	return 0;
}

ONE_END(fexit, bind_refused, bind_refused_end)

/*
 * kvm_gmem_unbind(slot) is not told its VM, and the slot forgets it when its guest_memfd has been
 * closed before: slot_commit and vm_destroy leave it in the task.
 */

static __always_inline int unbind_begin(__u64 *ctx)
{
	struct kvm_memory_slot *slot = (void *)arg(ctx, 0);
	struct task_state *state = event_enter(EV_UNBIND);
	struct file *file = BPF_CORE_READ(slot, gmem.file);

	if (state && file)
		state->kvm = (__u64)view_kvm(BPF_CORE_READ(file, private_data));
	return 0;
}

static __always_inline int unbind_end(__u64 *ctx)
{
	struct gmem_record event = EVENT(UNBIND);
	struct task_state *state;

	state = event_leave(&event);
	__sync_fetch_and_add(&generation, 1); /* files have nothing at the slot any more */
	if (!state)
		return 0;
	event.owner = slot_owner_find(state->kvm, arg(ctx, 0));
	rare_count(ctx, &event);
	return 0;
}

BOTH_ENDS(unbind, unbind_begin, unbind_end)

/* kvm_gmem_release(inode, file) frees the file's private data: its VM must be found before. */

static __always_inline int release_begin(__u64 *ctx)
{
	struct task_state *state = event_enter(EV_RELEASE);
	struct file *file = (void *)arg(ctx, 1);
	struct kvm *kvm = view_kvm(BPF_CORE_READ(file, private_data));

	if (!state)
		return 0;
	state->inode = arg(ctx, 0);
	state->release_owner = gmem_owner_find((__u64)kvm, state->inode);
	return 0;
}

static __always_inline int release_end(__u64 *ctx)
{
	struct gmem_record event = EVENT(RELEASE);
	struct task_state *state;
	struct owner *owner;

	state = event_leave(&event);
	if (!state)
		return 0;
	state->inode = 0;
	event.owner = state->release_owner;
	rare_count(ctx, &event);
	__sync_fetch_and_add(&generation, 1); /* another file may have the same private data soon */
	owner = bpf_map_lookup_elem(&owners, &event.owner);
	if (owner && owner->kind == OWNER_GMEM)
		owner->gmem.released_ns = bpf_ktime_get_ns();
	return 0;
}

BOTH_ENDS(release, release_begin, release_end)

/* kvm_gmem_fallocate(file, mode, offset, len) */

static __always_inline enum gmem_event fallocate_event(__u64 *ctx)
{
	return arg(ctx, 1) & FALLOC_PUNCH_HOLE ? EV_PUNCH_HOLE : EV_ALLOCATE;
}

static __always_inline int fallocate_begin(__u64 *ctx)
{
	struct file *file = (void *)arg(ctx, 0);
	struct fallocate_range *range;
	struct task_state *state;
	__u64 offset;

	state = view_event_enter(fallocate_event(ctx), (__u64)BPF_CORE_READ(file, private_data),
				 (__u64)BPF_CORE_READ(file, f_inode));
	if (!state)
		return 0;
	range = &state->fallocate;
	offset = arg(ctx, 2);
	range->start = offset >> PAGE_BITS;
	range->end = (offset + arg(ctx, 3)) >> PAGE_BITS;
	range->zap = 0;
	return 0;
}

/* Something went half-way: which of the guest_memfd's pages are there is not known any more. */
static __always_inline void gmem_is_unsure(int index)
{
	__u32 at = index;
	struct owner *owner = index > 0 ? bpf_map_lookup_elem(&owners, &at) : NULL;

	if (!owner || owner->kind != OWNER_GMEM)
		return;
	owner->gmem.met_late = 1;
	late_gmems = true;
	__sync_fetch_and_add(&generation, 1);
}

static __always_inline void fallocate_pages(const struct task_state *state,
					    const struct gmem_record *event)
{
	const struct fallocate_range *range = &state->fallocate;
	const struct view_cache *cache = &state->view_cache;
	struct pages_change change = { .zap = range->zap, .cause = PAGE_PUNCHED };

	if (event->err && event->event == EV_ALLOCATE)
		gmem_is_unsure(cache->owner);
	else if (event->event == EV_ALLOCATE)
		change.add = PAGES_LOW;
	else if (!event->err)
		change.remove = PAGES_LOW;
	if (!event->err || range->zap) /* a hole that fails may have zapped */
		pages_change(&cache->pages, &change, range->start, range->end);
}

static __always_inline int fallocate_end(__u64 *ctx)
{
	struct gmem_record event = { .event = fallocate_event(ctx) };
	struct fallocate_range *range;
	struct task_state *state;

	state = event_leave(&event);
	if (!state)
		return 0;
	range = &state->fallocate;
	event_at_pgoff(&event, range->start);
	event.err = errno_of(returned(ctx));
	event.npages = event.err ? 0 : range->end - range->start;
	event.owner = view_range_owner(state, range->start, range->end);
	state->inode = 0;
	rare_count(ctx, &event);
	fallocate_pages(state, &event);
	return 0;
}

BOTH_ENDS(fallocate, fallocate_begin, fallocate_end)

/*
 * The invalidation of a range of one guest_memfd file: kvm_gmem_invalidate_begin(view, start, end)
 * and its successors. It belongs to the slot that it zaps if that is only one, else to the
 * guest_memfd that the task is punching or releasing.
 */

static __always_inline int zap_begin(__u64 *ctx)
{
	struct task_state *state = event_state(EV_ZAP);

	if (!state)
		return 0;
	if (view_is_cached(&state->view_cache, ctx[0]) &&
	    state->view_cache.owner == OWNER_IGNORED) {
		event_ignore(state, EV_ZAP);
		return 0;
	}
	event_begin(state, EV_ZAP);
	state->zap.n = 0;
	state->zap.npages = 0;
	return 0;
}

/* What the task is doing tells why it zaps. */
static __always_inline void zap_cause(struct task_state *state, struct owner *owner,
				      struct gmem_record *event)
{
	if (state->start_ns[EV_PUNCH_HOLE])
		detail_count(owner, event, DETAIL_ZAP_PUNCH);
	else if (state->start_ns[EV_RELEASE])
		detail_count(owner, event, DETAIL_ZAP_RELEASE);
	else if (state->start_ns[EV_POISON])
		detail_count(owner, event, DETAIL_ZAP_ERROR);
	else if (state->start_ns[EV_CONVERT])
		detail_count(owner, event, DETAIL_ZAP_CONVERSION);
}

static __always_inline int zap_end(__u64 *ctx)
{
	struct gmem_record event = EVENT(ZAP);
	struct task_state *state;
	struct owner *owner;

	state = event_leave(&event);
	if (!state)
		return 0;
	event_at_pgoff(&event, ctx[1]);
	event.npages = state->zap.npages;
	if (state->zap.n == 1)
		event.owner = state->zap.owner;
	else if (state->inode)
		event.owner = gmem_owner_find((__u64)view_kvm(ARG(ctx, 0)), state->inode);
	else
		event.owner = vm_owner((__u64)view_kvm(ARG(ctx, 0)));
	state->zapped_owner = event.owner;
	owner = event_count(ctx, &event);
	zap_cause(state, owner, &event);
	event_record(owner, &event);
	return 0;
}

BOTH_ENDS(zap, zap_begin, zap_end)

/* kvm_mmu_notifier_invalidate_range_start(mn, range) */

static __always_inline int notifier_begin(__u64 *ctx)
{
	__u64 kvm = notifier_kvm(arg(ctx, 0));
	struct task_state *state = event_state(EV_NOTIFIER);

	if (!state)
		return 0;
	if (vm_is_cached(&state->cache, kvm) && state->cache.vm == OWNER_IGNORED)
		event_ignore(state, EV_NOTIFIER);
	else
		event_begin(state, EV_NOTIFIER);
	return 0;
}

static __always_inline int notifier_end(__u64 *ctx)
{
	__u64 kvm = notifier_kvm(arg(ctx, 0));
	struct gmem_record event = EVENT(NOTIFIER);
	struct task_state *state = event_leave(&event);

	if (!state)
		return 0;
	event.owner = vm_is_cached(&state->cache, kvm) ? state->cache.vm : vm_owner(kvm);
	event_record(event_count(ctx, &event), &event);
	return 0;
}

BOTH_ENDS(notifier, notifier_begin, notifier_end)

/* kvm_unmap_gfn_range(kvm, range): one slot, within a notifier or a zap. */

static __always_inline void notifier_hit(__u64 *ctx, int at, const struct kvm_gfn_range *gfns)
{
	struct gmem_record event = EVENT(NOTIFIER_HIT);
	struct owner *owner;

	event.owner = at;
	event.page = gfns->start;
	event.npages = gfns->end - gfns->start;
	owner = event_count(ctx, &event);
	if (gfns->slot->flags & KVM_MEMSLOT_GMEM_ONLY)
		detail_count(owner, &event, DETAIL_HIT_GMEM_ONLY);
	event_record(owner, &event);
}

static __always_inline void zap_slot(struct slots_met *met, int owner, __u64 npages)
{
	/*
	 * A binding whose length is no power of two is several entries of the bindings' xarray;
	 * the kernel unmaps the whole slot at each of them.
	 */
	if (met->n && met->owner == owner)
		return;
	met->owner = owner;
	met->n++;
	met->npages += npages;
}

/* Why the task unmaps pages: PAGE_NEVER where they will not come back. */
static __always_inline enum page_mapping unmap_cause(const struct task_state *state)
{
	if (event_inside(state, EV_NOTIFIER))
		return PAGE_NOTIFIED;
	if (event_inside(state, EV_PUNCH_HOLE))
		return PAGE_PUNCHED;
	if (event_inside(state, EV_CONVERT))
		return PAGE_CONVERTED;
	if (event_inside(state, EV_POISON))
		return PAGE_FAILED;
	return event_inside(state, EV_RELEASE) ? PAGE_NEVER : PAGE_SLOT_CHANGED;
}

/*
 * The hole that the task is punching has some of these pages: they change at its end, once for all.
 * Not where the guest_memfd was met late, since only what is unmapped may have been mapped there.
 */
static __always_inline bool hole_has(const struct task_state *state, __u64 start, __u64 end)
{
	const struct pages *pages = &state->view_cache.pages;

	return event_inside(state, EV_PUNCH_HOLE) && !pages->late_mask &&
	       pages->first_dir == state->cache.pages.first_dir && start < state->fallocate.end &&
	       end > state->fallocate.start;
}

static __always_inline void unmap_pages(struct task_state *state, __u64 kvm,
					const struct kvm_gfn_range *gfns)
{
	struct pages_change change = { .zap = PAGES_LOW, .cause = unmap_cause(state) };
	struct fallocate_range *hole = &state->fallocate;
	const struct slot_cache *cache = &state->cache;
	__u64 start, end;

	if (change.cause == PAGE_NEVER || slot_owner(state, kvm, (__u64)gfns->slot) <= 0)
		return;
	start = gfns->start + cache->pgoff_of_gfn;
	end = gfns->end + cache->pgoff_of_gfn;
	if (hole_has(state, start, end)) { /* change what it has not */
		hole->zap = PAGES_LOW;
		pages_change(&cache->pages, &change, hole->end, end);
		end = hole->start;
	}
	pages_change(&cache->pages, &change, start, end);
}

SEC("?fentry")
int unmap(__u64 *ctx)
{
	struct kvm_gfn_range *range = ARG(ctx, 1);
	struct kvm_memory_slot *slot = range->slot;
	struct task_state *state = state_make();

	if (!state)
		return 0;
	if (event_inside(state, EV_NOTIFIER))
		notifier_hit(ctx, slot_owner(state, ctx[0], (__u64)slot), range);
	else if (event_inside(state, EV_ZAP))
		zap_slot(&state->zap, slot_owner(state, ctx[0], (__u64)slot),
			 range->end - range->start);
	if (active_since_ns != ~0ULL && slot->flags & KVM_MEM_GUEST_MEMFD)
		unmap_pages(state, ctx[0], range);
	return 0;
}

/*
 * kvm_mmu_zap_all_fast(kvm): the guest's page tables are dropped as a whole, as a default VM's are
 * when one of its memslots goes or moves.
 */
SEC("?tp_btf")
int zap_all(__u64 *ctx)
{
	struct owner *owner;
	__u64 kvm = 0;
	__u32 at;

	if (active_since_ns == ~0ULL)
		return 0;
	bpf_probe_read_kernel(&kvm, sizeof(kvm), &ctx[0]);
	at = vm_owner(kvm);
	owner = bpf_map_lookup_elem(&owners, &at);
	if (!owner || owner->kind != OWNER_VM)
		return 0;
	__sync_fetch_and_add(&owner->vm_info.epoch, 1);
	__sync_fetch_and_add(&generation, 1);
	return 0;
}

/*
 * kvm_arch_gmem_prepare(kvm, gfn, pfn, order), from 7.3 kvm_arch_gmem_make_private(kvm, gfn, pfn,
 * npages), in a guest fault or in what populates.
 */

BEGIN(prepare, EV_PREPARE)

/* An earlier fault has prepared the page, and it was neither freed nor converted since. */
static __always_inline bool is_prepared(const struct slot_cache *cache, __u64 gfn)
{
	__u32 page = page_known(&cache->pages, gfn + cache->pgoff_of_gfn);
	__u32 mapping = page & PAGE_MAPPING;

	return page & PAGE_PRESENT && mapping != PAGE_NEVER && mapping != PAGE_PUNCHED &&
	       mapping != PAGE_CONVERTED;
}

/* The slot of a page that is made ready, which a guest fault may have told. */
static __always_inline __u64 prepare_slot(const struct task_state *state, __u64 kvm, __u64 gfn)
{
	if (fault_context && state->start_ns[EV_GUEST_FAULT])
		return state->slot;
	return (__u64)range_slot(kvm, gfn, gfn + 1);
}

static __always_inline int prepare_end(__u64 *ctx)
{
	struct gmem_record event = EVENT(PREPARE);
	__u64 slot, kvm = arg(ctx, 0);
	struct task_state *state;
	struct owner *owner;

	state = event_leave(&event);
	if (!state)
		return 0;
	event.page = ctx[1];
	event.err = errno_of(returned(ctx));
	slot = prepare_slot(state, kvm, event.page);
	event.owner = slot ? slot_owner(state, kvm, slot) : vm_owner(kvm);
	owner = event_count(ctx, &event);
	if (owner && slot && !event.err && !state->start_ns[EV_POPULATE] &&
	    is_prepared(&state->cache, event.page))
		detail_count(owner, &event, DETAIL_PREPARE_REDUNDANT);
	event_record(owner, &event);
	return 0;
}

BOTH_ENDS(prepare, prepare_begin, prepare_end)

/* kvm_gmem_populate(kvm, start_gfn, source, npages, ...): pages done, or an error. */

static __always_inline int populate_begin(__u64 *ctx)
{
	struct task_state *state = event_enter(EV_POPULATE);

	if (!state)
		return 0;
	state->kvm = arg(ctx, 0);
	state->slot = (__u64)kvm_slot_at((void *)state->kvm, arg(ctx, 1));
	return 0;
}

static __always_inline void populate_pages(struct task_state *state, __u64 gfn, __u64 npages)
{
	struct pages_change change = { .add = PAGES_LOW };
	const struct slot_cache *cache = &state->cache;
	__u64 pgoff;

	if (!npages || slot_owner(state, state->kvm, state->slot) <= 0)
		return;
	pgoff = gfn + cache->pgoff_of_gfn;
	pages_change(&cache->pages, &change, pgoff, pgoff + npages);
}

static __always_inline int populate_end(__u64 *ctx)
{
	struct gmem_record event = EVENT(POPULATE);
	struct task_state *state;

	state = event_leave(&event);
	if (!state)
		return 0;
	event.page = arg(ctx, 1);
	event_pages(&event, returned(ctx));
	event.owner = gfn_owner_find(arg(ctx, 0), event.page, event.page + arg(ctx, 3));
	rare_count(ctx, &event);
	if (state->slot)
		populate_pages(state, event.page, event.npages);
	return 0;
}

BOTH_ENDS(populate, populate_begin, populate_end)

/*
 * Series that populate by write(): kvm_gmem_write_begin(file, mapping, position, length, ...) and,
 * unless that has failed, kvm_gmem_write_end(file, mapping, position, length, copied, ...).
 */

static __always_inline int write_begin_begin(__u64 *ctx)
{
	struct address_space *mapping = (void *)arg(ctx, 1);
	struct task_state *state = event_enter(EV_POPULATE);

	if (!state)
		return 0;
	state->inode = (__u64)BPF_CORE_READ(mapping, host);
	state->slot = 0; /* that of an earlier fault */
	return 0;
}

static __always_inline int write_end_end(__u64 *ctx)
{
	struct pages_change change = { .add = PAGES_LOW };
	struct gmem_record event = EVENT(POPULATE);
	struct task_state *state = event_leave(&event);
	struct pages pages;

	if (!state)
		return 0;
	event_at_pgoff(&event, arg(ctx, 2) >> PAGE_BITS);
	event_bytes(&event, returned_int(ctx));
	event.owner = gmem_owner_known(state->inode);
	state->inode = 0;
	pages_of(&pages, event.owner);
	if (event.npages)
		pages_change(&pages, &change, event.page, event.page + event.npages);
	rare_count(ctx, &event);
	return 0;
}

static __always_inline int write_begin_end(__u64 *ctx)
{
	return returned_int(ctx) < 0 ? write_end_end(ctx) : 0;
}

BOTH_ENDS(write_begin, write_begin_begin, write_begin_end)

ONE_END(fexit, write_end, write_end_end)

/* kvm_arch_vcpu_pre_fault_memory(vcpu, range): bytes mapped, or an error. */

/* Guest faults ask whose they are only while there is a task in here. */
static __always_inline int prefault_begin(__u64 *ctx)
{
	struct task_state *state = state_make();

	if (state && !state->start_ns[EV_PREFAULT]) /* else an end was missed */
		__sync_fetch_and_add(&prefaults, 1);
	event_enter(EV_PREFAULT);
	return 0;
}

static __noinline int prefault_leave(void)
{
	struct task_state *state = state_get();

	if (state && state->start_ns[EV_PREFAULT])
		__sync_fetch_and_sub(&prefaults, 1);
	return 0;
}

static __always_inline int prefault_end(__u64 *ctx)
{
	struct kvm_vcpu *vcpu = (void *)arg(ctx, 0);
	struct kvm_pre_fault_memory *range = (void *)arg(ctx, 1);
	struct gmem_record event = EVENT(PREFAULT);

	prefault_leave();
	if (!event_leave(&event))
		return 0;
	event.page = BPF_CORE_READ(range, gpa) >> PAGE_BITS;
	event_bytes(&event, returned(ctx));
	event.owner = gfn_owner_find((__u64)BPF_CORE_READ(vcpu, kvm), event.page, event.page + 1);
	rare_count(ctx, &event);
	return 0;
}

BOTH_ENDS(prefault, prefault_begin, prefault_end)

/*
 * kvm_vm_ioctl(file, command, argument) with KVM_SET_MEMORY_ATTRIBUTES. What it is to set shows at
 * the first kvm_range_has_memory_attributes() within; when that says yes, nothing changes.
 */

static __always_inline bool is_conversion(__u64 *ctx)
{
	return (__u32)ctx[1] == KVM_SET_MEMORY_ATTRIBUTES;
}

static __always_inline int convert_begin(__u64 *ctx)
{
	struct task_state *state;

	if (!is_conversion(ctx))
		return 0;
	state = event_enter(EV_CONVERT);
	if (state)
		state->conversion.looked = 0;
	return 0;
}

static __always_inline void convert_details(const struct conversion *conversion,
					    struct owner *owner, struct gmem_record *event)
{
	if (conversion->attributes & KVM_MEMORY_ATTRIBUTE_PRIVATE)
		detail_count(owner, event, DETAIL_CONVERT_PRIVATE);
	else
		detail_count(owner, event, DETAIL_CONVERT_SHARED);
	if (conversion->noop)
		detail_count(owner, event, DETAIL_CONVERT_NOOP);
}

/* Remember that pages [start, end) were converted; whether one had been before. */
static __always_inline bool pages_convert(const struct pages *pages, __u64 start, __u64 end)
{
	struct pages_change change = { .convert = PAGES_LOW };

	return pages_change(pages, &change, start, end);
}

/* The same for a range of guest frame numbers, where one slot has them all. */
static __always_inline bool gfns_convert(struct task_state *state, __u64 kvm)
{
	const struct conversion *conversion = &state->conversion;
	const struct slot_cache *cache = &state->cache;
	__u64 slot = (__u64)range_slot(kvm, conversion->start, conversion->end);

	if (!slot || slot_owner(state, kvm, slot) <= 0)
		return false;
	return pages_convert(&cache->pages, conversion->start + cache->pgoff_of_gfn,
			     conversion->end + cache->pgoff_of_gfn);
}

static __always_inline int convert_end(__u64 *ctx)
{
	struct file *file = (void *)arg(ctx, 0);
	struct gmem_record event = EVENT(CONVERT);
	struct conversion *conversion;
	struct task_state *state;
	struct owner *owner;
	__u64 kvm;

	if (!is_conversion(ctx))
		return 0;
	state = event_leave(&event);
	if (!state)
		return 0;
	event.err = errno_of(returned(ctx));
	conversion = &state->conversion;
	kvm = (__u64)BPF_CORE_READ(file, private_data);
	if (conversion->looked) {
		event.page = conversion->start;
		event.owner = gfn_owner_find(kvm, conversion->start, conversion->end);
	} else { /* refused before: its range was never seen */
		event.owner = vm_owner(kvm);
	}
	if (conversion->looked && !event.err && !conversion->noop)
		event.npages = conversion->end - conversion->start;
	owner = event_count(ctx, &event);
	if (conversion->looked)
		convert_details(conversion, owner, &event);
	if (event.npages && gfns_convert(state, kvm))
		detail_count(owner, &event, DETAIL_CONVERT_AGAIN);
	event_record(owner, &event);
	return 0;
}

BOTH_ENDS(convert, convert_begin, convert_end)

/*
 * Series that convert in place: __kvm_gmem_set_attributes(inode, start, npages, attributes, ...), by
 * page offset.
 */

BEGIN(convert_in_place, EV_CONVERT)

static __always_inline int convert_in_place_end(__u64 *ctx)
{
	struct gmem_record event = EVENT(CONVERT);
	__u64 npages = ctx[2], attributes = ctx[3];
	struct owner *owner;
	struct pages pages;

	if (!event_leave(&event))
		return 0;
	event_at_pgoff(&event, ctx[1]);
	event.err = errno_of(returned(ctx));
	event.npages = event.err ? 0 : npages;
	event.owner = gmem_owner_known(arg(ctx, 0));
	owner = event_count(ctx, &event);
	detail_count(owner, &event,
		     attributes & KVM_MEMORY_ATTRIBUTE_PRIVATE ? DETAIL_CONVERT_PRIVATE
							       : DETAIL_CONVERT_SHARED);
	pages_of(&pages, event.owner);
	if (event.npages && pages_convert(&pages, event.page, event.page + event.npages))
		detail_count(owner, &event, DETAIL_CONVERT_AGAIN);
	event_record(owner, &event);
	return 0;
}

BOTH_ENDS(convert_in_place, convert_in_place_begin, convert_in_place_end)

/* kvm_range_has_memory_attributes(kvm, start, end, [mask, from 6.12 or before] attributes) */

static __always_inline int attributes_begin(__u64 *ctx)
{
	struct task_state *state = state_get();
	struct conversion *conversion;

	if (!state || !state->start_ns[EV_CONVERT] || state->conversion.looked)
		return 0;
	conversion = &state->conversion;
	conversion->looked = 1;
	conversion->noop = 0;
	conversion->start = ctx[1];
	conversion->end = ctx[2];
	bpf_get_func_arg(ctx, bpf_get_func_arg_cnt(ctx) - 1, &conversion->attributes);
	return 0;
}

static __always_inline int attributes_end(__u64 *ctx)
{
	struct task_state *state = state_get();

	if (!state || state->conversion.looked != 1)
		return 0;
	state->conversion.looked = 2;
	state->conversion.noop = (__u8)returned(ctx);
	return 0;
}

BOTH_ENDS(attributes, attributes_begin, attributes_end)

/* kvm_arch_vcpu_ioctl_run(vcpu): the page that the guest may not touch as it did. */
SEC("?fexit")
int memory_fault(__u64 *ctx)
{
	struct kvm_vcpu *vcpu = ARG(ctx, 0);
	struct gmem_record event = EVENT(MEMORY_FAULT);
	struct kvm_run *run = vcpu->run;
	long ret = returned_int(ctx);
	struct owner *owner;
	__u64 kvm;

	/* An exit reason is good for these errors only, by the API of KVM_EXIT_MEMORY_FAULT. */
	if ((ret != -EFAULT && ret != -EHWPOISON) || run->exit_reason != KVM_EXIT_MEMORY_FAULT ||
	    active_since_ns == ~0ULL)
		return 0;
	event.page = run->memory_fault.gpa >> PAGE_BITS;
	kvm = (__u64)BPF_CORE_READ(vcpu, kvm);
	event.owner = gfn_owner_find(kvm, event.page, event.page + 1);
	owner = event_count(ctx, &event);
	if (run->memory_fault.flags & KVM_MEMORY_EXIT_FLAG_PRIVATE)
		detail_count(owner, &event, DETAIL_MEMORY_FAULT_PRIVATE);
	else
		detail_count(owner, &event, DETAIL_MEMORY_FAULT_SHARED);
	event_record(owner, &event);
	return 0;
}

/* kvm_gmem_error_folio(mapping, folio): counted where its zap was. */

static __always_inline int poison_begin(__u64 *ctx)
{
	struct task_state *state = event_enter(EV_POISON);
	struct address_space *mapping = (void *)arg(ctx, 0);

	if (!state)
		return 0;
	state->inode = (__u64)BPF_CORE_READ(mapping, host);
	state->zapped_owner = -1;
	return 0;
}

static __always_inline int poison_end(__u64 *ctx)
{
	struct folio *folio = (void *)arg(ctx, 1);
	struct gmem_record event = EVENT(POISON);
	struct task_state *state;

	state = event_leave(&event);
	if (!state)
		return 0;
	event_at_pgoff(&event, BPF_CORE_READ(folio, index));
	event.latency_ns = 0; /* it carries none */
	event.npages = 1;
	event.owner =
		state->zapped_owner < 0 ? gmem_owner_known(state->inode) : state->zapped_owner;
	state->inode = 0;
	event_record(event_count(ctx, &event), &event);
	return 0;
}

BOTH_ENDS(poison, poison_begin, poison_end)

/*
 * mm_filemap_add_to_page_cache(folio) and mm_filemap_delete_from_page_cache(folio): of the whole
 * system, hence opt-in. A page is added in the middle of one of four events of the same task.
 */

/* The event under way is that of a slot, which it has left in the task's state. */
static __always_inline bool adds_at_slot(const struct task_state *state)
{
	return state->start_ns[EV_GUEST_FAULT] || (state->start_ns[EV_POPULATE] && state->slot);
}

static __always_inline int added_owner(struct task_state *state, __u64 index)
{
	if (adds_at_slot(state))
		return slot_owner(state, state->kvm, state->slot);
	if (state->start_ns[EV_HOST_FAULT] || state->start_ns[EV_ALLOCATE])
		return view_range_owner(state, index, index + 1);
	return state->start_ns[EV_POPULATE] ? gmem_owner_known(state->inode) : OWNER_IGNORED;
}

/*
 * The guest_memfd to which the task adds pages. Meanwhile it may add some to other files: what is
 * copied in is faulted in, and memory is made room for.
 */
static __always_inline __u64 added_inode(const struct task_state *state)
{
	struct kvm_memory_slot *slot = (void *)state->slot;

	return adds_at_slot(state) ? (__u64)BPF_CORE_READ(slot, gmem.file, f_inode) : state->inode;
}

static __always_inline void folio_count(__u64 *ctx, struct gmem_record *event,
					const struct folio *folio)
{
	__u32 node = page_node(folio, node_shift());
	struct owner *owner;

	event_at_pgoff(event, folio->index);
	event->npages = 1;
	owner = event_count(ctx, event);
	detail_count(owner, event,
		     event_first_detail(event->event) + (node < NODES_TOLD ? node : NODES_TOLD));
	event_record(owner, event);
}

SEC("?tp_btf")
int page_added(__u64 *ctx)
{
	struct folio *folio = ARG(ctx, 0);
	struct task_state *state = state_get();
	struct gmem_record event = EVENT(ALLOC);

	if (!state || active_since_ns == ~0ULL ||
	    (__u64)BPF_CORE_READ(folio, mapping, host) != added_inode(state))
		return 0;
	event.owner = added_owner(state, folio->index);
	folio_count(ctx, &event, folio);
	return 0;
}

SEC("?tp_btf")
int page_deleted(__u64 *ctx)
{
	struct folio *folio = ARG(ctx, 0);
	struct inode *inode = BPF_CORE_READ(folio, mapping, host);
	struct task_state *state = state_get();
	struct gmem_record event = EVENT(FREE);

	if (active_since_ns == ~0ULL)
		return 0;
	if (state && state->start_ns[EV_PUNCH_HOLE] && state->inode == (__u64)inode)
		event.owner = view_range_owner(state, folio->index, folio->index + 1);
	else
		event.owner = gmem_owner_known((__u64)inode);
	if (event.owner != OWNER_INDEX_HOST) /* no guest_memfd, or one never met */
		folio_count(ctx, &event, folio);
	return 0;
}

/*
 * A series that is not merged: kvm_gmem_folio_zap_direct_map(folio), within a fault, an errno that a
 * guest fault may drop; kvm_gmem_folio_restore_direct_map(folio), nothing, when the folio has left
 * the page cache and knows its file no more.
 */

BEGIN(direct_map_zap, EV_DIRECT_MAP_ZAP)

static __always_inline int direct_map_zap_end(__u64 *ctx)
{
	struct gmem_record event = EVENT(DIRECT_MAP_ZAP);
	struct folio *folio = ARG(ctx, 0);
	struct task_state *state;
	struct owner *owner;

	state = event_leave(&event);
	if (!state)
		return 0;
	event_at_pgoff(&event, folio->index);
	event.err = errno_of(returned(ctx));
	event.owner = added_owner(state, folio->index);
	owner = event_count(ctx, &event);
	if (owner && event.err && state->start_ns[EV_GUEST_FAULT])
		state->direct_map = event;
	else
		event_record(owner, &event);
	return 0;
}

BOTH_ENDS(direct_map_zap, direct_map_zap_begin, direct_map_zap_end)

BEGIN(direct_map_restore, EV_DIRECT_MAP_RESTORE)

static __always_inline int direct_map_restore_end(__u64 *ctx)
{
	struct gmem_record event = EVENT(DIRECT_MAP_RESTORE);
	struct folio *folio = ARG(ctx, 0);
	struct task_state *state;

	state = event_leave(&event);
	if (!state)
		return 0;
	event_at_pgoff(&event, folio->index);
	if (state->start_ns[EV_PUNCH_HOLE])
		event.owner = view_range_owner(state, folio->index, folio->index + 1);
	else /* right after the last close, in the same task */
		event.owner = state->release_owner;
	event_record(event_count(ctx, &event), &event);
	return 0;
}

BOTH_ENDS(direct_map_restore, direct_map_restore_begin, direct_map_restore_end)

/* What follows carries no event: it keeps owners right. */

/* kvm_arch_init_vm(kvm, type): whatever was at this address before is another VM. */
static __always_inline int vm_init_end(__u64 *ctx)
{
	struct owner_key key = { .id = arg(ctx, 0), .kind = OWNER_VM };

	bpf_map_delete_elem(&owner_index, &key);
	__sync_fetch_and_add(&generation, 1);
	return 0;
}

ONE_END(fexit, vm_init, vm_init_end)

/* kvm_destroy_vm(kvm) unbinds what is bound. */
static __always_inline int vm_destroy_begin(__u64 *ctx)
{
	struct owner_key key = { .id = arg(ctx, 0), .kind = OWNER_VM };
	struct task_state *state;
	struct owner *owner;
	__u32 *known;

	state = state_make();
	if (state)
		state->kvm = key.id;
	__sync_fetch_and_add(&generation, 1);
	known = bpf_map_lookup_elem(&owner_index, &key);
	owner = known ? bpf_map_lookup_elem(&owners, known) : NULL;
	if (owner && owner->kind == OWNER_VM)
		owner->vm_info.ended_ns = bpf_ktime_get_ns();
	return 0;
}

ONE_END(fentry, vm_destroy, vm_destroy_begin)

/*
 * kvm_arch_commit_memory_region(kvm, old, new, change): a slot has come, gone or changed. On
 * deletion the kernel unbinds next, in this task.
 */
static __always_inline int slot_commit_begin(__u64 *ctx)
{
	struct kvm_memory_slot *slot = (void *)arg(ctx, 2);
	struct task_state *state;
	__u64 kvm = arg(ctx, 0);
	struct owner *owner;
	__u32 index;

	state = state_make();
	if (state)
		state->kvm = kvm;
	__sync_fetch_and_add(&generation, 1);
	if (!slot || !(BPF_CORE_READ(slot, flags) & KVM_MEM_GUEST_MEMFD))
		return 0;
	index = slot_owner_find(kvm, (__u64)slot);
	owner = bpf_map_lookup_elem(&owners, &index);
	if (!owner || owner->kind != OWNER_SLOT)
		return 0;
	slot_describe(owner, slot);
	if (heat)
		heat_change(index, owner->slot.base_gfn, owner->slot.npages);
	return 0;
}

ONE_END(fentry, slot_commit, slot_commit_begin)

/*
 * proc_sys_write(kiocb, iter): a sysctl is written. When kernel.ftrace_enabled becomes 0, this is the
 * last program to run until it is 1 again.
 */

__u64 times_off; /* how often */

static __always_inline bool is_named(const struct file *file, const char *name, int size)
{
	char found[16] = "";

	bpf_probe_read_kernel_str(found, sizeof(found),
				  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	return !bpf_strncmp(found, size, name);
}

static __always_inline int switched_off_end(__u64 *ctx)
{
	static const char name[] = "ftrace_enabled";
	struct kiocb *kiocb = (void *)arg(ctx, 0);
	struct file *file = BPF_CORE_READ(kiocb, ki_filp);
	struct proc_inode *inode;
	int value = 1;

	if (!is_named(file, name, sizeof(name)))
		return 0;
	inode = (void *)BPF_CORE_READ(file, f_inode) -
		bpf_core_field_offset(struct proc_inode, vfs_inode);
	bpf_probe_read_kernel(&value, sizeof(value), BPF_CORE_READ(inode, sysctl_entry, data));
	if (!value)
		__sync_fetch_and_add(&times_off, 1);
	return 0;
}

ONE_END(fexit, switched_off, switched_off_end)

static __always_inline int nothing(__u64 *ctx)
{
	return 0;
}

/* One program for all of RARE_HOOKS, where a program can be (fsession_multi). */
SEC("?fsession.multi")
int rare_session(__u64 *ctx)
{
	bool end = bpf_session_is_return(ctx);

	switch (bpf_get_attach_cookie(ctx)) {
#define RARE(hook, begin_fn, end_fn)                                                               \
	case RARE_##hook:                                                                          \
		return end ? end_fn(ctx) : begin_fn(ctx);
		RARE(create, create_begin, create_end)
		RARE(bind, bind_begin, bind_end)
		RARE(bind_prepare, bind_begin, bind_prepare_end)
		RARE(bind_commit, nothing, bind_end)
		RARE(bind_refused, nothing, bind_refused_end)
		RARE(unbind, unbind_begin, unbind_end)
		RARE(release, release_begin, release_end)
		RARE(fallocate, fallocate_begin, fallocate_end)
		RARE(populate, populate_begin, populate_end)
		RARE(prefault, prefault_begin, prefault_end)
		RARE(poison, poison_begin, poison_end)
		RARE(vm_init, nothing, vm_init_end)
		RARE(vm_destroy, vm_destroy_begin, nothing)
		RARE(slot_commit, slot_commit_begin, nothing)
	}
	return 0;
}
