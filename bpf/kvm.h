/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's numbers for what guest_memfd is about, for both sides. Written out here, since no
 * installed header has all of them: some are newer than any distribution's headers, some are known
 * to the kernel alone. With the version that brought them, if that is later than 6.8.
 */
#ifndef GMEM_KVM_H
#define GMEM_KVM_H

/* Flags of memslots; from 16 on inside the kernel. */
#define KVM_MEM_LOG_DIRTY_PAGES (1U << 0)
#define KVM_MEM_READONLY (1U << 1)
#define KVM_MEM_GUEST_MEMFD (1U << 2)
#define KVM_MEMSLOT_INVALID (1U << 16) /* on its way to be replaced */
#define KVM_MEMSLOT_GMEM_ONLY (1U << 17) /* 6.18 */

#define KVM_X86_TDX_VM 5 /* a type of VM */

/* Flags of guest_memfds. */
#define GUEST_MEMFD_FLAG_MMAP (1ULL << 0) /* 6.18 */
#define GUEST_MEMFD_FLAG_INIT_SHARED (1ULL << 1) /* 6.18 */

#define GUEST_MEMFD_MAGIC 0x474d454d /* of their file system: 6.19 */

#define KVM_SET_MEMORY_ATTRIBUTES 0x4020aed2 /* an ioctl */
#define KVM_MEMORY_ATTRIBUTE_PRIVATE (1U << 3)

#define KVM_EXIT_MEMORY_FAULT 39 /* a reason for which a vCPU leaves the guest */
#define KVM_MEMORY_EXIT_FLAG_PRIVATE (1U << 3)

/* Bits of a vm_fault_t that are no success, and their names; the first that is set counts. */
#define VM_FAULT_ERRORS(X)                                                                         \
	X(0x001, "OOM")                                                                            \
	X(0x002, "SIGBUS")                                                                         \
	X(0x010, "HWPOISON")                                                                       \
	X(0x020, "HWPOISON") /* of a huge page */                                                  \
	X(0x040, "SIGSEGV")                                                                        \
	X(0x400, "RETRY")                                                                          \
	X(0x800, "FALLBACK")

#endif
