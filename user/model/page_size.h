/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From pages to bytes and back. How large a page is the traced kernel's to say: 4 KiB everywhere but
 * on some arm64 kernels.
 */
#ifndef PAGE_SIZE_H
#define PAGE_SIZE_H

#include <linux/types.h>

/* What @page_bytes of 0 stands for: not known. */
#define PAGE_BYTES_USUAL 4096

/* The bytes of @npages, of @page_bytes each; likewise the guest physical address of a gfn. */
static inline __u64 pages_bytes(__u64 npages, __u32 page_bytes)
{
	return npages * (page_bytes ?: PAGE_BYTES_USUAL);
}

/* How many pages @bytes take, the last of which may be a part. */
static inline __u64 bytes_pages(__u64 bytes, __u32 page_bytes)
{
	__u32 each = page_bytes ?: PAGE_BYTES_USUAL;

	return bytes / each + (bytes % each != 0);
}

#endif
