#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Becomes the virtiofsd that serves one directory to a lab VM. Makes the listening socket itself and
# hands it over: the virtiofsd of QEMU 7.2 leaves a lock file in /run behind for a socket that it
# made. Run by `lab run` only, which gives it a mount namespace of its own if it is to make the file
# system read-only.
"""fs-server.py [--read-only] VIRTIOFSD SOCKET DIRECTORY"""

import os
import socket
import subprocess
import sys


def make_read_only():
    """Every mount on its own: one flag for all of them needs a newer mount(8) than Debian 12's."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        points = [line.split()[4] for line in file]
    for point in points:
        if point == "/" or not point.startswith(("/proc", "/sys", "/dev")):
            subprocess.run(["mount", "-o", "remount,bind,ro", point], stderr=subprocess.DEVNULL,
                           check=point == "/")


def main():
    read_only = sys.argv[1] == "--read-only"
    server, path, directory = sys.argv[-3:]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    os.set_inheritable(listener.fileno(), True)
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
