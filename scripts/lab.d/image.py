#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Kernel images by their content: of which architecture one is, what QEMU boots of it, and what a lab VM needs of its configuration.

image.py FILE: prints the architecture, as Debian calls it; or says in one line why a lab VM cannot boot the file, with status 1.
"""
import bz2
import gzip
import lzma
import os
import re
import struct
import subprocess
import sys
import tempfile

# What the VM cannot start without. A module will do where the value says so.
NEEDS = {
    "BLK_DEV_INITRD": "y", "BINFMT_ELF": "y", "BINFMT_SCRIPT": "y", "DEVTMPFS": "y", "TMPFS": "y", "PROC_FS": "y", "SYSFS": "y", "TTY": "y",
    "VIRTIO_PCI": "ym", "VIRTIO_FS": "ym", "VIRTIO_CONSOLE": "ym",
}
ELF_MACHINES = {62: "amd64", 183: "arm64"}
# What a kernel's PVH entry is told by: a note of the type 18 by Xen's name.
PVH_NOTE = re.compile(rb"\x04\0\0\0[\x04\x08]\0\0\0\x12\0\0\0Xen\0")


class Unfit(Exception):
    """The reason, and what to do about it."""


def is_elf(image):
    return image.startswith(b"\x7fELF")


def arch_of(image):
    """Of the beginning of an image."""
    if image[56:60] == b"ARM\x64":
        return "arm64"
    if image[0x202:0x206] == b"HdrS":
        return "amd64"
    machine = ELF_MACHINES.get(struct.unpack_from("<H", image, 18)[0]) if is_elf(image) and len(image) > 20 else None
    if machine == "arm64":
        raise Unfit("an ELF file of arm64, which does not boot. Give it arch/arm64/boot/Image")
    if machine is None:
        raise Unfit("neither a bzImage, nor an arm64 Image, nor an ELF vmlinux. Give it one of these, or a build tree that has one")
    return machine


def unzstd(data):
    return subprocess.run(["zstd", "-q", "-d", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def payload(image):
    """The ELF kernel inside a bzImage, None where its packing is not known."""
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    packed = image[start:start + length]
    # Of most packings the last four bytes are the unpacked size, for the kernel's own use.
    if packed.startswith(b"\xfd7zXZ"):
        elf = lzma.LZMADecompressor().decompress(packed)
    elif packed.startswith(b"\x28\xb5\x2f\xfd"):
        elf = unzstd(packed[:-4])
    elif packed.startswith(b"\x1f\x8b"):
        elf = gzip.decompress(packed[:-4])
    elif packed.startswith(b"BZh"):
        elf = bz2.BZ2Decompressor().decompress(packed)
    else:
        return None
    return elf if is_elf(elf) else None


def stripped(data, option):
    """An ELF file without what @option takes away: of one that was just built, nine tenths."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        subprocess.run(["objcopy", option, file.name], check=True)
        with open(file.name, "rb") as done:
            return done.read()


def bootable(image):
    """What QEMU boots without unpacking it on an emulated CPU, which takes seconds: arm64's Image, or the ELF kernel inside a bzImage. The
    bzImage itself where that has no PVH entry."""
    if arch_of(image) == "arm64":
        return image
    elf = image if is_elf(image) else payload(image)
    if elf and PVH_NOTE.search(elf):
        return stripped(elf, "--strip-all") if b"\0.debug_info\0" in elf else elf
    if is_elf(image):
        raise Unfit("an ELF file without CONFIG_PVH. Give the kernel's bzImage")
    return image


def config_of(path):
    """The configuration beside an image, wherever builds and distributions leave it; empty if there is none."""
    directory, name = os.path.split(os.path.realpath(path))
    for place in (f"{directory}/.config", f"{directory}/../../../.config", f"{directory}/config", f"{directory}/{name.replace('vmlinuz', 'config')}"):
        if os.path.isfile(place) and not os.path.samefile(place, path):
            with open(place, encoding="utf-8") as file:
                return dict(re.findall(r"^CONFIG_(\w+)=(\S+)$", file.read(), re.M))
    return {}


def check_config(config):
    """@config, if there is any, has what a VM needs."""
    missing = [f"CONFIG_{name}" for name, values in NEEDS.items() if config and config.get(name, "n") not in values]
    if missing:
        raise Unfit(f"built without {', '.join(missing)}, which the VM starts with. Set that, or build it with scripts/lab build --tree")


def main():
    path = sys.argv[1]
    try:
        with open(path, "rb") as file:
            arch = arch_of(file.read(4096))
        check_config(config_of(path))
    except (OSError, Unfit) as error:
        print(getattr(error, "strerror", None) or error)
        sys.exit(1)
    print(arch)


if __name__ == "__main__":
    main()
