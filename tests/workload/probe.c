// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmemload --probe: what KVM offers here, as JSON, for tests that have to know what to expect.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "arch.h"
#include "report.h"

static int check(int fd, int capability)
{
	int value = ioctl(fd, KVM_CHECK_EXTENSION, capability);

	return value < 0 ? 0 : value;
}

/* Before 6.18 the capability speaks of binding; a guest_memfd could be made without it. */
static bool can_create(int vm_fd)
{
	struct kvm_create_guest_memfd args = { .size = GUEST_PAGE_SIZE };
	int fd = ioctl(vm_fd, KVM_CREATE_GUEST_MEMFD, &args);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static json_t *vm_type_json(int kvm_fd, const char *name)
{
	int vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, arch_vm_type(name));
	json_t *object;
	int flags;

	if (vm_fd < 0)
		return json_null();
	flags = check(vm_fd, KVM_CAP_GUEST_MEMFD_FLAGS);
	object = json_pack("{s:b, s:b, s:b, s:b, s:b, s:b, s:b}", "create", can_create(vm_fd),
			   "bind", check(vm_fd, KVM_CAP_GUEST_MEMFD) > 0, "mmap",
			   (flags & GUEST_MEMFD_FLAG_MMAP) != 0, "init_shared",
			   (flags & GUEST_MEMFD_FLAG_INIT_SHARED) != 0, "no_direct_map",
			   (flags & GUEST_MEMFD_FLAG_NO_DIRECT_MAP) != 0, "attributes",
			   check(vm_fd, KVM_CAP_MEMORY_ATTRIBUTES) > 0, "pre_fault",
			   check(vm_fd, KVM_CAP_PRE_FAULT_MEMORY) > 0);
	close(vm_fd);
	return object;
}

int probe_print(FILE *file)
{
	int kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct utsname uts;
	json_t *object;
	int err;

	if (kvm_fd < 0)
		return -errno;
	uname(&uts);
	object = json_pack("{s:s, s:s, s:i, s:i, s:{s:o, s:o}}", "tool", "gmemload", "kernel",
			   uts.release, "guest_memfd", check(kvm_fd, KVM_CAP_GUEST_MEMFD),
			   "vm_types", check(kvm_fd, KVM_CAP_VM_TYPES), "types", "default",
			   vm_type_json(kvm_fd, "default"), "swprot",
			   vm_type_json(kvm_fd, "swprot"));
	close(kvm_fd);
	err = json_dumpf(object, file, JSON_INDENT(1)) || fputc('\n', file) == EOF;
	json_decref(object);
	return err ? -EIO : 0;
}
