#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Hands on what comes out of a lab VM. Reads three FIFOs that QEMU writes (lab.out, lab.err and
# lab.status in DIR): copies the first two to standard output and error as they come; the third says
# "start", and at the end "exit STATUS OUT ERR" with the number of bytes that COMMAND wrote, so that
# this process knows when it has them all, whatever is still on its way. Run by `lab run` only.
"""relay.py DIR SECONDS
Exit status: 0 with COMMAND's in DIR/status; 1 when the VM ended without one; 2 when it has not
after SECONDS."""

import os
import selectors
import sys
import time


def write_all(fd, data):
    """False when nobody reads this any more."""
    while data:
        try:
            data = data[os.write(fd, data):]
        except BrokenPipeError:
            return False
    return True


class Stream:
    """Copies one FIFO to one descriptor, and counts."""

    def __init__(self, path, to):
        # Not blocking: QEMU opens its end later. Until then there is nothing to read, and no end of
        # file to see either.
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.to = to
        self.count = 0
        self.reader = True

    def ready(self):
        """Takes what is there; false at end of file."""
        data = os.read(self.fd, 1 << 16)
        self.count += len(data)
        if self.reader:
            self.reader = write_all(self.to, data)
        return bool(data)


class Status:
    """Collects the lines of the status port."""

    def __init__(self, path, started):
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.text = ""
        self.started = started
        self.exit = None

    def ready(self):
        data = os.read(self.fd, 4096)
        *lines, self.text = (self.text + data.decode("ascii", "replace")).split("\n")
        for line in lines:
            if line == "start":
                with open(self.started, "w", encoding="ascii") as file:
                    file.write(f"{time.time()}\n")
            elif line.startswith("exit "):
                self.exit = [int(word) for word in line.split()[1:]]
        return bool(data)


def main():
    directory = sys.argv[1]
    deadline = time.monotonic() + float(sys.argv[2])
    out = Stream(f"{directory}/lab.out", 1)
    err = Stream(f"{directory}/lab.err", 2)
    status = Status(f"{directory}/lab.status", f"{directory}/started")
    selector = selectors.DefaultSelector()
    for source in (out, err, status):
        selector.register(source.fd, selectors.EVENT_READ, source)
    while selector.get_map():
        left = deadline - time.monotonic()
        if left <= 0:
            return 2
        for key, _ in selector.select(left):
            if not key.data.ready():
                selector.unregister(key.fd)
        if status.exit and status.exit[1:] == [out.count, err.count]:
            with open(f"{directory}/status", "w", encoding="ascii") as file:
                file.write(f"{status.exit[0]}\n")
            return 0
    return 1


sys.exit(main())
