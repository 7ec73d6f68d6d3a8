#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Takes out of a kernel's packages, or of what a build has left, what a lab VM needs: vmlinux.zst,
# config, modules/NAME.ko (plain) and load-order, written into a directory. Run by the lab only.
"""unpack.py DIR PACKAGE... --boot MODULE... --kvm [MODULE...]
unpack.py DIR --image FILE [--modules DIR] --boot MODULE... --kvm [MODULE...]

Of --modules all directories below are searched. Where nothing says what is built in, what is no module is taken for that."""

import argparse
import gzip
import lzma
import os
import re
import struct
import subprocess
import sys
import tarfile

import image
from image import Unfit

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
        return image.unzstd(data)
    if name.endswith(".gz"):
        return gzip.decompress(data)
    return data


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
        self.modules = {}  # name -> (file name, what reads its content as packed)
        self.builtin = set()
        self.complete = True  # a module that is neither is missing

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
            data = content()
            self.modules[module_name(base)] = (base, lambda: data)


class Build:
    """The same, of an image and a directory with modules, as a build tree and `make modules_install` have them."""

    def __init__(self, path, modules):
        with open(path, "rb") as file:
            self.vmlinuz = file.read()
        config = image.config_of(path)
        image.check_config(config)
        self.config = "".join(f"CONFIG_{name}={value}\n" for name, value in config.items()).encode()
        self.modules = {}
        self.builtin = set()
        self.complete = False
        for directory, _, files in os.walk(modules or "/nonexistent"):
            self.take(directory, files)

    def take(self, directory, files):
        for base in files:
            path = f"{directory}/{base}"
            if re.search(r"\.ko(\.(xz|zst|gz))?$", base):
                self.modules[module_name(base)] = (base, lambda path=path: read(path))
            elif base == "modules.builtin":
                self.builtin |= {module_name(line) for line in read(path).decode().split()}
                self.complete = True


def depends(content):
    """The modules that a module's .modinfo says it needs."""
    found = re.search(rb"\0depends=([^\0]*)\0", content)
    names = found.group(1).decode().split(",") if found else []
    return [name.replace("-", "_") for name in names if name]


def module_content(name, packed):
    """A module as it is loaded, without what only makes it larger."""
    content = without_signature(unpack_module(name, packed()))
    return image.stripped(content, "--strip-debug") if b"\0.debug_info\0" in content else content


def load_order(wanted, packages, contents):
    """wanted and what they need, each after what it needs. contents gains the unpacked modules."""
    order = []

    def visit(name):
        if name in order or name in packages.builtin:
            return
        if name not in packages.modules:
            if not packages.complete:
                return
            raise Unfit(f"no module {name}, and it is not built in. Build it, or name the directory that has it with --modules")
        contents[name] = module_content(*packages.modules[name])
        for needed in depends(contents[name]):
            visit(needed)
        order.append(name)

    for name in wanted:
        visit(name)
    return order


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def find(args):
    """Where all of it is to be taken from."""
    if args.image:
        return Build(args.image, args.modules)
    packages = Packages()
    for path in args.packages:
        packages.read(path)
    if packages.vmlinuz is None or packages.config is None:
        sys.exit("unpack.py: no vmlinuz or no config in the packages")
    return packages


def take_out(args):
    found = find(args)
    contents = {}
    boot = load_order(args.boot, found, contents)
    # Whoever builds a kernel need not build it for all processors.
    wanted = [name for name in args.kvm if not args.image or name in found.modules]
    kvm = [name for name in load_order(wanted, found, contents) if name not in boot]

    # What is kept for long is packed well.
    write(f"{args.dir}/vmlinux.zst", zstd(["-1" if args.image else "-9"], image.bootable(found.vmlinuz)))
    write(f"{args.dir}/config", found.config)
    os.mkdir(f"{args.dir}/modules")
    for name, content in contents.items():
        write(f"{args.dir}/modules/{name}.ko", content)
    lines = [f"boot {name}\n" for name in boot] + [f"kvm {name}\n" for name in kvm]
    write(f"{args.dir}/load-order", "".join(lines).encode())


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("dir")
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--image")
    parser.add_argument("--modules")
    parser.add_argument("--boot", nargs="+", default=[])
    parser.add_argument("--kvm", nargs="*", default=[])
    try:
        take_out(parser.parse_args())
    except (OSError, Unfit) as error:
        sys.exit(str(error))


main()
