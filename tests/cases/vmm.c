// SPDX-License-Identifier: GPL-2.0-only
/*
 * See vmm.h.
 */
#include "vmm.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE_SLOT 500

void vmm_die(const char *what)
{
	perror(what);
	exit(1);
}

static void code_slot(struct vmm *vmm)
{
	struct kvm_userspace_memory_region region = {
		.slot = CODE_SLOT,
		.guest_phys_addr = arch_layout.code_gpa,
		.memory_size = GUEST_PAGE_SIZE,
	};

	vmm->code = mmap(NULL, GUEST_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (vmm->code == MAP_FAILED)
		vmm_die("the guest's code");
	arch_load_code(vmm->code);
	region.userspace_addr = (uintptr_t)vmm->code;
	if (ioctl(vmm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		vmm_die("the guest's code");
}

void vmm_open_type(struct vmm *vmm, long type)
{
	vmm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vmm->kvm_fd < 0)
		vmm_die("/dev/kvm");
	do
		vmm->fd = ioctl(vmm->kvm_fd, KVM_CREATE_VM, type);
	while (vmm->fd < 0 && errno == EINTR);
	if (vmm->fd < 0)
		vmm_die("KVM_CREATE_VM");
	vmm->has_private = type == KVM_X86_SW_PROTECTED_VM;
	code_slot(vmm);
}

void vmm_open(struct vmm *vmm)
{
	vmm_open_type(vmm, KVM_DEFAULT_VM);
}

bool vmm_can(long type)
{
	int kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), fd, flags;
	bool able;

	if (kvm_fd < 0)
		vmm_die("/dev/kvm");
	fd = ioctl(kvm_fd, KVM_CREATE_VM, type);
	able = fd >= 0 && ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD) > 0;
	flags = able ? ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD_FLAGS) : 0;
	if (type == KVM_DEFAULT_VM) /* private memory would be of no use to it */
		able = flags > 0 && flags & GUEST_MEMFD_FLAG_INIT_SHARED;
	if (fd >= 0)
		close(fd);
	close(kvm_fd);
	return able;
}

void vmm_close(struct vmm *vmm)
{
	munmap(vmm->code, GUEST_PAGE_SIZE);
	close(vmm->fd);
	close(vmm->kvm_fd);
}

int vmm_gmem(struct vmm *vmm, uint64_t size_bytes)
{
	struct kvm_create_guest_memfd args = {
		.size = size_bytes,
		.flags =
			vmm->has_private ? 0 : GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED,
	};
	int fd = ioctl(vmm->fd, KVM_CREATE_GUEST_MEMFD, &args);

	if (fd < 0)
		vmm_die("KVM_CREATE_GUEST_MEMFD");
	return fd;
}

void *vmm_map(int gmem, uint64_t size_bytes, uint64_t offset)
{
	void *hva = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, gmem, offset);

	if (hva == MAP_FAILED)
		vmm_die("mmap");
	return hva;
}

int vmm_bind(struct vmm *vmm, uint32_t slot, uint64_t gpa, uint64_t size_bytes, void *hva, int gmem,
	     uint64_t offset)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = slot,
		.flags = KVM_MEM_GUEST_MEMFD,
		.guest_phys_addr = gpa,
		.memory_size = size_bytes,
		.userspace_addr = (uintptr_t)hva,
		.guest_memfd = gmem,
		.guest_memfd_offset = offset,
	};

	return ioctl(vmm->fd, KVM_SET_USER_MEMORY_REGION2, &region) ? -errno : 0;
}

void vmm_vcpu_open(struct vmm *vmm, int index, struct vmm_vcpu *vcpu)
{
	int size = ioctl(vmm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	vcpu->vmm = vmm;
	vcpu->fd = ioctl(vmm->fd, KVM_CREATE_VCPU, index);
	if (vcpu->fd < 0)
		vmm_die("KVM_CREATE_VCPU");
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED || arch_init_vcpu(vcpu->fd))
		vmm_die("a vCPU");
}

void vmm_vcpu_close(struct vmm_vcpu *vcpu)
{
	munmap(vcpu->run, ioctl(vcpu->vmm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0));
	close(vcpu->fd);
}

int vmm_convert(struct vmm *vmm, uint64_t gpa, uint64_t size_bytes, bool to_private)
{
	struct kvm_memory_attributes attributes = {
		.address = gpa,
		.size = size_bytes,
		.attributes = to_private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};

	return ioctl(vmm->fd, KVM_SET_MEMORY_ATTRIBUTES, &attributes) ? -errno : 0;
}

int vmm_touch(struct vmm_vcpu *vcpu, uint64_t gpa, uint64_t size_bytes, unsigned int passes)
{
	struct arch_touch touch = { gpa, size_bytes / GUEST_PAGE_SIZE, passes, true };
	uint64_t done;
	int err;

	do
		err = arch_touch(vcpu->fd, vcpu->run, &touch, &done);
	while (err == -EAGAIN);
	return err;
}

void vmm_punch(int gmem, uint64_t offset, uint64_t size_bytes)
{
	if (fallocate(gmem, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, size_bytes))
		vmm_die("fallocate");
}

void vmm_guest_open(struct vmm_guest *guest, uint64_t gpa, uint64_t size_bytes)
{
	guest->gpa = gpa;
	guest->size_bytes = size_bytes;
	vmm_open(&guest->vmm);
	guest->gmem = vmm_gmem(&guest->vmm, size_bytes);
	guest->mapping = vmm_map(guest->gmem, size_bytes, 0);
	if (vmm_bind(&guest->vmm, 1, gpa, size_bytes, guest->mapping, guest->gmem, 0))
		vmm_die("bind");
	vmm_vcpu_open(&guest->vmm, 0, &guest->vcpu);
}

void vmm_guest_touch(struct vmm_guest *guest)
{
	int err = vmm_touch(&guest->vcpu, guest->gpa, guest->size_bytes, 1);

	if (!err)
		return;
	errno = -err;
	vmm_die("touch");
}

void vmm_guest_close(struct vmm_guest *guest)
{
	vmm_vcpu_close(&guest->vcpu);
	munmap(guest->mapping, guest->size_bytes);
	close(guest->gmem);
	vmm_close(&guest->vmm);
}
