#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Takes out of a kernel's packages what a lab VM needs: vmlinux.zst, config, modules/NAME.ko (plain)
# and load-order, written into a directory. Run by `lab fetch` only.
"""unpack.py DIR PACKAGE... --boot MODULE... --kvm [MODULE...]"""

import argparse
import lzma
import os
import re
import struct
import subprocess
import sys
import tarfile

# Where the wanted modules and all they depend on live. Keeping only these keeps memory small: the
# rest of a package is drivers.
KEEP = re.compile(r"/kernel/(arch|virt|crypto|lib|kernel|fs/fuse|"
                  r"drivers/(virtio|char|crypto/ccp|nvdimm|dax))/.*\.ko")


def zstd(options, data):
    command = ["zstd", "-q", "-c", *options]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def unpack_module(name, data):
    if name.endswith(".xz"):
        return lzma.decompress(data)
    if name.endswith(".zst"):
        return zstd(["-d"], data)
    return data


def unpack_vmlinuz(image):
    """What QEMU boots without unpacking it on an emulated CPU, which takes seconds: arm64's Image, or the ELF kernel inside a bzImage."""
    if image[56:60] == b"ARM\x64":
        return image
    if image[0x202:0x206] != b"HdrS":
        sys.exit("unpack.py: vmlinuz is neither a bzImage nor arm64's Image")
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = image[start:start + length]
    if payload.startswith(b"\xfd7zXZ"):
        vmlinux = lzma.LZMADecompressor().decompress(payload)
    elif payload.startswith(b"\x28\xb5\x2f\xfd"):
        # The last four bytes are the unpacked size, for the kernel's own use.
        vmlinux = zstd(["-d"], payload[:-4])
    else:
        sys.exit(f"unpack.py: vmlinuz is packed in an unknown way ({payload[:4].hex()})")
    if not vmlinux.startswith(b"\x7fELF"):
        sys.exit("unpack.py: no ELF file inside vmlinuz")
    return vmlinux


def without_signature(module):
    """Unsigned modules load too, and save hashing megabytes on an emulated CPU: half a second."""
    mark = b"~Module signature appended~\n"
    if not module.endswith(mark):
        return module
    # Before the mark: the signature, then 12 bytes that end in its length.
    length, = struct.unpack(">I", module[-len(mark) - 4:-len(mark)])
    return module[:-len(mark) - 12 - length]


def module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


class Packages:
    """What was found in the packages so far."""

    def __init__(self):
        self.vmlinuz = None
        self.config = None
        self.modules = {}  # name -> (file name, content as packed)
        self.builtin = set()

    def read(self, path):
        command = ["dpkg-deb", "--fsys-tarfile", path]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    if member.isfile():
                        self.take(member.name, lambda: archive.extractfile(member).read())
        if process.returncode:
            sys.exit(f"unpack.py: cannot read {path}")

    def take(self, path, content):
        base = os.path.basename(path)
        if base.startswith("vmlinuz"):
            self.vmlinuz = content()
        elif base == "config" or base.startswith("config-"):
            self.config = content()
        elif base == "modules.builtin":
            self.builtin = {module_name(line) for line in content().decode().split()}
        elif KEEP.search(path):
            self.modules[module_name(base)] = (base, content())


def depends(content):
    """The modules that a module's .modinfo says it needs."""
    found = re.search(rb"\0depends=([^\0]*)\0", content)
    names = found.group(1).decode().split(",") if found else []
    return [name.replace("-", "_") for name in names if name]


def load_order(wanted, packages, contents):
    """wanted and what they need, each after what it needs. contents gains the unpacked modules."""
    order = []

    def visit(name):
        if name in order or name in packages.builtin:
            return
        if name not in packages.modules:
            sys.exit(f"unpack.py: no module {name} in the packages, and it is not built in")
        contents[name] = without_signature(unpack_module(*packages.modules[name]))
        for needed in depends(contents[name]):
            visit(needed)
        order.append(name)

    for name in wanted:
        visit(name)
    return order


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("dir")
    parser.add_argument("packages", nargs="+")
    parser.add_argument("--boot", nargs="+", default=[])
    parser.add_argument("--kvm", nargs="*", default=[])
    args = parser.parse_args()

    packages = Packages()
    for path in args.packages:
        packages.read(path)
    if packages.vmlinuz is None or packages.config is None:
        sys.exit("unpack.py: no vmlinuz or no config in the packages")
    contents = {}
    boot = load_order(args.boot, packages, contents)
    kvm = [name for name in load_order(args.kvm, packages, contents) if name not in boot]

    write(f"{args.dir}/vmlinux.zst", zstd(["-9"], unpack_vmlinuz(packages.vmlinuz)))
    write(f"{args.dir}/config", packages.config)
    os.mkdir(f"{args.dir}/modules")
    for name, content in contents.items():
        write(f"{args.dir}/modules/{name}.ko", content)
    lines = [f"boot {name}\n" for name in boot] + [f"kvm {name}\n" for name in kvm]
    write(f"{args.dir}/load-order", "".join(lines).encode())


main()
