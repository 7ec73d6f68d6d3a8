#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Becomes the virtiofsd that serves one directory to a lab VM. Makes the listening socket itself and
# hands it over: the virtiofsd of QEMU 7.2 leaves a lock file in /run behind for a socket that it
# made. Run by `lab run` only, which gives it a mount namespace of its own if it is to make the file
# system read-only.
"""fs-server.py [--read-only [--user-space=DIR]] VIRTIOFSD SOCKET DIRECTORY
With --user-space, DIRECTORY (empty until now) becomes this machine's root with the programs and libraries of DIR, which may be
those of another architecture."""

import os
import socket
import subprocess
import sys


# What a user space is, and what a VM mounts for itself. All else of a root is data, and as here.
PROGRAMS = ("bin", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr", "var")
MOUNTED = ("dev", "proc", "run", "sys")


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def graft(source, target):
    """Makes @source visible as @target."""
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    os.makedirs(target, exist_ok=True)
    # Of /tmp not what is mounted in it, since @target may be there.
    mount("--bind" if source == "/tmp" else "--rbind", source, target)


def make_tree(user_space, tree):
    """A root in @tree: see above."""
    mount("-t", "tmpfs", "-o", "mode=755", "tree", tree)
    for name in sorted({*os.listdir("/"), *os.listdir(user_space)}):
        source = f"{user_space}/{name}" if name in PROGRAMS else f"/{name}"
        if name in MOUNTED:
            os.mkdir(f"{tree}/{name}")
        elif os.path.isdir(source):
            graft(source, f"{tree}/{name}")
    here = os.getcwd()
    if here.split("/")[1] in PROGRAMS:
        graft(here, tree + here)


def make_read_only():
    """Every mount on its own: one flag for all of them needs a newer mount(8) than Debian 12's."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        points = [line.split()[4] for line in file]
    for point in points:
        if point == "/" or not point.startswith(("/proc", "/sys", "/dev")):
            subprocess.run(["mount", "-o", "remount,bind,ro", point], stderr=subprocess.DEVNULL,
                           check=point == "/")


def main():
    *options, server, path, directory = sys.argv[1:]
    read_only = "--read-only" in options
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    os.set_inheritable(listener.fileno(), True)
    for option in options:
        if option.startswith("--user-space="):
            make_tree(option.partition("=")[2], directory)
    if read_only:
        make_read_only()
    # The host does not change its programs while a VM runs; in a shared directory, it may.
    cache = "always" if read_only else "auto"
    if server.startswith("/usr/lib/qemu/"):
        options = ["-o", f"source={directory},cache={cache},sandbox=chroot"]
    else:
        options = ["--shared-dir", directory, "--cache", cache, "--sandbox", "chroot"]
    os.execv(server, [server, f"--fd={listener.fileno()}", *options])


main()
