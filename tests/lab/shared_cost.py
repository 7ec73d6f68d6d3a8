#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What tracing adds to paths that the rest of the system shares: one line each, instructions an operation.

For docs/overhead.md; runs as root in a lab VM with --icount, where a nanosecond of CPU time is an instruction. Prints what each
operation costs untraced, and with gmemtrace around it: the default events, then alloc and free.
"""
import ctypes
import fcntl
import json
import mmap
import os
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tool import GMEMTRACE  # noqa: E402  (after the path)

KVM_CREATE_VM, KVM_CHECK_EXTENSION, KVM_GET_VCPU_MMAP_SIZE, KVM_CREATE_VCPU = 0xAE01, 0xAE03, 0xAE04, 0xAE41
KVM_RUN, KVM_SET_USER_MEMORY_REGION, KVM_PRE_FAULT_MEMORY = 0xAE80, 0x4020AE46, 0xC040AED5
MEMORY = 1 << 21
TIMES = 3000


class Machine:
    """A VM with one memslot of ordinary memory and a vCPU that never gets to run."""

    def __init__(self):
        kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
        self.vm = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
        self.memory = mmap.mmap(-1, MEMORY)
        self.address = address_of(self.memory)
        self.slot(0, 0, MEMORY)
        self.vcpu = fcntl.ioctl(self.vm, KVM_CREATE_VCPU, 0)
        self.run = mmap.mmap(self.vcpu, fcntl.ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0))
        self.run[1] = 1  # immediate_exit

    def slot(self, number, gpa, size):
        fcntl.ioctl(self.vm, KVM_SET_USER_MEMORY_REGION, struct.pack("=IIQQQ", number, 0, gpa, size, self.address))


def address_of(memory):
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def invalidate(machine):
    """An MMU notifier of a VM: madvise(MADV_DONTNEED) of one page that is there."""
    for _ in range(TIMES):
        machine.memory[0] = 1
        machine.memory.madvise(mmap.MADV_DONTNEED, 0, mmap.PAGESIZE)


def vm_ioctl(machine):
    """An ioctl of a VM that is no conversion."""
    for _ in range(TIMES):
        fcntl.ioctl(machine.vm, KVM_CHECK_EXTENSION, 0)


def vcpu_run(machine):
    """KVM_RUN that returns to the VMM."""
    for _ in range(TIMES):
        try:
            fcntl.ioctl(machine.vcpu, KVM_RUN, 0)
        except InterruptedError:
            pass


def memslot(machine):
    """A memslot without guest_memfd, made and deleted."""
    for _ in range(TIMES // 10):
        machine.slot(1, 1 << 30, mmap.PAGESIZE)
        machine.slot(1, 1 << 30, 0)


def page_cache(_machine):
    """A page of another file, added to the page cache and removed."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["mount", "-t", "ramfs", "none", directory], check=True)
        with open(f"{directory}/file", "wb", buffering=0) as file:
            for _ in range(8):
                file.write(b"x" * mmap.PAGESIZE * (TIMES // 8))
                file.truncate(0)
                file.seek(0)
        subprocess.run(["umount", directory], check=True)


OPERATIONS = [invalidate, vm_ioctl, vcpu_run, memslot, page_cache]


def measure():
    """Instructions of CPU time for one of each, the second time round."""
    machine = Machine()
    costs = {}
    for operation in OPERATIONS:
        times = TIMES // 10 if operation is memslot else TIMES
        for _ in range(2):
            before = time.process_time_ns()
            operation(machine)
            costs[operation.__name__] = (time.process_time_ns() - before) // times
    return costs


def measured(*around):
    done = subprocess.run([*around, sys.executable, __file__, "measure"], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main():
    if sys.argv[1:] == ["measure"]:
        print(json.dumps(measure()))
        return
    traced = [GMEMTRACE, "-o", "/tmp/report"]
    plain, default = measured(), measured(*traced, "--")
    pages = measured(*traced, "-e", "alloc,free", "--")
    print(f"{'':60}  untraced  gmemtrace  -e alloc,free")
    for operation in OPERATIONS:
        name = operation.__name__
        print(f"{operation.__doc__:60}  {plain[name]:8}  {default[name] - plain[name]:+9}  {pages[name] - plain[name]:+13}")


if __name__ == "__main__":
    main()
