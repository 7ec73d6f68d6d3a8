#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Picks out of a stream of kernel packages what a lab VM needs. Reads the packages' tar streams, one after the other, on stdin;
# writes vmlinuz, config, modules/NAME.ko (unpacked) and load-order into a directory. Run by `lab fetch` only.
"""modules.py DIR --boot MODULE... --kvm MODULE..."""

import argparse
import lzma
import os
import re
import subprocess
import sys
import tarfile

# Where the wanted modules and all they depend on live. Keeping only these keeps memory small: the rest of a package is drivers.
KEEP = re.compile(r"/kernel/(arch|virt|crypto|lib|kernel|fs/fuse|drivers/(virtio|char|crypto/ccp|nvdimm|dax))/.*\.ko")


def unpack(name, data):
    if name.endswith(".xz"):
        return lzma.decompress(data)
    if name.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def read_packages(stream, out):
    """Writes vmlinuz and config to out; returns {module name: (path, packed content)} and the names of what is built in."""
    modules, builtin = {}, set()
    # ignore_zeros: the streams of several packages follow each other, each with an end mark of zeros.
    packages = tarfile.open(fileobj=stream, mode="r|", ignore_zeros=True)
    for member in packages:
        if not member.isfile():
            continue
        base = os.path.basename(member.name)
        if base.startswith("vmlinuz"):
            write(os.path.join(out, "vmlinuz"), packages.extractfile(member).read())
        elif base == "config" or base.startswith("config-"):
            write(os.path.join(out, "config"), packages.extractfile(member).read())
        elif base == "modules.builtin":
            builtin = {module_name(line) for line in packages.extractfile(member).read().decode().split()}
        elif KEEP.search(member.name):
            modules[module_name(base)] = (base, packages.extractfile(member).read())
    return modules, builtin


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def depends(content):
    """The modules that a module's .modinfo says it needs."""
    found = re.search(rb"\0depends=([^\0]*)\0", content)
    return [name.replace("-", "_") for name in found.group(1).decode().split(",") if name] if found else []


def load_order(wanted, contents, modules, builtin):
    """wanted and what they need, each after what it needs. contents gains the unpacked modules."""
    order = []

    def visit(name):
        if name in order or name in builtin:
            return
        if name not in modules:
            sys.exit(f"modules.py: no module {name} in the packages, and it is not built in")
        contents[name] = unpack(*modules[name])
        for needed in depends(contents[name]):
            visit(needed)
        order.append(name)

    for name in wanted:
        visit(name)
    return order


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("dir")
    parser.add_argument("--boot", nargs="+", default=[])
    parser.add_argument("--kvm", nargs="+", default=[])
    args = parser.parse_args()

    modules, builtin = read_packages(sys.stdin.buffer, args.dir)
    for name in ("vmlinuz", "config"):
        if not os.path.exists(os.path.join(args.dir, name)):
            sys.exit(f"modules.py: no {name} in the packages")
    contents = {}
    boot = load_order(args.boot, contents, modules, builtin)
    kvm = [name for name in load_order(args.kvm, contents, modules, builtin) if name not in boot]
    os.mkdir(os.path.join(args.dir, "modules"))
    for name, content in contents.items():
        write(os.path.join(args.dir, "modules", name + ".ko"), content)
    lines = [f"boot {name}\n" for name in boot] + [f"kvm {name}\n" for name in kvm]
    write(os.path.join(args.dir, "load-order"), "".join(lines).encode())


main()
